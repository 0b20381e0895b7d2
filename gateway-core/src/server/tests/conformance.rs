//! What our gateway says to every method that needs nobody else, held against schema and recordings
//! (`wire_check` looks at every frame of every test): here nothing is missed that could be asked, and
//! no row of `tests/fixtures/our-deviations.txt` is there for nothing.

use super::super::overheard::Line;
use super::super::wire_check::{Checker, Counts, Said as Tapped, rows};
use super::raw::{Heard, Raw, connect_request};
use super::running;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What every method is asked with, in an order in which each has something to answer.
fn requests() -> Vec<(&'static str, Value)> {
    let key = "agent:main:conformance";
    vec![
        ("health", json!({})),
        ("health", json!({"probe": true})),
        ("status", json!({"includeCliProjection": true})),
        ("system-event", json!({"text": "a test", "mode": "ui"})),
        ("system-presence", json!({})),
        ("last-heartbeat", json!({})),
        ("sessions.subscribe", json!({})),
        ("sessions.create", json!({"key": key})),
        ("sessions.messages.subscribe", json!({"key": key})),
        (
            "chat.send",
            json!({"sessionKey": key, "message": "hello", "idempotencyKey": "k1"}),
        ),
        ("agent.wait", json!({"runId": "k1", "timeoutMs": 15000})),
        (
            "agent",
            json!({"sessionKey": key, "message": "time", "idempotencyKey": "k2"}),
        ),
        ("agent.wait", json!({"runId": "k2", "timeoutMs": 15000})),
        (
            "chat.inject",
            json!({"sessionKey": key, "message": "a note"}),
        ),
        ("chat.abort", json!({"sessionKey": key})),
        ("chat.history", json!({"sessionKey": key})),
        ("agents.list", json!({})),
        ("agent.identity.get", json!({})),
        ("models.list", json!({})),
        ("commands.list", json!({})),
        ("sessions.list", json!({})),
        ("sessions.preview", json!({"keys": [key]})),
        ("sessions.describe", json!({"key": key})),
        ("sessions.patch", json!({"key": key, "label": "a name"})),
        ("sessions.reset", json!({"key": key})),
        ("sessions.messages.unsubscribe", json!({"key": key})),
        ("sessions.delete", json!({"key": key})),
        ("voicewake.get", json!({})),
        ("voicewake.set", json!({"triggers": ["openclaw"]})),
        ("voicewake.routing.get", json!({})),
        ("talk.config", json!({})),
        ("talk.mode", json!({"enabled": true})),
        ("device.pair.list", json!({})),
        ("device.pair.setupCode", json!({"joinUrl": true})),
        ("node.list", json!({})),
        ("node.pair.list", json!({})),
        ("exec.approval.list", json!({})),
        ("plugin.approval.list", json!({})),
        ("taskSuggestions.list", json!({})),
        ("question.list", json!({})),
        ("config.get", json!({})),
        ("channels.status", json!({})),
        ("cron.list", json!({})),
        ("cron.status", json!({})),
        ("tts.status", json!({})),
        ("usage.cost", json!({})),
        ("no.such.method", json!({})),
    ]
}

/// One frame of ours, with the method it answers.
struct Said {
    method: Option<String>,
    frame: Value,
}

/// Calls every method and returns all that was said, the stop included.
async fn everything_said() -> (Vec<Said>, BTreeSet<String>) {
    let running = running().await;
    let served: BTreeSet<String> = running
        .gateway
        .state
        .router
        .names()
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    let mut raw = Raw::open(running.gateway.addresses()[0], "").await;
    let mut said = Vec::new();
    let mut requests = requests();
    requests.retain(|(method, _)| served.contains(*method) || *method == "no.such.method");
    requests.insert(
        0,
        (
            "connect",
            connect_request("", "cli", "cli")["params"].take(),
        ),
    );
    for (number, (method, params)) in requests.into_iter().enumerate() {
        let id = number.to_string();
        raw.say(&json!({"type": "req", "id": id, "method": method, "params": params}))
            .await;
        loop {
            let Heard::Text(frame) = raw.hear().await else {
                panic!("{method}: closed");
            };
            let is_answer = frame["id"] == id.as_str();
            let is_first_of_two = frame["payload"]["status"] == "accepted";
            if is_answer && method != "no.such.method" {
                assert_eq!(frame["ok"], true, "{method}: {frame}");
            }
            said.push(Said {
                method: is_answer.then(|| method.to_owned()),
                frame,
            });
            if is_answer && !is_first_of_two {
                break;
            }
        }
    }
    running.gateway.stop().await;
    while let Heard::Text(frame) = raw.hear().await {
        said.push(Said {
            method: None,
            frame,
        });
    }
    (said, served)
}

#[tokio::test]
async fn everything_we_say_fits_the_schema_or_a_recording_or_is_listed() {
    let (said, served) = everything_said().await;
    let mut checker = Checker::new();
    let mut found: BTreeMap<(String, String), String> = BTreeMap::new();
    for one in &said {
        found.extend(checker.misfits(one.method.as_deref(), &one.frame));
    }
    let Counts {
        envelopes,
        by_schema,
        by_recording,
    } = checker.counts;
    println!(
        "we said: {envelopes} envelopes, {by_schema} payloads by schema, {by_recording} by recording"
    );
    let asked: BTreeSet<String> = said.iter().filter_map(|one| one.method.clone()).collect();
    let elsewhere: BTreeSet<String> = rows("our-methods-not-asked.txt")
        .into_iter()
        .map(|(method, _)| method)
        .collect();
    let neither: Vec<_> = served
        .iter()
        .filter(|method| !asked.contains(*method) && !elsewhere.contains(*method))
        .collect();
    assert!(
        neither.is_empty(),
        "served, but neither asked nor listed: {neither:?}"
    );
    let both: Vec<_> = asked.intersection(&elsewhere).collect();
    assert!(both.is_empty(), "listed, but asked: {both:?}");
    let names: BTreeSet<String> = said
        .iter()
        .filter_map(|one| {
            let event = one.frame["event"].as_str();
            event
                .map(|event| format!("event:{event}"))
                .or(one.method.clone())
        })
        .collect();
    let listed = rows("our-deviations.txt");
    let unlisted: Vec<_> = found
        .iter()
        .filter(|(at, _)| !listed.contains(at))
        .collect();
    let outdated: Vec<_> = listed
        .iter()
        .filter(|at| names.contains(&at.0) && !found.contains_key(at))
        .collect();
    let shown: Vec<String> = unlisted
        .iter()
        .map(|((name, place), why)| format!("{name} {place} {why}"))
        .collect();
    assert!(shown.is_empty(), "not listed:\n{}", shown.join("\n"));
    assert!(outdated.is_empty(), "listed but fits: {outdated:#?}");
}

/// One wrong member in each class of what is checked, so that no check is blind.
#[test]
fn a_planted_wrong_member_of_ours_is_noticed_in_every_class() {
    let mut checker = Checker::new();
    let misfits =
        |checker: &mut Checker, one: &Said| checker.misfits(one.method.as_deref(), &one.frame);
    let answer = |method: &str, payload: Value| Said {
        method: Some(method.to_owned()),
        frame: json!({"type": "res", "id": "1", "ok": true, "payload": payload}),
    };
    let event = |name: &str, payload: Value| Said {
        method: None,
        frame: json!({"type": "event", "event": name, "payload": payload, "seq": 1}),
    };
    let mut with_member = answer("health", json!({"ok": true}));
    with_member.frame["zzz"] = json!(1);
    let mut without_name = event("tick", json!({"ts": 1}));
    without_name.frame["seq"] = json!("one");
    for (class, planted) in [
        ("envelope of an answer", with_member),
        ("envelope of an event", without_name),
        (
            "hello by schema",
            answer("connect", json!({"type": "hello-ok", "zzz": 1})),
        ),
        (
            "payload by schema",
            answer("models.list", json!({"models": [{"id": 1}]})),
        ),
        ("payload by recording", answer("health", json!({"zzz": 1}))),
        ("kind by recording", answer("health", json!({"ok": "yes"}))),
        ("event by schema", event("tick", json!({"zzz": 1}))),
        ("event by recording", event("presence", json!({"zzz": 1}))),
        ("unknown event", event("no.such.event", json!({}))),
    ] {
        assert!(!misfits(&mut checker, &planted).is_empty(), "{class}");
    }
    let good = event("tick", json!({"ts": 1}));
    assert!(misfits(&mut checker, &good).is_empty());
}

/// What a socket tells of its peer's frames is looked at, and fails the gateway that wrote it.
#[test]
#[should_panic(expected = "models.list /models/*")]
fn an_unlisted_frame_on_a_socket_fails_the_gateway_that_wrote_it() {
    let said = Arc::new(Tapped::default());
    let mut line = Line::to(said.clone());
    line.reads(&json!({"type": "req", "id": "7", "method": "models.list"}).to_string());
    line.writes(r#"{"type":"event","event":"tick","payload":{"ts":1},"seq":1}"#);
    said.judge();
    line.writes(r#"{"type":"res","id":"7","ok":true,"payload":{"models":[{"id":1}]}}"#);
    said.judge();
}
