//! Our program is killed outright: its port is free at once, nothing of it runs on, the next start works.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::cli::{CommandLine, local_port};
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::{HomeServer, trust};
use e2e::ports;
use e2e::process::{is_running, send};
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use rustix::process::Signal;

#[tokio::test]
async fn the_command_line_leaves_nothing_behind() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    trust(&home.ssh, user.known_hosts())?;
    let flags = home.flags()?;
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut connecting = user.connect(&flags)?;
    let port = local_port(&connecting.reaches("up", Duration::from_secs(20)).await?)?;
    ensure!(!ports::is_free(port), "nothing listens on {port}");
    let started = connecting.process().descendants();

    let process = connecting.process();
    process.signal(Signal::KILL);

    process.ended(Duration::from_secs(30)).await?;
    until("the port", Duration::from_secs(2), async || {
        Ok(ports::is_free(port).then_some(()))
    })
    .await?;
    ensure!(started.is_empty(), "it had started programs: {started:?}");
    let mut again = user.connect(&flags)?;
    let up = again.reaches("up", Duration::from_secs(20)).await?;
    ensure!(local_port(&up)? == port, "{up}");
    Ok(())
}

#[tokio::test]
async fn the_window_program_leaves_nothing_behind() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let port = user.local_port()?;
    let window = user.open("killed-program").await?;
    shows_phase(&window, "up", Duration::from_secs(20)).await?;
    ensure!(!ports::is_free(port), "nothing listens on {port}");
    let pids = window.pids();

    send(window.pid()?, Signal::KILL);

    // On a loaded machine the system itself takes seconds to end the threads of a killed process;
    // what counts is that nothing outlives them.
    until(
        "the end of all its processes",
        Duration::from_secs(30),
        async || Ok(pids.iter().all(|pid| !is_running(*pid)).then_some(())),
    )
    .await?;
    until("the port", Duration::from_secs(2), async || {
        Ok(ports::is_free(port).then_some(()))
    })
    .await
    .with_context(|| ports::users(port))?;
    drop(window);
    let window = user.open("killed-program-again").await?;
    shows_phase(&window, "up", Duration::from_secs(20)).await?;
    ensure!(!ports::is_free(port), "the next start uses another port");
    window.close().await
}
