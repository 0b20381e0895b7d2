//! `voicewake.*` and `talk.*`: what wakes the assistant, and who is talking.

use super::super::clock::now_ms;
use super::super::refusals::{Refusal, invalid, read, store_refusal};
use super::super::router::Call;
use super::super::voice_wake;
use crate::protocol::connect::{Role, Scope};
use crate::protocol::method::voice::TalkModePayload;
use serde_json::{Value, json};

/// `voicewake.get`.
pub(super) async fn get(call: Call, _params: Value) -> Result<Value, Refusal> {
    voice_wake::triggers(&call.gateway.store)
        .await
        .map_err(store_refusal)
}

/// `voicewake.set`.
pub(super) async fn set(call: Call, params: Value) -> Result<Value, Refusal> {
    let words = params
        .get("triggers")
        .and_then(Value::as_array)
        .and_then(|words| words.iter().map(Value::as_str).collect::<Option<Vec<_>>>())
        .ok_or_else(|| invalid("voicewake.set requires triggers: string[]"))?;
    let gateway = &call.gateway;
    let payload = voice_wake::keep(&gateway.store, &words)
        .await
        .map_err(store_refusal)?;
    // Addressed to each, nodes included; it does not count (protocol §1).
    gateway.tell("voicewake.changed", &payload, |peer| {
        peer.facts.role == Role::Node || peer.facts.may(&Scope::Read)
    });
    Ok(payload)
}

/// `voicewake.routing.get`: what was said goes to the conversation in use; there is no method that
/// could change it (protocol §9).
pub(super) fn routing(_call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({"config": voice_wake::routing()}))
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
