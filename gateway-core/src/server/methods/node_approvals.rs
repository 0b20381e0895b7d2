//! `exec.approvals.node.*`: what a node permits by itself, read and written by an administrator. It
//! stays on the node; this gateway passes it on.

use super::super::nodes::invoke::{self, Invocation};
use super::super::refusals::{Refusal, invalid, read};
use super::super::router::Call;
use crate::protocol::NodeId;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GetParams {
    node_id: NodeId,
}

/// `exec.approvals.node.get`.
pub(super) async fn get(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: GetParams = read("exec.approvals.node.get", params)?;
    passed_on(call, params.node_id, "system.execApprovals.get", json!({})).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetParams {
    node_id: NodeId,
    file: Option<Map<String, Value>>,
    base_hash: Option<String>,
    native: Option<Map<String, Value>>,
}

/// `exec.approvals.node.set`: a file, or for nodes that keep their own form, that form.
pub(super) async fn set(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: SetParams = read("exec.approvals.node.set", params)?;
    let mut with = match (params.file, params.native) {
        (Some(file), None) => Map::from_iter([("file".to_owned(), Value::Object(file))]),
        (None, Some(native)) => native,
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid(
                "invalid exec.approvals.node.set params: must have one of file and native",
            ));
        }
    };
    if let Some(hash) = params.base_hash {
        with.insert("baseHash".to_owned(), Value::String(hash));
    }
    let with = Value::Object(with);
    passed_on(call, params.node_id, "system.execApprovals.set", with).await
}

async fn passed_on(
    call: Call,
    node: NodeId,
    command: &str,
    params: Value,
) -> Result<Value, Refusal> {
    let invocation = Invocation {
        node,
        command: command.to_owned(),
        params,
        wait: None,
        // Each call is a new one, and its answer is not kept: it is the node's own affair.
        key: uuid::Uuid::new_v4().to_string(),
        progress: None,
    };
    let answer = invoke::ask(&call.gateway, invocation).await?;
    Ok(answer.get("payload").cloned().unwrap_or_default())
}
