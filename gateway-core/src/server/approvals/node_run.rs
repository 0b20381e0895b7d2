//! Running a program on a node, once a person or an earlier word of theirs allows it.

use super::super::State;
use super::super::nodes::prepared::prepare;
use super::super::nodes::run::RunRequest;
use super::super::refusals::Refusal;
use super::permit::{Denied, Wanted};
use super::{USUAL_WAIT, permit, shown};
use crate::agent::toolbox::ToolProgress;
use crate::protocol::{ConnId, NodeId, SessionKey};
use serde_json::{Value, json};
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

/// Why a program is not run on a node.
#[derive(Debug)]
pub(in super::super) enum NotRun {
    /// The node cannot be asked for it, or does not accept it.
    Refused(Refusal),
    /// Nobody allowed it.
    Denied(Denied),
}

/// Returns what the node is to be sent once exactly this program may run on exactly this node, in
/// exactly this folder.
///
/// Dropping the future takes the request back.
///
/// # Errors
///
/// [`NotRun`]; nobody is asked about what the node would refuse.
pub(in super::super) async fn permit(
    gateway: &Arc<State>,
    wanted: NodeRun<'_>,
) -> Result<Value, NotRun> {
    let prepared = prepare(
        gateway,
        wanted.node,
        wanted.run,
        wanted.agent,
        wanted.session,
    )
    .await
    .map_err(NotRun::Refused)?;
    let run = prepared.run();
    let known = json!({
        "commandArgv": run.command, "cwd": run.cwd, "nodeId": wanted.node,
        "host": "node", "security": "allowlist", "ask": "on-miss", "agentId": wanted.agent,
        "sessionKey": wanted.session,
    });
    // What an agent was allowed for good; a person who asks by hand has nobody's word for it.
    let bound = wanted
        .requester
        .is_none()
        .then(|| run.bound(wanted.node.as_str(), wanted.agent));
    permit::permit(
        gateway,
        Wanted {
            command: shown(&run.command),
            known,
            bound,
            wait: USUAL_WAIT,
            requester: wanted.requester,
            progress: wanted.progress,
        },
    )
    .await
    .map_err(NotRun::Denied)?;
    Ok(prepared.approved_params())
}
