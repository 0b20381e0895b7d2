//! The supervisor over a scripted route, with the clock paused.

use super::super::backoff::RetryPolicy;
use super::super::phase::Phase;
use super::super::question::Answer;
use super::super::route::{CredentialKind, GatewayFacts, LocalPort};
use super::super::state::{About, Step};
use super::super::timeline::Stage;
use super::super::{Connection, GatewayEvent};
use super::*;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tokio::sync::Notify;

/// What one attempt to open a path does.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a test has a handful of them")]
enum PathScript {
    Opens,
    Fails(Failure),
    Hangs,
}

/// What one attempt to open a session does.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a test has a handful of them")]
enum SessionScript {
    Opens,
    Fails(Failure),
}

#[derive(Default)]
struct World {
    paths: Mutex<VecDeque<PathScript>>,
    sessions: Mutex<VecDeque<SessionScript>>,
    dialled: Mutex<Vec<Instant>>,
    /// How long it takes to reach the server.
    reaching: Mutex<Duration>,
    logins: AtomicUsize,
    living_paths: AtomicUsize,
    most_living_paths: AtomicUsize,
    cut: Notify,
    heard: std::sync::atomic::AtomicU64,
    answers_pings: std::sync::atomic::AtomicBool,
    events: Mutex<Option<mpsc::Sender<SessionNews<u32>>>>,
    answers: Mutex<Vec<String>>,
}

#[derive(Clone)]
struct FakeRoute(Arc<World>);

struct Alive(Arc<World>);

impl Alive {
    fn new(world: Arc<World>) -> Self {
        let now = world.living_paths.fetch_add(1, SeqCst) + 1;
        world.most_living_paths.fetch_max(now, SeqCst);
        Self(world)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.living_paths.fetch_sub(1, SeqCst);
    }
}

#[derive(Clone)]
struct FakePath(Arc<Alive>);

impl FakePath {
    fn world(&self) -> Arc<World> {
        Arc::clone(&self.0.0)
    }
}

fn network_failure() -> Failure {
    let problem = Problem::new(
        "unreachable",
        "No answer from the server.",
        UserAction::TryAgain,
    );
    Failure::new(Verdict::Retry(Cause::Network), problem)
}

fn failing(verdict: Verdict) -> Failure {
    Failure {
        verdict,
        ..network_failure()
    }
}

impl Route for FakeRoute {
    type Path = FakePath;

    fn target(&self) -> String {
        "me@box".into()
    }

    async fn open_path(self: Arc<Self>, progress: ProgressReporter) -> Result<FakePath, Failure> {
        self.0.dialled.lock().unwrap().push(Instant::now());
        progress.report(Progress::Reached(Step::Connecting));
        progress.report(Progress::Listening(LocalPort {
            port: 18_789,
            wanted: None,
            holder: None,
            beside: Vec::new(),
        }));
        let reaching = *self.0.reaching.lock().unwrap();
        if !reaching.is_zero() {
            tokio::time::sleep(reaching).await;
        }
        progress.passed(Stage::Reached, 0);
        let script = self.0.paths.lock().unwrap().pop_front();
        match script.unwrap_or(PathScript::Opens) {
            PathScript::Opens => {
                self.0.logins.fetch_add(1, SeqCst);
                Ok(FakePath(Arc::new(Alive::new(Arc::clone(&self.0)))))
            }
            PathScript::Fails(failure) => Err(failure),
            PathScript::Hangs => std::future::pending().await,
        }
    }

    fn forget_refusals(&self) {}

    async fn take_answer(&self, _: &Question, answer: Answer) -> Result<(), Problem> {
        self.0.answers.lock().unwrap().push(format!("{answer:?}"));
        Ok(())
    }
}

impl Path for FakePath {
    type Session = Arc<watch::Sender<usize>>;
    type Events = mpsc::Receiver<SessionNews<u32>>;
    type Event = u32;

    fn open_session(
        &self,
        _: ProgressReporter,
    ) -> impl Future<Output = Result<Opened<Self>, Failure>> + Send + 'static {
        let world = self.world();
        async move {
            let script = world.sessions.lock().unwrap().pop_front();
            match script.unwrap_or(SessionScript::Opens) {
                SessionScript::Opens => {
                    let (sender, events) = mpsc::channel(4);
                    *world.events.lock().unwrap() = Some(sender);
                    let facts = GatewayFacts {
                        version: "2026.9.6".into(),
                        protocol: 4,
                        credential: CredentialKind::GatewayToken,
                        running_since: None,
                    };
                    Ok(Opened {
                        session: Arc::new(watch::Sender::new(0)),
                        events,
                        facts,
                    })
                }
                SessionScript::Fails(failure) => Err(failure),
            }
        }
    }

    async fn next_event(events: &mut Self::Events) -> SessionNews<u32> {
        events
            .recv()
            .await
            .unwrap_or(SessionNews::Lost(network_failure()))
    }

    fn owed(session: &Arc<watch::Sender<usize>>) -> watch::Receiver<usize> {
        session.subscribe()
    }

    fn heard(&self) -> u64 {
        self.world().heard.load(SeqCst)
    }

    fn said(&self) -> u64 {
        self.heard() / 2
    }

    fn ping(&self) -> impl Future<Output = Option<Duration>> + Send + 'static {
        let world = self.world();
        async move {
            if world.answers_pings.load(SeqCst) {
                Some(Duration::from_millis(20))
            } else {
                std::future::pending().await
            }
        }
    }

    fn lost(&self) -> impl Future<Output = Failure> + Send + 'static {
        // Only weakly held: waiting for the end of a path must not keep it alive.
        let world = self.world();
        async move {
            world.cut.notified().await;
            failing(Verdict::Retry(Cause::Closed))
        }
    }

    async fn close(self) {}
}

struct Rig {
    world: Arc<World>,
    connection: Connection<FakeRoute>,
    transitions: broadcast::Receiver<Snapshot>,
}

impl Rig {
    fn new(paths: Vec<PathScript>, sessions: Vec<SessionScript>) -> Self {
        let world = Arc::new(World {
            paths: Mutex::new(paths.into()),
            sessions: Mutex::new(sessions.into()),
            answers_pings: true.into(),
            ..World::default()
        });
        let route = FakeRoute(Arc::clone(&world));
        let connection = Connection::start(route, RetryPolicy::default());
        let transitions = connection.transitions();
        Self {
            world,
            connection,
            transitions,
        }
    }

    async fn connected() -> Self {
        let mut rig = Self::new(vec![], vec![]);
        rig.connection.command(Command::Connect).await;
        rig.reaches(Phase::Up).await;
        rig
    }

    /// Follows the transitions from where it last looked until one reaches `phase`.
    async fn reaches(&mut self, phase: Phase) -> Snapshot {
        let limit = Duration::from_secs(600);
        timeout(limit, async {
            loop {
                let snapshot = self.transitions.recv().await.unwrap();
                if snapshot.phase == phase {
                    return snapshot;
                }
            }
        })
        .await
        .unwrap_or_else(|_| panic!("never {phase:?}"))
    }

    fn dials(&self) -> usize {
        self.world.dialled.lock().unwrap().len()
    }

    fn logins(&self) -> usize {
        self.world.logins.load(SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_connection_shows_its_port_and_gateway() {
    let rig = Rig::connected().await;
    let snapshot = rig.connection.snapshots().borrow().clone();

    assert_eq!(snapshot.local_port.unwrap().port, 18_789);
    assert_eq!(snapshot.gateway.unwrap().version, "2026.9.6");
    assert!(rig.connection.session().borrow().is_some());
    assert_eq!(snapshot.problem, None);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_reached_is_tried_again_with_growing_delays() {
    let mut rig = Rig::new(vec![PathScript::Fails(network_failure()); 4], vec![]);
    rig.connection.command(Command::Connect).await;
    rig.reaches(Phase::Up).await;

    let dialled = rig.world.dialled.lock().unwrap().clone();
    let gaps: Vec<_> = dialled.windows(2).map(|pair| pair[1] - pair[0]).collect();

    assert_eq!(gaps.len(), 4);
    for (gap, ceiling) in gaps.into_iter().zip([1, 2, 4, 8]) {
        let ceiling = Duration::from_secs(ceiling);
        assert!(
            gap >= ceiling / 2 && gap <= ceiling + Duration::from_millis(5),
            "{gap:?} of {ceiling:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn while_a_person_is_asked_nothing_is_dialled_and_nothing_is_held() {
    let question = Question::Password {
        user: "me".into(),
        host: "box".into(),
        was_wrong: false,
    };
    let asks = Failure {
        question: Some(question),
        ..failing(Verdict::Ask(About::SignIn))
    };
    let mut rig = Rig::new(vec![PathScript::Fails(asks)], vec![]);
    rig.connection.command(Command::Connect).await;
    let snapshot = rig.reaches(Phase::AuthPrompt).await;

    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(rig.dials(), 1);
    assert_eq!(rig.world.living_paths.load(SeqCst), 0);

    let id = snapshot.question.unwrap().id;
    let stale = rig.connection.answer(id + 1, Answer::Trust).await;
    assert_eq!(stale.unwrap_err().code, "questionGone");
    let password = crate::credentials::secret::AccountPassword::new("canary");
    rig.connection
        .answer(id, Answer::Password(password))
        .await
        .unwrap();
    rig.reaches(Phase::Up).await;
    assert_eq!(rig.dials(), 2);
    assert!(!rig.world.answers.lock().unwrap()[0].contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_sign_in_is_never_repeated_by_itself() {
    let refused = failing(Verdict::Pause(Cause::AuthRefused));
    let mut rig = Rig::new(vec![PathScript::Fails(refused); 2], vec![]);
    rig.connection.command(Command::Connect).await;
    let snapshot = rig.reaches(Phase::Paused).await;
    assert_eq!(snapshot.cause, Some(Cause::AuthRefused));

    rig.connection.command(Command::Woke).await;
    rig.connection.command(Command::NetworkChanged).await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;

    assert_eq!(rig.dials(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_comes_back_needs_no_new_sign_in() {
    let down = failing(Verdict::GatewayDown(Cause::Network));
    let mut rig = Rig::new(vec![], vec![SessionScript::Fails(down); 5]);
    rig.connection.command(Command::Connect).await;
    rig.reaches(Phase::UpGatewayDown).await;
    rig.reaches(Phase::Up).await;

    assert_eq!(rig.logins(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_path_is_opened_again_and_never_twice() {
    let mut rig = Rig::connected().await;
    let mut events = rig.connection.events();
    tokio::time::sleep(Duration::from_secs(30)).await;

    let cut_at = Instant::now();
    rig.world.cut.notify_one();
    rig.reaches(Phase::RetryWait).await;
    rig.reaches(Phase::Up).await;

    assert!(
        cut_at.elapsed() < Duration::from_millis(100),
        "{:?}",
        cut_at.elapsed()
    );
    assert_eq!(rig.world.most_living_paths.load(SeqCst), 1);
    assert!(matches!(
        events.recv().await.unwrap(),
        GatewayEvent::SessionDown
    ));
    assert!(matches!(
        events.recv().await.unwrap(),
        GatewayEvent::SessionUp
    ));
}

#[tokio::test(start_paused = true)]
async fn a_dead_path_is_suspect_first_and_noticed_within_ten_seconds_while_watched() {
    let mut rig = Rig::connected().await;
    rig.connection.command(Command::SetWatched(true)).await;
    tokio::time::sleep(Duration::from_secs(60)).await;

    let died_at = Instant::now();
    rig.world.answers_pings.store(false, SeqCst);
    rig.reaches(Phase::Suspect).await;
    assert_eq!(
        rig.world.living_paths.load(SeqCst),
        1,
        "nothing is torn down yet"
    );
    rig.reaches(Phase::RetryWait).await;

    assert!(
        died_at.elapsed() <= Duration::from_secs(10),
        "{:?}",
        died_at.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_path_is_noticed_within_ten_seconds_while_an_answer_is_owed() {
    let mut rig = Rig::connected().await;
    let session = rig.connection.session().borrow().clone().unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;

    session.send_replace(1);
    let died_at = Instant::now();
    rig.world.answers_pings.store(false, SeqCst);
    rig.reaches(Phase::RetryWait).await;

    assert!(
        died_at.elapsed() <= Duration::from_secs(10),
        "{:?}",
        died_at.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_path_that_survived_a_sleep_is_kept_and_a_dead_one_rebuilt_within_five_seconds() {
    let mut rig = Rig::connected().await;
    for _ in 0..20 {
        rig.connection.command(Command::Woke).await;
        rig.connection.command(Command::NetworkChanged).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    assert_eq!(rig.logins(), 1, "a path that lives is not torn down");

    rig.world.answers_pings.store(false, SeqCst);
    rig.connection.command(Command::Woke).await;
    let woke = Instant::now();
    rig.reaches(Phase::RetryWait).await;
    rig.world.answers_pings.store(true, SeqCst);
    rig.reaches(Phase::Up).await;

    let took = woke.elapsed();
    assert!(took <= Duration::from_secs(5), "{took:?}");
    assert_eq!(rig.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_network_that_comes_back_in_steps_is_tried_within_three_seconds_of_the_last() {
    let mut rig = Rig::new(vec![PathScript::Fails(network_failure()); 9], vec![]);
    rig.connection.command(Command::Connect).await;
    for _ in 0..5 {
        rig.reaches(Phase::RetryWait).await;
    }
    // The link comes back, and with it a shortcut that is in vain; the route a moment later.
    rig.connection.command(Command::NetworkChanged).await;
    rig.reaches(Phase::RetryWait).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    rig.world.paths.lock().unwrap().clear();
    rig.connection.command(Command::NetworkChanged).await;
    let back = Instant::now();

    rig.reaches(Phase::Up).await;

    let took = back.elapsed();
    assert!(took <= Duration::from_secs(3), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unwatched_connection_is_not_probed() {
    let rig = Rig::connected().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    rig.world.answers_pings.store(false, SeqCst);

    tokio::time::sleep(Duration::from_secs(3_600)).await;

    assert_eq!(rig.connection.snapshots().borrow().phase, Phase::Up);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_right_after_hello_is_not_reopened_in_a_tight_loop() {
    let mut rig = Rig::connected().await;

    let lost = rig.world.events.lock().unwrap().take();
    drop(lost);
    rig.reaches(Phase::UpGatewayDown).await;
    rig.reaches(Phase::Up).await;

    assert_eq!(rig.logins(), 1);
}

#[tokio::test(start_paused = true)]
async fn disconnect_wins_over_whatever_runs() {
    let mut rig = Rig::new(vec![PathScript::Hangs], vec![]);
    rig.connection.command(Command::Connect).await;
    rig.reaches(Phase::Connecting).await;

    rig.connection.command(Command::Disconnect).await;
    rig.reaches(Phase::Off).await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;

    assert_eq!(rig.dials(), 1);
    assert_eq!(rig.world.living_paths.load(SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn thirty_impatient_clicks_keep_within_twelve_attempts_a_minute() {
    let rig = Rig::new(vec![PathScript::Fails(network_failure()); 60], vec![]);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(59) {
        rig.connection.command(Command::ReconnectNow).await;
        rig.connection.command(Command::Disconnect).await;
        rig.connection.command(Command::Connect).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }

    let dialled = rig.world.dialled.lock().unwrap();
    let times: Vec<_> = dialled.iter().map(|at| *at - start).collect();
    assert!(times.len() <= 12, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn new_settings_close_the_old_path_before_the_new_one_opens() {
    let mut rig = Rig::connected().await;

    let route = FakeRoute(Arc::clone(&rig.world));
    rig.connection
        .command(Command::Reconfigure(Box::new(route)))
        .await;
    rig.reaches(Phase::Resolving).await;
    rig.reaches(Phase::Up).await;

    assert_eq!(rig.logins(), 2);
    assert_eq!(rig.world.most_living_paths.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_releases_everything() {
    let rig = Rig::connected().await;
    let world = Arc::clone(&rig.world);

    rig.connection.shut_down().await;

    assert_eq!(world.living_paths.load(SeqCst), 0);
}

#[path = "tests/history.rs"]
mod history;
