//! What the conversation page gets and sends.

use super::{AttachmentView, FileView, UiError};
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
    /// What the agent thought before it.
    pub reasoning: Option<String>,
    /// The tools it calls.
    pub tools: Vec<ToolView>,
    /// For a tool's result: the call it answers.
    pub answers: Option<AnsweredView>,
    /// Pictures in it.
    pub images: Vec<ImageView>,
    /// Files it came with, whose bytes are with the gateway.
    pub files: Vec<FileView>,
    /// Whether the gateway left out a part of it, which can be asked for.
    pub truncated: bool,
}

/// A tool that an agent calls.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ToolView {
    /// The call's id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it was called with, as JSON for people.
    pub arguments: String,
    /// How far it is.
    pub state: ToolStateView,
    /// What it answered, so far or at the end.
    pub result: Option<String>,
    /// Pictures it answered.
    pub images: Vec<ImageView>,
}

/// How far a tool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum ToolStateView {
    /// It was asked for; what became of it is said elsewhere, or nowhere.
    Called,
    /// It is at work.
    Running,
    /// It answered.
    Done,
    /// It failed.
    Failed,
}

/// Which call a tool's result belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AnsweredView {
    /// The call's id.
    pub call_id: String,
    /// The tool, where it is named.
    pub name: String,
    /// Whether the tool failed.
    pub failed: bool,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ImageView {
    /// Such as `image/png`.
    pub media_type: String,
    /// The bytes in base64; `null` where there are none, or too many.
    pub data: Option<String>,
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
    /// What leads to the messages before these with [`ChatPageView`]; `None` where there are none, or where
    /// the gateway does not give them.
    pub earlier: Option<u32>,
    /// When the gateway said this, where it is out of reach and this is what was kept: milliseconds since
    /// 1970. Nothing of it goes on, and the gateway is asked again as soon as it can be.
    pub kept_at_ms: Option<f64>,
}

/// The messages before those of a history.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ChatPageView {
    /// The messages, oldest first. The latest may be in the history as well.
    pub messages: Vec<ChatMessageView>,
    /// What leads to the messages before these; `None` where there are none.
    pub earlier: Option<u32>,
}

/// A reply that is being streamed.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct InFlightView {
    /// Its run.
    pub run_id: String,
    /// The text so far.
    pub text: String,
    /// What the agent thought so far.
    pub reasoning: Option<String>,
    /// The tools it called, as far as we have heard.
    pub tools: Vec<ToolView>,
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
        /// Its files; the window it was sent from has their bytes.
        files: Vec<FileView>,
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
    /// What the agent thought so far.
    Reasoning {
        /// The run.
        run_id: String,
        /// The whole thought so far.
        text: String,
    },
    /// A tool of the run moved on.
    Tool {
        /// The run.
        run_id: String,
        /// The tool as it is now.
        tool: ToolView,
    },
    /// The provider did not answer and is asked again.
    Retrying {
        /// The run.
        run_id: String,
        /// Which retry it is, from 1.
        attempt: u32,
        /// How many there are at most; 0 where that is not said.
        most: u32,
        /// When, in milliseconds since 1970.
        at_ms: f64,
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
    /// Its files.
    pub attachments: Vec<AttachmentView>,
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
    /// Its files.
    pub attachments: Vec<AttachmentView>,
    /// Why it was refused; `None` while it is under way.
    pub problem: Option<UiError>,
}
