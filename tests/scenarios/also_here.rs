//! Another computer's gateway and one of our own: who has the local port, and that it is given back.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::http;
use e2e::ssh_server::config::SshServerConfig;
use e2e::webdriver::Window;

/// From one way of running to another, the new connection included.
const CHANGE: Duration = Duration::from_secs(30);

/// Returns the port the window names for local programs.
async fn local_address(window: &Window) -> Result<u16> {
    let text = window.text("local-address").await?;
    let port = text.rsplit(':').next().unwrap_or_default();
    Ok(port.trim_end_matches('/').parse()?)
}

async fn healthy(port: u16) -> Result<()> {
    let (status, body) = http::get(port, "/healthz").await?;
    ensure!(status == 200, "port {port}: {status} {body}");
    Ok(())
}

#[tokio::test]
async fn a_gateway_here_has_the_local_port_and_gives_it_back() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let port = user.local_port()?;
    let window = user.open("also-here").await?;
    shows_phase(&window, "up", CHANGE).await?;
    window.click("nav-server").await?;
    ensure!(local_address(&window).await? == port);
    healthy(port).await?;

    window.click("nav-settings").await?;
    window.unfold("advanced").await?;
    window.click("also-run-here").await?;
    window.picture("settings").await?;
    window.click("save").await?;
    window.click("nav-server").await?;
    let ours = format!("Runs in OpenClaw Tray (port {port})");
    window
        .shows("gateway-here", CHANGE, |text| text == ours)
        .await?;
    shows_phase(&window, "up", CHANGE).await?;
    let tunnel = local_address(&window).await?;
    ensure!(tunnel != port, "both are said to be at {port}");
    healthy(port).await?;
    healthy(tunnel).await?;
    let version = window.text("gateway-version").await?;
    ensure!(
        version.starts_with("20"),
        "not the other computer's: {version}"
    );
    window.picture("both").await?;

    // This computer's alone, in the running app: the tunnel's port is not in its way.
    window.click("nav-settings").await?;
    window.click("runs-this-computer").await?;
    window.click("save").await?;
    window.click("nav-server").await?;
    window
        .shows("gateway-version", CHANGE, |text| text.starts_with("0."))
        .await?;
    shows_phase(&window, "up", CHANGE).await?;
    healthy(port).await?;

    // And back: the gateway here ends, and the tunnel has the port again.
    window.click("nav-settings").await?;
    window.click("runs-another-computer").await?;
    window.unfold("advanced").await?;
    window.click("also-run-here").await?;
    window.click("save").await?;
    window.click("nav-server").await?;
    window
        .shows("gateway-version", CHANGE, |text| text.starts_with("20"))
        .await?;
    shows_phase(&window, "up", CHANGE).await?;
    ensure!(local_address(&window).await? == port);
    healthy(port).await?;
    window.close().await
}
