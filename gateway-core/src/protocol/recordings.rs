//! The recorded traffic of real gateways and clients, and the test that every frame of it reads
//! into its type and is written back unchanged.
//!
//! One JSON object per line of `tests/fixtures/captures/*.jsonl`; lists that were cut short when
//! recording hold a `__trimmed__` mark in place of the rest.

use super::connect::{CONNECT, ConnectParams, HelloOk};
use super::{Event, Frame, Request, RequestId, Response, method};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of things the tests read.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

/// One recorded frame.
pub(crate) struct Recorded {
    pub(crate) file: String,
    pub(crate) line: usize,
    /// As recorded, without the marks of what was cut.
    pub(crate) value: Value,
    pub(crate) from_gateway: bool,
}

/// A recorded request with the answers it got.
pub(crate) struct Exchange {
    pub(crate) file: String,
    pub(crate) request: Request,
    pub(crate) answers: Vec<Response>,
}

/// Every recorded frame, file by file in the order of the traffic.
pub(crate) fn frames() -> Vec<Recorded> {
    let mut files: Vec<PathBuf> = fs::read_dir(fixtures().join("captures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    files.sort();
    let mut frames = Vec::new();
    for path in files {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for (index, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let mut record: Value = serde_json::from_str(line).unwrap();
            let mut value = record["frame"].take();
            if !value.is_object() {
                continue;
            }
            without_trim_marks(&mut value);
            frames.push(Recorded {
                file: file.clone(),
                line: index + 1,
                value,
                from_gateway: record["dir"] == "s2c",
            });
        }
    }
    frames
}

/// Every recorded request with its answers.
pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut by_id: HashMap<(String, RequestId), usize> = HashMap::new();
    for recorded in frames() {
        let Ok(frame) = serde_json::from_value(recorded.value) else {
            continue;
        };
        match frame {
            Frame::Request(request) => {
                by_id.insert((recorded.file.clone(), request.id.clone()), exchanges.len());
                exchanges.push(Exchange {
                    file: recorded.file,
                    request,
                    answers: Vec::new(),
                });
            }
            Frame::Response(response) => {
                if let Some(&index) = by_id.get(&(recorded.file, response.id.clone())) {
                    exchanges[index].answers.push(response);
                }
            }
            Frame::Event(_) => {}
        }
    }
    exchanges
}

/// The names of one section of the committed list of what may stay unknown.
pub(crate) fn may_stay_unknown(section: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(fixtures().join("may-stay-unknown.txt")).unwrap();
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            inside = header.strip_suffix(']') == Some(section);
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            names.insert(line.split_whitespace().next().unwrap().to_owned());
        }
    }
    names
}

fn without_trim_marks(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.retain(|item| !is_trim_mark(item));
            items.iter_mut().for_each(without_trim_marks);
        }
        Value::Object(members) => {
            members.remove("__trimmed__");
            members.values_mut().for_each(without_trim_marks);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_trim_mark(item: &Value) -> bool {
    item.as_object()
        .is_some_and(|members| members.len() == 1 && members.contains_key("__trimmed__"))
        || item
            .as_str()
            .is_some_and(|text| text.starts_with("__trimmed__"))
}

/// Returns where two values differ, or nothing.
fn difference(path: &str, was: &Value, is: &Value) -> Option<String> {
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            for (name, value) in was {
                let path = format!("{path}/{name}");
                match is.get(name) {
                    None => return Some(format!("{path} was lost")),
                    Some(is) => {
                        if let Some(difference) = difference(&path, value, is) {
                            return Some(difference);
                        }
                    }
                }
            }
            is.keys()
                .find(|name| !was.contains_key(*name))
                .map(|name| format!("{path}/{name} was added"))
        }
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => was
            .iter()
            .zip(is)
            .enumerate()
            .find_map(|(index, (was, is))| difference(&format!("{path}/{index}"), was, is)),
        _ => (was != is).then(|| format!("{path}: {was} became {is}")),
    }
}

fn assert_unchanged(what: &str, was: &Value, is: &Value) {
    if let Some(difference) = difference("", was, is) {
        panic!("{what}: {difference}");
    }
}

#[test]
fn every_recorded_frame_reads_and_is_written_back_unchanged() {
    let mut count = 0;
    let mut refused = 0;
    for recorded in frames() {
        let place = format!("{}:{}", recorded.file, recorded.line);
        match Frame::parse(&recorded.value.to_string()) {
            Ok(frame) => {
                assert_unchanged(
                    &place,
                    &recorded.value,
                    &serde_json::to_value(&frame).unwrap(),
                );
                count += 1;
            }
            // Some clients were recorded sending what is no frame, to see how a gateway answers.
            Err(error) => {
                assert!(!recorded.from_gateway, "{place}: {error}");
                refused += 1;
            }
        }
    }
    println!("recorded frames: {count} unchanged, {refused} of clients are no frames");
    assert!(count > 1_500 && refused <= 3);
}

#[test]
fn every_recorded_event_reads_into_its_type_or_is_listed() {
    let listed = may_stay_unknown("events");
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for recorded in frames() {
        let Ok(Frame::Event(frame)) = serde_json::from_value(recorded.value) else {
            continue;
        };
        let event = Event::of(&frame);
        let place = format!("{}:{} {}", recorded.file, recorded.line, frame.event);
        if matches!(event, Event::Unknown(_)) {
            assert!(
                listed.contains(&frame.event),
                "{place}: stays unknown and is not listed"
            );
            *unknown.entry(frame.event.clone()).or_default() += 1;
        } else {
            *known.entry(frame.event.clone()).or_default() += 1;
        }
        assert_unchanged(
            &place,
            &frame.payload.unwrap_or_default(),
            &event.to_payload(),
        );
    }
    println!("recorded events with types: {known:?}\nrecorded events without: {unknown:?}");
    for name in &listed {
        assert!(
            unknown.contains_key(name),
            "{name} is listed but never stays unknown"
        );
        assert!(
            !Event::NAMES.contains(&name.as_str()),
            "{name} is listed but has a type"
        );
    }
}

#[test]
fn every_recorded_request_and_answer_reads_into_its_type_or_is_listed() {
    let catalogue: HashMap<&str, method::Entry> = method::catalogue()
        .into_iter()
        .map(|entry| (entry.name, entry))
        .collect();
    let listed = may_stay_unknown("methods");
    let mut params = 0;
    let mut payloads = 0;
    let mut malformed = 0;
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    let mut recorded = BTreeSet::new();
    for exchange in exchanges() {
        let name = exchange.request.method.as_str();
        if name == CONNECT {
            continue;
        }
        let place = format!("{} {name}", exchange.file);
        let Some(entry) = catalogue.get(name) else {
            assert!(
                listed.contains(name),
                "{place}: has no types and is not listed"
            );
            *unknown.entry(name.to_owned()).or_default() += 1;
            continue;
        };
        recorded.insert(entry.name);
        let answered_well = exchange.answers.iter().any(|answer| answer.ok);
        let sent = exchange
            .request
            .params
            .unwrap_or(Value::Object(Default::default()));
        match (entry.reread_params)(sent.clone()) {
            Ok(back) => {
                assert_unchanged(&format!("{place} params"), &sent, &back);
                params += 1;
            }
            // Malformed on purpose, and the gateway said so.
            Err(error) => {
                assert!(!answered_well, "{place} params: {error}");
                malformed += 1;
            }
        }
        for answer in exchange.answers.into_iter().filter(|answer| answer.ok) {
            let back = (entry.reread_payload)(answer.payload.clone().unwrap_or_default())
                .unwrap_or_else(|error| panic!("{place} payload: {error}"));
            assert_unchanged(
                &format!("{place} payload"),
                &answer.payload.unwrap_or_default(),
                &back,
            );
            payloads += 1;
        }
    }
    println!(
        "recorded methods with types: {} of {}, {params} params and {payloads} payloads unchanged, \
         {malformed} malformed on purpose\nrecorded methods without: {unknown:?}",
        recorded.len(),
        catalogue.len()
    );
    for name in &listed {
        assert!(
            unknown.contains_key(name),
            "{name} is listed but never recorded, or has types"
        );
    }
}

#[test]
fn every_recorded_handshake_reads_into_its_type() {
    let mut requests = 0;
    let mut malformed = 0;
    let mut hellos = BTreeMap::<u32, usize>::new();
    let mut refusals = BTreeMap::<String, usize>::new();
    for exchange in exchanges()
        .into_iter()
        .filter(|exchange| exchange.request.method == CONNECT)
    {
        let sent = exchange.request.params.unwrap_or_default();
        match serde_json::from_value::<ConnectParams>(sent.clone()) {
            Ok(params) => {
                assert_unchanged(
                    &exchange.file,
                    &sent,
                    &serde_json::to_value(&params).unwrap(),
                );
                requests += 1;
            }
            Err(error) => {
                assert!(
                    !exchange.answers.iter().any(|answer| answer.ok),
                    "{}: {error}",
                    exchange.file
                );
                malformed += 1;
            }
        }
        for answer in exchange.answers {
            if let Some(error) = answer.error {
                *refusals.entry(error.code.to_string()).or_default() += 1;
                continue;
            }
            // A second connect on a live connection is answered with an error, so this is hello-ok.
            let payload = answer.payload.unwrap_or_default();
            let hello: HelloOk = serde_json::from_value(payload.clone())
                .unwrap_or_else(|error| panic!("{}: {error}", exchange.file));
            assert_unchanged(
                &exchange.file,
                &payload,
                &serde_json::to_value(&hello).unwrap(),
            );
            *hellos.entry(hello.protocol).or_default() += 1;
        }
    }
    println!(
        "recorded handshakes: {requests} requests, {malformed} malformed on purpose, hello-ok by \
         wire version {hellos:?}, refusals {refusals:?}"
    );
    assert!(hellos[&3] >= 3 && hellos[&4] > 50);
}

#[test]
fn losing_a_member_is_noticed() {
    let was = serde_json::json!({"a": [{"b": null}]});

    assert_eq!(difference("", &was, &was), None);
    assert!(difference("", &was, &serde_json::json!({"a": [{}]})).is_some());
    assert!(difference("", &was, &serde_json::json!({"a": []})).is_some());
    assert!(difference("", &was, &serde_json::json!({"a": [{"b": null}], "c": 1})).is_some());
}
