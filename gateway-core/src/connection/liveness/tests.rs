//! The prober over a scripted path, with the clock paused.

use super::super::route::{Failure, Opened, ProgressReporter, SessionNews};
use super::*;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tokio::time::{advance, sleep, timeout};

#[derive(Default)]
struct World {
    /// How long answers take; `None` for never.
    round_trip: Mutex<Option<Duration>>,
    asked: AtomicUsize,
    heard: AtomicU64,
}

#[derive(Clone)]
struct FakePath(Arc<World>);

impl Path for FakePath {
    type Session = ();
    type Events = ();
    type Event = ();

    fn open_session(
        &self,
        _: ProgressReporter,
    ) -> impl Future<Output = Result<Opened<Self>, Failure>> + Send + 'static {
        std::future::pending()
    }

    async fn next_event((): &mut ()) -> SessionNews<()> {
        std::future::pending().await
    }

    fn owed((): &()) -> watch::Receiver<usize> {
        watch::channel(0).1
    }

    fn heard(&self) -> u64 {
        self.0.heard.load(SeqCst)
    }

    fn said(&self) -> u64 {
        0
    }

    fn ping(&self) -> impl Future<Output = Option<Duration>> + Send + 'static {
        let world = Arc::clone(&self.0);
        async move {
            world.asked.fetch_add(1, SeqCst);
            let began = Instant::now();
            loop {
                let round_trip = *world.round_trip.lock().unwrap();
                match round_trip {
                    Some(time) if began.elapsed() >= time => return Some(began.elapsed()),
                    Some(time) => sleep(time - began.elapsed()).await,
                    None => sleep(Duration::from_millis(10)).await,
                }
            }
        }
    }

    fn lost(&self) -> impl Future<Output = Failure> + Send + 'static {
        std::future::pending()
    }

    async fn close(self) {}
}

impl World {
    fn answers_after(&self, time: Option<Duration>) {
        *self.round_trip.lock().unwrap() = time;
    }

    fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }
}

const ROUND_TRIP: Duration = Duration::from_millis(100);

/// A path that has just answered its first probe.
async fn standing(watched: bool) -> (Arc<World>, Prober<FakePath>) {
    let world = Arc::new(World::default());
    world.answers_after(Some(ROUND_TRIP));
    let mut prober = Prober::new(FakePath(Arc::clone(&world)), watched);
    assert_eq!(prober.next().await, Finding::Answered(ROUND_TRIP));
    (world, prober)
}

#[tokio::test(start_paused = true)]
async fn a_path_that_dies_right_after_an_answer_is_found_dead_within_ten_seconds() {
    let (world, mut prober) = standing(true).await;
    world.answers_after(None);
    let died = Instant::now();

    assert_eq!(prober.next().await, Finding::Overdue);
    assert_eq!(prober.next().await, Finding::Dead);

    assert!(
        died.elapsed() <= Duration::from_secs(10),
        "{:?}",
        died.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stands_still_for_five_seconds_lives_whenever_it_begins() {
    for begins in (0..4_000).step_by(100).map(Duration::from_millis) {
        let (world, mut prober) = standing(true).await;
        let goes_on = Instant::now() + begins + Duration::from_secs(5);
        let found = timeout(begins, prober.next()).await;
        assert!(found.is_err());
        world.answers_after(None);

        let mut finding = timeout(goes_on - Instant::now(), prober.next()).await;
        while finding.is_ok() {
            assert_eq!(finding, Ok(Finding::Overdue));
            finding = timeout(goes_on - Instant::now(), prober.next()).await;
        }
        world.answers_after(Some(ROUND_TRIP));

        assert!(
            matches!(prober.next().await, Finding::Answered(_)),
            "{begins:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_line_is_given_eight_round_trips() {
    let (world, mut prober) = standing(true).await;
    let slow = Duration::from_millis(1_500);
    world.answers_after(Some(slow));
    for _ in 0..20 {
        assert_eq!(prober.next().await, Finding::Answered(slow));
    }

    world.answers_after(Some(Duration::from_secs(9)));
    assert_eq!(
        prober.next().await,
        Finding::Answered(Duration::from_secs(9))
    );
}

/// How long a path is given whose answers are missing and which brings so many bytes a second.
async fn given_while_bringing(bytes: u64) -> u64 {
    let (world, mut prober) = standing(true).await;
    world.answers_after(None);
    let talks = Arc::clone(&world);
    drop(tokio::spawn(async move {
        loop {
            talks.heard.fetch_add(bytes, SeqCst);
            sleep(Duration::from_secs(1)).await;
        }
    }));
    let began = Instant::now();

    assert_eq!(prober.next().await, Finding::Overdue);
    assert_eq!(prober.next().await, Finding::Dead);

    began.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_suspect_path_that_still_brings_much_is_busy_for_a_minute_and_then_dead() {
    let lasted = given_while_bringing(8_000).await;

    assert!((60..75).contains(&lasted), "{lasted} s");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_says_a_word_now_and_then_is_dead_all_the_same() {
    let lasted = given_while_bringing(300).await;

    assert!(lasted < 10, "{lasted} s");
}

#[tokio::test(start_paused = true)]
async fn a_program_that_stood_still_gives_the_server_its_time_all_the_same() {
    let (world, mut prober) = standing(true).await;
    world.answers_after(None);
    assert_eq!(prober.next().await, Finding::Overdue);

    // As after SIGSTOP: every timer is over at once.
    advance(Duration::from_secs(90)).await;
    let kept = timeout(Duration::from_secs(1), prober.next()).await;
    assert!(kept.is_err());
    world.answers_after(Some(ROUND_TRIP));

    assert!(matches!(prober.next().await, Finding::Answered(_)));
}

#[tokio::test(start_paused = true)]
async fn hints_again_and_again_do_not_put_off_the_end_of_a_silent_path() {
    let (world, mut prober) = standing(false).await;
    world.answers_after(None);
    let began = Instant::now();
    loop {
        prober.probe_now();
        match timeout(Duration::from_millis(300), prober.next()).await {
            Ok(Finding::Dead) => break,
            Ok(Finding::Overdue) | Err(_) => {}
            Ok(Finding::Answered(_)) => panic!("nobody answers"),
        }
    }

    assert!(
        began.elapsed() <= Duration::from_millis(2_400),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_owed_has_the_path_watched_until_it_has_come() {
    let (world, mut prober) = standing(false).await;
    prober.set_awaited(true);
    let found = timeout(Duration::from_secs(60), async {
        loop {
            prober.next().await;
        }
    });
    assert!(found.await.is_err());
    let asked = world.asked();
    assert!((12..=16).contains(&asked), "{asked} probes in a minute");

    prober.set_awaited(false);
    let idle = timeout(Duration::from_secs(3_600), async {
        loop {
            prober.next().await;
        }
    });
    assert!(idle.await.is_err());
    assert!(world.asked() <= asked + 1);
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_answered_quickly_cost_no_probe() {
    let (world, mut prober) = standing(false).await;
    for _ in 0..100 {
        prober.set_awaited(true);
        assert!(
            timeout(Duration::from_millis(900), prober.next())
                .await
                .is_err()
        );
        prober.set_awaited(false);
        assert!(
            timeout(Duration::from_millis(100), prober.next())
                .await
                .is_err()
        );
    }

    assert_eq!(world.asked(), 1);
}
