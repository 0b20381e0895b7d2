//! The one task that opens and closes paths and sessions.
//!
//! One `select!`, cancellation first, at most one piece of work in flight. The machine decides, this
//! task obeys: what it holds is always what the machine's state says is held. `waits` says when the
//! next attempt comes, `turns` what one turn waits for, `commands` obeys the owner, `shown` is what the
//! outside sees, and `chronicle` writes down what happened.

mod chronicle;
mod commands;
#[cfg(any(test, feature = "fuzzing"))]
mod schedules;
mod shown;
mod turns;
mod waits;

use self::chronicle::Chronicle;
use self::shown::Shown;
use self::turns::{Turn, next_change, next_event, next_finding, or_never};
use super::backoff::RetryGovernor;
use super::clock::epoch_ms;
use super::liveness::{Finding, Prober};
use super::phase::{Cause, Phase};
use super::problem::{Problem, UserAction};
use super::question::{Asked, Question};
use super::route::{
    Failure, LocalPort, Opened, Path, Progress, ProgressReporter, Report, Route, SessionNews,
};
use super::snapshot::Snapshot;
use super::state::{Action, Generation, Input, Machine, News, State, Verdict};
use super::timeline::{Happening, QuestionKind, Timeline};
use super::{Command, GatewayEvent};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, Sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// How long a polite close may take before what is held is simply dropped.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// The shortest and longest wait a starting gateway may ask for (`retryAfterMs`, clamped as the
/// reference client clamps it).
const ASKED_WAIT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Reports not read yet. They are read between the polls of what reports, so even the stages of a way
/// through several servers, reported in one breath, are far fewer.
const PROGRESS_CAPACITY: usize = 64;

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
    pub(super) timeline: watch::Sender<Timeline>,
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
    chronicle: Chronicle,
    work: Option<BoxFuture<'static, Outcome<R::Path>>>,
    held: Option<Held<R::Path>>,
    timer: Option<Pin<Box<Sleep>>>,
    progress_sender: mpsc::Sender<Report>,
    progress: mpsc::Receiver<Report>,
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

impl<R: Route> Supervisor<R> {
    pub(super) fn new(
        route: R,
        governor: RetryGovernor,
        commands: mpsc::Receiver<Command<R>>,
        stop: CancellationToken,
        outlets: Outlets<R>,
    ) -> Self {
        let (progress_sender, progress) = mpsc::channel(PROGRESS_CAPACITY);
        let chronicle = Chronicle::new(outlets.timeline.clone());
        Self {
            route: Arc::new(route),
            machine: Machine::default(),
            governor,
            commands,
            stop,
            outlets,
            chronicle,
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
                Turn::Progress(report) => self.note(report),
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
            Some(report) = self.progress.recv() => Turn::Progress(report),
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

    fn keep(&mut self, outcome: Outcome<R::Path>) {
        // The last steps are often reported in the same breath as the outcome.
        while let Ok(report) = self.progress.try_recv() {
            self.note(report);
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
        self.chronicle.count(&held.path);
        self.chronicle.connected();
        self.outlets.session.send_replace(Some(opened.session));
        self.tell(News::SessionOpened);
        // Whoever hears of the session finds its facts in the snapshot.
        self.publish();
        self.broadcast(GatewayEvent::SessionUp);
    }

    fn failed(&mut self, failure: Failure) {
        self.lost_session = None;
        self.chronicle
            .failed(&failure, self.machine.state().phase());
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
        if self.chronicle.is_attempting() {
            self.chronicle
                .failed(&failure, self.machine.state().phase());
        } else {
            let code = failure.problem.code;
            let stood = self.stood();
            self.chronicle.write(Happening::PathLost { code }, stood);
        }
        self.take_note_of(failure);
        self.tell(News::PathLost(cause));
    }

    fn session_news(&mut self, news: SessionNews<EventOf<R>>) {
        match news {
            SessionNews::Event(event) => self.broadcast(GatewayEvent::Event(event)),
            SessionNews::Gap => self.broadcast(GatewayEvent::Missed),
            SessionNews::Lost(failure) => {
                let up_for = self.up_for();
                let brief = up_for < self.governor.policy().quick_retry_after;
                let code = failure.problem.code;
                self.chronicle
                    .write(Happening::SessionLost { code }, Some(up_for));
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
                self.chronicle.probe_answered(round_trip);
                if let Some(held) = &self.held {
                    self.chronicle.count(&held.path);
                }
                self.tell(News::ProbeAnswered);
            }
            Finding::Overdue => {
                self.chronicle.probe_overdue();
                self.tell(News::ProbeOverdue);
            }
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

    fn note(&mut self, (generation, at, progress): Report) {
        if let Progress::Aside(what, took) = progress {
            self.chronicle.write(what, took);
            return;
        }
        if generation != self.machine.generation() {
            return;
        }
        if let Progress::Passed(what) = progress {
            self.chronicle.passed(what, at);
            return;
        }
        self.chronicle.next_stage_from(at);
        match progress {
            Progress::Reached(step) => self.tell(News::Reached(step)),
            Progress::Listening(port) => self.listening(port),
            Progress::Here(here) => self.shown.gateway_here = Some(here),
            Progress::Way(way) => self.shown.way = way,
            Progress::Passed(_) | Progress::Aside(..) => {}
        }
    }

    fn listening(&mut self, port: LocalPort) {
        let before = self.shown.local_port.as_ref().map(|shown| shown.port);
        if before != Some(port.port) {
            if let Some(port) = before {
                self.chronicle.note(Happening::ListenerClosed { port });
            }
            self.chronicle.note(Happening::ListenerOpened {
                port: port.port,
                instead_of: port.wanted,
            });
        }
        self.shown.local_port = Some(port);
    }

    fn tell(&mut self, news: News) {
        self.input(Input::News(self.machine.generation(), news));
    }

    fn input(&mut self, input: Input) {
        let phase = self.machine.state().phase();
        let action = self.machine.on(input);
        if action != Action::Nothing {
            self.perform(action, phase);
        }
    }

    /// Does what the machine says; `phase` is the one that is left.
    fn perform(&mut self, action: Action, phase: Phase) {
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
                self.chronicle.given_up(phase);
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
                self.chronicle.follows(Some(wait));
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
                self.chronicle.follows(Some(wait));
            }
            Action::Close => {
                self.chronicle.follows(None);
                self.chronicle.given_up(phase);
                self.drop_session();
                if let Some(held) = &self.held {
                    self.chronicle.path_is_over(&held.path);
                }
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
                self.chronicle.follows(None);
                self.chronicle.given_up(phase);
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
        let attempt = self.machine.state().attempt();
        self.chronicle.begins(attempt, false, now + wait);
        let opening = R::open_path(
            Arc::clone(&self.route),
            ProgressReporter::new(generation, self.progress_sender.clone()),
        );
        self.work = Some(
            async move {
                tokio::time::sleep(wait).await;
                Outcome::Path(generation, opening.await)
            }
            .instrument(self.chronicle.span())
            .boxed(),
        );
    }

    fn open_session(&mut self, generation: Generation) {
        self.drop_session();
        let Some(held) = &self.held else { return };
        if self.chronicle.is_attempting() {
            self.chronicle.next_stage_from(Instant::now());
        } else {
            let attempt = self.machine.state().attempt();
            self.chronicle.begins(attempt, true, Instant::now());
        }
        let reporter = ProgressReporter::new(generation, self.progress_sender.clone());
        let opening = held.path.open_session(reporter);
        self.work = Some(
            async move { Outcome::Session(generation, opening.await) }
                .instrument(self.chronicle.span())
                .boxed(),
        );
    }

    fn ask_if_the_state_asks(&mut self) {
        let may_ask = matches!(
            self.machine.state(),
            State::Asking { .. } | State::Paused(Cause::HostKeyChanged | Cause::TlsPin)
        );
        let question = self.pending_question.take();
        if may_ask && let Some(question) = question {
            self.questions_asked += 1;
            self.chronicle.asked(Happening::Asked {
                question: QuestionKind::from(&question),
            });
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
        self.stood().unwrap_or_default()
    }

    /// How long the session has stood, where there is one.
    fn stood(&self) -> Option<Duration> {
        let session = self.held.as_ref()?.session.as_ref()?;
        Some(session.since.elapsed())
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
        if let Some(held) = self.held.take() {
            self.chronicle.path_is_over(&held.path);
        }
    }

    fn broadcast(&self, event: GatewayEvent<EventOf<R>>) {
        // No receiver is normal: a command-line connection shows no events.
        if self.outlets.events.send(event).is_err() {
            tracing::trace!("nobody listens to gateway events");
        }
    }

    async fn release_everything(&mut self) {
        self.work = None;
        self.timer = None;
        self.note_disconnecting();
        self.drop_session();
        if let Some(held) = &self.held {
            self.chronicle.path_is_over(&held.path);
        }
        if let Some(held) = self.held.take()
            && timeout(CLOSE_LIMIT, held.path.close()).await.is_err()
        {
            tracing::debug!("a polite close took too long; dropped");
        }
        if let Some(port) = self.shown.local_port.take() {
            let port = port.port;
            self.chronicle.note(Happening::ListenerClosed { port });
        }
        let off = Snapshot {
            figures: self.chronicle.figures(),
            ..Snapshot::off(self.route.target())
        };
        self.outlets.snapshot.send_replace(off);
    }
}

#[cfg(test)]
#[path = "supervisor/tests.rs"]
mod tests;
