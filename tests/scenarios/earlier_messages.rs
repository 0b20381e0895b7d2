//! A conversation that is longer than one history: the window loads what was said before, above what is read.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::witness::Witness;
use e2e::gateway::{Release, TestGateway};
use e2e::home_server::HomeServer;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
/// The window reads 200 at first.
const SAID: usize = 230;

/// The first row that is drawn, where it stands, and how many there are.
const ROWS: &str = "
    const rows = [...document.querySelectorAll('[data-testid=\"chat-assistant\"]')];
    const text = (row) => row?.textContent.match(/note \\d+ end/)?.[0] ?? '';
    return [text(rows[0]), text(rows.at(-1)), rows.length];";

#[tokio::test]
async fn what_was_said_before_is_loaded_at_the_top() -> Result<()> {
    // One of its own: the conversation that others share is not to grow by that much.
    let home = HomeServer {
        ssh: TestSshServer::start(SshServerConfig::default()).await?,
        gateway: Arc::new(TestGateway::start(Release::V4).await?),
    };
    let mut witness = Witness::connect(&home.gateway).await?;
    witness
        .call(
            "chat.send",
            json!({"sessionKey": "main", "message": "hello", "idempotencyKey": "first"}),
        )
        .await?;
    witness
        .next(|frame| frame["event"] == "chat" && frame["payload"]["state"] == "final")
        .await?;
    for number in 1..=SAID {
        let message = format!("note {number} end");
        let params = json!({"sessionKey": "main", "message": message});
        witness.call("chat.inject", params).await?;
    }
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let window = user.open("earlier-messages").await?;
    shows_phase(&window, "up", SOON).await?;
    window.click("nav-chat").await?;
    let last = format!("note {SAID} end");
    let rows = async || -> Result<Value> { Ok(window.client().execute(ROWS, Vec::new()).await?) };
    until("the end of the conversation", SOON, async || {
        let shown = rows().await?;
        Ok((shown[1] == last.as_str() && shown[2] == 200).then_some(()))
    })
    .await?;

    let scrolled = "document.querySelector('[data-testid=\"chat-scroller\"]').scrollTo(0, 0);";
    window.client().execute(scrolled, Vec::new()).await?;
    until("what was said before", SOON, async || {
        let shown = rows().await?;
        // The answer to the first message, and every note, each once.
        Ok((shown[2] == SAID + 1 && shown[1] == last.as_str()).then_some(()))
    })
    .await?;
    let at = "return document.querySelector('[data-testid=\"chat-scroller\"]').scrollTop;";
    let place = window.client().execute(at, Vec::new()).await?;
    anyhow::ensure!(
        place.as_f64().unwrap_or(0.0) > 500.0,
        "what was read moved away: {place}"
    );
    window.picture("earlier-messages").await?;
    window.close().await
}
