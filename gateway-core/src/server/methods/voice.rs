//! `voicewake.*` and `talk.*`: what wakes the assistant, and who is talking.

use super::super::clock::now_ms;
use super::super::router::{Call, Refusal, invalid};
use super::{read, store_refusal};
use crate::protocol::connect::{Role, Scope};
use crate::protocol::method::voice::TalkModePayload;
use crate::store::StoreError;
use serde_json::{Value, json};

/// Where the words are kept.
const TRIGGERS: &str = "voicewake.triggers";
/// The words where none are set (protocol §9).
const USUAL_TRIGGERS: [&str; 3] = ["openclaw", "claude", "computer"];
/// How many words there may be, and how long each (protocol §9).
const MOST_TRIGGERS: usize = 32;
const LONGEST_TRIGGER: usize = 64;

/// `voicewake.get`.
pub(super) async fn get(call: Call, _params: Value) -> Result<Value, Refusal> {
    triggers(&call.gateway.store).await.map_err(store_refusal)
}

/// Returns the words in force, as `voicewake.get` and the event tell them.
pub(in super::super) async fn triggers(store: &crate::store::Store) -> Result<Value, StoreError> {
    let kept = store.setting(TRIGGERS).await?;
    Ok(json!({"triggers": kept.unwrap_or_else(|| json!(USUAL_TRIGGERS))}))
}

/// `voicewake.set`.
pub(super) async fn set(call: Call, params: Value) -> Result<Value, Refusal> {
    let words = params
        .get("triggers")
        .and_then(Value::as_array)
        .and_then(|words| words.iter().map(Value::as_str).collect::<Option<Vec<_>>>())
        .ok_or_else(|| invalid("voicewake.set requires triggers: string[]"))?;
    let gateway = &call.gateway;
    gateway
        .store
        .put_setting(TRIGGERS, json!(settled(&words)))
        .await
        .map_err(store_refusal)?;
    let payload = json!({"triggers": settled(&words)});
    // Addressed to each, nodes included; it does not count (protocol §1).
    gateway.tell("voicewake.changed", &payload, |peer| {
        peer.facts.role == Role::Node || peer.facts.may(&Scope::Read)
    });
    Ok(payload)
}

/// Trims and bounds the words; none left means the usual ones.
fn settled(words: &[&str]) -> Vec<String> {
    let kept: Vec<String> = words
        .iter()
        .map(|word| word.trim())
        .filter(|word| !word.is_empty())
        .take(MOST_TRIGGERS)
        .map(|word| word.chars().take(LONGEST_TRIGGER).collect())
        .collect();
    if kept.is_empty() {
        USUAL_TRIGGERS.map(str::to_owned).to_vec()
    } else {
        kept
    }
}

/// `voicewake.routing.get`: what was said goes to the conversation in use; there is no method that
/// could change it (protocol §9).
pub(super) fn routing(_call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({"config": routing_config()}))
}

/// Returns where spoken words go.
pub(in super::super) fn routing_config() -> Value {
    json!({
        "version": 1, "defaultTarget": {"mode": "current"}, "routes": [], "updatedAtMs": 0,
    })
}

/// `talk.config`: nothing is set up.
pub(super) fn talk_config(_call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({"config": {}}))
}

/// `talk.mode`.
pub(super) fn talk_mode(call: &Call, params: Value) -> Result<Value, Refusal> {
    let enabled = params
        .get("enabled")
        .and_then(Value::as_bool)
        .ok_or_else(|| {
            invalid("invalid talk.mode params: must have required property 'enabled'")
        })?;
    let phase = params.get("phase").cloned().unwrap_or(Value::Null);
    let payload = json!({"enabled": enabled, "phase": phase, "ts": now_ms()});
    let known: TalkModePayload = read("talk.mode", payload.clone())?;
    call.gateway
        .announce("talk.mode", &known, |peer| peer.facts.may(&Scope::Read));
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_trimmed_and_bounded_and_never_none() {
        assert_eq!(settled(&[" hej ", "", " "]), ["hej"]);
        assert_eq!(settled(&["  "]), USUAL_TRIGGERS);
        assert_eq!(settled(&["x"; 40]).len(), MOST_TRIGGERS);
        let long = "å".repeat(80);
        assert_eq!(settled(&[&long])[0].chars().count(), LONGEST_TRIGGER);
    }
}
