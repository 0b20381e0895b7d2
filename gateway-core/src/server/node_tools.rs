//! The agents' tool `nodes`: which there are, and asking one for something.

use super::State;
use super::approvals::node_run::{self, NodeRun, NotRun};
use super::nodes::invoke::{self, Invocation};
use super::nodes::run::RunRequest;
use super::nodes::{commands, view};
use super::refusals::{Refusal, store_refusal};
use super::session_keys::agent_of;
use crate::agent::toolbox::{ToolCall, ToolProgress, ToolResult, ToolSpec, Toolbox};
use crate::protocol::{NodeId, SessionKey};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The name of the tool.
const NODES: &str = "nodes";

/// The tool of one conversation.
pub(super) struct NodeTools {
    gateway: Weak<State>,
    key: SessionKey,
}

impl NodeTools {
    /// Returns the tool for a conversation. It holds nothing of the gateway open.
    pub(super) fn new(gateway: Weak<State>, key: SessionKey) -> Self {
        Self { gateway, key }
    }

    async fn run(&self, call: &ToolCall, progress: ToolProgress) -> Result<Value, String> {
        let gateway = self.gateway.upgrade().ok_or("the gateway is stopping")?;
        match call.text("action") {
            Some("list") => view::listed(&gateway)
                .await
                .map_err(|problem| said(store_refusal(problem))),
            Some("describe") => {
                let node = named(&gateway, call).await?;
                Ok(Value::Object(node.entry()))
            }
            Some("invoke") => self.invoke(&gateway, call, progress).await,
            Some(_) | None => Err("action must be list, describe or invoke".to_owned()),
        }
    }

    async fn invoke(
        &self,
        gateway: &Arc<State>,
        call: &ToolCall,
        progress: ToolProgress,
    ) -> Result<Value, String> {
        let node = named(gateway, call).await?.id;
        let command = call.text("command").ok_or("command is missing")?;
        let params = call.arguments.get("params").cloned();
        let mut params = params.unwrap_or_else(|| json!({}));
        if command == "system.run" {
            params = self
                .approved_run(gateway, &node, &params, &progress)
                .await?;
        } else if commands::is_powerful(command) {
            return Err(format!(
                "{command} is not for agents on this gateway; use system.run, which a person approves"
            ));
        }
        let wait = call.arguments.get("timeoutMs").and_then(Value::as_u64);
        let invocation = Invocation {
            node,
            command: command.to_owned(),
            params,
            wait: wait.map(Duration::from_millis),
            key: uuid::Uuid::new_v4().to_string(),
            progress: Some(progress),
        };
        invoke::invoke(gateway, invocation).await.map_err(said)
    }

    /// Waits until somebody has approved exactly this program in exactly this folder.
    async fn approved_run(
        &self,
        gateway: &Arc<State>,
        node: &NodeId,
        params: &Value,
        progress: &ToolProgress,
    ) -> Result<Value, String> {
        let run = RunRequest::read(params)?;
        let wanted = NodeRun {
            node,
            run: &run,
            agent: agent_of(&self.key),
            session: Some(&self.key),
            requester: None,
            progress: Some(progress),
        };
        node_run::permit(gateway, wanted).await.map_err(|why| {
            let why = match why {
                NotRun::Refused(refusal) => said(refusal),
                NotRun::Denied(denied) => denied.to_string(),
            };
            format!("system.run was not run: {why}")
        })
    }
}

fn said(refusal: Refusal) -> String {
    refusal.message
}

/// Finds the node a call names, by its id or by what people call it.
async fn named(gateway: &State, call: &ToolCall) -> Result<view::Node, String> {
    let wanted = call.text("node").ok_or("node is missing")?;
    let mut nodes = view::all(gateway)
        .await
        .map_err(|problem| format!("the nodes could not be looked up: {problem}"))?;
    if let Some(at) = nodes.iter().position(|node| node.id.as_str() == wanted) {
        return Ok(nodes.swap_remove(at));
    }
    let lower = wanted.to_lowercase();
    nodes.retain(|node| node.name().is_some_and(|name| name.to_lowercase() == lower));
    match (nodes.pop(), nodes.len()) {
        (Some(node), 0) => Ok(node),
        (Some(_), _) => Err(format!(
            "several nodes are called {wanted:?}; use the nodeId of action list"
        )),
        (None, _) => Err(format!(
            "there is no node called {wanted:?}; action list names them"
        )),
    }
}

impl Toolbox for NodeTools {
    fn specs(&self) -> Vec<ToolSpec> {
        let text = |description: &str| json!({"type": "string", "description": description});
        vec![ToolSpec {
            name: NODES.to_owned(),
            description: "The user's machines that are connected as nodes. list: which there are \
                          and which commands each offers. describe: one of them. invoke: run one of \
                          its commands, such as system.notify {title, body} or system.run \
                          {command: [program, arguments…], cwd?}, which a person has to approve."
                .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "action": {"type": "string", "enum": ["list", "describe", "invoke"]},
                    "node": text("Id or name of the node"),
                    "command": text("Which command to invoke"),
                    "params": {"type": "object", "description": "The command's params"},
                    "timeoutMs": {"type": "integer", "description": "How long it may take"},
                },
                "required": ["action"],
            }),
        }]
    }

    fn call(
        &self,
        call: ToolCall,
        progress: ToolProgress,
        _cancel: CancellationToken,
    ) -> BoxFuture<'_, ToolResult> {
        // Cancelling drops this, which takes back what was asked of people and nodes.
        Box::pin(async move {
            if call.name != NODES {
                return ToolResult::failed(format!("there is no tool named {:?}", call.name));
            }
            match self.run(&call, progress).await {
                Ok(answer) => ToolResult::ok(answer.to_string()),
                Err(why) => ToolResult::failed(why),
            }
        })
    }
}
