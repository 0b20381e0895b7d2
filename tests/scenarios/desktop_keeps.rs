//! What the desktop keeps between two runs: that the app starts at login, and where its window stood.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::AppUser;
use e2e::desktop::DesktopParts;
use e2e::tools;
use e2e::wait::until;
use e2e::webdriver::Window;
use rustix::process::Signal;
use serde_json::{Value, json};

/// From a click to its effect, on a loaded machine.
const SOON: Duration = Duration::from_secs(30);
/// From the start of the program to its window.
const START: Duration = Duration::from_secs(60);

const SIZE: [u32; 2] = [720, 640];

/// Leaves the window where it stood on the screen at the desk, which is not here today.
fn stood_elsewhere(user: &AppUser) -> Result<PathBuf> {
    let kept = user.home().data_home().join("openclaw-tray/window.json");
    fs::create_dir_all(kept.parent().context("no folder")?)?;
    let place = json!({"position": [4000, 3000], "size": SIZE, "maximized": false});
    fs::write(&kept, place.to_string())?;
    Ok(kept)
}

#[tokio::test]
async fn a_window_whose_screen_is_gone_comes_to_one_that_is_there_and_stays_there() -> Result<()> {
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_chosen_this_computer()?;
    let kept = stood_elsewhere(&user)?;
    let app = user.launch()?;
    until("the window", START, async || {
        Ok(app.stderr().contains("the window has loaded").then_some(()))
    })
    .await
    .with_context(|| app.last_lines(20))?;
    app.signal(Signal::TERM);
    app.ended(SOON).await?;

    let kept: Value = serde_json::from_slice(&fs::read(&kept)?)?;
    ensure!(kept.get("size") == Some(&json!(SIZE)), "{kept}");
    let inside = |axis: usize, end: i64| {
        let at = kept.pointer(&format!("/position/{axis}"));
        at.and_then(Value::as_i64)
            .is_some_and(|at| (0..end).contains(&at))
    };
    ensure!(inside(0, 1280) && inside(1, 960), "{kept}");
    Ok(())
}

#[tokio::test]
async fn the_window_has_its_size_and_the_app_starts_at_login_once_asked() -> Result<()> {
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_chosen_this_computer()?;
    stood_elsewhere(&user)?;
    let window = user.open("desktop-keeps").await?;
    window.click("nav-settings").await?;
    let size = window
        .client()
        .execute("return [innerWidth, innerHeight]", Vec::new())
        .await?;
    ensure!(size == json!(SIZE), "the window is {size}");

    let entry = user
        .home()
        .config_home()
        .join("autostart/dev.openclawtray.desktop.desktop");
    ensure!(!entry.exists(), "nobody asked for it");
    window.click("start-at-login").await?;
    window.picture("asked").await?;
    window.click("save").await?;
    until("the start entry", SOON, async || {
        Ok(entry.exists().then_some(()))
    })
    .await?;
    let text = fs::read_to_string(&entry)?;
    let exec = format!("Exec=\"{}\" --hidden\n", tools::openclaw_tray()?.display());
    ensure!(text.contains(&exec), "{text}");
    window.close().await
}

/// Whether the page is drawn for a dark desktop.
async fn is_dark(window: &Window) -> Result<bool> {
    let asked = "return matchMedia('(prefers-color-scheme: dark)').matches";
    let answer = window.client().execute(asked, Vec::new()).await?;
    answer.as_bool().context("no answer")
}

#[tokio::test]
async fn language_and_theme_are_taken_over_at_once_and_kept() -> Result<()> {
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_chosen_this_computer()?;
    let window = user.open("appearance").await?;
    window.element_within("nav-settings", START).await?;
    window.click("nav-settings").await?;
    ensure!(!is_dark(&window).await?, "it began dark");

    window.click_below("language-danish").await?;
    window.click_below("theme-dark").await?;
    window.click("save").await?;
    window
        .shows("settings-page", SOON, |text| {
            text.contains("Lys eller mørk")
        })
        .await?;
    until("a dark page", SOON, async || {
        Ok(is_dark(&window).await?.then_some(()))
    })
    .await?;
    window.picture("danish-dark").await?;
    window.close().await?;

    let window = user.open("appearance-again").await?;
    window
        .shows("nav-settings", START, |text| text == "Indstillinger")
        .await?;
    ensure!(is_dark(&window).await?, "it is light again");
    window.close().await
}
