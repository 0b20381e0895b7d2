//! One of the two gateways: how it is started, and what the system says of its processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use e2e::gateway::witness::Witness;
use e2e::gateway::{Release, official_program, write_config};
use e2e::model_provider::ModelProvider;
use e2e::ports;
use e2e::process::{Program, Running};
use e2e::temp_home::TempHome;
use e2e::tools;
use rustix::process::Signal;
use uuid::Uuid;

/// From start to hello, on a loaded machine.
const START: Duration = Duration::from_secs(120);
/// From SIGTERM to the end.
const STOP: Duration = Duration::from_secs(30);
/// How long to leave a gateway alone that does not let us in yet: well below what is measured.
const BETWEEN_TRIES: Duration = Duration::from_millis(1);

/// Which gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The official one, on Node.js.
    Official,
    /// Ours, as the release build of `openclaw`.
    Ours,
}

/// A running gateway, with a configuration that is the same on both sides.
pub(crate) struct Side {
    pub(crate) port: u16,
    pub(crate) token: String,
    pub(crate) token_file: PathBuf,
    /// From the start of the program to the first hello.
    pub(crate) started_in: Duration,
    process: Running,
    _home: TempHome,
}

impl Side {
    /// Starts one in a home of its own and waits until it has said hello.
    pub(crate) async fn start(kind: Kind, provider: &ModelProvider) -> Result<Self> {
        let home = TempHome::new()?;
        let token = format!("bench-{}", Uuid::new_v4().simple());
        let token_file = home.write_private("gateway-token", &token)?;
        let port = ports::free_port()?;
        write_config(&home, port, &token, provider)?;
        let program = match kind {
            Kind::Official => official_program(Release::V4, &home)?,
            Kind::Ours => Program::new(tools::openclaw()?)
                .envs(home.env())
                .current_dir(home.home()),
        };
        let began = Instant::now();
        let process = program
            .args(["gateway", "run", "--port", &port.to_string()])
            .start()?;
        let started_in = hello(&process, port, &token, began)
            .await
            .with_context(|| process.last_lines(20))?;
        Ok(Self {
            port,
            token,
            token_file,
            started_in,
            process,
            _home: home,
        })
    }

    pub(crate) async fn witness(&self) -> Result<Witness> {
        Witness::connect_to(self.port, &self.token).await
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.process.signal(Signal::TERM);
        self.process.ended(STOP).await?;
        Ok(())
    }

    /// The memory all its processes hold, in KiB.
    pub(crate) fn memory_kib(&self) -> Result<f64> {
        self.processes()
            .iter()
            .map(|pid| {
                let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
                let line = status.lines().find(|line| line.starts_with("VmRSS:"));
                let size = line.and_then(|line| line.split_whitespace().nth(1));
                Ok(size.context("no VmRSS")?.parse::<f64>()?)
            })
            .sum()
    }

    /// The computing time all its processes have used, in seconds. The system counts in hundredths.
    pub(crate) fn computed(&self) -> Result<f64> {
        self.processes()
            .iter()
            .map(|pid| {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
                let (_, after_name) = stat.rsplit_once(')').context("no name")?;
                let columns: Vec<&str> = after_name.split_whitespace().collect();
                // Fields 14 and 15 of proc(5), counted from the third.
                let ticks =
                    |at: usize| anyhow::Ok(columns.get(at).context("no time")?.parse::<f64>()?);
                Ok((ticks(11)? + ticks(12)?) / 100.0)
            })
            .sum()
    }

    fn processes(&self) -> Vec<u32> {
        let mut all = self.process.descendants();
        all.push(self.process.pid());
        all
    }
}

async fn hello(process: &Running, port: u16, token: &str, began: Instant) -> Result<Duration> {
    loop {
        if Witness::connect_to(port, token).await.is_ok() {
            return Ok(began.elapsed());
        }
        ensure!(process.has_ended()?.is_none(), "the gateway ended early");
        if began.elapsed() > START {
            bail!("no hello within {START:?}");
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
}

/// The entry point of the reference client.
pub(crate) fn reference_client() -> Result<PathBuf> {
    let tree = tools::checkout().join(".tools/gateway-client/node_modules");
    let entry = tree.join("@openclaw/gateway-client/dist/index.mjs");
    tools::system(entry.to_str().context("a path that is not UTF-8")?)
}

/// The program beside this file that asks again and again.
pub(crate) fn load_program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/gateway/load.mjs")
}
