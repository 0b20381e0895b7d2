//! The official node host, as a user of another computer starts it.
//!
//! It looks for updates of itself unless it is told not to, and a test reaches no network.

use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::Signal;

use crate::gateway::{Release, official_program, official_user};
use crate::process::Running;
use crate::temp_home::TempHome;

/// From SIGTERM to its end.
const STOP: Duration = Duration::from_secs(30);

/// A computer with the official node host on it. Dropping it kills the node host.
#[derive(Debug)]
pub struct NodeHost {
    process: Option<Running>,
    port: u16,
    name: &'static str,
    home: TempHome,
}

impl NodeHost {
    /// Makes the computer and starts the node host on it, for a gateway on this machine.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not start.
    pub fn start(port: u16, token: &str, name: &'static str) -> Result<Self> {
        let home = official_user(&format!("ws://127.0.0.1:{port}"), token)?;
        let mut host = Self {
            process: None,
            port,
            name,
            home,
        };
        host.start_again()?;
        Ok(host)
    }

    /// Starts it again: the same computer, known to the gateway already.
    ///
    /// # Errors
    ///
    /// When it still runs or does not start.
    pub fn start_again(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "the node host still runs");
        let process = official_program(Release::V4, &self.home)?
            .args(["node", "run", "--host", "127.0.0.1"])
            .args(["--port", &self.port.to_string()])
            .args(["--display-name", self.name])
            // The same is said in its configuration; this holds before it has read that.
            .env("OPENCLAW_NO_AUTO_UPDATE", "1")
            .start()?;
        self.process = Some(process);
        Ok(())
    }

    /// Where it lives.
    pub fn home(&self) -> &TempHome {
        &self.home
    }

    /// What it wrote since it was started last.
    pub fn log(&self) -> String {
        let process = self.process.as_ref();
        process.map_or_else(String::new, |p| format!("{}{}", p.stdout(), p.stderr()))
    }

    /// Stops it as an administrator would.
    ///
    /// # Errors
    ///
    /// When it has not ended in time; it is killed then.
    pub async fn stop(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.signal(Signal::TERM);
            process.ended(STOP).await?;
        }
        Ok(())
    }
}
