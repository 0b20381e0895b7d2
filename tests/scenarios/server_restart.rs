//! The server restarts: the connection comes back by itself, at the same local port.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::cli::{CommandLine, local_port};
use e2e::gateway::Release;
use e2e::home_server::{HomeServer, trust};
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::throughout;

async fn comes_back(release: Release) -> Result<()> {
    let mut home = HomeServer::with_shared_gateway(release, SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    trust(&home.ssh, user.known_hosts())?;
    let flags = home.flags()?;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut connecting = user.connect(&flags)?;
    let port = local_port(&connecting.reaches("up", Duration::from_secs(20)).await?)?;

    home.ssh.stop();
    connecting
        .reaches("retry_wait", Duration::from_secs(10))
        .await?;
    // The server is away for five seconds, whatever is tried meanwhile.
    throughout("our program", Duration::from_secs(5), async || {
        Ok(connecting.process().has_ended()?.is_none())
    })
    .await?;
    home.ssh.start_again().await?;

    let up = connecting.reaches("up", Duration::from_secs(10)).await?;
    ensure!(local_port(&up)? == port, "the local port moved: {up}");
    ensure!(connecting.interrupt(Duration::from_secs(2)).await?.code() == Some(0));
    Ok(())
}

#[tokio::test]
async fn it_is_up_again_within_ten_seconds_on_the_current_release() -> Result<()> {
    comes_back(Release::V4).await
}

#[tokio::test]
async fn it_is_up_again_within_ten_seconds_on_the_older_release() -> Result<()> {
    comes_back(Release::V3).await
}
