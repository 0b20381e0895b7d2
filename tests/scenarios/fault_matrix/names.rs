//! Names that change, vanish and lead to dead addresses, and a server that no longer knows us.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::core::{CoreUser, Reach};
use e2e::network::{in_own_network, in_own_network_and_mounts, ip};
use e2e::our_gateway::OurGateway;
use e2e::process::Program;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::tools;
use e2e::wait::throughout;
use gateway_core::connection::Command;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::phase::{Cause, Phase};

use super::site::{Site, UP, row};

const NAME: &str = "home.test";
/// An address of documentation (RFC 3849) that nobody answers at.
const NOBODY: &str = "2001:db8::1";

/// Says what the name means from now on, to this test alone.
fn name_means(hosts: &Path, addresses: &[&str]) -> Result<()> {
    let mut lines = String::from("127.0.0.1 localhost\n");
    for address in addresses {
        lines.push_str(&format!("{address} {NAME}\n"));
    }
    Ok(fs::write(hosts, lines)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_looked_up_for_every_attempt_and_a_dead_address_costs_a_moment() -> Result<()> {
    let name = "fault_matrix::names::a_name_is_looked_up_for_every_attempt_and_a_dead_address_costs_a_moment";
    if !in_own_network_and_mounts(name).await? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let hosts = folder.path().join("hosts");
    name_means(&hosts, &["127.0.0.1"])?;
    let mount = Program::new(tools::system("/usr/bin/mount")?).arg("--bind");
    mount.arg(&hosts).arg("/etc/hosts").run(UP).await?.ok()?;
    // What is sent there arrives at nobody's, and nobody says so.
    for order in [
        "link add nowhere type veth peer name void",
        "link set void up",
        "link set nowhere up",
        "-6 address add 2001:db8::2/64 dev nowhere nodad",
        "-6 neighbour add 2001:db8::1 lladdr 02:00:00:00:00:01 dev nowhere",
    ] {
        ip(&order.split(' ').collect::<Vec<_>>()).await?;
    }

    let config = SshServerConfig {
        more: vec!["ListenAddress 127.0.0.2".to_owned()],
        ..SshServerConfig::default()
    };
    let (ssh, gateway) = tokio::try_join!(TestSshServer::start(config), OurGateway::start())?;
    let key = ssh.known_hosts_line()?;
    let (_, key) = key.split_once(' ').context("no key")?;
    let user = CoreUser::start(&Reach {
        target: format!("{}@{NAME}:{}", ssh.user(), ssh.port()),
        known_hosts: format!("[{NAME}]:{} {key}", ssh.port()),
        identity: ssh.identity().to_path_buf(),
        gateway_port: gateway.port(),
        token: gateway.token().to_owned(),
        policy: RetryPolicy::uncapped(),
    })?;
    let began = Instant::now();
    user.command(Command::Connect).await;
    user.is_up(UP).await?;
    let plain = began.elapsed();

    name_means(&hosts, &[NOBODY, "127.0.0.2"])?;
    let killed = Instant::now();
    ensure!(ssh.kill_sessions() > 0);
    let (lost, _) = user
        .came_to(killed, UP, |s| s.phase == Phase::RetryWait)
        .await?;
    let (up, _) = user.came_to(lost, UP, |s| s.phase == Phase::Up).await?;
    let with_dead = up - lost;
    ensure!(ssh.log().contains("on 127.0.0.2 port"), "{}", ssh.log());

    name_means(&hosts, &[])?;
    let killed = Instant::now();
    ensure!(ssh.kill_sessions() > 0);
    user.came_to(killed, UP, |s| {
        s.phase == Phase::RetryWait && s.attempt >= 3
    })
    .await?;
    name_means(&hosts, &["127.0.0.1"])?;
    user.is_up(UP).await?;
    user.shut_down().await;
    row(
        "8",
        &format!(
            "connected in {:.2} s; with a dead address first in {:.2} s; a name that vanished is tried until it is back",
            plain.as_secs_f64(),
            with_dead.as_secs_f64()
        ),
    );
    ensure!(
        with_dead <= plain + Duration::from_secs(1),
        "{with_dead:?} {plain:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_no_longer_lets_in_is_tried_once() -> Result<()> {
    let name = "fault_matrix::names::a_key_that_no_longer_lets_in_is_tried_once";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let site = Site::start().await?;
    let user = site.user(RetryPolicy::uncapped()).await?;
    site.ssh.forget_client_key()?;
    let (connections, killed) = (site.ssh.connections(), Instant::now());
    ensure!(site.ssh.kill_sessions() > 0);
    let (_, paused) = user
        .came_to(killed, UP, |s| s.phase == Phase::Paused)
        .await?;
    ensure!(paused.cause == Some(Cause::AuthRefused), "{paused:?}");
    throughout(
        "nothing is tried by itself",
        Duration::from_secs(3),
        async || Ok(site.ssh.connections() == connections + 1),
    )
    .await?;
    user.command(Command::Woke).await;
    user.command(Command::NetworkChanged).await;
    throughout("nor after a wake-up", Duration::from_secs(1), async || {
        Ok(site.ssh.connections() == connections + 1)
    })
    .await?;
    user.shut_down().await;
    row("10", "1 connection, then it is a person's turn");
    Ok(())
}
