//! What every command of the official CLI sends, as recorded, sent to a running gateway of ours:
//! it answers what was answered, refuses what was refused, and its payloads have the same members.
//!
//! Members are compared recursively, lists by their first element. What a list does not hold on
//! either side, null, and what was cut when recording cannot be compared. Differences are in
//! `tests/fixtures/official-cli-differences.txt`, each with its reason; one that is not there, and
//! one that no longer is, turns this red.

use super::{TOKEN, running};
use crate::device_identity::{DeviceIdentity, Statement};
use crate::protocol::Request;
use crate::protocol::connect::{CONNECT, ClientInfo, Role, Scope};
use crate::protocol::recordings::{Exchange, exchanges, fixtures};
use futures_util::{SinkExt as _, StreamExt as _};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// How many differences there may be.
const MOST_DIFFERENCES: usize = 20;
/// Objects whose members are names somebody chose.
const MAPS: [&str; 10] = [
    "/channels",
    "/channelLabels",
    "/channelDetailLabels",
    "/channelSystemImages",
    "/channelAccounts",
    "/channelDefaultAccountId",
    "/deliveryPreviews",
    "/workerPools",
    "/summary/byType",
    "/summary/payloadLarge/bySurface",
];
/// Where a conversation's row stands; `row:` in the table means any of them.
const ROWS: [&str; 3] = [
    "chat.history:/sessionInfo",
    "sessions.describe:/session",
    "sessions.list:/sessions/0",
];
/// Only a node that is paired can be described.
const NEEDS_A_NODE: &str = "node.describe";

/// One connection of the CLI: its connect request and what it asked then.
struct Recording {
    connect: Exchange,
    asked: Vec<Exchange>,
}

fn recordings() -> Vec<Recording> {
    let mut recordings: Vec<Recording> = Vec::new();
    for exchange in exchanges() {
        if !exchange.file.starts_with("cli-") {
            continue;
        }
        if exchange.request.method == CONNECT {
            let asked = Vec::new();
            recordings.push(Recording {
                connect: exchange,
                asked,
            });
        } else if let Some(last) = recordings.last_mut() {
            assert_eq!(last.connect.file, exchange.file);
            last.asked.push(exchange);
        }
    }
    // The node host is a node, and has its own tests.
    recordings.retain(|recording| params(&recording.connect.request)["role"] != "node");
    recordings
}

fn params(request: &Request) -> Value {
    request.params.clone().unwrap_or_default()
}

struct Line {
    socket: WebSocketStream<TcpStream>,
}

impl Line {
    async fn open(address: SocketAddr) -> (Self, Value) {
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = client_async(format!("ws://{address}/"), stream)
            .await
            .unwrap();
        let mut line = Self { socket };
        let challenge = line.next().await;
        (line, challenge["payload"].clone())
    }

    async fn next(&mut self) -> Value {
        loop {
            let message = timeout(Duration::from_secs(20), self.socket.next()).await;
            if let Message::Text(text) = message.unwrap().unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Sends a request and returns as many answers to it.
    async fn ask(&mut self, method: &str, params: Value, answers: usize) -> Vec<Value> {
        let mut frame = json!({"type": "req", "id": "1", "method": method});
        if !params.is_null() {
            frame["params"] = params;
        }
        let text = Message::text(frame.to_string());
        self.socket.send(text).await.unwrap();
        let mut got = Vec::new();
        while got.len() < answers {
            let frame = self.next().await;
            if frame["type"] == "res" {
                got.push(frame);
            }
        }
        got
    }
}

/// The recorded connect request with our token, and signed with a key of this test.
fn connect_params(recorded: &Request, challenge: &Value) -> Value {
    let mut params = params(recorded);
    if params["auth"]["token"] == "testtoken123" {
        params["auth"]["token"] = json!(TOKEN);
    }
    if params.get("device").is_some() {
        let client: ClientInfo = serde_json::from_value(params["client"].clone()).unwrap();
        let scopes: Vec<Scope> = serde_json::from_value(params["scopes"].clone()).unwrap();
        let device = DeviceIdentity::generate(&mut StdRng::seed_from_u64(1));
        let proof = device.prove(&Statement {
            client: &client,
            role: &Role::Operator,
            scopes: &scopes,
            signed_at_ms: challenge["ts"].as_u64().unwrap(),
            token: TOKEN,
            nonce: challenge["nonce"].as_str().unwrap(),
        });
        params["device"] = serde_json::to_value(proof).unwrap();
    }
    params
}

/// What was compared, and what came of it.
#[derive(Debug, Default)]
struct Comparison {
    answers: usize,
    members: usize,
    elsewhere: usize,
    differences: BTreeSet<String>,
}

impl Comparison {
    fn answer(&mut self, method: &str, recorded: &Value, ours: &Value) {
        self.answers += 1;
        if recorded["ok"] != ours["ok"] {
            let got = &ours["error"]["message"];
            self.differences
                .insert(format!("{method}: ok is not {}: {got}", recorded["ok"]));
            return;
        }
        if recorded["ok"] == true {
            self.value(method, "", &recorded["payload"], &ours["payload"]);
            return;
        }
        let (was, is) = (&recorded["error"], &ours["error"]);
        if was["code"] != is["code"] || was["details"]["code"] != is["details"]["code"] {
            self.differences.insert(format!("{method}: error {is}"));
        }
        self.value(&format!("{method}!"), "", was, is);
    }

    fn value(&mut self, method: &str, path: &str, was: &Value, is: &Value) {
        match (was, is) {
            (Value::Object(was), Value::Object(is)) => {
                // Cut when recording, or a map.
                if was.is_empty() || MAPS.contains(&path) {
                    return;
                }
                for (name, value) in was {
                    self.members += 1;
                    let path = format!("{path}/{name}");
                    match is.get(name) {
                        Some(is) => self.value(method, &path, value, is),
                        None => {
                            self.differences
                                .insert(format!("{method}:{path} is missing"));
                        }
                    }
                }
                for name in is.keys().filter(|name| !was.contains_key(*name)) {
                    self.differences
                        .insert(format!("{method}:{path}/{name} is new"));
                }
            }
            (Value::Array(was), Value::Array(is)) => {
                if let (Some(was), Some(is)) = (was.first(), is.first()) {
                    self.value(method, &format!("{path}/0"), was, is);
                }
            }
            (Value::Null, _) | (_, Value::Null) => {}
            (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => {
                self.differences
                    .insert(format!("{method}:{path} is of another kind"));
            }
            (Value::Bool(_) | Value::Number(_) | Value::String(_), _) => {
                if std::mem::discriminant(was) != std::mem::discriminant(is) {
                    self.differences
                        .insert(format!("{method}:{path} is of another kind"));
                }
            }
        }
    }
}

/// The committed table: `pattern [pattern …] | reason`. A pattern is the beginning of a difference;
/// a `*` stands for anything within one name.
fn table() -> Vec<(Vec<String>, String)> {
    let text = fs::read_to_string(fixtures().join("official-cli-differences.txt")).unwrap();
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (patterns, reason) = line.split_once('|').expect("a reason");
            assert!(reason.trim().len() > 10, "no reason: {line}");
            // What begins so is of the programs' output, and compared where they run.
            let words = patterns.split_whitespace();
            let patterns = words
                .filter(|word| !word.starts_with("cli."))
                .map(str::to_owned);
            (patterns.collect(), reason.trim().to_owned())
        })
        .collect()
}

fn fits(pattern: &str, difference: &str) -> bool {
    let subject = difference.split(' ').next().unwrap();
    if let Some(member) = pattern.strip_prefix("row:") {
        return ROWS
            .iter()
            .any(|row| fits(&format!("{row}/{member}"), subject));
    }
    let mut names = subject.split(['/', ':']);
    pattern.split(['/', ':']).all(|wanted| match names.next() {
        Some(name) => wanted == "*" || wanted == name,
        None => false,
    })
}

/// Returns what is not in the table, and which patterns of the table fit nothing.
fn unexplained(comparison: &Comparison) -> (Vec<&String>, Vec<String>) {
    let table = table();
    let patterns: Vec<&String> = table.iter().flat_map(|(patterns, _)| patterns).collect();
    let left = comparison
        .differences
        .iter()
        .filter(|difference| !patterns.iter().any(|pattern| fits(pattern, difference)))
        .collect();
    let unused = patterns
        .iter()
        .filter(|pattern| {
            !comparison
                .differences
                .iter()
                .any(|found| fits(pattern, found))
        })
        .map(|pattern| (*pattern).clone())
        .collect();
    (left, unused)
}

#[tokio::test]
async fn every_recorded_command_of_the_official_cli_is_answered_alike() {
    let running = running().await;
    let address = running.gateway.addresses()[0];
    let mut comparison = Comparison::default();
    let mut by_method: BTreeMap<String, usize> = BTreeMap::new();
    let mut connections = 0;
    for recording in recordings() {
        connections += 1;
        let (mut line, challenge) = Line::open(address).await;
        let connect = connect_params(&recording.connect.request, &challenge);
        let ours = line.ask(CONNECT, connect, 1).await.remove(0);
        let recorded = serde_json::to_value(&recording.connect.answers[0]).unwrap();
        comparison.answer(CONNECT, &recorded, &ours);
        let served = ours["payload"]["features"]["methods"].clone();
        for exchange in &recording.asked {
            let method = exchange.request.method.as_str();
            let is_served = served.as_array().unwrap().contains(&json!(method));
            if method == NEEDS_A_NODE || (!is_served && is_of_another_family(method)) {
                comparison.elsewhere += 1;
                continue;
            }
            *by_method.entry(method.to_owned()).or_default() += 1;
            let count = exchange.answers.len();
            let answers = line.ask(method, params(&exchange.request), count).await;
            for (recorded, ours) in exchange.answers.iter().zip(&answers) {
                let recorded = serde_json::to_value(recorded).unwrap();
                comparison.answer(method, &recorded, ours);
            }
        }
    }
    running.gateway.stop().await;

    let (left, unused) = unexplained(&comparison);
    let table = table();
    println!(
        "official CLI: {connections} connections, {} answers to {} methods, {} members compared, \
         {} differences explained by {} reasons, {} requests of other families; {by_method:?}",
        comparison.answers,
        by_method.len(),
        comparison.members,
        comparison.differences.len() - left.len(),
        table.len(),
        comparison.elsewhere,
    );
    assert!(left.is_empty(), "{left:#?}");
    assert!(unused.is_empty(), "no longer a difference: {unused:#?}");
    assert!(table.len() <= MOST_DIFFERENCES);
    assert!(connections >= 40 && comparison.answers >= 80);
}

/// Methods of devices, nodes and approvals, with tests of their own beside them.
fn is_of_another_family(method: &str) -> bool {
    [
        "node.",
        "device.",
        "question.",
        "plugin.",
        "taskSuggestions.",
    ]
    .iter()
    .any(|family| method.starts_with(family))
}

#[test]
fn a_member_that_is_missing_new_or_of_another_kind_is_found() {
    let recorded = json!({"ok": true, "payload": {"a": [{"b": 1, "c": {"d": null}}], "e": "x"}});
    let found = |ours: Value| {
        let mut comparison = Comparison::default();
        comparison.answer("planted", &recorded, &json!({"ok": true, "payload": ours}));
        let (left, _) = unexplained(&comparison);
        left.into_iter().cloned().collect::<Vec<_>>()
    };

    let alike = json!({"a": [{"b": 7, "c": {"d": [1]}}, {"other": 1}], "e": ""});
    assert_eq!(found(alike), [""; 0]);
    assert_eq!(found(json!({"a": [], "e": ""})), [""; 0]);
    assert_eq!(
        found(json!({"a": [{"b": 7, "c": {}}], "e": ""})),
        ["planted:/a/0/c/d is missing"]
    );
    assert_eq!(
        found(json!({"a": [{"b": "7", "c": {"d": 1}}], "e": "", "f": 1})),
        ["planted:/a/0/b is of another kind", "planted:/f is new"]
    );
    let mut refused = Comparison::default();
    refused.answer("planted", &recorded, &json!({"ok": false, "error": {}}));
    assert_eq!(unexplained(&refused).0.len(), 1);
}

#[test]
fn a_pattern_fits_names_and_not_parts_of_names() {
    assert!(fits("status:/a", "status:/a is missing"));
    assert!(fits("*:/a", "status:/a/b/c is missing"));
    assert!(fits("status:/*/b", "status:/a/b is new"));
    assert!(fits("row:a", "sessions.list:/sessions/0/a is missing"));
    assert!(!fits("row:a", "status:/a is missing"));
    assert!(!fits("status:/a", "status:/ab is missing"));
    assert!(!fits("status:/a/b", "status:/a is missing"));
}
