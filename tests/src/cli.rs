//! Our command line as a user starts it: in a home of its own, with no `ssh` to be found.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use rustix::process::Signal;
use serde_json::Value;

use crate::process::{Finished, Program, Running};
use crate::temp_home::TempHome;
use crate::tools;

/// What tells programs another time than the machine's (Debian's `faketime`).
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// How long a command that is not `connect` may take; a check alone may take 20 s.
const COMMAND: Duration = Duration::from_secs(60);

/// A user at a terminal.
#[derive(Debug)]
pub struct CommandLine {
    home: TempHome,
    known_hosts: PathBuf,
    log_level: &'static str,
    agent: Option<PathBuf>,
    /// Says by how much the wall clock of its programs is wrong.
    clock: Option<PathBuf>,
}

impl CommandLine {
    /// A user who has never started it.
    ///
    /// # Errors
    ///
    /// When no home can be made.
    pub fn new() -> Result<Self> {
        let home = TempHome::new()?;
        let known_hosts = home.root().join("known_hosts");
        Ok(Self {
            home,
            known_hosts,
            log_level: "info",
            agent: None,
            clock: None,
        })
    }

    /// Logs everything there is to log: for looking whether a secret is among it.
    #[must_use]
    pub fn at_trace(self) -> Self {
        Self {
            log_level: "trace",
            ..self
        }
    }

    /// Gives the user an SSH agent, by its socket.
    #[must_use]
    pub fn with_agent(self, socket: &Path) -> Self {
        Self {
            agent: Some(socket.to_path_buf()),
            ..self
        }
    }

    /// Gives its programs a wall clock of their own, right at first; see [`CommandLine::set_clock`].
    ///
    /// # Errors
    ///
    /// When there is no place for it.
    pub fn with_a_clock_of_its_own(mut self) -> Result<Self> {
        self.clock = Some(self.home.root().join("clock"));
        self.set_clock(0)?;
        Ok(self)
    }

    /// Sets that clock so many days ahead. Clocks that only count go on as they were.
    ///
    /// # Errors
    ///
    /// When it has none of its own.
    pub fn set_clock(&self, days: i64) -> Result<()> {
        self.set_clock_by(days * 86_400)
    }

    /// Sets that clock so many seconds ahead.
    ///
    /// # Errors
    ///
    /// When it has none of its own.
    pub fn set_clock_by(&self, seconds: i64) -> Result<()> {
        let clock = self.clock.as_ref().context("no clock of its own")?;
        // A reader sees the old time or the new one.
        let next = clock.with_extension("next");
        fs::write(&next, format!("{seconds:+}"))?;
        Ok(fs::rename(next, clock)?)
    }

    /// How many seconds the clock of its programs is ahead of ours, as one of the system's tells.
    ///
    /// # Errors
    ///
    /// When that program tells no time.
    pub async fn seconds_ahead(&self) -> Result<i64> {
        let date = Program::new(tools::system("/usr/bin/date")?)
            .envs(self.clock_env()?)
            .arg("+%s");
        let theirs: i64 = date.run(COMMAND).await?.ok()?.trim().parse()?;
        let ours = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        Ok(theirs - i64::try_from(ours)?)
    }

    fn clock_env(&self) -> Result<Vec<(&'static str, PathBuf)>> {
        let Some(clock) = &self.clock else {
            return Ok(Vec::new());
        };
        let yes = || PathBuf::from("1");
        Ok(vec![
            ("LD_PRELOAD", tools::system(FAKETIME)?),
            ("FAKETIME_TIMESTAMP_FILE", clock.clone()),
            ("FAKETIME_NO_CACHE", yes()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", yes()),
        ])
    }

    /// Where the user lives.
    pub fn home(&self) -> &TempHome {
        &self.home
    }

    /// The file of trusted host keys that [`CommandLine::connect`] and [`CommandLine::check`] name.
    pub fn known_hosts(&self) -> &PathBuf {
        &self.known_hosts
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    ///
    /// When it cannot be started or does not end in time.
    pub async fn run(&self, args: &[&str]) -> Result<Finished> {
        self.run_for(COMMAND, args).await
    }

    /// As [`CommandLine::run`], for a command that may take so long.
    ///
    /// # Errors
    ///
    /// As [`CommandLine::run`].
    pub async fn run_for(&self, limit: Duration, args: &[&str]) -> Result<Finished> {
        self.program()?.args(args).run(limit).await
    }

    /// Starts a command.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(&self, args: &[&str]) -> Result<Running> {
        self.program()?.args(args).start()
    }

    /// Runs `openclaw check --json` and returns its exit code and its report.
    ///
    /// # Errors
    ///
    /// When it cannot be started, does not end in time, or reports no JSON.
    pub async fn check(&self, args: &[&str]) -> Result<CheckReport> {
        let known_hosts = self.known_hosts.display().to_string();
        let all = [&["--known-hosts", &known_hosts], args].concat();
        self.check_by_url(&all).await
    }

    /// As [`CommandLine::check`], with no list of host keys: there is none on the direct way.
    ///
    /// # Errors
    ///
    /// As [`CommandLine::check`].
    pub async fn check_by_url(&self, args: &[&str]) -> Result<CheckReport> {
        let done = self
            .program()?
            .args(["check", "--json"])
            .args(args)
            .run(COMMAND)
            .await?;
        let line = done.stdout.lines().last().unwrap_or_default();
        let report: Value = serde_json::from_str(line)
            .or_else(|_| serde_json::from_str(&done.stdout))
            .with_context(|| format!("no report\n{}\n{}", done.stdout, done.stderr))?;
        let code = done.code().context("ended by a signal")?;
        Ok(CheckReport {
            code,
            report,
            log: done.stderr,
        })
    }

    /// Starts `openclaw connect --json`.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn connect(&self, args: &[&str]) -> Result<Connecting> {
        let known_hosts = self.known_hosts.display().to_string();
        let all = [&["--known-hosts", &known_hosts], args].concat();
        self.connect_by_url(&all)
    }

    /// As [`CommandLine::connect`], with no list of host keys: there is none on the direct way.
    ///
    /// # Errors
    ///
    /// As [`CommandLine::connect`].
    pub fn connect_by_url(&self, args: &[&str]) -> Result<Connecting> {
        let process = self
            .program()?
            .args(["connect", "--json"])
            .args(args)
            .start()?;
        Ok(Connecting { process, read: 0 })
    }

    fn program(&self) -> Result<Program> {
        Ok(Program::new(tools::openclaw()?)
            .envs(self.home.env())
            .env("OPENCLAW_TRAY_LOG", self.log_level)
            .envs(self.clock_env()?)
            .envs(self.agent.iter().map(|socket| ("SSH_AUTH_SOCK", socket)))
            .current_dir(self.home.home()))
    }
}

/// What `openclaw check --json` said.
#[derive(Debug, Clone)]
pub struct CheckReport {
    /// Its exit code.
    pub code: i32,
    /// Its report: `{"ok", "steps": [{"id", "status", "ms", "summary", "action"}]}`.
    pub report: Value,
    /// What it logged.
    pub log: String,
}

impl CheckReport {
    /// Each step's id and status, in order.
    ///
    /// # Errors
    ///
    /// When the report has another shape.
    pub fn statuses(&self) -> Result<Vec<(String, String)>> {
        let steps = self
            .report
            .get("steps")
            .and_then(Value::as_array)
            .context("no steps")?;
        steps
            .iter()
            .map(|step| Ok((text(step, "id")?, text(step, "status")?)))
            .collect()
    }

    /// The first step that is not well, with its status and what it says.
    ///
    /// # Errors
    ///
    /// When the report has another shape.
    pub fn first_failing(&self) -> Result<Option<(String, String, String)>> {
        let steps = self
            .report
            .get("steps")
            .and_then(Value::as_array)
            .context("no steps")?;
        for step in steps {
            let status = text(step, "status")?;
            if status != "ok" && status != "notNeeded" {
                return Ok(Some((text(step, "id")?, status, text(step, "summary")?)));
            }
        }
        Ok(None)
    }
}

fn text(value: &Value, member: &str) -> Result<String> {
    value
        .get(member)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("no {member} in {value}"))
}

/// `openclaw connect --json` while it runs: one state a line.
#[derive(Debug)]
pub struct Connecting {
    process: Running,
    /// How many lines have been waited past.
    read: usize,
}

impl Connecting {
    /// Every state so far.
    ///
    /// # Errors
    ///
    /// When a whole line is not one JSON object.
    pub fn states(&self) -> Result<Vec<Value>> {
        parse(&self.process.stdout())
    }

    /// The phases so far, without repetitions of the same one.
    ///
    /// # Errors
    ///
    /// As [`Connecting::states`].
    pub fn phases(&self) -> Result<Vec<String>> {
        let mut phases: Vec<String> = self
            .states()?
            .iter()
            .map(|state| phase(state).to_owned())
            .collect();
        phases.dedup();
        Ok(phases)
    }

    /// Waits for a state of `wanted`, later than any this was told before, and returns it.
    ///
    /// # Errors
    ///
    /// When it does not come within `limit` or the program ends; the text carries all it said.
    pub async fn reaches(&mut self, wanted: &str, limit: Duration) -> Result<Value> {
        let from = self.read;
        let (at, state) = self
            .process
            .says(&format!("phase {wanted}"), limit, |_| {
                let states = self.states().ok()?;
                let at = states
                    .iter()
                    .skip(from)
                    .position(|state| phase(state) == wanted)?;
                Some((from + at, states.get(from + at)?.clone()))
            })
            .await?;
        self.read = at + 1;
        Ok(state)
    }

    /// The last state.
    ///
    /// # Errors
    ///
    /// When there is none yet.
    pub fn last(&self) -> Result<Value> {
        self.states()?.pop().context("no state yet")
    }

    /// The process.
    pub fn process(&self) -> &Running {
        &self.process
    }

    /// What it logged.
    pub fn log(&self) -> String {
        self.process.stderr()
    }

    /// Presses Ctrl-C and returns how it ended.
    ///
    /// # Errors
    ///
    /// When it has not ended within `limit`.
    pub async fn interrupt(self, limit: Duration) -> Result<Finished> {
        self.process.signal(Signal::INT);
        let status = self.process.ended(limit).await?;
        Ok(Finished {
            status,
            stdout: self.process.stdout(),
            stderr: self.process.stderr(),
        })
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    ///
    /// When it has not within `limit`.
    pub async fn ended(&self, limit: Duration) -> Result<Finished> {
        let status = self
            .process
            .ended(limit)
            .await
            .with_context(|| self.process.stdout())?;
        Ok(Finished {
            status,
            stdout: self.process.stdout(),
            stderr: self.process.stderr(),
        })
    }
}

/// The word for the phase of a state.
pub fn phase(state: &Value) -> &str {
    state
        .get("phase")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The id of the cause of a state; empty when it has none.
pub fn cause(state: &Value) -> &str {
    state
        .get("cause")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The local port of a state.
///
/// # Errors
///
/// When the state names none.
pub fn local_port(state: &Value) -> Result<u16> {
    let port = state
        .get("localPort")
        .and_then(Value::as_u64)
        .with_context(|| format!("no port in {state}"))?;
    Ok(u16::try_from(port)?)
}

/// Parses whole lines; the last one may still be being written.
fn parse(lines: &str) -> Result<Vec<Value>> {
    let whole = lines.rfind('\n').map_or("", |end| &lines[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|error| anyhow!("{error} in: {line}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_still_being_written_is_left_alone() {
        let states = parse("{\"phase\":\"off\"}\n{\"phase\":\"up\"}\n{\"pha").unwrap();
        assert_eq!(states.iter().map(phase).collect::<Vec<_>>(), ["off", "up"]);
    }

    #[test]
    fn the_first_failing_step_is_the_one_before_those_not_reached() {
        let report = serde_json::json!({"ok": false, "steps": [
            {"id": "address", "status": "ok", "summary": ""},
            {"id": "tcp", "status": "failed", "summary": "refused"},
            {"id": "login", "status": "notReached", "summary": ""},
        ]});
        let report = CheckReport {
            code: 2,
            report,
            log: String::new(),
        };
        assert_eq!(
            report.first_failing().unwrap(),
            Some(("tcp".to_owned(), "failed".to_owned(), "refused".to_owned()))
        );
    }
}
