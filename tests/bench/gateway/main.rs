//! Our gateway against the official one on Node.js: start, memory, computing, requests, crowds and
//! turns.
//!
//! Both get the same configuration, the same offline model and the same clients, in turns, each alone.
//! A gateway that answers less would be faster without being better, so what they answer is compared
//! too: [`content`] says how.

mod content;
mod crowd;
#[path = "../figures.rs"]
mod figures;
mod floor;
mod rate;
#[path = "../report.rs"]
mod report;
mod side;
mod table;
mod turns;
mod wire;

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use e2e::model_provider::ModelProvider;

use crowd::{Cause, Crowd, FanOut};
use figures::{median, milliseconds};
use rate::Rate;
use side::{Kind, Memory, Side};
use turns::{Turn, Turns};

/// How often each gateway has its turn.
const ROUNDS: usize = 2;
/// On a machine so busy that the first round took longer than this, one round has to do.
const LONGEST_FIRST_ROUND: Duration = Duration::from_secs(280);
/// The official one goes on loading after its first hello.
const SETTLE: Duration = Duration::from_secs(10);
/// How long each is watched while nobody asks it anything.
const IDLE: Duration = Duration::from_secs(20);
/// How many connections ask at a time.
const CONNECTIONS: [usize; 3] = [1, 10, 50];

/// Everything that was seen of one gateway in one round.
struct Seen {
    start_ms: f64,
    idle: Memory,
    idle_computing_ms: f64,
    after_load: Memory,
    reference: Vec<Rate>,
    lean: Vec<Rate>,
    crowd: Crowd,
    presence: FanOut,
    wake_words: FanOut,
    turns: Turns,
    answers: content::Answers,
}

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test` runs a benchmark without `--bench`: building it was the test.
    if !std::env::args().any(|arg| arg == "--bench") {
        return Ok(());
    }
    let began = Instant::now();
    // For looking at a change of ours: half the time, and no ratios.
    let ours_alone = std::env::args().any(|arg| arg == "--ours");
    let provider = ModelProvider::start()?;
    let (mut official, mut ours) = (Vec::new(), Vec::new());
    let (mut alone, mut floors) = (Vec::new(), Vec::new());
    let mut loads = vec![load_average()?];
    for round in 0..ROUNDS {
        if round > 0 && began.elapsed() > LONGEST_FIRST_ROUND {
            break;
        }
        alone.push(turns::model_alone(&provider)?);
        if !ours_alone {
            official.push(see(Kind::Official, &provider).await?);
            loads.push(load_average()?);
        }
        ours.push(see(Kind::Ours, &provider).await?);
        loads.push(load_average()?);
        let answered = ours.last().and_then(|seen| seen.answers.health());
        floors.push(floor::per_second(answered.context("no answer to health")?)?);
        for (official, ours) in official.iter().zip(&ours) {
            content::same_class(&official.answers, &ours.answers)?;
        }
    }
    let mut notes = notes(&official, &ours, &alone)?;
    let best = |rates: &mut dyn Iterator<Item = f64>| rates.fold(f64::NAN, f64::max);
    let one = |seen: &[Seen]| {
        best(
            &mut seen
                .iter()
                .filter_map(|seen| Some(seen.lean.first()?.per_second)),
        )
    };
    let floor = best(&mut floors.into_iter());
    notes.push(format!(
        "a bare socket that answers one lean client with the same bytes and does nothing else: {floor:.0} /s, \
         {:.1}x the official gateway; ours reaches {:.2} of it",
        floor / one(&official),
        one(&ours) / floor
    ));
    notes.push(format!(
        "load average (1 min) at the start and after each: {}",
        loads.join(" ")
    ));
    notes.push(format!(
        "{} of {ROUNDS} rounds in {} s; of each gateway the best round counts",
        ours.len(),
        began.elapsed().as_secs()
    ));
    let title = "gateway, each alone on the machine";
    report::tell("gateway", title, &table::rows(&official, &ours), &notes)
}

/// How often a gateway is started in a round; the last one is measured further.
fn starts(kind: Kind) -> usize {
    match kind {
        Kind::Official => 2,
        Kind::Ours => 7,
    }
}

async fn see(kind: Kind, provider: &ModelProvider) -> Result<Seen> {
    let mut took = Vec::new();
    let mut side = Side::start(kind, provider)?;
    took.push(milliseconds(side.started_in));
    report::progress(kind, "starts");
    while took.len() < starts(kind) {
        side.stop().await?;
        side = Side::start(kind, provider)?;
        took.push(milliseconds(side.started_in));
    }
    let seen = look(&side, median(&took)?)
        .await
        .with_context(|| format!("{kind:?}: {}", side.last_lines()));
    side.stop().await?;
    seen
}

async fn look(side: &Side, start_ms: f64) -> Result<Seen> {
    report::progress(side.kind, "idle");
    tokio::time::sleep(SETTLE).await;
    let before = side.computed_exactly()?;
    tokio::time::sleep(IDLE).await;
    let idle_computing_ms = (side.computed_exactly()? - before) * 1_000.0;
    let idle = side.memory()?;
    report::progress(side.kind, "turns");
    // The turns come before the load: the first one after the start is to be cold.
    let turns = turns::hold(side)?;
    report::progress(side.kind, "requests");
    let (mut reference, mut lean) = (Vec::new(), Vec::new());
    for connections in CONNECTIONS {
        reference.push(rate::reference(side, connections).await?);
        lean.push(rate::lean(side, connections)?);
    }
    report::progress(side.kind, "events");
    let presence = crowd::fan_out(side, Cause::Presence)?;
    let wake_words = crowd::fan_out(side, Cause::WakeWords)?;
    let answers = content::ask(side, &turns.sessions)?;
    let after_load = side.memory()?;
    report::progress(side.kind, "crowd");
    let crowd = crowd::crowd(side)?;
    Ok(Seen {
        start_ms,
        idle,
        idle_computing_ms,
        after_load,
        reference,
        lean,
        crowd,
        presence,
        wake_words,
        turns,
        answers,
    })
}

/// What the table has no room for.
fn notes(official: &[Seen], ours: &[Seen], alone: &[Turn]) -> Result<Vec<String>> {
    let model = median(
        &alone
            .iter()
            .map(|turn| turn.first_words_ms)
            .collect::<Vec<_>>(),
    )?;
    let first_words = |of: fn(&Seen) -> &Turn| {
        let took = ours.iter().map(|seen| of(seen).first_words_ms);
        took.fold(f64::INFINITY, f64::min) - model
    };
    let over = [
        first_words(|seen| &seen.turns.coldest),
        first_words(|seen| &seen.turns.first),
        first_words(|seen| &seen.turns.tenth),
    ];
    let met = if over.iter().all(|over| *over <= 50.0) {
        "met"
    } else {
        "NOT MET"
    };
    let mut notes = vec![format!(
        "the model alone takes {model:.1} ms to its first words; ours adds {:.1} ms to the first turn after \
         the start, {:.1} ms to the first and {:.1} ms to the tenth of a conversation (<= 50 ms {met})",
        over[0], over[1], over[2]
    )];
    if let (Some(theirs), Some(own)) = (official.last(), ours.last()) {
        notes.push(format!(
            "an answer to health has {} bytes there and {} here; members, types and values were looked at",
            theirs.answers.health_bytes(),
            own.answers.health_bytes()
        ));
        if let Some(refusal) = &theirs.crowd.refusal {
            notes.push(format!(
                "not every one of the crowd was served there: {refusal}"
            ));
        }
    }
    Ok(notes)
}

fn load_average() -> Result<String> {
    let told = fs::read_to_string("/proc/loadavg")?;
    Ok(told.split(' ').next().unwrap_or_default().to_owned())
}
