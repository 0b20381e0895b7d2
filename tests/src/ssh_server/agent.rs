//! A real ssh-agent of a test's own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use crate::process::{Program, Running};
use crate::tools;
use crate::wait::until;

/// How long the agent or ssh-add may take, on a loaded machine.
const LIMIT: Duration = Duration::from_secs(20);

/// A running ssh-agent. Dropping it ends it and forgets its keys.
#[derive(Debug)]
pub struct TestAgent {
    socket: PathBuf,
    _process: Running,
    _dir: TempDir,
}

impl TestAgent {
    /// Starts an agent without keys.
    ///
    /// # Errors
    ///
    /// When ssh-agent is missing or does not listen.
    pub async fn start() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("e2e-agent-").tempdir()?;
        let socket = dir.path().join("socket");
        let process = Program::new(tools::system("/usr/bin/ssh-agent")?)
            .args(["-D", "-a"])
            .arg(&socket)
            .start()?;
        until("the agent's socket", LIMIT, async || {
            Ok(socket.exists().then_some(()))
        })
        .await?;
        Ok(Self {
            socket,
            _process: process,
            _dir: dir,
        })
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Gives it a key from a file.
    ///
    /// # Errors
    ///
    /// When ssh-add refuses.
    pub async fn add(&self, key: &Path) -> Result<()> {
        Program::new(tools::system("/usr/bin/ssh-add")?)
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.socket)
            .run(LIMIT)
            .await?
            .ok()
            .map(drop)
    }
}
