//! What the app holds: one supervised path to one gateway.
//!
//! In reading order: [`phase`] is the one table of states for machine, JSON, UI and icon; [`state`] is
//! the pure machine; [`backoff`] says when the next attempt may start; `supervisor` is the one task
//! that opens and closes anything; [`route`] is its seam to the network; [`liveness`] asks whether a
//! standing path still lives, and [`computer`] tells what happens to the computer under it;
//! [`clock`] is the time of day.
//! [`gateway_route`] is the real route, [`ssh_server`] its remote end through SSH and [`direct`] the
//! one without, [`access`] what a session is opened with, and [`explain`] what a failure means. [`snapshot`],
//! [`timeline`], [`day`], [`question`] and [`problem`] are what the outside sees.

pub mod access;
pub mod backoff;
pub mod clock;
pub mod computer;
pub mod day;
pub mod direct;
pub mod explain;
pub mod gateway_route;
pub mod listener_slot;
mod listener_tunnel;
pub mod liveness;
pub mod local_host;
pub mod phase;
pub mod problem;
pub mod question;
pub mod route;
pub mod snapshot;
pub mod ssh_plan;
pub mod ssh_server;
pub mod state;
mod supervisor;
pub mod timeline;

use self::backoff::{RetryGovernor, RetryPolicy};
use self::problem::Problem;
use self::question::Answer;
use self::route::Route;
use self::snapshot::Snapshot;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::supervisor::run_schedule;
pub use self::supervisor::{EventOf, SessionOf};
use self::supervisor::{Outlets, Supervisor};
use self::timeline::Timeline;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// Commands come from people; eight that are not yet read mean something is badly stuck.
const COMMAND_CAPACITY: usize = 8;
/// Gateway events not yet read by the slowest listener; a listener that lags fetches afresh.
const EVENT_CAPACITY: usize = 1_024;
/// Transitions not yet read by the slowest listener.
const TRANSITION_CAPACITY: usize = 256;

/// What the owner of a connection may ask for.
pub enum Command<R: Route> {
    /// Bring it up and keep it up.
    Connect,
    /// Do not wait for the next attempt.
    ReconnectNow,
    /// Take it down and keep it down.
    Disconnect,
    /// The computer woke up: probe what stands, cut a wait short.
    Woke,
    /// The computer's network is no longer what it was: probe what stands, cut a wait short.
    NetworkChanged,
    /// Whether somebody waits for the connection (a window is visible, a run is in flight).
    /// Requests in flight need not be told of: the session counts them.
    SetWatched(bool),
    /// Use another route from now on.
    Reconfigure(Box<R>),
    /// Forget what happened so far.
    ForgetTimeline,
    /// Answer what is asked.
    Answer {
        /// The question's number.
        id: u64,
        /// The answer.
        answer: Answer,
        /// What became of it.
        reply: oneshot::Sender<Result<(), Problem>>,
    },
    /// Close the question without an answer.
    Cancel {
        /// The question's number.
        id: u64,
    },
}

/// What comes through a connection.
#[derive(Debug, Clone)]
pub enum GatewayEvent<E> {
    /// A session is up: what was shown before may be stale.
    SessionUp,
    /// An event of the gateway.
    Event(E),
    /// Events were missed: what is shown must be fetched again.
    Missed,
    /// The session ended.
    SessionDown,
}

/// A supervised connection. Dropping the last handle ends it and releases what it holds.
pub struct Connection<R: Route> {
    commands: mpsc::Sender<Command<R>>,
    snapshots: watch::Receiver<Snapshot>,
    transitions: broadcast::Sender<Snapshot>,
    timeline: watch::Receiver<Timeline>,
    session: watch::Receiver<Option<SessionOf<R>>>,
    events: broadcast::Sender<GatewayEvent<EventOf<R>>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Ends with this handle; see [`Connection::heed`].
    heeding: JoinSet<()>,
}

impl<R: Route> Connection<R> {
    /// Starts the supervisor of a connection that is off.
    pub fn start(route: R, policy: RetryPolicy) -> Self {
        let (command_sender, commands) = mpsc::channel(COMMAND_CAPACITY);
        let (snapshot, snapshots) = watch::channel(Snapshot::off(route.target()));
        let (transitions, _) = broadcast::channel(TRANSITION_CAPACITY);
        let (session_sender, session) = watch::channel(None);
        let (events, _) = broadcast::channel(EVENT_CAPACITY);
        let (timeline_sender, timeline) = watch::channel(Timeline::default());
        let stop = CancellationToken::new();
        let outlets = Outlets {
            snapshot,
            timeline: timeline_sender,
            transitions: transitions.clone(),
            session: session_sender,
            events: events.clone(),
        };
        let governor = RetryGovernor::new(policy);
        let supervisor = Supervisor::new(route, governor, commands, stop.clone(), outlets);
        Self {
            commands: command_sender,
            snapshots,
            transitions,
            timeline,
            session,
            events,
            stop,
            task: tokio::spawn(supervisor.run()),
            heeding: JoinSet::new(),
        }
    }

    /// Asks for something; nothing happens when the connection has ended.
    pub async fn command(&self, command: Command<R>) {
        if self.commands.send(command).await.is_err() {
            tracing::debug!("a command reached a connection that has ended");
        }
    }

    /// Answers question `id`.
    ///
    /// # Errors
    /// When the question is gone, the answer does not fit, or it could not be kept.
    pub async fn answer(&self, id: u64, answer: Answer) -> Result<(), Problem> {
        let (reply, outcome) = oneshot::channel();
        self.command(Command::Answer { id, answer, reply }).await;
        outcome.await.unwrap_or_else(|_| {
            Err(Problem::without_action(
                "connectionEnded",
                "The connection has ended; start it again.",
            ))
        })
    }

    /// Returns the snapshots; the latest wins.
    pub fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.clone()
    }

    /// Returns every change from now on, in order; a listener that lags misses the oldest.
    pub fn transitions(&self) -> broadcast::Receiver<Snapshot> {
        self.transitions.subscribe()
    }

    /// Returns what happened so far. An event stands there before the change of state it is part of is
    /// told.
    pub fn timeline(&self) -> watch::Receiver<Timeline> {
        self.timeline.clone()
    }

    /// Returns the live session, while there is one.
    pub fn session(&self) -> watch::Receiver<Option<SessionOf<R>>> {
        self.session.clone()
    }

    /// Returns what comes from the gateway from now on, in order.
    pub fn events(&self) -> broadcast::Receiver<GatewayEvent<EventOf<R>>> {
        self.events.subscribe()
    }

    /// Ends the connection and waits until everything it held is released.
    pub async fn shut_down(self) {
        self.stop.cancel();
        drop(self.heeding);
        if let Err(error) = self.task.await {
            // A panic in the supervisor is a fault of ours; it must not be swallowed.
            if error.is_panic() {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    }
}
