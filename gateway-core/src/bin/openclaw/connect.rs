//! `openclaw connect`: the supervised connection in the foreground, one line for each change.

use crate::access;
use crate::args::ConnectArgs;
use crate::output::{self, Exit, Stop};
use crate::questions::{self, Asking};
use crate::secrets::Given;
use crate::signals;
use crate::target;
use gateway_core::config::Environment;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::computer::Computer;
use gateway_core::connection::explain;
use gateway_core::connection::gateway_route::GatewayRoute;
use gateway_core::connection::listener_slot::ListenerSlot;
use gateway_core::connection::phase::{Cause, Phase};
use gateway_core::connection::question::Question;
use gateway_core::connection::snapshot::Snapshot;
use gateway_core::connection::ssh_server::SshServer;
use gateway_core::connection::{Command, Connection};
use gateway_core::tunnel::TunnelError;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

/// How long a polite end may take; the promise is two seconds in all.
const END_LIMIT: Duration = Duration::from_millis(1_500);

/// Runs the command until Ctrl-C, SIGTERM, or something only a person elsewhere can mend.
pub(crate) async fn run(args: ConnectArgs, environment: &Environment) -> Result<Exit, Stop> {
    let given = Given::read(args.secrets)?;
    let own = target::own(environment, &target::overrides(&args.server))?;
    // What cannot be dialled at all is said before anything is opened.
    let plan = match target::plan(&args.server, &own, environment)? {
        Ok(plan) => plan,
        Err(error) => {
            let problem = explain::tunnel_problem(&TunnelError::BadTarget(error));
            return Err(Stop::new(Exit::Usage, problem.message));
        }
    };
    if let Err(error) = plan.tunnel() {
        let problem = explain::tunnel_problem(&error);
        return Err(Stop::new(Exit::Usage, problem.message));
    }
    let access = access::behind(plan.target(), given, &own, environment).await?;
    let wants_listener = own
        .file
        .settings()
        .active()
        .is_none_or(|profile| profile.listener_enabled);
    let listener = match wants_listener || args.server.local_port.is_some() {
        true => ListenerSlot::on_port(own.settled.local_port.value),
        false => ListenerSlot::disabled(),
    };
    let server = SshServer::planned(plan, own.settled.remote_port.value, listener);
    let mut connection = Connection::start(
        GatewayRoute::over_ssh(server, access),
        RetryPolicy::default(),
    );
    connection.heed(Computer::watch());
    follow(connection, args.json).await
}

async fn follow(connection: Connection<GatewayRoute>, json: bool) -> Result<Exit, Stop> {
    let mut transitions = connection.transitions();
    let snapshots = connection.snapshots();
    let mut end = std::pin::pin!(signals::asked_to_end());
    let mut teller = Teller { json, last: None };
    let mut asking: Option<Asking> = None;
    connection.command(Command::Connect).await;
    let outcome = loop {
        tokio::select! {
            biased;
            () = &mut end => break Ok(Exit::Well),
            (id, answer) = questions::answered(&mut asking) => {
                asking = None;
                match answer {
                    Some(answer) => {
                        if let Err(problem) = connection.answer(id, answer).await {
                            output::remark(problem.message);
                        }
                    }
                    None => connection.command(Command::Cancel { id }).await,
                }
            }
            change = transitions.recv() => {
                let snapshot = match change {
                    Ok(snapshot) => snapshot,
                    // What was missed is older than what stands now.
                    Err(RecvError::Lagged(_)) => snapshots.borrow().clone(),
                    Err(RecvError::Closed) => {
                        break Err(Stop::new(Exit::Failed, "the connection ended by itself"));
                    }
                };
                teller.tell(&snapshot);
                if let Some(stop) = final_word(&snapshot) {
                    break Err(stop);
                }
                if let Some(asked) = &snapshot.question
                    && snapshot.phase.needs_user()
                    && asking.as_ref().is_none_or(|asking| asking.id() != asked.id)
                {
                    match questions::ask(asked) {
                        Some(question) => asking = Some(question),
                        None => break Err(needs_person(&snapshot)),
                    }
                }
            }
        }
    };
    drop(asking);
    if timeout(END_LIMIT, connection.shut_down()).await.is_err() {
        tracing::debug!("the connection was cut");
    }
    if outcome.is_ok() {
        // Everything is released by now; the last snapshot says so.
        teller.tell(&snapshots.borrow());
    }
    outcome
}

/// Writes the lines: every change as JSON, or what people would want to know.
struct Teller {
    json: bool,
    last: Option<String>,
}

impl Teller {
    fn tell(&mut self, snapshot: &Snapshot) {
        if self.json {
            output::json(snapshot);
            return;
        }
        let line = in_words(snapshot);
        if self.last.as_ref() != Some(&line) {
            output::line(&line);
            self.last = Some(line);
        }
    }
}

fn in_words(snapshot: &Snapshot) -> String {
    let target = snapshot.way.as_ref().unwrap_or(&snapshot.target);
    let why = snapshot
        .problem
        .as_ref()
        .map_or("", |problem| problem.message.as_str());
    match snapshot.phase {
        Phase::Off => "Not connected".to_owned(),
        Phase::Resolving => format!("Connecting to {target}: looking up the name"),
        Phase::Connecting => format!("Connecting to {target}: reaching the server"),
        Phase::HostKey | Phase::AuthPrompt => format!("Needs you: {why}"),
        Phase::Authenticating => format!("Connecting to {target}: signing in"),
        Phase::Forwarding => format!("Connecting to {target}: opening the gateway's port"),
        Phase::GatewayCheck => format!("Connecting to {target}: waiting for the gateway"),
        Phase::Up => {
            let version = snapshot
                .gateway
                .as_ref()
                .map_or_else(String::new, |gateway| {
                    format!(", gateway {}", gateway.version)
                });
            format!("Connected to {target}{version}{}", local_port(snapshot))
        }
        Phase::Suspect => "Checking the connection".to_owned(),
        Phase::UpGatewayDown => {
            format!(
                "Server reachable, gateway not answering: {why}{}",
                local_port(snapshot)
            )
        }
        Phase::RetryWait => format!("Reconnecting, try {}: {why}", snapshot.attempt),
        Phase::Paused => format!("Needs you: {why}"),
        Phase::Stopped => format!("Stopped: {why}"),
    }
}

fn local_port(snapshot: &Snapshot) -> String {
    let Some(port) = &snapshot.local_port else {
        return String::new();
    };
    let moved = match (port.wanted, &port.holder) {
        (Some(wanted), Some(holder)) => format!(" ({wanted} is used by {holder})"),
        (Some(wanted), None) => format!(" ({wanted} is in use)"),
        (None, _) => String::new(),
    };
    format!(", at ws://127.0.0.1:{}{moved}", port.port)
}

/// Returns the end that a state means, where nothing here can move it on.
fn final_word(snapshot: &Snapshot) -> Option<Stop> {
    match snapshot.phase {
        Phase::Paused => Some(Stop::new(exit_for(snapshot.cause), explanation(snapshot))),
        Phase::Stopped => Some(Stop::new(Exit::Failed, explanation(snapshot))),
        Phase::Off
        | Phase::Resolving
        | Phase::Connecting
        | Phase::HostKey
        | Phase::Authenticating
        | Phase::AuthPrompt
        | Phase::Forwarding
        | Phase::GatewayCheck
        | Phase::Up
        | Phase::Suspect
        | Phase::UpGatewayDown
        | Phase::RetryWait => None,
    }
}

fn needs_person(snapshot: &Snapshot) -> Stop {
    let hint = match snapshot.question.as_ref().map(|asked| &asked.question) {
        Some(Question::HostKeyUnknown { fingerprint, .. }) => {
            format!(" Its key is {fingerprint}; trust it with --accept-host-key {fingerprint}")
        }
        Some(
            Question::HostKeyChanged { .. }
            | Question::Passphrase { .. }
            | Question::Password { .. }
            | Question::Prompts { .. },
        )
        | None => " Run this in a terminal to be asked.".to_owned(),
    };
    Stop::new(Exit::NeedsUser, explanation(snapshot) + &hint)
}

fn explanation(snapshot: &Snapshot) -> String {
    snapshot.problem.as_ref().map_or_else(
        || "the connection cannot go on by itself.".to_owned(),
        |problem| problem.message.clone(),
    )
}

fn exit_for(cause: Option<Cause>) -> Exit {
    match cause {
        Some(
            Cause::HostKeyUnknown
            | Cause::HostKeyChanged
            | Cause::HostKeyRevoked
            | Cause::AuthRefused
            | Cause::PromptCancelled
            | Cause::TlsPin
            | Cause::Token
            | Cause::Pairing,
        ) => Exit::NeedsUser,
        Some(Cause::BadTarget | Cause::UnsupportedOption) => Exit::Usage,
        Some(Cause::ForwardProhibited | Cause::Network | Cause::Timeout | Cause::Closed) => {
            Exit::Unreachable
        }
        Some(Cause::Protocol | Cause::PortTaken) | None => Exit::Failed,
    }
}
