//! Several conversations with one gateway: each is told what was said in it, keeps what is being written, and is
//! named, kept on top, put away and removed as the gateway allows.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::{Release, TURN};
use e2e::home_server::HomeServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use e2e::webdriver::Window;
use fantoccini::Locator;
use fantoccini::key::Key;
use serde_json::Value;
use uuid::Uuid;

/// From the start of the program to a connection.
const CONNECTED: Duration = Duration::from_secs(30);
/// What the gateway does at once, unless it is busy starting.
const SOON: Duration = Duration::from_secs(60);

fn row(key: &str) -> String {
    format!("[data-testid=\"session\"][data-key=\"{key}\"]")
}

/// The key of the conversation that is shown.
async fn active(window: &Window) -> Result<Option<String>> {
    let script = "return document.querySelector('[data-testid=session][data-active=true]')\
                  ?.dataset.key ?? null";
    let key = window.client().execute(script, vec![]).await?;
    Ok(key.as_str().map(str::to_owned))
}

async fn becomes_active(window: &Window, wanted: impl Fn(&str) -> bool) -> Result<String> {
    let shown = until("another conversation is shown", SOON, async || {
        Ok(active(window).await?.filter(|key| wanted(key)))
    })
    .await;
    if shown.is_err() {
        window.picture("not-shown").await?;
    }
    shown
}

/// Begins a conversation and returns its key.
async fn begins(window: &Window) -> Result<String> {
    let before = active(window).await?.context("none is shown")?;
    window.click("sessions-new").await?;
    becomes_active(window, |key| key != before).await
}

/// As [`begins`], where a gateway may be too busy to answer at first: the window says so, and a person tries again.
async fn begins_at_last(window: &Window) -> Result<String> {
    for _ in 0..2 {
        if let Ok(key) = begins(window).await {
            return Ok(key);
        }
        window
            .shows("rail", SOON, |shown| shown.contains("did not answer"))
            .await?;
    }
    begins(window).await
}

async fn goes_to(window: &Window, key: &str) -> Result<()> {
    let selector = format!("{} [data-testid=\"session-open\"]", row(key));
    let found = window.client().find(Locator::Css(&selector)).await?;
    found.click().await?;
    becomes_active(window, |shown| shown == key).await.map(drop)
}

/// Chooses from the menu of the conversation that is shown.
async fn chooses(window: &Window, key: &str, item: &str) -> Result<()> {
    let selector = format!("{} [data-testid=\"session-actions\"]", row(key));
    let found = window.client().find(Locator::Css(&selector)).await?;
    found.click().await?;
    window.click(item).await
}

async fn says(window: &Window, text: &str) -> Result<()> {
    window.fill("chat-input", text).await?;
    window.click("chat-send").await?;
    let answer = format!("Echo: {text}");
    window
        .shows("chat-page", TURN, |shown| shown.contains(&answer))
        .await
        .map(drop)
}

async fn holds(window: &Window, wanted: &str) -> Result<()> {
    until(&format!("the field holds {wanted:?}"), SOON, async || {
        let field = window.element("chat-input").await?;
        Ok((field.prop("value").await?.as_deref() == Some(wanted)).then_some(()))
    })
    .await
}

async fn renames(window: &Window, key: &str, name: &str) -> Result<()> {
    let selector = format!("{} [data-testid=\"session-open\"]", row(key));
    let found = window.client().find(Locator::Css(&selector)).await?;
    found.send_keys(&String::from(char::from(Key::F2))).await?;
    window.fill("session-name", name).await?;
    let field = window.element("session-name").await?;
    field
        .send_keys(&String::from(char::from(Key::Enter)))
        .await
        .map_err(Into::into)
}

/// The keys that are listed.
async fn listed(window: &Window) -> Result<Vec<String>> {
    let script = "return [...document.querySelectorAll('[data-testid=session]')]\
                  .map((row) => row.dataset.key)";
    let keys = window.client().execute(script, vec![]).await?;
    Ok(serde_json::from_value(keys)?)
}

async fn are_listed(window: &Window, wanted: impl Fn(&[String]) -> bool) -> Result<()> {
    until("the list is as expected", SOON, async || {
        Ok(wanted(&listed(window).await?).then_some(()))
    })
    .await
}

/// Waits until the gateway says so about a conversation.
async fn is_told(
    home: &HomeServer,
    key: &str,
    member: &str,
    holds: impl Fn(&Value) -> bool,
) -> Result<()> {
    let path = format!("/sessionInfo/{member}");
    let mut last = Value::Null;
    let told = until(&format!("{member} at the gateway"), SOON, async || {
        let state = home.gateway.session_state(key).await?;
        last = state.pointer("/sessionInfo").cloned().unwrap_or_default();
        Ok(state.pointer(&path).is_some_and(&holds).then_some(()))
    })
    .await;
    told.with_context(|| format!("the gateway said {last}"))
}

#[tokio::test]
async fn each_keeps_its_own_words_and_is_kept_named_and_put_away() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let window = user.open("conversations").await?;
    shows_phase(&window, "up", CONNECTED).await?;

    // Two conversations, each with a message and something half written.
    let (first_said, second_said) = (
        format!("about disks {}", Uuid::new_v4()),
        format!("about taxes {}", Uuid::new_v4()),
    );
    let first = begins(&window).await?;
    says(&window, &first_said).await?;
    window.fill("chat-input", "half about disks").await?;
    let second = begins(&window).await?;
    holds(&window, "").await?;
    says(&window, &second_said).await?;
    window.fill("chat-input", "half about taxes").await?;
    window.picture("second").await?;

    goes_to(&window, &first).await?;
    holds(&window, "half about disks").await?;
    window
        .shows("chat-page", SOON, |shown| {
            shown.contains(&first_said) && !shown.contains(&second_said)
        })
        .await?;
    goes_to(&window, &second).await?;
    holds(&window, "half about taxes").await?;
    for (key, said, not) in [
        (&first, &first_said, &second_said),
        (&second, &second_said, &first_said),
    ] {
        let stored = home.gateway.user_texts(key).await?;
        let times = stored.iter().filter(|text| text.contains(said)).count();
        ensure!(times == 1, "{said:?} was stored {times} times");
        ensure!(!stored.iter().any(|text| text.contains(not)), "{stored:?}");
    }

    // Named, kept on top, found.
    goes_to(&window, &first).await?;
    let name = format!("Disks {}", &Uuid::new_v4().to_string()[..8]);
    renames(&window, &first, &name).await?;
    is_told(&home, &first, "label", |label| label == &*name).await?;
    chooses(&window, &first, "session-pin").await?;
    is_told(&home, &first, "pinned", |pinned| {
        *pinned == Value::Bool(true)
    })
    .await?;
    window
        .attribute(&["chat-title"], "title", SOON, |shown| shown == name)
        .await?;
    window.picture("pinned").await?;
    window.fill("sessions-search", &name).await?;
    are_listed(&window, |keys| keys == [first.clone()]).await?;
    window.picture("found").await?;
    let search = window.element("sessions-search").await?;
    search
        .send_keys(&String::from(char::from(Key::Escape)))
        .await?;
    are_listed(&window, |keys| keys.contains(&second)).await?;

    // Put away, taken back, removed.
    goes_to(&window, &second).await?;
    chooses(&window, &second, "session-archive").await?;
    becomes_active(&window, |key| key != second).await?;
    window.picture("archiving").await?;
    is_told(&home, &second, "archived", |archived| {
        *archived == Value::Bool(true)
    })
    .await?;
    window.picture("archived").await?;
    window.click("sessions-undo").await?;
    becomes_active(&window, |key| key == second).await?;
    is_told(&home, &second, "archived", |archived| {
        *archived == Value::Bool(false)
    })
    .await?;
    holds(&window, "half about taxes").await?;
    chooses(&window, &second, "session-delete").await?;
    window.picture("delete").await?;
    window.click("dialog-confirm").await?;
    are_listed(&window, |keys| !keys.contains(&second)).await?;
    until("nothing is left at the gateway", SOON, async || {
        Ok(home
            .gateway
            .user_texts(&second)
            .await?
            .is_empty()
            .then_some(()))
    })
    .await?;

    // A command is offered while it is being written.
    window.fill("chat-input", "/sto").await?;
    window
        .shows("command-list", SOON, |shown| shown.contains("/stop"))
        .await?;
    window.picture("commands").await?;

    // The one that is shown is remembered.
    goes_to(&window, &first).await?;
    window.close().await?;
    let window = user.open("conversations-again").await?;
    shows_phase(&window, "up", CONNECTED).await?;
    becomes_active(&window, |key| key == first).await?;
    window
        .shows("chat-page", SOON, |shown| shown.contains(&first_said))
        .await?;
    window.close().await
}

#[tokio::test]
async fn an_older_release_says_what_takes_an_administrator() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V3, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let window = user.open("conversations-older").await?;
    shows_phase(&window, "up", CONNECTED).await?;

    let said = format!("on the older one {}", Uuid::new_v4());
    let key = begins_at_last(&window).await?;
    says(&window, &said).await?;
    let stored = home.gateway.user_texts(&key).await?;
    ensure!(
        stored.iter().filter(|text| text.contains(&said)).count() == 1,
        "{stored:?}"
    );
    chooses(&window, &key, "session-rename").await?;
    window
        .attribute(&["problem"], "data-code", SOON, |code| code == "needsAdmin")
        .await?;
    window.picture("needs-admin").await?;
    window.close().await
}

#[tokio::test]
async fn a_gateway_of_our_own_does_the_same() -> Result<()> {
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_chosen_this_computer()?;
    let window = user.open("conversations-here").await?;
    shows_phase(&window, "up", CONNECTED).await?;

    let key = begins(&window).await?;
    window.fill("chat-input", "status").await?;
    window.click("chat-send").await?;
    window
        .shows("chat-page", SOON, |shown| {
            shown.contains("the built-in helper")
        })
        .await?;
    renames(&window, &key, "How it is").await?;
    window
        .attribute(&["chat-title"], "title", SOON, |shown| shown == "How it is")
        .await?;
    chooses(&window, &key, "session-pin").await?;
    until("it is kept on top", SOON, async || {
        let pinned = format!("{}[data-pinned=true]", row(&key));
        let found = window.client().find_all(Locator::Css(&pinned)).await?;
        Ok((!found.is_empty()).then_some(()))
    })
    .await?;
    chooses(&window, &key, "session-archive").await?;
    becomes_active(&window, |shown| shown != key).await?;
    window.click("sessions-undo").await?;
    becomes_active(&window, |shown| shown == key).await?;
    window.picture("kept").await?;
    chooses(&window, &key, "session-delete").await?;
    window.click("dialog-confirm").await?;
    are_listed(&window, |keys| !keys.contains(&key)).await?;
    window.close().await
}
