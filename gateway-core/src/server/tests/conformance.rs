//! Everything our gateway says, against the published schema: envelopes always, payloads where the
//! schema defines them, elsewhere key sets and types against what official gateways were recorded
//! saying. Where we differ is listed in `tests/fixtures/our-deviations.txt`.

use super::raw::{Heard, Raw, connect_request};
use super::running;
use crate::protocol::conformance::{Fit, Schema, places_outside};
use crate::protocol::recordings::{exchanges, fixtures, frames};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;

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

/// What official gateways were recorded saying, by method and by event.
struct Recorded {
    answers: HashMap<String, Vec<Value>>,
    events: HashMap<String, Vec<Value>>,
}

impl Recorded {
    fn read() -> Self {
        let mut answers: HashMap<String, Vec<Value>> = HashMap::new();
        for exchange in exchanges() {
            let payloads = exchange.answers.into_iter().filter(|answer| answer.ok);
            answers
                .entry(exchange.request.method)
                .or_default()
                .extend(payloads.map(|answer| answer.payload.unwrap_or_default()));
        }
        let mut events: HashMap<String, Vec<Value>> = HashMap::new();
        for recorded in frames() {
            if let Some(name) = recorded.value["event"].as_str() {
                events
                    .entry(name.to_owned())
                    .or_default()
                    .push(recorded.value["payload"].clone());
            }
        }
        // The event was recorded without its members; it is what `health` answers.
        let reports = answers.get("health").cloned().unwrap_or_default();
        events
            .entry("health".to_owned())
            .or_default()
            .extend(reports);
        Self { answers, events }
    }
}

#[derive(Debug, Default)]
struct Counts {
    envelopes: usize,
    by_schema: usize,
    by_recording: usize,
}

struct Checker {
    schema: Schema,
    recorded: Recorded,
    counts: Counts,
}

impl Checker {
    fn new() -> Self {
        Self {
            schema: Schema::read(),
            recorded: Recorded::read(),
            counts: Counts::default(),
        }
    }

    /// Returns where a frame does not fit: a name, a place and why.
    fn misfits(&mut self, said: &Said) -> Vec<(String, String, String)> {
        let frame = &said.frame;
        let envelope = if frame["type"] == "event" {
            "EventFrame"
        } else {
            "ResponseFrame"
        };
        let mut wrong: Vec<(String, String, String)> = self
            .schema
            .misfits(envelope, Fit::Exact, frame)
            .into_iter()
            .map(|(place, why)| (envelope.to_owned(), place, why))
            .collect();
        self.counts.envelopes += 1;
        let (name, definition, recorded) = match (&said.method, frame["event"].as_str()) {
            (_, Some(event)) => (
                format!("event:{event}"),
                self.schema.definition(event, "Event"),
                self.recorded.events.get(event),
            ),
            (Some(method), None) if frame["ok"] == true => (
                method.clone(),
                match method.as_str() {
                    "connect" => Some("HelloOk".to_owned()),
                    method => self.schema.definition(method, "Result"),
                },
                self.recorded.answers.get(method),
            ),
            (Some(_) | None, None) => return wrong,
        };
        let payload = &frame["payload"];
        if let Some(definition) = definition {
            self.counts.by_schema += 1;
            for (place, why) in self.schema.misfits(&definition, Fit::Exact, payload) {
                wrong.push((name.clone(), place, why));
            }
            return wrong;
        }
        self.counts.by_recording += 1;
        let places = match recorded {
            None => vec!["neither-in-the-schema-nor-recorded".to_owned()],
            Some(recorded) => places_outside(payload, recorded),
        };
        for place in places {
            let place = if place.is_empty() {
                "/".to_owned()
            } else {
                place
            };
            wrong.push((name.clone(), place, "not as recorded".to_owned()));
        }
        wrong
    }
}

/// Returns the first two words of each row of a committed list; the rest is the reason.
fn rows(file: &str) -> BTreeSet<(String, String)> {
    fs::read_to_string(fixtures().join(file))
        .unwrap()
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let row = (words.next().unwrap(), words.next().unwrap());
            assert!(words.next().is_some(), "{line}: no reason");
            row
        })
        .collect()
}

#[tokio::test]
async fn everything_we_say_fits_the_schema_or_a_recording_or_is_listed() {
    let (said, served) = everything_said().await;
    let mut checker = Checker::new();
    let mut found: BTreeMap<(String, String), String> = BTreeMap::new();
    for one in &said {
        for (name, place, why) in checker.misfits(one) {
            found.insert((name, place), why);
        }
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
        assert!(!checker.misfits(&planted).is_empty(), "{class}");
    }
    let good = event("tick", json!({"ts": 1}));
    assert!(checker.misfits(&good).is_empty());
}
