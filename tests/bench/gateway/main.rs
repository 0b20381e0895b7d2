//! Our gateway against the official one on Node.js: start, memory, computing, requests, crowds and
//! turns.
//!
//! Both get the same configuration, the same offline model and the same clients, one after the
//! other, each alone. The official one goes first. A gateway that answers less would be faster
//! without being better, so the answers are compared too: [`content`] says how.

mod content;
mod crowd;
mod report;
mod side;
mod turns;

use std::time::Duration;

use anyhow::Result;
use e2e::model_provider::ModelProvider;
use serde_json::json;

use crowd::{CROWD, Crowd, FanOut, LISTENERS, Load, as_f64, median};
use report::Row;
use side::{Kind, Side};
use turns::{TURNS, Turns};

/// How often each is started; the last one is the one that is measured further.
const STARTS: usize = 3;
/// The official one goes on loading after its first hello.
const SETTLE: Duration = Duration::from_secs(10);
/// How long each is watched while nobody asks it anything.
const IDLE: Duration = Duration::from_secs(20);
/// How many connections ask at a time.
const CONNECTIONS: [usize; 3] = [1, 10, 50];

/// Everything that was seen of one gateway.
struct Seen {
    start_s: f64,
    idle_mib: f64,
    idle_cpu_s: f64,
    after_load_mib: f64,
    loads: Vec<Load>,
    crowd: Crowd,
    fan_out: FanOut,
    turns: Turns,
    answers: content::Answers,
}

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test` runs a benchmark without `--bench`: building it was the test.
    if !std::env::args().any(|arg| arg == "--bench") {
        return Ok(());
    }
    let provider = ModelProvider::start()?;
    let alone_ms = turns::model_alone(&provider).await?;
    let official = see(Kind::Official, &provider).await?;
    let ours = see(Kind::Ours, &provider).await?;
    content::same_class(&official.answers, &ours.answers)?;
    report::tell(&rows(&official, &ours), &notes(&official, &ours, alone_ms))
}

async fn see(kind: Kind, provider: &ModelProvider) -> Result<Seen> {
    let mut starts = Vec::new();
    let mut running: Option<Side> = None;
    for _ in 0..STARTS {
        if let Some(before) = running.take() {
            before.stop().await?;
        }
        let side = Side::start(kind, provider).await?;
        starts.push(side.started_in.as_secs_f64());
        running = Some(side);
    }
    let side = match running {
        Some(side) => side,
        None => Side::start(kind, provider).await?,
    };
    let seen = look(&side, median(starts)?).await;
    side.stop().await?;
    seen
}

async fn look(side: &Side, start_s: f64) -> Result<Seen> {
    tokio::time::sleep(SETTLE).await;
    let before = side.computed()?;
    tokio::time::sleep(IDLE).await;
    let idle_cpu_s = side.computed()? - before;
    let idle_mib = side.memory_kib()? / 1024.0;
    let mut loads = Vec::new();
    for connections in CONNECTIONS {
        loads.push(crowd::load(side, connections).await?);
    }
    let fan_out = crowd::fan_out(side).await?;
    let turns = turns::hold(side).await?;
    let answers = content::ask(side, &loads).await?;
    let after_load_mib = side.memory_kib()? / 1024.0;
    let crowd = crowd::crowd(side).await?;
    Ok(Seen {
        start_s,
        idle_mib,
        idle_cpu_s,
        after_load_mib,
        loads,
        crowd,
        fan_out,
        turns,
        answers,
    })
}

fn rows(official: &Seen, ours: &Seen) -> Vec<Row> {
    let less =
        |name: &str, unit, of: &dyn Fn(&Seen) -> f64| Row::less(name, unit, of(official), of(ours));
    let mut rows = vec![
        less("start to hello", "ms", &|seen| seen.start_s * 1_000.0)
            .ratio(0.02, 0.02)
            .absolute(200.0),
        less("memory, idle", "MiB", &|seen| seen.idle_mib)
            .ratio(0.05, 0.05)
            .absolute(45.0),
        less("memory, after load", "MiB", &|seen| seen.after_load_mib)
            .ratio(0.05, 0.06)
            .absolute(45.0),
        less("computing while idle, 20 s", "s", &|seen| seen.idle_cpu_s).ratio(0.05, 0.1),
    ];
    for (at, connections) in CONNECTIONS.iter().enumerate() {
        let (Some(theirs), Some(ours)) = (official.loads.get(at), ours.loads.get(at)) else {
            continue;
        };
        let name = |what: &str| format!("health, {connections} connections, {what}");
        rows.push(Row::less(&name("p50"), "ms", theirs.p50_ms, ours.p50_ms).ratio(0.1, 0.15));
        rows.push(Row::less(&name("p99"), "ms", theirs.p99_ms, ours.p99_ms));
        let rate = Row::more(&name("rate"), "/s", theirs.per_second, ours.per_second);
        rows.push(rate.ratio(20.0, 10.0));
        if *connections == 1 {
            rows.push(
                Row::less(
                    "hello, reference client",
                    "ms",
                    theirs.hello_ms,
                    ours.hello_ms,
                )
                .ratio(0.6, 0.8),
            );
        }
    }
    let crowd = format!("held of {CROWD} connections at once");
    let fan = |what: &str| format!("event to {LISTENERS} clients, {what}");
    rows.extend([
        Row::more(
            &crowd,
            "",
            as_f64(official.crowd.held),
            as_f64(ours.crowd.held),
        )
        .ratio(1.0, 1.0)
        .absolute(as_f64(CROWD)),
        less("memory of each connection", "KiB", &|seen| {
            seen.crowd.kib_each
        })
        .absolute(20.0),
        less("until all of them had come", "s", &|seen| {
            seen.crowd.seconds
        }),
        less(&fan("first"), "ms", &|seen| seen.fan_out.first_ms),
        less(&fan("last"), "ms", &|seen| seen.fan_out.last_ms).ratio(1.0, 1.0),
    ]);
    for (name, turn) in [
        ("first turn since the start", 0),
        ("first turn of a conversation", 1),
    ]
    .into_iter()
    .chain([("tenth turn of a conversation", TURNS)])
    {
        let of = |seen: &Seen| match turn {
            0 => seen.turns.coldest,
            1 => seen.turns.first,
            _ => seen.turns.tenth,
        };
        rows.push(
            less(&format!("{name}, first words"), "ms", &|seen| {
                of(seen).first_delta_ms
            })
            .ratio(0.1, 0.15),
        );
        rows.push(less(&format!("{name}, end"), "ms", &|seen| of(seen).final_ms).ratio(0.1, 0.2));
    }
    rows
}

fn notes(official: &Seen, ours: &Seen, alone_ms: f64) -> Vec<String> {
    let over = ours.turns.tenth.first_delta_ms - alone_ms;
    let size = |seen: &Seen| json!(seen.answers.health).to_string().len();
    vec![
        format!(
            "the model alone takes {alone_ms:.1} ms to its first words; ours takes {over:.1} ms more \
             (goal: 50): {}",
            if over <= 50.0 { "met" } else { "NOT MET" }
        ),
        format!(
            "an answer to health has {} bytes there and {} here; members and types are compared",
            size(official),
            size(ours)
        ),
    ]
}
