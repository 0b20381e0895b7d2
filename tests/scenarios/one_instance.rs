//! The program is started again while it runs: there stays one of it, and its window comes forward.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use rustix::process::Signal;

#[tokio::test]
async fn later_starts_hand_over_to_the_first() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let window = user.open("one-instance").await?;
    shows_phase(&window, "up", Duration::from_secs(20)).await?;
    let first = window.pid()?;

    for _ in 0..3 {
        let again = user.launch()?;
        let status = again
            .ended(Duration::from_secs(20))
            .await
            .with_context(|| format!("{}{}", again.stdout(), again.stderr()))?;
        ensure!(
            status.success(),
            "{status}\n{}{}",
            again.stdout(),
            again.stderr()
        );
    }

    shows_phase(&window, "up", Duration::from_secs(5)).await?;
    ensure!(window.pid()? == first, "another process has the window");
    ensure!(home.ssh.logins() == 1, "{}", home.ssh.log());
    let visible = window
        .client()
        .execute("return document.visibilityState", Vec::new())
        .await?;
    ensure!(visible == "visible", "the window is {visible}");
    window.close().await
}

#[tokio::test]
async fn a_start_while_the_first_one_quits_takes_its_place() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let mut running = user.launch()?;
    for logins in 1..=4 {
        until("the login", Duration::from_secs(60), async || {
            ensure!(
                running.has_ended()?.is_none(),
                "start {logins} ended\n{}",
                running.last_lines(20)
            );
            Ok((home.ssh.logins() == logins).then_some(()))
        })
        .await?;
        running.signal(Signal::TERM);
        let next = user.launch()?;
        running.ended(Duration::from_secs(30)).await?;
        running = next;
    }
    Ok(())
}
