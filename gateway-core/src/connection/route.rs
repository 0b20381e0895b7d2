//! The seam between the supervisor and the network: how to reach one gateway.
//!
//! A [`Route`] opens a [`Path`] (for a remote server: a signed-in SSH connection), and a path opens
//! sessions. The supervisor owns what they return; dropping it releases it.

use super::local_host::GatewayHere;
use super::problem::Problem;
use super::question::{Answer, Question};
use super::state::{Generation, Step, Verdict};
use super::timeline::{Happening, Stage};
use serde::Serialize;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// How to reach one gateway.
pub trait Route: Send + Sync + 'static {
    /// What [`Route::open_path`] returns.
    type Path: Path;

    /// Returns the address as the user knows it.
    fn target(&self) -> String;

    /// Opens a path to the server, reporting how far it has come.
    fn open_path(
        self: Arc<Self>,
        progress: ProgressReporter,
    ) -> impl Future<Output = Result<Self::Path, Failure>> + Send + 'static;

    /// Lets what the server refused be tried once more, because a person asked for it.
    fn forget_refusals(&self);

    /// Takes a person's answer, so that the next attempt gives it.
    ///
    /// # Errors
    /// When it is no answer to that question, or could not be kept (a full disk, say).
    fn take_answer(
        &self,
        question: &Question,
        answer: Answer,
    ) -> impl Future<Output = Result<(), Problem>> + Send;
}

/// A standing path to the server. Clones share it; dropping the last one releases it.
pub trait Path: Clone + Send + Sync + 'static {
    /// A live session with the gateway.
    type Session: Clone + Send + Sync + 'static;
    /// Where a session's events come from.
    type Events: Send + 'static;
    /// One event of a session.
    type Event: Clone + Send + 'static;

    /// Opens a session: through the gateway's port and up to hello-ok.
    fn open_session(
        &self,
        progress: ProgressReporter,
    ) -> impl Future<Output = Result<Opened<Self>, Failure>> + Send + 'static;

    /// Returns the session's next event. Safe to cancel.
    fn next_event(
        events: &mut Self::Events,
    ) -> impl Future<Output = SessionNews<Self::Event>> + Send;

    /// Says how many answers a session still owes to whoever asked over it.
    fn owed(session: &Self::Session) -> watch::Receiver<usize>;

    /// Returns how many bytes the path has brought so far; it only grows.
    fn heard(&self) -> u64;

    /// Returns how many bytes the path has taken so far; it only grows.
    fn said(&self) -> u64;

    /// Returns the round-trip time, or `None` when the path is gone.
    fn ping(&self) -> impl Future<Output = Option<Duration>> + Send + 'static;

    /// Returns once the path is gone.
    fn lost(&self) -> impl Future<Output = Failure> + Send + 'static;

    /// Closes it politely.
    fn close(self) -> impl Future<Output = ()> + Send + 'static;
}

/// A session that has just been opened.
#[derive(Debug)]
pub struct Opened<P: Path> {
    /// The session.
    pub session: P::Session,
    /// Its events.
    pub events: P::Events,
    /// What hello-ok said.
    pub facts: GatewayFacts,
}

/// What hello-ok said that people are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayFacts {
    /// The gateway's release.
    pub version: String,
    /// The wire version both sides agreed on.
    pub protocol: u32,
    /// Which credential it accepted.
    pub credential: CredentialKind,
    /// Since when the gateway has been running, in milliseconds since the Unix epoch by our clock;
    /// absent where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_since: Option<u64>,
}

/// Which kind of credential the gateway accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CredentialKind {
    /// The token this device was issued.
    DeviceToken,
    /// The gateway's shared token.
    GatewayToken,
    /// The gateway's shared password.
    GatewayPassword,
    /// The gateway asks for none.
    None,
}

/// What a session reports.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "a loss is told once, and each is looked at before the next"
)]
pub enum SessionNews<E> {
    /// An event of the gateway.
    Event(E),
    /// Events were missed; what is shown must be fetched again.
    Gap,
    /// The session ended.
    Lost(Failure),
}

/// Why an attempt ended or a connection was lost, and what that means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it means for the connection.
    pub verdict: Verdict,
    /// What a person is told.
    pub problem: Problem,
    /// How long the other side asked us to wait.
    pub retry_after: Option<Duration>,
    /// What to ask a person.
    pub question: Option<Question>,
}

impl Failure {
    /// Returns a failure that asks nothing and names no delay.
    pub fn new(verdict: Verdict, problem: Problem) -> Self {
        Self {
            verdict,
            problem,
            retry_after: None,
            question: None,
        }
    }
}

/// The loopback port local programs use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalPort {
    /// The port in use now.
    pub port: u16,
    /// The port asked for, when another program holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u16>,
    /// The program that holds it, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// The ports next to it that lead to those next to the gateway's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<u16>,
}

/// How far an attempt has come, or what it has found on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A step was reached.
    Reached(Step),
    /// The local listener stands.
    Listening(LocalPort),
    /// A gateway on this computer was seen to.
    Here(GatewayHere),
    /// Where the address leads, in one line; `None` when it is simply dialled.
    Way(Option<String>),
    /// A stage ended; it took the time since the report before.
    Passed(Happening),
    /// Something happened that is no part of an attempt, and may come long after it; with how long it
    /// took.
    Aside(Happening, Option<Duration>),
}

/// What was reported, when, and by which piece of work.
pub(super) type Report = (Generation, Instant, Progress);

/// Reports the progress of one attempt.
#[derive(Debug, Clone)]
pub struct ProgressReporter {
    generation: Generation,
    sender: mpsc::Sender<Report>,
}

impl ProgressReporter {
    pub(super) fn new(generation: Generation, sender: mpsc::Sender<Report>) -> Self {
        Self { generation, sender }
    }

    /// Returns a reporter nobody listens to, for callers with their own view of the steps.
    pub fn silent() -> Self {
        let (sender, _) = mpsc::channel(1);
        Self::new(Generation::default(), sender)
    }

    /// Reports that a stage ended: of the server itself (`hop` 0), or of a jump host on the way.
    pub(super) fn passed(&self, stage: Stage, hop: u16) {
        self.report(Progress::Passed(Happening::StagePassed { stage, hop }));
    }

    /// Reports `progress`; never waits, because a step that is not shown harms nobody.
    pub fn report(&self, progress: Progress) {
        let report = (self.generation, Instant::now(), progress);
        if self.sender.try_send(report).is_err() {
            tracing::debug!("a step of an attempt was not shown");
        }
    }
}
