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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn no_life_holds_two_paths_dials_past_a_question_or_goes_on_after_disconnect(
        life in prop::collection::vec(any::<u8>(), 1..400)
    ) {
        fuzz::run(&life);
    }
}
