//! A server that lets the user in but forbids port forwarding: the text says exactly that.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::cli::{CommandLine, cause};
use e2e::home_server::{ssh_flags, trust};
use e2e::ports;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;

#[tokio::test]
async fn the_text_names_forwarding_and_not_the_gateway_or_a_password() -> Result<()> {
    let config = SshServerConfig {
        allow_forwarding: false,
        ..SshServerConfig::default()
    };
    let ssh = TestSshServer::start(config).await?;
    let user = CommandLine::new()?;
    trust(&ssh, user.known_hosts())?;
    let flags = ssh_flags(&ssh, ports::free_port()?)?;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let mut connecting = user.connect(&flags)?;
    let paused = connecting
        .reaches("paused", Duration::from_secs(20))
        .await?;

    ensure!(cause(&paused) == "forwardProhibited", "{paused}");
    let text = paused["problem"]["message"]
        .as_str()
        .unwrap_or_default()
        .to_lowercase();
    ensure!(text.contains("forward"), "{text}");
    ensure!(
        !text.contains("password") && !text.contains("token"),
        "{text}"
    );
    ensure!(!text.contains("gateway"), "{text}");
    Ok(())
}
