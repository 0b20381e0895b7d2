//! A server nobody has met: the user is asked before anything about them leaves.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::app::{AppUser, first_run, shows_phase};
use e2e::cli::{CommandLine, phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::{HomeServer, ssh_flags};
use e2e::ports;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;

#[tokio::test]
async fn without_a_terminal_the_question_ends_the_run_and_nothing_is_stored() -> Result<()> {
    let ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    let flags = ssh_flags(&ssh, ports::free_port()?)?;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let connecting = user.connect(&flags)?;
    let ended = connecting.ended(Duration::from_secs(20)).await?;

    let states = connecting.states()?;
    let asked = states.iter().find(|state| phase(state) == "host_key");
    let shown = asked.map(ToString::to_string).unwrap_or_default();
    let fingerprint = ssh.host_fingerprint().await?;
    ensure!(
        shown.contains(&fingerprint),
        "{fingerprint} is not in: {shown}"
    );
    ensure!(ended.code() == Some(3), "{ended:?}");
    ensure!(ssh.connections() == 1, "{}", ssh.log());
    ensure!(
        ssh.sign_in_attempts() == 0,
        "a user name left the machine\n{}",
        ssh.log()
    );
    ensure!(!user.known_hosts().exists(), "the key was stored");
    Ok(())
}

#[tokio::test]
async fn a_key_other_than_the_one_demanded_is_not_trusted() -> Result<()> {
    let ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let other = TestSshServer::start(SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    let fingerprint = other.host_fingerprint().await?;
    let mut flags = ssh_flags(&ssh, ports::free_port()?)?;
    flags.extend(["--accept-host-key".to_owned(), fingerprint]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let connecting = user.connect(&flags)?;
    let ended = connecting.ended(Duration::from_secs(20)).await?;

    ensure!(ended.code() == Some(3), "{ended:?}");
    ensure!(ssh.sign_in_attempts() == 0, "{}", ssh.log());
    ensure!(!user.known_hosts().exists(), "the key was stored");
    Ok(())
}

#[tokio::test]
async fn in_the_window_cancel_stores_nothing() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    let window = user.open("unknown-host-key").await?;
    first_run(
        &window,
        &home.ssh,
        home.gateway.port(),
        home.gateway.token(),
    )
    .await?;

    let fingerprint = home.ssh.host_fingerprint().await?;
    window
        .attribute(
            &["fingerprint"],
            "data-value",
            Duration::from_secs(20),
            |shown| shown == fingerprint,
        )
        .await?;
    window.picture("asked").await?;
    window.click("dialog-cancel").await?;
    shows_phase(&window, "paused", Duration::from_secs(10)).await?;
    window.picture("cancelled").await?;

    ensure!(home.ssh.sign_in_attempts() == 0, "{}", home.ssh.log());
    ensure!(!user.known_hosts().exists(), "the key was stored");
    window.close().await
}
