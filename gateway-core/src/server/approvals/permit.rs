//! Waiting for somebody's word on one program, wherever it would run.

use super::super::State;
use super::{Ask, Settled, ask, request, withdraw};
use crate::agent::toolbox::ToolProgress;
use crate::protocol::ConnId;
use crate::protocol::id::ApprovalId;
use crate::protocol::method::approvals::Decision;
use crate::store::{AllowedCommand, StoreError};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A program somebody's word is needed for.
#[derive(Debug)]
pub(in super::super) struct Wanted<'a> {
    /// Its command line, as people are shown it.
    pub(in super::super) command: String,
    /// What else they are shown.
    pub(in super::super) known: Value,
    /// What "always" would mean; `None` where it is not offered, and an earlier one does not count.
    pub(in super::super) bound: Option<AllowedCommand>,
    /// How long the request waits.
    pub(in super::super) wait: Duration,
    /// The connection that asks, where it is no agent.
    pub(in super::super) requester: Option<ConnId>,
    /// Hears that a person is waited for.
    pub(in super::super) progress: Option<&'a ToolProgress>,
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

/// Returns once this program may run. Dropping the future takes the request back.
pub(in super::super) async fn permit(
    gateway: &Arc<State>,
    wanted: Wanted<'_>,
) -> Result<(), Denied> {
    if let Some(bound) = &wanted.bound
        && gateway.store.is_command_allowed(bound.clone()).await?
    {
        return Ok(());
    }
    let mut allowed = vec![Decision::AllowOnce];
    if wanted.bound.is_some() {
        allowed.push(Decision::AllowAlways);
    }
    allowed.push(Decision::Deny);
    let mut asked = ask(
        gateway,
        Ask {
            id: None,
            request: request(&wanted.command, &wanted.known, &allowed),
            allowed,
            wait: wanted.wait,
            requester: wanted.requester,
            bound: wanted.bound,
        },
    )
    .map_err(|_| Denied::TooMany)?;
    let _withdrawn = Withdrawal {
        gateway,
        id: asked.id.clone(),
    };
    if let Some(progress) = wanted.progress {
        progress.waits(asked.id.as_str()).await;
    }
    let settled = asked.settled().await;
    if let Some(progress) = wanted.progress {
        progress.decided(asked.id.as_str()).await;
    }
    match settled {
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
