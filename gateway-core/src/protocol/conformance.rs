//! What we send and what gateways were recorded sending, against the published schema.
//!
//! Envelopes always; params and payloads where the schema defines them; elsewhere key sets and
//! types against a recording. What we send has to fit as it stands. What gateways send may hold
//! more than the schema says, because they are newer than it, and deviates in the places listed in
//! `tests/fixtures/schema-deviations.txt`.

use super::event::Event;
use super::method::{Entry, catalogue};
use super::recordings::{exchanges, fixtures, frames};
use super::{Frame, RequestId};
use crate::client::fake_gateway::{FakeGateway, dial, hello_request};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::{env, fs};

mod samples;

/// Names the schema file; without it the one `scripts/setup test` installs is read.
const SCHEMA_VARIABLE: &str = "OPENCLAW_PROTOCOL_SCHEMA";
const SCHEMA_FILE: &str =
    ".tools/gateway-protocol/node_modules/@openclaw/gateway-protocol/protocol.schema.json";

/// Definitions that are not named after their method.
const ODD_NAMES: [(&str, &str); 3] = [
    ("AgentIdentityGetParams", "AgentIdentityParams"),
    ("AgentIdentityGetResult", "AgentIdentityResult"),
    ("ConfigSchemaResult", "ConfigSchemaResponse"),
];

/// How closely a value has to follow the schema.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fit {
    /// To the letter: what we send.
    Exact,
    /// Unknown members allowed: what we receive.
    Open,
}

pub(crate) struct Schema {
    definitions: serde_json::Map<String, Value>,
    validators: Mutex<HashMap<(String, Fit), Arc<Validator>>>,
}

impl Schema {
    pub(crate) fn read() -> Self {
        let path = env::var(SCHEMA_VARIABLE).map_or_else(
            |_| {
                Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("..")
                    .join(SCHEMA_FILE)
            },
            Into::into,
        );
        let text = fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("{}: {error}; run scripts/setup test", path.display());
        });
        let mut schema: Value = serde_json::from_str(&text).unwrap();
        let Value::Object(definitions) = schema["definitions"].take() else {
            panic!("{}: no definitions", path.display());
        };
        assert!(
            definitions.len() > 500,
            "{}: not the whole schema",
            path.display()
        );
        Self {
            definitions,
            validators: Mutex::default(),
        }
    }

    /// Returns the definition for a method or event, if there is one.
    pub(crate) fn definition(&self, name: &str, suffix: &str) -> Option<String> {
        let mut camel = String::new();
        for word in name.split(['.', '-']) {
            let (first, rest) = word.split_at(1);
            camel.push_str(&first.to_uppercase());
            camel.push_str(rest);
        }
        camel.push_str(suffix);
        let odd = ODD_NAMES.iter().find(|(expected, _)| *expected == camel);
        let definition = odd.map_or(camel, |(_, actual)| (*actual).to_owned());
        self.definitions
            .contains_key(&definition)
            .then_some(definition)
    }

    /// Returns the places where a value does not fit, each with why.
    pub(crate) fn misfits(
        &self,
        definition: &str,
        fit: Fit,
        value: &Value,
    ) -> Vec<(String, String)> {
        self.validator(definition, fit)
            .iter_errors(value)
            .map(|error| {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() {
                    "/".to_owned()
                } else {
                    place
                };
                (place, error.masked().to_string())
            })
            .collect()
    }

    fn validator(&self, definition: &str, fit: Fit) -> Arc<Validator> {
        let key = (definition.to_owned(), fit);
        if let Some(validator) = self.validators.lock().unwrap().get(&key) {
            return Arc::clone(validator);
        }
        // Only what the definition reaches; the whole schema takes seconds to compile.
        let mut reached = serde_json::Map::new();
        self.reach(definition, fit, &mut reached);
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$ref": format!("#/definitions/{definition}"),
            "definitions": reached,
        });
        let validator = Arc::new(jsonschema::validator_for(&schema).unwrap());
        self.validators
            .lock()
            .unwrap()
            .insert(key, Arc::clone(&validator));
        validator
    }

    fn reach(&self, name: &str, fit: Fit, reached: &mut serde_json::Map<String, Value>) {
        if reached.contains_key(name) {
            return;
        }
        let mut definition = self.definitions[name].clone();
        if fit == Fit::Open {
            open(&mut definition);
        }
        let mut references = BTreeSet::new();
        find_references(&definition, &mut references);
        reached.insert(name.to_owned(), definition);
        for reference in references {
            self.reach(&reference, fit, reached);
        }
    }
}

fn open(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("additionalProperties") == Some(&Value::Bool(false)) {
                members.remove("additionalProperties");
            }
            members.values_mut().for_each(open);
        }
        Value::Array(items) => items.iter_mut().for_each(open),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn find_references(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                if let ("$ref", Value::String(target)) = (name.as_str(), value)
                    && let Some(target) = target.strip_prefix("#/definitions/")
                {
                    found.insert(target.to_owned());
                }
                find_references(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| find_references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The places where recorded gateways are known to deviate, and which of them were met.
struct Deviations(Vec<(String, String, String, RefCell<bool>)>);

impl Deviations {
    fn read() -> Self {
        let text = fs::read_to_string(fixtures().join("schema-deviations.txt")).unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        Self(
            lines
                .map(|line| {
                    let mut words = line.split_whitespace().map(str::to_owned);
                    let mut next = || words.next().unwrap();
                    (next(), next(), next(), RefCell::new(false))
                })
                .collect(),
        )
    }

    fn allow(&self, name: &str, place: &str, file: &str) -> bool {
        let listed = self.0.iter().find(|(listed, at, files, _)| {
            listed == name && at == place && file.starts_with(files.as_str())
        });
        if let Some((.., met)) = listed {
            met.replace(true);
        }
        listed.is_some()
    }
}

/// Returns the kinds of value each place of a recording holds, by its path.
pub(crate) fn shape_of(
    value: &Value,
    path: &str,
    shape: &mut BTreeMap<String, BTreeSet<&'static str>>,
) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    shape.entry(path.to_owned()).or_default().insert(kind);
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                shape_of(value, &format!("{path}/{name}"), shape);
            }
        }
        Value::Array(items) => {
            for item in items {
                shape_of(item, &format!("{path}/*"), shape);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns the first place where `value` has what no recording has.
fn outside_recordings(value: &Value, recorded: &[Value]) -> Option<String> {
    places_outside(value, recorded).into_iter().next()
}

/// Returns where `value` has a member or a kind of value that no recording has.
fn places_outside(value: &Value, recorded: &[Value]) -> Vec<String> {
    let mut known = BTreeMap::new();
    for recorded in recorded {
        shape_of(recorded, "", &mut known);
    }
    kinds_outside(value, &known)
}

/// Returns where `value` has a member or a kind of value that this shape has not.
pub(crate) fn kinds_outside(
    value: &Value,
    known: &BTreeMap<String, BTreeSet<&'static str>>,
) -> Vec<String> {
    let mut ours = BTreeMap::new();
    shape_of(value, "", &mut ours);
    ours.into_iter()
        .filter(|(path, kinds)| {
            !known
                .get(path)
                .is_some_and(|known| known.is_superset(kinds))
        })
        .map(|(path, _)| path)
        .collect()
}

fn envelope(method: &str, params: &Value) -> Value {
    serde_json::to_value(Frame::Request(super::Request {
        id: RequestId::from("1"),
        method: method.to_owned(),
        params: Some(params.clone()),
        extra: super::Extra::new(),
    }))
    .unwrap()
}

/// The params that were recorded with a good answer, by method.
fn recorded_params() -> HashMap<String, Vec<Value>> {
    let mut recorded: HashMap<String, Vec<Value>> = HashMap::new();
    for exchange in exchanges() {
        if exchange.answers.iter().any(|answer| answer.ok) {
            let params = exchange.request.params.unwrap_or_else(|| json!({}));
            recorded
                .entry(exchange.request.method)
                .or_default()
                .push(params);
        }
    }
    recorded
}

#[tokio::test(start_paused = true)]
async fn the_connect_request_we_send_fits_the_schema() {
    let schema = Schema::read();
    let (_connecting, stream) = dial(hello_request());
    let (_gateway, request) = FakeGateway::challenge(stream).await;
    let frame = serde_json::to_value(Frame::Request(request.clone())).unwrap();
    let mut params = request.params.unwrap();

    assert_eq!(schema.misfits("RequestFrame", Fit::Exact, &frame), []);
    assert_eq!(schema.misfits("ConnectParams", Fit::Exact, &params), []);
    params["zzz"] = json!(1);
    assert_ne!(
        schema.misfits("ConnectParams", Fit::Exact, &params),
        [],
        "planted"
    );
}

#[test]
fn everything_we_send_fits_the_schema_or_a_recording() {
    let schema = Schema::read();
    let recorded = recorded_params();
    let samples = samples::params();
    let (mut envelopes, mut by_schema, mut by_recording) = (0, 0, 0);
    for Entry { name, .. } in catalogue() {
        let ours: Vec<&Value> = samples
            .iter()
            .filter(|(method, _)| *method == name)
            .map(|(_, params)| params)
            .collect();
        assert!(!ours.is_empty(), "{name} has no sample of what we send");
        for params in ours {
            assert_eq!(
                schema.misfits("RequestFrame", Fit::Exact, &envelope(name, params)),
                []
            );
            envelopes += 1;
            if let Some(definition) = schema.definition(name, "Params") {
                let misfits = schema.misfits(&definition, Fit::Exact, params);
                assert_eq!(misfits, [], "{name}: {params}");
                by_schema += 1;
            } else {
                let recorded = recorded.get(name).unwrap_or_else(|| {
                    panic!("{name} is neither in the schema nor recorded");
                });
                assert_eq!(
                    outside_recordings(params, recorded),
                    None,
                    "{name}: {params}"
                );
                by_recording += 1;
            }
        }
    }
    println!(
        "sent: {envelopes} envelopes, {by_schema} params by schema, {by_recording} params by recording"
    );
}

#[test]
fn everything_gateways_were_recorded_sending_fits_the_schema_or_is_listed() {
    let schema = Schema::read();
    let deviations = Deviations::read();
    let check = |name: &str, definition: &str, file: &str, value: &Value| {
        for (place, why) in schema.misfits(definition, Fit::Open, value) {
            assert!(
                deviations.allow(name, &place, file),
                "{file} {name} {place}: {why}"
            );
        }
    };
    let (mut envelopes, mut by_schema, mut by_recording) = (0, 0, 0);
    for recorded in frames().iter().filter(|recorded| recorded.from_gateway) {
        let (definition, event) = match serde_json::from_value(recorded.value.clone()).unwrap() {
            Frame::Request(_) => ("RequestFrame", None),
            Frame::Response(_) => ("ResponseFrame", None),
            Frame::Event(frame) => ("EventFrame", Some(frame)),
        };
        check(definition, definition, &recorded.file, &recorded.value);
        envelopes += 1;
        let Some(event) = event.filter(|event| Event::NAMES.contains(&event.event.as_str())) else {
            continue;
        };
        match schema.definition(&event.event, "Event") {
            Some(definition) => {
                check(
                    &event.event,
                    &definition,
                    &recorded.file,
                    &event.payload.unwrap_or_default(),
                );
                by_schema += 1;
            }
            // That it is written back unchanged is tested with the recordings.
            None => by_recording += 1,
        }
    }
    let mut recorded_payloads = BTreeSet::new();
    let catalogue: BTreeSet<&str> = catalogue().iter().map(|entry| entry.name).collect();
    for exchange in exchanges() {
        let name = exchange.request.method.as_str();
        if name != "connect" && !catalogue.contains(name) {
            continue;
        }
        let definition = match name {
            "connect" => Some("HelloOk".to_owned()),
            name => schema.definition(name, "Result"),
        };
        for answer in exchange.answers.iter().filter(|answer| answer.ok) {
            let payload = answer.payload.clone().unwrap_or_default();
            match &definition {
                Some(definition) => {
                    check(name, definition, &exchange.file, &payload);
                    by_schema += 1;
                }
                None => by_recording += 1,
            }
            recorded_payloads.insert(name.to_owned());
        }
    }
    println!(
        "received: {envelopes} envelopes, {by_schema} payloads by schema, {by_recording} by recording"
    );
    for (name, place, file, met) in &deviations.0 {
        assert!(
            *met.borrow(),
            "{name} {place} {file} is listed but does not deviate"
        );
    }
    let without_model: BTreeSet<String> = catalogue
        .iter()
        .filter(|name| !recorded_payloads.contains(**name))
        .filter(|name| schema.definition(name, "Result").is_none())
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(without_model, listed_without_model());
}

fn listed_without_model() -> BTreeSet<String> {
    fs::read_to_string(fixtures().join("payloads-without-a-model.txt"))
        .unwrap()
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// One wrong member in each class of what is checked, so that no check is blind.
#[test]
fn a_planted_wrong_member_is_noticed_in_every_class() {
    let schema = Schema::read();
    let mut frame = envelope("health", &json!({}));
    frame["zzz"] = json!(1);
    assert_ne!(
        schema.misfits("RequestFrame", Fit::Exact, &frame),
        [],
        "envelope sent"
    );
    let answer = json!({"type": "res", "id": "1", "ok": "yes"});
    assert_ne!(
        schema.misfits("ResponseFrame", Fit::Open, &answer),
        [],
        "envelope received"
    );
    let params = json!({"sessionKey": "main", "message": "x", "idempotencyKey": "k", "zzz": 1});
    assert_ne!(
        schema.misfits("ChatSendParams", Fit::Exact, &params),
        [],
        "params by schema"
    );
    let payload = json!({"models": [{"id": "m", "name": 1, "provider": "p"}]});
    assert_ne!(
        schema.misfits("ModelsListResult", Fit::Open, &payload),
        [],
        "payload by schema"
    );
    let recorded = [json!({"probe": true})];
    assert!(
        outside_recordings(&json!({"zzz": 1}), &recorded).is_some(),
        "params by recording"
    );
    assert!(
        outside_recordings(&json!({"probe": 1}), &recorded).is_some(),
        "kinds by recording"
    );
    assert!(schema.definition("no.such", "Params").is_none());
}
