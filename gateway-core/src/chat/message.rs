//! The stored messages of a conversation as a chat shows them.

use crate::protocol::method::chat::{ContentPart, HistoryMessage, MessageContent};
use crate::protocol::{RunId, SessionKey};

/// What a gateway appends to a run's id to make the key of the message that started it.
const USER_SUFFIX: &str = ":user";

/// Who a message is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A person.
    User,
    /// The agent.
    Assistant,
    /// A tool the agent used.
    Tool,
    /// The gateway, to mark a reset for example.
    System,
    /// Somebody this version does not know.
    Other(String),
}

/// A stored message.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatMessage {
    /// The gateway's id for it, where it gave one.
    pub id: Option<String>,
    /// Who it is from.
    pub sender: Sender,
    /// Its text, whichever form it was stored in. Empty for a message that is all tool calls.
    pub text: String,
    /// When it was stored, in milliseconds since 1970.
    pub sent_at_ms: Option<u64>,
    /// The run it began or belongs to. Gateways of wire version 3 do not say.
    pub run_id: Option<RunId>,
    /// Its place in the conversation, from 1.
    pub seq: Option<u64>,
    /// The names of the tools it asks for.
    pub tools: Vec<String>,
    /// Why the answer ended.
    pub stop_reason: Option<String>,
}

impl From<&HistoryMessage> for ChatMessage {
    fn from(message: &HistoryMessage) -> Self {
        let notes = message.notes.as_ref();
        Self {
            id: notes.and_then(|notes| notes.id.clone()),
            sender: sender(&message.role),
            text: text_of(message),
            sent_at_ms: message.timestamp,
            run_id: sent_as(message).or_else(|| notes.and_then(|notes| notes.run_id.clone())),
            seq: notes.and_then(|notes| notes.seq),
            tools: tools_of(message),
            stop_reason: message.stop_reason.clone(),
        }
    }
}

/// Returns the key a stored message was sent with, where the gateway kept it.
pub fn sent_as(message: &HistoryMessage) -> Option<RunId> {
    let notes = message
        .notes
        .as_ref()
        .and_then(|notes| notes.idempotency_key.as_deref());
    let key = message.idempotency_key.as_deref().or(notes)?;
    key.strip_suffix(USER_SUFFIX).map(RunId::from)
}

/// Returns the text of a message, whether it was stored as text or as parts.
pub fn text_of(message: &HistoryMessage) -> String {
    message
        .content
        .as_ref()
        .map(MessageContent::text)
        .unwrap_or_default()
}

/// Returns whether a message is from a person.
pub(super) fn is_users(message: &HistoryMessage) -> bool {
    sender(&message.role) == Sender::User
}

/// Returns the full key a gateway made of a short one, or the key as it is.
pub fn canonical_key(key: &SessionKey, default_agent: &str) -> SessionKey {
    if key.as_str().starts_with("agent:") || key.as_str() == "global" {
        key.clone()
    } else {
        SessionKey::from(format!("agent:{default_agent}:{key}"))
    }
}

fn sender(role: &str) -> Sender {
    match role {
        "user" => Sender::User,
        "assistant" => Sender::Assistant,
        "toolResult" | "tool" => Sender::Tool,
        "system" => Sender::System,
        other => Sender::Other(other.to_owned()),
    }
}

fn tools_of(message: &HistoryMessage) -> Vec<String> {
    let Some(MessageContent::Parts(parts)) = &message.content else {
        return Vec::new();
    };
    parts
        .iter()
        .filter(|part| part.kind == "toolCall")
        .filter_map(|part: &ContentPart| part.name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: serde_json::Value) -> ChatMessage {
        ChatMessage::from(&serde_json::from_value::<HistoryMessage>(value).unwrap())
    }

    #[test]
    fn a_text_and_a_list_of_parts_read_the_same() {
        let plain = read(json!({"role": "user", "content": "hello"}));
        let parts = read(json!({"role": "user", "content": [
            {"type": "text", "text": "hel"}, {"type": "image", "data": "…"}, {"type": "text", "text": "lo"}
        ]}));

        assert_eq!(plain.text, "hello");
        assert_eq!(parts.text, "hello");
        assert_eq!(parts.sender, Sender::User);
    }

    #[test]
    fn the_key_a_message_was_sent_with_is_found_in_either_place() {
        let outside = read(json!({"role": "user", "content": "x", "idempotencyKey": "k:user"}));
        let inside = read(json!({"role": "user", "content": "x",
            "__openclaw": {"id": "1", "idempotencyKey": "k:user"}}));
        let older =
            read(json!({"role": "user", "content": "x", "__openclaw": {"id": "1", "seq": 4}}));

        assert_eq!(outside.run_id, Some(RunId::from("k")));
        assert_eq!(inside.run_id, Some(RunId::from("k")));
        assert_eq!((older.run_id, older.seq), (None, Some(4)));
    }

    #[test]
    fn tool_calls_are_named() {
        let message = read(json!({"role": "assistant", "content": [
            {"type": "toolCall", "id": "1", "name": "exec", "arguments": {}}
        ]}));

        assert_eq!(message.tools, ["exec"]);
        assert_eq!(message.text, "");
    }
}
