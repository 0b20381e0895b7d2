//! What must hold of any life of the machine, under a supervisor that obeys it and keeps to the retry
//! rules. Every byte of the input is something that happens; some take what they need from the next.

use super::super::backoff::{RetryGovernor, RetryPolicy};
use super::*;
use std::time::Duration;
use tokio::time::Instant;

const CAUSES: [Cause; 4] = [
    Cause::Network,
    Cause::Closed,
    Cause::Token,
    Cause::PortTaken,
];
const STEPS: [Step; 5] = [
    Step::Resolving,
    Step::Connecting,
    Step::Authenticating,
    Step::Forwarding,
    Step::GatewayCheck,
];

pub(crate) fn run(data: &[u8]) {
    let mut life = Life::new();
    let mut bytes = data.iter().copied();
    while let Some(byte) = bytes.next() {
        let mut next = || bytes.next().unwrap_or(0);
        match byte % 16 {
            0 => life.asked_by_a_person(Input::Connect),
            1 => life.asked_by_a_person(Input::ReconnectNow),
            2 => life.is_told(Input::Disconnect),
            3 => life.asked_by_a_person(Input::Reconfigured),
            4 => life.nudged(),
            5 => life.asked_by_a_person(Input::Answered),
            6 => life.is_told(Input::Cancelled),
            7 | 8 => {
                let length = u64::from(next()) * u64::from(next());
                life.passes(Duration::from_millis(length));
            }
            9 => {
                // News of something that was given up long ago.
                let old = Generation(u64::from(next()));
                if old != life.machine.generation() {
                    let before = life.machine.state();
                    let news = news_of(next(), next());
                    assert_eq!(life.machine.on(Input::News(old, news)), Action::Nothing);
                    assert_eq!(life.machine.state(), before);
                }
            }
            _ => life.hears(news_of(next(), next())),
        }
        life.is_consistent();
    }
    life.comes_to_its_end();
}

fn cause(byte: u8) -> Cause {
    CAUSES[usize::from(byte) % CAUSES.len()]
}

fn verdict(byte: u8) -> Verdict {
    match byte % 8 {
        0 | 1 => Verdict::Retry(cause(byte >> 3)),
        2 | 3 => Verdict::GatewayDown(cause(byte >> 3)),
        4 => Verdict::Ask(About::HostKey),
        5 => Verdict::Ask([About::Certificate, About::SignIn][usize::from(byte >> 3) % 2]),
        6 => Verdict::Pause(cause(byte >> 3)),
        _ => Verdict::Stop(cause(byte >> 3)),
    }
}

fn news_of(kind: u8, about: u8) -> News {
    match kind % 10 {
        0 => News::Reached(STEPS[usize::from(about) % STEPS.len()]),
        1 | 2 => News::PathOpened,
        3 | 4 => News::SessionOpened,
        5 => News::Failed(verdict(about)),
        6 => News::SessionLost(verdict(about)),
        7 => News::PathLost(cause(about)),
        8 if about.is_multiple_of(2) => News::ProbeOverdue,
        8 => News::ProbeAnswered,
        _ => News::Closed,
    }
}

/// What a supervisor that obeys holds and runs.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Held {
    path: bool,
    opening_path: bool,
    opening_session: bool,
    timer: Option<Instant>,
    closing: bool,
}

struct Life {
    machine: Machine,
    held: Held,
    governor: RetryGovernor,
    now: Instant,
    /// When attempts to reach the server start.
    starts: Vec<Instant>,
}

impl Life {
    fn new() -> Self {
        Self {
            machine: Machine::default(),
            held: Held::default(),
            governor: RetryGovernor::new(RetryPolicy::default()),
            now: Instant::now(),
            starts: Vec::new(),
        }
    }

    fn asked_by_a_person(&mut self, input: Input) {
        if input == Input::Reconfigured {
            self.governor.start_over();
        }
        self.is_told(input);
    }

    /// A shortcut comes at once or when it may.
    fn nudged(&mut self) {
        let Some(due) = self.held.timer else {
            self.is_told(Input::Nudged);
            return;
        };
        let wait = self.governor.shortcut(self.now);
        if wait.is_zero() {
            self.is_told(Input::Nudged);
        } else if self.now + wait < due {
            self.held.timer = Some(self.now + wait);
        }
    }

    fn passes(&mut self, length: Duration) {
        self.now += length;
        if self.held.timer.is_some_and(|due| due <= self.now) {
            self.hears(News::WaitOver);
        }
    }

    /// Hears what the work that runs can report, and nothing else.
    fn hears(&mut self, news: News) {
        let can_be = match news {
            News::PathOpened => self.held.opening_path && self.has_started(),
            News::SessionOpened => self.held.opening_session,
            News::Failed(_) => {
                (self.held.opening_path && self.has_started()) || self.held.opening_session
            }
            News::Closed => self.held.closing,
            News::WaitOver => self.held.timer.is_some_and(|due| due <= self.now),
            News::Reached(_)
            | News::SessionLost(_)
            | News::PathLost(_)
            | News::ProbeOverdue
            | News::ProbeAnswered => true,
        };
        if !can_be {
            return;
        }
        self.held.closing &= news != News::Closed;
        self.held.opening_session &= news != News::SessionOpened;
        self.is_told(Input::News(self.machine.generation(), news));
    }

    /// An attempt may have to wait for the limit before it starts.
    fn has_started(&self) -> bool {
        self.starts.last().is_some_and(|start| *start <= self.now)
    }

    fn is_told(&mut self, input: Input) {
        let before = self.machine.state();
        let action = self.machine.on(input);
        self.obey(action);
        let dials = action == Action::OpenPath;
        let by_a_person = matches!(
            input,
            Input::Connect | Input::ReconnectNow | Input::Answered | Input::Reconfigured
        );
        // A question, a pause and Off end by a person's hand alone.
        if dials {
            match before {
                State::Asking { .. } | State::Paused(_) | State::Stopped(_) => {
                    assert!(by_a_person, "{input:?} dialled in {before:?}");
                }
                State::Off => assert!(
                    matches!(input, Input::Connect | Input::ReconnectNow),
                    "{input:?} dialled in {before:?}"
                ),
                State::OpeningPath { .. }
                | State::OpeningSession { .. }
                | State::Up { .. }
                | State::GatewayDown { .. }
                | State::Waiting { .. }
                | State::Closing(_) => {}
            }
        }
        if input == Input::Disconnect {
            let ends = matches!(
                self.machine.state(),
                State::Off | State::Closing(After::Off)
            );
            assert!(ends, "{:?} after Disconnect", self.machine.state());
        }
    }

    fn obey(&mut self, action: Action) {
        match action {
            Action::Nothing => {}
            Action::OpenPath => {
                assert!(
                    !self.held.path && !self.held.closing,
                    "a second path: {:?}",
                    self.held
                );
                let wait = self.governor.until_allowed(self.now);
                self.governor.attempt_started(self.now + wait);
                // One that was still to start has been given up.
                self.starts.retain(|start| *start <= self.now);
                self.starts.push(self.now + wait);
                self.held = Held {
                    opening_path: true,
                    ..Held::default()
                };
            }
            Action::OpenSession => {
                self.held.path |= self.held.opening_path;
                assert!(self.held.path, "a session without a path");
                assert!(!self.held.opening_session, "a second session");
                self.held.opening_path = false;
                self.held.timer = None;
                self.held.opening_session = true;
            }
            Action::WaitToRetry { attempt } => {
                assert!(attempt > 0);
                let wait = self.governor.after_failure(self.now, 0.5);
                self.wait(wait);
                self.held = Held {
                    timer: self.held.timer,
                    ..Held::default()
                };
            }
            Action::WaitForGateway => {
                assert!(self.held.path, "waits for a gateway without a path");
                self.held.opening_session = false;
                self.wait(self.governor.policy().gateway_probe);
            }
            Action::Close => {
                self.held = Held {
                    closing: true,
                    ..Held::default()
                };
            }
            Action::Rest => self.held = Held::default(),
        }
    }

    fn wait(&mut self, wait: Duration) {
        assert!(wait <= Duration::from_secs(61), "waits {wait:?}");
        self.held.timer = Some(self.now + wait);
    }

    fn is_consistent(&self) {
        let state = self.machine.state();
        let held = self.held;
        let works = usize::from(held.opening_path)
            + usize::from(held.opening_session)
            + usize::from(held.closing);
        assert!(works <= 1, "two pieces of work: {held:?}");
        assert_eq!(state.holds_path(), held.path, "{state:?}: {held:?}");
        let opens = matches!(state, State::OpeningPath { .. });
        assert_eq!(opens, held.opening_path, "{state:?}: {held:?}");
        let waits = matches!(state, State::Waiting { .. } | State::GatewayDown { .. });
        assert_eq!(waits, held.timer.is_some(), "{state:?}: {held:?}");
        assert_eq!(
            matches!(state, State::Closing(_)),
            held.closing,
            "{state:?}: {held:?}"
        );

        // What is told of it agrees with itself.
        let phase = state.phase();
        if phase.is_attempting() || phase == Phase::RetryWait {
            assert!(state.attempt() > 0, "{state:?} is attempt 0");
        }
        if matches!(
            phase,
            Phase::RetryWait | Phase::UpGatewayDown | Phase::Paused | Phase::Stopped
        ) {
            assert!(state.cause().is_some(), "{state:?} has no cause");
        }
        if matches!(phase, Phase::Up | Phase::Suspect | Phase::Off) {
            assert_eq!(state.cause(), None, "{state:?}");
        }
        let most = RetryPolicy::default();
        let from = self.starts.len().saturating_sub(most.burst + 1);
        if let (Some(first), Some(last)) = (self.starts.get(from), self.starts.last())
            && self.starts.len() > most.burst
        {
            let span = last.duration_since(*first);
            assert!(
                span >= most.burst_window,
                "{} attempts in {span:?}",
                most.burst + 1
            );
        }
    }

    /// Whatever runs ends, and after Disconnect nothing begins by itself any more.
    fn comes_to_its_end(&mut self) {
        for _ in 0..4 {
            self.now += Duration::from_secs(61);
            self.hears(News::Failed(Verdict::Pause(Cause::Timeout)));
            self.hears(News::Closed);
        }
        let state = self.machine.state();
        let runs = self.held.opening_path || self.held.opening_session || self.held.closing;
        assert!(!runs, "{state:?} does not end");
        self.is_told(Input::Disconnect);
        self.hears(News::Closed);
        assert_eq!(self.machine.state(), State::Off);
        assert_eq!(self.held, Held::default());
        let starts = self.starts.len();
        for kind in 0..10 {
            for about in 0..=u8::MAX {
                self.hears(news_of(kind, about));
            }
        }
        self.nudged();
        self.is_told(Input::Answered);
        self.is_told(Input::Cancelled);
        self.passes(Duration::from_secs(3600));
        assert_eq!(self.machine.state(), State::Off);
        assert_eq!(self.starts.len(), starts, "dialled after Disconnect");
    }
}
