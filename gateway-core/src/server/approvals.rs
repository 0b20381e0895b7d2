//! Commands that wait for a person (protocol §11).
//!
//! Whoever wants to run something puts a request down and waits; operators who may approve are
//! told, and the first decision holds. Nothing is kept over a restart: what waited then was not
//! approved. Only "allow always" is, in the store.

pub(super) mod node_run;
pub(super) mod permit;
mod shape;

pub(super) use shape::{request, shown};

use super::State;
use super::clock::now_ms;
use super::peers::Peer;
use crate::protocol::ConnId;
use crate::protocol::connect::Scope;
use crate::protocol::id::ApprovalId;
use crate::protocol::method::approvals::Decision;
use crate::store::{AllowedCommand, StoreError};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// How long a request waits where nothing is said, and at most.
pub(super) const USUAL_WAIT: Duration = Duration::from_secs(120);
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);
/// How many requests may wait at a time, and how many that are settled are remembered.
const MOST_WAITING: usize = 256;
const MOST_SETTLED: usize = 256;

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Settled {
    /// Somebody decided.
    Decided(Decision),
    /// Nobody did in time.
    Expired,
    /// Nobody is here who could.
    NoRoute,
    /// Whoever asked does not want it any more.
    Withdrawn,
}

/// A request to put down.
#[derive(Debug)]
pub(super) struct Ask {
    /// Its id, where the caller has one.
    pub(super) id: Option<ApprovalId>,
    /// What is to run, as people are shown it.
    pub(super) request: Value,
    /// What may be decided.
    pub(super) allowed: Vec<Decision>,
    /// How long it waits.
    pub(super) wait: Duration,
    /// The connection that asks; it does not decide about its own request.
    pub(super) requester: Option<ConnId>,
    /// What is remembered if it is allowed for good.
    pub(super) bound: Option<AllowedCommand>,
}

/// A request that was put down.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Its id.
    pub(super) id: ApprovalId,
    /// When it was asked and when it ends by itself, in milliseconds since 1970.
    pub(super) created_at_ms: u64,
    pub(super) expires_at_ms: u64,
    settled: watch::Receiver<Option<Settled>>,
}

impl Asked {
    /// Waits for what becomes of it.
    pub(super) async fn settled(&mut self) -> Settled {
        match self.settled.wait_for(Option::is_some).await {
            Ok(settled) => settled.clone().unwrap_or(Settled::Withdrawn),
            // Forgotten: the gateway ends.
            Err(_) => Settled::Withdrawn,
        }
    }
}

/// Why a request was not put down, or not decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The id is in use, or too many wait.
    Refused,
    /// There is none of this id.
    Unknown,
    /// It is settled already.
    Settled,
    /// This may not be decided about it.
    NotAllowed,
}

/// Every request that waits, and the last ones that do not any more.
#[derive(Debug, Default)]
pub(super) struct Approvals(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    ask: Ask,
    asked: Asked,
    settle: watch::Sender<Option<Settled>>,
}

impl Entry {
    fn waits(&self) -> bool {
        self.settle.borrow().is_none()
    }

    fn on_the_wire(&self) -> Value {
        json!({
            "id": self.asked.id, "request": self.ask.request,
            "createdAtMs": self.asked.created_at_ms, "expiresAtMs": self.asked.expires_at_ms,
            "approvalKind": "exec",
        })
    }
}

impl Approvals {
    /// Returns those that wait, as lists show them, first come first.
    pub(super) fn waiting(&self) -> Vec<Value> {
        super::held(&self.0)
            .iter()
            .filter(|entry| entry.waits())
            .map(Entry::on_the_wire)
            .collect()
    }

    /// Returns one that waits, as it is shown.
    pub(super) fn get(&self, id: &ApprovalId) -> Option<Value> {
        super::held(&self.0)
            .iter()
            .find(|entry| entry.asked.id == *id && entry.waits())
            .map(Entry::on_the_wire)
    }

    /// Returns a request to wait for, settled or not.
    pub(super) fn find(&self, id: &ApprovalId) -> Option<Asked> {
        super::held(&self.0)
            .iter()
            .find(|entry| entry.asked.id == *id)
            .map(|entry| entry.asked.clone())
    }

    fn insert(&self, ask: Ask) -> Result<(Asked, Value), Fault> {
        let (settle, settled) = watch::channel(None);
        let created_at_ms = now_ms();
        let wait = u64::try_from(ask.wait.as_millis()).unwrap_or(u64::MAX);
        let asked = Asked {
            id: ask
                .id
                .clone()
                .unwrap_or_else(|| uuid::Uuid::new_v4().to_string().into()),
            created_at_ms,
            expires_at_ms: created_at_ms.saturating_add(wait),
            settled,
        };
        let mut entries = super::held(&self.0);
        let waiting = entries.iter().filter(|entry| entry.waits()).count();
        if waiting >= MOST_WAITING || entries.iter().any(|entry| entry.asked.id == asked.id) {
            return Err(Fault::Refused);
        }
        while entries.len() - waiting >= MOST_SETTLED {
            match entries.iter().position(|entry| !entry.waits()) {
                Some(oldest) => drop(entries.remove(oldest)),
                None => break,
            }
        }
        let entry = Entry {
            ask,
            asked: asked.clone(),
            settle,
        };
        let shown = entry.on_the_wire();
        entries.push(entry);
        Ok((asked, shown))
    }

    /// Settles one. Returns what was asked and what to remember of it.
    fn settle(
        &self,
        id: &ApprovalId,
        settled: Settled,
    ) -> Result<(Value, Option<AllowedCommand>), Fault> {
        let entries = super::held(&self.0);
        let entry = entries
            .iter()
            .find(|entry| entry.asked.id == *id)
            .ok_or(Fault::Unknown)?;
        if !entry.waits() {
            return Err(Fault::Settled);
        }
        if let Settled::Decided(decision) = &settled
            && !entry.ask.allowed.contains(decision)
        {
            return Err(Fault::NotAllowed);
        }
        entry.settle.send_replace(Some(settled));
        Ok((entry.ask.request.clone(), entry.ask.bound.clone()))
    }
}

fn may_decide(peer: &Peer, requester: Option<&ConnId>) -> bool {
    peer.facts.may(&Scope::Approvals) && requester != Some(&peer.facts.conn_id)
}

/// Puts a request down and tells whoever may decide. If nobody can, it is settled at once.
///
/// # Errors
///
/// [`Fault::Refused`] where the id is in use or too many wait.
pub(super) fn ask(gateway: &Arc<State>, ask: Ask) -> Result<Asked, Fault> {
    let requester = ask.requester.clone();
    let wait = ask.wait;
    let (asked, shown) = gateway.approvals.insert(ask)?;
    if !gateway
        .peers
        .any(|peer| may_decide(peer, requester.as_ref()))
    {
        // It was put in this moment, so nobody can have settled it.
        if let Err(fault) = gateway.approvals.settle(&asked.id, Settled::NoRoute) {
            tracing::debug!(?fault, "a request without anybody to decide was settled");
        }
        return Ok(asked);
    }
    gateway.announce("exec.approval.requested", &shown, |peer| {
        may_decide(peer, requester.as_ref())
    });
    let (gateway, mut waited) = (gateway.clone(), asked.clone());
    gateway.clone().tasks.spawn(async move {
        tokio::select! {
            _ = waited.settled() => {}
            () = gateway.stop.cancelled() => withdraw(&gateway, &waited.id),
            () = sleep(wait) => {
                // A decision in this very moment goes first.
                gateway.approvals.settle(&waited.id, Settled::Expired).ok();
            }
        }
    });
    Ok(asked)
}

/// Decides about a request.
///
/// # Errors
///
/// [`Fault`], where there is nothing to decide or not this; the store's, where "always" was not
/// kept. The command runs this once even then.
pub(super) async fn decide(
    gateway: &State,
    id: &ApprovalId,
    decision: Decision,
    by: &str,
) -> Result<Result<(), Fault>, StoreError> {
    let for_good = decision == Decision::AllowAlways;
    let settled = Settled::Decided(decision.clone());
    let (request, bound) = match gateway.approvals.settle(id, settled) {
        Ok(settled) => settled,
        Err(fault) => return Ok(Err(fault)),
    };
    announce_resolved(gateway, id, &decision, by, &request);
    if let (true, Some(bound)) = (for_good, bound) {
        gateway.store.allow_command(bound, now_ms()).await?;
    }
    Ok(Ok(()))
}

/// Takes a request back that nobody waits for any more; those who were asked see it denied.
fn withdraw(gateway: &State, id: &ApprovalId) {
    if let Ok((request, _)) = gateway.approvals.settle(id, Settled::Withdrawn) {
        announce_resolved(gateway, id, &Decision::Deny, "withdrawn", &request);
    }
}

fn announce_resolved(
    gateway: &State,
    id: &ApprovalId,
    decision: &Decision,
    by: &str,
    request: &Value,
) {
    let payload = json!({
        "id": id, "decision": decision, "resolvedBy": by, "ts": now_ms(), "request": request,
    });
    gateway.announce("exec.approval.resolved", &payload, |peer| {
        peer.facts.may(&Scope::Approvals)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(approvals: &Approvals) -> Asked {
        let ask = Ask {
            id: None,
            request: json!({"command": "ls"}),
            allowed: vec![Decision::AllowOnce, Decision::Deny],
            wait: USUAL_WAIT,
            requester: None,
            bound: None,
        };
        approvals.insert(ask).unwrap().0
    }

    #[tokio::test]
    async fn the_first_decision_holds_and_only_an_allowed_one() {
        let approvals = Approvals::default();
        let mut asked = open(&approvals);
        let decide = |decision| approvals.settle(&asked.id, Settled::Decided(decision));

        assert_eq!(
            decide(Decision::AllowAlways).unwrap_err(),
            Fault::NotAllowed
        );
        decide(Decision::Deny).unwrap();
        assert_eq!(decide(Decision::AllowOnce).unwrap_err(), Fault::Settled);

        assert_eq!(asked.settled().await, Settled::Decided(Decision::Deny));
        assert!(approvals.waiting().is_empty());
        assert_eq!(
            approvals
                .settle(&"nope".into(), Settled::Expired)
                .unwrap_err(),
            Fault::Unknown
        );
    }

    #[test]
    fn requests_are_bounded_and_settled_ones_are_forgotten_in_time() {
        let approvals = Approvals::default();
        for _ in 0..2 * MOST_SETTLED {
            let asked = open(&approvals);
            approvals.settle(&asked.id, Settled::Expired).unwrap();
        }
        assert!(super::super::held(&approvals.0).len() <= MOST_SETTLED);
        for _ in 0..MOST_WAITING {
            open(&approvals);
        }
        let one_more = Ask {
            id: None,
            request: Value::Null,
            allowed: Vec::new(),
            wait: USUAL_WAIT,
            requester: None,
            bound: None,
        };
        assert_eq!(approvals.insert(one_more).unwrap_err(), Fault::Refused);
    }
}
