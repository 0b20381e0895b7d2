//! "Also use this for the openclaw command": the change is seen first, the official program reads what
//! was written, and what somebody else wrote meanwhile stays.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::{Release, official_program};
use e2e::home_server::HomeServer;
use e2e::ssh_server::config::SshServerConfig;

const SOON: Duration = Duration::from_secs(30);
/// A whole Node.js start.
const OFFICIAL: Duration = Duration::from_secs(120);

const OFFICIAL_CONFIG: &str = "// mine, and older than the app
{
  update: { checkOnStart: false }, // no surprises
  gateway: {
    mode: 'remote', /* since the box came */
    remote: {
      sshTarget: 'TARGET', token: 'TOKEN',
      url: 'ws://127.0.0.1:1', // the old one
    },
  },
}
";

#[tokio::test]
async fn the_official_program_reads_what_was_seen_and_written() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let file = user.home().home().join(".openclaw/openclaw.json");
    let before = OFFICIAL_CONFIG
        .replace("TARGET", &home.ssh.target())
        .replace("TOKEN", home.gateway.token());
    fs::write(&file, &before)?;
    let window = user.open("openclaw-change").await?;
    shows_phase(&window, "up", SOON).await?;
    window.click("nav-settings").await?;

    // Somebody else is faster the first time.
    window.click("openclaw-change-show").await?;
    window.element_within("openclaw-change-write", SOON).await?;
    window.picture("shown").await?;
    let shown = window.text("dialog").await?;
    ensure!(shown.contains("ws://127.0.0.1:"), "{shown}");
    ensure!(!shown.contains(home.gateway.token()), "the token is shown");
    let theirs = before.replace("no surprises", "theirs");
    fs::write(&file, &theirs)?;
    window.click("openclaw-change-write").await?;
    window
        .shows("problem", SOON, |text| text.contains("somebody else"))
        .await?;
    window.picture("conflict").await?;
    ensure!(fs::read_to_string(&file)? == theirs, "it was written over");

    window.click("openclaw-change-again").await?;
    window.element_within("openclaw-change-write", SOON).await?;
    window.click("openclaw-change-write").await?;
    window
        .shows("openclaw-change-state", SOON, |text| {
            text.contains("Written")
        })
        .await?;
    window.picture("written").await?;
    window.close().await?;

    let after = fs::read_to_string(&file)?;
    for kept in [
        "// mine, and older than the app\n",
        "  update: { checkOnStart: false }, // theirs\n",
        "    mode: 'remote', /* since the box came */\n",
        "\", // the old one\n",
        home.gateway.token(),
    ] {
        ensure!(after.contains(kept), "{kept} is missing in {after}");
    }
    let local = user.local_port()?;
    for (key, expected) in [
        ("gateway.remote.url", format!("ws://127.0.0.1:{local}")),
        ("gateway.remote.sshTarget", home.ssh.target()),
    ] {
        let said = official_program(Release::V4, user.home())?
            .args(["config", "get", key])
            .run(OFFICIAL)
            .await?;
        let told = said.stdout.trim().to_owned();
        let last = told.lines().next_back().context("it says nothing")?;
        ensure!(last == expected, "{told}{}", said.stderr);
    }
    Ok(())
}
