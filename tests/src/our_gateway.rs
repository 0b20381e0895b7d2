//! Our own gateway, as `openclaw gateway run` starts it: own port, own home, own token.
//!
//! It may be stopped, killed and started again in the same home. Its model is the built-in helper
//! unless a test writes an `openclaw.json` of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use uuid::Uuid;

use crate::gateway::witness::Witness;
use crate::http;
use crate::ports;
use crate::process::{Finished, Program, Running};
use crate::temp_home::TempHome;
use crate::tools;
use crate::wait::until;

/// From start to `/healthz`, a debug build on a loaded machine.
const START: Duration = Duration::from_secs(30);
/// One call of our command line.
const CALL: Duration = Duration::from_secs(30);
/// From SIGTERM to its end.
const STOP: Duration = Duration::from_secs(10);

/// A gateway of ours in a home of its own.
#[derive(Debug)]
pub struct OurGateway {
    process: Option<Running>,
    port: u16,
    token: String,
    token_file: PathBuf,
    home: TempHome,
    logs: &'static str,
    network: Option<u32>,
}

impl OurGateway {
    /// Makes the home; nothing runs yet.
    ///
    /// # Errors
    ///
    /// When there is no home or no port to be had.
    pub fn prepare() -> Result<Self> {
        let home = TempHome::new()?;
        let token = format!("ours-{}", Uuid::new_v4().simple());
        let token_file = home.write_private("gateway-token", &token)?;
        Ok(Self {
            process: None,
            port: ports::free_port()?,
            token,
            token_file,
            home,
            logs: "info",
            network: None,
        })
    }

    /// The file with its token.
    pub fn token_file(&self) -> &Path {
        &self.token_file
    }

    /// Makes it log everything, for tests that look for what must not be logged.
    pub fn logging_everything(mut self) -> Self {
        self.logs = "trace";
        self
    }

    /// Has it run in the network of the process `pid`, where only its launch can be seen from here.
    pub fn in_network_of(mut self, pid: u32) -> Self {
        self.network = Some(pid);
        self
    }

    /// Makes the home, starts the gateway in it and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it ends or does not answer in time.
    pub async fn start() -> Result<Self> {
        let mut gateway = Self::prepare()?;
        gateway.start_again().await?;
        Ok(gateway)
    }

    /// Starts it in its home, on the same port as before, and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it still runs, ends, or does not answer in time.
    pub async fn start_again(&mut self) -> Result<()> {
        self.launch()?;
        let is_up = self.is_up().await;
        if is_up.is_err() {
            self.kill();
        }
        is_up
    }

    /// Starts it and waits for nothing.
    ///
    /// # Errors
    ///
    /// When it still runs or cannot be started.
    pub fn launch(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("the gateway still runs");
        }
        self.process = Some(self.program()?.start()?);
        Ok(())
    }

    /// Waits until it answers.
    ///
    /// # Errors
    ///
    /// When it does not run, ends, or does not answer in time.
    pub async fn is_up(&self) -> Result<()> {
        let process = self.process.as_ref().context("the gateway does not run")?;
        let port = self.port;
        until("our gateway's /healthz", START, async || {
            if let Some(status) = process.has_ended()? {
                bail!("the gateway ended early: {status}");
            }
            let answer = http::get(port, "/healthz").await;
            Ok(answer.is_ok_and(|(status, _)| status == 200).then_some(()))
        })
        .await
        .with_context(|| process.stderr())
    }

    /// Runs it to its end: for starts that are to be refused.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or runs on.
    pub async fn refused(&self) -> Result<Finished> {
        self.program()?.run(START).await
    }

    /// The program with what it is told.
    fn program(&self) -> Result<Program> {
        Ok(Program::in_network_of(self.network, tools::openclaw()?)
            .envs(self.home.env())
            .env("OPENCLAW_TRAY_LOG", self.logs)
            .current_dir(self.home.home())
            // In a container the usual choice is every address, as with the official gateway.
            .args(["gateway", "run", "--bind", "loopback"])
            .args(["--port", &self.port.to_string()])
            .arg("--token-file")
            .arg(&self.token_file))
    }

    /// Where it lives.
    pub fn home(&self) -> &TempHome {
        &self.home
    }

    /// Where it keeps its state.
    pub fn state_dir(&self) -> PathBuf {
        self.home.data_home().join("openclaw-tray/gateway")
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The shared token it wants.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Wants another shared token from its next start on.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn take_another_token(&mut self) -> Result<()> {
        self.token = format!("ours-{}", Uuid::new_v4().simple());
        std::fs::write(&self.token_file, &self.token)?;
        Ok(())
    }

    /// Its WebSocket address on this machine.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Signs in with the shared token.
    ///
    /// # Errors
    ///
    /// When it does not let us in.
    pub async fn witness(&self) -> Result<Witness> {
        Witness::connect_to(self.port, &self.token).await
    }

    /// Where a browser finds its page.
    pub fn page(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Returns a link that signs a browser in, as a person at this computer gets it.
    ///
    /// # Errors
    ///
    /// When our command line prints none.
    pub async fn link(&self) -> Result<String> {
        let printed = Program::new(tools::openclaw()?)
            .envs(self.home.env())
            .args(["dashboard", "--url", &self.url()])
            .arg("--token-file")
            .arg(&self.token_file)
            .run(CALL)
            .await?
            .ok()?;
        let link = printed.lines().next().unwrap_or_default().to_owned();
        ensure!(
            link.starts_with(&format!("{}#code=", self.page())),
            "{link}"
        );
        Ok(link)
    }

    /// Stops it as an administrator would.
    ///
    /// # Errors
    ///
    /// When it has not ended in time; it is killed then.
    pub async fn stop(&mut self) -> Result<()> {
        self.stop_and_read().await.map(drop)
    }

    /// Stops it and returns what it printed; nothing where it did not run.
    ///
    /// # Errors
    ///
    /// As [`Self::stop`].
    pub async fn stop_and_read(&mut self) -> Result<String> {
        let Some(process) = self.process.take() else {
            return Ok(String::new());
        };
        process.signal(Signal::TERM);
        process.ended(STOP).await?;
        Ok(format!("{}{}", process.stdout(), process.stderr()))
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        drop(self.process.take());
    }

    /// Kills it with one signal and nothing before that: the moment is the caller's. Returns once
    /// it is gone.
    pub fn kill_now(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal(Signal::KILL);
        }
    }
}
