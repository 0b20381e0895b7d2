//! What the app keeps is shown by kind, and is gone from keychain and disk when somebody says so.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::app::{AppUser, first_run, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use e2e::webdriver::Window;

const SOON: Duration = Duration::from_secs(20);
const CONNECTED: Duration = Duration::from_secs(30);

/// Waits until the keychain holds nothing of this kind.
async fn keychain_without(user: &AppUser, kind: &str) -> Result<()> {
    until("the keychain", SOON, async || {
        let names = user.desktop().keychain_names().await?;
        Ok((!names.iter().any(|name| name.ends_with(kind))).then_some(()))
    })
    .await
}

/// Waits until the question is closed, which it is once the app has answered: a click before that goes to it.
async fn nothing_is_asked(window: &Window) -> Result<()> {
    until("the end of the question", SOON, async || {
        Ok((!window.has("dialog-confirm").await?).then_some(()))
    })
    .await
}

#[tokio::test]
async fn what_is_kept_is_shown_and_forgotten_piece_by_piece_and_as_a_whole() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    let window = user.open("privacy").await?;
    first_run(
        &window,
        &home.ssh,
        home.gateway.port(),
        home.gateway.token(),
    )
    .await?;
    window.click("trust").await?;
    shows_phase(&window, "up", CONNECTED).await?;
    window.click("first-run-open-chat").await?;
    window.click("nav-settings").await?;
    window
        .shows("privacy", SOON, |text| {
            ["Gateway token", "This device's token", "Key of this device"]
                .iter()
                .all(|kind| text.contains(kind))
        })
        .await?;
    window.picture("kept").await?;
    let shown = window.text("privacy").await?;
    ensure!(!shown.contains(home.gateway.token()), "the token is shown");

    window.click("privacy-delete").await?;
    window.picture("delete").await?;
    window.click("dialog-confirm").await?;
    keychain_without(&user, "/gatewayToken").await?;
    // Everything below it moves up.
    window
        .shows("privacy", SOON, |text| !text.contains("Gateway token"))
        .await?;
    nothing_is_asked(&window).await?;

    let data = user.home().data_home().join("openclaw-tray");
    ensure!(
        data.join("timeline.jsonl").exists(),
        "nothing was written down"
    );
    window.click("privacy-forget-history").await?;
    window.click("dialog-confirm").await?;
    until("no timeline", SOON, async || {
        Ok((!data.join("timeline.jsonl").exists()).then_some(()))
    })
    .await?;

    nothing_is_asked(&window).await?;
    window.click("privacy-reset").await?;
    window.picture("reset").await?;
    window.click("dialog-confirm").await?;
    window.element_within("first-run", SOON).await?;
    for kind in ["/deviceToken", "/deviceKey"] {
        keychain_without(&user, kind).await?;
    }
    ensure!(!user.known_hosts().exists(), "the server is still trusted");
    window.close().await
}
