//! What needs its user while nobody looks is told by the desktop's notifications, in the user's language,
//! and without a word of what was said.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::AppUser;
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;

/// From the start of the program to a connection, on a loaded machine.
const UP: Duration = Duration::from_secs(90);

#[tokio::test]
async fn a_call_for_the_user_is_told_where_no_window_is_open_and_a_click_opens_it() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    let notifications = user.desktop().notifications().await?;
    user.has_met(&home.ssh, &home.gateway)?;
    // The server is as strange as on the first day.
    fs::remove_file(user.known_hosts())?;
    let app = user.launch_with(&["--hidden"], &[("LANG", "da_DK.UTF-8")])?;

    let call = notifications
        .titled("127.0.0.1 har brug for dig", UP)
        .await?;

    ensure!(
        call.body == "Sig, om serverens nøgle er den rigtige.",
        "{call:?}"
    );
    ensure!(
        call.actions
            .first()
            .is_some_and(|action| action == "default"),
        "{call:?}"
    );
    ensure!(call.replaces == 0, "{call:?}");
    let said = app.stdout();
    ensure!(said.contains("window=hidden"), "{said}");

    notifications.click(call.id).await?;
    // The window asks for everything once it has loaded, and the log tells of it.
    until("the window to open", UP, async || {
        Ok(app.stderr().contains("the window has loaded").then_some(()))
    })
    .await
    .with_context(|| app.last_lines(20))?;
    ensure!(
        notifications.shown().len() == 1,
        "{:?}",
        notifications.shown()
    );
    Ok(())
}
