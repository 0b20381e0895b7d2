//! Does one of the offered repairs, from signing in to the gateway's answer.
//!
//! In this order: the server is asked to repeat a word, which tells whether it runs commands for this account
//! at all (a server that only transfers files may run that instead, and say nothing); the commands, up to
//! the first that is there; and, where a gateway was started, the wait for it. Dropping the future stops
//! what runs.

use super::command::{self, CommandError, Ended, Output, ServerCommand};
use super::gateway_service::{Meaning, Repair, meaning};
use crate::client::{Endpoint, probe_healthz, probe_startup};
use crate::connection::access::GatewayAccess;
use crate::connection::explain;
use crate::connection::problem::{Problem, UserAction};
use crate::connection::route::Failure;
use crate::connection::ssh_server::SshServer;
use crate::tunnel::{SessionChannelError, Tunnel, printable};
use rand::RngCore as _;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long the server may take to repeat a word.
const REPEAT_LIMIT: Duration = Duration::from_secs(15);

/// How long a gateway may take from its start to its first answer. A small server needs most of a minute.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// How often it is asked meanwhile, and how long each answer may take.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(500);
const QUESTION_LIMIT: Duration = Duration::from_secs(5);

/// How the gateway is called where it listens.
const GATEWAY_HOST: &str = "127.0.0.1";

/// How far a repair has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// The line that runs, or that ran last.
    pub command: Option<String>,
    /// What it has printed so far.
    pub output: Output,
}

/// What is being done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stage {
    /// The server is signed in to, and asked whether it runs commands.
    #[default]
    Asking,
    /// A command runs.
    Running,
    /// The gateway that was started has not answered yet.
    Waiting,
}

/// A repair that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The line that did it.
    pub command: String,
    /// What it printed.
    pub output: Output,
}

/// Why a repair was not done.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The server was not reached.
    #[error("the server was not reached")]
    NotReached(Box<Failure>),
    /// The server runs no commands for this account.
    #[error(
        "the server runs no commands for this account{}; ask its owner, or do it there by hand",
        said_instead(said)
    )]
    NoCommands {
        /// What it said instead.
        said: String,
    },
    /// None of the commands is there.
    #[error(
        "the server has no openclaw where it is usually installed, or it does not start without a \
         login (nvm keeps it where only a login finds it){}; do it there by hand",
        if *.looked_for_unit { ", and no service of that name" } else { "" }
    )]
    NothingThere {
        /// Whether the service manager was asked, too.
        looked_for_unit: bool,
    },
    /// A command failed.
    #[error("\"{command}\" {ended}; what it printed says why")]
    Failed {
        /// Its line.
        command: String,
        /// How it ended.
        ended: Ended,
        /// What it printed.
        output: Output,
    },
    /// It took too long and was stopped.
    #[error("it was not done within {} s, so it was stopped; the server may be busy", .after.as_secs())]
    TooLong {
        /// The limit.
        after: Duration,
    },
    /// What became of it is not known.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The command did well, and the gateway does not answer.
    #[error(
        "\"{command}\" did well, and yet no gateway answers on port {port} after {} s; its log says why, \
         unless it listens on another port",
        .after.as_secs()
    )]
    NotAnswering {
        /// Its line.
        command: String,
        /// The gateway's port.
        port: u16,
        /// The limit.
        after: Duration,
    },
}

fn said_instead(said: &str) -> String {
    match said.is_empty() {
        true => String::new(),
        false => format!(" and said \"{said}\" instead"),
    }
}

/// Does a repair; `told` hears how far it has come.
///
/// # Errors
/// A [`RepairError`].
pub async fn run(
    server: &SshServer,
    access: &dyn GatewayAccess,
    repair: &Repair,
    told: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Repaired, RepairError> {
    run_within(repair.limit(), server, access, repair, told).await
}

/// Does a repair whose commands may take so long together.
///
/// # Errors
/// As [`run`].
pub async fn run_within(
    after: Duration,
    server: &SshServer,
    access: &dyn GatewayAccess,
    repair: &Repair,
    told: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Repaired, RepairError> {
    let mut progress = Progress::default();
    told(&progress);
    let reached = server.reach(access).await;
    let tunnel = reached.map_err(|failure| RepairError::NotReached(Box::new(failure)))?;
    runs_commands(&tunnel).await?;
    let running = timeout(
        after,
        first_that_is_there(&tunnel, repair, &mut progress, told),
    );
    let done = running
        .await
        .unwrap_or(Err(RepairError::TooLong { after }))?;
    tracing::info!(command = %done.command, "a command was run on the server");
    if repair.starts_a_gateway() {
        let port = server.gateway_port();
        progress.stage = Stage::Waiting;
        told(&progress);
        if !answers(&tunnel, port).await {
            return Err(RepairError::NotAnswering {
                command: done.command,
                port,
                after: ANSWER_LIMIT,
            });
        }
    }
    Ok(done)
}

/// Has the server repeat a word that nobody else knows.
async fn runs_commands(tunnel: &Tunnel) -> Result<(), RepairError> {
    let word = format!("openclaw-tray-{:016x}", rand::rng().next_u64());
    let repeat = ServerCommand::new(["echo", &*word]);
    let mut ignore = |_: &Output| {};
    let repeating = command::run(tunnel, &repeat, &mut ignore);
    let (_, output) = match timeout(REPEAT_LIMIT, repeating).await {
        Ok(Ok(ran)) => ran,
        Ok(Err(CommandError::NotBegun(
            SessionChannelError::NotOffered { .. } | SessionChannelError::Refused { .. },
        ))) => {
            return Err(RepairError::NoCommands {
                said: String::new(),
            });
        }
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => {
            return Err(RepairError::TooLong {
                after: REPEAT_LIMIT,
            });
        }
    };
    // The shell's start-up files may greet first.
    let said = output.text();
    match said.lines().any(|line| line.trim() == word) {
        true => Ok(()),
        false => Err(RepairError::NoCommands {
            said: printable(&said),
        }),
    }
}

async fn first_that_is_there(
    tunnel: &Tunnel,
    repair: &Repair,
    progress: &mut Progress,
    told: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Repaired, RepairError> {
    progress.stage = Stage::Running;
    for command in repair.commands() {
        let line = command.to_string();
        progress.command = Some(line.clone());
        let mut tell = |output: &Output| {
            progress.output.clone_from(output);
            told(progress);
        };
        tell(&Output::default());
        let (ended, output) = command::run(tunnel, &command, &mut tell).await?;
        match meaning(&ended, &output) {
            Meaning::Done => {
                return Ok(Repaired {
                    command: line,
                    output,
                });
            }
            Meaning::NotThere => tracing::debug!(command = %line, %ended, "not there"),
            Meaning::Failed => {
                return Err(RepairError::Failed {
                    command: line,
                    ended,
                    output,
                });
            }
        }
    }
    Err(RepairError::NothingThere {
        looked_for_unit: repair.starts_a_gateway(),
    })
}

/// Waits until a gateway answers on its port and has started.
async fn answers(tunnel: &Tunnel, port: u16) -> bool {
    let endpoint = Endpoint::from(&*format!("{GATEWAY_HOST}:{port}"));
    let until = Instant::now() + ANSWER_LIMIT;
    let lives = async || {
        let stream = tunnel.open_channel(GATEWAY_HOST, port).await.ok()?;
        let lives = probe_healthz(stream, endpoint.clone(), QUESTION_LIMIT).await;
        lives.ok()?;
        let stream = tunnel.open_channel(GATEWAY_HOST, port).await.ok()?;
        let started = probe_startup(stream, endpoint.clone(), QUESTION_LIMIT).await;
        started.ok().filter(|started| *started)
    };
    loop {
        if lives().await.is_some() {
            return true;
        }
        if Instant::now() >= until || tunnel.is_closed() {
            return false;
        }
        sleep(BETWEEN_QUESTIONS).await;
    }
}

/// Says why in the words for people.
pub fn problem(error: &RepairError) -> Problem {
    let code = match error {
        RepairError::NotReached(failure) => return failure.problem.clone(),
        RepairError::NoCommands { .. } => "serverRunsNoCommands",
        RepairError::NothingThere { .. } => "serverHasNoOpenclaw",
        RepairError::Failed { .. } => "serverCommandFailed",
        RepairError::TooLong { .. } => "serverCommandTooLong",
        RepairError::Command(_) => "serverCommandLost",
        RepairError::NotAnswering { .. } => {
            let told = explain::told(error);
            return Problem::new("gatewayNotAnswering", told, UserAction::OpenLog);
        }
    };
    Problem::without_action(code, explain::told(error))
}
