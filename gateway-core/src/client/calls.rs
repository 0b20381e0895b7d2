//! The requests that wait for an answer, and their deadlines. No I/O, no clock of its own.

use crate::protocol::{RequestId, Response, WireError};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How a request ended, as far as the connection knows.
#[derive(Debug)]
pub(super) enum Outcome {
    Answered(Value),
    Refused(WireError),
    DeadlinePassed,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) reply: oneshot::Sender<Outcome>,
    /// `None` for a run that may take as long as it takes.
    pub(super) deadline: Option<Instant>,
    /// Skips the answer that only says the request was accepted.
    pub(super) wants_final: bool,
}

/// The requests that wait for an answer.
#[derive(Debug, Default)]
pub(super) struct Calls {
    waiting: HashMap<RequestId, Waiting>,
    deadlines: BTreeSet<(Instant, RequestId)>,
}

impl Calls {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn insert(&mut self, id: RequestId, waiting: Waiting) {
        if let Some(deadline) = waiting.deadline {
            self.deadlines.insert((deadline, id.clone()));
        }
        self.waiting.insert(id, waiting);
    }

    /// Returns when the next request runs out of time.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Gives an answer to whoever asked. One that nobody waits for, or no longer, is dropped.
    pub(super) fn answer(&mut self, response: Response) {
        let Some(waiting) = self.waiting.get(&response.id) else {
            return;
        };
        if response.ok && waiting.wants_final && is_accepted(&response) {
            return;
        }
        let outcome = match (response.ok, response.error) {
            (true, _) => Outcome::Answered(response.payload.unwrap_or_default()),
            (false, Some(error)) => Outcome::Refused(error),
            (false, None) => Outcome::Refused(unexplained()),
        };
        self.finish(&response.id, outcome);
    }

    /// Fails the requests whose time is up at `now`.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((deadline, id)) = self.deadlines.first().cloned() {
            if deadline > now {
                break;
            }
            self.finish(&id, Outcome::DeadlinePassed);
        }
    }

    /// Forgets the requests whose callers no longer wait.
    pub(super) fn forget_abandoned(&mut self) {
        let abandoned: Vec<RequestId> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.reply.is_closed())
            .map(|(id, _)| id.clone())
            .collect();
        for id in abandoned {
            self.remove(&id);
        }
    }

    fn finish(&mut self, id: &RequestId, outcome: Outcome) {
        if let Some(waiting) = self.remove(id) {
            // The caller may have given up meanwhile; then nobody wants the outcome.
            drop(waiting.reply.send(outcome));
        }
    }

    fn remove(&mut self, id: &RequestId) -> Option<Waiting> {
        let waiting = self.waiting.remove(id)?;
        if let Some(deadline) = waiting.deadline {
            self.deadlines.remove(&(deadline, id.clone()));
        }
        Some(waiting)
    }
}

fn is_accepted(response: &Response) -> bool {
    response
        .payload
        .as_ref()
        .and_then(|payload| payload.get("status"))
        .is_some_and(|status| status == "accepted")
}

fn unexplained() -> WireError {
    WireError {
        code: "UNKNOWN".into(),
        message: "refused without an explanation".into(),
        details: None,
        retryable: None,
        retry_after_ms: None,
        extra: crate::protocol::Extra::new(),
    }
}
