//! Rows 15 and 16: packets that are far, few, lost, doubled, out of order, damaged or tiny.
//!
//! The server is in a network of its own, and the kernel's own TCP has to cope: nothing between the two
//! ends knows of connections.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::core::CoreUser;
use e2e::fault_proxy::{Flow, Plan};
use e2e::long_runs::from_env;
use e2e::network::{FarNetwork, Quality, in_own_network};
use gateway_core::connection::Command;
use gateway_core::connection::backoff::RetryPolicy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::front::Front;
use super::site::{Site, Talk, UP, row};

/// The seed of what becomes of each packet (`E2E_SEED` sets another).
const SEED: u64 = 20_261_124;
/// So much is asked for at once where a connection may break on the way.
const PIECE: usize = 100_000;

/// A gateway that sends what it is asked for, behind an SSH server in a far network.
async fn with_front(far: &mut FarNetwork) -> Result<(Site, Front)> {
    let site = Site::in_network(far).await?;
    let front = Front::start(SocketAddr::from(([127, 0, 0, 1], site.gateway.port()))).await?;
    far.leads_home(front.port()).await?;
    Ok((site, front))
}

/// Somebody who waits for an answer, on the way past the proxy.
async fn watching(site: &Site, gateway_port: u16) -> Result<CoreUser> {
    let mut reach = site.straight(RetryPolicy::default())?;
    reach.gateway_port = gateway_port;
    let user = CoreUser::start(&reach)?;
    user.command(Command::SetWatched(true)).await;
    user.command(Command::Connect).await;
    user.is_up(UP * 4).await?;
    Ok(user)
}

/// Asks for so many bytes through the local port; an error is a connection that broke and said so.
async fn fetch(port: u16, length: usize) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(&Front::wants(length)).await?;
    let mut came = Vec::with_capacity(length);
    stream.read_to_end(&mut came).await?;
    Ok(came)
}

fn local_port(user: &CoreUser) -> Result<u16> {
    let local = user.snapshot().local_port.context("it listens")?;
    Ok(local.port)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_far_and_lossy_line_carries_every_message_once() -> Result<()> {
    let name = "fault_matrix::packets::a_far_and_lossy_line_carries_every_message_once";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let round_trip = Duration::from_millis(from_env("E2E_ROUND_TRIP_MS", 600)?);
    let messages: usize = from_env("E2E_FAR_MESSAGES", 6)?;
    let (mut far, line) = FarNetwork::over_a_line(from_env("E2E_SEED", SEED)?).await?;
    let site = Site::in_network(&mut far).await?;
    line.becomes(Quality {
        delay: round_trip / 2,
        lost: 5,
        ..Quality::default()
    });
    let began = Instant::now();
    let user = watching(&site, site.gateway.port()).await?;
    let connected = began.elapsed();
    let signed_in = site.ssh.logins();
    let mut talk = Talk::new();
    for _ in 0..messages {
        talk.say(&user).await?;
        tokio::time::sleep(round_trip).await;
    }
    // One is under way at a time, and each way and back may lose it once.
    let on_their_way = 2 * round_trip * u32::try_from(messages)?;
    user.all_delivered(UP * 4 + on_their_way).await?;
    user.reaches(UP, |now| now.ping_ms.is_some()).await?;
    let ping = user.snapshot().ping_ms.unwrap_or_default();
    talk.arrived_once_in_order(&site).await?;
    user.shut_down().await;
    let again = site.ssh.logins() - signed_in;
    row(
        "15",
        &format!(
            "round trip {} ms, 5 % loss each way: connected after {:.1} s, {messages} messages once each, \
             {again} reconnects, ping told as {ping:.0} ms; {:?}",
            round_trip.as_millis(),
            connected.as_secs_f64(),
            line.counts()
        ),
    );
    ensure!(again <= 1, "{again} reconnects");
    ensure!(ping >= round_trip.as_secs_f64() * 1_000.0, "{ping} ms");
    ensure!(line.counts().lost > 0, "nothing was lost");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_lost_doubled_overtaken_and_damaged_change_no_byte() -> Result<()> {
    let name = "fault_matrix::packets::packets_lost_doubled_overtaken_and_damaged_change_no_byte";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let wanted: usize = from_env("E2E_LOSSY_BYTES", 2 * PIECE)?;
    let (mut far, line) = FarNetwork::over_a_line(from_env("E2E_SEED", SEED)?).await?;
    let (site, front) = with_front(&mut far).await?;
    line.becomes(Quality {
        delay: Duration::from_millis(5),
        lost: 20,
        overtaken: 20,
        behind: Duration::from_millis(30),
        doubled: 5,
        damaged: 2,
    });
    let began = Instant::now();
    let user = watching(&site, front.port()).await?;
    let connected = began.elapsed();
    let (mut came, mut broken) = (0, 0);
    let mut talk = Talk::new();
    while came < wanted {
        user.is_up(UP * 4).await?;
        talk.say(&user).await?;
        // Another length each time, so that no piece can be taken for the one before.
        let length = PIECE + came / PIECE;
        match timeout(UP * 6, fetch(local_port(&user)?, length)).await? {
            Ok(bytes) => {
                ensure!(
                    bytes == Front::content(length),
                    "{} of {length} bytes",
                    bytes.len()
                );
                came += bytes.len();
            }
            Err(_) => broken += 1,
        }
    }
    let took = began.elapsed();
    user.all_delivered(UP * 4).await?;
    talk.arrived_once_in_order(&site).await?;
    let told = line.counts();
    line.becomes(Quality::default());
    user.shut_down().await;
    row(
        "16 (packets)",
        &format!(
            "20 % lost, 20 % overtaken, 5 % doubled, 2 % damaged each way: connected after {:.1} s, {came} bytes \
             in {:.0} s, every byte equal, {} messages once each, {broken} transfers told broken; {told:?}",
            connected.as_secs_f64(),
            took.as_secs_f64(),
            talk.len(),
        ),
    );
    ensure!(
        told.lost > 0 && told.overtaken > 0 && told.doubled > 0 && told.damaged > 0,
        "{told:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrow_cable_is_busy_and_not_dead() -> Result<()> {
    let name = "fault_matrix::packets::a_narrow_cable_is_busy_and_not_dead";
    if !in_own_network(name).await? {
        return Ok(());
    }
    // 64 kbit/s; `scripts/soak` sends ten megabytes at a rate that takes minutes, not half an hour.
    let rate: u32 = from_env("E2E_THIN_RATE", 8_000)?;
    let length: usize = from_env("E2E_THIN_BYTES", 100_000)?;
    let mut far = FarNetwork::joined().await?;
    let (site, front) = with_front(&mut far).await?;
    far.narrowed_to(rate / 125).await?;
    let user = watching(&site, front.port()).await?;
    let mut talk = Talk::new();
    let began = Instant::now();
    let limit = Duration::from_secs_f64(length as f64 / f64::from(rate) * 2.0) + UP;
    let fetching = tokio::spawn(timeout(limit, fetch(local_port(&user)?, length)));
    // Somebody chats beside it.
    talk.say(&user).await?;
    let bytes = fetching.await???;
    let took = began.elapsed();
    ensure!(
        bytes == Front::content(length),
        "{} of {length} bytes",
        bytes.len()
    );
    user.all_delivered(UP).await?;
    talk.arrived_once_in_order(&site).await?;
    let again = user.snapshot().figures.reconnects;
    user.shut_down().await;
    let kilobits = length as f64 / 125.0 / took.as_secs_f64();
    row(
        "16 (narrow)",
        &format!(
            "a cable of {} kbit/s: {length} bytes in {:.0} s ({kilobits:.0} kbit/s) beside a chat, every byte \
             equal, {again} reconnects",
            rate / 125,
            took.as_secs_f64()
        ),
    );
    // The transfer has a connection of its own, and each of the two loses packets to the other.
    ensure!(again <= 1, "{again} reconnects");
    // Else it was not the cable that was narrow.
    ensure!(kilobits <= f64::from(rate / 125), "{kilobits} kbit/s");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_come_one_by_one_are_the_same_bytes() -> Result<()> {
    let name = "fault_matrix::packets::bytes_that_come_one_by_one_are_the_same_bytes";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let length: usize = from_env("E2E_SINGLE_BYTES", 30_000)?;
    let site = Site::start().await?;
    let front = Front::start(SocketAddr::from(([127, 0, 0, 1], site.gateway.port()))).await?;
    let single = Flow {
        piece: 1,
        ..Flow::default()
    };
    site.proxy.plan(move |_| Plan {
        up: single,
        down: single,
        ..Plan::default()
    });
    let mut reach = site.reach(RetryPolicy::default())?;
    reach.gateway_port = front.port();
    let user = CoreUser::start(&reach)?;
    user.command(Command::SetWatched(true)).await;
    user.command(Command::Connect).await;
    user.is_up(UP).await?;
    let since = user.up_since();
    let mut talk = Talk::new();
    talk.say(&user).await?;
    let bytes = timeout(UP * 2, fetch(local_port(&user)?, length)).await??;
    ensure!(
        bytes == Front::content(length),
        "{} of {length} bytes",
        bytes.len()
    );
    user.all_delivered(UP).await?;
    talk.arrived_once_in_order(&site).await?;
    ensure!(user.up_since() == since, "{:?}", user.snapshot());
    user.shut_down().await;
    row(
        "16 (single bytes)",
        &format!(
            "sign-in, chat and {length} bytes, each byte a write of its own both ways: equal, 0 reconnects"
        ),
    );
    Ok(())
}
