//! `chat.*`: a conversation's messages, and new ones.

use super::super::State;
use super::super::clock::now_ms;
use super::super::refusals::{self, Refusal, invalid, key_of, stopping, store_refusal};
use super::super::router::Call;
use super::super::runs::{self, Current, StoppedBy};
use super::super::session_keys;
use super::super::session_rows::{self, RowExtras};
use super::attachments::{Attachment, said_in};
use crate::protocol::connect::Scope;
use crate::protocol::method::chat::ChatHistoryParams;
use crate::protocol::{RunId, SessionKey, WireError};
use crate::store::{
    Acceptance, MessageRole, NewInput, NewMessage, RunRecord, RunState, SessionRecord, SessionSeed,
    StoredMessage, TranscriptPage, WaitingInput,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// How many messages a history gives where nothing is said, and at most (protocol §1).
const USUAL_HISTORY: u32 = 200;
const MOST_HISTORY: u32 = 1000;
/// How large a history may be, in bytes of its messages (protocol §1).
const HISTORY_BYTES: usize = 6 * 1024 * 1024;

/// `chat.history`.
pub(super) async fn history(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: ChatHistoryParams = refusals::read("chat.history", params)?;
    let gateway = &call.gateway;
    let key = key_of(&params.session_key)?;
    let limit = params.limit.unwrap_or(USUAL_HISTORY).clamp(1, MOST_HISTORY);
    let offset = params.offset.unwrap_or(0);
    let record = gateway.store.session(&key).await.map_err(store_refusal)?;
    let mut payload = json!({
        "sessionKey": params.session_key,
        "messages": [],
        "pendingInputs": {"items": [], "total": 0},
        "hasMore": false,
        "totalMessages": 0,
        "defaults": gateway.defaults(),
    });
    // Before the transcript: what starts meanwhile is then in both, and told once, rather than in
    // neither.
    let mut waiting = gateway
        .store
        .waiting_inputs(&key)
        .await
        .map_err(store_refusal)?;
    let (page, current) = match &record {
        Some(record) => {
            let (page, current) = transcript(gateway, record, limit, offset).await?;
            (Some(page), current)
        }
        None => (None, None),
    };
    let active: Vec<RunId> = current.iter().map(|run| run.run_id.clone()).collect();
    let model = gateway.model_of(record.as_ref());
    let mut info = match &record {
        Some(record) => {
            let extras = RowExtras {
                active,
                ..RowExtras::default()
            };
            session_rows::row(record, &model, &extras)
        }
        None => session_rows::bare(&key),
    };
    info["snapshotAt"] = json!(now_ms());
    info["modelProvider"] = json!(model.provider);
    info["model"] = json!(model.model);
    info["contextTokens"] = json!(model.context_tokens);
    payload["sessionInfo"] = info;
    let (Some(record), Some(page)) = (record, page) else {
        return Ok(payload);
    };
    waiting.retain(|input| {
        let is_told = |stored: &StoredMessage| stored.message.id == input.message.id;
        !page.messages.iter().any(is_told)
    });
    let messages = newest_that_fit(
        page.messages
            .iter()
            .map(session_rows::wire_message)
            .collect(),
    );
    let given = u64::from(offset) + messages.len() as u64;
    payload["sessionId"] = json!(record.session_id);
    payload["hasMore"] = json!(given < page.total);
    if given < page.total {
        payload["nextOffset"] = json!(given);
    }
    payload["totalMessages"] = json!(page.total);
    payload["messages"] = Value::Array(messages);
    payload["pendingInputs"] = json!({
        "items": waiting.iter().map(pending_input).collect::<Vec<_>>(),
        "total": waiting.len(),
    });
    if let Some(current) = current {
        payload["inFlightRun"] = json!({
            "runId": current.run_id, "text": current.text(), "startedAt": current.started_at_ms,
        });
    }
    Ok(payload)
}

/// Returns a page of a conversation and the run that goes on in it. A run that ends meanwhile is in
/// the page or goes on, never both or neither: clients show what goes on below what was said.
async fn transcript(
    gateway: &State,
    record: &SessionRecord,
    limit: u32,
    offset: u32,
) -> Result<(TranscriptPage, Option<Arc<Current>>), Refusal> {
    let read = || async {
        let page = gateway
            .store
            .transcript_page(&record.session_id, limit, offset)
            .await;
        page.map_err(store_refusal)
    };
    let current = gateway.runs.current(&record.key);
    let page = read().await?;
    let has_ended = current.as_ref().is_some_and(|run| {
        run.is_settled()
            || page.messages.iter().any(|stored| {
                stored.message.role != MessageRole::User
                    && stored.message.run_id.as_ref() == Some(&run.run_id)
            })
    });
    if has_ended {
        return Ok((read().await?, None));
    }
    Ok((page, current))
}

/// Leaves out the oldest messages of a page that would be too large.
fn newest_that_fit(messages: Vec<Value>) -> Vec<Value> {
    let mut room = HISTORY_BYTES;
    let mut kept: Vec<Value> = messages
        .into_iter()
        .rev()
        .enumerate()
        .map_while(|(index, message)| {
            let size = message.to_string().len();
            // The newest one is given whatever its size: it cannot be asked for in parts.
            if size > room && index > 0 {
                return None;
            }
            room = room.saturating_sub(size);
            Some(message)
        })
        .collect();
    kept.reverse();
    kept
}

/// As recorded in `chat-queued-while-busy.jsonl`.
fn pending_input(waiting: &WaitingInput) -> Value {
    let message = &waiting.message;
    json!({
        "id": message.id, "runId": waiting.run.run_id, "state": "queued",
        "acceptedAt": message.timestamp_ms,
        "message": {
            "role": message.role.as_str(),
            "content": session_rows::without_read_files(&message.content),
            "timestamp": message.timestamp_ms,
            "__openclaw": {"id": format!("pending:{}", message.id)},
        },
    })
}

/// The params of `chat.send` that we act on; the others are allowed and have no effect.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendParams {
    session_key: SessionKey,
    message: String,
    idempotency_key: RunId,
    #[serde(default)]
    attachments: Vec<Attachment>,
}

/// `chat.send`: answered once the message is on disk.
pub(super) async fn send(call: Call, params: Value) -> Result<Value, Refusal> {
    if params.get("sessionKey").is_none() {
        return Err(Box::new(WireError {
            details: Some(json!({
                "code": "SESSION_MUTATION_TARGET_REQUIRED", "method": "chat.send",
            })),
            ..*invalid("chat.send requires sessionKey")
        }));
    }
    let params: SendParams = refusals::read("chat.send", params)?;
    let key = key_of(&params.session_key)?;
    if params.message.trim() == "/stop" {
        return stop(&call.gateway, &key, None, StoppedBy::StopCommand).await;
    }
    let said = said_in(params.message, params.attachments)?;
    let input = Input {
        key,
        run_id: params.idempotency_key,
        content: said.content,
        extra: said.extra,
    };
    let taken = accept(&call.gateway, input).await?;
    Ok(match taken {
        Taken::New(run) => {
            call.gateway.runs.sent_by(run.run_id.clone(), &call.peer);
            json!({"runId": run.run_id, "status": "started"})
        }
        Taken::Known(run) => known(&run),
    })
}

/// What somebody said, wherever it came from.
pub(in super::super) struct Input {
    pub(in super::super) key: SessionKey,
    pub(in super::super) run_id: RunId,
    pub(in super::super) content: Value,
    /// What is noted about it.
    pub(in super::super) extra: Map<String, Value>,
}

/// Whether an input was new.
pub(in super::super) enum Taken {
    New(Box<RunRecord>),
    Known(Box<RunRecord>),
}

/// Puts an input on disk and has it worked off.
pub(in super::super) async fn accept(gateway: &Arc<State>, input: Input) -> Result<Taken, Refusal> {
    if input.run_id.as_str().trim().is_empty() {
        return Err(invalid("idempotencyKey must not be empty"));
    }
    if gateway.is_stopping() {
        return Err(stopping());
    }
    let key = input.key;
    let accepted = gateway
        .store
        .accept_input(NewInput {
            session: SessionSeed {
                key: key.clone(),
                agent_id: session_keys::agent_of(&key).into(),
                session_id: Uuid::new_v4().to_string(),
            },
            run_id: input.run_id,
            message_id: Uuid::new_v4().to_string(),
            content: input.content,
            extra: input.extra,
            at_ms: now_ms(),
        })
        .await
        .map_err(store_refusal)?;
    match accepted {
        Acceptance::Accepted(accepted) => {
            if let Some(message) = &accepted.message {
                gateway.message_stored(&key, message);
            }
            let reason = if accepted.session_created {
                "create"
            } else {
                "send"
            };
            gateway.session_changed(&accepted.session, reason);
            runs::work_off(gateway, key);
            Ok(Taken::New(Box::new(accepted.run)))
        }
        Acceptance::Duplicate(run) => Ok(Taken::Known(run)),
    }
}

/// What is said about a run to somebody who sends its message again (protocol §6).
fn known(run: &RunRecord) -> Value {
    match run.state {
        RunState::Queued | RunState::Running => json!({"runId": run.run_id, "status": "in_flight"}),
        RunState::Ok | RunState::Error | RunState::Aborted => {
            let mut outcome = super::agent::outcome(run);
            // Told by `agent.wait` alone.
            if let Some(members) = outcome.as_object_mut() {
                members.remove("startedAt");
            }
            outcome
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AbortParams {
    session_key: SessionKey,
    run_id: Option<RunId>,
}

/// `chat.abort`.
pub(super) async fn abort(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: AbortParams = refusals::read("chat.abort", params)?;
    let key = key_of(&params.session_key)?;
    stop(&call.gateway, &key, params.run_id.as_ref(), StoppedBy::Rpc).await
}

/// Stops what goes on and what waits; nothing to stop is no error (protocol §7).
pub(in super::super) async fn stop(
    gateway: &Arc<State>,
    key: &SessionKey,
    run_id: Option<&RunId>,
    by: StoppedBy,
) -> Result<Value, Refusal> {
    // What waits first, so that nothing begins in between.
    let waiting = gateway
        .store
        .waiting_inputs(key)
        .await
        .map_err(store_refusal)?;
    let mut stopped = Vec::new();
    for input in waiting {
        if run_id.is_none_or(|wanted| *wanted == input.run.run_id) {
            runs::drop_waiting(gateway, &input.run, by)
                .await
                .map_err(store_refusal)?;
            stopped.push(input.run.run_id);
        }
    }
    if let Some(current) = gateway.runs.stop(key, run_id, by) {
        stopped.insert(0, current);
    }
    Ok(json!({"ok": true, "aborted": !stopped.is_empty(), "runIds": stopped}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InjectParams {
    session_key: SessionKey,
    message: String,
    label: Option<String>,
}

/// `chat.inject`: a note of somebody else's in the agent's name, without a run (protocol §7).
pub(super) async fn inject(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: InjectParams = refusals::read("chat.inject", params)?;
    let key = key_of(&params.session_key)?;
    let text = match &params.label {
        Some(label) => format!("[{label}]\n\n{}", params.message),
        None => params.message,
    };
    let message = NewMessage {
        id: Uuid::new_v4().to_string(),
        role: MessageRole::Assistant,
        content: json!([{"type": "text", "text": text}]),
        timestamp_ms: now_ms(),
        run_id: None,
        idempotency_key: None,
        extra: Map::new(),
    };
    let stored = call
        .gateway
        .store
        .append_message(&key, message)
        .await
        .map_err(store_refusal)?;
    call.gateway.message_stored(&key, &stored);
    let id = &stored.message.id;
    call.gateway.announce(
        "chat",
        &json!({
            "runId": format!("inject-{id}"), "sessionKey": key,
            "agentId": session_keys::agent_of(&key), "seq": 0, "state": "final",
            "message": {
                "role": "assistant", "content": stored.message.content,
                "timestamp": stored.message.timestamp_ms,
            },
        }),
        |peer| peer.facts.may(&Scope::Read),
    );
    Ok(json!({"ok": true, "messageId": id}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_that_is_too_large_keeps_the_newest_messages() {
        let large = "x".repeat(HISTORY_BYTES / 2);
        let messages = (0..4).map(|n| json!({"n": n, "text": large})).collect();

        let kept = newest_that_fit(messages);

        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0]["n"], 3);
        let huge = json!("x".repeat(2 * HISTORY_BYTES));
        assert_eq!(newest_that_fit(vec![json!(1), huge]).len(), 1);
    }
}
