//! The one task that opens and closes paths and sessions.
//!
//! One `select!`, cancellation first, at most one piece of work in flight. The machine decides, this
//! task obeys: what it holds is always what the machine's state says is held.

#[cfg(any(test, feature = "fuzzing"))]
mod schedules;

use super::backoff::RetryGovernor;
use super::liveness::{Finding, Prober};
use super::phase::Cause;
use super::problem::{Problem, UserAction};
use super::question::{Answer, Asked, Question};
use super::route::{
    Failure, GatewayFacts, Opened, Path, Progress, ProgressReporter, Route, SessionNews,
};
use super::snapshot::Snapshot;
use super::state::{Action, Generation, Input, Machine, News, State, Verdict};
use super::{Command, GatewayEvent};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// How long a polite close may take before what is held is simply dropped.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// The shortest and longest wait a starting gateway may ask for (`retryAfterMs`, clamped as the
/// reference client clamps it).
const ASKED_WAIT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Steps of one attempt: five, plus the listener's port.
const PROGRESS_CAPACITY: usize = 16;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use schedules::run_bytes as run_schedule;

/// A session as held by the rest of the app.
pub type SessionOf<R> = <<R as Route>::Path as Path>::Session;
/// An event as sent to the rest of the app.
pub type EventOf<R> = <<R as Route>::Path as Path>::Event;

/// Where the supervisor's news go.
pub(super) struct Outlets<R: Route> {
    pub(super) snapshot: watch::Sender<Snapshot>,
    pub(super) transitions: broadcast::Sender<Snapshot>,
    pub(super) session: watch::Sender<Option<SessionOf<R>>>,
    pub(super) events: broadcast::Sender<GatewayEvent<EventOf<R>>>,
}

/// The supervisor of one connection.
pub(super) struct Supervisor<R: Route> {
    route: Arc<R>,
    machine: Machine,
    governor: RetryGovernor,
    commands: mpsc::Receiver<Command<R>>,
    stop: CancellationToken,
    outlets: Outlets<R>,
    work: Option<BoxFuture<'static, Outcome<R::Path>>>,
    held: Option<Held<R::Path>>,
    timer: Option<Pin<Box<Sleep>>>,
    progress_sender: mpsc::Sender<(Generation, Progress)>,
    progress: mpsc::Receiver<(Generation, Progress)>,
    watched: bool,
    shown: Shown,
    questions_asked: u64,
    /// How long the session had been up that was lost last, until the next attempt's outcome.
    lost_session: Option<Duration>,
    /// What the last failure wants to ask, until the machine says whether it may.
    pending_question: Option<Question>,
}

/// What is held: a path, perhaps a session over it.
struct Held<P: Path> {
    path: P,
    lost: BoxFuture<'static, Failure>,
    prober: Prober<P>,
    session: Option<HeldSession<P>>,
}

struct HeldSession<P: Path> {
    events: P::Events,
    /// How many answers it owes; `None` once nobody can ask it for anything any more.
    owed: Option<watch::Receiver<usize>>,
    since: Instant,
}

/// What a finished piece of work hands over.
enum Outcome<P: Path> {
    Path(Generation, Result<P, Failure>),
    Session(Generation, Result<Opened<P>, Failure>),
    Closed(Generation),
}

/// The facts of a snapshot that the machine's state does not hold.
#[derive(Debug, Default)]
struct Shown {
    next_attempt_at: Option<u64>,
    up_since: Option<u64>,
    local_port: Option<super::route::LocalPort>,
    ping: Option<Duration>,
    gateway: Option<GatewayFacts>,
    gateway_here: Option<super::local_host::GatewayHere>,
    way: Option<String>,
    problem: Option<Problem>,
    question: Option<Asked>,
    retry_after: Option<Duration>,
}

/// What one turn of the loop is about.
enum Turn<R: Route> {
    Stop,
    Command(Command<R>),
    Outcome(Outcome<R::Path>),
    Progress(Generation, Progress),
    PathLost(Failure),
    Session(SessionNews<EventOf<R>>),
    WaitOver,
    Probe(Finding),
    /// How many answers the session owes has changed.
    Owed,
}

impl<R: Route> Supervisor<R> {
    pub(super) fn new(
        route: R,
        governor: RetryGovernor,
        commands: mpsc::Receiver<Command<R>>,
        stop: CancellationToken,
        outlets: Outlets<R>,
    ) -> Self {
        let (progress_sender, progress) = mpsc::channel(PROGRESS_CAPACITY);
        Self {
            route: Arc::new(route),
            machine: Machine::default(),
            governor,
            commands,
            stop,
            outlets,
            work: None,
            held: None,
            timer: None,
            progress_sender,
            progress,
            watched: false,
            shown: Shown::default(),
            questions_asked: 0,
            lost_session: None,
            pending_question: None,
        }
    }

    /// Runs until stopped, or until nobody is left who could ask for anything.
    pub(super) async fn run(mut self) {
        loop {
            match self.turn().await {
                Turn::Stop => break,
                Turn::Command(command) => self.obey(command).await,
                Turn::Outcome(outcome) => self.keep(outcome),
                Turn::Progress(generation, progress) => self.note(generation, progress),
                Turn::PathLost(failure) => self.path_lost(failure),
                Turn::Session(news) => self.session_news(news),
                Turn::WaitOver => {
                    self.timer = None;
                    self.tell(News::WaitOver);
                }
                Turn::Probe(finding) => self.probed(finding),
                Turn::Owed => self.look_after_the_owed(),
            }
            self.publish();
        }
        self.release_everything().await;
    }

    async fn turn(&mut self) -> Turn<R> {
        let (lost, session, probe) = match &mut self.held {
            Some(held) => (
                Some(&mut held.lost),
                held.session.as_mut(),
                Some(&mut held.prober),
            ),
            None => (None, None, None),
        };
        let (events, owed) = match session {
            Some(session) => (Some(&mut session.events), session.owed.as_mut()),
            None => (None, None),
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Turn::Stop,
            command = self.commands.recv() => command.map_or(Turn::Stop, Turn::Command),
            // The sender half lives as long as this task, so the channel cannot end.
            Some((generation, progress)) = self.progress.recv() => Turn::Progress(generation, progress),
            outcome = or_never(self.work.as_mut()) => {
                self.work = None;
                Turn::Outcome(outcome)
            }
            failure = or_never(lost) => Turn::PathLost(failure),
            news = next_event::<R::Path>(events) => Turn::Session(news),
            () = or_never(self.timer.as_mut()) => Turn::WaitOver,
            () = next_change(owed) => Turn::Owed,
            finding = next_finding(probe) => Turn::Probe(finding),
        }
    }

    async fn obey(&mut self, command: Command<R>) {
        match command {
            Command::Connect => self.shortcut(Input::Connect),
            Command::ReconnectNow => self.shortcut(Input::ReconnectNow),
            Command::Disconnect => self.input(Input::Disconnect),
            Command::Woke | Command::NetworkChanged => {
                // What stands may have survived: it is asked before anything is torn down.
                if let Some(held) = &mut self.held {
                    held.prober.probe_now();
                }
                self.shortcut(Input::Nudged);
            }
            Command::SetWatched(watched) => {
                self.watched = watched;
                if let Some(held) = &mut self.held {
                    held.prober.set_watched(watched);
                }
            }
            Command::Reconfigure(route) => {
                self.route = Arc::new(*route);
                self.governor.start_over();
                self.shown.problem = None;
                // What was known is of the gateway before.
                self.shown.gateway = None;
                self.shown.gateway_here = None;
                self.shown.way = None;
                self.input(Input::Reconfigured);
            }
            Command::Answer { id, answer, reply } => {
                let outcome = self.answer(id, answer).await;
                if reply.send(outcome).is_err() {
                    tracing::debug!("nobody waited for what became of an answer");
                }
            }
            Command::Cancel { id } => {
                if self
                    .shown
                    .question
                    .as_ref()
                    .is_some_and(|asked| asked.id == id)
                {
                    self.input(Input::Cancelled);
                }
            }
        }
    }

    /// Passes on what would cut a wait short, as far as the retry rules allow.
    fn shortcut(&mut self, input: Input) {
        let waits = matches!(
            self.machine.state(),
            State::Waiting { .. } | State::GatewayDown { .. }
        );
        if !waits {
            if matches!(self.machine.state(), State::Paused(_)) && input != Input::Nudged {
                self.route.forget_refusals();
            }
            self.input(input);
            return;
        }
        let now = Instant::now();
        let wait = self.governor.shortcut(now);
        let sooner = self
            .timer
            .as_ref()
            .is_none_or(|timer| now + wait < timer.deadline());
        if wait.is_zero() {
            self.input(input);
        } else if sooner {
            self.start_timer(wait);
        }
    }

    async fn answer(&mut self, id: u64, answer: Answer) -> Result<(), Problem> {
        let Some(asked) = self.shown.question.clone().filter(|asked| asked.id == id) else {
            return Err(Problem::without_action(
                "questionGone",
                "That question is no longer open; the connection has moved on.",
            ));
        };
        self.route.take_answer(&asked.question, answer).await?;
        self.input(Input::Answered);
        Ok(())
    }

    fn keep(&mut self, outcome: Outcome<R::Path>) {
        // The last steps are often reported in the same breath as the outcome.
        while let Ok((generation, progress)) = self.progress.try_recv() {
            self.note(generation, progress);
        }
        match outcome {
            Outcome::Path(generation, Ok(path)) if generation == self.machine.generation() => {
                self.held = Some(Held {
                    lost: path.lost().boxed(),
                    prober: Prober::new(path.clone(), self.watched),
                    path,
                    session: None,
                });
                self.tell(News::PathOpened);
            }
            Outcome::Session(generation, Ok(opened)) if generation == self.machine.generation() => {
                self.serve(opened);
            }
            Outcome::Path(generation, Err(failure))
            | Outcome::Session(generation, Err(failure))
                if generation == self.machine.generation() =>
            {
                self.failed(failure);
            }
            Outcome::Closed(generation) => self.input(Input::News(generation, News::Closed)),
            // Of an older generation: dropping what it carries releases it.
            Outcome::Path(..) | Outcome::Session(..) => {}
        }
    }

    fn serve(&mut self, opened: Opened<R::Path>) {
        let Some(held) = &mut self.held else { return };
        tracing::info!(
            gateway = %opened.facts.version,
            protocol = opened.facts.protocol,
            "connected to the gateway"
        );
        held.session = Some(HeldSession {
            events: opened.events,
            owed: Some(R::Path::owed(&opened.session)),
            since: Instant::now(),
        });
        self.shown.gateway = Some(opened.facts);
        self.shown.problem = None;
        self.shown.up_since = Some(epoch_ms(Duration::ZERO));
        self.outlets.session.send_replace(Some(opened.session));
        self.tell(News::SessionOpened);
        // Whoever hears of the session finds its facts in the snapshot.
        self.publish();
        self.broadcast(GatewayEvent::SessionUp);
    }

    fn failed(&mut self, failure: Failure) {
        self.lost_session = None;
        self.take_note_of(failure.clone());
        self.tell(News::Failed(failure.verdict));
    }

    fn path_lost(&mut self, failure: Failure) {
        let cause = match failure.verdict {
            Verdict::Retry(cause)
            | Verdict::GatewayDown(cause)
            | Verdict::Pause(cause)
            | Verdict::Stop(cause) => cause,
            Verdict::Ask(_) => Cause::Closed,
        };
        tracing::info!(?cause, "the path to the server was lost");
        self.take_note_of(failure);
        self.tell(News::PathLost(cause));
    }

    fn session_news(&mut self, news: SessionNews<EventOf<R>>) {
        match news {
            SessionNews::Event(event) => self.broadcast(GatewayEvent::Event(event)),
            SessionNews::Gap => self.broadcast(GatewayEvent::Missed),
            SessionNews::Lost(failure) => {
                let brief = self.up_for() < self.governor.policy().quick_retry_after;
                let mut verdict = failure.verdict;
                // A gateway that hangs up right after hello is not asked in a tight loop.
                if let (Verdict::Retry(cause), true) = (verdict, brief) {
                    verdict = Verdict::GatewayDown(cause);
                }
                self.drop_session();
                self.take_note_of(failure);
                self.tell(News::SessionLost(verdict));
            }
        }
    }

    fn probed(&mut self, finding: Finding) {
        match finding {
            Finding::Answered(round_trip) => {
                self.shown.ping = Some(round_trip);
                self.tell(News::ProbeAnswered);
            }
            Finding::Overdue => self.tell(News::ProbeOverdue),
            Finding::Dead => self.path_lost(Failure::new(
                Verdict::Retry(Cause::Timeout),
                Problem::new(
                    "pathDead",
                    "The server stopped answering. Reconnecting.",
                    UserAction::TryAgain,
                ),
            )),
        }
    }

    /// Whoever waits for an answer should not wait for a path that is gone.
    fn look_after_the_owed(&mut self) {
        let Some(held) = &mut self.held else { return };
        let Some(session) = &mut held.session else {
            return;
        };
        let Some(owed) = &mut session.owed else {
            return;
        };
        let is_owed = *owed.borrow_and_update() > 0;
        if owed.has_changed().is_err() {
            session.owed = None;
        }
        held.prober.set_awaited(is_owed);
    }

    fn note(&mut self, generation: Generation, progress: Progress) {
        if generation != self.machine.generation() {
            return;
        }
        match progress {
            Progress::Reached(step) => self.tell(News::Reached(step)),
            Progress::Listening(port) => self.shown.local_port = Some(port),
            Progress::Here(here) => self.shown.gateway_here = Some(here),
            Progress::Way(way) => self.shown.way = way,
        }
    }

    fn tell(&mut self, news: News) {
        self.input(Input::News(self.machine.generation(), news));
    }

    fn input(&mut self, input: Input) {
        let action = self.machine.on(input);
        if action != Action::Nothing {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        tracing::debug!(?action, state = ?self.machine.state(), "the connection moves on");
        // Replacing `work` and `timer` ends what they held, so no stale outcome can arrive.
        self.work = None;
        self.timer = None;
        self.shown.next_attempt_at = None;
        self.shown.question = None;
        let generation = self.machine.generation();
        match action {
            Action::Nothing => {}
            Action::OpenPath => {
                self.release_held();
                // What stood in the way of the last attempt says nothing about this one.
                self.shown.problem = None;
                self.open_path(generation);
            }
            Action::OpenSession => self.open_session(generation),
            Action::WaitToRetry { .. } => {
                let wait = self.wait_before_retry();
                self.release_held();
                self.start_timer(wait);
            }
            Action::WaitForGateway => {
                self.drop_session();
                let wait = self
                    .shown
                    .retry_after
                    .take()
                    .map_or(self.governor.policy().gateway_probe, |asked| {
                        asked.clamp(ASKED_WAIT.0, ASKED_WAIT.1)
                    });
                self.start_timer(wait);
            }
            Action::Close => {
                self.drop_session();
                let path = self.held.take().map(|held| held.path);
                self.work = Some(
                    async move {
                        if let Some(path) = path
                            && timeout(CLOSE_LIMIT, path.close()).await.is_err()
                        {
                            tracing::debug!("a polite close took too long; dropped");
                        }
                        Outcome::Closed(generation)
                    }
                    .boxed(),
                );
            }
            Action::Rest => {
                self.release_held();
                self.ask_if_the_state_asks();
            }
        }
    }

    fn open_path(&mut self, generation: Generation) {
        let now = Instant::now();
        // The limit on attempts holds for impatient clicks too.
        let wait = self.governor.until_allowed(now);
        self.governor.attempt_started(now + wait);
        let opening = R::open_path(
            Arc::clone(&self.route),
            ProgressReporter::new(generation, self.progress_sender.clone()),
        );
        self.work = Some(
            async move {
                tokio::time::sleep(wait).await;
                Outcome::Path(generation, opening.await)
            }
            .boxed(),
        );
    }

    fn open_session(&mut self, generation: Generation) {
        self.drop_session();
        let Some(held) = &self.held else { return };
        let reporter = ProgressReporter::new(generation, self.progress_sender.clone());
        let opening = held.path.open_session(reporter);
        self.work = Some(async move { Outcome::Session(generation, opening.await) }.boxed());
    }

    fn wait_before_retry(&mut self) -> Duration {
        let now = Instant::now();
        let jitter = rand::random::<f64>();
        self.drop_session();
        let wait = match self.lost_session.take() {
            Some(up_for) => self.governor.after_loss(now, up_for, jitter),
            None => self.governor.after_failure(now, jitter),
        };
        self.shown
            .retry_after
            .take()
            .map_or(wait, |asked| wait.max(asked))
    }

    fn start_timer(&mut self, wait: Duration) {
        self.timer = Some(Box::pin(sleep_until(Instant::now() + wait)));
        self.shown.next_attempt_at = Some(epoch_ms(wait));
    }

    fn ask_if_the_state_asks(&mut self) {
        let may_ask = matches!(
            self.machine.state(),
            State::Asking { .. } | State::Paused(Cause::HostKeyChanged | Cause::TlsPin)
        );
        let question = self.pending_question.take();
        if may_ask && let Some(question) = question {
            self.questions_asked += 1;
            self.shown.question = Some(Asked {
                id: self.questions_asked,
                question,
            });
        }
    }

    fn take_note_of(&mut self, failure: Failure) {
        tracing::debug!(code = failure.problem.code, verdict = ?failure.verdict, "a step failed");
        self.shown.problem = Some(failure.problem);
        self.shown.retry_after = failure.retry_after;
        self.pending_question = failure.question;
    }

    fn up_for(&self) -> Duration {
        self.held
            .as_ref()
            .and_then(|held| held.session.as_ref())
            .map_or(Duration::ZERO, |session| session.since.elapsed())
    }

    fn drop_session(&mut self) {
        let ended = self.held.as_mut().and_then(|held| {
            held.prober.set_awaited(false);
            held.session.take()
        });
        if let Some(session) = ended {
            self.lost_session = Some(session.since.elapsed());
            self.outlets.session.send_replace(None);
            self.shown.up_since = None;
            self.broadcast(GatewayEvent::SessionDown);
        }
    }

    fn release_held(&mut self) {
        self.drop_session();
        self.shown.ping = None;
        self.held = None;
    }

    fn broadcast(&self, event: GatewayEvent<EventOf<R>>) {
        // No receiver is normal: a command-line connection shows no events.
        if self.outlets.events.send(event).is_err() {
            tracing::trace!("nobody listens to gateway events");
        }
    }

    fn publish(&mut self) {
        let state = self.machine.state();
        if state == State::Off {
            self.shown.problem = None;
        }
        let snapshot = Snapshot {
            phase: state.phase(),
            target: self.route.target(),
            way: self.shown.way.clone(),
            attempt: state.attempt(),
            cause: state.cause(),
            next_attempt_at: self.shown.next_attempt_at,
            up_since: self.shown.up_since,
            local_port: self.shown.local_port.clone(),
            ping_ms: self.shown.ping.map(in_ms),
            gateway: self.shown.gateway.clone(),
            gateway_here: self.shown.gateway_here.clone(),
            problem: self.shown.problem.clone(),
            question: self.shown.question.clone(),
        };
        let changed = self.outlets.snapshot.send_if_modified(|shown| {
            let differs = *shown != snapshot;
            if differs {
                shown.clone_from(&snapshot);
            }
            differs
        });
        if changed && self.outlets.transitions.send(snapshot).is_err() {
            tracing::trace!("nobody follows the transitions");
        }
    }

    async fn release_everything(&mut self) {
        self.work = None;
        self.timer = None;
        self.drop_session();
        if let Some(held) = self.held.take()
            && timeout(CLOSE_LIMIT, held.path.close()).await.is_err()
        {
            tracing::debug!("a polite close took too long; dropped");
        }
        let off = Snapshot {
            local_port: None,
            ..Snapshot::off(self.route.target())
        };
        self.outlets.snapshot.send_replace(off);
    }
}

async fn or_never<F: Future + Unpin>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn next_event<P: Path>(events: Option<&mut P::Events>) -> SessionNews<P::Event> {
    match events {
        Some(events) => P::next_event(events).await,
        None => std::future::pending().await,
    }
}

/// Returns on a change, and for the last time when there can be none any more.
async fn next_change(owed: Option<&mut watch::Receiver<usize>>) {
    match owed {
        Some(owed) => drop(owed.changed().await),
        None => std::future::pending().await,
    }
}

async fn next_finding<P: Path>(prober: Option<&mut Prober<P>>) -> Finding {
    match prober {
        Some(prober) => prober.next().await,
        None => std::future::pending().await,
    }
}

/// Returns milliseconds with one decimal: more is noise.
fn in_ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

fn epoch_ms(from_now: Duration) -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from((since_epoch + from_now).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "supervisor/tests.rs"]
mod tests;
