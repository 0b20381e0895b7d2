//! The `chat` event: one run of an agent, as a chat shows it.

use crate::protocol::method::chat::HistoryMessage;
use crate::protocol::{RunId, SessionKey};
use serde_json::Value;

words! {
    /// What a chat event says about its run.
    ChatState {
        /// It is getting ready; `phase` says how far.
        Status = "status",
        /// The answer grew.
        Delta = "delta",
        /// It ended; `message` may be missing.
        Final = "final",
        /// Somebody stopped it; `message` is what there was so far.
        Aborted = "aborted",
        /// It failed.
        Error = "error",
    }
}

impl ChatState {
    /// Returns whether the run is over with this event. Some runs say so twice.
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Final | Self::Aborted | Self::Error => true,
            Self::Status | Self::Delta | Self::Other(_) => false,
        }
    }
}

shape! {
    /// A run moved on, as a chat shows it. Sent to everybody who may read, also to those who did
    /// not ask for the run.
    ChatEvent {
        /// Which run.
        run_id: RunId,
        /// What happened.
        state: ChatState,
    }
    may have {
        /// Which conversation, usually by its full key.
        session_key: SessionKey,
        /// Which agent. Absent on wire version 3.
        agent_id: String,
        /// The number of the event within the run. It has holes and restarts on a second
        /// terminal event, so it finds no gaps.
        seq: u64,
        /// What to append to the answer. Absent on wire version 3.
        delta_text: String,
        /// Whether what was streamed so far is to be discarded.
        replace: bool,
        /// The whole answer so far, or at the end.
        message: HistoryMessage,
        /// How far a starting run is.
        phase: String,
        /// Why the run ended: `stop`, `rpc` (stopped by a client) …
        stop_reason: String,
        /// What went wrong.
        error_message: String,
        /// The class of what went wrong: `rate_limit`, `context_length` …
        error_kind: String,
        /// More about it.
        error_detail: Value,
    }
}
