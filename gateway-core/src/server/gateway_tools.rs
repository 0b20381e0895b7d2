//! The tools that know the gateway itself: `session_status`.

use super::State;
use super::session_keys::DEFAULT_AGENT;
use crate::agent::toolbox::{ToolCall, ToolProgress, ToolResult, ToolSpec, Toolbox};
use crate::protocol::SessionKey;
use crate::protocol::connect::Role;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::Weak;
use tokio_util::sync::CancellationToken;

/// The tools of one conversation.
pub(super) struct GatewayTools {
    gateway: Weak<State>,
    key: SessionKey,
}

impl GatewayTools {
    /// Returns the tools for a conversation. They hold nothing of the gateway open.
    pub(super) fn new(gateway: Weak<State>, key: SessionKey) -> Self {
        Self { gateway, key }
    }

    async fn status(&self) -> Option<Value> {
        let gateway = self.gateway.upgrade()?;
        let record = gateway.store.session(&self.key).await.ok()?;
        let model = gateway.model_of(record.as_ref());
        let sessions = super::health::measure(&gateway).await.ok()?;
        Some(json!({
            "gateway": {
                "version": gateway.version(), "uptimeMs": gateway.uptime_ms(),
                "time": gateway.agents.local_time(),
                "sessions": sessions.pointer("/sessions/count"),
                "clients": gateway.peers.count(|peer| peer.facts.role == Role::Operator),
                "nodes": gateway.peers.count(|peer| peer.facts.role == Role::Node),
                "runs": gateway.runs.active(),
            },
            "session": {
                "key": self.key, "agentId": DEFAULT_AGENT,
                "model": format!("{}/{}", model.provider, model.model),
                "inputTokens": record.as_ref().map(|record| record.input_tokens),
                "outputTokens": record.as_ref().map(|record| record.output_tokens),
            },
        }))
    }
}

impl Toolbox for GatewayTools {
    fn specs(&self) -> Vec<ToolSpec> {
        vec![ToolSpec {
            name: "session_status".to_owned(),
            description: "How the gateway and this conversation are: version, uptime, clients, \
                          nodes, model, tokens."
                .to_owned(),
            parameters: json!({"type": "object", "properties": {}}),
        }]
    }

    fn call(
        &self,
        call: ToolCall,
        _progress: ToolProgress,
        _cancel: CancellationToken,
    ) -> BoxFuture<'_, ToolResult> {
        Box::pin(async move {
            match self.status().await {
                Some(status) if call.name == "session_status" => ToolResult::ok(status.to_string()),
                Some(_) => ToolResult::failed(format!("there is no tool named {:?}", call.name)),
                None => ToolResult::failed("the gateway is stopping, or its state cannot be read"),
            }
        })
    }
}
