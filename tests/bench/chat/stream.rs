//! Typing while a long answer streams in: the model says 100 KB in 2,000 parts, 200 a second, in a
//! conversation of 10,000 messages; a client of its own counts what the gateway makes of them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use e2e::gateway::TestGateway;
use e2e::gateway::witness::Witness;
use e2e::model_provider::reply::FLOOD_ENDS;
use tokio::time::timeout;
use uuid::Uuid;

use crate::figures::milliseconds;
use crate::side::Side;
use crate::{LETTER_MS, report};

/// The answer takes ten seconds; it is typed in the middle of it.
const SECONDS: f64 = 8.5;
/// Until the first words: the gateway prepares a turn with all that was said before.
const PREPARED: Duration = Duration::from_secs(120);

/// What was seen of it.
pub(crate) struct Stream {
    /// How long each letter took to be drawn, in ms.
    pub(crate) letters: Vec<f64>,
    /// From Enter to the last words in the window, in ms.
    pub(crate) took: f64,
    /// What the gateway sent meanwhile, in words.
    pub(crate) told: String,
}

/// Opens the conversation, asks, types while the answer comes, and waits for its end.
pub(crate) async fn watch(side: &Side, gateway: &TestGateway, busy: usize) -> Result<Stream> {
    report::progress(side.kind, "typing while an answer streams");
    side.show(busy).await?;
    let mut witness = Witness::connect(gateway).await?;
    let mark = Uuid::new_v4().simple();
    let began = Instant::now();
    side.say(&format!("FLOOD {mark}")).await?;
    let first = timeout(PREPARED, witness.next(is_delta));
    first.await.context("the answer did not begin")??;
    let streaming = Instant::now();
    let counting = tokio::spawn(async move {
        let deltas = AtomicU32::new(1);
        witness
            .next(|frame| {
                deltas.fetch_add(u32::from(is_delta(frame)), Ordering::Relaxed);
                frame["event"] == "chat" && frame["payload"]["state"] == "final"
            })
            .await?;
        anyhow::Ok((deltas.into_inner(), streaming.elapsed()))
    });
    let letters = side.letters(SECONDS, LETTER_MS).await?;
    side.shows(&format!("{FLOOD_ENDS}: {mark}")).await?;
    let took = milliseconds(began.elapsed());
    let (deltas, streamed) = counting.await??;
    side.window().picture("streamed").await?;
    let streamed = streamed.as_secs_f64();
    Ok(Stream {
        letters,
        took,
        told: format!(
            "the gateway made {deltas} of the model's 2,000 parts, in {streamed:.1} s ({:.0} a second)",
            f64::from(deltas) / streamed
        ),
    })
}

fn is_delta(frame: &serde_json::Value) -> bool {
    frame["event"] == "chat" && frame["payload"]["state"] == "delta"
}
