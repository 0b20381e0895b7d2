//! Asking a node to do something, and its answer (protocol §10).

use super::super::State;
use super::super::clock::now_ms;
use super::super::mailbox::Announcement;
use super::super::peers::Peer;
use super::super::refusals::store_refusal;
use super::super::refusals::{Refusal, invalid, refusal};
use super::view;
use crate::agent::toolbox::{ToolProgress, ToolResult};
use crate::protocol::{ConnId, ErrorCode, NodeId, WireError};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

/// How long a node may take where nothing is said, and at most.
pub(in super::super) const USUAL_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// How much of what a command shows while it runs is kept, in bytes.
const MOST_SHOWN: usize = 64 * 1024;
/// Under which name answers are kept for the keys they were given to.
const METHOD: &str = "node.invoke";

/// Something to ask of a node.
#[derive(Debug, Clone)]
pub(in super::super) struct Invocation {
    /// Which node.
    pub(in super::super) node: NodeId,
    /// Which command.
    pub(in super::super) command: String,
    /// What with.
    pub(in super::super) params: Value,
    /// How long it may take.
    pub(in super::super) wait: Option<Duration>,
    /// The same key asks for the same thing, which is done once.
    pub(in super::super) key: String,
    /// Where to show what there is so far.
    pub(in super::super) progress: Option<ToolProgress>,
}

type Asked = Shared<BoxFuture<'static, Result<Value, Refusal>>>;
type WeakAsked = WeakShared<BoxFuture<'static, Result<Value, Refusal>>>;

/// What nodes are doing for somebody.
#[derive(Default)]
pub(in super::super) struct Invocations {
    waiting: Mutex<HashMap<String, Waiting>>,
    by_key: Mutex<HashMap<String, WeakAsked>>,
}

impl std::fmt::Debug for Invocations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = super::super::held(&self.waiting).len();
        f.debug_struct("Invocations")
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Waiting {
    node: NodeId,
    conn: ConnId,
    reply: oneshot::Sender<ResultParams>,
    progress: Option<ToolProgress>,
    shown: String,
}

impl Invocations {
    /// Nobody will answer these any more.
    pub(super) fn abandon(&self, which: impl Fn(&NodeId, &ConnId) -> bool) {
        super::super::held(&self.waiting).retain(|_, asked| !which(&asked.node, &asked.conn));
    }

    /// Takes a node's answer. Returns whether somebody waits for it.
    pub(in super::super) fn answer(&self, peer: &Peer, result: ResultParams) -> bool {
        let mut waiting = super::super::held(&self.waiting);
        let ours = waiting
            .get(&result.id)
            .is_some_and(|asked| asked.conn == peer.facts.conn_id);
        if !ours {
            return false;
        }
        let asked = waiting.remove(&result.id);
        drop(waiting);
        // Whoever asked may have gone in this very moment.
        asked.is_some_and(|asked| asked.reply.send(result).is_ok())
    }

    /// Shows what a command has put out so far. Returns whether somebody waits for it.
    pub(in super::super) fn show(&self, peer: &Peer, id: &str, chunk: &str) -> bool {
        let mut waiting = super::super::held(&self.waiting);
        let Some(asked) = waiting
            .get_mut(id)
            .filter(|asked| asked.conn == peer.facts.conn_id)
        else {
            return false;
        };
        if asked.shown.len() + chunk.len() <= MOST_SHOWN {
            asked.shown.push_str(chunk);
        }
        if let Some(progress) = &asked.progress {
            progress.show(ToolResult::ok(asked.shown.clone()));
        }
        true
    }
}

/// What a node says in `node.invoke.result`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct ResultParams {
    /// Which invocation.
    pub(in super::super) id: String,
    /// Which node.
    pub(in super::super) node_id: NodeId,
    ok: bool,
    payload: Option<Value>,
    #[serde(rename = "payloadJSON")]
    payload_json: Option<String>,
    error: Option<NodeError>,
}

#[derive(Debug, Default, Deserialize)]
struct NodeError {
    code: Option<String>,
    message: Option<String>,
}

/// Takes an invocation back when whoever waits for it stops waiting.
struct Guard<'a> {
    gateway: &'a State,
    peer: Arc<Peer>,
    id: String,
    node: NodeId,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let waiting = &self.gateway.nodes.invocations.waiting;
        if super::super::held(waiting).remove(&self.id).is_some() {
            let payload = json!({"id": self.id, "nodeId": self.node});
            self.peer
                .mailbox
                .tell(&Announcement::new("node.invoke.cancel", &payload));
        }
    }
}

/// Asks a node to do something; the same key is asked once, however often this is called.
pub(in super::super) async fn invoke(
    gateway: &Arc<State>,
    invocation: Invocation,
) -> Result<Value, Refusal> {
    let key = format!(
        "{}\n{}\n{}",
        invocation.node, invocation.command, invocation.key
    );
    let kept = gateway
        .store
        .outcome(METHOD, key.clone(), now_ms())
        .await
        .map_err(store_refusal)?;
    if let Some(answer) = kept {
        return Ok(answer);
    }
    let asked: Asked = {
        let mut by_key = super::super::held(&gateway.nodes.invocations.by_key);
        by_key.retain(|_, asked| asked.upgrade().is_some());
        match by_key.get(&key).and_then(WeakShared::upgrade) {
            Some(asked) => asked,
            None => {
                let asked = carry_out(gateway.clone(), invocation, key.clone())
                    .boxed()
                    .shared();
                if let Some(weak) = asked.downgrade() {
                    by_key.insert(key, weak);
                }
                asked
            }
        }
    };
    asked.await
}

async fn carry_out(
    gateway: Arc<State>,
    invocation: Invocation,
    key: String,
) -> Result<Value, Refusal> {
    let answer = ask(&gateway, invocation).await?;
    gateway
        .store
        .put_outcome(METHOD, key, answer.clone(), now_ms())
        .await
        .map_err(store_refusal)?;
    Ok(answer)
}

/// Asks a node to do something, every time this is called.
pub(in super::super) async fn ask(
    gateway: &State,
    invocation: Invocation,
) -> Result<Value, Refusal> {
    let Invocation {
        node,
        command,
        mut params,
        wait,
        key,
        progress,
    } = invocation;
    let peer = may_ask(gateway, &node, &command).await?;
    let wait = wait.unwrap_or(USUAL_WAIT).min(LONGEST_WAIT);
    let until = Instant::now() + wait;
    if command == "system.run"
        && let Value::Object(params) = &mut params
    {
        params
            .entry("runId")
            .or_insert_with(|| json!(Uuid::new_v4().to_string()));
    }
    let id = Uuid::new_v4().to_string();
    let (reply, answer) = oneshot::channel();
    let waiting = Waiting {
        node: node.clone(),
        conn: peer.facts.conn_id.clone(),
        reply,
        progress,
        shown: String::new(),
    };
    super::super::held(&gateway.nodes.invocations.waiting).insert(id.clone(), waiting);
    let _guard = Guard {
        gateway,
        peer: peer.clone(),
        id: id.clone(),
        node: node.clone(),
    };
    // It may have left between the look and the entry, and then nobody would take it out.
    let still = gateway.nodes.live(&node);
    if still.is_none_or(|live| live.peer.facts.conn_id != peer.facts.conn_id) {
        return Err(pairing_changed());
    }
    let request = json!({
        "id": id, "nodeId": node, "command": command,
        "paramsJSON": params.to_string(),
        "timeoutMs": u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        "idempotencyKey": key,
    });
    peer.mailbox
        .tell(&Announcement::new("node.invoke.request", &request));
    match timeout_at(until, answer).await {
        Ok(Ok(result)) => said(&node, &command, result),
        Ok(Err(_)) => Err(pairing_changed()),
        Err(_) => Err(unavailable(
            "node invoke timed out",
            json!({"code": "TIMEOUT", "nodeId": node, "command": command}),
            false,
        )),
    }
}

/// Returns the connection of a node that may be asked this.
pub(super) async fn may_ask(
    gateway: &State,
    node: &NodeId,
    command: &str,
) -> Result<Arc<Peer>, Refusal> {
    let Some(known) = view::one(gateway, node).await.map_err(store_refusal)? else {
        return Err(pairing_changed());
    };
    let platform = known.record.platform.as_deref().unwrap_or_default();
    if let Err(why) = gateway.commands.admits(platform, command) {
        return Err(not_allowed(command, &why, "command not allowlisted"));
    }
    let Some(live) = &known.live else {
        return Err(unavailable(
            "node not connected",
            json!({"code": "NOT_CONNECTED", "nodeId": node}),
            true,
        ));
    };
    if !known.commands().iter().any(|usable| usable == command) {
        let why = if known.pending.is_some() {
            "waits for approval of what the node offers"
        } else {
            "is not offered by the node"
        };
        return Err(not_allowed(command, why, "command not declared by node"));
    }
    Ok(live.peer.clone())
}

fn not_allowed(command: &str, why: &str, reason: &str) -> Refusal {
    Box::new(WireError {
        details: Some(json!({"reason": reason, "command": command})),
        ..*invalid(&format!("node command not allowed: \"{command}\" {why}"))
    })
}

/// A node is not known, or has left, or was taken its abilities (protocol §6).
pub(in super::super) fn pairing_changed() -> Refusal {
    unavailable(
        "node pairing changed while invocation was active",
        json!({"code": "PAIRING_CHANGED"}),
        true,
    )
}

fn unavailable(message: &str, details: Value, retryable: bool) -> Refusal {
    Box::new(WireError {
        details: Some(details),
        retryable: retryable.then_some(true),
        ..*refusal(ErrorCode::Unavailable, message)
    })
}

fn said(node: &NodeId, command: &str, result: ResultParams) -> Result<Value, Refusal> {
    if !result.ok {
        let error = result.error.unwrap_or_default();
        let code = error.code.as_deref().unwrap_or("UNAVAILABLE");
        let message = error.message.as_deref().unwrap_or("the node refused");
        return Err(unavailable(
            &format!("{code}: {message}"),
            json!({"nodeError": {"code": code, "message": message}}),
            false,
        ));
    }
    let payload = match (&result.payload, &result.payload_json) {
        (Some(payload), _) => payload.clone(),
        (None, Some(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        (None, None) => Value::Null,
    };
    Ok(json!({
        "ok": true, "nodeId": node, "command": command, "payload": payload,
        "payloadJSON": result.payload_json,
    }))
}
