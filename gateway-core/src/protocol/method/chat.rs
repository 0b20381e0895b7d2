//! Talking to an agent: `chat.history`, `chat.message.get`, `chat.send`, `chat.abort`, `commands.list`.

use crate::protocol::{RunId, SessionKey};
use serde_json::Value;

methods! {
    /// The stored messages of a conversation.
    ChatHistory("chat.history", Read): ChatHistoryParams => ChatHistoryPayload;
    /// One stored message whole, where the history left a part of it out.
    ChatMessageGet("chat.message.get", Read): ChatMessageGetParams => ChatMessageGetPayload;
    /// Sends a message and starts a run; answers as soon as the gateway has it.
    ChatSend("chat.send", Write): ChatSendParams => ChatSendPayload;
    /// Stops one run, or every run of a conversation.
    ChatAbort("chat.abort", Write): ChatAbortParams => ChatAbortPayload;
    /// The slash commands the gateway understands.
    CommandsList("commands.list", Read): CommandsListParams => CommandsListPayload;
}

params! {
    /// Params of `chat.history`.
    ChatHistoryParams {
        /// Which conversation; an unknown one is empty and no error.
        session_key: SessionKey,
    }
    may have {
        /// How many messages at most, from the end; up to 1000.
        limit: u32,
        /// How many to leave out, from the end. Newer gateways only.
        offset: u32,
        /// How much text at most, in characters. Newer gateways only.
        max_chars: u32,
    }
}

params! {
    /// Params of `chat.message.get`.
    ChatMessageGetParams {
        /// Which conversation.
        session_key: SessionKey,
        /// The message's id.
        message_id: String,
    }
    may have {
        /// How much text at most, in characters; up to 2,000,000.
        max_chars: u32,
    }
}

shape! {
    /// One stored message.
    ChatMessageGetPayload {
        /// Whether it can be had.
        ok: bool,
    }
    may have {
        /// The message.
        message: HistoryMessage,
        /// Why it cannot: `not_found`, `oversized`, `not_visible`.
        unavailable_reason: String,
    }
}

shape! {
    /// The stored messages of a conversation.
    ///
    /// A gateway of wire version 3 sends the first three members only: it does not tell what is
    /// queued or running.
    ChatHistoryPayload {
        /// The key as it was asked for.
        session_key: SessionKey,
        /// The messages, oldest first.
        messages: Vec<HistoryMessage>,
    }
    may have {
        /// Changes when the conversation is reset.
        session_id: String,
        /// Messages the gateway has but no run has taken up yet.
        pending_inputs: PendingInputs,
        /// Whether there are older messages.
        has_more: bool,
        /// How many messages there are in all.
        total_messages: u64,
        /// What [`ChatHistoryParams::offset`] leads to the messages before these.
        next_offset: u32,
        /// The run that is going on.
        in_flight_run: InFlightRun,
        /// The conversation's row, as in `sessions.list`.
        session_info: super::sessions::SessionRow,
    }
}

shape! {
    /// One stored message.
    HistoryMessage {
        /// `user`, `assistant`, `toolResult` or `system`.
        role: String,
    }
    may have {
        /// A plain text, or a list of parts.
        content: MessageContent,
        /// When it was stored, in milliseconds since 1970.
        timestamp: u64,
        /// `<run id>:user` on a message a client sent. Absent on wire version 3.
        idempotency_key: String,
        /// What the gateway notes about it.
        #[serde(rename = "__openclaw")]
        notes: MessageNotes,
        /// Why the answer ended.
        stop_reason: String,
    }
}

/// The content of a message: user messages are usually a plain text, answers a list of parts.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum MessageContent {
    /// A plain text.
    Text(String),
    /// A list of parts.
    Parts(Vec<ContentPart>),
    /// Something newer, kept as it came.
    Other(Value),
}

impl MessageContent {
    /// Returns the text of all parts that have some, one after the other.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts
                .iter()
                .filter(|part| part.kind == "text")
                .filter_map(|part| part.text.as_deref())
                .collect(),
            Self::Other(_) => String::new(),
        }
    }
}

shape! {
    /// One part of a message.
    ContentPart {
        /// `text`, `toolCall`, `image`, `thinking` …
        #[serde(rename = "type")]
        kind: String,
    }
    may have {
        /// The text of a `text` part.
        text: String,
        /// The name of the tool of a `toolCall` part.
        name: String,
    }
}

shape! {
    /// What the gateway notes about a message.
    MessageNotes {}
    may have {
        /// The message's id.
        id: String,
        /// Its place in the conversation, from 1.
        seq: u64,
        /// The run that wrote it. Absent on wire version 3.
        run_id: RunId,
        /// `<run id>:user` on a message a client sent. Absent on wire version 3.
        idempotency_key: String,
        /// What a system message marks, such as `reset`.
        kind: String,
    }
}

shape! {
    /// Messages the gateway has but no run has taken up yet.
    PendingInputs {
        /// The messages, oldest first.
        items: Vec<PendingInput>,
    }
    may have {
        /// How many there are in all.
        total: u64,
    }
}

shape! {
    /// A message waiting for a run to take it up.
    PendingInput {}
    may have {
        /// Its id.
        id: String,
        /// The run it was sent with, which is its idempotency key.
        run_id: RunId,
        /// What became of it so far.
        state: String,
        /// When the gateway got it, in milliseconds since 1970.
        accepted_at: u64,
        /// The message.
        message: HistoryMessage,
    }
}

shape! {
    /// The run that is going on.
    InFlightRun {
        /// Which run.
        run_id: RunId,
    }
    may have {
        /// The whole answer so far.
        text: String,
        /// When it started, in milliseconds since 1970.
        started_at: u64,
    }
}

params! {
    /// Params of `chat.send`.
    ChatSendParams {
        /// Which conversation.
        session_key: SessionKey,
        /// The text, or a slash command.
        message: String,
        /// Becomes the run's id; the same key again does not send twice while the run lives.
        idempotency_key: RunId,
    }
    may have {
        /// How much to think before answering.
        thinking: String,
        /// Whether the answer also goes to the conversation's channel.
        deliver: bool,
        /// How long the run may take, in milliseconds.
        timeout_ms: u64,
        /// What to do while a run is going on: `steer`, `followup`, `collect`, `interrupt`.
        queue_mode: String,
        /// Files and images.
        attachments: Vec<Value>,
    }
}

shape! {
    /// The gateway has the message.
    ///
    /// A message that was a stop command answers like `chat.abort`, without run and status.
    ChatSendPayload {}
    may have {
        /// The run, equal to the idempotency key.
        run_id: RunId,
        /// How the run stands.
        status: SendStatus,
        /// Why a run that had already ended did.
        stop_reason: String,
    }
}

words! {
    /// How a run stands when `chat.send` is answered.
    SendStatus {
        /// The run starts now.
        Started = "started",
        /// The same key was sent before and its run is going on.
        InFlight = "in_flight",
        /// The run ended well before.
        Ok = "ok",
        /// The run ended with an error before.
        Error = "error",
        /// The run was stopped or timed out before.
        Timeout = "timeout",
    }
}

impl SendStatus {
    /// Returns whether the run this key started is over.
    pub fn has_ended(&self) -> bool {
        match self {
            Self::Ok | Self::Error | Self::Timeout => true,
            Self::Started | Self::InFlight | Self::Other(_) => false,
        }
    }
}

params! {
    /// Params of `chat.abort`.
    ChatAbortParams {
        /// Which conversation.
        session_key: SessionKey,
    }
    may have {
        /// Only this run; every run of the conversation where absent.
        run_id: RunId,
    }
}

shape! {
    /// What was stopped. Nothing running is not an error.
    ChatAbortPayload {
        /// Whether anything was.
        aborted: bool,
    }
    may have {
        /// Always true.
        ok: bool,
        /// The runs that were stopped.
        run_ids: Vec<RunId>,
    }
}

params! {
    /// Params of `commands.list`.
    CommandsListParams {}
    may have {
        /// The commands of this agent.
        agent_id: String,
        /// `text`, `native` or `both`.
        scope: String,
        /// Whether to describe the arguments.
        include_args: bool,
    }
}

shape! {
    /// The slash commands the gateway understands.
    CommandsListPayload {
        /// The commands.
        commands: Vec<CommandEntry>,
    }
}

shape! {
    /// One slash command.
    CommandEntry {
        /// Its name without the slash.
        name: String,
    }
    may have {
        /// What it does.
        description: String,
        /// Further ways to write it, with the slash.
        text_aliases: Vec<String>,
        /// Whether something may follow it.
        accepts_args: bool,
    }
}
