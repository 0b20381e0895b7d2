//! The server is away while its user goes on writing, and the program is killed: the next start shows the
//! conversation as it was, what was written is still there, and each message arrives once when the server is back.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::delivery::{Delivery, ids_in, message_id, message_text, out_of_order};
use e2e::desktop::DesktopParts;
use e2e::gateway::{Release, TURN, TestGateway};
use e2e::home_server::HomeServer;
use e2e::process::{is_running, send};
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use e2e::webdriver::Window;
use rustix::process::Signal;
use uuid::Uuid;

/// How many messages are written while nobody is there.
const WRITTEN: usize = 50;
/// From a start or a click to what comes of it.
const SOON: Duration = Duration::from_secs(30);
/// What stands in the composer when the program is killed.
const UNFINISHED: &str = "and one more thing";

async fn says(window: &Window, text: &str) -> Result<()> {
    window.fill("chat-input", text).await?;
    window.click("chat-send").await
}

async fn page_shows(window: &Window, text: &str) -> Result<()> {
    window
        .shows("chat-page", SOON, |shown| shown.contains(text))
        .await
        .map(drop)
}

/// Waits until something is on disk, as far as a file's bytes tell.
async fn is_kept(user: &AppUser, text: &str) -> Result<()> {
    let folder = user.home().data_home().join("openclaw-tray");
    until("it on disk", SOON, async || {
        let files = ["cache.sqlite", "cache.sqlite-wal"];
        let holds = |name: &&str| {
            let bytes = fs::read(folder.join(name)).unwrap_or_default();
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        Ok(files.iter().any(holds).then_some(()))
    })
    .await
}

async fn killed(window: Window) -> Result<()> {
    let pids = window.pids();
    send(window.pid()?, Signal::KILL);
    until("the end of all its processes", SOON, async || {
        Ok(pids.iter().all(|pid| !is_running(*pid)).then_some(()))
    })
    .await
}

#[tokio::test]
async fn what_is_written_offline_outlives_a_kill_and_arrives_once() -> Result<()> {
    // One of its own: fifty turns in the conversation that others share would hold them all up.
    let mut home = HomeServer {
        ssh: TestSshServer::start(SshServerConfig::default()).await?,
        gateway: Arc::new(TestGateway::start(Release::V4).await?),
    };
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let run = Uuid::new_v4().simple().to_string();
    let before = format!("hello {run}");
    let window = user.open("kept-offline").await?;
    shows_phase(&window, "up", SOON).await?;
    window.click("nav-chat").await?;
    says(&window, &before).await?;
    window
        .shows("chat-page", TURN, |shown| {
            shown.contains(&format!("Echo: {before}"))
        })
        .await?;
    is_kept(&user, &format!("Echo: {before}")).await?;

    home.ssh.stop();
    home.ssh.kill_sessions();
    shows_phase(&window, "retry_wait", SOON).await?;
    let ids: Vec<String> = (0..WRITTEN).map(|n| message_id(&run, n)).collect();
    for id in &ids {
        says(&window, &message_text(id)).await?;
    }
    let taken_back = format!("never mind {run}");
    says(&window, &taken_back).await?;
    page_shows(&window, &taken_back).await?;
    window.click_last("chat-cancel").await?;
    // Its words are in the composer again, and are overwritten there.
    window.fill("chat-input", UNFINISHED).await?;
    is_kept(&user, &ids[WRITTEN - 1]).await?;
    is_kept(&user, UNFINISHED).await?;
    killed(window).await?;

    let window = user.open("kept-offline-again").await?;
    window.click("nav-chat").await?;
    page_shows(&window, &format!("Echo: {before}")).await?;
    page_shows(&window, &ids[WRITTEN - 1]).await?;
    let shown = window.text("chat-page").await?;
    ensure!(shown.contains("as of"), "it does not say from when it is");
    ensure!(!shown.contains(&taken_back), "it was taken back");
    let left = window.element("chat-input").await?.prop("value").await?;
    ensure!(left.as_deref() == Some(UNFINISHED), "{left:?}");
    window.picture("kept-offline").await?;

    home.ssh.start_again().await?;
    window.click("reconnect-now").await?;
    shows_phase(&window, "up", SOON).await?;
    let mut stored = Vec::new();
    until("every message at the gateway", 2 * TURN, async || {
        let texts = home.gateway.user_texts("main").await?;
        let of_this_run = ids_in(&texts).into_iter().filter(|id| ids.contains(id));
        stored = of_this_run.collect();
        ensure!(
            !texts.iter().any(|text| text.contains(&taken_back)),
            "it was sent"
        );
        Ok(Delivery::judge(&ids, &stored).lost.is_empty().then_some(()))
    })
    .await?;

    let judged = Delivery::judge(&ids, &stored);
    ensure!(judged.is_exact(), "{judged:?}");
    let misplaced = out_of_order(&ids, &stored);
    ensure!(misplaced.is_empty(), "out of order: {misplaced:?}");
    window.close().await
}
