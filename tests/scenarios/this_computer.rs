//! "OpenClaw runs: This computer": the app brings a gateway, and chat answers at once.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::http;
use e2e::wait::until;

/// From the start of the program to a connected chat; the gateway itself takes a fraction of it.
const PROMISE: Duration = Duration::from_secs(30);
/// How long the helper may take: it asks no model.
const ANSWER: Duration = Duration::from_secs(10);
/// How long the port may stay open after the program has ended.
const CLOSING: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_gateway_of_our_own_answers_in_the_window_and_ends_with_it() -> Result<()> {
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_chosen_this_computer()?;
    let port = user.local_port()?;
    let window = user.open("this-computer").await?;
    shows_phase(&window, "up", PROMISE).await?;

    // Other programs on this computer reach it as they would an official one.
    let (status, body) = http::get(port, "/healthz").await?;
    ensure!(status == 200 && body.contains("live"), "{status} {body}");

    window.fill("chat-input", "status").await?;
    window.click("chat-send").await?;
    window
        .shows("chat-assistant", ANSWER, |text| {
            text.contains("the built-in helper")
        })
        .await?;
    window.picture("chat").await?;
    window.close().await?;
    until("the port is closed", CLOSING, async || {
        Ok(http::get(port, "/healthz").await.is_err().then_some(()))
    })
    .await
}

#[tokio::test]
async fn what_was_said_is_there_after_a_restart() -> Result<()> {
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_chosen_this_computer()?;
    let window = user.open("this-computer-before").await?;
    shows_phase(&window, "up", PROMISE).await?;
    window.fill("chat-input", "what can you do?").await?;
    window.click("chat-send").await?;
    window
        .shows("chat-assistant", ANSWER, |text| {
            text.contains("models.providers")
        })
        .await?;
    window.close().await?;

    let window = user.open("this-computer-after").await?;
    shows_phase(&window, "up", PROMISE).await?;
    window
        .shows("chat-assistant", ANSWER, |text| {
            text.contains("models.providers")
        })
        .await?;
    window.close().await
}
