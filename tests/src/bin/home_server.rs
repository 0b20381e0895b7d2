//! A home server to try things on: a real SSH server on loopback, the official gateway behind it,
//! and an offline model that echoes. Prints one line when it is ready and stays until it is told to
//! end (Ctrl-C or SIGTERM); then nothing of it is left.
//!
//! The host key is new each time, so whoever connects is asked to trust it.
//!
//! `--official-config FILE` and `--app-settings FILE` write how the server is reached, as OpenClaw
//! and as our app have it in their own files. `--release older` has the oldest supported gateway.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use e2e::app::{app_settings, official_config};
use e2e::gateway::{Release, TestGateway};
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<()> {
    let asked = Asked::read(std::env::args().skip(1))?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let release = asked.release;
    let serve = async {
        let (ssh, gateway) = tokio::try_join!(
            TestSshServer::start(SshServerConfig::default()),
            TestGateway::start(release),
        )?;
        asked.write(&ssh, &gateway)?;
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

const USAGE: &str = "flags: --official-config FILE, --app-settings FILE, --release current|older";

/// Which files are to be written, and which gateway is behind them.
#[derive(Debug)]
struct Asked {
    release: Release,
    official_config: Option<PathBuf>,
    app_settings: Option<PathBuf>,
}

impl Asked {
    fn read(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let mut asked = Self {
            release: Release::V4,
            official_config: None,
            app_settings: None,
        };
        while let Some(flag) = args.next() {
            let value = args.next();
            match (flag.as_str(), value.as_deref()) {
                ("--official-config", Some(file)) => asked.official_config = Some(file.into()),
                ("--app-settings", Some(file)) => asked.app_settings = Some(file.into()),
                ("--release", Some("current")) => asked.release = Release::V4,
                ("--release", Some("older")) => asked.release = Release::V3,
                _ => bail!("{USAGE}"),
            }
        }
        Ok(asked)
    }

    fn write(&self, ssh: &TestSshServer, gateway: &TestGateway) -> Result<()> {
        if let Some(file) = &self.official_config {
            write_private(file, &official_config(ssh, gateway))?;
        }
        if let Some(file) = &self.app_settings {
            write_private(file, &app_settings(ssh, gateway)?)?;
        }
        Ok(())
    }
}

/// Writes a file that may hold a token: for its owner only, from its first byte.
fn write_private(file: &PathBuf, value: &Value) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut opened = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("cannot write {}", file.display()))?;
    opened.write_all(serde_json::to_string_pretty(value)?.as_bytes())?;
    Ok(())
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
