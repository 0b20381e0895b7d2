//! A trusted server suddenly shows another key: everything stops, and trying again changes nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::cli::{CommandLine, cause, phase};
use e2e::gateway::Release;
use e2e::home_server::{HomeServer, trust};
use e2e::ssh_server::config::SshServerConfig;

#[tokio::test]
async fn a_changed_key_stops_a_running_connection_and_every_later_one() -> Result<()> {
    let mut home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    trust(&home.ssh, user.known_hosts())?;
    let trusted = std::fs::read(user.known_hosts())?;
    let flags = home.flags()?;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut connecting = user.connect(&flags)?;
    connecting.reaches("up", Duration::from_secs(20)).await?;
    let (before, channels) = (home.ssh.sign_in_attempts(), home.ssh.channels());

    home.ssh.stop();
    home.ssh.replace_host_key().await?;
    home.ssh.start_again().await?;

    let ended = connecting.ended(Duration::from_secs(60)).await?;
    ensure!(ended.code() == Some(3), "{ended:?}");
    let last = connecting.last()?;
    ensure!(
        cause(&last) == "hostKeyChanged" && matches!(phase(&last), "paused" | "host_key"),
        "{last}"
    );

    // Reconnecting by hand is no way past it either.
    let again = user.connect(&flags)?;
    let ended = again.ended(Duration::from_secs(30)).await?;
    ensure!(ended.code() == Some(3), "{ended:?}");
    ensure!(
        cause(&again.last()?) == "hostKeyChanged",
        "{}",
        again.last()?
    );

    ensure!(home.ssh.sign_in_attempts() == before, "{}", home.ssh.log());
    // No channel was opened, so nothing for the gateway can have left.
    ensure!(home.ssh.channels() == channels, "{}", home.ssh.log());
    ensure!(
        std::fs::read(user.known_hosts())? == trusted,
        "the list of trusted keys was changed"
    );
    Ok(())
}
