//! One of the two gateways: how it is started, and what the system says of its processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use e2e::gateway::{Release, official_program, write_config};
use e2e::model_provider::ModelProvider;
use e2e::ports;
use e2e::process::{Program, Running};
use e2e::temp_home::TempHome;
use e2e::tools;
use rustix::process::Signal;
use uuid::Uuid;

use crate::wire::Caller;

/// From start to hello, on a loaded machine.
const START: Duration = Duration::from_secs(120);
/// From SIGTERM to the end.
const STOP: Duration = Duration::from_secs(30);
/// A gateway that does not let us in yet is left alone for this part of the time it has run: what is
/// measured is that exact, and knocking costs it nothing.
const PAUSE_PART: u32 = 50;
const SHORTEST_PAUSE: Duration = Duration::from_micros(200);

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
    pub(crate) kind: Kind,
    pub(crate) port: u16,
    pub(crate) token: String,
    pub(crate) token_file: PathBuf,
    /// From the start of the program to the first hello.
    pub(crate) started_in: Duration,
    process: Running,
    _home: TempHome,
}

/// What the processes hold, in KiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// What is in memory for each of them (RSS); shared pages count for each.
    pub(crate) resident: f64,
    /// The same with shared pages shared out (PSS).
    pub(crate) proportional: f64,
}

impl Side {
    /// Starts one in a home of its own and waits until it has said hello.
    pub(crate) fn start(kind: Kind, provider: &ModelProvider) -> Result<Self> {
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
        let started_in =
            hello(&process, port, &token, began).with_context(|| process.last_lines(20))?;
        Ok(Self {
            kind,
            port,
            token,
            token_file,
            started_in,
            process,
            _home: home,
        })
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.process.signal(Signal::TERM);
        self.process.ended(STOP).await?;
        Ok(())
    }

    /// What it wrote last, for an error.
    pub(crate) fn last_lines(&self) -> String {
        self.process.last_lines(20)
    }

    /// The memory all its processes hold.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let mut all = Memory {
            resident: 0.0,
            proportional: 0.0,
        };
        for pid in self.processes() {
            let told = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
            let kib = |name: &str| {
                let line = told.lines().find(|line| line.starts_with(name));
                let size = line.and_then(|line| line.split_whitespace().nth(1));
                anyhow::Ok(size.context("no size")?.parse::<f64>()?)
            };
            all.resident += kib("Rss:")?;
            all.proportional += kib("Pss:")?;
        }
        Ok(all)
    }

    /// The computing time all its processes have used, in seconds: exact, unlike the ticks of `stat`,
    /// and without the threads that have ended.
    pub(crate) fn computed(&self) -> Result<f64> {
        let mut nanoseconds = 0.0;
        for pid in self.processes() {
            for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
                // A thread may end while the others are counted.
                let Ok(told) = fs::read_to_string(thread?.path().join("schedstat")) else {
                    continue;
                };
                let used = told.split_whitespace().next().context("no time")?;
                nanoseconds += used.parse::<f64>()?;
            }
        }
        Ok(nanoseconds / 1e9)
    }

    fn processes(&self) -> Vec<u32> {
        let mut all = self.process.descendants();
        all.push(self.process.pid());
        all
    }
}

fn hello(process: &Running, port: u16, token: &str, began: Instant) -> Result<Duration> {
    loop {
        if Caller::connect(port, token).is_ok() {
            return Ok(began.elapsed());
        }
        ensure!(process.has_ended()?.is_none(), "the gateway ended early");
        if began.elapsed() > START {
            bail!("no hello within {START:?}");
        }
        std::thread::sleep((began.elapsed() / PAUSE_PART).max(SHORTEST_PAUSE));
    }
}

/// The program beside this file that asks as the reference client does.
pub(crate) fn load_program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/gateway/load.mjs")
}
