//! The recorded handshakes of the official gateway, played to ours on a real port: what clients were
//! answered there they have to be answered here. Nonces and signatures are made anew with keys that
//! only the test has. Where we differ is listed, with the reason, in
//! `tests/fixtures/handshake-differences.txt`.

use super::super::exposure::LocalAuth;
use super::raw::{FIN, Heard, Raw, TEXT, frame, health_request};
use super::{Running, config, running_with};
use crate::credentials::secret::{DeviceToken, GatewayPassword, GatewayToken};
use crate::device_identity::device_id_of;
use crate::protocol::DeviceId;
use crate::protocol::recordings::fixtures;
use crate::server::{Gateway, GatewayConfig};
use crate::store::{DeviceRecord, DeviceTokenHash, NewDeviceToken};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fs;
use tempfile::TempDir;
use tokio::time::Instant;

/// The recordings of a handshake, of its refusals, and of malformed frames.
const FAMILIES: [&str; 8] = [
    "connect-",
    "pairing-",
    "first-frame-",
    "post-auth-",
    "second-connect",
    "v3-connect-",
    "v3-bad-token",
    "cli-err-",
];
/// Recordings of another kind: what the approver does, played with the methods it calls.
const NOT_HANDSHAKES: [&str; 1] = ["pairing-approver.jsonl"];
/// The secrets of the recorded gateways.
const RECORDED_TOKEN: &str = "testtoken123";
const RECORDED_PASSWORD: &str = "testpass456";
/// The device that was recorded being approved, and the token it got.
const APPROVED_DEVICE: &str = "27f6b06cc722f2a0807fb7825679a9c2780dab79aa2dd2691566719d479d7f8e";
const APPROVED_TOKEN: &str = "zhNCFVoAf4yKgpJO0WIV9yXDVRhhftjiNYqyQitmnWo";

struct Recording {
    file: String,
    /// One list of lines for each connection.
    connections: Vec<Vec<Value>>,
}

impl Recording {
    fn all() -> Vec<Self> {
        let mut files: Vec<String> = fs::read_dir(fixtures().join("captures"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|file| FAMILIES.iter().any(|family| file.starts_with(family)))
            .filter(|file| !NOT_HANDSHAKES.contains(&file.as_str()))
            .collect();
        files.sort();
        files.into_iter().map(Self::read).collect()
    }

    fn read(file: String) -> Self {
        let text = fs::read_to_string(fixtures().join("captures").join(&file)).unwrap();
        let mut connections: Vec<Vec<Value>> = Vec::new();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            if line["frame"]["event"] == "connect.challenge" {
                connections.push(Vec::new());
            }
            if let Some(lines) = connections.last_mut() {
                lines.push(line);
            }
        }
        Self { file, connections }
    }

    fn is(&self, starts: &[&str]) -> bool {
        starts.iter().any(|start| self.file.starts_with(start))
    }

    /// The recorded gateway had a password and stood behind a proxy.
    fn is_behind_proxy(&self) -> bool {
        self.is(&["pairing-", "connect-device-token-", "connect-remote-"])
    }

    fn auth(&self) -> LocalAuth {
        if self.is(&["connect-auth-none"]) {
            LocalAuth::None
        } else if self.is_behind_proxy()
            || self.is(&[
                "connect-password-",
                "connect-token-in-password",
                "connect-during-startup",
            ])
        {
            LocalAuth::Password(GatewayPassword::new(RECORDED_PASSWORD))
        } else {
            LocalAuth::Token(GatewayToken::new(RECORDED_TOKEN))
        }
    }

    fn fields(&self, running: &Running) -> String {
        let own = format!("http://{}", running.gateway.addresses()[0]);
        if self.is_behind_proxy() {
            "X-Forwarded-For: 203.0.113.9\r\n".to_owned()
        } else if self.is(&["connect-origin-evil"]) {
            "Origin: http://evil.example\r\n".to_owned()
        } else if self.is(&["connect-origin-same", "connect-control-ui-no-device"]) {
            format!("Origin: {own}\r\n")
        } else {
            String::new()
        }
    }

    /// What the recorded gateway had approved before.
    async fn prepare(&self, running: &Running) {
        if !self.is_behind_proxy() || self.is(&["pairing-required-not-paired", "connect-remote-"]) {
            return;
        }
        let device = Device::of(APPROVED_DEVICE);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let store = &running.gateway.state.store;
        let record = DeviceRecord {
            device_id: device.id(),
            public_key: device.public_key(),
            display_name: None,
            platform: Some("ios".to_owned()),
            device_family: Some("iPhone".to_owned()),
            client_id: Some("openclaw-ios".to_owned()),
            client_mode: Some("ui".to_owned()),
            roles: words(&["operator"]),
            scopes: words(&["operator.read", "operator.write"]),
            approved_via: "owner".to_owned(),
            created_at_ms: 1,
            approved_at_ms: 1,
            last_seen_at_ms: None,
            label: None,
        };
        store.put_device(record).await.unwrap();
        if self.is(&["connect-device-token-after-rotate"]) {
            return;
        }
        let token = NewDeviceToken {
            device_id: device.id(),
            role: "operator".to_owned(),
            hash: DeviceTokenHash::of(&DeviceToken::new(APPROVED_TOKEN)),
            scopes: words(&["operator.read", "operator.write"]),
            at_ms: 1,
        };
        store.put_device_token(token).await.unwrap();
    }
}

/// The key of a recorded device: made from its id, so that it stays the same.
pub(super) struct Device(SigningKey);

impl Device {
    pub(super) fn of(recorded_id: &str) -> Self {
        Self(SigningKey::from_bytes(&Sha256::digest(recorded_id).into()))
    }

    pub(super) fn id(&self) -> DeviceId {
        device_id_of(self.0.verifying_key().as_bytes())
    }

    pub(super) fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.verifying_key().as_bytes())
    }

    /// The text of protocol §3, written down once more.
    pub(super) fn sign(&self, params: &Value, version: &str) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (client, auth, device) = (&params["client"], &params["auth"], &params["device"]);
        let scopes: Vec<String> = params["scopes"]
            .as_array()
            .map(|scopes| scopes.iter().map(text).collect())
            .unwrap_or_default();
        let token = ["token", "deviceToken", "bootstrapToken"]
            .iter()
            .find_map(|name| auth[name].as_str())
            .unwrap_or_default();
        let mut fields = vec![
            version.to_owned(),
            self.id().as_str().to_owned(),
            text(&client["id"]),
            text(&client["mode"]),
            text(&params["role"]),
            scopes.join(","),
            device["signedAt"].to_string(),
            token.to_owned(),
            text(&device["nonce"]),
        ];
        if version == "v3" {
            for name in ["platform", "deviceFamily"] {
                fields.push(text(&client[name]).trim().to_ascii_lowercase());
            }
        }
        URL_SAFE_NO_PAD.encode(self.0.sign(fields.join("|").as_bytes()).to_bytes())
    }
}

/// Returns a recorded connect request as the same client would send it now: what was right then is
/// right now, and what was wrong stays wrong.
fn renewed(recorded: &Value, old: &Value, new: &Value, version: &str) -> Value {
    let mut request = recorded.clone();
    let device = recorded["params"]["device"].clone();
    if !device.is_object() {
        return request;
    }
    let old_id = device["id"].as_str().unwrap();
    let own = Device::of(old_id);
    let key = URL_SAFE_NO_PAD
        .decode(device["publicKey"].as_str().unwrap())
        .unwrap();
    let members = &mut request["params"]["device"];
    if device_id_of(&key).as_str() == old_id || key.len() != 32 {
        members["id"] = json!(own.id());
    }
    if key.len() == 32 {
        members["publicKey"] = json!(own.public_key());
    }
    if device["nonce"] == old["nonce"] {
        members["nonce"] = new["nonce"].clone();
    }
    let age = old["ts"].as_i64().unwrap() - device["signedAt"].as_i64().unwrap();
    members["signedAt"] = json!(new["ts"].as_i64().unwrap() - age);
    let signature = device["signature"].as_str().unwrap();
    if !signature.bytes().all(|byte| byte == b'A') {
        let signature = own.sign(&request["params"], version);
        request["params"]["device"]["signature"] = json!(signature);
    }
    request
}

/// Returns the bytes of what a client sent that was recorded by its length only, or in part.
fn message_of(file: &str, line: &Value) -> Vec<u8> {
    if let Some(length) = line["binary_len"].as_u64() {
        let (id, method) = match file {
            "first-frame-binary-json.jsonl" => ("1", "connect"),
            "post-auth-binary-json-req.jsonl" => ("b1", "health"),
            _ => return vec![1; usize::try_from(length).unwrap()],
        };
        let message = json!({"type": "req", "id": id, "method": method, "params": {}});
        return message.to_string().into_bytes();
    }
    let mut text = line["text"].as_str().unwrap().as_bytes().to_vec();
    text.resize(
        usize::try_from(line["text_len"].as_u64().unwrap()).unwrap(),
        b'a',
    );
    text
}

/// Plays one recorded connection; returns where what was answered differs.
async fn play(recording: &Recording, lines: &[Value], running: &Running) -> Vec<String> {
    let address = running.gateway.addresses()[0];
    let mut raw = Raw::open(address, &recording.fields(running)).await;
    let old = lines[0]["frame"]["payload"].clone();
    let new = raw.challenge().await;
    let version = if recording.is(&["connect-v2-signature", "v3-connect-sig-v2"]) {
        "v2"
    } else {
        "v3"
    };
    let mut differences = Vec::new();
    let mut renamed: Vec<(String, String)> = Vec::new();
    for line in &lines[1..] {
        match line["dir"].as_str().unwrap() {
            "c2s" if line["frame"]["method"] == "connect" => {
                let request = renewed(&line["frame"], &old, &new, version);
                if let (Some(old), Some(new)) = (
                    line["frame"]["params"]["device"]["id"].as_str(),
                    request["params"]["device"]["id"].as_str(),
                ) {
                    renamed.push((old.to_owned(), new.to_owned()));
                }
                raw.say(&request).await;
            }
            "c2s" if line["frame"].is_object() => raw.say(&line["frame"]).await,
            "c2s" => {
                let opcode = if line["binary_len"].is_u64() { 2 } else { TEXT };
                let message = message_of(&recording.file, line);
                raw.send(&frame(FIN | opcode, &message)).await;
            }
            "s2c" if line["frame"]["type"] == "res" => {
                let ours = match raw.hear_no_event().await {
                    Heard::Text(ours) => ours,
                    other @ (Heard::Pong(_) | Heard::Close { .. } | Heard::End) => {
                        differences.push(format!("{other:?} instead of an answer"));
                        return differences;
                    }
                };
                let theirs = &line["frame"];
                if let (Some(old), Some(new)) = (
                    theirs["error"]["details"]["requestId"].as_str(),
                    ours["error"]["details"]["requestId"].as_str(),
                ) {
                    renamed.push((old.to_owned(), new.to_owned()));
                }
                compare_answers(theirs, &ours, &renamed, &mut differences);
                if theirs["ok"] != ours["ok"] {
                    return differences;
                }
            }
            "meta" => {
                let theirs = &line["close"];
                if theirs["by"] == "client" {
                    continue;
                }
                compare_closes(&mut raw, theirs, &renamed, &mut differences).await;
                return differences;
            }
            // Events come when they come; tested elsewhere.
            _ => {}
        }
    }
    differences
}

/// Returns the text with the ids of now.
fn in_terms_of_now(text: &str, renamed: &[(String, String)]) -> String {
    renamed
        .iter()
        .fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
}

fn compare_answers(
    theirs: &Value,
    ours: &Value,
    renamed: &[(String, String)],
    differences: &mut Vec<String>,
) {
    let theirs: Value =
        serde_json::from_str(&in_terms_of_now(&theirs.to_string(), renamed)).unwrap();
    for place in ["/id", "/ok"] {
        if theirs.pointer(place) != ours.pointer(place) {
            differences.push(place.to_owned());
        }
    }
    if theirs["ok"] != ours["ok"] {
        return;
    }
    if theirs["ok"] == true {
        for place in [
            "/payload/auth/role",
            "/payload/auth/scopes",
            "/payload/auth/method",
            "/payload/type",
        ] {
            if theirs.pointer(place) != ours.pointer(place) {
                differences.push(place.to_owned());
            }
        }
        let place = "/payload/auth/deviceToken";
        if theirs.pointer(place).is_some() != ours.pointer(place).is_some() {
            differences.push(place.to_owned());
        }
        return;
    }
    let empty = Map::new();
    let members = |value: &Value| value.as_object().unwrap_or(&empty).clone();
    for (at, theirs, ours) in [
        ("/error", members(&theirs["error"]), members(&ours["error"])),
        (
            "/error/details",
            members(&theirs["error"]["details"]),
            members(&ours["error"]["details"]),
        ),
    ] {
        let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
        for name in names {
            let both_have_details =
                name == "details" && theirs.contains_key(name) == ours.contains_key(name);
            if theirs.get(name) != ours.get(name) && !both_have_details {
                differences.push(format!("{at}/{name}"));
            }
        }
    }
}

async fn compare_closes(
    raw: &mut Raw,
    theirs: &Value,
    renamed: &[(String, String)],
    differences: &mut Vec<String>,
) {
    let was_served = theirs["code"] == 1000 && theirs["by"].is_null();
    if was_served {
        // The recording client went, or was thrown out for what is no frame.
        raw.say(&health_request("still there")).await;
    }
    match raw.hear_no_event().await {
        Heard::Text(answer) if was_served && answer["id"] == "still there" => {}
        Heard::Close { code, reason } => {
            if theirs["code"].as_u64() != code.map(u64::from) {
                differences.push("/close/code".to_owned());
            }
            let full = in_terms_of_now(theirs["reason"].as_str().unwrap(), renamed);
            // Of a request's id, what fitted was recorded: the rest of it is any id.
            let without_id = |text: &str| {
                let (before, _) = text.split_once("(requestId: ").unwrap_or((text, ""));
                (before.to_owned(), text.len())
            };
            if without_id(&full) != without_id(&reason) {
                differences.push("/close/reason".to_owned());
            }
        }
        other @ (Heard::Text(_) | Heard::Pong(_) | Heard::End) => {
            differences.push(format!("{other:?} instead of a close"));
        }
    }
}

/// The committed list: file, place and reason, in columns of which the last is free text.
fn listed_differences() -> BTreeSet<(String, String)> {
    fs::read_to_string(fixtures().join("handshake-differences.txt"))
        .unwrap()
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut words = line.split_whitespace();
            let listed = (words.next().unwrap(), words.next().unwrap());
            assert!(words.next().is_some(), "{line}: no reason");
            (listed.0.to_owned(), listed.1.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn recorded_handshakes_are_answered_as_the_official_gateway_did() {
    let mut found = BTreeSet::new();
    let (mut connections, mut refusals, mut files) = (0, 0, 0);
    for recording in Recording::all() {
        let running = running_with(|config: &mut GatewayConfig| {
            config.exposure.auth = recording.auth();
            if recording.is_behind_proxy() {
                config.exposure.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
            }
        })
        .await;
        recording.prepare(&running).await;
        files += 1;
        for lines in &recording.connections {
            let is_answered = lines.iter().any(|line| line["close"].is_object());
            if !is_answered {
                continue;
            }
            connections += 1;
            let refused = |line: &Value| {
                line["frame"]["ok"] == false || line["close"]["code"].as_u64() > Some(1000)
            };
            refusals += usize::from(lines.iter().any(refused));
            for place in play(&recording, lines, &running).await {
                found.insert((recording.file.clone(), place));
            }
        }
        running.gateway.stop().await;
    }
    let listed = listed_differences();
    println!(
        "recorded handshakes: {files} files, {connections} connections, {refusals} of them refused; \
         {} listed differences",
        listed.len()
    );
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let outdated: Vec<_> = listed.difference(&found).collect();
    assert!(
        unlisted.is_empty(),
        "differ and are not listed: {unlisted:#?}"
    );
    assert!(
        outdated.is_empty(),
        "listed but do not differ: {outdated:#?}"
    );
    assert!(refusals >= 40, "{refusals}");
}

/// As recorded in `preauth-timeout.jsonl`: after 15 s, code 1000 and no reason.
#[tokio::test]
async fn who_says_nothing_is_closed_after_fifteen_seconds() {
    let text = fs::read_to_string(fixtures().join("captures/preauth-timeout.jsonl")).unwrap();
    let recorded: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let folder = TempDir::new().unwrap();
    let gateway = Gateway::start(config(&folder)).await.unwrap();
    let mut raw = Raw::open(gateway.addresses()[0], "").await;
    raw.challenge().await;
    raw.wait_for_ever();

    let began = Instant::now();
    tokio::time::pause();
    let close = raw.hear().await;
    let waited = began.elapsed();
    tokio::time::resume();

    let reason = recorded["close"]["reason"].as_str().unwrap().to_owned();
    assert_eq!(recorded["close"]["code"], 1000);
    assert_eq!(
        close,
        Heard::Close {
            code: Some(1000),
            reason
        }
    );
    assert!((14..=16).contains(&waited.as_secs()), "{waited:?}");
    gateway.stop().await;
}
