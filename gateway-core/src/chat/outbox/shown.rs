//! What a history shows of messages: which have arrived, and how many wait for their turn.

use crate::chat::message::sent_as;
use crate::protocol::RunId;
use crate::protocol::method::chat::{ChatHistoryPayload, HistoryMessage};
use std::collections::HashSet;

pub(super) fn seq_of(message: &HistoryMessage) -> Option<u64> {
    message.notes.as_ref()?.seq
}

/// How many messages wait at the gateway for the turns before them. What a kill cut off is still listed, and
/// waits for nothing any more.
pub(super) fn waiting_in(history: &ChatHistoryPayload) -> usize {
    let pending = history.pending_inputs.iter();
    pending
        .flat_map(|pending| &pending.items)
        .filter(|input| input.state.as_deref().is_none_or(|state| state == "queued"))
        .count()
}

/// Every key the gateway shows that it has: stored, waiting for a run, or running.
pub(crate) fn keys_in(history: &ChatHistoryPayload) -> HashSet<RunId> {
    let stored = history.messages.iter().filter_map(sent_as);
    let pending = history
        .pending_inputs
        .iter()
        .flat_map(|pending| &pending.items)
        .filter_map(|input| input.run_id.clone());
    let in_flight = history.in_flight_run.iter().map(|run| run.run_id.clone());
    let active = history
        .session_info
        .iter()
        .filter_map(|row| row.active_run_ids.as_ref())
        .flatten()
        .map(|id| RunId::from(id.as_str()));
    stored
        .chain(pending)
        .chain(in_flight)
        .chain(active)
        .collect()
}
