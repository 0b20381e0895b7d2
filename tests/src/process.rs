//! A program started by a test: its output in files, its end certain.
//!
//! Every program becomes the leader of a process group of its own and is killed with all its
//! descendants when its [`Running`] is dropped. Should the test runner itself be killed, the kernel
//! ends the program (`setpriv --pdeathsig`). That signal is tied to the *thread* which started the
//! program, so one thread that lives as long as the runner starts them all: a server shared by
//! several tests must not end with the first of them.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::wait::until;

/// What to start, and with what around it.
///
/// The environment starts empty: a test says what its program may see.
#[derive(Debug)]
pub struct Program {
    command: Command,
    name: String,
    stdin: Stdio,
}

impl Program {
    /// Names the program by its path.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self::led_by(&[], path.as_ref())
    }

    /// Names the program by its path, to be started in the network of the process `pid`; `None` is
    /// ours.
    pub fn in_network_of(pid: Option<u32>, path: impl AsRef<Path>) -> Self {
        match pid {
            Some(pid) => {
                let network = format!("--net=/proc/{pid}/ns/net");
                Self::led_by(&["/usr/bin/nsenter", &network, "--"], path.as_ref())
            }
            None => Self::new(path),
        }
    }

    fn led_by(leader: &[&str], path: &Path) -> Self {
        let mut command = Command::new("/usr/bin/setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .args(leader)
            .arg(path);
        command.env_clear().env("LANG", "C.UTF-8").process_group(0);
        let name = path
            .file_name()
            .map_or_else(|| path.to_string_lossy(), OsStr::to_string_lossy)
            .into_owned();
        Self {
            command,
            name,
            stdin: Stdio::null(),
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.command.args(args);
        self
    }

    /// Sets one environment variable.
    #[must_use]
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Sets several environment variables.
    #[must_use]
    pub fn envs<I, K, V>(mut self, pairs: I) -> Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.command.envs(pairs);
        self
    }

    /// Sets the folder it starts in.
    #[must_use]
    pub fn current_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Gives it a file as standard input; else it has none.
    #[must_use]
    pub fn stdin(mut self, file: File) -> Self {
        self.stdin = file.into();
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or its output files cannot be made.
    pub fn start(mut self) -> Result<Running> {
        let output = tempfile::Builder::new().prefix("e2e-out-").tempdir()?;
        let stdout = output.path().join("stdout");
        let stderr = output.path().join("stderr");
        self.command
            .stdin(self.stdin)
            .stdout(File::create(&stdout)?)
            .stderr(File::create(&stderr)?);
        let child = spawn(self.command).with_context(|| format!("cannot start {}", self.name))?;
        Ok(Running {
            pid: child.id(),
            child: Mutex::new(child),
            name: self.name,
            stdout,
            stderr,
            output,
        })
    }

    /// Runs it to its end.
    ///
    /// # Errors
    ///
    /// When it cannot be started or has not ended within `limit`.
    pub async fn run(self, limit: Duration) -> Result<Finished> {
        let running = self.start()?;
        let status = running.ended(limit).await?;
        Ok(Finished {
            status,
            stdout: running.stdout(),
            stderr: running.stderr(),
        })
    }
}

/// What a program left that ran to its end.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// All it wrote to standard output.
    pub stdout: String,
    /// All it wrote to standard error.
    pub stderr: String,
}

impl Finished {
    /// The exit code; `None` when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Returns standard output if it ended well.
    ///
    /// # Errors
    ///
    /// With both outputs in the text, when it did not.
    pub fn ok(self) -> Result<String> {
        if self.status.success() {
            Ok(self.stdout)
        } else {
            Err(anyhow!("{}\n{}\n{}", self.status, self.stdout, self.stderr))
        }
    }
}

/// A program that was started. Dropping it kills it and everything it started.
#[derive(Debug)]
pub struct Running {
    child: Mutex<Child>,
    pid: u32,
    name: String,
    stdout: PathBuf,
    stderr: PathBuf,
    output: TempDir,
}

impl Running {
    /// The process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The folder its outputs are in; it goes with this value.
    pub fn output_folder(&self) -> &Path {
        self.output.path()
    }

    /// All it wrote to standard output so far.
    pub fn stdout(&self) -> String {
        read_lossy(&self.stdout)
    }

    /// All it wrote to standard error so far.
    pub fn stderr(&self) -> String {
        read_lossy(&self.stderr)
    }

    /// The last lines of what it wrote to standard output and to standard error, for an error.
    pub fn last_lines(&self, count: usize) -> String {
        let mut last = String::new();
        for text in [self.stdout(), self.stderr()] {
            let lines: Vec<&str> = text.lines().collect();
            for line in lines.iter().skip(lines.len().saturating_sub(count)) {
                last.push_str(line);
                last.push('\n');
            }
        }
        last
    }

    /// Returns how it ended, or `None` while it runs.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn has_ended(&self) -> Result<Option<ExitStatus>> {
        Ok(self.child().try_wait()?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// When it still runs after `limit`.
    pub async fn ended(&self, limit: Duration) -> Result<ExitStatus> {
        until(&format!("the end of {}", self.name), limit, async || {
            self.has_ended()
        })
        .await
    }

    /// Waits until `finds` makes something of what the program has written.
    ///
    /// # Errors
    ///
    /// When it ends before, or `limit` passes; the text carries what it wrote.
    pub async fn says<T>(
        &self,
        what: &str,
        limit: Duration,
        mut finds: impl FnMut(&str) -> Option<T>,
    ) -> Result<T> {
        let told = || format!("{}\n{}", self.stdout(), self.stderr());
        until(&format!("{}: {what}", self.name), limit, async || {
            // Ended is asked before the output is read: what it wrote last still counts.
            let ended = self.has_ended()?;
            match (finds(&told()), ended) {
                (Some(found), _) => Ok(Some(found)),
                (None, Some(status)) => Err(anyhow!("{} ended early: {status}", self.name)),
                (None, None) => Ok(None),
            }
        })
        .await
        .with_context(told)
    }

    /// Sends a signal to the program alone, if it still runs.
    pub fn signal(&self, signal: Signal) {
        // Asking first keeps the pid ours: an ended child is reaped here and nowhere else.
        if matches!(self.has_ended(), Ok(None)) {
            send(self.pid, signal);
        }
    }

    /// Everything it started that still runs, at any depth.
    pub fn descendants(&self) -> Vec<u32> {
        descendants_of(self.pid)
    }

    /// Kills it and everything it started, and returns when it is gone.
    pub fn kill(&self) {
        let mut child = self.child();
        if matches!(child.try_wait(), Ok(None)) {
            // Stopped first, so that nothing is started behind our back.
            send(self.pid, Signal::STOP);
            for pid in descendants_of(self.pid) {
                send(pid, Signal::KILL);
            }
            send(self.pid, Signal::KILL);
        }
        // A child that was killed is reaped; its status has nothing to tell.
        drop(child.wait());
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends `signal` to the process `pid`; one that is already gone needs nothing.
pub fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether the process `pid` runs; one that has ended and was not yet reaped does not.
pub fn is_running(pid: u32) -> bool {
    parents().iter().any(|(running, _)| *running == pid)
}

/// Returns every process below `root`, parents before children.
pub fn descendants_of(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for (pid, parent) in parents() {
        children.entry(parent).or_default().push(pid);
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            found.push(child);
            open.push(child);
        }
    }
    found
}

/// Each process of this machine with its parent, as `/proc/<pid>/stat` tells.
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name in brackets may hold spaces and brackets; state and parent follow the last.
            let mut after_name = stat.rsplit_once(')')?.1.split_whitespace();
            let state = after_name.next()?;
            let parent = after_name.next()?.parse().ok()?;
            // One whose first thread has ended shows as ended too, while the others still hold its
            // files, locks and ports.
            let threads = || fs::read_dir(entry.path().join("task")).map_or(0, Iterator::count);
            (state != "Z" || threads() > 1).then_some((pid, parent))
        })
        .collect()
}

type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// Has the starter thread start `command`.
fn spawn(command: Command) -> Result<Child> {
    static STARTER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, reply) in inbox {
                drop(reply.send(command.spawn()));
            }
        });
        orders
    });
    let (reply, answer) = mpsc::channel();
    starter
        .send((command, reply))
        .map_err(|_| anyhow!("the starter thread is gone"))?;
    Ok(answer.recv()??)
}

fn read_lossy(path: &Path) -> String {
    fs::read(path).map_or_else(
        |_| String::new(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        Program::new("/bin/sh")
            .args(["-c", script])
            .env("PATH", "/usr/bin:/bin")
    }

    #[tokio::test]
    async fn dropping_a_program_ends_its_children_too() {
        let running = shell("sleep 600 & echo child=$!; wait").start().unwrap();
        let child: u32 = running
            .says("the child's pid", Duration::from_secs(10), |told| {
                told.lines()
                    .find_map(|line| line.strip_prefix("child=")?.parse().ok())
            })
            .await
            .unwrap();
        assert!(running.descendants().contains(&child));
        drop(running);
        until("the child's end", Duration::from_secs(10), async || {
            Ok((!is_running(child)).then_some(()))
        })
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn a_program_that_ends_early_is_told_with_its_output() {
        let running = shell("echo no such luck >&2; exit 3").start().unwrap();
        let error = running
            .says("ready", Duration::from_secs(10), |_| None::<()>)
            .await
            .unwrap_err();
        assert!(format!("{error:#}").contains("no such luck"));
    }

    #[tokio::test]
    async fn a_program_sees_only_the_environment_it_was_given() {
        let told = Program::new("/usr/bin/env")
            .env("A", "1")
            .run(Duration::from_secs(10))
            .await;
        assert_eq!(told.unwrap().ok().unwrap(), "A=1\nLANG=C.UTF-8\n");
    }
}
