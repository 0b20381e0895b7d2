//! What the conversation page gets and sends.

use super::UiError;
use serde::{Deserialize, Serialize};
use specta::Type;

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ChatMessageView {
    /// The gateway's id of it, where it has one.
    pub id: Option<String>,
    /// Who said it.
    pub role: ChatRole,
    /// Its text.
    pub text: String,
    /// When.
    pub at_ms: Option<f64>,
    /// The idempotency key it was sent with, for matching an optimistic echo.
    pub key: Option<String>,
    /// The run it belongs to.
    pub run_id: Option<String>,
}

/// Who said a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum ChatRole {
    /// The user.
    User,
    /// The agent.
    Assistant,
    /// A tool's result.
    Tool,
    /// The gateway itself, such as the mark of a reset.
    System,
}

/// A conversation as the gateway has it.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ChatHistoryView {
    /// The session as asked for.
    pub session_key: String,
    /// The number of the last [`ChatUpdate`] this history includes.
    pub as_of: u32,
    /// The messages, oldest first.
    pub messages: Vec<ChatMessageView>,
    /// A reply that is being streamed now.
    pub in_flight: Option<InFlightView>,
    /// When the gateway said this, where it is out of reach and this is what was kept: milliseconds since
    /// 1970. Nothing of it goes on, and the gateway is asked again as soon as it can be.
    pub kept_at_ms: Option<f64>,
}

/// A reply that is being streamed.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct InFlightView {
    /// Its run.
    pub run_id: String,
    /// The text so far.
    pub text: String,
}

/// One step of a conversation, numbered without holes: a hole means "fetch the history again".
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ChatUpdate {
    /// 1, 2, 3… over all sessions.
    pub number: u32,
    /// The session, canonical.
    pub session_key: String,
    /// What happened.
    pub change: ChatChange,
}

/// What happened in a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ChatChange {
    /// A send of ours waits for the connection.
    Queued {
        /// Its idempotency key.
        key: String,
        /// Its text.
        text: String,
    },
    /// The gateway has a send of ours.
    Accepted {
        /// Its idempotency key, which is the run's id.
        key: String,
    },
    /// A send of ours cannot be delivered.
    Refused {
        /// Its idempotency key.
        key: String,
        /// Why.
        problem: UiError,
    },
    /// The run prepares or retries.
    Status {
        /// The run.
        run_id: String,
        /// The gateway's word for it, such as `starting_model`.
        phase: String,
    },
    /// The reply so far.
    Delta {
        /// The run.
        run_id: String,
        /// The whole text so far.
        text: String,
    },
    /// The run ended; `message` is absent when it was steered into another run.
    Final {
        /// The run.
        run_id: String,
        /// The reply.
        message: Option<ChatMessageView>,
    },
    /// The run was stopped; `text` is what had been said.
    Aborted {
        /// The run.
        run_id: String,
        /// The reply so far.
        text: Option<String>,
    },
    /// The run failed.
    Failed {
        /// The run.
        run_id: String,
        /// What the gateway says about it.
        message: String,
    },
    /// The connection was replaced or events were missed: fetch the history again.
    Refetch,
}

/// What the composer sends.
#[derive(Debug, Clone, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ChatDraft {
    /// The gateway it was written for: [`ConnectionView::gateway_id`](super::ConnectionView::gateway_id)
    /// as the window knew it.
    pub gateway: String,
    /// The session, such as `main`.
    pub session_key: String,
    /// The text.
    pub text: String,
    /// A fresh UUID: makes the send safe to repeat.
    pub key: String,
}

/// What the user has written and the gateway does not have yet.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct UnsentView {
    /// What the composer held.
    pub draft: String,
    /// Messages under way or refused, in the order they were handed in.
    pub messages: Vec<UnsentMessageView>,
}

/// A message the gateway does not have yet.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct UnsentMessageView {
    /// Its session.
    pub session_key: String,
    /// Its key.
    pub key: String,
    /// Its text.
    pub text: String,
    /// Why it was refused; `None` while it is under way.
    pub problem: Option<UiError>,
}
