//! What `openclaw connect --json` tells of a connection's life: every event once, in order, with how long
//! it took, and nothing that belongs to the user.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use e2e::cli::{CommandLine, Connecting, local_port};
use e2e::fault_proxy::{Cut, Direction, End, FaultProxy, Plan};
use e2e::gateway::Release;
use e2e::home_server::{HomeServer, trust};
use e2e::http;
use e2e::ssh_server::config::SshServerConfig;
use e2e::ssh_server::keys::KeyFile;
use e2e::wait::until;
use serde_json::Value;
use tempfile::tempdir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_secs(30);

fn events(connecting: &Connecting) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for state in connecting.states()? {
        let events = state["events"].as_array().context("no events")?;
        all.extend(events.iter().cloned());
    }
    Ok(all)
}

/// One word for an event: its kind, and of a stage which.
fn word(event: &Value) -> String {
    let kind = event["kind"].as_str().unwrap_or_default();
    match event["stage"].as_str() {
        Some(stage) => stage.to_owned(),
        None => kind.to_owned(),
    }
}

fn took(event: &Value) -> Result<f64> {
    event["tookMs"]
        .as_f64()
        .with_context(|| format!("no duration: {event}"))
}

fn now_ms() -> Result<u64> {
    Ok(u64::try_from(
        SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis(),
    )?)
}

/// The stages add up to the attempt, which is what the last event tells the length of.
fn stages_add_up(attempt: &[Value]) -> Result<()> {
    let (connected, stages) = attempt.split_last().context("no attempt")?;
    let stages = stages
        .iter()
        .filter(|event| event["kind"] == "stagePassed" || event["kind"] == "signedIn");
    let sum: f64 = stages.map(took).sum::<Result<f64>>()?;
    let whole = took(connected)?;
    // What lies between them is the listener, the configuration and the settings: no network.
    ensure!(
        sum > 0.0 && sum <= whole + 1.0 && whole - sum < 1_000.0,
        "{sum} of {whole}: {attempt:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_killed_session_and_the_way_back_are_told_in_order_with_their_times() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    trust(&home.ssh, user.known_hosts())?;
    let flags = home.flags()?;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let began = now_ms()?;
    let mut connecting = user.connect(&flags)?;
    let up = connecting.reaches("up", SOON).await?;
    let port = local_port(&up)?;

    // What a web page elsewhere could have a browser ask for.
    let mut page = TcpStream::connect(("127.0.0.1", port)).await?;
    page.write_all(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        .await?;
    let mut answer = String::new();
    page.read_to_string(&mut answer).await?;
    ensure!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    until("the refusal", SOON, async || {
        let refused = |event: &Value| event["kind"] == "requestsRefused" && event["count"] == 1;
        Ok(events(&connecting)?.iter().any(refused).then_some(()))
    })
    .await?;

    ensure!(home.ssh.kill_sessions() > 0, "there was no session to kill");
    connecting.reaches("retry_wait", SOON).await?;
    let again = connecting.reaches("up", SOON).await?;

    ensure!(again["figures"]["attempts"] == 2, "{again}");
    ensure!(again["figures"]["reconnects"] == 1, "{again}");
    let bytes = |name: &str| again["figures"][name].as_u64().unwrap_or_default();
    // A key exchange and hello-ok are some kilobytes, and there were two of each.
    ensure!(
        bytes("bytesIn") > 1_000 && bytes("bytesOut") > 1_000,
        "{again}"
    );
    ensure!(
        bytes("bytesInTotal") > bytes("bytesIn") + 1_000,
        "the first connection was forgotten: {again}"
    );

    let events = events(&connecting)?;
    let numbers: Vec<u64> = events
        .iter()
        .filter_map(|event| event["number"].as_u64())
        .collect();
    let expected: Vec<u64> = (1..).take(events.len()).collect();
    ensure!(numbers == expected, "{numbers:?}");
    let ended = now_ms()?;
    let mut last = began;
    for event in &events {
        let at = event["at"].as_u64().context("no time")?;
        ensure!((last..=ended).contains(&at), "{began} {ended}: {event}");
        last = at;
    }
    let words: Vec<String> = events.iter().map(word).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let attempt = [
        "name",
        "reached",
        "hostKey",
        "signedIn",
        "gatewayPort",
        "hello",
        "connected",
    ];
    let expected = [
        &["attemptBegan", "listenerOpened"],
        &attempt[..],
        &["requestsRefused", "pathLost", "attemptBegan"],
        &attempt[..],
    ]
    .concat();
    ensure!(words == expected, "{words:?}");
    let (first, rest) = events.split_at(2 + attempt.len());
    ensure!(first[0]["why"] == "start", "{}", first[0]);
    ensure!(rest[2]["why"] == "retry", "{}", rest[2]);
    let signed_in = &first[5];
    ensure!(
        signed_in["by"] == "keyFile" && signed_in["hop"] == 0,
        "{signed_in}"
    );
    stages_add_up(first)?;
    stages_add_up(&rest[2..])?;
    // It stood from hello to the kill.
    let stood = rest[1]["at"].as_u64().context("no time")?
        - first[first.len() - 1]["at"].as_u64().context("no time")?;
    ensure!(
        (took(&rest[1])? - stood as f64).abs() < 500.0,
        "{stood}: {}",
        rest[1]
    );

    let finished = connecting.interrupt(Duration::from_secs(2)).await?;
    let last: Value = serde_json::from_str(finished.stdout.lines().last().context("no line")?)?;
    let words: Vec<String> = last["events"]
        .as_array()
        .context("no events")?
        .iter()
        .map(word)
        .collect();
    ensure!(words == ["disconnected", "listenerClosed"], "{last}");
    ensure!(
        last["figures"]["bytesInTotal"].as_u64() >= Some(bytes("bytesInTotal")),
        "{last}"
    );
    Ok(())
}

/// Waits for the event of this kind that comes after the `place`th of all, while a local program asks
/// again and again, and returns it and its place.
async fn comes_after(
    connecting: &Connecting,
    place: usize,
    kind: &str,
    port: u16,
) -> Result<(Value, usize)> {
    until(kind, SOON * 2, async || {
        // One whose connection ends meanwhile gets no answer.
        drop(http::get(port, "/healthz").await);
        let all = events(connecting)?;
        let at = all.iter().skip(place).position(|e| e["kind"] == kind);
        Ok(at.map(|at| (all[place + at].clone(), place + at + 1)))
    })
    .await
    .with_context(|| format!("{:?}", events(connecting)))
}

#[tokio::test]
async fn keys_that_are_learned_and_the_connection_of_local_programs_are_told() -> Result<()> {
    let keys = tempdir()?;
    let second = KeyFile::generate(&keys.path().join("second"), "rsa", "").await?;
    let config = SshServerConfig {
        more: vec![format!("HostKey {}", second.path().display())],
        ..SshServerConfig::default()
    };
    let home = HomeServer::with_shared_gateway(Release::V4, config).await?;
    let proxy = FaultProxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, home.ssh.port())))?;
    // The second connection is the one that local programs get: it ends once it has brought more than
    // a sign-in.
    proxy.plan(|number| Plan {
        cut: (number == 1).then_some(Cut {
            direction: Direction::Down,
            after: 8_000,
            end: End::Rst,
        }),
        ..Plan::default()
    });
    let user = CommandLine::new()?;
    let through = format!("{}@127.0.0.1:{}", home.ssh.user(), proxy.port());
    let mut flags = home.flags()?;
    flags.extend([
        "--accept-host-key".to_owned(),
        home.ssh.host_fingerprint().await?,
    ]);
    let straight = home.ssh.target();
    let flags: Vec<&str> = flags
        .iter()
        .map(|flag| match *flag == straight {
            true => through.as_str(),
            false => flag,
        })
        .collect();
    let mut connecting = user.connect(&flags)?;
    let port = local_port(&connecting.reaches("up", SOON).await?)?;

    let (learned, place) = comes_after(&connecting, 0, "hostKeyLearned", port).await?;
    ensure!(learned["hop"] == 0, "{learned}");
    let (renewed, _) = comes_after(&connecting, place, "hostKeysRenewed", port).await?;
    ensure!(renewed["count"] == 1, "{renewed}");
    let known = fs::read_to_string(user.known_hosts())?;
    ensure!(known.lines().count() == 2, "{known}");

    // The first program after the start had the app's connection, and this one opened beside it.
    let (opened, place) = comes_after(&connecting, place, "localTunnelOpened", port).await?;
    ensure!(opened["again"] == false, "{opened}");
    let (opened, _) = comes_after(&connecting, place, "localTunnelOpened", port).await?;
    ensure!(opened["again"] == true, "{opened}");
    let (status, _) = http::get(port, "/healthz").await?;
    ensure!(status == 200, "{status}");

    let all = events(&connecting)?;
    let told = |kind: &str| all.iter().filter(|event| event["kind"] == kind).count();
    ensure!(
        (told("hostKeyLearned"), told("hostKeysRenewed")) == (1, 1),
        "{all:?}"
    );
    ensure!(
        told("pathLost") == 0,
        "the app's own session ended: {all:?}"
    );
    ensure!(connecting.interrupt(Duration::from_secs(2)).await?.code() == Some(0));
    Ok(())
}
