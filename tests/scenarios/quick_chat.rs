//! Quick Chat: a row of the tray opens the small window, which has the keyboard, shows the answer, goes away with
//! Esc, and leads to the main window, where the same was said.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::{Release, TURN, main_conversation};
use e2e::home_server::HomeServer;
use e2e::ssh_server::config::SshServerConfig;
use fantoccini::key::Key;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_question_is_asked_in_a_small_window_and_answered_there() -> Result<()> {
    let _alone = main_conversation().await;
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let window = user.open("quick-chat").await?;
    shows_phase(&window, "up", SOON).await?;
    let tray = user.desktop().tray()?;
    let question = format!("quick {}", Uuid::new_v4().simple());

    tray.click("Quick Chat…").await?;
    let main = window.enter_second(SOON).await?;
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
    window.back_in(main, SOON).await?;
    window.click("nav-chat").await?;
    window
        .shows("chat-page", TURN, |shown| {
            shown.contains(&question) && shown.contains(&answer)
        })
        .await?;

    window.click("nav-settings").await?;
    tray.click("Quick Chat…").await?;
    let main = window.enter_second(SOON).await?;
    window.element_within("quick-chat-open", SOON).await?;
    let _gone = window.click("quick-chat-open").await;
    window.back_in(main, SOON).await?;
    window
        .shows("chat-page", SOON, |shown| shown.contains(&question))
        .await?;
    ensure!(
        !window.has("quick-chat").await?,
        "the small window was not left"
    );
    window.close().await
}
