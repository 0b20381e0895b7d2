//! Connections that end: killed sessions, cuts at random bytes, flapping, and stopping on the way.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::core::CoreUser;
use e2e::fault_proxy::{End, Plan};
use e2e::long_runs::from_env;
use e2e::network::in_own_network;
use gateway_core::connection::Command;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::phase::Phase;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::leaks::Held;
use super::site::{Site, Talk, Times, UP, row};

/// The seed of the moments and bytes (`E2E_SEED` sets another).
const SEED: u64 = 20_261_123;
/// How many cuts (`scripts/soak` sets `E2E_CUTS=1000`).
const CUTS: usize = 30;
/// Within so many bytes of a connection its cut falls: the handshakes of SSH and gateway take about
/// half of them, messages the rest.
const WITHIN: u64 = 24_000;
/// A connection whose byte does not come within this is cut all the same.
const PATIENCE_MS: u64 = 400;
/// A conversation holds so many messages of this, less than one history returns.
const MESSAGES_EACH: usize = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_at_random_bytes_lose_double_and_reorder_nothing() -> Result<()> {
    let name = "fault_matrix::cuts::cuts_at_random_bytes_lose_double_and_reorder_nothing";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let cuts: usize = from_env("E2E_CUTS", CUTS)?;
    let seed = from_env("E2E_SEED", SEED)?;
    let site = Site::start().await?;
    let before = Held::now()?;
    let user = site.user(RetryPolicy::uncapped()).await?;
    let mut planned = StdRng::seed_from_u64(seed);
    site.proxy
        .plan(move |_| Plan::drawn_cut(&mut planned, WITHIN));
    // The connection that is up has no plan of its own yet.
    site.proxy.cut_all(End::Rst);
    let mut draw = StdRng::seed_from_u64(seed + 1);
    let mut talks = vec![Talk::new()];
    let mut forced = 0;
    while site.proxy.cuts() < cuts {
        if talks.last().is_none_or(|talk| talk.len() >= MESSAGES_EACH) {
            user.all_delivered(UP * 2).await?;
            talks.push(Talk::new());
        }
        if let Some(talk) = talks.last_mut() {
            talk.say(&user).await?;
        }
        let (made, accepted) = (site.proxy.cuts(), site.proxy.accepted());
        let patience = Duration::from_millis(draw.random_range(PATIENCE_MS / 2..PATIENCE_MS));
        let deadline = Instant::now() + patience;
        while site.proxy.cuts() == made && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if site.proxy.cuts() == made && site.proxy.accepted() == accepted {
            site.proxy.cut_all(End::Fin);
            forced += 1;
        }
    }
    site.proxy.plan(|_| Plan::default());
    site.proxy.cut_all(End::Fin);
    user.all_delivered(UP * 2).await?;
    user.shut_down().await;
    let mut sent = 0;
    for talk in &talks {
        talk.arrived_once_in_order(&site).await?;
        sent += talk.len();
    }
    before.is_all_again().await?;
    row(
        "20, 21",
        &format!(
            "{} cuts ({forced} between bytes), {sent} messages: 0 lost, 0 duplicated, 0 reordered, 0 leaked",
            site.proxy.cuts()
        ),
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_session_is_noticed_at_once_and_rebuilt_within_seconds() -> Result<()> {
    let name = "fault_matrix::cuts::a_killed_session_is_noticed_at_once_and_rebuilt_within_seconds";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let kills: usize = from_env("E2E_FAULT_ROUNDS", 5)?;
    let site = Site::start().await?;
    let before = Held::now()?;
    let user = site.user(RetryPolicy::uncapped()).await?;
    let (mut noticed, mut online) = (Times::default(), Times::default());
    for _ in 0..kills {
        let killed = Instant::now();
        ensure!(site.ssh.kill_sessions() > 0, "there was no session to kill");
        let (lost, _) = user
            .came_to(killed, UP, |s| s.phase == Phase::RetryWait)
            .await?;
        let (up, _) = user.came_to(lost, UP, |s| s.phase == Phase::Up).await?;
        noticed.since(killed, lost);
        online.since(killed, up);
    }
    user.shut_down().await;
    before.is_all_again().await?;
    row("2", &format!("noticed {noticed}; online {online}"));
    ensure!(noticed.longest() <= Duration::from_secs(1), "{noticed}");
    ensure!(online.percentile(95) <= Duration::from_secs(3), "{online}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_and_goes_is_not_stormed() -> Result<()> {
    let name = "fault_matrix::cuts::a_server_that_comes_and_goes_is_not_stormed";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let seconds: u64 = from_env("E2E_FLAP_SECONDS", 12)?;
    let mut site = Site::start().await?;
    let before = Held::now()?;
    let user = site.user(RetryPolicy::default()).await?;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        site.proxy.close_door().await;
        site.proxy.cut_all(End::Fin);
        tokio::time::sleep(Duration::from_secs(1)).await;
        site.proxy.open_door()?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let flapped = Instant::now();
    user.is_up(Duration::from_secs(75)).await?;
    let attempts = user.attempts_since(began);
    let changes = user.phases_since(began).len();
    user.shut_down().await;
    before.is_all_again().await?;
    let most = attempts
        .iter()
        .map(|at| {
            let minute = *at..*at + Duration::from_secs(60);
            attempts
                .iter()
                .filter(|other| minute.contains(*other))
                .count()
        })
        .max();
    row(
        "17",
        &format!(
            "{seconds} s up and down by the second: {} attempts, at most {} in a minute, {changes} changes of \
             state, online {:.1} s after the last, 0 leaked",
            attempts.len(),
            most.unwrap_or_default(),
            flapped.elapsed().as_secs_f64()
        ),
    );
    ensure!(most.is_some_and(|most| most <= 12), "{attempts:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_and_switching_at_any_moment_resurrects_nothing() -> Result<()> {
    let name = "fault_matrix::cuts::stopping_and_switching_at_any_moment_resurrects_nothing";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let rounds: usize = from_env("E2E_SWITCHES", 40)?;
    let mut draw = StdRng::seed_from_u64(from_env("E2E_SEED", SEED)?);
    let site = Site::start().await?;
    let before = Held::now()?;
    let user = CoreUser::start(&site.reach(RetryPolicy::uncapped())?)?;
    let mut stopped_in = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..rounds {
        user.command(Command::Connect).await;
        // Connecting takes some tens of milliseconds: the stop falls anywhere in it.
        tokio::time::sleep(Duration::from_micros(draw.random_range(0..150_000))).await;
        *stopped_in
            .entry(format!("{:?}", user.snapshot().phase))
            .or_default() += 1;
        match draw.random_range(0..3) {
            0 => user.reroute(&site.reach(RetryPolicy::uncapped())?).await?,
            1 => user.command(Command::ReconnectNow).await,
            _ => user.command(Command::Disconnect).await,
        }
    }
    user.command(Command::Disconnect).await;
    let stopped = Instant::now();
    user.reaches(UP, |snapshot| snapshot.phase == Phase::Off)
        .await?;
    // What was on its way when it was stopped is gone at the server's door too.
    e2e::wait::until("no connection is left", UP, async || {
        Ok((site.proxy.live() == 0).then_some(()))
    })
    .await?;
    let accepted = site.proxy.accepted();
    e2e::wait::throughout("nothing comes back", Duration::from_secs(2), async || {
        Ok(site.proxy.accepted() == accepted && user.phases_since(stopped).len() <= 2)
    })
    .await?;
    user.shut_down().await;
    before.is_all_again().await?;
    row(
        "27",
        &format!("{rounds} stops and switches in {stopped_in:?}: 0 resurrected, 0 leaked"),
    );
    Ok(())
}
