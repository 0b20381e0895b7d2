//! `agent`, `agent.wait`, `agents.list`: running a turn and waiting for its end.

use super::super::clock::now_ms;
use super::super::refusals::{Refusal, invalid, key_of, read, stopping, store_refusal};
use super::super::router::Call;
use super::super::session_keys::{DEFAULT_AGENT, agent_of};
use super::chat::{Input, Taken, accept};
use crate::protocol::{RunId, SessionKey};
use crate::store::{MessageRole, RunRecord, RunState, StoredMessage};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// How long `agent.wait` waits where nothing is said, and at most.
const USUAL_WAIT_MS: u64 = 30_000;
const LONGEST_WAIT_MS: u64 = 10 * 60 * 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentParams {
    message: String,
    idempotency_key: RunId,
    agent_id: Option<String>,
    session_key: Option<SessionKey>,
}

/// `agent`: answers twice, when the message is on disk and when its run has ended.
pub(super) async fn agent(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: AgentParams = read("agent", params)?;
    if params.message.trim().is_empty() {
        return Err(invalid(
            "invalid agent params: at /message: must not be empty",
        ));
    }
    let agent_id = params.agent_id.as_deref().unwrap_or(DEFAULT_AGENT);
    let key = match &params.session_key {
        Some(key) => key_of(key)?,
        None => format!("agent:{agent_id}:main").into(),
    };
    let input = Input {
        key: key.clone(),
        run_id: params.idempotency_key.clone(),
        content: Value::String(params.message),
        extra: Map::new(),
    };
    let ends = call.gateway.runs.ends();
    match accept(&call.gateway, input).await? {
        Taken::New(run) => call.answer_first(&json!({
            "runId": run.run_id, "sessionKey": key, "agentId": agent_of(&key),
            "status": "accepted", "acceptedAt": run.accepted_at_ms,
        })),
        Taken::Known(run) if has_ended(&run) => return ended(&call, &run).await,
        Taken::Known(run) => call.answer_first(&json!({
            "runId": run.run_id, "sessionKey": key, "agentId": agent_of(&key),
            "status": "accepted", "acceptedAt": run.accepted_at_ms,
        })),
    }
    let run = end_of(&call, &params.idempotency_key, ends).await?;
    ended(&call, &run).await
}

/// Waits until a run has ended, however long that takes.
async fn end_of(
    call: &Call,
    run_id: &RunId,
    mut ends: tokio::sync::watch::Receiver<u64>,
) -> Result<RunRecord, Refusal> {
    loop {
        if let Some(run) = look(call, run_id).await? {
            return Ok(run);
        }
        if ends.changed().await.is_err() {
            return Err(stopping());
        }
    }
}

/// Returns a run if it has ended.
async fn look(call: &Call, run_id: &RunId) -> Result<Option<RunRecord>, Refusal> {
    let run = call
        .gateway
        .store
        .run(run_id)
        .await
        .map_err(store_refusal)?;
    match run {
        Some(run) => Ok(Some(run).filter(has_ended)),
        None => Err(invalid(&format!("unknown run: {run_id}"))),
    }
}

fn has_ended(run: &RunRecord) -> bool {
    matches!(
        run.state,
        RunState::Ok | RunState::Error | RunState::Aborted
    )
}

/// The last answer of `agent`.
async fn ended(call: &Call, run: &RunRecord) -> Result<Value, Refusal> {
    let messages = call
        .gateway
        .store
        .messages_of_run(&run.run_id)
        .await
        .map_err(store_refusal)?;
    let text = messages
        .iter()
        .rev()
        .find(|stored| stored.message.role == MessageRole::Assistant)
        .map(|stored| super::super::session_rows::text_of(&stored.message.content))
        .unwrap_or_default();
    let record = call
        .gateway
        .store
        .session(&run.session_key)
        .await
        .map_err(store_refusal)?;
    let context_tokens = call.gateway.model_of(record.as_ref()).context_tokens;
    let duration = run
        .ended_at_ms
        .unwrap_or_else(now_ms)
        .saturating_sub(run.started_at_ms.unwrap_or(run.accepted_at_ms));
    let payloads: Vec<Value> = if text.is_empty() {
        Vec::new()
    } else {
        vec![json!({"text": text, "mediaUrl": null})]
    };
    let mut agent_meta = spent(&messages);
    agent_meta["sessionId"] = json!(run.session_id);
    // A run that ended before its model was chosen has none.
    for name in ["provider", "model"] {
        if let Some(member) = run.outcome.get(name) {
            agent_meta[name] = member.clone();
        }
    }
    agent_meta["contextTokens"] = json!(context_tokens);
    let mut outcome = outcome(run);
    if let Some(members) = outcome.as_object_mut() {
        members.remove("startedAt");
        members.remove("endedAt");
    }
    let stop_reason = match run.state {
        // A run that ended well says why in its report only.
        RunState::Ok => outcome
            .as_object_mut()
            .and_then(|all| all.remove("stopReason")),
        RunState::Queued | RunState::Running | RunState::Error | RunState::Aborted => {
            outcome.get("stopReason").cloned()
        }
    };
    let mut meta = json!({
        "durationMs": duration, "agentMeta": agent_meta,
        "aborted": run.state == RunState::Aborted,
        "finalAssistantVisibleText": text, "finalAssistantRawText": text,
    });
    if let Some(stop_reason) = stop_reason {
        meta["stopReason"] = stop_reason;
    }
    outcome["result"] = json!({"payloads": payloads, "meta": meta});
    Ok(outcome)
}

/// What a run used: all its answers together, and the last one.
fn spent(messages: &[StoredMessage]) -> Value {
    let usages: Vec<&Value> = messages
        .iter()
        .filter_map(|stored| stored.message.extra.get("usage"))
        .collect();
    let report = |usages: &[&Value]| {
        let sum = |name: &str| -> u64 {
            let counts = usages.iter().filter_map(|usage| usage.get(name)?.as_u64());
            counts.sum()
        };
        // `sum` of nothing is minus zero.
        let cost = usages
            .iter()
            .filter_map(|usage| usage.pointer("/cost/total")?.as_f64())
            .fold(0.0, |sum, cost| sum + cost);
        json!({
            "input": sum("input"), "output": sum("output"), "cacheRead": sum("cacheRead"),
            "cacheWrite": sum("cacheWrite"), "total": sum("totalTokens"), "cost": {"total": cost},
        })
    };
    let all = report(&usages);
    let last = report(usages.last().map_or(&[], std::slice::from_ref));
    let prompt: u64 = ["input", "cacheRead", "cacheWrite"]
        .iter()
        .filter_map(|name| last.get(name)?.as_u64())
        .sum();
    json!({
        "costUsd": all.pointer("/cost/total"), "usage": all, "lastCallUsage": last,
        "promptTokens": prompt, "assistantTurns": usages.len(),
    })
}

/// What is said of a run that has ended (protocol §6).
pub(in super::super) fn outcome(run: &RunRecord) -> Value {
    let (status, summary) = match run.state {
        RunState::Queued | RunState::Running => ("in_flight", "running"),
        RunState::Ok => ("ok", "completed"),
        RunState::Error => ("error", "failed"),
        RunState::Aborted => ("timeout", "aborted"),
    };
    let mut value = json!({"runId": run.run_id, "status": status, "summary": summary});
    for name in ["stopReason", "error"] {
        if let Some(member) = run.outcome.get(name) {
            value[name] = member.clone();
        }
    }
    if let Some(started) = run.started_at_ms {
        value["startedAt"] = json!(started);
    }
    if let Some(ended) = run.ended_at_ms {
        value["endedAt"] = json!(ended);
    }
    value
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WaitParams {
    run_id: RunId,
    timeout_ms: Option<u64>,
}

/// `agent.wait`.
pub(super) async fn wait(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: WaitParams = read("agent.wait", params)?;
    let most = params
        .timeout_ms
        .unwrap_or(USUAL_WAIT_MS)
        .min(LONGEST_WAIT_MS);
    let ends = call.gateway.runs.ends();
    // Looking takes no waiting: a run that has ended is told however short the time is.
    let waited = match look(&call, &params.run_id).await? {
        Some(run) => Ok(Ok(run)),
        None => {
            let end = end_of(&call, &params.run_id, ends);
            timeout(Duration::from_millis(most), end).await
        }
    };
    match waited {
        Ok(Ok(run)) => {
            let mut answer = outcome(&run);
            if run.state == RunState::Aborted {
                answer["status"] = json!("error");
            }
            Ok(answer)
        }
        Ok(Err(refusal)) => Err(refusal),
        Err(_) => Ok(json!({"runId": params.run_id, "status": "timeout"})),
    }
}

/// `agents.list`.
pub(super) fn list(call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({
        "defaultId": DEFAULT_AGENT, "ownership": "sole", "selectionRequired": false,
        "mainKey": "main", "scope": "per-sender",
        "agents": [{
            "id": DEFAULT_AGENT, "kind": "agent", "name": "OpenClaw",
            "workspace": call.gateway.workspace_path(),
            "workspaceGit": call.gateway.config.workspace.join(".git").exists(),
            "agentRuntime": super::super::State::runtime(),
            "thinkingLevels": [{"id": "off", "label": "off"}], "thinkingOptions": ["off"],
            "thinkingDefault": "off",
            "model": {"primary": call.gateway.agents.default_model()},
        }],
    }))
}

/// `agent.identity.get`.
pub(super) fn identity(_call: &Call, params: Value) -> Result<Value, Refusal> {
    let agent = params
        .get("agentId")
        .and_then(Value::as_str)
        .unwrap_or(DEFAULT_AGENT);
    Ok(json!({"agentId": agent, "name": "OpenClaw"}))
}
