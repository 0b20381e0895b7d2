//! Running a program on a node, once a person or an earlier word of theirs allows it.

use super::super::State;
use super::super::nodes::run::RunRequest;
use super::permit::{Denied, Wanted};
use super::{USUAL_WAIT, permit, shown};
use crate::agent::toolbox::ToolProgress;
use crate::protocol::{ConnId, NodeId, SessionKey};
use serde_json::json;
use std::sync::Arc;

/// A program somebody wants to run on a node.
#[derive(Debug)]
pub(in super::super) struct NodeRun<'a> {
    /// Which node.
    pub(in super::super) node: &'a NodeId,
    /// The program.
    pub(in super::super) run: &'a RunRequest,
    /// The agent that asks, or for which it is asked.
    pub(in super::super) agent: &'a str,
    /// In which conversation.
    pub(in super::super) session: Option<&'a SessionKey>,
    /// The connection that asks, where it is no agent.
    pub(in super::super) requester: Option<ConnId>,
    /// Hears that a person is waited for.
    pub(in super::super) progress: Option<&'a ToolProgress>,
}

/// Returns once exactly this program may run on exactly this node, in exactly this folder.
///
/// Dropping the future takes the request back.
pub(in super::super) async fn permit(
    gateway: &Arc<State>,
    wanted: NodeRun<'_>,
) -> Result<(), Denied> {
    let known = json!({
        "commandArgv": wanted.run.command, "cwd": wanted.run.cwd, "nodeId": wanted.node,
        "host": "node", "security": "allowlist", "ask": "on-miss", "agentId": wanted.agent,
        "sessionKey": wanted.session,
    });
    // What an agent was allowed for good; a person who asks by hand has nobody's word for it.
    let bound = wanted
        .requester
        .is_none()
        .then(|| wanted.run.bound(wanted.node.as_str(), wanted.agent));
    permit::permit(
        gateway,
        Wanted {
            command: shown(&wanted.run.command),
            known,
            bound,
            wait: USUAL_WAIT,
            requester: wanted.requester,
            progress: wanted.progress,
        },
    )
    .await
}
