//! Who is here, as `system-presence` and the `presence` event show it.

use super::peers::Facts;
use crate::protocol::connect::Role;
use serde_json::{Map, Value, json};

/// How many entries of those who have left, or were only announced, are kept.
const MOST_PAST: usize = 64;

/// Who is here. Numbers grow with every change.
#[derive(Debug)]
pub(super) struct Presence {
    own: Value,
    entries: Vec<Entry>,
    version: u64,
}

#[derive(Debug)]
struct Entry {
    /// The same program on the same device has one entry, however often it comes.
    key: String,
    /// How many of its connections are open.
    open: usize,
    value: Map<String, Value>,
}

impl Presence {
    /// Returns a presence list with the gateway itself in it.
    pub(super) fn new(own: Value) -> Self {
        Self {
            own,
            entries: Vec::new(),
            version: 1,
        }
    }

    /// Returns the list, the gateway first, and the newest after it.
    pub(super) fn list(&self, now_ms: u64) -> Vec<Value> {
        let mut own = self.own.clone();
        own["ts"] = json!(now_ms);
        let mut rest: Vec<&Entry> = self.entries.iter().collect();
        rest.sort_by_key(|entry| {
            let ts = entry.value.get("ts").and_then(Value::as_u64);
            std::cmp::Reverse(ts.unwrap_or_default())
        });
        std::iter::once(own)
            .chain(
                rest.into_iter()
                    .map(|entry| Value::Object(entry.value.clone())),
            )
            .collect()
    }

    /// Returns the number of the list.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// A connection said hello. Returns whether that changed the list.
    pub(super) fn joined(&mut self, facts: &Facts, now_ms: u64) -> bool {
        if !shows(facts) {
            return false;
        }
        let key = key_of(facts);
        match self.entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => {
                entry.open += 1;
                entry.value = describe(facts, "connect", now_ms);
            }
            None => self.entries.push(Entry {
                key,
                open: 1,
                value: describe(facts, "connect", now_ms),
            }),
        }
        self.changed()
    }

    /// A connection has ended. Returns whether that changed the list.
    pub(super) fn left(&mut self, facts: &Facts, now_ms: u64) -> bool {
        if !shows(facts) {
            return false;
        }
        let key = key_of(facts);
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == key) else {
            return false;
        };
        entry.open = entry.open.saturating_sub(1);
        if entry.open > 0 {
            return false;
        }
        entry.value.insert("reason".to_owned(), json!("disconnect"));
        entry.value.insert("ts".to_owned(), json!(now_ms));
        self.forget_oldest();
        self.changed()
    }

    /// Somebody announced something: `system-event`.
    pub(super) fn announced(&mut self, mut value: Map<String, Value>, now_ms: u64) {
        value.insert("ts".to_owned(), json!(now_ms));
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let key = format!("said:{}:{}", text("instanceId"), text("text"));
        self.entries.retain(|entry| entry.key != key);
        self.entries.push(Entry {
            key,
            open: 0,
            value,
        });
        self.forget_oldest();
        self.changed();
    }

    fn forget_oldest(&mut self) {
        let past = |entry: &Entry| entry.open == 0;
        while self.entries.iter().filter(|entry| past(entry)).count() > MOST_PAST {
            let Some(oldest) = self.entries.iter().position(past) else {
                return;
            };
            self.entries.remove(oldest);
        }
    }

    fn changed(&mut self) -> bool {
        self.version += 1;
        true
    }
}

/// One-shot connections would only make the list flicker (protocol §8).
fn shows(facts: &Facts) -> bool {
    !matches!(
        facts.client.mode.as_str(),
        "cli" | "backend" | "probe" | "test"
    )
}

fn key_of(facts: &Facts) -> String {
    let who = facts
        .device
        .as_ref()
        .map(|device| device.as_str())
        .or(facts.client.instance_id.as_deref())
        .unwrap_or(facts.conn_id.as_str());
    format!("{}:{who}", facts.client.id)
}

fn describe(facts: &Facts, reason: &str, now_ms: u64) -> Map<String, Value> {
    let client = &facts.client;
    let host = client.display_name.as_deref().unwrap_or(&client.id);
    let mut entry = Map::new();
    let mut put = |name: &str, value: Value| {
        entry.insert(name.to_owned(), value);
    };
    put("host", json!(host));
    put("clientId", json!(client.id));
    put("version", json!(client.version));
    put("platform", json!(client.platform));
    if let Some(family) = &client.device_family {
        put("deviceFamily", json!(family));
    }
    put("mode", json!(client.mode));
    put("reason", json!(reason));
    if let Some(device) = &facts.device {
        put("deviceId", json!(device));
    }
    let instance = client.instance_id.as_deref();
    if let Some(instance) = instance.or(facts.device.as_ref().map(|device| device.as_str())) {
        put("instanceId", json!(instance));
    }
    put("roles", json!([facts.role]));
    if facts.role == Role::Operator {
        put("scopes", json!(facts.scopes));
    }
    put("onlineSince", json!(facts.since_ms));
    put("ts", json!(now_ms));
    put(
        "text",
        json!(format!("Node: {host} · mode {}", client.mode)),
    );
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::connect::ClientInfo;
    use std::collections::HashSet;

    fn facts(mode: &str, instance: &str) -> Facts {
        Facts {
            conn_id: "c".into(),
            client: ClientInfo {
                mode: mode.to_owned(),
                instance_id: Some(instance.to_owned()),
                ..ClientInfo::default()
            },
            role: Role::Operator,
            scopes: Vec::new(),
            caps: HashSet::new(),
            device: None,
            address: "127.0.0.1".to_owned(),
            since_ms: 1,
        }
    }

    fn presence() -> Presence {
        Presence::new(json!({"mode": "gateway", "reason": "self"}))
    }

    #[test]
    fn the_gateway_comes_first_and_one_shot_programs_do_not_show() {
        let mut presence = presence();
        assert!(!presence.joined(&facts("cli", "a"), 5));
        assert!(!presence.joined(&facts("probe", "b"), 5));
        assert!(presence.joined(&facts("ui", "c"), 5));

        let list = presence.list(9);
        assert_eq!(list.len(), 2);
        assert_eq!(list[0]["mode"], "gateway");
        assert_eq!(list[0]["ts"], 9);
        assert_eq!(list[1]["reason"], "connect");
    }

    #[test]
    fn two_connections_of_one_program_are_one_entry_until_the_last_has_gone() {
        let mut presence = presence();
        presence.joined(&facts("ui", "a"), 1);
        presence.joined(&facts("ui", "a"), 2);
        let version = presence.version();

        assert!(!presence.left(&facts("ui", "a"), 3));
        assert_eq!(presence.version(), version);
        assert!(presence.left(&facts("ui", "a"), 4));

        let list = presence.list(9);
        assert_eq!(list.len(), 2);
        assert_eq!(list[1]["reason"], "disconnect");
        assert_eq!(presence.version(), version + 1);
    }

    #[test]
    fn the_past_is_bounded() {
        let mut presence = presence();
        for number in 0..2 * MOST_PAST {
            let one = facts("ui", &number.to_string());
            presence.joined(&one, 1);
            presence.left(&one, 2);
        }
        assert_eq!(presence.list(3).len(), MOST_PAST + 1);
    }
}
