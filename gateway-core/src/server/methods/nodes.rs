//! `node.*` for operators: which nodes there are, what they may offer, asking them for something
//! (protocol §10).

use super::super::approvals::node_run::{self, NodeRun, NotRun};
use super::super::nodes::invoke::{self, Invocation};
use super::super::nodes::run::{RunRequest, without_approval};
use super::super::nodes::{self, commands, view};
use super::super::refusals::{
    Refusal, invalid, key_of, missing_scope, read, refusal, store_refusal,
};
use super::super::router::Call;
use super::super::scopes::{covers, delegation};
use super::super::session_keys::DEFAULT_AGENT;
use super::super::{State, clock::now_ms};
use crate::protocol::connect::Scope;
use crate::protocol::{ErrorCode, NodeId, PairingRequestId, SessionKey, WireError};
use crate::store::PendingSurface;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The longest name a node may be given, in characters.
const LONGEST_NAME: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeParams {
    node_id: NodeId,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestParams {
    request_id: PairingRequestId,
}

/// `node.list`.
pub(super) async fn list(call: Call, _params: Value) -> Result<Value, Refusal> {
    view::listed(&call.gateway).await.map_err(store_refusal)
}

/// `node.describe`.
pub(super) async fn describe(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: NodeParams = read("node.describe", params)?;
    let node = known(&call.gateway, &params.node_id).await?;
    let mut entry = node.entry();
    entry.insert("ts".to_owned(), json!(now_ms()));
    Ok(Value::Object(entry))
}

async fn known(gateway: &State, id: &NodeId) -> Result<view::Node, Refusal> {
    view::one(gateway, id)
        .await
        .map_err(store_refusal)?
        .ok_or_else(|| invalid("unknown nodeId"))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RenameParams {
    node_id: NodeId,
    display_name: String,
}

/// `node.rename`.
pub(super) async fn rename(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: RenameParams = read("node.rename", params)?;
    let name = params.display_name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(invalid(
            "invalid node.rename params: at /displayName: must have 1 to 64 characters",
        ));
    }
    let node = known(&call.gateway, &params.node_id).await?;
    call.gateway
        .store
        .label_device(&node.record.device_id, Some(name.to_owned()))
        .await
        .map_err(store_refusal)?;
    Ok(json!({"nodeId": params.node_id, "displayName": name}))
}

/// `node.pair.list`.
pub(super) async fn pair_list(call: Call, _params: Value) -> Result<Value, Refusal> {
    let nodes = view::all(&call.gateway).await.map_err(store_refusal)?;
    let pending: Vec<_> = nodes
        .iter()
        .filter_map(|node| {
            let asked = node.pending.as_ref()?;
            Some(view::pending(asked, Some(&node.record), node.live.as_ref()))
        })
        .collect();
    let paired: Vec<_> = nodes.iter().filter_map(view::Node::paired).collect();
    Ok(json!({"pending": pending, "paired": paired}))
}

/// Returns a request that waits.
async fn asked(gateway: &State, id: &PairingRequestId) -> Result<PendingSurface, Refusal> {
    let pending = gateway
        .store
        .pending_surfaces()
        .await
        .map_err(store_refusal)?;
    pending
        .into_iter()
        .find(|asked| asked.request_id == *id)
        .ok_or_else(|| invalid("unknown requestId"))
}

/// `node.pair.approve`: by somebody who holds what the request needs.
pub(super) async fn approve(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: RequestParams = read("node.pair.approve", params)?;
    let gateway = &call.gateway;
    let pending = asked(gateway, &params.request_id).await?;
    let needed = commands::approve_scopes(&pending.commands);
    delegation::approve(&call.peer.facts.scopes, &needed)
        .map_err(|lacks| missing_scope(&lacks.missing))?;
    let surface = gateway
        .store
        .approve_surface(&params.request_id, now_ms())
        .await
        .map_err(store_refusal)?
        .ok_or_else(|| invalid("unknown requestId"))?;
    nodes::resolved(gateway, &params.request_id, &surface.node_id, "approved");
    let node = known(gateway, &surface.node_id).await?;
    Ok(json!({"requestId": params.request_id, "node": node.paired()}))
}

/// `node.pair.reject`.
pub(super) async fn reject(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: RequestParams = read("node.pair.reject", params)?;
    let rejected = call
        .gateway
        .store
        .reject_surface(&params.request_id)
        .await
        .map_err(store_refusal)?
        .ok_or_else(|| invalid("unknown requestId"))?;
    nodes::resolved(
        &call.gateway,
        &params.request_id,
        &rejected.node_id,
        "rejected",
    );
    Ok(json!({"requestId": params.request_id, "nodeId": rejected.node_id}))
}

/// `node.pair.remove`: takes the abilities; the node asks for them anew when it connects again.
pub(super) async fn remove(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: NodeParams = read("node.pair.remove", params)?;
    let gateway = &call.gateway;
    let node = known(gateway, &params.node_id).await?;
    gateway
        .store
        .remove_surface(&params.node_id)
        .await
        .map_err(store_refusal)?;
    gateway.nodes.disown(&params.node_id);
    if let Some(pending) = &node.pending {
        nodes::resolved(gateway, &pending.request_id, &params.node_id, "rejected");
    }
    Ok(json!({"nodeId": params.node_id}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvokeParams {
    node_id: NodeId,
    command: String,
    #[serde(default)]
    params: Value,
    timeout_ms: Option<u64>,
    idempotency_key: String,
    session_key: Option<SessionKey>,
}

/// `node.invoke`. What gives power over the machine takes an administrator; `system.run` takes
/// anybody who may write, after somebody else has approved exactly that.
pub(super) async fn invoke(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: InvokeParams = read("node.invoke", params)?;
    if params.idempotency_key.trim().is_empty() {
        return Err(invalid(
            "invalid node.invoke params: at /idempotencyKey: must not be empty",
        ));
    }
    if commands::is_about_approvals(&params.command) {
        return Err(invalid(
            "node.invoke does not allow system.execApprovals.*; use exec.approvals.node.*",
        ));
    }
    let session = params.session_key.as_ref().map(key_of).transpose()?;
    let mut with = without_approval(params.params);
    let administers = covers(&call.peer.facts.scopes, &[Scope::Admin]);
    if !administers && params.command == "system.run" {
        let run = RunRequest::read(&with).map_err(|why| invalid(&why))?;
        let wanted = NodeRun {
            node: &params.node_id,
            run: &run,
            agent: DEFAULT_AGENT,
            session: session.as_ref(),
            requester: Some(call.peer.facts.conn_id.clone()),
            progress: None,
        };
        with = node_run::permit(&call.gateway, wanted)
            .await
            .map_err(not_run)?;
    } else if !administers && commands::is_for_administrators(&params.command) {
        return Err(missing_scope(&Scope::Admin));
    }
    let invocation = Invocation {
        node: params.node_id,
        command: params.command,
        params: with,
        wait: params.timeout_ms.map(Duration::from_millis),
        key: params.idempotency_key,
        progress: None,
    };
    invoke::invoke(&call.gateway, invocation).await
}

fn not_run(why: NotRun) -> Refusal {
    match why {
        NotRun::Refused(refusal) => refusal,
        NotRun::Denied(denied) => Box::new(WireError {
            details: Some(json!({"code": "APPROVAL_REQUIRED"})),
            ..*refusal(ErrorCode::Forbidden, &format!("system.run: {denied}"))
        }),
    }
}
