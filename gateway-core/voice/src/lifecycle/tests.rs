//! The lifecycle's promises, by example and for any sequence of events.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const HOME: &str = "home";

fn ms(ms: u64) -> At {
    Duration::from_millis(ms)
}

/// On, with everything there.
fn ready() -> Lifecycle {
    let mut lifecycle = Lifecycle::new(Timing::USUAL);
    for input in [
        Input::Engine(true),
        Input::Microphone(true),
        Input::Gateway(Some(HOME.to_owned())),
        Input::Connected(true),
        Input::Wake(true),
    ] {
        lifecycle.on(ms(0), input);
    }
    lifecycle
}

fn wake(lifecycle: &mut Lifecycle, at: At) -> UtteranceId {
    let triggered = Input::Triggered {
        trigger: "computer".to_owned(),
        rest: String::new(),
    };
    lifecycle.on(at, triggered);
    let Hearing::Words(id) = lifecycle.hearing(at) else {
        panic!("it listens for {:?}", lifecycle.hearing(at));
    };
    id
}

fn partial(id: UtteranceId, text: &str) -> Input {
    Input::Partial {
        id,
        text: text.to_owned(),
    }
}

fn last(id: UtteranceId, text: &str) -> Input {
    Input::Final {
        id,
        text: text.to_owned(),
    }
}

fn delivered(actions: &[Action]) -> Vec<(&str, Option<&str>)> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Deliver(one) => Some((one.text.as_str(), one.trigger.as_deref())),
            Action::Withdraw(_) | Action::Chime(_) | Action::Ended { .. } => None,
        })
        .collect()
}

fn chimes(actions: &[Action], which: Chime) -> usize {
    let wanted = Action::Chime(which);
    actions.iter().filter(|action| **action == wanted).count()
}

/// Says something after a trigger, up to the moment silence has ended it.
fn say(lifecycle: &mut Lifecycle, at: At, text: &str) -> Vec<Action> {
    let id = wake(lifecycle, at);
    lifecycle.on(at, Input::Speaking(true));
    lifecycle.on(at + ms(500), partial(id, text));
    lifecycle.on(at + ms(600), Input::Speaking(false));
    lifecycle.on(at + ms(2600), Input::Tick);
    assert_eq!(lifecycle.hearing(at + ms(2600)), Hearing::LastWord(id));
    lifecycle.on(at + ms(2700), last(id, text))
}

fn state(lifecycle: &Lifecycle) -> Option<OverlayState> {
    lifecycle.overlay().map(|overlay| overlay.state)
}

#[test]
fn what_is_said_after_a_trigger_is_sent_after_two_seconds_of_silence() {
    let mut lifecycle = ready();
    let actions = say(&mut lifecycle, ms(1000), "what is on today");
    assert_eq!(
        delivered(&actions),
        [("what is on today", Some("computer"))]
    );
    assert_eq!(chimes(&actions, Chime::Send), 1);
    let id = lifecycle.outbox()[0].id;
    lifecycle.on(ms(4000), Input::Delivered(id));
    assert_eq!(lifecycle.overlay(), None);
    assert_eq!(lifecycle.hearing(ms(4100)), Hearing::Trigger);
}

#[test]
fn nothing_wakes_it_for_a_moment_after_something_was_sent() {
    let mut lifecycle = ready();
    say(&mut lifecycle, ms(1000), "go"); // sent at 3700
    assert_eq!(lifecycle.hearing(ms(4000)), Hearing::Nothing);
    assert_eq!(lifecycle.hearing(ms(4050)), Hearing::Trigger);
}

#[test]
fn a_trigger_alone_waits_five_seconds_and_sends_nothing() {
    let mut lifecycle = ready();
    let id = wake(&mut lifecycle, ms(0));
    assert_eq!(lifecycle.hearing(ms(4999)), Hearing::Words(id));
    lifecycle.on(ms(5000), Input::Tick);
    let actions = lifecycle.on(ms(5100), last(id, ""));
    let over = Action::Ended {
        id,
        fate: Fate::NothingHeard,
    };
    assert_eq!(actions, [over]);
    assert_eq!(lifecycle.overlay(), None);
}

#[test]
fn the_start_chime_does_not_sound_into_a_command_spoken_in_one_breath() {
    let mut lifecycle = ready();
    let id = wake(&mut lifecycle, ms(0));
    lifecycle.on(ms(0), Input::Speaking(true));
    assert_eq!(chimes(&lifecycle.on(ms(900), Input::Tick), Chime::Start), 0);
    lifecycle.on(ms(1000), Input::Speaking(false));
    assert_eq!(
        chimes(&lifecycle.on(ms(1549), Input::Tick), Chime::Start),
        0
    );
    assert_eq!(
        chimes(&lifecycle.on(ms(1550), Input::Tick), Chime::Start),
        1
    );
    assert_eq!(
        chimes(&lifecycle.on(ms(1600), partial(id, "go")), Chime::Start),
        0
    );
}

#[test]
fn nobody_is_listened_to_for_longer_than_two_minutes() {
    let mut lifecycle = ready();
    let id = wake(&mut lifecycle, ms(0));
    lifecycle.on(ms(0), Input::Speaking(true));
    lifecycle.on(ms(119_000), partial(id, "and then"));
    assert_eq!(lifecycle.due(), Some(ms(120_000)));
    lifecycle.on(ms(120_000), Input::Tick);
    assert_eq!(lifecycle.hearing(ms(120_000)), Hearing::LastWord(id));
}

#[test]
fn a_last_word_that_does_not_come_is_not_waited_for() {
    let mut lifecycle = ready();
    lifecycle.on(ms(0), Input::KeyDown);
    let Hearing::Words(id) = lifecycle.hearing(ms(0)) else {
        panic!("it does not listen");
    };
    lifecycle.on(ms(800), partial(id, "stop the music"));
    lifecycle.on(ms(1000), Input::KeyUp);
    assert_eq!(lifecycle.due(), Some(ms(2500)));
    let actions = lifecycle.on(ms(2500), Input::Tick);
    assert_eq!(delivered(&actions), [("stop the music", None)]);
}

#[test]
fn push_to_talk_takes_over_a_running_capture_with_its_text() {
    let mut lifecycle = ready();
    let id = wake(&mut lifecycle, ms(0));
    lifecycle.on(ms(500), partial(id, "remind me"));
    lifecycle.on(ms(600), Input::KeyDown);
    assert_eq!(lifecycle.hearing(ms(600)), Hearing::Words(id));
    // Silence ends nothing while the key is held.
    lifecycle.on(ms(20_000), Input::Tick);
    assert_eq!(lifecycle.hearing(ms(20_000)), Hearing::Words(id));
    lifecycle.on(ms(21_000), Input::KeyUp);
    let actions = lifecycle.on(ms(21_100), last(id, "remind me to call"));
    assert_eq!(
        delivered(&actions),
        [("remind me to call", Some("computer"))]
    );
}

#[test]
fn push_to_talk_goes_on_with_a_text_that_was_edited() {
    let mut lifecycle = ready();
    wake(&mut lifecycle, ms(0));
    lifecycle.on(ms(500), Input::Edit("Call Ann".to_owned()));
    lifecycle.on(ms(900), Input::KeyDown);
    let Hearing::Words(id) = lifecycle.hearing(ms(900)) else {
        panic!("it does not listen");
    };
    lifecycle.on(ms(1500), Input::KeyUp);
    let actions = lifecycle.on(ms(1600), last(id, "tomorrow"));
    assert_eq!(
        delivered(&actions),
        [("Call Ann tomorrow", Some("computer"))]
    );
}

#[test]
fn an_edited_text_waits_for_its_owner() {
    let mut lifecycle = ready();
    let id = wake(&mut lifecycle, ms(0));
    lifecycle.on(ms(500), partial(id, "call an"));
    lifecycle.on(ms(600), Input::Edit("call Ann".to_owned()));
    lifecycle.on(ms(700), partial(id, "call an now"));
    assert_eq!(lifecycle.hearing(ms(700)), Hearing::Nothing);
    assert_eq!(lifecycle.due(), None);
    let actions = lifecycle.on(ms(60_000), Input::Send);
    assert_eq!(delivered(&actions), [("call Ann", Some("computer"))]);
}

#[test]
fn a_cancelled_capture_is_gone_whatever_the_engine_says_later() {
    let mut lifecycle = ready();
    let id = wake(&mut lifecycle, ms(0));
    lifecycle.on(ms(500), partial(id, "never mind"));
    lifecycle.on(ms(600), Input::Cancel);
    assert_eq!(lifecycle.on(ms(700), last(id, "never mind")), []);
    assert_eq!(lifecycle.overlay(), None);
}

#[test]
fn an_outage_is_waited_out_for_a_minute_and_the_text_is_kept_after_it() {
    let mut lifecycle = ready();
    lifecycle.on(ms(0), Input::Connected(false));
    let actions = say(&mut lifecycle, ms(0), "water the plants"); // settled at 2700
    assert_eq!(delivered(&actions), []);
    let until = ms(62_700);
    assert_eq!(state(&lifecycle), Some(OverlayState::Waiting { until }));
    let id = lifecycle.outbox()[0].id;
    let actions = lifecycle.on(until, Input::Tick);
    assert_eq!(actions, [Action::Withdraw(id)]);
    assert_eq!(state(&lifecycle), Some(OverlayState::Kept(Kept::Outage)));
    // The connection comes back too late: nothing goes by itself.
    assert_eq!(lifecycle.on(ms(63_000), Input::Connected(true)), []);
    let actions = lifecycle.on(ms(70_000), Input::Retry(id));
    assert_eq!(
        delivered(&actions),
        [("water the plants", Some("computer"))]
    );
}

#[test]
fn a_connection_that_comes_back_in_time_brings_it_there() {
    let mut lifecycle = ready();
    lifecycle.on(ms(0), Input::Connected(false));
    say(&mut lifecycle, ms(0), "water the plants");
    let actions = lifecycle.on(ms(50_000), Input::Connected(true));
    assert_eq!(
        delivered(&actions),
        [("water the plants", Some("computer"))]
    );
}

#[test]
fn what_was_cut_off_on_the_way_is_tried_again_as_the_same_one() {
    let mut lifecycle = ready();
    say(&mut lifecycle, ms(0), "water the plants");
    let first = lifecycle.outbox()[0].clone();
    lifecycle.on(ms(3000), Input::Interrupted(first.id));
    lifecycle.on(ms(3000), Input::Connected(false));
    let actions = lifecycle.on(ms(9000), Input::Connected(true));
    let [Action::Deliver(again)] = actions.as_slice() else {
        panic!("{actions:?}");
    };
    assert_eq!((again.id, again.attempts), (first.id, 2));
}

#[test]
fn a_failed_attempt_is_not_repeated_in_a_loop() {
    let mut lifecycle = ready();
    say(&mut lifecycle, ms(0), "water the plants");
    let id = lifecycle.outbox()[0].id;
    assert_eq!(lifecycle.on(ms(3000), Input::Interrupted(id)), []);
    assert_eq!(lifecycle.due(), Some(ms(4000)));
    assert_eq!(delivered(&lifecycle.on(ms(4000), Input::Tick)).len(), 1);
}

#[test]
fn what_was_said_first_arrives_first() {
    let mut lifecycle = ready();
    lifecycle.on(ms(0), Input::Connected(false));
    say(&mut lifecycle, ms(0), "one");
    say(&mut lifecycle, ms(10_000), "two");
    assert_eq!(lifecycle.overlay().map(|overlay| overlay.behind), Some(1));
    let actions = lifecycle.on(ms(20_000), Input::Connected(true));
    assert_eq!(delivered(&actions), [("one", Some("computer"))]);
    let id = lifecycle.outbox()[0].id;
    let actions = lifecycle.on(ms(20_100), Input::Delivered(id));
    assert_eq!(delivered(&actions), [("two", Some("computer"))]);
}

#[test]
fn nothing_goes_to_another_gateway() {
    let mut lifecycle = ready();
    lifecycle.on(ms(0), Input::Connected(false));
    say(&mut lifecycle, ms(0), "for home");
    let id = lifecycle.outbox()[0].id;
    lifecycle.on(ms(3000), Input::Gateway(Some("work".to_owned())));
    assert_eq!(lifecycle.on(ms(3100), Input::Connected(true)), []);
    assert_eq!(
        state(&lifecycle),
        Some(OverlayState::Kept(Kept::OtherGateway))
    );
    assert_eq!(lifecycle.on(ms(3200), Input::Retry(id)), []);
    lifecycle.on(ms(3300), Input::Gateway(Some(HOME.to_owned())));
    lifecycle.on(ms(3400), Input::Connected(true));
    assert_eq!(
        delivered(&lifecycle.on(ms(3500), Input::Retry(id))).len(),
        1
    );
}

#[test]
fn what_is_being_said_while_the_gateway_changes_is_for_the_one_it_was_begun_with() {
    let mut lifecycle = ready();
    let id = wake(&mut lifecycle, ms(0));
    lifecycle.on(ms(500), partial(id, "for home"));
    lifecycle.on(ms(600), Input::Gateway(Some("work".to_owned())));
    lifecycle.on(ms(700), Input::Connected(true));
    lifecycle.on(ms(800), Input::Send);
    assert_eq!(
        delivered(&lifecycle.on(ms(900), last(id, "for home"))).len(),
        0
    );
    assert_eq!(
        state(&lifecycle),
        Some(OverlayState::Kept(Kept::OtherGateway))
    );
}

#[test]
fn a_microphone_that_goes_away_leaves_the_text_for_its_owner() {
    let mut lifecycle = ready();
    let id = wake(&mut lifecycle, ms(0));
    lifecycle.on(ms(500), partial(id, "half a"));
    lifecycle.on(ms(600), Input::Microphone(false));
    assert_eq!(lifecycle.hearing(ms(600)), Hearing::LastWord(id));
    let actions = lifecycle.on(ms(700), last(id, "half a sentence"));
    assert_eq!(actions, []);
    assert_eq!(
        state(&lifecycle),
        Some(OverlayState::Editing(Why::MicrophoneLost))
    );
    lifecycle.on(ms(800), Input::Cancel);
    assert_eq!(lifecycle.hearing(ms(900)), Hearing::Nothing);
    lifecycle.on(ms(1000), Input::Microphone(true));
    assert_eq!(lifecycle.hearing(ms(1000)), Hearing::Trigger);
}

#[test]
fn a_refusal_keeps_the_text_with_its_reason() {
    let mut lifecycle = ready();
    say(&mut lifecycle, ms(0), "do it");
    let id = lifecycle.outbox()[0].id;
    let why = "the gateway says no".to_owned();
    lifecycle.on(
        ms(3000),
        Input::Refused {
            id,
            why: why.clone(),
        },
    );
    assert_eq!(
        state(&lifecycle),
        Some(OverlayState::Kept(Kept::Refused(why)))
    );
}

#[test]
fn an_answer_that_comes_after_it_was_given_up_still_counts() {
    let mut lifecycle = ready();
    say(&mut lifecycle, ms(0), "do it");
    let id = lifecycle.outbox()[0].id;
    lifecycle.on(ms(3000), Input::Connected(false));
    lifecycle.on(ms(63_000), Input::Tick);
    assert_eq!(state(&lifecycle), Some(OverlayState::Kept(Kept::Outage)));
    lifecycle.on(ms(64_000), Input::Delivered(id));
    assert_eq!(lifecycle.overlay(), None);
}

#[test]
fn with_a_full_outbox_nothing_new_is_listened_to() {
    let mut lifecycle = ready();
    lifecycle.on(ms(0), Input::Connected(false));
    for round in 0..MOST_WAITING {
        say(&mut lifecycle, ms(5000 * round as u64), "again");
    }
    let now = ms(60_000);
    assert_eq!(lifecycle.hearing(now), Hearing::Nothing);
    lifecycle.on(now, Input::KeyDown);
    assert_eq!(lifecycle.hearing(now), Hearing::Nothing);
}

#[test]
fn a_key_whose_release_was_missed_works_again_after_the_longest_time() {
    let mut lifecycle = ready();
    lifecycle.on(ms(0), Input::KeyDown);
    lifecycle.on(ms(120_000), Input::Tick);
    lifecycle.on(ms(122_000), Input::Tick);
    assert_eq!(lifecycle.overlay(), None);
    lifecycle.on(ms(123_000), Input::KeyDown);
    assert!(lifecycle.is_capturing());
}

/// One step of a random history; ids are offsets, so that old and unknown ones come as well.
#[derive(Debug, Clone)]
enum Step {
    Plain(Input),
    OfCapture(u64, &'static str, bool),
    Outcome(u64, u8),
}

fn words() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just(""),
        Just("stop"),
        Just("stop the music"),
        Just("call Ann")
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let text = words().prop_map(str::to_owned);
    prop_oneof![
        1 => any::<bool>().prop_map(|on| Step::Plain(Input::Wake(on))),
        1 => prop::bool::weighted(0.8).prop_map(|on| Step::Plain(Input::Engine(on))),
        1 => prop::bool::weighted(0.8).prop_map(|on| Step::Plain(Input::Microphone(on))),
        1 => prop_oneof![Just(None), Just(Some(HOME)), Just(Some("work"))]
            .prop_map(|name| Step::Plain(Input::Gateway(name.map(str::to_owned)))),
        1 => any::<bool>().prop_map(|on| Step::Plain(Input::Connected(on))),
        4 => words().prop_map(|rest| Step::Plain(Input::Triggered {
            trigger: "computer".to_owned(),
            rest: rest.to_owned(),
        })),
        2 => any::<bool>().prop_map(|on| Step::Plain(Input::Speaking(on))),
        4 => (0..3_u64, words()).prop_map(|(back, text)| Step::OfCapture(back, text, false)),
        4 => (0..3_u64, words()).prop_map(|(back, text)| Step::OfCapture(back, text, true)),
        3 => Just(Step::Plain(Input::KeyDown)),
        3 => Just(Step::Plain(Input::KeyUp)),
        1 => text.prop_map(|text| Step::Plain(Input::Edit(text))),
        2 => Just(Step::Plain(Input::Send)),
        1 => Just(Step::Plain(Input::Cancel)),
        6 => (0..6_u64, 0..5_u8).prop_map(|(back, which)| Step::Outcome(back, which)),
        1 => Just(Step::Plain(Input::Tick)),
    ]
}

/// What an onlooker keeps, who sees inputs and actions only.
#[derive(Default)]
struct Onlooker {
    /// Captures that began and have not come to an end, with the words last understood.
    open: BTreeMap<UtteranceId, String>,
    /// What is on its way now.
    under_way: BTreeSet<UtteranceId>,
    gateway: Option<String>,
}

impl Onlooker {
    fn step(&mut self, lifecycle: &mut Lifecycle, now: At, input: Input) {
        if input != Input::Tick {
            // What was due happens before, and is looked at by itself.
            self.step(lifecycle, now, Input::Tick);
        }
        if let Input::Gateway(gateway) = &input {
            if self.gateway != *gateway {
                self.under_way.clear();
            }
            self.gateway.clone_from(gateway);
        }
        if input == Input::Connected(false) {
            self.under_way.clear();
        }
        if let Input::Interrupted(id) | Input::Refused { id, .. } = &input {
            self.under_way.remove(id);
        }
        if let Input::Delivered(id) | Input::Discard(id) = &input {
            self.under_way.remove(id);
            if lifecycle.outbox().iter().any(|one| one.id == *id) {
                self.open.remove(id);
            }
        }
        let removed_by_hand = matches!(input, Input::Cancel | Input::Discard(_));
        let actions = lifecycle.on(now, input);
        for action in &actions {
            match action {
                Action::Deliver(one) => {
                    assert!(self.under_way.insert(one.id), "sent twice at once");
                    assert_eq!(self.under_way.len(), 1, "two at once");
                    assert_eq!(one.gateway, self.gateway, "to another gateway");
                    assert!(!one.text.trim().is_empty(), "nothing was sent");
                }
                Action::Withdraw(id) => {
                    self.under_way.remove(id);
                }
                Action::Ended { id, fate } => {
                    let text = self.open.remove(id).unwrap_or_default();
                    match fate {
                        Fate::Cancelled => assert!(removed_by_hand, "nobody threw it away"),
                        Fate::NothingHeard => assert_eq!(text, "", "words were forgotten"),
                        Fate::TakenOver => {}
                    }
                }
                Action::Chime(_) => {}
            }
        }
        let capture = match lifecycle.hearing(now) {
            Hearing::Words(id) | Hearing::LastWord(id) => Some(id),
            Hearing::Trigger | Hearing::Nothing => lifecycle.capture.as_ref().map(|one| one.id),
        };
        if let Some(capture) = &lifecycle.capture {
            self.open.insert(capture.id, capture.text());
        }
        // Nothing is lost and nothing appears: what began is the capture or in the outbox.
        let held: BTreeSet<UtteranceId> = lifecycle
            .outbox()
            .iter()
            .map(|one| one.id)
            .chain(capture)
            .collect();
        let open: BTreeSet<UtteranceId> = self.open.keys().copied().collect();
        assert_eq!(held, open, "an utterance was forgotten");
        assert!(lifecycle.outbox().len() <= MOST_WAITING + 1);
        assert!(!(capture.is_some() && lifecycle.overlay().is_none()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_history_leaves_two_captures_a_stuck_overlay_or_a_forgotten_utterance(
        history in prop::collection::vec((steps(), 0..4_000_u64), 0..60)
    ) {
        let mut lifecycle = ready();
        let mut onlooker = Onlooker { gateway: Some(HOME.to_owned()), ..Onlooker::default() };
        let mut now = ms(0);
        for (step, pause) in history {
            now += ms(pause);
            let newest = lifecycle.last_id;
            let id = |back: u64| UtteranceId(newest.saturating_sub(back));
            let input = match step {
                Step::Plain(input) => input,
                Step::OfCapture(back, text, false) => partial(id(back), text),
                Step::OfCapture(back, text, true) => last(id(back), text),
                Step::Outcome(back, which) => match which {
                    0 => Input::Delivered(id(back)),
                    1 => Input::Interrupted(id(back)),
                    2 => Input::Refused { id: id(back), why: "no".to_owned() },
                    3 => Input::Retry(id(back)),
                    _ => Input::Discard(id(back)),
                },
            };
            onlooker.step(&mut lifecycle, now, input);
        }

        // Left alone, with the connection gone, whatever is shown waits for a person or is closed.
        onlooker.step(&mut lifecycle, now, Input::KeyUp);
        onlooker.step(&mut lifecycle, now, Input::Speaking(false));
        onlooker.step(&mut lifecycle, now, Input::Connected(false));
        let mut turns = 0;
        while let Some(due) = lifecycle.due() {
            now = now.max(due);
            onlooker.step(&mut lifecycle, now, Input::Tick);
            turns += 1;
            prop_assert!(turns < 100, "time alone goes round in circles");
        }
        let left = state(&lifecycle);
        prop_assert!(
            matches!(left, None | Some(OverlayState::Editing(_) | OverlayState::Kept(_))),
            "stuck: {:?}", left
        );

        // And that person can close it.
        onlooker.step(&mut lifecycle, now, Input::Cancel);
        while let Some(overlay) = lifecycle.overlay() {
            onlooker.step(&mut lifecycle, now, Input::Discard(overlay.id));
        }
        prop_assert_eq!(onlooker.open.len(), 0);
    }
}
