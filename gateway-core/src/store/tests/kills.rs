//! A gateway that is killed at any moment loses nothing it acknowledged and stores nothing by half.

use super::*;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Where the process to be killed keeps its state.
const FOLDER: &str = "STORE_TEST_KILL_FOLDER";

/// What it is in the life of that folder, so that its ids are new.
const LIFE: &str = "STORE_TEST_KILL_LIFE";

const KILLS: u32 = 25;

/// How many conversations are written to at once.
const WRITERS: usize = 6;

#[tokio::test]
async fn what_was_acknowledged_survives_every_kill_once_and_whole() {
    let scratch = tempfile::tempdir().unwrap();
    let mut random = StdRng::seed_from_u64(0x6f63_7467);
    let mut acknowledged = HashSet::new();
    for life in 0..KILLS {
        let lines = random.random_range(1..60);
        // A little later than the line, so that the kill falls anywhere in a commit.
        let later = Duration::from_micros(random.random_range(0..3000));
        let before = acknowledged.len();
        live_and_be_killed(scratch.path(), life, lines, later, &mut acknowledged);
        assert!(
            acknowledged.len() > before,
            "life {life} acknowledged nothing"
        );
        check(scratch.path(), &acknowledged).await;
    }
}

fn live_and_be_killed(
    folder: &Path,
    life: u32,
    lines: usize,
    later: Duration,
    acknowledged: &mut HashSet<String>,
) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store::tests::kills::write_until_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(LIFE, life.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let mut seen = 0;
    loop {
        line.clear();
        said.read_line(&mut line).unwrap();
        // The last line may be cut off; it counts only when it is whole.
        let Some(whole) = line.strip_suffix('\n') else {
            break;
        };
        if let Some(id) = whole.strip_prefix("stored ") {
            assert!(acknowledged.insert(id.to_owned()), "{id} twice");
            seen += 1;
            if seen == lines {
                let due = Instant::now() + later;
                while Instant::now() < due {
                    std::hint::spin_loop();
                }
                child.kill().unwrap();
            }
        }
    }
    assert!(
        !child.wait().unwrap().success(),
        "it ended before it was killed"
    );
}

/// Every acknowledged id is there once, every run is whole, and the database is sound.
async fn check(folder: &Path, acknowledged: &HashSet<String>) {
    let store = Store::open(folder).await.unwrap();
    let sound: String = store
        .read(|database| Ok(database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?))
        .await
        .unwrap();
    assert_eq!(sound, "ok");
    let mut found = HashSet::new();
    for writer in 0..WRITERS {
        let page = store
            .transcript_page(&format!("w{writer}-1"), u32::MAX, 0)
            .await
            .unwrap();
        for (stored, seq) in page.messages.iter().zip(1..) {
            assert_eq!(stored.seq, seq);
            assert!(
                found.insert(stored.message.id.clone()),
                "{} twice",
                stored.message.id
            );
        }
        for waiting in store
            .waiting_inputs(&key(&format!("w{writer}")))
            .await
            .unwrap()
        {
            assert!(
                found.insert(waiting.message.id.clone()),
                "{} twice",
                waiting.message.id
            );
        }
    }
    for id in acknowledged {
        assert!(found.contains(id), "{id} was acknowledged and is gone");
    }
    for id in found.iter().filter_map(|id| id.strip_suffix("-message")) {
        let run = store.run(&RunId::from(id)).await.unwrap().unwrap();
        let parts = ["answer", "tool"].map(|part| found.contains(&format!("{id}-{part}")));
        assert_eq!(
            parts,
            [run.state == RunState::Ok; 2],
            "{run:?} is there by half"
        );
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the test above kills"]
async fn write_until_killed() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let life = std::env::var(LIFE).unwrap();
    // Also shows that the lock went with the process before.
    let store = Store::open(Path::new(&folder)).await.unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, life) = (store.clone(), life.clone());
            tokio::spawn(async move { write(&store, &life, writer).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn write(store: &Store, life: &str, writer: usize) {
    for number in 0_u64.. {
        let run = format!("life{life}-w{writer}-{number}");
        accept(store, input(&format!("w{writer}"), &run, NOW + number)).await;
        say(&format!("{run}-message"));
        store
            .start_run(&RunId::from(run.as_str()), NOW)
            .await
            .unwrap();
        let mut end = end(&run, RunOutcome::Ok, NOW + number);
        let padding = "x".repeat(usize::try_from(number % 5).unwrap() * 3000);
        end.messages
            .push(spoken(&format!("{run}-tool"), &padding, NOW));
        store.finish_run(end).await.unwrap();
        say(&format!("{run}-answer"));
        say(&format!("{run}-tool"));
    }
}

/// One write for a whole line: those of several writers must not mix.
fn say(id: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("stored {id}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}
