//! In the window: the failing step carries its button, and pressing it makes the next check well.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::forwarding_proxy::ForwardingProxy;
use e2e::gateway::{Release, TestGateway};
use e2e::server_account::ServerAccount;
use e2e::webdriver::Window;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
/// A gateway's start, and a check after it.
const LONG: Duration = Duration::from_secs(240);

/// Waits until the repair has ended well, and closes it.
async fn ends_well(window: &Window) -> Result<()> {
    window
        .attribute(&["repair"], "data-step", LONG, |step| {
            step == "done" || step == "failed"
        })
        .await?;
    window.picture("ended").await?;
    window
        .attribute(&["repair"], "data-well", SOON, |well| well == "true")
        .await?;
    window.click("repair-close").await
}

#[tokio::test]
async fn a_stopped_gateway_is_started_by_a_button_that_shows_the_command() -> Result<()> {
    let server = ServerAccount::start().await?;
    let manager = server.has_service_manager().await?;
    let mut gateway = TestGateway::start(Release::V4).await?;
    gateway.stop().await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&server.ssh, &gateway)?;
    let window = user.open("repair-start").await?;
    shows_phase(&window, "up_gateway_down", SOON).await?;

    window.click("problem-action").await?;
    window
        .shows("repair-command", SOON, |text| {
            text == "openclaw gateway start"
        })
        .await?;
    window.picture("offered").await?;
    ensure!(server.ran()?.is_empty(), "it ran before it was agreed to");
    window.click("dialog-cancel").await?;
    window.click("problem-action").await?;
    let press = async {
        window.element_within("repair-run", SOON).await?;
        window.click("repair-run").await
    };
    let (pressed, started) = tokio::join!(press, manager.starts(&mut gateway));
    pressed?;
    started?;
    ends_well(&window).await?;
    shows_phase(&window, "up", SOON).await?;
    ensure!(server.ran()? == ["systemctl --user start openclaw-gateway.service"]);

    // The log comes over the gateway now.
    window.click("nav-server").await?;
    window.element_within("open-log", SOON).await?;
    window.click("open-log").await?;
    window
        .shows("log-text", SOON, |text| text.contains("gateway"))
        .await?;
    window.picture("log").await?;
    window.click("log-close").await?;
    window.close().await
}

#[tokio::test]
async fn a_token_that_was_rotated_is_fetched_and_the_check_is_run_again() -> Result<()> {
    let server = ServerAccount::start().await?;
    let gateway = TestGateway::shared(Release::V4).await?;
    server.configures(&gateway)?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&server.ssh, &gateway)?;
    // The gateway's token was another one when this was written.
    let official = user.home().home().join(".openclaw/openclaw.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&official)?)?;
    let remote = config.pointer_mut("/gateway/remote").context("no remote")?;
    remote["token"] = json!("of another time, and long enough");
    fs::write(&official, config.to_string())?;
    let window = user.open("repair-token").await?;
    shows_phase(&window, "paused", SOON).await?;
    window.click("run-check").await?;
    window.element_within("check-step-action", SOON).await?;
    window.picture("refused").await?;

    window.click("fetch-secret-button").await?;

    shows_phase(&window, "up", SOON).await?;
    window.click("nav-server").await?;
    window
        .shows("check-summary", SOON, |text| {
            text.contains("Every step is well")
        })
        .await?;
    window.picture("well").await?;
    ensure!(server.ran()?.is_empty(), "a command was run");
    window.close().await
}

#[tokio::test]
async fn this_device_is_approved_by_a_button_and_connects() -> Result<()> {
    let gateway = TestGateway::start_proxied(Release::V4).await?;
    let server = ServerAccount::of_gateway(Release::V4, &gateway).await?;
    let proxy = ForwardingProxy::start(gateway.port()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&server.ssh, &gateway)?;
    let mut settings: Value = serde_json::from_slice(&fs::read(user.settings_file())?)?;
    settings["profiles"][0]["remotePort"] = json!(proxy.port());
    fs::write(user.settings_file(), settings.to_string())?;
    let window = user.open("repair-approve").await?;
    shows_phase(&window, "paused", SOON).await?;

    window.click("problem-action").await?;
    window
        .shows("repair-command", SOON, |text| {
            text.starts_with("openclaw devices approve ")
        })
        .await?;
    window.picture("offered").await?;
    let shown = window.text("repair-command").await?;
    window.click("repair-run").await?;
    ends_well(&window).await?;

    shows_phase(&window, "up", SOON).await?;
    ensure!(server.ran()? == [shown], "{:?}", server.ran()?);
    window.close().await
}
