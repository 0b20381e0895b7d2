//! `openclaw connect`: the supervised connection in the foreground, one line for each change.

use crate::access;
use crate::args::{ConnectArgs, DirectArgs, ServerArgs};
use crate::output::{self, Exit, Stop};
use crate::questions::{self, Asking};
use crate::secrets::Given;
use crate::signals;
use crate::target::{self, Own};
use crate::voice::{chosen_model, listen};
use gateway_core::config::{Environment, SettingsFile};
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::computer::Computer;
use gateway_core::connection::direct::Dialer;
use gateway_core::connection::direct::server::DirectServer;
use gateway_core::connection::explain;
use gateway_core::connection::gateway_route::GatewayRoute;
use gateway_core::connection::listener_slot::ListenerSlot;
use gateway_core::connection::phase::{Cause, Phase};
use gateway_core::connection::question::Question;
use gateway_core::connection::snapshot::Snapshot;
use gateway_core::connection::ssh_server::SshServer;
use gateway_core::connection::timeline::{Event, Timeline};
use gateway_core::connection::{Command, Connection};
use gateway_core::tunnel::TunnelError;
use serde::Serialize;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a polite end may take; the promise is two seconds in all.
const END_LIMIT: Duration = Duration::from_millis(1_500);

/// Runs the command until Ctrl-C, SIGTERM, or something only a person elsewhere can mend.
pub(crate) async fn run(args: ConnectArgs, environment: &Environment) -> Result<Exit, Stop> {
    let given = Given::read(args.secrets)?;
    let json = args.json;
    let voice = match args.voice {
        true => Some(listen::Wanted {
            microphone: args.microphone,
            whisper_model: chosen_model(args.whisper_model, environment)?,
            json,
        }),
        false => None,
    };
    let mut own = target::own(environment, &target::overrides(&args.server))?;
    let (route, keeps) = match direct(&args.direct, &own)? {
        Some((dialer, by_hand)) => {
            target::check_dialable(&dialer)?;
            let access = access::straight(by_hand, given, &own, environment).await?;
            let server = DirectServer::new(dialer);
            (GatewayRoute::direct(server, access), !by_hand)
        }
        None => {
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
            let server = SshServer::planned(
                plan,
                own.settled.remote_port.value,
                listener(&args.server, &own),
            );
            (GatewayRoute::over_ssh(server, access), false)
        }
    };
    let mut connection = Connection::start(route, RetryPolicy::default());
    connection.heed(Computer::watch());
    let _listening = match voice {
        Some(wanted) => Some(listen::start(&connection, wanted)?),
        None => None,
    };
    follow(connection, json, keeps.then_some(&mut own.file)).await
}

/// Returns the way by URL and whether it was given by hand; `None` where the way leads through SSH.
fn direct(args: &DirectArgs, own: &Own) -> Result<Option<(Dialer, bool)>, Stop> {
    let (dialer, by_hand) = match &args.url {
        Some(url) => {
            let url = target::parse(url, "--url", Exit::Usage)?;
            (Dialer::new(url, None), true)
        }
        None => match target::direct_profile(own) {
            Some(profile) => (target::of_profile(profile)?, false),
            None if args.tls_fingerprint.is_some() => {
                return Err(Stop::new(
                    Exit::Usage,
                    "--tls-fingerprint needs a wss:// address; give one with --url",
                ));
            }
            None => return Ok(None),
        },
    };
    let dialer = target::pinned(dialer, args.tls_fingerprint.as_deref())?;
    Ok(Some((dialer, by_hand)))
}

fn listener(args: &ServerArgs, own: &Own) -> ListenerSlot {
    let wanted = own
        .file
        .settings()
        .active()
        .is_none_or(|profile| profile.listener_enabled);
    match wanted || args.local_port.is_some() {
        true => ListenerSlot::on_port(own.settled.local_port.value),
        false => ListenerSlot::disabled(),
    }
}

/// Follows a connection to its end. A certificate that a person trusts is kept in `settings`, where
/// the way to the gateway comes from there.
async fn follow(
    connection: Connection<GatewayRoute>,
    json: bool,
    mut settings: Option<&mut SettingsFile>,
) -> Result<Exit, Stop> {
    let mut transitions = connection.transitions();
    let snapshots = connection.snapshots();
    let mut end = std::pin::pin!(signals::asked_to_end());
    let mut teller = Teller::new(json, connection.timeline());
    let mut asking: Option<Asking> = None;
    let mut shown: Option<Question> = None;
    connection.command(Command::Connect).await;
    let outcome = loop {
        tokio::select! {
            biased;
            () = &mut end => break Ok(Exit::Well),
            (id, answer) = questions::answered(&mut asking) => {
                asking = None;
                match answer {
                    Some(answer) => match connection.answer(id, answer).await {
                        Ok(()) => keep_certificate(shown.take(), settings.as_deref_mut()),
                        Err(problem) => output::remark(problem.message),
                    },
                    None => connection.command(Command::Cancel { id }).await,
                }
            }
            () = teller.asides() => {}
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
                        Some(question) => {
                            asking = Some(question);
                            shown = Some(asked.question.clone());
                        }
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

/// Writes down which certificate was trusted, or says how to trust it the next time.
fn keep_certificate(question: Option<Question>, settings: Option<&mut SettingsFile>) {
    let fingerprint = match question {
        Some(
            Question::CertificateUnknown { fingerprint, .. }
            | Question::CertificateChanged {
                new_fingerprint: fingerprint,
                ..
            },
        ) => fingerprint,
        Some(
            Question::HostKeyUnknown { .. }
            | Question::HostKeyChanged { .. }
            | Question::Passphrase { .. }
            | Question::Password { .. }
            | Question::Prompts { .. },
        )
        | None => return,
    };
    let Some(file) = settings else {
        output::remark(format_args!(
            "It is trusted until this ends. To trust it the next time: --tls-fingerprint {fingerprint}"
        ));
        return;
    };
    let mut settings = file.settings().clone();
    if let Some(profile) = settings.active_mut() {
        profile.tls_fingerprint = fingerprint;
    }
    if let Err(error) = file.save(&settings) {
        let why = Stop::because(Exit::Configuration, &error).message;
        output::remark(format_args!("the certificate was not written down: {why}"));
    }
}

/// Writes the lines: every change as JSON, or what people would want to know.
struct Teller {
    json: bool,
    last: Option<String>,
    timeline: watch::Receiver<Timeline>,
    /// The number of the last event that was written.
    told: u64,
    /// The state that was written last.
    shown: Option<Snapshot>,
}

/// One line: the state, and what happened since the line before.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    snapshot: &'a Snapshot,
    events: Vec<&'a Event>,
}

impl Teller {
    fn new(json: bool, timeline: watch::Receiver<Timeline>) -> Self {
        Self {
            json,
            last: None,
            timeline,
            told: 0,
            shown: None,
        }
    }

    /// Writes a line, with the state as it was told last, for each thing that happens beside the
    /// states; never returns. What goes with a state is written with it.
    async fn asides(&mut self) {
        while self.json && self.timeline.changed().await.is_ok() {
            let stands_alone = self
                .timeline
                .borrow_and_update()
                .after(self.told)
                .any(|event| !event.what.goes_with_a_state());
            if let Some(snapshot) = self.shown.clone().filter(|_| stands_alone) {
                self.tell(&snapshot);
            }
        }
        std::future::pending::<()>().await;
    }

    fn tell(&mut self, snapshot: &Snapshot) {
        if self.json {
            let timeline = self.timeline.borrow();
            let events = timeline.after(self.told).collect();
            output::json(&Line { snapshot, events });
            self.told = timeline.last_number();
            drop(timeline);
            self.shown = Some(snapshot.clone());
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
            Question::CertificateUnknown { fingerprint, .. }
            | Question::CertificateChanged {
                new_fingerprint: fingerprint,
                ..
            },
        ) => format!(" Trust it with --tls-fingerprint {fingerprint}"),
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
