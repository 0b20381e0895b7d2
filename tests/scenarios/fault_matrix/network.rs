//! Networks that change: addresses and routes that go and come back, connections that become thin.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::core::{CoreUser, Reach};
use e2e::fault_proxy::{Flow, Plan};
use e2e::long_runs::from_env;
use e2e::network::{FarNetwork, in_own_network, ip};
use e2e::our_gateway::OurGateway;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use gateway_core::connection::Command;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::phase::Phase;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::front::Front;
use super::site::{Site, Talk, Times, UP, row};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_changes_and_a_route_that_comes_back_are_followed() -> Result<()> {
    let name =
        "fault_matrix::network::an_address_that_changes_and_a_route_that_comes_back_are_followed";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let rounds: usize = from_env("E2E_FAULT_ROUNDS", 1)?;
    let far = FarNetwork::joined().await?;
    let ssh = TestSshServer::start(SshServerConfig {
        address: FarNetwork::FAR_ADDRESS,
        network: Some(far.pid()),
        ..SshServerConfig::default()
    })
    .await?;
    let mut gateway = OurGateway::prepare()?.in_network_of(far.pid());
    gateway.launch()?;
    let reach = Reach {
        target: ssh.target(),
        known_hosts: ssh.known_hosts_line()?,
        identity: ssh.identity().to_path_buf(),
        gateway_port: gateway.port(),
        token: gateway.token().to_owned(),
        policy: RetryPolicy::default(),
    };
    let (mut moved, mut back) = (Times::default(), Times::default());
    let mut addresses = [FarNetwork::NEAR_ADDRESS, "10.9.0.3/24"];
    for _ in 0..rounds {
        // Somebody new each time: what is lost again and again is waited for longer, as it should be.
        let user = CoreUser::start(&reach)?;
        user.command(Command::Connect).await;
        user.is_up(UP).await?;
        let mut talk = Talk::new();
        talk.say(&user).await?;
        let changed = Instant::now();
        ip(&["address", "del", addresses[0], "dev", FarNetwork::NEAR]).await?;
        ip(&["address", "add", addresses[1], "dev", FarNetwork::NEAR]).await?;
        addresses.swap(0, 1);
        talk.say(&user).await?;
        let lost = user
            .came_to(changed, UP, |s| s.phase == Phase::RetryWait)
            .await?;
        let (up, _) = user
            .came_to(lost.0, UP, |s| s.phase == Phase::Up)
            .await
            .with_context(|| format!("{:?}, now {:?}", lost.1, user.snapshot()))?;
        moved.since(changed, up);

        let gone = Instant::now();
        ip(&["link", "set", FarNetwork::NEAR, "down"]).await?;
        talk.say(&user).await?;
        // Some tries are in vain, so that the delays have grown.
        user.came_to(gone, UP, |s| s.phase == Phase::RetryWait && s.attempt >= 3)
            .await?;
        let returned = Instant::now();
        ip(&["link", "set", FarNetwork::NEAR, "up"]).await?;
        let (up, _) = user
            .came_to(returned, UP, |s| s.phase == Phase::Up)
            .await
            .with_context(|| format!("{:?}", user.snapshot()))?;
        back.since(returned, up);
        user.all_delivered(UP).await?;
        talk.arrived_as_told_by(&user.session().context("it is up")?)
            .await?;
        user.shut_down().await;
    }
    row(
        "9",
        &format!(
            "another address: online {moved}; route gone: online after its return {back}; 0 lost"
        ),
    );
    ensure!(moved.longest() <= Duration::from_secs(6), "{moved}");
    ensure!(back.longest() <= Duration::from_secs(4), "{back}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thin_line_is_busy_and_not_dead() -> Result<()> {
    let name = "fault_matrix::network::a_thin_line_is_busy_and_not_dead";
    if !in_own_network(name).await? {
        return Ok(());
    }
    // 64 kbit/s; `scripts/soak` sends ten megabytes at a rate that takes minutes, not half an hour.
    let rate: u32 = from_env("E2E_THIN_RATE", 8_000)?;
    let length: usize = from_env("E2E_THIN_BYTES", 100_000)?;
    let site = Site::start().await?;
    let front = Front::start(SocketAddr::from(([127, 0, 0, 1], site.gateway.port()))).await?;
    // Every byte of the handshakes comes alone, and what follows comes slowly.
    let thin = Flow {
        bytes_per_second: Some(rate),
        piece: if rate <= 8_000 { 1_000 } else { usize::MAX },
        ..Flow::default()
    };
    let mut reach = site.reach(RetryPolicy::default())?;
    reach.gateway_port = front.port();
    let user = CoreUser::start(&reach)?;
    user.command(Command::SetWatched(true)).await;
    user.command(Command::Connect).await;
    user.is_up(UP).await?;
    let ended = user.up_since();
    site.proxy.plan(move |_| Plan {
        down: thin,
        ..Plan::default()
    });
    site.proxy.cut_all(e2e::fault_proxy::End::Fin);
    user.comes_back(ended, UP * 4).await?;
    let (since, logins) = (user.up_since(), site.ssh.logins());
    let local = user
        .local_ports()
        .into_iter()
        .next()
        .context("it listens")?;
    let began = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", local)).await?;
    stream.write_all(&Front::wants(length)).await?;
    let mut came = Vec::with_capacity(length);
    let limit = Duration::from_secs_f64(length as f64 / f64::from(rate) * 2.0) + UP;
    timeout(limit, stream.read_to_end(&mut came)).await??;
    let took = began.elapsed();
    ensure!(
        came == Front::content(length),
        "{} of {length} bytes",
        came.len()
    );
    ensure!(user.up_since() == since, "{:?}", user.snapshot());
    user.shut_down().await;
    // Local programs may have a connection of their own.
    ensure!(site.ssh.logins() <= logins + 1);
    row(
        "16",
        &format!(
            "{length} bytes at {} kbit/s in {:.0} s, every byte equal, 0 reconnects",
            rate / 125,
            took.as_secs_f64()
        ),
    );
    Ok(())
}
