//! What is written down of a connection, and the figures beside it.

use super::super::super::timeline::{Event, Stage, Then, Why};
use super::*;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(piece)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Rig {
    fn history(&self) -> Vec<Event> {
        let timeline = self.connection.timeline();
        timeline.borrow().events().cloned().collect()
    }

    fn happened(&self) -> Vec<Happening> {
        self.history().into_iter().map(|event| event.what).collect()
    }
}

fn began(attempt: u32, why: Why, keeps_path: bool) -> Happening {
    Happening::AttemptBegan {
        attempt,
        why,
        keeps_path,
    }
}

const OPENED: Happening = Happening::ListenerOpened {
    port: 18_789,
    instead_of: None,
};
const REACHED: Happening = Happening::StagePassed {
    stage: Stage::Reached,
    hop: 0,
};

#[tokio::test(start_paused = true)]
async fn an_attempt_is_told_from_its_reason_to_what_follows_it() {
    let failed = PathScript::Fails(network_failure());
    let mut rig = Rig::new(vec![failed, PathScript::Opens], vec![]);
    *rig.world.reaching.lock().unwrap() = Duration::from_millis(30);
    rig.connection.command(Command::Connect).await;
    rig.reaches(Phase::Up).await;

    let history = rig.history();
    let what: Vec<Happening> = history.iter().map(|event| event.what).collect();

    let Happening::AttemptFailed { next_in_ms, .. } = what[3] else {
        panic!("{what:?}");
    };
    let next_in_ms = next_in_ms.unwrap();
    assert!((500..=1_000).contains(&next_in_ms), "{next_in_ms}");
    let failed = Happening::AttemptFailed {
        attempt: 1,
        during: Phase::Connecting,
        then: Then::Retry,
        code: "unreachable",
        next_in_ms: Some(next_in_ms),
    };
    let expected = [
        began(1, Why::Start, false),
        OPENED,
        REACHED,
        failed,
        began(2, Why::Retry, false),
        REACHED,
        Happening::Connected { attempt: 2 },
    ];
    assert_eq!(what, expected);
    let numbers: Vec<u64> = history.iter().map(|event| event.number).collect();
    assert_eq!(numbers, (1..=7).collect::<Vec<u64>>());
    let took: Vec<Option<f64>> = history.iter().map(|event| event.took_ms).collect();
    assert_eq!(took[2], Some(30.0), "{took:?}");
    assert_eq!((took[3], took[6]), (Some(30.0), Some(30.0)), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn each_record_in_the_log_says_which_attempt_it_is_of_and_why_that_was_begun() {
    // As long as there is one subscriber only, tracing asks the thread that meets a record first whether
    // anybody wants it; other tests' threads have none.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let failed = PathScript::Fails(network_failure());
    let mut rig = Rig::new(vec![failed, PathScript::Opens], vec![]);
    rig.connection.command(Command::Connect).await;
    rig.reaches(Phase::Up).await;

    let log = log.text();

    for (attempt, happened) in [
        (
            "attempt{number=1 why=Start keeps_path=false}",
            "AttemptBegan",
        ),
        (
            "attempt{number=1 why=Start keeps_path=false}",
            "StagePassed",
        ),
        (
            "attempt{number=1 why=Start keeps_path=false}",
            "AttemptFailed",
        ),
        (
            "attempt{number=2 why=Retry keeps_path=false}",
            "AttemptBegan",
        ),
        (
            "attempt{number=2 why=Retry keeps_path=false}",
            "StagePassed",
        ),
    ] {
        let is_there = log
            .lines()
            .any(|line| line.contains(attempt) && line.contains(happened));
        assert!(is_there, "{attempt} {happened} in\n{log}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_path_and_the_way_back_are_told_with_how_long_it_had_stood() {
    let mut rig = Rig::connected().await;
    let before = rig.history().len();
    tokio::time::sleep(Duration::from_secs(30)).await;
    rig.world.cut.notify_one();
    rig.reaches(Phase::RetryWait).await;
    let up = rig.reaches(Phase::Up).await;

    let history = rig.history().split_off(before);
    let what: Vec<Happening> = history.iter().map(|event| event.what).collect();

    let expected = [
        Happening::PathLost {
            code: "unreachable",
        },
        began(1, Why::Retry, false),
        REACHED,
        Happening::Connected { attempt: 1 },
    ];
    assert_eq!(what, expected);
    assert_eq!(history[0].took_ms, Some(30_000.0));
    assert_eq!((up.figures.attempts, up.figures.reconnects), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn why_an_attempt_was_begun_is_who_cut_the_wait_short() {
    for (command, happened, why) in [
        (Command::Woke, Some(Happening::Woke), Why::Woke),
        (
            Command::NetworkChanged,
            Some(Happening::NetworkChanged),
            Why::NetworkChanged,
        ),
        (Command::ReconnectNow, None, Why::Asked),
    ] {
        let mut rig = Rig::new(vec![PathScript::Fails(network_failure()); 6], vec![]);
        rig.connection.command(Command::Connect).await;
        for _ in 0..6 {
            rig.reaches(Phase::RetryWait).await;
        }
        let before = rig.history().len();

        rig.connection.command(command).await;
        rig.reaches(Phase::Up).await;

        let what = rig.happened().split_off(before);
        let expected: Vec<Happening> = happened.into_iter().chain([began(7, why, false)]).collect();
        assert_eq!(what[..expected.len()], expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wake_that_finds_the_path_alive_is_no_reason_for_a_later_attempt() {
    let mut rig = Rig::connected().await;
    let before = rig.history().len();
    rig.connection.command(Command::Woke).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    rig.world.cut.notify_one();
    rig.reaches(Phase::RetryWait).await;
    rig.reaches(Phase::Up).await;

    let what = rig.happened().split_off(before);

    let expected = [
        Happening::Woke,
        Happening::ProbeSent,
        Happening::ProbeAnswered,
        Happening::PathLost {
            code: "unreachable",
        },
        began(1, Why::Retry, false),
    ];
    assert_eq!(what[..5], expected);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_down_is_asked_again_in_attempts_that_keep_the_path() {
    let down = failing(Verdict::GatewayDown(Cause::Network));
    let mut rig = Rig::new(vec![], vec![SessionScript::Fails(down)]);
    rig.connection.command(Command::Connect).await;
    rig.reaches(Phase::Up).await;

    let what = rig.happened();

    let failed = Happening::AttemptFailed {
        attempt: 1,
        during: Phase::Forwarding,
        then: Then::AskGatewayAgain,
        code: "unreachable",
        next_in_ms: Some(5_000),
    };
    let expected = [
        failed,
        began(2, Why::Retry, true),
        Happening::Connected { attempt: 2 },
    ];
    assert_eq!(what[3..], expected);
}

#[tokio::test(start_paused = true)]
async fn a_question_is_told_by_its_kind_and_never_with_its_answer() {
    let question = Question::Password {
        user: "canary".into(),
        host: "canary".into(),
        was_wrong: false,
    };
    let asks = Failure {
        question: Some(question),
        ..failing(Verdict::Ask(About::SignIn))
    };
    let mut rig = Rig::new(vec![PathScript::Fails(asks)], vec![]);
    rig.connection.command(Command::Connect).await;
    let id = rig.reaches(Phase::AuthPrompt).await.question.unwrap().id;
    tokio::time::sleep(Duration::from_secs(7)).await;
    let password = crate::credentials::secret::AccountPassword::new("canary");
    rig.connection
        .answer(id, Answer::Password(password))
        .await
        .unwrap();
    rig.reaches(Phase::Up).await;

    let history = rig.history();

    let question = QuestionKind::Password;
    let answered = history
        .iter()
        .position(|event| event.what == Happening::Answered { question })
        .unwrap();
    assert_eq!(history[answered].took_ms, Some(7_000.0));
    assert_eq!(
        history[answered - 1].what,
        Happening::Asked { question },
        "{history:?}"
    );
    assert_eq!(history[answered + 1].what, began(1, Why::Answered, false));
    assert!(!serde_json::to_string(&history).unwrap().contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_not_wanted_any_more_is_told_as_given_up() {
    let mut rig = Rig::new(vec![PathScript::Hangs], vec![]);
    rig.connection.command(Command::Connect).await;
    rig.reaches(Phase::Connecting).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    rig.connection.command(Command::Disconnect).await;
    rig.reaches(Phase::Off).await;

    let history = rig.history();

    let last: Vec<&Event> = history.iter().rev().take(2).collect();
    assert_eq!(last[0].what, Happening::Disconnected);
    let given_up = Happening::AttemptGivenUp {
        attempt: 1,
        during: Phase::Connecting,
    };
    assert_eq!((last[1].what, last[1].took_ms), (given_up, Some(2_000.0)));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_connection_is_its_last_line() {
    let mut rig = Rig::connected().await;
    rig.world.heard.store(9_000, SeqCst);
    tokio::time::sleep(Duration::from_secs(5)).await;
    rig.world.cut.notify_one();
    rig.reaches(Phase::RetryWait).await;
    let up = rig.reaches(Phase::Up).await;
    let (timeline, snapshots) = (rig.connection.timeline(), rig.connection.snapshots());

    rig.connection.shut_down().await;

    let events: Vec<Event> = timeline.borrow().events().cloned().collect();
    let last: Vec<Happening> = events
        .iter()
        .rev()
        .take(2)
        .map(|event| event.what)
        .collect();
    let closed = Happening::ListenerClosed { port: 18_789 };
    assert_eq!(last, [closed, Happening::Disconnected]);
    // The fake's counter goes on over its paths: what the first one carried stays in the sum.
    assert_eq!(up.figures.bytes_in, 9_000);
    assert_eq!(up.figures.bytes_in_total, 18_000);
    let figures = snapshots.borrow().figures;
    assert_eq!((figures.bytes_in, figures.bytes_in_total), (0, 18_000));
    assert_eq!(figures.bytes_out_total, 9_000);
}

#[tokio::test(start_paused = true)]
async fn round_trips_are_summed_up_while_somebody_watches() {
    let rig = Rig::connected().await;
    rig.connection.command(Command::SetWatched(true)).await;
    tokio::time::sleep(Duration::from_secs(60)).await;

    let figures = rig.connection.snapshots().borrow().figures;

    assert_eq!(figures.ping_min_ms, Some(20.0));
    assert_eq!(figures.ping_median_ms, Some(20.0));
}

#[tokio::test(start_paused = true)]
async fn an_unsteady_night_keeps_two_hundred_events() {
    let mut rig = Rig::new(vec![PathScript::Fails(network_failure()); 100], vec![]);
    rig.connection.command(Command::Connect).await;
    for _ in 0..100 {
        rig.reaches(Phase::RetryWait).await;
    }

    let history = rig.history();

    assert_eq!(history.len(), 200);
    assert_eq!(history[199].number - history[0].number, 199);
}
