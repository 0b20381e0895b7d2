//! The tray of the built app, read and clicked over the bus as a panel does: what it says, what its rows
//! do, and panels that come late, go away and come back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::AppUser;
use e2e::desktop::{DesktopParts, TrayHost};
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::process::Running;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;

/// From a click to its effect, on a loaded machine.
const SOON: Duration = Duration::from_secs(60);

/// Waits until the menu has a line that begins like this; returns the whole menu.
async fn menu_with(tray: &TrayHost, line: &str) -> Result<Vec<(String, bool)>> {
    until(line, SOON, async || {
        let menu = tray.menu().await?;
        let found = menu.iter().any(|it| it.label.starts_with(line));
        Ok(found.then(|| {
            menu.into_iter()
                .map(|line| (line.label, line.enabled))
                .collect()
        }))
    })
    .await
}

async fn is_ready(app: &Running, window: &str) -> Result<()> {
    let wanted = format!("window={window}");
    app.says("that it is ready", SOON, |out| {
        out.contains(&wanted).then_some(())
    })
    .await
}

async fn shows_window(app: &Running) -> Result<()> {
    until("the window", SOON, async || {
        Ok(app.stderr().contains("the window has loaded").then_some(()))
    })
    .await
    .with_context(|| app.last_lines(20))
}

/// Puts a stand-in for the desktop's opener where the app looks for it; it notes what it is to open.
fn notes_what_is_opened(user: &AppUser) -> Result<()> {
    let opener = user.home().bin_dir().join("xdg-open");
    fs::write(
        &opener,
        "#!/bin/sh\nprintf '%s\\n' \"$1\" >> \"$HOME/opened\"\n",
    )?;
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[tokio::test]
async fn its_rows_say_how_things_are_and_do_what_they_say() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    notes_what_is_opened(&user)?;
    let app = user.launch_with(&["--hidden"], &[])?;
    is_ready(&app, "hidden").await?;
    let tray = user.desktop().tray()?;

    let menu = menu_with(tray, "Health ok · checked").await?;
    ensure!(menu[0].0.starts_with("Connected – "), "{menu:?}");
    let clickable: Vec<_> = menu
        .iter()
        .filter(|(_, enabled)| *enabled)
        .map(|(label, _)| label.as_str())
        .collect();
    let expected = [
        "Open Chat",
        "Quick Chat…",
        "Check My Server",
        "Disconnect",
        "Voice Wake",
        "Copy Local Address",
        "Diagnostics",
        "Open Log Folder",
        "Open Settings Folder",
        "Reset Tunnel",
        "Settings…",
        "About",
        "Quit",
    ];
    ensure!(clickable == expected, "{menu:?}");

    tray.click("Copy Local Address").await?;
    let address = format!("ws://127.0.0.1:{}", user.local_port()?);
    until("the address on the clipboard", SOON, async || {
        let pasted = user.desktop().pasted().await;
        Ok(pasted.is_ok_and(|text| text == address).then_some(()))
    })
    .await?;

    tray.click("Open Log Folder").await?;
    let logs = user.home().data_home().join("openclaw-tray/logs");
    let opened = user.home().home().join("opened");
    until("the folder in the file browser", SOON, async || {
        let noted = fs::read_to_string(&opened).unwrap_or_default();
        Ok((noted.trim_end() == logs.to_string_lossy()).then_some(()))
    })
    .await?;

    let logins = home.ssh.logins();
    tray.click("Reset Tunnel").await?;
    until("another login", SOON, async || {
        Ok((home.ssh.logins() > logins).then_some(()))
    })
    .await?;
    menu_with(tray, "Connected – ").await?;

    tray.click("Disconnect").await?;
    let menu = menu_with(tray, "Not connected").await?;
    for gone in ["Health ok", "Copy Local Address", "Reset Tunnel"] {
        ensure!(
            !menu.iter().any(|(label, _)| label.starts_with(gone)),
            "{menu:?}"
        );
    }
    tray.click("Connect").await?;
    menu_with(tray, "Connected – ").await?;
    ensure!(!app.stderr().contains("the window has loaded"));
    tray.click("Open Chat").await?;
    shows_window(&app).await?;

    tray.click("Quit").await?;
    ensure!(app.ended(SOON).await?.success());
    Ok(())
}

#[tokio::test]
async fn it_speaks_the_language_of_the_desktop() -> Result<()> {
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_chosen_this_computer()?;
    let app = user.launch_with(&["--hidden"], &[("LANG", "da_DK.UTF-8")])?;
    is_ready(&app, "hidden").await?;

    let menu = menu_with(user.desktop().tray()?, "Helbred i orden · tjekket").await?;

    ensure!(menu[0].0.starts_with("Forbundet – "), "{menu:?}");
    for row in ["Åbn chat", "Tjek min server", "Diagnostik", "Afslut"] {
        ensure!(menu.iter().any(|(label, _)| label == row), "{menu:?}");
    }
    user.desktop().tray()?.click("Afslut").await?;
    ensure!(app.ended(SOON).await?.success());
    Ok(())
}

#[tokio::test]
async fn a_panel_may_be_missing_come_late_go_away_and_come_back() -> Result<()> {
    let user = AppUser::new(DesktopParts {
        tray_host: false,
        ..DesktopParts::default()
    })
    .await?;
    user.has_chosen_this_computer()?;

    // Without a panel the window is the only way to the app.
    let app = user.launch_with(&["--hidden"], &[])?;
    is_ready(&app, "shown").await?;
    let late = user.desktop().late_tray().await?;
    menu_with(&late, "Connected – ").await?;
    late.click("Quit").await?;
    ensure!(app.ended(SOON).await?.success());
    drop(late);

    let first = user.desktop().late_tray().await?;
    let app = user.launch_with(&["--hidden"], &[])?;
    is_ready(&app, "hidden").await?;
    menu_with(&first, "Connected – ").await?;
    drop(first);
    shows_window(&app).await?;
    let again = user.desktop().late_tray().await?;
    menu_with(&again, "Connected – ").await?;
    again.click("Quit").await?;
    ensure!(app.ended(SOON).await?.success());
    Ok(())
}
