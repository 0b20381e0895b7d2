//! Our program is killed outright: its port is free at once, nothing of it runs on, the next start works.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::cli::{CommandLine, local_port};
use e2e::gateway::Release;
use e2e::home_server::{HomeServer, trust};
use e2e::ports;
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

    connecting.process().signal(Signal::KILL);

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
