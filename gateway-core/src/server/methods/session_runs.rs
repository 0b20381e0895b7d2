//! `sessions.send`, `sessions.abort`: `chat.send` and `chat.abort` under a conversation's name.

use super::super::refusals::{Refusal, invalid, read, store_refusal};
use super::super::router::Call;
use super::chat;
use crate::protocol::{RunId, SessionKey};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendParams {
    key: SessionKey,
    message: String,
    idempotency_key: Option<RunId>,
    #[serde(default)]
    attachments: Vec<Value>,
}

/// `sessions.send`: without a key of its own the message cannot be recognised when sent again.
pub(super) async fn send(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: SendParams = read("sessions.send", params)?;
    let run_id = params
        .idempotency_key
        .unwrap_or_else(|| uuid::Uuid::new_v4().to_string().into());
    let message = json!({
        "sessionKey": params.key, "message": params.message, "idempotencyKey": run_id,
        "attachments": params.attachments,
    });
    chat::send(call, message).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AbortParams {
    key: Option<SessionKey>,
    run_id: Option<RunId>,
}

/// `sessions.abort`: names a conversation, a run, or both.
pub(super) async fn abort(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: AbortParams = read("sessions.abort", params)?;
    let key = match (params.key, &params.run_id) {
        (Some(key), _) => key,
        (None, Some(run_id)) => {
            let run = call
                .gateway
                .store
                .run(run_id)
                .await
                .map_err(store_refusal)?;
            match run {
                Some(run) => run.session_key,
                None => return Ok(json!({"ok": true, "abortedRunId": null, "status": NONE})),
            }
        }
        (None, None) => return Err(invalid("sessions.abort requires key or runId")),
    };
    let stopped = chat::abort(call, json!({"sessionKey": key, "runId": params.run_id})).await?;
    let first = stopped.pointer("/runIds/0").cloned().unwrap_or_default();
    let status = if first.is_null() { NONE } else { "aborted" };
    Ok(json!({"ok": true, "abortedRunId": first, "status": status}))
}

/// What is said where nothing goes on.
const NONE: &str = "no-active-run";
