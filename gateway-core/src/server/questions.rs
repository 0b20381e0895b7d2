//! What agents ask people, until it is answered, dismissed or too late (protocol §11).

use super::State;
use super::clock::now_ms;
use crate::protocol::connect::Scope;
use crate::protocol::id::QuestionSetId;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// How many sets may wait at a time, and how many that are settled are remembered.
const MOST_WAITING: usize = 128;
const MOST_SETTLED: usize = 128;

/// How a set of questions stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Standing {
    /// It waits.
    Pending,
    /// Somebody answered.
    Answered(Value),
    /// Somebody dismissed it.
    Cancelled,
    /// Nobody answered in time.
    Expired,
}

impl Standing {
    /// Writes it as answers and events do.
    pub(super) fn on_the_wire(&self) -> Value {
        match self {
            Self::Pending => json!({"status": "pending"}),
            Self::Answered(answers) => json!({"status": "answered", "answers": answers}),
            Self::Cancelled => json!({"status": "cancelled"}),
            Self::Expired => json!({"status": "expired"}),
        }
    }
}

/// Every set of questions that waits, and the last ones that do not any more.
#[derive(Debug, Default)]
pub(super) struct Questions(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    id: QuestionSetId,
    /// Everything but the status.
    record: Value,
    standing: watch::Sender<Standing>,
}

impl Entry {
    fn waits(&self) -> bool {
        *self.standing.borrow() == Standing::Pending
    }

    fn on_the_wire(&self) -> Value {
        let mut record = self.record.clone();
        let standing = self.standing.borrow().on_the_wire();
        for (name, value) in standing.as_object().into_iter().flatten() {
            record[name] = value.clone();
        }
        record
    }
}

impl Questions {
    /// Returns those that wait, first come first.
    pub(super) fn waiting(&self) -> Vec<Value> {
        super::held(&self.0)
            .iter()
            .filter(|entry| entry.waits())
            .map(Entry::on_the_wire)
            .collect()
    }

    /// Returns one set, settled or not.
    pub(super) fn get(&self, id: &QuestionSetId) -> Option<Value> {
        super::held(&self.0)
            .iter()
            .find(|entry| entry.id == *id)
            .map(Entry::on_the_wire)
    }

    /// Returns what tells how a set stands.
    pub(super) fn watch(&self, id: &QuestionSetId) -> Option<watch::Receiver<Standing>> {
        super::held(&self.0)
            .iter()
            .find(|entry| entry.id == *id)
            .map(|entry| entry.standing.subscribe())
    }

    /// Puts a set in; `None` where its id is in use or too many wait.
    fn insert(&self, id: QuestionSetId, record: Value) -> Option<Value> {
        let mut entries = super::held(&self.0);
        let waiting = entries.iter().filter(|entry| entry.waits()).count();
        if waiting >= MOST_WAITING || entries.iter().any(|entry| entry.id == id) {
            return None;
        }
        while entries.len() - waiting >= MOST_SETTLED {
            let oldest = entries.iter().position(|entry| !entry.waits())?;
            entries.remove(oldest);
        }
        let entry = Entry {
            id,
            record,
            standing: watch::Sender::new(Standing::Pending),
        };
        let shown = entry.on_the_wire();
        entries.push(entry);
        Some(shown)
    }

    /// Settles a set; returns whether it waited.
    fn settle(&self, id: &QuestionSetId, standing: Standing) -> bool {
        let entries = super::held(&self.0);
        let Some(entry) = entries.iter().find(|entry| entry.id == *id) else {
            return false;
        };
        let waited = entry.waits();
        if waited {
            entry.standing.send_replace(standing);
        }
        waited
    }
}

/// Asks; returns what was asked, or `None` where the id is in use or too many wait.
pub(super) fn ask(
    gateway: &Arc<State>,
    id: QuestionSetId,
    mut record: Value,
    wait: Duration,
) -> Option<Value> {
    let now = now_ms();
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    record["id"] = json!(id);
    record["createdAtMs"] = json!(now);
    record["expiresAtMs"] = json!(now.saturating_add(wait_ms));
    let shown = gateway.questions.insert(id.clone(), record)?;
    gateway.announce("question.requested", &shown, |peer| {
        peer.facts.may(&Scope::Questions)
    });
    let mut standing = gateway.questions.watch(&id)?;
    let gateway_of_task = gateway.clone();
    gateway.tasks.spawn(async move {
        let gateway = gateway_of_task;
        tokio::select! {
            _ = standing.wait_for(|now| *now != Standing::Pending) => {}
            () = gateway.stop.cancelled() => {
                settle(&gateway, &id, Standing::Cancelled);
            }
            () = sleep(wait) => {
                settle(&gateway, &id, Standing::Expired);
            }
        }
    });
    Some(shown)
}

/// Settles a set of questions and tells everybody concerned; returns whether it waited.
pub(super) fn settle(gateway: &State, id: &QuestionSetId, standing: Standing) -> bool {
    let mut payload = standing.on_the_wire();
    if !gateway.questions.settle(id, standing) {
        return false;
    }
    payload["id"] = json!(id);
    gateway.announce("question.resolved", &payload, |peer| {
        peer.facts.may(&Scope::Questions)
    });
    true
}
