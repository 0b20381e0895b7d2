//! `wake`: something happened that an agent should know of.

use super::super::refusals::{Refusal, invalid, key_of, read};
use super::super::router::Call;
use super::super::session_keys::DEFAULT_AGENT;
use crate::protocol::SessionKey;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WakeParams {
    mode: String,
    text: String,
    session_key: Option<SessionKey>,
    agent_id: Option<String>,
}

/// `wake`: the text waits for the agent, which reads it with the next message: there are no
/// heartbeats that would begin a run for it, whatever the mode.
pub(super) fn wake(call: &Call, params: Value) -> Result<Value, Refusal> {
    let params: WakeParams = read("wake", params)?;
    if !matches!(params.mode.as_str(), "now" | "next-heartbeat") {
        return Err(invalid(
            "invalid wake params: at /mode: must be equal to one of the allowed values",
        ));
    }
    if params.text.trim().is_empty() {
        return Err(invalid("invalid wake params: at /text: must not be empty"));
    }
    let key = match &params.session_key {
        Some(key) => key_of(key)?,
        None => {
            let agent = params.agent_id.as_deref().unwrap_or(DEFAULT_AGENT);
            format!("agent:{agent}:main").into()
        }
    };
    call.gateway.events.add(key, &params.text);
    Ok(json!({"ok": true}))
}
