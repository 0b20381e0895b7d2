//! The main job: an address, a trusted key, and the gateway answers, with no shell and no `ssh`.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::app::{AppUser, first_message, first_run, only_web_processes, shows_phase};
use e2e::cli::{CommandLine, local_port};
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::ssh_server::config::SshServerConfig;
use tokio::time::Instant;

/// The promise: from the address to a working connection.
const PROMISE: Duration = Duration::from_secs(20);

async fn connects(release: Release) -> Result<()> {
    let home = HomeServer::with_shared_gateway(release, SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    let mut flags = home.flags()?;
    flags.extend([
        "--accept-host-key".to_owned(),
        home.ssh.host_fingerprint().await?,
    ]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let began = Instant::now();
    let mut connecting = user.connect(&flags)?;
    let up = connecting.reaches("up", PROMISE).await?;
    ensure!(began.elapsed() <= PROMISE, "up after {:?}", began.elapsed());
    ensure!(
        up["gateway"]["version"].as_str() == Some(release.version()),
        "another gateway: {up}"
    );
    ensure!(
        connecting.process().descendants().is_empty(),
        "a program was started"
    );
    ensure!(user.known_hosts().exists(), "the accepted key was not kept");

    // What other programs find at the local port is that gateway.
    let url = format!("ws://127.0.0.1:{}", local_port(&up)?);
    let token = home.gateway.token_file().display().to_string();
    user.run(&[
        "gateway",
        "health",
        "--url",
        &url,
        "--token-file",
        &token,
        "--timeout",
        "30000",
    ])
    .await?
    .ok()?;

    ensure!(connecting.interrupt(Duration::from_secs(2)).await?.code() == Some(0));
    Ok(())
}

#[tokio::test]
async fn without_a_shell_on_the_current_release() -> Result<()> {
    connects(Release::V4).await
}

#[tokio::test]
async fn without_a_shell_on_the_older_release() -> Result<()> {
    connects(Release::V3).await
}

async fn through_the_window(release: Release) -> Result<()> {
    let home = HomeServer::with_shared_gateway(release, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    let window = user
        .open(&format!("first-connection-{}", release.version()))
        .await?;
    first_run(
        &window,
        &home.ssh,
        home.gateway.port(),
        home.gateway.token(),
    )
    .await?;

    let fingerprint = home.ssh.host_fingerprint().await?;
    window
        .attribute(&["fingerprint"], "data-value", PROMISE, |shown| {
            shown == fingerprint
        })
        .await?;
    window.picture("trust").await?;
    ensure!(home.ssh.sign_in_attempts() == 0, "{}", home.ssh.log());
    window.click("trust").await?;
    shows_phase(&window, "up", PROMISE).await?;
    window.picture("connected").await?;

    first_message(&window).await?;

    only_web_processes(&window)?;
    window.close().await
}

#[tokio::test]
async fn through_the_window_on_the_current_release() -> Result<()> {
    through_the_window(Release::V4).await
}

#[tokio::test]
async fn through_the_window_on_the_older_release() -> Result<()> {
    through_the_window(Release::V3).await
}
