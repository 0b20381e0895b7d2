//! One child process: started with what was permitted, heard while it runs, and ended with
//! everything it started.

use super::output::Output;
use super::{ExecCommand, ExecEnvironment, ExecRefusal, Permit};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// How often what was printed is shown while the program runs.
const SHOW_EVERY: Duration = Duration::from_millis(200);
/// How long is waited for the end of the output once everything has been ended. Only a process that
/// left the group can hold it open.
const DRAIN_WAIT: Duration = Duration::from_millis(500);
/// Read in pieces of this size.
const PIECE: usize = 8 * 1024;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// It took too long and was ended.
    TimedOut,
}

/// A program that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// How.
    pub ended: Ended,
    /// What it printed, on both outputs, its middle left out where that was too much.
    pub output: String,
    /// How long it took.
    pub took: Duration,
}

/// A program that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoFar {
    /// Its process.
    pub pid: u32,
    /// The end of what it has printed.
    pub tail: String,
}

/// Runs a command to its end. Dropping the future kills it and everything in its process group; on
/// Windows the program alone.
///
/// # Errors
///
/// [`ExecRefusal::Changed`] where the permit is for something else, [`ExecRefusal::Start`] where the
/// system does not start it.
pub async fn run(
    command: ExecCommand,
    permit: &Permit,
    environment: &ExecEnvironment,
    mut show: impl FnMut(SoFar) + Send,
) -> Result<Ran, ExecRefusal> {
    command.check(permit)?;
    let started = Instant::now();
    let mut family = Family::start(&command, environment).map_err(|source| ExecRefusal::Start {
        path: command.program.path().to_owned(),
        source,
    })?;
    let pid = family.pid;
    let mut printed = Printed::of(&mut family);
    let mut output = Output::default();
    let mut ticks = interval(SHOW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_news = false;
    let ended = {
        let mut exit = std::pin::pin!(family.exited());
        let mut deadline = std::pin::pin!(tokio::time::sleep(command.time));
        loop {
            tokio::select! {
                () = &mut exit => break None,
                () = &mut deadline => break Some(Ended::TimedOut),
                piece = printed.next(), if !printed.is_done() => if let Some(piece) = piece {
                    output.push(&piece);
                    is_news = true;
                },
                _ = ticks.tick(), if is_news => {
                    is_news = false;
                    show(SoFar { pid, tail: output.end() });
                }
            }
        }
    };
    // Whatever it left running ends with it; only then does the output end too.
    family.kill();
    let rest = async {
        while let Some(piece) = printed.next().await {
            output.push(&piece);
        }
    };
    if timeout(DRAIN_WAIT, rest).await.is_err() {
        tracing::debug!(
            pid,
            "the output of a program was left open by a process of its own"
        );
    }
    let status = family.reaped().await.map_err(|source| ExecRefusal::Start {
        path: command.program.path().to_owned(),
        source,
    })?;
    Ok(Ran {
        ended: ended.unwrap_or_else(|| how(status)),
        output: output.text(),
        took: started.elapsed(),
    })
}

#[cfg(unix)]
fn how(status: ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(code),
        (None, signal) => Ended::Signal(signal.unwrap_or_default()),
    }
}

#[cfg(not(unix))]
fn how(status: ExitStatus) -> Ended {
    Ended::Code(status.code().unwrap_or(-1))
}

/// Both outputs of a program.
struct Printed {
    pipes: [Option<Box<dyn AsyncRead + Send + Unpin>>; 2],
}

impl Printed {
    fn of(family: &mut Family) -> Self {
        let Some(child) = &mut family.child else {
            return Self {
                pipes: [None, None],
            };
        };
        Self {
            pipes: [
                child.stdout.take().map(|pipe| Box::new(pipe) as _),
                child.stderr.take().map(|pipe| Box::new(pipe) as _),
            ],
        }
    }

    fn is_done(&self) -> bool {
        self.pipes.iter().all(Option::is_none)
    }

    /// Returns what is printed next on either; `None` once both are closed. Nothing is lost by not
    /// waiting for the answer.
    async fn next(&mut self) -> Option<Vec<u8>> {
        while !self.is_done() {
            let [out, err] = &mut self.pipes;
            let (from_out, read) = tokio::select! {
                read = piece(out), if out.is_some() => (true, read),
                read = piece(err), if err.is_some() => (false, read),
            };
            match read {
                Some(read) => return Some(read),
                None if from_out => self.pipes[0] = None,
                None => self.pipes[1] = None,
            }
        }
        None
    }
}

async fn piece(pipe: &mut Option<Box<dyn AsyncRead + Send + Unpin>>) -> Option<Vec<u8>> {
    let mut bytes = vec![0; PIECE];
    // A pipe that cannot be read any more has ended.
    let count = pipe.as_mut()?.read(&mut bytes).await.unwrap_or(0);
    bytes.truncate(count);
    (count > 0).then_some(bytes)
}

/// A child and everything it starts: its process group.
struct Family {
    child: Option<Child>,
    pid: u32,
}

impl Family {
    fn start(command: &ExecCommand, environment: &ExecEnvironment) -> io::Result<Self> {
        let mut starting = Command::new(command.program.path());
        starting
            .args(command.argv.iter().skip(1))
            .current_dir(&command.cwd)
            .env_clear()
            .envs(&environment.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        {
            // Programs that are many in one file look at the name they are called by.
            starting.process_group(0);
            if let Some(name) = command.argv.first() {
                starting.arg0(name);
            }
        }
        let child = starting.spawn()?;
        let pid = child.id().unwrap_or_default();
        Ok(Self {
            child: Some(child),
            pid,
        })
    }

    /// Collects what the child ended with.
    async fn reaped(mut self) -> io::Result<ExitStatus> {
        match self.child.as_mut() {
            Some(child) => {
                let status = child.wait().await?;
                self.child = None;
                Ok(status)
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

#[cfg(unix)]
impl Family {
    /// Waits until the child has ended, without collecting it: its number, and so its group's, stays
    /// taken, and cannot come to mean somebody else before the group is ended.
    fn exited(&self) -> impl Future<Output = ()> + Send + use<> {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let waiting = tokio::task::spawn_blocking(move || {
            let Some(pid) = pid else { return };
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
        });
        async move {
            if waiting.await.is_err() {
                tracing::debug!("nobody waits for a program any more");
            }
        }
    }

    /// Ends everything in the group.
    fn kill(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        if self.child.is_none() {
            return;
        }
        let group = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(group) = group
            && let Err(error) = kill_process_group(group, Signal::KILL)
        {
            tracing::debug!(%error, pid = self.pid, "a program's group was not ended");
        }
    }
}

#[cfg(not(unix))]
impl Family {
    /// Waits until the child has ended: until its outputs and handle say so.
    fn exited(&mut self) -> impl Future<Output = ()> + Send {
        let child = self.child.as_mut();
        async move {
            if let Some(child) = child
                && let Err(error) = child.wait().await
            {
                tracing::debug!(%error, "a program cannot be waited for");
            }
        }
    }

    /// Ends the program; what it started is its own here.
    fn kill(&mut self) {
        if let Some(child) = &mut self.child
            && let Err(error) = child.start_kill()
        {
            tracing::debug!(%error, pid = self.pid, "a program was not ended");
        }
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.kill();
        // Collected, so that no trace of it stays in the system's list of processes.
        if let (Some(mut child), Ok(runtime)) =
            (self.child.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(async move { child.wait().await });
        }
    }
}
