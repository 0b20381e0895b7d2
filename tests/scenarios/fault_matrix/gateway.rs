//! Faults behind the server: the gateway dies, or a channel to it is never answered.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::long_runs::from_env;
use e2e::network::{firewall, in_own_network};
use e2e::wait::throughout;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::phase::{Cause, Phase};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::leaks::Held;
use super::site::{Site, Talk, Times, UP, row};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_gateway_is_found_again_without_a_new_sign_in() -> Result<()> {
    let name = "fault_matrix::gateway::a_killed_gateway_is_found_again_without_a_new_sign_in";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let kills: usize = from_env("E2E_FAULT_ROUNDS", 2)?;
    let mut site = Site::start().await?;
    let user = site.user(RetryPolicy::default()).await?;
    let mut talk = Talk::new();
    let (mut noticed, mut online) = (Times::default(), Times::default());
    for _ in 0..kills {
        talk.say(&user).await?;
        let killed = Instant::now();
        site.gateway.kill_now();
        let (lost, _) = user
            .came_to(killed, UP, |s| s.phase == Phase::UpGatewayDown)
            .await?;
        talk.say(&user).await?;
        site.gateway.start_again().await?;
        let back = Instant::now();
        let (up, _) = user.came_to(lost, UP, |s| s.phase == Phase::Up).await?;
        noticed.since(killed, lost);
        online.since(back, up);
    }
    user.all_delivered(UP).await?;
    talk.arrived_once_in_order(&site).await?;
    user.shut_down().await;
    row(
        "1",
        &format!("noticed {noticed}; online after its return {online}; new sign-ins 0"),
    );
    ensure!(site.ssh.logins() == 1, "{} sign-ins", site.ssh.logins());
    ensure!(noticed.longest() <= Duration::from_secs(1), "{noticed}");
    ensure!(online.longest() <= Duration::from_secs(7), "{online}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_never_answered_ends_by_itself_and_stops_no_other() -> Result<()> {
    let name =
        "fault_matrix::gateway::a_channel_that_is_never_answered_ends_by_itself_and_stops_no_other";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let site = Site::start().await?;
    let before = Held::now()?;
    let user = site.user(RetryPolicy::default()).await?;
    let session = user.session().expect("it is up");
    let port = user.local_ports().into_iter().next().expect("it listens");
    // The gateway takes no new connection and does not say so; what stands, stands.
    let rule = format!("tcp dport {} tcp flags syn drop", site.gateway.port());
    firewall(&[&rule]).await?;

    let mut waits = TcpStream::connect(("127.0.0.1", port)).await?;
    // No request, so that nobody waits for the rest of one.
    waits.write_all(b"\x01").await?;
    let began = Instant::now();
    let mut others = Times::default();
    let ended = async move {
        let mut rest = Vec::new();
        // A reset is an end as well.
        drop(waits.read_to_end(&mut rest).await);
        Instant::now()
    };
    let waiting = tokio::spawn(timeout(Duration::from_secs(20), ended));
    while !waiting.is_finished() {
        let asked = Instant::now();
        session
            .call_raw("health", json!({}), Duration::from_secs(5))
            .await?;
        others.since(asked, Instant::now());
    }
    let ended = waiting.await??;
    firewall(&[]).await?;
    drop(session);
    user.shut_down().await;
    before.is_all_again().await?;
    row(
        "24",
        &format!(
            "ended after {:.1} s; others meanwhile {others}",
            (ended - began).as_secs_f64()
        ),
    );
    ensure!(ended - began >= Duration::from_secs(3), "it was answered");
    ensure!(ended - began <= Duration::from_secs(10));
    ensure!(others.longest() <= Duration::from_secs(2), "{others}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_device_is_closed_at_once_and_does_not_come_back_by_itself() -> Result<()> {
    let name = "fault_matrix::gateway::a_removed_device_is_closed_at_once_and_does_not_come_back_by_itself";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let site = Site::start().await?;
    let user = site.user(RetryPolicy::uncapped()).await?;
    let mut administrator = site.gateway.witness().await?;
    let devices = administrator.call("device.pair.list", json!({})).await?;
    let device = devices
        .pointer("/paired/0/deviceId")
        .with_context(|| devices.to_string())?;
    let removed = Instant::now();
    administrator
        .call("device.pair.remove", json!({"deviceId": device}))
        .await?;
    let (paused, state) = user
        .came_to(removed, UP, |s| s.phase == Phase::Paused)
        .await?;
    ensure!(state.cause == Some(Cause::Pairing), "{state:?}");
    let connections = site.ssh.connections();
    // The shared token would let it in again, with more than it had: that is for a person to say.
    throughout("it stays out", Duration::from_secs(3), async || {
        Ok(user.snapshot().phase == Phase::Paused && site.ssh.connections() == connections)
    })
    .await?;
    ensure!(user.session().is_none());
    user.shut_down().await;
    row(
        "11",
        &format!(
            "closed {} ms after its removal, and not tried again",
            (paused - removed).as_millis()
        ),
    );
    ensure!(paused - removed <= Duration::from_secs(1));
    Ok(())
}
