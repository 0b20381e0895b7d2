//! A home server to try things on: a real SSH server on loopback, the official gateway behind it,
//! and an offline model that echoes. Prints one line when it is ready and stays until it is told to
//! end (Ctrl-C or SIGTERM); then nothing of it is left.
//!
//! The host key is new each time, so whoever connects is asked to trust it.

use std::io::Write;

use anyhow::{Context, Result};
use e2e::gateway::{Release, TestGateway};
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let serve = async {
        let (ssh, gateway) = tokio::try_join!(
            TestSshServer::start(SshServerConfig::default()),
            TestGateway::start(Release::V4),
        )?;
        announce(&ssh, &gateway)?;
        // What was started lives as long as it is held.
        std::future::pending::<()>().await;
        drop((ssh, gateway));
        anyhow::Ok(())
    };
    tokio::select! {
        outcome = serve => outcome,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

/// Says where the server is, in one line that scripts read.
fn announce(ssh: &TestSshServer, gateway: &TestGateway) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "DEMO READY address={} identity={} token-file={} gateway-port={}",
        ssh.target(),
        ssh.identity().display(),
        gateway.token_file().display(),
        gateway.port(),
    )
    .context("nobody reads what we say")?;
    out.flush()?;
    Ok(())
}
