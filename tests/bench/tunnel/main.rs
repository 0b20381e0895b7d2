//! What a forward costs: ours against `ssh -N -L`, in one run and with one cipher.
//!
//! Each round measures every side, in an order that turns from round to round, through one sshd to
//! one server. What counts is the median of the rounds' ratios. Beside the two stand the limits: a
//! program that only copies, and no forward at all. `--quick` does fewer rounds and judges nothing;
//! `--idle SECONDS` only lets ours and ssh stand for that long.

mod crowd;
mod idle;
mod side;
mod table;
mod usage;
mod wire;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::our_gateway::OurGateway;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;

use crowd::crowd;
use side::{Side, Way, Who};
use table::{Goal, Row, at_part, median};
use wire::{Echo, Peer};

/// Rounds that have to be steady, and how many are done to have them.
const STEADY_ROUNDS: usize = 7;
const ROUNDS: usize = 9;
/// One transfer: long enough that opening it does not count.
const BULK: u64 = 256 * 1024 * 1024;
/// Through the forward's own limits for new keys, twice.
const LONG: u64 = 2_500_000_000;
const SMALL: usize = 100;
const LARGE: usize = 16 * 1024;
const SMALL_ECHOES: usize = 1_500;
const LARGE_ECHOES: usize = 120;
/// How long the neighbour of a stuck connection is measured.
const BESIDE: Duration = Duration::from_millis(1_500);

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test` runs a benchmark without `--bench`: building it was the test.
    if !std::env::args().any(|arg| arg == "--bench") {
        return Ok(());
    }
    let quick = std::env::args().any(|arg| arg == "--quick");
    let rounds = if quick { 3 } else { ROUNDS };
    let server = TestSshServer::start(SshServerConfig::default()).await?;
    let dir = tempfile::tempdir()?;
    let known_hosts = dir.path().join("known_hosts");
    std::fs::write(&known_hosts, server.known_hosts_line()?)?;
    let (mut gateway, _peer) = gateway_and_peer().await?;
    let token_file = gateway.token_file().to_owned();
    let way = Way {
        server: &server,
        known_hosts: &known_hosts,
        token_file: &token_file,
        gateway_port: gateway.port(),
    };

    if let Some(time) = idle_time()? {
        idle::idle(&way, time).await?;
        return gateway.stop().await;
    }
    let mut rows = Rows::new();
    {
        let mut sides = Vec::new();
        for who in Who::ALL {
            sides.push(way.open(who).await?.0);
        }
        for round in 0..rounds {
            for turn in 0..sides.len() {
                let side = &sides[(round + turn) % sides.len()];
                rows.measure(side).await?;
            }
        }
        if !quick {
            long_transfer(&sides[0]).await?;
        }
    }
    for round in 0..rounds {
        let mut pair = [Who::Ours, Who::Ssh];
        pair.rotate_left(round % 2);
        for who in pair {
            rows.cold_start(&way, who).await?;
        }
        for who in pair {
            rows.crowd(&way, who).await?;
        }
    }
    let all_met = rows.report(if quick { 1 } else { STEADY_ROUNDS })?;
    gateway.stop().await?;
    ensure!(quick || all_met, "a goal is not met");
    Ok(())
}

fn idle_time() -> Result<Option<Duration>> {
    let seconds = std::env::args().skip_while(|arg| arg != "--idle").nth(1);
    let seconds = seconds.map(|seconds| seconds.parse()).transpose()?;
    Ok(seconds.map(Duration::from_secs))
}

/// A gateway, and on the port next to it what is measured.
async fn gateway_and_peer() -> Result<(OurGateway, Peer)> {
    for _ in 0..20 {
        let mut gateway = OurGateway::prepare()?;
        if let Ok(peer) = Peer::start(gateway.port() + 1).await {
            gateway.start_again().await?;
            return Ok((gateway, peer));
        }
    }
    anyhow::bail!("no two neighbouring ports are free")
}

/// Everything that is measured.
struct Rows {
    down: Row,
    up: Row,
    cpu_down: Row,
    cpu_up: Row,
    small: Row,
    large: Row,
    beside: Row,
    cold: Row,
    cold_default: Row,
    idle_crowd: Row,
    used_crowd: Row,
}

impl Rows {
    fn new() -> Self {
        Self {
            down: Row::new("bulk down", "MB/s", Goal::AtLeast(1.0)),
            up: Row::new("bulk up", "MB/s", Goal::AtLeast(1.25)),
            cpu_down: Row::new("computing per GB, down", "s", Goal::AtMost(1.0)),
            cpu_up: Row::new("computing per GB, up", "s", Goal::AtMost(1.0)),
            small: Row::new("echo of 100 B, p50", "us", Goal::AtMost(1.0)),
            large: Row::new("echo of 16 KiB, p99", "us", Goal::AtMost(0.05)),
            beside: Row::new("echo beside a stuck reader, p50", "us", Goal::AtMost(1.5)),
            cold: Row::new("start to first byte, one cipher", "ms", Goal::AtMost(0.4)),
            cold_default: Row::new(
                "start to first byte, ssh as it is",
                "ms",
                Goal::AtMost(0.25),
            ),
            idle_crowd: Row::new("1,000 idle connections, RSS", "KiB", Goal::AtMost(0.5)),
            used_crowd: Row::new("1,000 connections after use, RSS", "KiB", Goal::AtMost(1.0)),
        }
    }

    async fn measure(&mut self, side: &Side) -> Result<()> {
        let who = side.who;
        let (down, cpu) = transfer(side, wire::down(side.port, BULK)).await?;
        self.down.note(who, per_second(down));
        note_cpu(&mut self.cpu_down, who, cpu);
        let (up, cpu) = transfer(side, wire::up(side.port, BULK)).await?;
        self.up.note(who, per_second(up));
        note_cpu(&mut self.cpu_up, who, cpu);
        self.small
            .note(who, median(&echoes(side, SMALL, SMALL_ECHOES).await?));
        self.large.note(
            who,
            at_part(&echoes(side, LARGE, LARGE_ECHOES).await?, 0.99),
        );
        if matches!(who, Who::Ours | Who::Ssh) {
            self.beside.note(who, beside_a_stuck_reader(side).await?);
        }
        Ok(())
    }

    async fn cold_start(&mut self, way: &Way<'_>, who: Who) -> Result<()> {
        let (_side, took) = way.open(who).await?;
        self.cold.note(who, took.as_secs_f64() * 1e3);
        if who == Who::Ours {
            self.cold_default.note(who, took.as_secs_f64() * 1e3);
        } else {
            let (_side, took) = way.open_default_ssh().await?;
            self.cold_default.note(who, took.as_secs_f64() * 1e3);
        }
        Ok(())
    }

    async fn crowd(&mut self, way: &Way<'_>, who: Who) -> Result<()> {
        let (side, _) = way.open(who).await?;
        let (idle, used) = crowd(&side).await?;
        self.idle_crowd.note(who, idle);
        self.used_crowd.note(who, used);
        Ok(())
    }

    #[expect(
        clippy::print_stdout,
        reason = "a benchmark's result is what it prints"
    )]
    fn report(&self, steady: usize) -> Result<bool> {
        let load = std::fs::read_to_string("/proc/loadavg")?;
        println!(
            "ours against ssh -N -L, {} for both; load average {}",
            side::CIPHER,
            load.trim()
        );
        let mut all_met = true;
        for row in [
            &self.down,
            &self.up,
            &self.cpu_down,
            &self.cpu_up,
            &self.small,
            &self.large,
            &self.beside,
            &self.cold,
            &self.cold_default,
            &self.idle_crowd,
            &self.used_crowd,
        ] {
            all_met &= row.print(steady)?;
        }
        Ok(all_met)
    }
}

/// How long a transfer took, and how much its program computed for it.
async fn transfer(
    side: &Side,
    moving: impl Future<Output = Result<Duration>>,
) -> Result<(Duration, Option<f64>)> {
    let before = side.pid().map(usage::cpu).transpose()?;
    let took = moving.await?;
    let after = side.pid().map(usage::cpu).transpose()?;
    Ok((
        took,
        after.zip(before).map(|(after, before)| after - before),
    ))
}

fn note_cpu(row: &mut Row, who: Who, cpu: Option<f64>) {
    if let Some(seconds) = cpu {
        row.note(who, seconds * 1e9 / bulk());
    }
}

fn per_second(took: Duration) -> f64 {
    bulk() / took.as_secs_f64() / 1e6
}

fn bulk() -> f64 {
    u32::try_from(BULK).map_or(f64::INFINITY, f64::from)
}

/// Round trips in microseconds.
async fn echoes(side: &Side, size: usize, count: usize) -> Result<Vec<f64>> {
    let mut echo = Echo::open(side.port, size).await?;
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        took.push(echo.once().await?.as_secs_f64() * 1e6);
    }
    Ok(took)
}

/// The median round trip on one connection while another one is sent much and reads nothing.
async fn beside_a_stuck_reader(side: &Side) -> Result<f64> {
    let mut echo = Echo::open(side.port, SMALL).await?;
    let _stuck = wire::stuck(side.port).await?;
    let began = Instant::now();
    let mut took = Vec::new();
    while began.elapsed() < BESIDE {
        took.push(echo.once().await?.as_secs_f64() * 1e6);
    }
    Ok(median(&took))
}

#[expect(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]
async fn long_transfer(side: &Side) -> Result<()> {
    let down = wire::down(side.port, LONG).await?;
    let up = wire::up(side.port, LONG).await?;
    println!(
        "2.5 GB each way across new keys, every byte compared: {:.1} s down, {:.1} s up",
        down.as_secs_f64(),
        up.as_secs_f64()
    );
    Ok(())
}
