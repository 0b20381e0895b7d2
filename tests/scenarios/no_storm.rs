//! An address that refuses every connection is tried politely, one attempt after another, and costs
//! next to nothing; a person who does not want to wait need not. How many attempts five minutes see
//! is held with the clock paused (`gateway_core::connection::backoff`).

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::cli::{CommandLine, cause, phase};
use e2e::core::{CoreUser, Reach};
use e2e::home_server::{ssh_flags, trust};
use e2e::long_runs::from_env;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use gateway_core::connection::Command;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::phase::Phase;

const SOON: Duration = Duration::from_secs(20);
/// How long the cost is measured (`scripts/soak` sets `E2E_REFUSED_SECONDS=300`).
const MEASURED_SECONDS: u64 = 20;

#[tokio::test]
async fn an_address_that_refuses_costs_less_than_a_hundredth_of_a_processor() -> Result<()> {
    let mut ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    trust(&ssh, user.known_hosts())?;
    let mut flags = ssh_flags(&ssh, 1)?;
    let token = user.home().write_private("token", "never-asked-for")?;
    flags.extend(["--token-file".to_owned(), token.display().to_string()]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    // Nobody listens there any more.
    ssh.stop();
    let mut connecting = user.connect(&flags)?;
    let waits = connecting.reaches("retry_wait", SOON).await?;
    ensure!(cause(&waits) == "network", "{waits}");

    let measured = Duration::from_secs(from_env("E2E_REFUSED_SECONDS", MEASURED_SECONDS)?);
    let pid = connecting.process().pid();
    let (began, before) = (Instant::now(), cpu_time(pid)?);
    until("the time is over", measured + SOON, async || {
        Ok((began.elapsed() >= measured).then_some(()))
    })
    .await?;
    let share = (cpu_time(pid)? - before).as_secs_f64() / began.elapsed().as_secs_f64();
    let states = connecting.states()?;
    let attempts = states
        .iter()
        .filter(|state| phase(state) == "resolving")
        .count();
    tell(&format!(
        "{:.2} % of a processor over {} s, {attempts} attempts",
        share * 100.0,
        measured.as_secs()
    ));
    ensure!(share < 0.01, "{share}");
    // Five minutes see 24 at the most.
    ensure!((2..=24).contains(&attempts), "{attempts} attempts");
    Ok(())
}

#[tokio::test]
async fn a_person_who_does_not_want_to_wait_need_not() -> Result<()> {
    let mut ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let user = CoreUser::start(&Reach {
        target: ssh.target(),
        known_hosts: ssh.known_hosts_line()?,
        identity: ssh.identity().to_path_buf(),
        gateway_port: 1,
        token: "never-asked-for".to_owned(),
        policy: RetryPolicy::default(),
    })?;
    ssh.stop();
    user.command(Command::Connect).await;
    // The third wait is two seconds and more.
    let is_long = |s: &gateway_core::connection::snapshot::Snapshot| {
        s.phase == Phase::RetryWait && s.attempt >= 4
    };
    user.reaches(SOON * 2, is_long).await?;
    let clicked = Instant::now();
    user.command(Command::ReconnectNow).await;
    let (tried, _) = user
        .came_to(clicked, SOON, |s| s.phase.is_attempting())
        .await
        .context("after the click")?;
    let after = tried - clicked;
    user.shut_down().await;
    ensure!(
        after < Duration::from_millis(1_500),
        "tried after {after:?}"
    );
    Ok(())
}

/// The processor time a process has used. The kernel counts it in hundredths of a second.
fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("no fields")?;
    let mut fields = fields.split(' ').skip(11);
    let mut ticks = || -> Result<u64> { Ok(fields.next().context("too short")?.parse()?) };
    Ok(Duration::from_millis((ticks()? + ticks()?) * 10))
}

#[expect(
    clippy::print_stdout,
    reason = "the figure is what this test is read for"
)]
fn tell(figure: &str) {
    println!("scenario 13: {figure}");
}
