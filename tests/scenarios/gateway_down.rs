//! The server is up and its gateway is not: the tunnel stays, and the gateway is found by itself.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::cli::CommandLine;
use e2e::gateway::{Release, TestGateway};
use e2e::home_server::{ssh_flags, trust};
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;

#[tokio::test]
async fn a_gateway_that_starts_later_is_found_without_signing_in_again() -> Result<()> {
    let ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let mut gateway = TestGateway::start(Release::V4).await?;
    gateway.stop().await?;
    let user = CommandLine::new()?;
    trust(&ssh, user.known_hosts())?;
    let mut flags = ssh_flags(&ssh, gateway.port())?;
    flags.extend([
        "--token-file".to_owned(),
        gateway.token_file().display().to_string(),
    ]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let mut connecting = user.connect(&flags)?;
    let down = connecting
        .reaches("up_gateway_down", Duration::from_secs(20))
        .await?;
    let text = down["problem"]["message"].as_str().context("no message")?;
    ensure!(
        text.contains(&gateway.port().to_string()),
        "no port in: {text}"
    );

    gateway.start_again().await?;
    connecting.reaches("up", Duration::from_secs(10)).await?;
    ensure!(ssh.logins() == 1, "{}", ssh.log());
    ensure!(connecting.interrupt(Duration::from_secs(2)).await?.code() == Some(0));
    Ok(())
}
