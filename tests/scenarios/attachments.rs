//! Files go along with a message, from the real window through the real tunnel to the real gateway:
//! at once, and after they have waited on disk for the connection.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::{Release, TURN, main_conversation};
use e2e::home_server::HomeServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use e2e::webdriver::Window;
use serde_json::{Value, json};
use uuid::Uuid;

/// From a click to what comes of it.
const SOON: Duration = Duration::from_secs(30);
/// A picture of one dot.
const DOT: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// `hello notes`.
const NOTES: &str = "aGVsbG8gbm90ZXM=";

/// Hands files to the picker. The system's own dialog cannot be driven; what it hands over is the same.
async fn pick(window: &Window, files: &[(&str, &str, &str)]) -> Result<()> {
    let script = "
        const [files] = arguments;
        const picked = new DataTransfer();
        for (const [name, type, data] of files) {
          const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
          picked.items.add(new File([bytes], name, { type }));
        }
        const picker = document.querySelector('[data-testid=\"attach-file\"]');
        picker.files = picked.files;
        picker.dispatchEvent(new Event('change', { bubbles: true }));";
    window.client().execute(script, vec![json!(files)]).await?;
    // The driver leaves out of a text what could be cut off.
    let shown = "return document.querySelector('[data-testid=\"attachments\"]')?.textContent ?? ''";
    until("the files in the composer", SOON, async || {
        let text = window.client().execute(shown, Vec::new()).await?;
        let text = text.as_str().unwrap_or_default().to_owned();
        let holds_all = files.iter().all(|(name, _, _)| text.contains(name));
        Ok(holds_all.then_some(()))
    })
    .await
}

/// The messages of the conversation that hold these words.
async fn stored(home: &HomeServer, words: &str) -> Result<Vec<Value>> {
    let history = home.gateway.session_state("main").await?;
    let messages = history["messages"].as_array().context("no messages")?;
    let said = messages.iter().filter(|message| {
        message["role"] == "user" && message["content"].to_string().contains(words)
    });
    Ok(said.cloned().collect())
}

async fn arrives(home: &HomeServer, words: &str) -> Result<Value> {
    until("the message at the gateway", 2 * TURN, async || {
        Ok(stored(home, words).await?.pop())
    })
    .await
}

/// Whether something is on this computer's disk, as far as a file's bytes tell.
fn is_kept(user: &AppUser, text: &str) -> bool {
    let folder = user.home().data_home().join("openclaw-tray");
    let files = ["cache.sqlite", "cache.sqlite-wal"];
    files.iter().any(|name| {
        let bytes = fs::read(folder.join(name)).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}

#[tokio::test]
async fn files_reach_a_gateway_at_once_and_after_they_have_waited() -> Result<()> {
    let _alone = main_conversation().await;
    let config = SshServerConfig::default();
    let mut home = HomeServer::with_shared_gateway(Release::V4, config).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let run = Uuid::new_v4().simple().to_string();
    let window = user.open("attachments").await?;
    shows_phase(&window, "up", SOON).await?;
    window.click("nav-chat").await?;

    let both = format!("both {run}");
    pick(
        &window,
        &[
            ("dot.png", "image/png", DOT),
            ("notes.txt", "text/plain", NOTES),
        ],
    )
    .await?;
    window.fill("chat-input", &both).await?;
    window.picture("chips").await?;
    window.click("chat-send").await?;
    let message = arrives(&home, &both).await?;
    let told = &message["__openclaw"]["media"];
    let sizes: Vec<_> = [0, 1].map(|at| told[at]["sizeBytes"].as_u64()).into();
    ensure!(sizes == [Some(70), Some(11)], "{told}");
    ensure!(told[1]["fileName"] == "notes.txt", "{told}");
    window
        .shows("chat-page", TURN, |shown| shown.contains("notes.txt"))
        .await?;

    home.ssh.stop();
    home.ssh.kill_sessions();
    shows_phase(&window, "retry_wait", SOON).await?;
    let waits = format!("waits {run}");
    // Words of this run: bytes on disk are to be its own.
    let data = format!("{}AAAA", Uuid::new_v4().simple());
    pick(&window, &[("later.txt", "application/octet-stream", &data)]).await?;
    window.fill("chat-input", &waits).await?;
    window.click("chat-send").await?;
    until("its bytes on disk", SOON, async || {
        Ok(is_kept(&user, &data).then_some(()))
    })
    .await?;
    home.ssh.start_again().await?;
    window.click("reconnect-now").await?;
    shows_phase(&window, "up", SOON).await?;
    arrives(&home, &waits).await?;
    until("nothing of it on disk", TURN, async || {
        Ok((!is_kept(&user, &data)).then_some(()))
    })
    .await?;
    ensure!(stored(&home, &waits).await?.len() == 1, "it came twice");

    // A window that is drawn anew knows of them from the gateway alone.
    window.client().refresh().await?;
    window
        .shows("chat-page", TURN, |shown| {
            shown.contains("notes.txt") && shown.contains("later.txt")
        })
        .await?;
    window.picture("history").await?;
    window.close().await
}
