//! What a run and its input are, before and after each step.

use crate::protocol::{RunId, SessionKey};
use crate::store::sessions::{SessionRecord, SessionSeed};
use crate::store::transcript::{NewMessage, StoredMessage};
use crate::store::value::words;
use serde_json::{Map, Value};

words! {
    /// How a run stands.
    RunState {
        /// It was accepted and has not started.
        Queued = "queued",
        /// It is going on; after a restart: it was, when the gateway ended.
        Running = "running",
        /// It ended well.
        Ok = "ok",
        /// It failed.
        Error = "error",
        /// It was stopped.
        Aborted = "aborted",
    }
}

/// One run of an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its id, which is the idempotency key of the request.
    pub run_id: RunId,
    /// The conversation.
    pub session_key: SessionKey,
    /// The transcript its messages go to.
    pub session_id: String,
    /// How it stands.
    pub state: RunState,
    /// When its input was accepted.
    pub accepted_at_ms: u64,
    /// When it started.
    pub started_at_ms: Option<u64>,
    /// When it ended.
    pub ended_at_ms: Option<u64>,
    /// What to answer to a repeated request; null until it ended.
    pub outcome: Value,
}

/// Input to accept.
#[derive(Debug, Clone)]
pub struct NewInput {
    /// The conversation.
    pub session: SessionSeed,
    /// The run it starts: the request's idempotency key.
    pub run_id: RunId,
    /// The id of its message, a UUID not used before.
    pub message_id: String,
    /// What was said.
    pub content: Value,
    /// Further members of its message.
    pub extra: Map<String, Value>,
    /// When it came.
    pub at_ms: u64,
}

/// What became of input.
#[derive(Debug, Clone, PartialEq)]
pub enum Acceptance {
    /// It is stored, for the first time.
    Accepted(Box<Accepted>),
    /// It was accepted before; nothing changed.
    Duplicate(Box<RunRecord>),
}

/// Input that was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// Its run, queued.
    pub run: RunRecord,
    /// The conversation.
    pub session: SessionRecord,
    /// Whether the conversation began with it.
    pub session_created: bool,
    /// Its message; `None` while it waits behind another run.
    pub message: Option<StoredMessage>,
}

/// Input that waits behind another run: `pendingInputs` of `chat.history`.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingInput {
    /// Its run.
    pub run: RunRecord,
    /// The message it will be.
    pub message: NewMessage,
}

/// A run that was started.
#[derive(Debug, Clone, PartialEq)]
pub struct StartedRun {
    /// The run.
    pub run: RunRecord,
    /// Its input, if that waited until now and has just become a message.
    pub message: Option<StoredMessage>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// Well.
    Ok,
    /// It failed.
    Error,
    /// It was stopped.
    Aborted,
}

/// Tokens of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// Read by the model; added to the conversation's.
    pub input: u64,
    /// Written by the model; added to the conversation's.
    pub output: u64,
    /// What the conversation takes up now; `None` leaves what was known.
    pub context: Option<u64>,
}

/// The end of a run.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// Which run.
    pub run_id: RunId,
    /// How it ended.
    pub how: RunOutcome,
    /// When.
    pub at_ms: u64,
    /// What to answer to a repeated request.
    pub outcome: Value,
    /// Why it failed, for the conversation's `lastRunError`.
    pub error: Option<String>,
    /// What the agent and its tools said, oldest first.
    pub messages: Vec<NewMessage>,
    /// What it cost.
    pub usage: TokenUsage,
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedRun {
    /// The run.
    pub run: RunRecord,
    /// What was added to the transcript; begins with the input of a run that never started.
    pub messages: Vec<StoredMessage>,
}
