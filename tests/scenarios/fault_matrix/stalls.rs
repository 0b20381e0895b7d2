//! Connections that stand still without ending: a stopped server, packets that vanish, a stopped
//! client.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::cli::CommandLine;
use e2e::core::CoreUser;
use e2e::fault_proxy::{Direction, Plan, Stall};
use e2e::long_runs::from_env;
use e2e::network::{firewall, in_own_network};
use e2e::process::send;
use e2e::wait::{throughout, until};
use gateway_core::connection::Command;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::phase::Phase;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::front::Front;
use super::leaks::Held;
use super::site::{Site, Talk, Times, UP, row};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_for_five_seconds_keeps_its_connection() -> Result<()> {
    let name =
        "fault_matrix::stalls::a_server_that_stands_still_for_five_seconds_keeps_its_connection";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let rounds: usize = from_env("E2E_FAULT_ROUNDS", 1)?;
    let site = Site::start().await?;
    let user = site.user(RetryPolicy::default()).await?;
    user.command(Command::SetWatched(true)).await;
    let mut talk = Talk::new();
    for _ in 0..rounds {
        let pids = site.ssh.session_pids();
        ensure!(!pids.is_empty());
        for pid in &pids {
            send(*pid, Signal::STOP);
        }
        talk.say(&user).await?;
        sleep(Duration::from_secs(5)).await;
        for pid in &pids {
            send(*pid, Signal::CONT);
        }
        user.all_delivered(UP).await?;
        user.is_up(UP).await?;
    }
    talk.arrived_once_in_order(&site).await?;
    user.shut_down().await;
    ensure!(site.ssh.logins() == 1, "{} sign-ins", site.ssh.logins());
    row("3", &format!("{rounds} × 5 s: 0 reconnects, 0 lost"));
    Ok(())
}

/// Packets vanish, and nobody says so: which of them, by the port at one end.
async fn packets_vanish(rows: &str, up: bool, down: bool) -> Result<()> {
    let rounds: usize = from_env("E2E_VANISH_ROUNDS", 1)?;
    let site = Site::start().await?;
    let before = Held::now()?;
    let user = site.user(RetryPolicy::default()).await?;
    user.command(Command::SetWatched(true)).await;
    let port = site.proxy.port();
    let mut rules = Vec::new();
    if up {
        rules.push(format!("tcp dport {port} drop"));
    }
    if down {
        rules.push(format!("tcp sport {port} drop"));
    }
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let mut talk = Talk::new();
    let (mut noticed, mut released, mut online) =
        (Times::default(), Times::default(), Times::default());
    for _ in 0..rounds {
        let local = user.local_ports().into_iter().next().unwrap_or_default();
        let writer = tokio::spawn(write_until_released(local));
        // It has filled every queue on the way by then, or is still busy doing so.
        sleep(Duration::from_millis(500)).await;
        let vanished = Instant::now();
        firewall(&rules).await?;
        talk.say(&user).await?;
        let (dead, _) = user
            .came_to(vanished, UP, |s| s.phase == Phase::RetryWait)
            .await?;
        let freed = writer.await?;
        firewall(&[]).await?;
        let back = Instant::now();
        let (up, _) = user.came_to(back, UP * 2, |s| s.phase == Phase::Up).await?;
        noticed.since(vanished, dead);
        released.since(dead, freed);
        online.since(back, up);
    }
    user.all_delivered(UP * 2).await?;
    talk.arrived_once_in_order(&site).await?;
    user.shut_down().await;
    // What the proxy still holds is of connections that the fault cut off from everybody.
    drop(site.proxy);
    before.is_all_again().await?;
    row(
        rows,
        &format!(
            "noticed {noticed}; writers released {released} later; online after its end {online}; 0 lost, 0 leaked"
        ),
    );
    ensure!(noticed.longest() <= Duration::from_secs(10), "{noticed}");
    ensure!(released.longest() <= Duration::from_secs(5), "{released}");
    Ok(())
}

/// Writes into the tunnel as fast as it takes it; returns when it no longer does.
async fn write_until_released(port: u16) -> Instant {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else {
        return Instant::now();
    };
    let bytes = [b'\x01'; 16 * 1024];
    while stream.write_all(&bytes).await.is_ok() {}
    Instant::now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_that_vanish_both_ways_are_noticed_within_ten_seconds() -> Result<()> {
    let name = "fault_matrix::stalls::packets_that_vanish_both_ways_are_noticed_within_ten_seconds";
    if !in_own_network(name).await? {
        return Ok(());
    }
    packets_vanish("4", true, true).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_that_vanish_one_way_are_noticed_within_ten_seconds() -> Result<()> {
    let name = "fault_matrix::stalls::packets_that_vanish_one_way_are_noticed_within_ten_seconds";
    if !in_own_network(name).await? {
        return Ok(());
    }
    packets_vanish("5", true, false).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_program_keeps_what_lives_and_rebuilds_what_does_not() -> Result<()> {
    let name =
        "fault_matrix::stalls::a_stopped_program_keeps_what_lives_and_rebuilds_what_does_not";
    if !in_own_network(name).await? {
        return Ok(());
    }
    // Nine seconds are a sleep to the clock; `scripts/soak` takes the ninety of a closed lid.
    let stopped = Duration::from_secs(from_env("E2E_STOPPED_SECONDS", 9)?);
    let site = Site::start().await?;
    let user = CommandLine::new()?;
    std::fs::write(user.known_hosts(), site.ssh.known_hosts_line()?)?;
    let mut flags = e2e::home_server::ssh_flags(&site.ssh, site.gateway.port())?;
    let token_file = user.home().write_private("token", site.gateway.token())?;
    flags.extend(["--token-file".to_owned(), token_file.display().to_string()]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut connecting = user.connect(&flags)?;
    connecting.reaches("up", UP).await?;

    // The server waits meanwhile: nothing is torn down.
    connecting.process().signal(Signal::STOP);
    sleep(stopped).await;
    connecting.process().signal(Signal::CONT);
    until("it knows that it stood still", UP, async || {
        Ok(connecting.log().contains("stood still").then_some(()))
    })
    .await?;
    throughout("the connection", Duration::from_secs(3), async || {
        Ok(connecting.last()?["phase"] == "up")
    })
    .await?;
    ensure!(site.ssh.logins() == 1, "{} sign-ins", site.ssh.logins());

    // The server's side is closed meanwhile.
    connecting.process().signal(Signal::STOP);
    sleep(stopped).await;
    ensure!(site.ssh.kill_sessions() > 0);
    let woke = Instant::now();
    connecting.process().signal(Signal::CONT);
    connecting.reaches("retry_wait", UP).await?;
    connecting.reaches("up", UP).await?;
    let online = woke.elapsed();
    ensure!(connecting.interrupt(Duration::from_secs(2)).await?.code() == Some(0));
    row(
        "6 (scenario 12)",
        &format!(
            "stopped {} s: kept where it lives; closed meanwhile: online {:.1} s after waking",
            stopped.as_secs(),
            online.as_secs_f64()
        ),
    );
    ensure!(online <= Duration::from_secs(10), "{online:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_loss_is_noticed_while_a_request_is_in_flight_with_no_window() -> Result<()> {
    let name =
        "fault_matrix::stalls::silent_loss_is_noticed_while_a_request_is_in_flight_with_no_window";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let site = Site::start().await?;
    let user = site.user(RetryPolicy::default()).await?;
    let held = Instant::now();
    site.proxy.hold(e2e::fault_proxy::Held::both());
    // Nobody watches; the message that waits for its answer is what counts.
    let mut talk = Talk::new();
    talk.say(&user).await?;
    let (dead, _) = user
        .came_to(held, UP, |s| s.phase == Phase::RetryWait)
        .await?;
    site.proxy.let_go();
    let resumed = Instant::now();
    let (up, _) = user
        .came_to(resumed, UP * 2, |s| s.phase == Phase::Up)
        .await?;
    user.all_delivered(UP).await?;
    talk.arrived_once_in_order(&site).await?;
    user.shut_down().await;
    row(
        "4 (scenario 11)",
        &format!(
            "noticed in {:.1} s, online {:.1} s after relaying resumed",
            (dead - held).as_secs_f64(),
            (up - resumed).as_secs_f64()
        ),
    );
    ensure!(dead - held <= Duration::from_secs(10));
    ensure!(up - resumed <= Duration::from_secs(35));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_loss_is_noticed_within_65_seconds_where_nobody_waits() -> Result<()> {
    let name = "fault_matrix::stalls::silent_loss_is_noticed_within_65_seconds_where_nobody_waits";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let site = Site::start().await?;
    // Nobody watches and nothing is asked: what is left is SSH's own keepalive, as in the tray.
    let user = site.user(RetryPolicy::default()).await?;
    let held = Instant::now();
    site.proxy.hold(e2e::fault_proxy::Held::both());
    let (dead, _) = user
        .came_to(held, UP * 3, |s| s.phase == Phase::RetryWait)
        .await?;
    site.proxy.let_go();
    let resumed = Instant::now();
    let (up, _) = user
        .came_to(resumed, UP * 2, |s| s.phase == Phase::Up)
        .await?;
    let mut talk = Talk::new();
    talk.say(&user).await?;
    user.all_delivered(UP).await?;
    talk.arrived_once_in_order(&site).await?;
    user.shut_down().await;
    row(
        "4 (scenario 11, idle)",
        &format!(
            "noticed in {:.1} s, online {:.1} s after relaying resumed",
            (dead - held).as_secs_f64(),
            (up - resumed).as_secs_f64()
        ),
    );
    ensure!(dead - held <= Duration::from_secs(65));
    ensure!(up - resumed <= Duration::from_secs(35));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_programs_are_let_go_when_their_own_connection_falls_silent() -> Result<()> {
    let name =
        "fault_matrix::stalls::local_programs_are_let_go_when_their_own_connection_falls_silent";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let site = Site::start().await?;
    let front = Front::start(SocketAddr::from(([127, 0, 0, 1], site.gateway.port()))).await?;
    // The second connection is the one that local programs get.
    site.proxy.plan(|number| Plan {
        stall: (number == 1).then_some(Stall {
            direction: Direction::Down,
            after: 20_000,
            lasts: UP * 10,
        }),
        ..Plan::default()
    });
    let mut reach = site.reach(RetryPolicy::default())?;
    reach.gateway_port = front.port();
    let user = CoreUser::start(&reach)?;
    user.command(Command::Connect).await;
    user.is_up(UP).await?;
    user.command(Command::SetWatched(true)).await;
    let (since, local) = (user.up_since(), user.local_ports().into_iter().next());
    let local = ("127.0.0.1", local.context("it listens")?);
    // Who comes before the second connection stands shares the app's, and gets everything.
    let let_go = until("a program on the silent connection", UP, async || {
        let mut program = TcpStream::connect(local).await?;
        program.write_all(&Front::wants(100_000)).await?;
        let began = Instant::now();
        let outcome = timeout(UP, program.read_to_end(&mut Vec::new())).await?;
        Ok(outcome.is_err().then(|| began.elapsed()))
    })
    .await?;

    let mut next = TcpStream::connect(local).await?;
    next.write_all(&Front::wants(100_000)).await?;
    let mut came = Vec::new();
    timeout(UP, next.read_to_end(&mut came)).await??;
    ensure!(came == Front::content(100_000));
    ensure!(
        user.up_since() == since,
        "the app's own session was torn down"
    );
    user.shut_down().await;
    row(
        "4 (local programs)",
        &format!(
            "let go after {:.1} s, the next one is served, the app's session stands",
            let_go.as_secs_f64()
        ),
    );
    ensure!(let_go <= Duration::from_secs(12), "{let_go:?}");
    Ok(())
}
