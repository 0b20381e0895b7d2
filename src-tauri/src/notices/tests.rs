//! The decision as a table of moments, with no clock that runs.

use super::*;
use gateway_core::config::{Environment, Platform, settings::Language};

/// What it is about, what is so from each second on, and what is told when.
type Case = (&'static str, Vec<(u64, Situation)>, Vec<(u64, Topic)>);

fn is(phase: Phase) -> Situation {
    Situation {
        phase,
        cause: None,
        server: Some("home".to_owned()),
        approvals: BTreeSet::new(),
        questions: BTreeSet::new(),
        pairings: BTreeSet::new(),
        unsent: None,
        looked_at: false,
        switches: Notifications::default(),
        tongue: Tongue::English,
    }
}

fn paused(cause: Cause) -> Situation {
    Situation {
        cause: Some(cause),
        ..is(Phase::Paused)
    }
}

fn asking(approvals: &[&str], questions: &[&str]) -> Situation {
    let set = |ids: &[&str]| ids.iter().map(ToString::to_string).collect();
    Situation {
        approvals: set(approvals),
        questions: set(questions),
        ..is(Phase::Up)
    }
}

fn seen(situation: Situation) -> Situation {
    Situation {
        looked_at: true,
        ..situation
    }
}

/// Plays situations at their seconds; returns the second and the topic of everything told.
fn told(moments: &[(u64, Situation)]) -> Vec<(u64, Topic)> {
    let began = Instant::now();
    let mut notices = Notices::default();
    let mut told = Vec::new();
    for (second, situation) in moments {
        let now = began + Duration::from_secs(*second);
        // A due time in between is met, as the controller meets it.
        while let Some(notice) = notices.on(situation, now) {
            told.push((*second, notice.topic));
        }
    }
    told
}

#[test]
fn a_short_cut_troubles_nobody_and_a_long_one_is_told_with_its_end() {
    use Phase::{Connecting, Off, RetryWait, Suspect, Up, UpGatewayDown};
    use Topic::{Lost, Restored};
    let cases: [Case; 9] = [
        (
            "back within half a minute",
            vec![(0, is(Up)), (1, is(RetryWait)), (30, is(Up))],
            vec![],
        ),
        (
            "away for longer",
            vec![
                (0, is(Up)),
                (1, is(RetryWait)),
                (20, is(Connecting)),
                (31, is(RetryWait)),
                (32, is(RetryWait)),
                (60, is(Up)),
            ],
            vec![(31, Lost), (60, Restored)],
        ),
        (
            "the gateway alone",
            vec![(0, is(Up)), (1, is(UpGatewayDown)), (31, is(UpGatewayDown))],
            vec![(31, Lost)],
        ),
        (
            "a probe that is overdue is no loss",
            vec![(0, is(Up)), (1, is(Suspect)), (60, is(Suspect))],
            vec![],
        ),
        (
            "never connected, never lost",
            vec![(0, is(Connecting)), (60, is(RetryWait)), (90, is(Up))],
            vec![],
        ),
        (
            "taken down by hand",
            vec![
                (0, is(Up)),
                (1, is(Off)),
                (60, is(Off)),
                (61, is(Connecting)),
                (100, is(Up)),
            ],
            vec![],
        ),
        (
            "the second loss waits until it may be told, and only while it lasts",
            vec![
                (0, is(Up)),
                (1, is(RetryWait)),
                (31, is(RetryWait)),
                (60, is(Up)),
                (100, is(RetryWait)),
                (200, is(RetryWait)),
                (630, is(RetryWait)),
                (631, is(RetryWait)),
            ],
            vec![(31, Lost), (60, Restored), (631, Lost)],
        ),
        (
            "who saw it go is told that it is back",
            vec![
                (0, is(Up)),
                (1, is(RetryWait)),
                (31, seen(is(RetryWait))),
                (40, is(RetryWait)),
                (60, is(Up)),
            ],
            vec![(60, Restored)],
        ),
        (
            "who sees it come back is not",
            vec![
                (0, is(Up)),
                (1, is(RetryWait)),
                (31, is(RetryWait)),
                (60, seen(is(Up))),
            ],
            vec![(31, Lost)],
        ),
    ];
    for (name, moments, expected) in cases {
        assert_eq!(told(&moments), expected, "{name}");
    }
}

#[test]
fn a_person_is_called_once_for_each_cause_in_ten_minutes() {
    use Topic::NeedsYou;
    let cases: [Case; 5] = [
        (
            "at once, and not again while it stands",
            vec![(0, paused(Cause::Token)), (5, paused(Cause::Token))],
            vec![(0, NeedsYou)],
        ),
        (
            "another cause is another call",
            vec![(0, paused(Cause::Token)), (5, paused(Cause::Pairing))],
            vec![(0, NeedsYou), (5, NeedsYou)],
        ),
        (
            "the same cause again is told when ten minutes are over",
            vec![
                (0, paused(Cause::Token)),
                (60, is(Phase::Up)),
                (120, paused(Cause::Token)),
                (599, paused(Cause::Token)),
                (600, paused(Cause::Token)),
                (1300, paused(Cause::Token)),
            ],
            vec![(0, NeedsYou), (600, NeedsYou)],
        ),
        (
            "who looks at it knows, also afterwards",
            vec![(0, seen(paused(Cause::Token))), (5, paused(Cause::Token))],
            vec![],
        ),
        (
            "a host key and a sign-in are calls too",
            vec![
                (0, is(Phase::HostKey)),
                (1, is(Phase::Connecting)),
                (900, is(Phase::AuthPrompt)),
            ],
            vec![(0, NeedsYou), (900, NeedsYou)],
        ),
    ];
    for (name, moments, expected) in cases {
        assert_eq!(told(&moments), expected, "{name}");
    }
}

#[test]
fn each_request_is_told_once_and_none_that_was_seen() {
    use Topic::Requests;
    let cases: [Case; 4] = [
        (
            "one that waits",
            vec![
                (0, asking(&["a"], &[])),
                (1, asking(&["a"], &[])),
                (2, asking(&[], &[])),
            ],
            vec![(0, Requests)],
        ),
        (
            "a second beside it",
            vec![
                (0, asking(&["a"], &[])),
                (1, asking(&["a"], &["q"])),
                (2, asking(&["a"], &[])),
            ],
            vec![(0, Requests), (1, Requests)],
        ),
        (
            "one that was seen",
            vec![(0, seen(asking(&["a"], &[]))), (1, asking(&["a"], &[]))],
            vec![],
        ),
        (
            "beside a call for the connection",
            vec![(
                0,
                Situation {
                    approvals: BTreeSet::from(["a".to_owned()]),
                    ..paused(Cause::Token)
                },
            )],
            vec![(0, Topic::NeedsYou), (0, Requests)],
        ),
    ];
    for (name, moments, expected) in cases {
        assert_eq!(told(&moments), expected, "{name}");
    }
}

#[test]
fn a_reply_is_told_once_for_each_conversation_until_somebody_looks() {
    let mut notices = Notices::default();
    let now = Instant::now();
    let up = is(Phase::Up);

    let replied = |notices: &mut Notices, conversation: &str, is: &Situation| {
        notices
            .replied(conversation, Ended::Well, is, now)
            .is_some()
    };

    assert!(!replied(&mut notices, "main", &seen(up.clone())));
    assert!(replied(&mut notices, "main", &up));
    assert!(!replied(&mut notices, "main", &up));
    assert!(replied(&mut notices, "other", &up));
    assert_eq!(notices.on(&seen(up.clone()), now), None);
    assert!(replied(&mut notices, "main", &up));
    let later = now + QUIET;
    assert_eq!(notices.on(&up, later), None);
    assert!(notices.replied("main", Ended::Badly, &up, later).is_some());
}

#[test]
fn a_switch_that_is_off_silences_its_topic_and_no_other() {
    let off = |change: fn(&mut Notifications)| {
        let mut switches = Notifications::default();
        change(&mut switches);
        let with = |situation: Situation| Situation {
            switches,
            ..situation
        };
        let mut topics: Vec<Topic> = told(&[
            (0, with(is(Phase::Up))),
            (1, with(is(Phase::RetryWait))),
            (31, with(is(Phase::RetryWait))),
            (40, with(asking(&["a"], &[]))),
            (50, with(paused(Cause::Token))),
        ])
        .into_iter()
        .map(|(_, topic)| topic)
        .collect();
        let reply =
            Notices::default().replied("main", Ended::Well, &with(is(Phase::Up)), Instant::now());
        topics.extend(reply.map(|notice| notice.topic));
        topics.sort_unstable();
        topics
    };
    use Topic::{Lost, NeedsYou, Replies, Requests, Restored};

    assert_eq!(off(|_| ()), [NeedsYou, Lost, Restored, Requests, Replies]);
    assert_eq!(
        off(|is| is.needs_you = false),
        [Lost, Restored, Requests, Replies]
    );
    assert_eq!(
        off(|is| is.lost = false),
        [NeedsYou, Restored, Requests, Replies]
    );
    assert_eq!(
        off(|is| is.restored = false),
        [NeedsYou, Lost, Requests, Replies]
    );
    assert_eq!(
        off(|is| is.requests = false),
        [NeedsYou, Lost, Restored, Replies]
    );
    assert_eq!(
        off(|is| is.replies = false),
        [NeedsYou, Lost, Restored, Requests]
    );
}

#[test]
fn it_says_when_to_ask_again_and_only_while_something_is_to_come() {
    let mut notices = Notices::default();
    let began = Instant::now();
    let at = |seconds| began + Duration::from_secs(seconds);

    assert_eq!(notices.due(), None);
    assert_eq!(notices.on(&is(Phase::Up), at(0)), None);
    assert_eq!(notices.on(&is(Phase::RetryWait), at(1)), None);
    assert_eq!(notices.due(), Some(at(31)));
    assert!(notices.on(&is(Phase::RetryWait), at(31)).is_some());
    assert_eq!(notices.due(), None);
    assert!(notices.on(&is(Phase::Up), at(40)).is_some());
    assert_eq!(notices.on(&is(Phase::RetryWait), at(50)), None);
    assert_eq!(notices.due(), Some(at(631)));
    // What is switched off is not waited for.
    let off = Situation {
        switches: Notifications {
            lost: false,
            ..Notifications::default()
        },
        ..is(Phase::RetryWait)
    };
    assert_eq!(notices.on(&off, at(631)), None);
    assert_eq!(notices.due(), None);
}

#[test]
fn both_languages_say_it_and_neither_names_what_an_agent_wants() {
    let english = Notices::default()
        .on(&asking(&["rm -rf canary"], &[]), Instant::now())
        .unwrap();
    let danish = Situation {
        tongue: Tongue::Danish,
        ..asking(&["rm -rf canary"], &[])
    };
    let danish = Notices::default().on(&danish, Instant::now()).unwrap();

    assert_eq!(english.title, "Your agent waits for you");
    assert_eq!(danish.title, "Din agent venter på dig");
    assert!(!format!("{english:?}{danish:?}").contains("canary"));
}

#[test]
fn the_system_s_language_is_that_of_the_first_variable_that_is_set() {
    let tongue = |language, variables: &[(&str, &str)]| {
        let environment = Environment::new(variables.iter().copied(), None, Platform::Xdg);
        Tongue::of(language, &environment)
    };

    let (system, danish) = (Language::System, Tongue::Danish);
    assert_eq!(tongue(system, &[("LANG", "da_DK.UTF-8")]), danish);
    assert_eq!(
        tongue(system, &[("LANG", "da_DK.UTF-8"), ("LC_ALL", "C")]),
        Tongue::English
    );
    assert_eq!(tongue(system, &[]), Tongue::English);
    assert_eq!(tongue(Language::Danish, &[("LANG", "en_GB")]), danish);
}

#[test]
fn what_was_said_and_not_sent_is_told_once_without_its_words() {
    let with = |unsent| Situation {
        unsent,
        ..is(Phase::Up)
    };
    let mut notices = Notices::default();
    let now = Instant::now();
    assert_eq!(notices.on(&with(None), now), None);

    let told = notices.on(&with(Some(3)), now).unwrap();
    assert_eq!((told.topic, told.page), (Topic::Voice, Page::Chat));
    assert_eq!(notices.on(&with(Some(3)), now), None);
    assert!(notices.on(&with(Some(4)), now).is_some());
    assert_eq!(notices.on(&seen(with(Some(5))), now), None);
    assert_eq!(notices.on(&with(Some(5)), now), None, "it was seen");
}
