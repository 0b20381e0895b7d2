//! What an agent wants to run waits for a card in the window or the page, and runs only after it
//! was allowed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::chromium::Browser;
use e2e::desktop::DesktopParts;
use e2e::gateway::{model_config, write_config};
use e2e::model_provider::ModelProvider;
use e2e::our_gateway::OurGateway;
use e2e::temp_home::TempHome;
use e2e::wait::until;
use e2e::webdriver::Window;
use fantoccini::Locator;
use serde_json::json;

/// From the start of a program or a page to a connected chat, on a loaded machine.
const UP: Duration = Duration::from_secs(60);
/// From the message to the card, and from the decision to the reply.
const SOON: Duration = Duration::from_secs(30);

/// In full: the gateway of a test has no PATH.
const COPY: &str = "/usr/bin/cp";

/// Asks the model to copy a file, which only a person may allow.
async fn ask_to_copy(window: &Window, from: &Path, to: &Path) -> Result<()> {
    let arguments = json!({"command": [COPY, from, to]});
    window
        .fill("chat-input", &format!("CALL exec {arguments}"))
        .await?;
    window.click("chat-send").await?;
    let command = format!("{COPY} {} {}", from.display(), to.display());
    window
        .shows("approval-command", SOON, |shown| shown == command)
        .await?;
    ensure!(!to.exists(), "it ran before anybody allowed it");
    Ok(())
}

async fn decide(window: &Window, decision: &str) -> Result<()> {
    let button = format!("[data-testid=approval-decision][data-decision={decision}]");
    window
        .client()
        .find(Locator::Css(&button))
        .await?
        .click()
        .await?;
    until("the card to go", SOON, async || {
        Ok((!window.has("approval").await?).then_some(()))
    })
    .await
}

/// Waits for a reply of the model that holds what the tool gave it.
async fn told(window: &Window, part: &str) -> Result<()> {
    until(&format!("a reply with {part:?}"), SOON, async || {
        let shown = window.text("chat-page").await?;
        Ok(shown.contains(part).then_some(()))
    })
    .await
}

fn files(home: &TempHome) -> Result<(PathBuf, PathBuf)> {
    let from = home.home().join("from");
    fs::write(&from, "copied")?;
    Ok((from, home.home().join("to")))
}

#[tokio::test]
async fn in_a_browser_a_command_runs_only_after_it_was_allowed() -> Result<()> {
    let provider = ModelProvider::start()?;
    let mut gateway = OurGateway::prepare()?;
    write_config(gateway.home(), gateway.port(), gateway.token(), &provider)?;
    gateway.start_again().await?;
    let (from, to) = files(gateway.home())?;
    let home = TempHome::new()?;
    let browser = Browser::open("approval-cards-page", &home).await?;
    let window = browser.window();
    browser.go(&gateway.link().await?).await?;
    window.element_within("chat-page", UP).await?;
    shows_phase(window, "up", UP).await?;

    ask_to_copy(window, &from, &to).await?;
    window.picture("asked-light").await?;
    browser.prefers("dark").await?;
    window.picture("asked-dark").await?;
    // A card that waits outlives the page that showed it.
    window.client().refresh().await?;
    window.element_within("approval", UP).await?;
    decide(window, "deny").await?;
    told(window, "was not run").await?;
    ensure!(!to.exists(), "it ran although it was denied");

    ask_to_copy(window, &from, &to).await?;
    decide(window, "allowOnce").await?;
    told(window, "The tool said: ").await?;
    ensure!(fs::read_to_string(&to)? == "copied", "it did not run");
    let complaints = browser.complaints().await?;
    ensure!(complaints.is_empty(), "{complaints:#?}");
    browser.close().await?;
    gateway.stop().await
}

#[tokio::test]
async fn in_the_window_a_command_runs_only_after_it_was_allowed() -> Result<()> {
    let provider = ModelProvider::start()?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_chosen_this_computer()?;
    let folder = user.home().home().join(".openclaw");
    fs::create_dir_all(&folder)?;
    fs::write(
        folder.join("openclaw.json"),
        model_config(&provider).to_string(),
    )?;
    let (from, to) = files(user.home())?;
    let window = user.open("approval-cards-window").await?;
    shows_phase(&window, "up", UP).await?;

    ask_to_copy(&window, &from, &to).await?;
    window.picture("asked").await?;
    decide(&window, "allowOnce").await?;
    told(&window, "The tool said: ").await?;
    ensure!(fs::read_to_string(&to)? == "copied", "it did not run");
    window.close().await
}
