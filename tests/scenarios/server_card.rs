//! What the window shows of a gateway that is well, and of the connection's last 24 hours.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::ssh_server::config::SshServerConfig;

const SOON: Duration = Duration::from_secs(30);

/// A minute is shown once it is over, and the window asks again with the next one.
const TWO_MINUTES: Duration = Duration::from_secs(130);

#[tokio::test]
async fn the_gateway_tells_of_itself_and_the_day_outlives_the_app() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let window = user.open("server-card").await?;
    shows_phase(&window, "up", SOON).await?;
    window.click("nav-server").await?;

    window
        .attribute(&["gateway-health"], "data-state", SOON, |state| {
            state == "well"
        })
        .await?;
    // The official gateway is a large program; a smaller figure would be of something else.
    window
        .shows("gateway-memory", SOON, |text| {
            let megabytes = text.trim_end_matches(" MB").parse::<u32>();
            megabytes.is_ok_and(|count| count > 100)
        })
        .await?;
    window
        .shows("gateway-conversations", SOON, |text| {
            text.parse::<u32>().is_ok()
        })
        .await?;
    window
        .shows("gateway-channels", SOON, |text| text.starts_with("none"))
        .await?;
    for testid in ["gateway-running", "gateway-nodes", "gateway-present"] {
        ensure!(!window.text(testid).await?.is_empty(), "{testid}");
    }
    window
        .shows("day-summary", TWO_MINUTES, |text| {
            text.starts_with("Connected")
        })
        .await?;
    window.picture("day").await?;
    window.close().await?;

    let days = user.home().data_home().join("openclaw-tray/days");
    let kept: Vec<_> = fs::read_dir(&days)?.collect::<Result<_, _>>()?;
    let [file] = &kept[..] else {
        anyhow::bail!("{kept:?}");
    };
    let mode = file.metadata()?.permissions().mode();
    ensure!(mode & 0o777 == 0o600, "{mode:o}");
    let name = file.file_name();
    let name = name.to_str().context("no text")?;
    ensure!(!name.contains(&home.ssh.port().to_string()), "{name}");

    let window = user.open("server-card-again").await?;
    shows_phase(&window, "up", SOON).await?;
    window.click("nav-server").await?;
    window
        .shows("day-summary", SOON, |text| text.starts_with("Connected"))
        .await?;
    window.close().await
}
