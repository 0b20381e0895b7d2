//! Thousands of random lives of a connection, with the clock paused: whatever happens in whatever
//! order, the rules of the supervisor hold.
//!
//! A life is drawn from its number, so a failure names the life to look at (`SCHEDULE_FIRST=n
//! SCHEDULES=1`), or from the bytes of a fuzzer. Only the jitter of the delays is not drawn.

use super::super::backoff::RetryPolicy;
use super::super::phase::Phase;
use super::super::state::About;
use super::super::{Command, Connection};
use super::*;
use crate::connection::question::Answer;
use crate::connection::route::{CredentialKind, GatewayFacts};
#[cfg(test)]
use rand::SeedableRng as _;
use rand::{Rng as _, rngs::StdRng};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A twentieth of the long run (`scripts/soak` sets `SCHEDULES=10000`).
#[cfg(test)]
const SCHEDULES: u64 = 500;
#[cfg(test)]
const STEPS: usize = 40;
/// The most steps of a life that is drawn from bytes.
const MOST_STEPS: usize = 100;
/// The longest delay and the longest wait for the limit on attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(62);
/// The most an attempt of this world takes, and what follows within it.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(8);

/// Where the turns of a life come from.
enum Source {
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests count their lives"))]
    Number(Box<StdRng>),
    /// What is left of the input; after its end every draw is 0.
    Bytes(VecDeque<u8>),
}

impl Source {
    fn below(&mut self, limit: u32) -> u32 {
        match self {
            Self::Number(drawn) => drawn.random_range(0..limit),
            Self::Bytes(bytes) => u32::from(bytes.pop_front().unwrap_or(0)) % limit,
        }
    }

    fn moment(&mut self, longest: Duration) -> Duration {
        match self {
            Self::Number(drawn) => drawn.random_range(Duration::ZERO..longest),
            Self::Bytes(bytes) => longest * u32::from(bytes.pop_front().unwrap_or(0)) / 256,
        }
    }

    fn is_at_its_end(&self) -> bool {
        match self {
            Self::Number(_) => false,
            Self::Bytes(bytes) => bytes.is_empty(),
        }
    }
}

/// A panic in another task is told by that task's own end.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The world as the connection meets it.
struct World {
    draw: Mutex<Source>,
    /// The way to the server is open and everything answers.
    is_well: AtomicBool,
    answers_pings: AtomicBool,
    opening: AtomicUsize,
    most_opening: AtomicUsize,
    paths: AtomicUsize,
    most_paths: AtomicUsize,
    dialled: Mutex<Vec<Instant>>,
    cut: Notify,
    end_session: Notify,
}

impl World {
    fn new(draw: Source) -> Self {
        Self {
            draw: Mutex::new(draw),
            is_well: AtomicBool::new(true),
            answers_pings: AtomicBool::new(true),
            opening: AtomicUsize::new(0),
            most_opening: AtomicUsize::new(0),
            paths: AtomicUsize::new(0),
            most_paths: AtomicUsize::new(0),
            dialled: Mutex::default(),
            cut: Notify::new(),
            end_session: Notify::new(),
        }
    }

    fn below(&self, limit: u32) -> u32 {
        lock(&self.draw).below(limit)
    }

    fn moment(&self, longest: Duration) -> Duration {
        lock(&self.draw).moment(longest)
    }

    fn dials(&self) -> usize {
        lock(&self.dialled).len()
    }
}

/// Counts while it lives.
struct Counted(Arc<World>, fn(&World) -> &AtomicUsize);

impl Counted {
    fn new(
        world: &Arc<World>,
        now: fn(&World) -> &AtomicUsize,
        most: fn(&World) -> &AtomicUsize,
    ) -> Self {
        let count = now(world).fetch_add(1, SeqCst) + 1;
        most(world).fetch_max(count, SeqCst);
        Self(Arc::clone(world), now)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.1)(&self.0).fetch_sub(1, SeqCst);
    }
}

#[derive(Clone)]
struct AnyRoute(Arc<World>);

#[derive(Clone)]
struct AnyPath(Arc<Counted>);

fn failure(verdict: Verdict) -> Failure {
    let problem = Problem::new("drawn", "Drawn by the schedule.", UserAction::TryAgain);
    let question = match verdict {
        Verdict::Ask(_) => Some(Question::Password {
            user: "me".into(),
            host: "box".into(),
            was_wrong: false,
        }),
        Verdict::Retry(_) | Verdict::GatewayDown(_) | Verdict::Pause(_) | Verdict::Stop(_) => None,
    };
    Failure {
        question,
        ..Failure::new(verdict, problem)
    }
}

impl Route for AnyRoute {
    type Path = AnyPath;

    fn target(&self) -> String {
        "me@box".into()
    }

    async fn open_path(self: Arc<Self>, _: ProgressReporter) -> Result<AnyPath, Failure> {
        let world = &self.0;
        lock(&world.dialled).push(Instant::now());
        let _opening = Counted::new(world, |w| &w.opening, |w| &w.most_opening);
        tokio::time::sleep(world.moment(Duration::from_secs(3))).await;
        if !world.is_well.load(SeqCst) {
            match world.below(10) {
                // A dial that hangs ends at its limit.
                0 => tokio::time::sleep(Duration::from_secs(5)).await,
                1 => return Err(failure(Verdict::Ask(About::SignIn))),
                2 => return Err(failure(Verdict::Pause(Cause::AuthRefused))),
                3 => return Err(failure(Verdict::Stop(Cause::PortTaken))),
                _ => {}
            }
            if world.below(4) > 0 {
                return Err(failure(Verdict::Retry(Cause::Network)));
            }
        }
        let counted = Counted::new(world, |w| &w.paths, |w| &w.most_paths);
        Ok(AnyPath(Arc::new(counted)))
    }

    fn forget_refusals(&self) {}

    async fn take_answer(&self, _: &Question, _: Answer) -> Result<(), Problem> {
        Ok(())
    }
}

impl Path for AnyPath {
    type Session = Arc<watch::Sender<usize>>;
    type Events = Arc<World>;
    type Event = ();

    fn open_session(
        &self,
        _: ProgressReporter,
    ) -> impl Future<Output = Result<Opened<Self>, Failure>> + Send + 'static {
        let world = Arc::clone(&self.0.0);
        async move {
            tokio::time::sleep(world.moment(Duration::from_secs(2))).await;
            if !world.is_well.load(SeqCst) {
                match world.below(6) {
                    0 | 1 => return Err(failure(Verdict::GatewayDown(Cause::Network))),
                    2 => return Err(failure(Verdict::Retry(Cause::Closed))),
                    3 => return Err(failure(Verdict::Pause(Cause::Token))),
                    _ => {}
                }
            }
            let facts = GatewayFacts {
                version: "2026.9.6".into(),
                protocol: 4,
                credential: CredentialKind::GatewayToken,
                running_since: None,
            };
            Ok(Opened {
                session: Arc::new(watch::Sender::new(0)),
                events: world,
                facts,
            })
        }
    }

    async fn next_event(world: &mut Arc<World>) -> SessionNews<()> {
        world.end_session.notified().await;
        SessionNews::Lost(failure(Verdict::Retry(Cause::Closed)))
    }

    fn owed(session: &Self::Session) -> watch::Receiver<usize> {
        session.subscribe()
    }

    fn heard(&self) -> u64 {
        0
    }

    fn said(&self) -> u64 {
        0
    }

    fn ping(&self) -> impl Future<Output = Option<Duration>> + Send + 'static {
        let world = Arc::clone(&self.0.0);
        async move {
            while !world.answers_pings.load(SeqCst) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Some(Duration::from_millis(20))
        }
    }

    fn lost(&self) -> impl Future<Output = Failure> + Send + 'static {
        let world = Arc::clone(&self.0.0);
        async move {
            world.cut.notified().await;
            failure(Verdict::Retry(Cause::Closed))
        }
    }

    async fn close(self) {
        let polite = self.0.0.moment(Duration::from_millis(500));
        tokio::time::sleep(polite).await;
    }
}

/// One life.
struct Life {
    world: Arc<World>,
    connection: Connection<AnyRoute>,
    is_wanted: bool,
}

impl Life {
    fn phase(&self) -> Phase {
        self.connection.snapshots().borrow().phase
    }

    async fn step(&mut self) {
        let world = Arc::clone(&self.world);
        let session = self.connection.session().borrow().clone();
        let command = match world.below(20) {
            0 | 1 => Some(Command::Connect),
            2 => Some(Command::ReconnectNow),
            3 => Some(Command::Disconnect),
            4 | 5 => Some(Command::Woke),
            6 | 7 => Some(Command::NetworkChanged),
            8 => Some(Command::SetWatched(world.below(2) == 0)),
            9 => Some(Command::Reconfigure(Box::new(AnyRoute(Arc::clone(&world))))),
            10 => {
                world.cut.notify_waiters();
                None
            }
            11 => {
                world.end_session.notify_waiters();
                None
            }
            12 => {
                world.answers_pings.store(world.below(2) == 0, SeqCst);
                None
            }
            13 | 14 => {
                world.is_well.store(world.below(3) > 0, SeqCst);
                None
            }
            15 => {
                if let Some(owed) = session {
                    owed.send_replace(usize::from(world.below(2) == 0));
                }
                None
            }
            16 => {
                self.answer().await;
                None
            }
            _ => None,
        };
        if let Some(command) = command {
            match command {
                Command::Connect | Command::ReconnectNow => self.is_wanted = true,
                Command::Disconnect => self.is_wanted = false,
                Command::Woke
                | Command::NetworkChanged
                | Command::SetWatched(_)
                | Command::Reconfigure(_)
                | Command::ForgetTimeline
                | Command::Answer { .. }
                | Command::Cancel { .. } => {}
            }
            self.connection.command(command).await;
        }
    }

    async fn answer(&self) {
        let asked = self.connection.snapshots().borrow().question.clone();
        let Some(asked) = asked else { return };
        if self.world.below(3) == 0 {
            self.connection
                .command(Command::Cancel { id: asked.id })
                .await;
            return;
        }
        let password = crate::credentials::secret::AccountPassword::new("drawn");
        // It may be gone by now, which is told and harms nobody.
        drop(
            self.connection
                .answer(asked.id, Answer::Password(password))
                .await,
        );
    }

    /// Lets time pass, and judges what happened in it.
    async fn live(&self) {
        let longest = match self.world.below(3) {
            0 => Duration::from_millis(50),
            1 => Duration::from_secs(5),
            _ => Duration::from_secs(120),
        };
        let span = self.world.moment(longest);
        settle().await;
        let (phase, dials) = (self.phase(), self.world.dials());
        let rests = matches!(phase, Phase::Off | Phase::Stopped) || phase.needs_user();
        tokio::time::sleep(span).await;
        settle().await;
        self.judge();
        if rests {
            assert_eq!(self.world.dials(), dials, "dialled while {phase:?}");
        }
        // Whatever waits goes on by itself, within the delays and the limit.
        if phase == Phase::RetryWait && span > LONGEST_WAIT {
            assert!(self.world.dials() > dials, "still waits after {span:?}");
        }
    }

    fn judge(&self) {
        let world = &self.world;
        assert!(world.most_opening.load(SeqCst) <= 1, "two attempts at once");
        assert!(world.most_paths.load(SeqCst) <= 1, "two paths at once");
        let phase = self.phase();
        let has_session = self.connection.session().borrow().is_some();
        let is_up = matches!(phase, Phase::Up | Phase::Suspect);
        assert_eq!(has_session, is_up, "a session while {phase:?}");
        if !is_up && !phase.is_attempting() && phase != Phase::UpGatewayDown {
            // What is being closed politely is the only other thing that may be held.
            assert!(world.paths.load(SeqCst) <= 1);
        }
        let dialled = lock(&world.dialled);
        for from in 0..dialled.len().saturating_sub(12) {
            let span = dialled[from + 12] - dialled[from];
            assert!(span >= Duration::from_secs(60), "13 attempts in {span:?}");
        }
    }

    /// The way is open again: who wants a connection gets it, and who does not stays without.
    async fn comes_to_its_end(mut self) {
        self.world.is_well.store(true, SeqCst);
        self.world.answers_pings.store(true, SeqCst);
        settle().await;
        let phase = self.phase();
        if phase.needs_user() || phase == Phase::Stopped {
            self.connection.command(Command::Connect).await;
            self.is_wanted = true;
        } else if phase != Phase::Off {
            self.is_wanted = true;
        }
        tokio::time::sleep(LONGEST_WAIT + LONGEST_ATTEMPT * 2).await;
        settle().await;
        // An answer that was pending when the world healed may have been the refusal.
        if self.phase().needs_user() || self.phase() == Phase::Stopped {
            self.connection.command(Command::Connect).await;
            tokio::time::sleep(LONGEST_WAIT + LONGEST_ATTEMPT * 2).await;
            settle().await;
        }
        if self.is_wanted {
            assert_eq!(self.phase(), Phase::Up);
        }
        self.connection.command(Command::Disconnect).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        settle().await;
        let dials = self.world.dials();
        for command in [
            Command::Woke,
            Command::NetworkChanged,
            Command::SetWatched(true),
        ] {
            self.connection.command(command).await;
        }
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(self.phase(), Phase::Off);
        assert_eq!(self.world.dials(), dials, "dialled after Disconnect");
        assert_eq!(self.world.paths.load(SeqCst), 0, "a path after Disconnect");
        self.judge();
        self.connection.shut_down().await;
    }
}

/// Lets everything that is ready run; the paused clock moves on only when nothing is.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

async fn live(draw: Source, steps: usize) {
    let world = Arc::new(World::new(draw));
    let connection = Connection::start(AnyRoute(Arc::clone(&world)), RetryPolicy::default());
    let mut life = Life {
        world,
        connection,
        is_wanted: false,
    };
    for _ in 0..steps {
        if lock(&life.world.draw).is_at_its_end() {
            break;
        }
        life.step().await;
        life.live().await;
    }
    life.comes_to_its_end().await;
    let tasks = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(tasks, 0, "tasks are left");
}

/// Lives one life with the clock paused.
fn run(draw: Source, steps: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(live(draw, steps)),
        Err(error) => panic!("no runtime: {error}"),
    }
}

/// Lives the life that these bytes tell.
pub(crate) fn run_bytes(data: &[u8]) {
    run(Source::Bytes(data.iter().copied().collect()), MOST_STEPS);
}

#[cfg(test)]
fn number_from(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn the_rules_hold_in_every_random_life() {
    let first = number_from("SCHEDULE_FIRST", 0);
    let count = number_from("SCHEDULES", SCHEDULES);
    for number in first..first + count {
        let lived = std::panic::catch_unwind(|| {
            run(
                Source::Number(Box::new(StdRng::seed_from_u64(number))),
                STEPS,
            );
        });
        assert!(lived.is_ok(), "life {number} broke a rule");
    }
}
