//! What nodes call: their answers, their events, what they have to offer besides (protocol §10).

use super::super::clock::now_ms;
use super::super::nodes::invoke::{ResultParams, pairing_changed};
use super::super::nodes::{self, view};
use super::super::refusals::{Refusal, invalid, key_of, read, refusal, store_refusal};
use super::super::router::Call;
use super::chat::{Input, accept};
use crate::protocol::connect::Scope;
use crate::protocol::{ErrorCode, NodeId, SessionKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The longest text a node may put into a conversation, in bytes.
const LONGEST_TEXT: usize = 64 * 1024;
/// How many skills a node may describe, and how many tools.
const MOST_SKILLS: usize = 64;
const MOST_TOOLS: usize = 256;

fn node_of(call: &Call) -> Result<NodeId, Refusal> {
    nodes::id_of(&call.peer).ok_or_else(|| invalid("unauthorized role: operator"))
}

/// Refuses a node that nobody approved: it may connect, and that is all.
async fn approved(call: &Call) -> Result<view::Node, Refusal> {
    let node = node_of(call)?;
    view::one(&call.gateway, &node)
        .await
        .map_err(store_refusal)?
        .filter(|node| node.surface.is_some())
        .ok_or_else(pairing_changed)
}

/// `node.invoke.result`. An answer nobody waits for any more is no error: the node did its work.
pub(super) fn result(call: &Call, params: Value) -> Result<Value, Refusal> {
    let result: ResultParams = read("node.invoke.result", params)?;
    if result.node_id != node_of(call)? {
        return Err(invalid("nodeId mismatch"));
    }
    if call.gateway.nodes.invocations.answer(&call.peer, result) {
        Ok(json!({"ok": true}))
    } else {
        Ok(json!({"ok": true, "ignored": true}))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProgressParams {
    invoke_id: String,
    node_id: NodeId,
    chunk: String,
}

/// `node.invoke.progress`.
pub(super) fn progress(call: &Call, params: Value) -> Result<Value, Refusal> {
    let params: ProgressParams = read("node.invoke.progress", params)?;
    if params.node_id != node_of(call)? {
        return Err(invalid("nodeId mismatch"));
    }
    let shown = call
        .gateway
        .nodes
        .invocations
        .show(&call.peer, &params.invoke_id, &params.chunk);
    if shown {
        Ok(json!({"ok": true}))
    } else {
        Ok(json!({"ok": true, "ignored": true}))
    }
}

#[derive(Debug, Deserialize)]
struct EventParams {
    event: String,
    payload: Option<Value>,
    #[serde(rename = "payloadJSON")]
    payload_json: Option<String>,
}

/// `node.event`.
pub(super) async fn event(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: EventParams = read("node.event", params)?;
    let payload = match (params.payload, &params.payload_json) {
        (Some(payload), _) => payload,
        (None, Some(text)) => serde_json::from_str(text)
            .map_err(|_| invalid("invalid node.event params: at /payloadJSON: must be JSON"))?,
        (None, None) => json!({}),
    };
    approved(&call).await?;
    let event = params.event.as_str();
    match event {
        "node.host.stats" => Ok(host_stats(&call, payload)),
        "node.presence.alive" => {
            let node = node_of(&call)?;
            call.gateway
                .store
                .saw_device(&node.as_str().into(), now_ms())
                .await
                .map_err(store_refusal)?;
            Ok(handled(event, true, "persisted"))
        }
        "chat.subscribe" | "chat.unsubscribe" => {
            let follow: Follow = read("node.event", payload)?;
            let key = key_of(&follow.session_key)?;
            let on = event == "chat.subscribe";
            call.gateway.nodes.follow(&call.peer, key, on);
            Ok(json!({"ok": true}))
        }
        "agent.request" => {
            let request: AgentRequest = read("node.event", payload)?;
            say(&call, request.message, request.session_key).await
        }
        "voice.transcript" => {
            let heard: Transcript = read("node.event", payload)?;
            say(&call, heard.text, heard.session_key).await
        }
        _ => Ok(handled(event, false, "unsupported_event")),
    }
}

fn handled(event: &str, handled: bool, reason: &str) -> Value {
    json!({"ok": true, "event": event, "handled": handled, "reason": reason})
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Follow {
    session_key: SessionKey,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentRequest {
    message: String,
    session_key: Option<SessionKey>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transcript {
    text: String,
    session_key: Option<SessionKey>,
}

/// The figures of a machine that are kept; whatever else is in there is dropped.
const HOST_STATS: [&str; 6] = [
    "cpuCount",
    "loadAverage",
    "memoryTotalBytes",
    "memoryFreeBytes",
    "diskTotalBytes",
    "diskAvailableBytes",
];

fn host_stats(call: &Call, payload: Value) -> Value {
    let mut stats = json!({"updatedAtMs": now_ms()});
    for name in HOST_STATS {
        match payload.get(name) {
            Some(Value::Number(number)) => stats[name] = json!(number),
            Some(Value::Array(numbers)) if numbers.iter().all(Value::is_number) => {
                stats[name] = json!(numbers.iter().take(3).collect::<Vec<_>>());
            }
            Some(_) | None => {}
        }
    }
    call.gateway
        .nodes
        .with(&call.peer, |live| live.host_stats = Some(stats.clone()));
    let payload = json!({"nodeId": nodes::id_of(&call.peer), "hostStats": stats});
    call.gateway.announce("node.hostStats", &payload, |peer| {
        peer.facts.may(&Scope::Read)
    });
    handled("node.host.stats", true, "updated")
}

/// Puts what was said at a node into a conversation.
async fn say(call: &Call, text: String, key: Option<SessionKey>) -> Result<Value, Refusal> {
    if text.trim().is_empty() {
        return Ok(json!({"ok": true}));
    }
    if text.len() > LONGEST_TEXT {
        return Err(invalid("the text of a node is too long: 64 KiB at most"));
    }
    let input = Input {
        key: key_of(&key.unwrap_or_else(|| "main".into()))?,
        run_id: uuid::Uuid::new_v4().to_string().into(),
        content: Value::String(text),
        extra: Map::new(),
    };
    accept(&call.gateway, input).await?;
    Ok(json!({"ok": true}))
}

/// `node.pending.pull`: nothing is kept for nodes that are away; they are told when they are here.
pub(super) fn pending_pull(call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({"nodeId": node_of(call)?, "actions": []}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AckParams {
    ids: Vec<String>,
}

/// `node.pending.ack`: of what was never kept nothing remains.
pub(super) fn pending_ack(call: &Call, params: Value) -> Result<Value, Refusal> {
    let params: AckParams = read("node.pending.ack", params)?;
    if params.ids.is_empty() || params.ids.iter().any(String::is_empty) {
        return Err(invalid(
            "invalid node.pending.ack params: at /ids: must have ids that are not empty",
        ));
    }
    Ok(json!({"nodeId": node_of(call)?, "ackedIds": params.ids, "remainingCount": 0}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DrainParams {
    max_items: Option<u64>,
}

/// `node.pending.drain`: as [`pending_pull`].
pub(super) fn pending_drain(call: &Call, params: Value) -> Result<Value, Refusal> {
    let params: DrainParams = read("node.pending.drain", params)?;
    if params
        .max_items
        .is_some_and(|most| !(1..=10).contains(&most))
    {
        return Err(invalid(
            "invalid node.pending.drain params: at /maxItems: must be 1 to 10",
        ));
    }
    Ok(json!({"nodeId": node_of(call)?, "revision": 0, "items": [], "hasMore": false}))
}

#[derive(Debug, Deserialize)]
struct SkillsParams {
    skills: Vec<Skill>,
}

#[derive(Debug, Deserialize)]
struct Skill {
    name: String,
}

/// `node.skills.update`: acknowledged by name. Our agent reads no skills, so the texts are not kept.
pub(super) fn skills(call: &Call, params: Value) -> Result<Value, Refusal> {
    let params: SkillsParams = read("node.skills.update", params)?;
    if params.skills.len() > MOST_SKILLS {
        return Err(invalid(
            "invalid node.skills.update params: at /skills: must have 64 items at most",
        ));
    }
    let names: Vec<String> = params.skills.into_iter().map(|skill| skill.name).collect();
    Ok(json!({"nodeId": node_of(call)?, "skills": names}))
}

#[derive(Debug, Deserialize)]
struct ToolsParams {
    tools: Vec<Value>,
}

/// `node.pluginTools.update`: lists show them.
pub(super) fn plugin_tools(call: &Call, params: Value) -> Result<Value, Refusal> {
    let params: ToolsParams = read("node.pluginTools.update", params)?;
    if params.tools.len() > MOST_TOOLS || !params.tools.iter().all(Value::is_object) {
        return Err(invalid(
            "invalid node.pluginTools.update params: at /tools: must be 256 objects at most",
        ));
    }
    let tools = Value::Array(params.tools);
    call.gateway
        .nodes
        .with(&call.peer, |live| live.plugin_tools = tools.clone());
    Ok(json!({"nodeId": node_of(call)?, "tools": tools}))
}

/// `node.runnerInventory.update`: only of nodes that are approved; no runs are given to nodes here,
/// so there is nothing to keep.
pub(super) async fn runner_inventory(call: Call, _params: Value) -> Result<Value, Refusal> {
    let id = node_of(&call)?;
    let node = view::one(&call.gateway, &id).await.map_err(store_refusal)?;
    let waits = node.as_ref().and_then(|node| node.pending.as_ref());
    match (&node, waits) {
        (Some(node), None) if node.surface.is_some() => Ok(json!({"nodeId": id, "ok": true})),
        (_, Some(pending)) => Err(refusal(
            ErrorCode::Unavailable,
            &format!(
                "node capability surface is awaiting operator approval; run `openclaw nodes \
                 approve {}` (see `openclaw nodes pending`), then this node retries automatically",
                pending.request_id
            ),
        )),
        (Some(_) | None, None) => Err(pairing_changed()),
    }
}

/// `skills.bins`: the programs that skills need on a node. There are no skills here.
pub(super) fn skill_bins(_call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({"bins": []}))
}
