//! Quick Chat: a row of the tray opens the small window, which has the keyboard, shows the answer, goes away with
//! Esc, and leads to the main window, where the same was said.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::{Release, TURN, main_conversation};
use e2e::home_server::HomeServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use e2e::webdriver::Window;
use fantoccini::key::Key;
use fantoccini::wd::WindowHandle;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(30);

/// Waits until there are so many windows.
async fn windows(window: &Window, count: usize) -> Result<Vec<WindowHandle>> {
    until("that many windows", SOON, async || {
        let there = window.client().windows().await?;
        Ok((there.len() == count).then_some(there))
    })
    .await
}

#[tokio::test]
async fn a_question_is_asked_in_a_small_window_and_answered_there() -> Result<()> {
    let _alone = main_conversation().await;
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let window = user.open("quick-chat").await?;
    shows_phase(&window, "up", SOON).await?;
    let main = window.client().window().await?;
    let tray = user.desktop().tray()?;
    let question = format!("quick {}", Uuid::new_v4().simple());

    tray.click("Quick Chat…").await?;
    let opened = windows(&window, 2).await?;
    let quick = opened.into_iter().find(|handle| *handle != main);
    let quick = quick.context("no second window")?;
    window.client().switch_to_window(quick).await?;
    window.element_within("chat-input", SOON).await?;
    window.fill("chat-input", &question).await?;
    window.click("chat-send").await?;
    let answer = format!("Echo: {question}");
    window
        .shows("quick-chat", TURN, |shown| shown.contains(&answer))
        .await?;
    window.picture("quick-chat").await?;

    let field = window.element("chat-input").await?;
    // The window may be gone before the key is answered.
    let _gone = field.send_keys(&char::from(Key::Escape).to_string()).await;
    windows(&window, 1).await?;
    window.client().switch_to_window(main.clone()).await?;
    window.click("nav-chat").await?;
    window
        .shows("chat-page", TURN, |shown| {
            shown.contains(&question) && shown.contains(&answer)
        })
        .await?;

    window.click("nav-settings").await?;
    tray.click("Quick Chat…").await?;
    let opened = windows(&window, 2).await?;
    let quick = opened.into_iter().find(|handle| *handle != main);
    window
        .client()
        .switch_to_window(quick.context("no second window")?)
        .await?;
    window.element_within("quick-chat-open", SOON).await?;
    let _gone = window.click("quick-chat-open").await;
    windows(&window, 1).await?;
    window.client().switch_to_window(main).await?;
    window
        .shows("chat-page", SOON, |shown| shown.contains(&question))
        .await?;
    ensure!(
        !window.has("quick-chat").await?,
        "the small window was not left"
    );
    window.close().await
}
