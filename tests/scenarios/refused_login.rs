//! A server that knows none of the user's keys is asked once.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::cli::{CommandLine, cause};
use e2e::home_server::{ssh_flags, trust};
use e2e::ports;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::throughout;

#[tokio::test]
async fn one_connection_is_made_and_the_next_step_is_signing_in() -> Result<()> {
    let config = SshServerConfig {
        knows_client_key: false,
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

    ensure!(cause(&paused) == "authRefused", "{paused}");
    let problem = paused.get("problem").context("no problem")?;
    ensure!(problem["action"] == "signIn", "{problem}");
    throughout("one connection", Duration::from_secs(5), async || {
        Ok(ssh.connections() == 1)
    })
    .await
    .with_context(|| ssh.log())?;
    ensure!(connecting.ended(Duration::from_secs(5)).await?.code() == Some(3));
    Ok(())
}
