//! Many connections: requests as the reference client sends them, hundreds that come at once, and
//! an event that all of them hear.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::gateway::witness::Witness;
use e2e::process::Program;
use e2e::tools;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::side::{Side, load_program, reference_client};

/// How long each number of connections asks.
const ASKING: Duration = Duration::from_secs(4);
/// How long a run of the load program may take: the connections are made one after the other.
const LOAD_LIMIT: Duration = Duration::from_secs(60);
/// How many come at once.
pub(crate) const CROWD: usize = 500;
/// How many hear one event, and how often.
pub(crate) const LISTENERS: usize = 50;
const EVENTS: usize = 15;

/// What the reference client saw.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) hello_ms: f64,
    /// The first answer: the others had the same members.
    pub(crate) health: Value,
}

/// Has the reference client ask over this many connections.
pub(crate) async fn load(side: &Side, connections: usize) -> Result<Load> {
    let done = Program::new(tools::node()?)
        .arg(load_program())
        .arg(reference_client()?)
        .arg(format!("ws://127.0.0.1:{}", side.port))
        .arg(&side.token_file)
        .arg(connections.to_string())
        .arg(ASKING.as_millis().to_string())
        .run(LOAD_LIMIT)
        .await?
        .ok()?;
    let told: Value = serde_json::from_str(done.trim())?;
    let number = |name: &str| told[name].as_f64().with_context(|| format!("no {name}"));
    Ok(Load {
        per_second: number("perSecond")?,
        p50_ms: number("p50Ms")?,
        p99_ms: number("p99Ms")?,
        hello_ms: number("helloMs")?,
        health: told["first"].clone(),
    })
}

/// What became of a crowd.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// How many were let in and still answered with all the others there.
    pub(crate) held: usize,
    /// What each took of the gateway's memory, in KiB.
    pub(crate) kib_each: f64,
    pub(crate) seconds: f64,
}

/// Lets them all come at once.
pub(crate) async fn crowd(side: &Side) -> Result<Crowd> {
    let before = side.memory_kib()?;
    let began = Instant::now();
    let came = join_all((0..CROWD).map(|_| side.witness())).await;
    let seconds = began.elapsed().as_secs_f64();
    let mut inside: Vec<Witness> = came.into_iter().flatten().collect();
    let answers = inside.iter_mut().map(|one| one.call("health", json!({})));
    let held = join_all(answers).await.into_iter().flatten().count();
    ensure!(held > 0, "nobody of {CROWD} was let in");
    let grown = side.memory_kib()? - before;
    Ok(Crowd {
        held,
        kib_each: grown / as_f64(held),
        seconds,
    })
}

/// How long an event takes to the first and to the last of its listeners, in milliseconds.
#[derive(Debug)]
pub(crate) struct FanOut {
    pub(crate) first_ms: f64,
    pub(crate) last_ms: f64,
}

/// One client changes the words that wake the assistant; everybody is told.
pub(crate) async fn fan_out(side: &Side) -> Result<FanOut> {
    let came = join_all((0..LISTENERS).map(|_| side.witness())).await;
    let mut listeners = came.into_iter().collect::<Result<Vec<Witness>>>()?;
    let mut speaker = side.witness().await?;
    let (mut firsts, mut lasts) = (Vec::new(), Vec::new());
    for event in 0..EVENTS {
        let word = format!("word{event}");
        let began = Instant::now();
        let hearing = listeners.iter_mut().map(|listener| async {
            listener
                .next(|frame| {
                    frame["event"] == "voicewake.changed" && frame["payload"]["triggers"][0] == word
                })
                .await?;
            anyhow::Ok(began.elapsed().as_secs_f64() * 1_000.0)
        });
        let saying = speaker.call("voicewake.set", json!({"triggers": [&word]}));
        let (said, heard) = tokio::join!(saying, join_all(hearing));
        said?;
        let mut heard = heard.into_iter().collect::<Result<Vec<f64>>>()?;
        heard.sort_by(f64::total_cmp);
        firsts.extend(heard.first());
        lasts.extend(heard.last());
    }
    Ok(FanOut {
        first_ms: median(firsts)?,
        last_ms: median(lasts)?,
    })
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().context("no values")
}

/// A count as a number that can be divided.
pub(crate) fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
