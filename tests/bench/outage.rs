//! How long a local program is cut off when the server's SSH session dies: ours against autossh.
//!
//! Both lead a loopback port to the same gateway, each through an sshd of its own. In each round the
//! session process of one side is killed, then of the other, in alternating order; the outage is the
//! time from the kill to the end of the first request that began after it and was answered. The
//! figure that counts is the median of the rounds' ratios.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::cli::{CommandLine, Connecting};
use e2e::gateway::{Release, TestGateway};
use e2e::process::{Program, Running};
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::{http, tools, wait};

/// Enough for a median that one odd round cannot move.
const ROUNDS: usize = 7;
/// A connection that was up this long is retried at once by our rule; autossh has no such rule.
const SETTLE: Duration = Duration::from_millis(10_500);
/// How long a side may take to come back before the run is given up.
const LIMIT: Duration = Duration::from_secs(30);

/// One way to keep a port forwarded.
struct Side {
    name: &'static str,
    server: TestSshServer,
    port: u16,
    outages: Vec<Duration>,
    _program: Kept,
}

/// What must live as long as the side does.
enum Kept {
    Ours {
        _user: CommandLine,
        _connecting: Connecting,
    },
    Peer {
        _running: Running,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test` runs a benchmark without `--bench`: building it was the test.
    if !std::env::args().any(|arg| arg == "--bench") {
        return Ok(());
    }
    let gateway = TestGateway::shared(Release::V4).await?;
    let mut sides = [ours(&gateway).await?, autossh(&gateway).await?];
    for round in 0..ROUNDS {
        for turn in 0..2 {
            let side = &mut sides[(round + turn) % 2];
            settle(side.port).await?;
            let outage = cut(side).await?;
            side.outages.push(outage);
        }
    }
    report(&sides)
}

async fn ours(gateway: &TestGateway) -> Result<Side> {
    let server = TestSshServer::start(SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    std::fs::write(user.known_hosts(), server.known_hosts_line()?)?;
    let (target, wanted) = (server.target(), free_port()?.to_string());
    let (remote, identity) = (gateway.port().to_string(), path(server.identity())?);
    let token_file = path(gateway.token_file())?;
    let mut connecting = user.connect(&[
        "--ssh-target",
        &target,
        "--identity",
        &identity,
        "--local-port",
        &wanted,
        "--remote-port",
        &remote,
        "--token-file",
        &token_file,
    ])?;
    let state = connecting.reaches("up", LIMIT).await?;
    let port = e2e::cli::local_port(&state)?;
    Ok(Side {
        name: "openclaw connect",
        server,
        port,
        outages: Vec::new(),
        _program: Kept::Ours {
            _user: user,
            _connecting: connecting,
        },
    })
}

async fn autossh(gateway: &TestGateway) -> Result<Side> {
    let server = TestSshServer::start(SshServerConfig::default()).await?;
    let known = tempfile::NamedTempFile::new()?.into_temp_path().keep()?;
    std::fs::write(&known, server.known_hosts_line()?)?;
    let port = free_port()?;
    let (user, address) = (server.user(), "127.0.0.1");
    let program = Program::new(tools::system("/usr/bin/autossh")?)
        // Without a gate time a first failure would end it; polling is off with -M 0.
        .env("AUTOSSH_GATETIME", "0")
        .env("PATH", "/usr/bin:/bin")
        .args([
            "-M",
            "0",
            "-N",
            "-o",
            "BatchMode=yes",
            "-o",
            "ExitOnForwardFailure=yes",
        ])
        .args([
            "-o",
            "ServerAliveInterval=15",
            "-o",
            "IdentitiesOnly=yes",
            "-F",
            "none",
        ])
        .arg("-o")
        .arg(format!("UserKnownHostsFile={}", known.display()))
        .arg("-i")
        .arg(server.identity())
        .arg("-p")
        .arg(server.port().to_string())
        .arg("-L")
        .arg(format!("{port}:127.0.0.1:{}", gateway.port()))
        .arg(format!("{user}@{address}"))
        .start()?;
    Ok(Side {
        name: "autossh",
        server,
        port,
        outages: Vec::new(),
        _program: Kept::Peer { _running: program },
    })
}

/// Waits until the port answers, and then as long as our quick retry asks for.
async fn settle(port: u16) -> Result<()> {
    wait::until("an answer through the forward", LIMIT, async || {
        Ok(http::get(port, "/healthz").await.is_ok().then_some(()))
    })
    .await?;
    wait::throughout("the forward stays up", SETTLE, async || {
        Ok(http::get(port, "/healthz").await.is_ok())
    })
    .await
}

async fn cut(side: &Side) -> Result<Duration> {
    let killed_at = Instant::now();
    ensure!(
        side.server.kill_sessions() > 0,
        "{} had no session to kill",
        side.name
    );
    while killed_at.elapsed() < LIMIT {
        if http::get(side.port, "/healthz").await.is_ok() {
            return Ok(killed_at.elapsed());
        }
        tokio::task::yield_now().await;
    }
    anyhow::bail!("{} did not come back within {LIMIT:?}", side.name)
}

#[expect(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]
fn report(sides: &[Side; 2]) -> Result<()> {
    println!("outage after the SSH session is killed, ms ({ROUNDS} rounds, one gateway, one run)");
    for side in sides {
        let mut sorted = side.outages.clone();
        sorted.sort();
        println!(
            "  {:<18} min {:>7.1}  median {:>7.1}  max {:>7.1}",
            side.name,
            in_ms(sorted[0]),
            in_ms(sorted[sorted.len() / 2]),
            in_ms(sorted[sorted.len() - 1]),
        );
    }
    let mut ratios: Vec<f64> = sides[0]
        .outages
        .iter()
        .zip(&sides[1].outages)
        .map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    let median = *ratios.get(ROUNDS / 2).context("no rounds")?;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    println!(
        "  median of ratios   {median:.2}   (load average {})",
        load.trim()
    );
    ensure!(median <= 1.0, "ours is cut off longer than autossh");
    Ok(())
}

fn in_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn path(path: &std::path::Path) -> Result<String> {
    Ok(path
        .to_str()
        .context("a path that is not UTF-8")?
        .to_owned())
}
