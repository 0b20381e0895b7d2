//! The disk of our own gateway fills up or may not be written: what cannot be kept is refused with
//! the reason, what is kept can be read, and with room on the disk everything goes on.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::gateway::witness::Witness;
use e2e::http;
use e2e::network::in_own_mounts;
use e2e::our_gateway::OurGateway;
use e2e::process::{Finished, Program};
use e2e::tools;
use e2e::wait::until;
use serde_json::{Value, json};

/// How long a run of the helper may take, the rests of a gateway that could not keep it included.
const RUN: Duration = Duration::from_secs(30);
/// The disk of the state holds this much.
const DISK: &str = "size=2m";

async fn mount(args: &[&str]) -> Result<()> {
    let mount = tools::system("/usr/bin/mount")?;
    let run = Program::new(mount).args(args).run(RUN);
    run.await?.ok()?;
    Ok(())
}

/// A gateway, not started yet, whose state is on a small disk of its own.
async fn on_a_small_disk() -> Result<OurGateway> {
    let gateway = OurGateway::prepare()?;
    let state = gateway.state_dir();
    fs::create_dir_all(&state)?;
    mount(&["-t", "tmpfs", "-o", DISK, "tmpfs", path(&state)?]).await?;
    Ok(gateway)
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}

/// Takes all the room there is on the disk.
fn fill(folder: &Path) -> Result<()> {
    let mut filler = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("filler"))?;
    while filler.write_all(&[0; 512]).is_ok() {}
    Ok(())
}

fn message(key: &str) -> Value {
    // Larger than what may be left in a file that has its room already.
    let text = format!("note {key} {}", "x".repeat(40_000));
    json!({"sessionKey": "main", "message": text, "idempotencyKey": key})
}

/// Each acknowledged message is in the history once.
async fn all_there(witness: &mut Witness, acknowledged: &[String]) -> Result<()> {
    let asked = json!({"sessionKey": "main", "limit": 1000});
    let told = witness.call("chat.history", asked).await?;
    let messages = told["messages"].as_array().into_iter().flatten();
    let waiting = told["pendingInputs"]["items"].as_array();
    let mut found: Vec<String> = messages
        .filter_map(|message| message["idempotencyKey"].as_str())
        .map(|key| key.trim_end_matches(":user").to_owned())
        .collect();
    found.extend(
        waiting
            .into_iter()
            .flatten()
            .filter_map(|item| item["runId"].as_str().map(str::to_owned)),
    );
    found.sort_unstable();
    let mut expected = acknowledged.to_vec();
    expected.sort_unstable();
    ensure!(found == expected, "{found:?} instead of {expected:?}");
    Ok(())
}

#[tokio::test]
async fn a_full_disk_is_said_and_with_room_again_everything_goes_on() -> Result<()> {
    let name = "disk_trouble::a_full_disk_is_said_and_with_room_again_everything_goes_on";
    if !in_own_mounts(name).await? {
        return Ok(());
    }
    let mut gateway = on_a_small_disk().await?;
    gateway.start_again().await?;
    let mut witness = gateway.witness().await?;
    let mut acknowledged = vec!["first".to_owned()];
    witness.call("chat.send", message("first")).await?;
    fill(&gateway.state_dir())?;

    let refused = loop {
        let key = format!("key-{}", acknowledged.len());
        let answer = witness.ask("chat.send", message(&key)).await?;
        if answer["ok"] != true {
            break answer["error"].clone();
        }
        acknowledged.push(key);
        ensure!(acknowledged.len() < 60, "the disk is not full");
    };
    let words = refused["message"].as_str().unwrap_or_default();
    ensure!(
        refused["code"] == "UNAVAILABLE"
            && refused["details"]["code"] == "STATE_DISK_FULL"
            && refused["retryable"] == true
            && words.contains("nothing was kept")
            && words.contains("free some space"),
        "{refused}"
    );
    all_there(&mut witness, &acknowledged).await?;
    let health = witness.call("health", json!({})).await?;
    ensure!(
        health["ok"] == false && health["state"]["code"] == "STATE_DISK_FULL",
        "{health}"
    );
    let (status, _) = http::get(gateway.port(), "/healthz").await?;
    let (ready, why) = http::get(gateway.port(), "/readyz").await?;
    ensure!(
        status == 200 && ready == 503 && why.contains("\"state\""),
        "{status}, {ready} {why}"
    );
    // Somebody new can look, too.
    all_there(&mut gateway.witness().await?, &acknowledged).await?;

    fs::remove_file(gateway.state_dir().join("filler"))?;
    let again = format!("key-{}", acknowledged.len());
    let taken = witness.call("chat.send", message(&again)).await?;
    ensure!(taken["status"] == "started", "{taken}");
    acknowledged.push(again);
    all_there(&mut witness, &acknowledged).await?;
    let health = witness.call("health", json!({})).await?;
    ensure!(
        health["ok"] == true && health.get("state").is_none(),
        "{health}"
    );
    let (ready, why) = http::get(gateway.port(), "/readyz").await?;
    ensure!(ready == 200, "{ready} {why}");
    until("the end of every run", RUN, async || {
        for key in &acknowledged {
            let asked = json!({"runId": key, "timeoutMs": 0});
            let told = witness.call("agent.wait", asked).await?;
            match told["status"].as_str() {
                Some("ok") => {}
                Some("timeout") => return Ok(None),
                _ => bail!("{key}: {told}"),
            }
        }
        Ok(Some(()))
    })
    .await?;
    gateway.stop().await?;

    gateway.start_again().await?;
    all_there(&mut gateway.witness().await?, &acknowledged).await?;
    gateway.stop().await
}

/// The start ended with one line that says all there is to say.
fn is_one_line(done: &Finished, words: &str) -> Result<()> {
    ensure!(done.code() == Some(1), "{:?}: {}", done.status, done.stderr);
    ensure!(done.stdout.is_empty(), "said {:?}", done.stdout);
    let lines: Vec<&str> = done.stderr.lines().collect();
    let [line] = lines.as_slice() else {
        bail!("not one line: {:?}", done.stderr);
    };
    ensure!(
        line.starts_with("openclaw: ") && line.contains(words),
        "{line:?} does not say {words:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_start_on_a_full_or_read_only_disk_ends_with_one_line() -> Result<()> {
    let name = "disk_trouble::a_start_on_a_full_or_read_only_disk_ends_with_one_line";
    if !in_own_mounts(name).await? {
        return Ok(());
    }
    let mut gateway = on_a_small_disk().await?;
    let state = gateway.state_dir();
    fill(&state)?;
    is_one_line(&gateway.refused().await?, "is full; free some space")?;
    fs::remove_file(state.join("filler"))?;
    gateway.start_again().await?;
    let mut witness = gateway.witness().await?;
    witness.call("chat.send", message("kept")).await?;
    gateway.stop().await?;

    mount(&["-o", "remount,ro", path(&state)?]).await?;
    is_one_line(&gateway.refused().await?, "not mounted read-only")?;
    mount(&["-o", "remount,rw", path(&state)?]).await?;
    gateway.start_again().await?;
    all_there(&mut gateway.witness().await?, &["kept".to_owned()]).await?;
    gateway.stop().await
}
