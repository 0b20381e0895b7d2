//! What `openclaw connect --json` tells of a connection's life: every event once, in order, with how long
//! it took, and nothing that belongs to the user.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use e2e::cli::{CommandLine, Connecting, local_port};
use e2e::gateway::Release;
use e2e::home_server::{HomeServer, trust};
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use serde_json::Value;
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
