//! Every state × every input against the committed table, and what no sequence of inputs may do.

use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;

fn every_step() -> Vec<Step> {
    vec![
        Step::Resolving,
        Step::Connecting,
        Step::Authenticating,
        Step::Forwarding,
        Step::GatewayCheck,
    ]
}

fn every_verdict() -> Vec<Verdict> {
    vec![
        Verdict::Retry(Cause::Network),
        Verdict::GatewayDown(Cause::Closed),
        Verdict::Ask(About::HostKey),
        Verdict::Ask(About::Certificate),
        Verdict::Ask(About::SignIn),
        Verdict::Pause(Cause::Token),
        Verdict::Stop(Cause::PortTaken),
    ]
}

fn every_news() -> Vec<News> {
    let mut news: Vec<News> = every_step().into_iter().map(News::Reached).collect();
    news.extend([News::PathOpened, News::SessionOpened]);
    news.extend(every_verdict().into_iter().map(News::Failed));
    news.extend(every_verdict().into_iter().map(News::SessionLost));
    news.extend([
        News::PathLost(Cause::Closed),
        News::ProbeOverdue,
        News::ProbeAnswered,
        News::WaitOver,
        News::Closed,
    ]);
    news
}

fn every_input() -> Vec<PlainInput> {
    let mut inputs = vec![
        PlainInput::Connect,
        PlainInput::ReconnectNow,
        PlainInput::Disconnect,
        PlainInput::Reconfigured,
        PlainInput::Nudged,
        PlainInput::Answered,
        PlainInput::Cancelled,
    ];
    inputs.extend(every_news().into_iter().map(PlainInput::News));
    inputs
}

fn every_state() -> Vec<State> {
    let mut states = vec![State::Off];
    states.extend(
        every_step()
            .into_iter()
            .map(|step| State::OpeningPath { attempt: 3, step }),
    );
    for down in [None, Some(Cause::Network)] {
        for step in [Step::Forwarding, Step::GatewayCheck] {
            states.push(State::OpeningSession {
                attempt: 3,
                step,
                down,
            });
        }
    }
    states.extend([
        State::Up { suspect: false },
        State::Up { suspect: true },
        State::GatewayDown {
            attempt: 3,
            cause: Cause::Network,
        },
        State::Asking {
            attempt: 3,
            about: About::HostKey,
        },
        State::Asking {
            attempt: 3,
            about: About::Certificate,
        },
        State::Asking {
            attempt: 3,
            about: About::SignIn,
        },
        State::Waiting {
            attempt: 3,
            cause: Cause::Network,
        },
        State::Paused(Cause::AuthRefused),
        State::Stopped(Cause::PortTaken),
        State::Closing(After::Off),
        State::Closing(After::Reopen),
        State::Closing(After::Wait(4, Cause::Closed)),
        State::Closing(After::Ask(About::SignIn)),
        State::Closing(After::Pause(Cause::Token)),
        State::Closing(After::Stop(Cause::PortTaken)),
    ]);
    states
}

fn rendered_table() -> String {
    let mut table = String::new();
    for state in every_state() {
        writeln!(table, "{state:?}  [{:?}]", state.phase()).unwrap();
        for input in every_input() {
            let (next, action) = state.on(input);
            if (next, action) == (state, Action::Nothing) {
                writeln!(table, "    {input:?}: stays").unwrap();
            } else {
                writeln!(table, "    {input:?}: {next:?}, {action:?}").unwrap();
            }
        }
    }
    table
}

/// The table is read by people; a change to it is reviewed like a change to the machine.
#[test]
fn every_state_answers_every_input_as_the_committed_table_says() {
    let rendered = rendered_table();
    let committed = include_str!("table.txt");

    if rendered != committed {
        let place = std::env::temp_dir().join("connection-state-table.txt");
        std::fs::write(&place, &rendered).unwrap();
        let first = rendered
            .lines()
            .zip(committed.lines())
            .position(|(new, old)| new != old);
        panic!(
            "the table differs from connection/state/table.txt (first at line {:?}); \
             the new one is at {}: read it, then copy it there",
            first.map(|line| line + 1),
            place.display()
        );
    }
}

#[test]
fn late_news_of_an_older_generation_changes_nothing() {
    for news in every_news() {
        let mut machine = Machine::default();
        machine.on(Input::Connect);
        let old = machine.generation();
        machine.on(Input::Disconnect);
        machine.on(Input::Connect);
        let before = machine.state();

        assert_eq!(
            machine.on(Input::News(old, news)),
            Action::Nothing,
            "{news:?}"
        );
        assert_eq!(machine.state(), before, "{news:?}");
    }
}

/// What a supervisor that obeys the actions would hold.
#[derive(Debug, Default)]
struct Held {
    path: bool,
    opening_path: bool,
    opening_session: bool,
    timer: bool,
    closing: bool,
}

impl Held {
    fn obey(&mut self, action: Action) -> Result<(), TestCaseError> {
        match action {
            Action::Nothing => {}
            Action::OpenPath => {
                prop_assert!(!self.path && !self.closing, "a second path beside {self:?}");
                *self = Self {
                    opening_path: true,
                    ..Self::default()
                };
            }
            Action::OpenSession => {
                self.path = self.path || self.opening_path;
                prop_assert!(self.path, "a session without a path");
                self.opening_path = false;
                self.timer = false;
                self.opening_session = true;
            }
            Action::WaitToRetry { .. } => {
                *self = Self {
                    timer: true,
                    ..Self::default()
                }
            }
            Action::WaitForGateway => {
                prop_assert!(self.path);
                self.opening_session = false;
                self.timer = true;
            }
            Action::Close => {
                *self = Self {
                    closing: true,
                    ..Self::default()
                }
            }
            Action::Rest => *self = Self::default(),
        }
        Ok(())
    }
}

fn inputs() -> impl Strategy<Value = (PlainInput, bool)> {
    (
        prop::sample::select(every_input()),
        prop::bool::weighted(0.2),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn no_sequence_of_inputs_holds_two_paths_or_retries_while_a_person_is_asked(
        sequence in prop::collection::vec(inputs(), 1..120)
    ) {
        let mut machine = Machine::default();
        let mut held = Held::default();
        for (input, stale) in sequence {
            let generation = if stale { Generation(u64::MAX) } else { machine.generation() };
            // The supervisor cannot report the end of something that does not run.
            let possible = match input {
                PlainInput::News(News::PathOpened) => held.opening_path,
                PlainInput::News(News::SessionOpened) => held.opening_session,
                PlainInput::News(News::Closed) => held.closing,
                PlainInput::News(News::WaitOver) => held.timer,
                PlainInput::News(_)
                | PlainInput::Connect
                | PlainInput::ReconnectNow
                | PlainInput::Disconnect
                | PlainInput::Reconfigured
                | PlainInput::Nudged
                | PlainInput::Answered
                | PlainInput::Cancelled => true,
            };
            if !possible {
                continue;
            }
            let input = match input {
                PlainInput::Connect => Input::Connect,
                PlainInput::ReconnectNow => Input::ReconnectNow,
                PlainInput::Disconnect => Input::Disconnect,
                PlainInput::Reconfigured => Input::Reconfigured,
                PlainInput::Nudged => Input::Nudged,
                PlainInput::Answered => Input::Answered,
                PlainInput::Cancelled => Input::Cancelled,
                PlainInput::News(news) => Input::News(generation, news),
            };
            let before = machine.state();
            if input == Input::News(machine.generation(), News::Closed) {
                held.closing = false;
            }
            let action = machine.on(input);
            held.obey(action)?;
            let state = machine.state();

            if matches!(state, State::Asking { .. }) {
                prop_assert!(!held.timer && !held.opening_path && !held.path, "{before:?} {input:?}: {held:?}");
            }
            if matches!(before, State::Asking { .. }) && action == Action::OpenPath {
                let by_a_person = matches!(
                    input,
                    Input::Connect | Input::ReconnectNow | Input::Answered | Input::Reconfigured
                );
                prop_assert!(by_a_person, "{input:?} redialled while a person was asked");
            }
            prop_assert_eq!(state.holds_path(), held.path, "{:?} after {:?}: {:?}", state, input, held);
            prop_assert_eq!(matches!(state, State::Waiting { .. } | State::GatewayDown { .. }), held.timer);
            prop_assert_eq!(matches!(state, State::Closing(_)), held.closing);
        }
    }
}
