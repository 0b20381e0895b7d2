//! Our own gateway is killed again and again while programs of every kind write to it: after each
//! restart everything it acknowledged is there once, and nothing is there by half.

mod load;
mod verdict;

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::gateway;
use e2e::long_runs::from_env;
use e2e::model_provider::ModelProvider;
use e2e::our_gateway::OurGateway;
use load::Load;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rusqlite::Connection;
use verdict::Depth;

/// A tenth of the long run (`scripts/soak` sets `E2E_KILLS=200`).
const KILLS: usize = 20;
/// What is written, and when a kill falls, is drawn from this seed (`E2E_SEED` sets another).
const SEED: u64 = 20_261_123;
/// How long the gateway is written to at most before it is killed.
const LIFE_MS: u64 = 500;
/// One kill in so many falls into the start.
const STARTS: u32 = 5;
/// After so many kills everything is looked at, and not only what is recent.
const KILLS_TO_LOOK_BACK: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_once_and_whole_after_every_kill() -> Result<()> {
    let kills: usize = from_env("E2E_KILLS", KILLS)?;
    let seed: u64 = from_env("E2E_SEED", SEED)?;
    let mut draw = StdRng::seed_from_u64(seed);
    let provider = ModelProvider::start()?;
    let mut gateway = OurGateway::prepare()?;
    gateway::write_config(gateway.home(), gateway.port(), gateway.token(), &provider)?;
    let mut load = Load::new(&gateway);
    let began = Instant::now();
    gateway.start_again().await?;
    let start_takes = began.elapsed();
    gateway.kill_now();
    let mut in_the_start = 0;
    for kill in 1..=kills {
        if draw.random_ratio(1, STARTS) {
            gateway.launch()?;
            tokio::time::sleep(start_takes.mul_f64(draw.random())).await;
            gateway.kill_now();
            in_the_start += 1;
        } else {
            gateway.start_again().await?;
            let depth = if kill % KILLS_TO_LOOK_BACK == 0 {
                Depth::Everything
            } else {
                Depth::Recent
            };
            verdict::judge(&gateway, &load, depth).await?;
            load.next_life();
            let mut writers = load.begin(&mut draw);
            tokio::time::sleep(Duration::from_millis(draw.random_range(0..LIFE_MS))).await;
            gateway.kill_now();
            while let Some(ended) = writers.join_next().await {
                ended??;
            }
        }
        is_sound(&gateway, "quick_check").with_context(|| format!("after kill {kill}"))?;
    }
    gateway.start_again().await?;
    verdict::judge(&gateway, &load, Depth::Everything).await?;
    gateway.stop().await?;
    is_sound(&gateway, "integrity_check")?;

    let ledger = load.ledger();
    let counts = ledger.counts();
    println!(
        "killed_gateway: {kills} kills ({in_the_start} of them during the start), seed {seed}: \
         {} requests, {} acknowledged, {} unacknowledged ({} sent again), {} lost, {} duplicated",
        counts.asked,
        counts.acknowledged,
        counts.unacknowledged(),
        counts.sent_again,
        counts.lost,
        counts.duplicated
    );
    ensure!(ledger.wrong().is_empty(), "{:#?}", ledger.wrong());
    ensure!(
        counts.acknowledged > kills && counts.unacknowledged() > 0,
        "no load to speak of: {counts:?}"
    );
    Ok(())
}

/// Has SQLite look at a copy of what a kill left: the state itself is opened by the gateway alone.
fn is_sound(gateway: &OurGateway, check: &str) -> Result<()> {
    let copy = tempfile::tempdir()?;
    for name in ["gateway.sqlite", "gateway.sqlite-wal"] {
        let file = gateway.state_dir().join(name);
        if file.exists() {
            fs::copy(&file, copy.path().join(name))?;
        }
    }
    let database = Connection::open(copy.path().join("gateway.sqlite"))?;
    let told: String = database.pragma_query_value(None, check, |row| row.get(0))?;
    ensure!(told == "ok", "{check}: {told}");
    Ok(())
}
