//! How fast the conversation window is: our window in WebKitGTK and the official gateway's own page in
//! Chromium show the same ten conversations of 10,000 messages of one official gateway, in turns.
//!
//! Everything is timed inside the page, by the same functions (`page.js`). Our window draws on a virtual
//! screen, by computing; Chromium draws by computing too, and has no screen to bring it to. The wire is the
//! same for both, but not what is asked for: ours reads the last 200 messages of a conversation, the
//! official page 80. Both were asked of the gateway before, so that neither is the first to. Letters are put in by the page's own editing command at planned moments, not by a
//! keyboard. `--rounds N` does more or fewer rounds than two.

mod conversations;
#[path = "../figures.rs"]
mod figures;
#[path = "../report.rs"]
mod report;
mod side;
mod stream;

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::gateway::{Release, TestGateway};
use e2e::tools;

use conversations::{ALL, CONVERSATIONS};
use figures::{at_part, median};
use report::Row;
use side::{Kind, Side, each};
use stream::Stream;

/// How often each window has its turn, each time a new one.
const ROUNDS: usize = 2;
/// How long a window is left alone before its memory is looked at.
const SETTLE: Duration = Duration::from_secs(5);
/// Up and down again, in some of the conversations.
const SCROLLED: usize = 3;
const SCROLL_SECONDS: f64 = 12.0;
const SCROLL_PIXELS: f64 = 3_000.0;
/// How often the two conversations shown last are gone back to.
const RETURNS: usize = 10;
/// How long the typing at rest goes on, and how far its letters are apart.
const AT_REST_SECONDS: f64 = 9.0;
const LETTER_MS: f64 = 90.0;

/// What was seen of one window in one round.
struct Seen {
    memory_before: f64,
    memory_after: f64,
    memory_again: f64,
    opens: Vec<f64>,
    returns: Vec<f64>,
    scroll: Vec<f64>,
    at_rest: Vec<f64>,
    stream: Stream,
    drawn: [f64; 2],
}

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test` runs a benchmark without `--bench`: building it was the test.
    if !std::env::args().any(|arg| arg == "--bench") {
        return Ok(());
    }
    let began = Instant::now();
    let rounds = std::env::args().skip_while(|arg| arg != "--rounds").nth(1);
    let rounds = rounds.map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    // For looking at a change of ours: half the time, and no ratios.
    let ours_alone = std::env::args().any(|arg| arg == "--ours");
    let program = tools::openclaw_tray()?;
    let mut gateway = TestGateway::start(Release::V4).await?;
    report::progress("gateway", "conversations");
    conversations::write(&mut gateway).await?;
    let (mut official, mut ours) = (Vec::new(), Vec::new());
    let mut loads = vec![load_average()?];
    for round in 0..rounds {
        let mut kinds = [Kind::Official, Kind::Ours];
        kinds.rotate_left(round % 2);
        for (turn, kind) in kinds.into_iter().enumerate() {
            let busy = CONVERSATIONS + (round * kinds.len() + turn) % (ALL - CONVERSATIONS);
            match kind {
                Kind::Ours => ours.push(see(kind, &gateway, busy).await?),
                Kind::Official if ours_alone => continue,
                Kind::Official => official.push(see(kind, &gateway, busy).await?),
            }
            loads.push(load_average()?);
        }
    }
    let profile = program.parent().and_then(|folder| folder.file_name());
    let profile = profile.context("the program is nowhere")?.display();
    let mut notes = vec![
        format!(
            "our window: {profile} build, WebKitGTK on Xvfb; theirs: Chromium without a screen"
        ),
        format!(
            "load average (1 min) at the start and after each: {}; {rounds} rounds in {} s, the best counts",
            loads.join(" "),
            began.elapsed().as_secs()
        ),
    ];
    notes.extend(told(Kind::Official, &official));
    notes.extend(told(Kind::Ours, &ours));
    let title = "conversations of 10,000 messages, the same gateway";
    report::tell("chat", title, &rows(&official, &ours)?, &notes)
}

async fn see(kind: Kind, gateway: &TestGateway, busy: usize) -> Result<Seen> {
    report::progress(kind, "starting");
    let side = Side::open(kind, gateway).await?;
    let seen = look(&side, gateway, busy).await;
    let seen = seen.with_context(|| format!("{kind:?}: {}", side.window().log()))?;
    side.close().await?;
    Ok(seen)
}

async fn look(side: &Side, gateway: &TestGateway, busy: usize) -> Result<Seen> {
    tokio::time::sleep(SETTLE).await;
    let memory_before = side.memory()?;
    report::progress(side.kind, "opening");
    let opens = open_each(side).await?;
    tokio::time::sleep(SETTLE).await;
    let memory_after = side.memory()?;
    side.window().picture("opened").await?;
    let mut returns = Vec::new();
    let last = each().end;
    for turn in 0..RETURNS {
        returns.push(side.click(last - 1 - (turn + 1) % 2).await?);
    }
    report::progress(side.kind, "scrolling");
    let mut scroll = Vec::new();
    for index in each().take(SCROLLED) {
        side.click(index).await?;
        scroll.extend(side.scroll(SCROLL_SECONDS, SCROLL_PIXELS).await?);
    }
    // What was scrolled to may still be on its way.
    tokio::time::sleep(SETTLE).await;
    let drawn = side.drawn().await?;
    report::progress(side.kind, "typing");
    let at_rest = side.letters(AT_REST_SECONDS, LETTER_MS).await?;
    let stream = stream::watch(side, gateway, busy).await?;
    report::progress(side.kind, "opening all again");
    open_each(side).await?;
    tokio::time::sleep(SETTLE).await;
    Ok(Seen {
        memory_before,
        memory_after,
        memory_again: side.memory()?,
        opens,
        returns,
        scroll,
        at_rest,
        stream,
        drawn,
    })
}

async fn open_each(side: &Side) -> Result<Vec<f64>> {
    let mut took = Vec::new();
    for index in each() {
        took.push(side.click(index).await?);
        // As somebody who looks at it: what is still being drawn is not in the way of the next.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    ensure!(took.len() >= 9, "too few for a median");
    Ok(took)
}

/// What both were seen to do, as rows. Ratios are judged; what ours alone is meant to be is only told.
fn rows(official: &[Seen], ours: &[Seen]) -> Result<Vec<Row>> {
    let less = |name: &str, unit, of: &dyn Fn(&Seen) -> Result<f64>| -> Result<Row> {
        let each = |seen: &[Seen]| seen.iter().map(of).collect::<Result<Vec<f64>>>();
        Ok(Row::less(name, unit, &each(official)?, &each(ours)?))
    };
    let worst = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let p99 = |values: &[f64]| at_part(values, 0.99);
    Ok(vec![
        less("open, first time, median", "ms", &|seen| {
            median(&seen.opens)
        })?
        .goal(1.0)
        .absolute(150.0),
        less("open, first time, worst", "ms", &|seen| {
            Ok(worst(&seen.opens))
        })?
        .absolute(150.0),
        less("go back to it, median", "ms", &|seen| median(&seen.returns))?
            .goal_and_limit(1.0, 1.5)
            .absolute(150.0),
        less("go back to it, worst", "ms", &|seen| {
            Ok(worst(&seen.returns))
        })?,
        less("scrolling, frame, p50", "ms", &|seen| median(&seen.scroll))?,
        less("scrolling, frame, p99", "ms", &|seen| p99(&seen.scroll))?
            .goal(1.0)
            .absolute(50.0),
        less("scrolling, frame, worst", "ms", &|seen| {
            Ok(worst(&seen.scroll))
        })?,
        less("a letter at rest, p99", "ms", &|seen| p99(&seen.at_rest))?.absolute(50.0),
        less("a letter while 100 KB stream, p50", "ms", &|seen| {
            median(&seen.stream.letters)
        })?,
        less("a letter while 100 KB stream, p99", "ms", &|seen| {
            p99(&seen.stream.letters)
        })?
        // Of ninety letters this is the worst one, so that it jumps.
        .goal_and_limit(1.0, 2.0)
        .absolute(50.0),
        less("a letter while 100 KB stream, worst", "ms", &|seen| {
            Ok(worst(&seen.stream.letters))
        })?,
        less("from Enter to the answer's last words", "ms", &|seen| {
            Ok(seen.stream.took)
        })?,
        less("memory before, PSS", "MiB", &|seen| Ok(seen.memory_before))?,
        less("memory after ten conversations, PSS", "MiB", &|seen| {
            Ok(seen.memory_after)
        })?
        .goal(1.0),
        less("memory after all the rest, PSS", "MiB", &|seen| {
            Ok(seen.memory_again)
        })?
        .goal(1.0),
        Row::more(
            "letters of the conversation drawn after scrolling",
            "",
            &official
                .iter()
                .map(|seen| seen.drawn[0])
                .collect::<Vec<_>>(),
            &ours.iter().map(|seen| seen.drawn[0]).collect::<Vec<_>>(),
        ),
    ])
}

/// What the table has no room for.
fn told(kind: Kind, seen: &[Seen]) -> Vec<String> {
    seen.iter()
        .map(|seen| {
            let opens: Vec<String> = seen.opens.iter().map(|ms| format!("{ms:.0}")).collect();
            format!(
                "{kind:?}: opened in {} ms; {} elements drawn after scrolling; {}",
                opens.join(" "),
                seen.drawn[1],
                seen.stream.told
            )
        })
        .collect()
}

fn load_average() -> Result<String> {
    let told = fs::read_to_string("/proc/loadavg")?;
    Ok(told.split(' ').next().unwrap_or_default().to_owned())
}
