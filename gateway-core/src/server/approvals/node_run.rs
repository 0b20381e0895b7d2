//! Running a program on a node, once a person or an earlier word of theirs allows it.

use super::super::State;
use super::super::nodes::run::RunRequest;
use super::{Ask, Settled, USUAL_WAIT, ask, request, shown, withdraw};
use crate::protocol::id::ApprovalId;
use crate::protocol::method::approvals::Decision;
use crate::protocol::{ConnId, NodeId, SessionKey};
use crate::store::StoreError;
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
}

/// Why a program must not run.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum Denied {
    /// A person said no.
    #[error("a person denied it")]
    ByPerson,
    /// Nobody answered in time.
    #[error("nobody approved it in time; ask again when somebody is there")]
    Expired,
    /// Nobody who may approve is connected.
    #[error(
        "it needs an approval and nobody who may give it is connected; open OpenClaw and ask again"
    )]
    NoRoute,
    /// It was taken back.
    #[error("the request for approval was withdrawn")]
    Withdrawn,
    /// Too many wait already.
    #[error("too many requests for approval wait already")]
    TooMany,
    /// What was allowed for good could not be looked up.
    #[error("what was allowed could not be looked up: {0}")]
    State(#[from] StoreError),
}

/// Returns once exactly this program may run on exactly this node, in exactly this folder.
///
/// Dropping the future takes the request back.
pub(in super::super) async fn permit(
    gateway: &Arc<State>,
    wanted: NodeRun<'_>,
) -> Result<(), Denied> {
    let bound = wanted.run.bound(wanted.node.as_str(), wanted.agent);
    // What an agent was allowed for good; a person who asks by hand has nobody's word for it.
    if wanted.requester.is_none() && gateway.store.is_command_allowed(bound.clone()).await? {
        return Ok(());
    }
    let mut allowed = vec![Decision::AllowOnce];
    if wanted.requester.is_none() {
        allowed.push(Decision::AllowAlways);
    }
    allowed.push(Decision::Deny);
    let mut asked = ask(
        gateway,
        Ask {
            id: None,
            request: request_of(&wanted, &allowed),
            allowed,
            wait: USUAL_WAIT,
            requester: wanted.requester.clone(),
            bound: wanted.requester.is_none().then_some(bound),
        },
    )
    .map_err(|_| Denied::TooMany)?;
    let _withdrawn = Withdrawal {
        gateway,
        id: asked.id.clone(),
    };
    match asked.settled().await {
        Settled::Decided(Decision::AllowOnce | Decision::AllowAlways) => Ok(()),
        Settled::Decided(Decision::Deny | Decision::Other(_)) => Err(Denied::ByPerson),
        Settled::Expired => Err(Denied::Expired),
        Settled::NoRoute => Err(Denied::NoRoute),
        Settled::Withdrawn => Err(Denied::Withdrawn),
    }
}

/// Takes a request back when whoever waits for it stops waiting; settled ones stay.
struct Withdrawal<'a> {
    gateway: &'a State,
    id: ApprovalId,
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        withdraw(self.gateway, &self.id);
    }
}

fn request_of(wanted: &NodeRun<'_>, allowed: &[Decision]) -> Value {
    let known = json!({
        "commandArgv": wanted.run.command, "cwd": wanted.run.cwd, "nodeId": wanted.node,
        "host": "node", "security": "allowlist", "ask": "on-miss", "agentId": wanted.agent,
        "sessionKey": wanted.session,
    });
    request(&shown(&wanted.run.command), &known, allowed)
}
