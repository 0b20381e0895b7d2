//! What a conversation consists of, and the JSON it is stored and shown as.
//!
//! The JSON is that of `chat.history` (protocol §7, capture `chat-turn-tool-with-tool-events-cap`):
//! a user's content is a plain text, an assistant's a list of parts, a tool's answer a message of
//! its own that names the call. Members we do not know are left alone by leaving them out.

use super::answer_end::{StopReason, Usage};
use super::catalogue::{Api, ModelId, Prices};
use super::toolbox::ToolCall;
use serde_json::{Value, json};

/// One entry of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// What a person said.
    User {
        /// The words.
        text: String,
        /// Pictures that came with them.
        images: Vec<Image>,
        /// When, in milliseconds since 1970.
        timestamp_ms: u64,
    },
    /// What a model said and asked for.
    Assistant(AssistantMessage),
    /// What a tool answered.
    ToolResult {
        /// The call it answers.
        call_id: String,
        /// The tool.
        name: String,
        /// The answer.
        text: String,
        /// Whether the tool failed.
        is_error: bool,
        /// When, in milliseconds since 1970.
        timestamp_ms: u64,
    },
}

/// A picture in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Such as `image/png`.
    pub mime_type: String,
    /// The bytes in base64.
    pub data: String,
}

/// One answer of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct AssistantMessage {
    /// Its parts, in the order they came.
    pub parts: Vec<AssistantPart>,
    /// The model that answered.
    pub model: ModelId,
    /// The wire format it answered in.
    pub api: Api,
    /// What it consumed.
    pub usage: Usage,
    /// What that costs per million tokens.
    pub prices: Prices,
    /// Why it ended.
    pub stop_reason: StopReason,
    /// When, in milliseconds since 1970.
    pub timestamp_ms: u64,
}

/// A part of a model's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum AssistantPart {
    /// Words for the person.
    Text(String),
    /// What the model thought before. The signature is the provider's proof that the text is its
    /// own; Anthropic asks for it back during a tool round.
    Thinking {
        /// The words.
        text: String,
        /// The proof, where one came.
        signature: Option<String>,
    },
    /// A tool it asks for.
    ToolCall(ToolCall),
}

impl AssistantMessage {
    /// Returns its words without thoughts and calls.
    pub fn text(&self) -> String {
        self.parts
            .iter()
            .filter_map(|part| match part {
                AssistantPart::Text(text) => Some(text.as_str()),
                AssistantPart::Thinking { .. } | AssistantPart::ToolCall(_) => None,
            })
            .collect()
    }

    /// Returns the tools it asks for.
    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            AssistantPart::ToolCall(call) => Some(call),
            AssistantPart::Text(_) | AssistantPart::Thinking { .. } => None,
        })
    }
}

impl Message {
    /// Makes a user's message without pictures.
    pub fn user(text: impl Into<String>, timestamp_ms: u64) -> Self {
        Self::User {
            text: text.into(),
            images: Vec::new(),
            timestamp_ms,
        }
    }

    /// Writes the message as `chat.history` shows it, without the store's own `__openclaw` member.
    pub fn to_json(&self) -> Value {
        match self {
            Self::User {
                text,
                images,
                timestamp_ms,
            } => {
                // A user's content is a plain text, and a list only when pictures came with it.
                let content = if images.is_empty() {
                    json!(text)
                } else {
                    let pictures = images.iter().map(|image| {
                        json!({"type": "image", "data": image.data, "mimeType": image.mime_type})
                    });
                    std::iter::once(json!({"type": "text", "text": text}))
                        .chain(pictures)
                        .collect()
                };
                json!({"role": "user", "content": content, "timestamp": timestamp_ms})
            }
            Self::Assistant(message) => json!({
                "role": "assistant",
                "content": message.parts.iter().map(AssistantPart::to_json).collect::<Vec<_>>(),
                "api": message.api.name(),
                "provider": message.model.provider(),
                "model": message.model.model(),
                "usage": message.usage.to_json(&message.prices),
                "stopReason": message.stop_reason.wire_name(),
                "timestamp": message.timestamp_ms,
            }),
            Self::ToolResult {
                call_id,
                name,
                text,
                is_error,
                timestamp_ms,
            } => json!({
                "role": "toolResult",
                "toolCallId": call_id,
                "toolName": name,
                "content": [{"type": "text", "text": text}],
                "isError": is_error,
                "timestamp": timestamp_ms,
            }),
        }
    }

    /// Reads a stored message; `None` for what no model is shown, such as the mark of a reset.
    pub fn from_json(value: &Value) -> Option<Self> {
        let text_at = |key: &str| value.get(key).and_then(Value::as_str);
        let timestamp_ms = value.get("timestamp").and_then(Value::as_u64).unwrap_or(0);
        let content = value.get("content");
        match text_at("role")? {
            "user" => Some(Self::User {
                text: joined_text(content),
                images: parts(content).filter_map(image).collect(),
                timestamp_ms,
            }),
            "assistant" => Some(Self::Assistant(AssistantMessage {
                parts: match content {
                    Some(Value::String(text)) => vec![AssistantPart::Text(text.clone())],
                    Some(_) | None => parts(content)
                        .filter_map(AssistantPart::from_json)
                        .collect(),
                },
                model: ModelId::new(
                    text_at("provider").unwrap_or_default(),
                    text_at("model").unwrap_or_default(),
                ),
                api: text_at("api").and_then(Api::named).unwrap_or(Api::Builtin),
                usage: value.get("usage").map(Usage::from_json).unwrap_or_default(),
                prices: Prices::default(),
                stop_reason: StopReason::named(text_at("stopReason").unwrap_or_default()),
                timestamp_ms,
            })),
            "toolResult" => Some(Self::ToolResult {
                call_id: text_at("toolCallId")?.to_owned(),
                name: text_at("toolName").unwrap_or_default().to_owned(),
                text: joined_text(content),
                is_error: value.get("isError") == Some(&Value::Bool(true)),
                timestamp_ms,
            }),
            _ => None,
        }
    }
}

impl AssistantPart {
    /// Writes the part as a member of an assistant's content.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => json!({"type": "text", "text": text}),
            Self::Thinking {
                text,
                signature: None,
            } => json!({"type": "thinking", "thinking": text}),
            Self::Thinking {
                text,
                signature: Some(signature),
            } => json!({"type": "thinking", "thinking": text, "thinkingSignature": signature}),
            Self::ToolCall(call) => json!({
                "type": "toolCall", "id": call.id, "name": call.name, "arguments": call.arguments,
            }),
        }
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text_at = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        match value.get("type")?.as_str()? {
            "text" => Some(Self::Text(text_at("text")?)),
            "thinking" => Some(Self::Thinking {
                text: text_at("thinking")?,
                signature: text_at("thinkingSignature"),
            }),
            "toolCall" => Some(Self::ToolCall(ToolCall {
                id: text_at("id")?,
                name: text_at("name")?,
                arguments: value.get("arguments").cloned().unwrap_or_default(),
            })),
            _ => None,
        }
    }
}

fn parts(content: Option<&Value>) -> impl Iterator<Item = &Value> {
    content.and_then(Value::as_array).into_iter().flatten()
}

fn joined_text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(_) | None => parts(content)
            .filter_map(|part| part.get("text").and_then(Value::as_str))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

fn image(part: &Value) -> Option<Image> {
    let text_at = |key: &str| part.get(key).and_then(Value::as_str).map(str::to_owned);
    (part.get("type").and_then(Value::as_str) == Some("image")).then_some(())?;
    Some(Image {
        mime_type: text_at("mimeType")?,
        data: text_at("data")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Taken from the capture `chat-turn-tool-with-tool-events-cap`, without `__openclaw`.
    fn recorded() -> [Value; 4] {
        let usage = json!({"input": 11, "output": 7, "totalTokens": 18, "cacheRead": 0, "cacheWrite": 0,
            "cost": {"input": 0.0, "output": 0.0, "cacheRead": 0.0, "cacheWrite": 0.0, "total": 0.0}});
        [
            json!({"role": "user", "content": "hej", "timestamp": 1}),
            json!({"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "thinkingSignature": "s"},
                {"type": "toolCall", "id": "call_mock1", "name": "exec", "arguments": {"command": "echo tool-ran"}}],
                "api": "openai-completions", "provider": "mock", "model": "mock-1", "usage": usage,
                "stopReason": "toolUse", "timestamp": 2}),
            json!({"role": "toolResult", "toolCallId": "call_mock1", "toolName": "exec",
                "content": [{"type": "text", "text": "tool-ran"}], "isError": false, "timestamp": 3}),
            json!({"role": "user", "content": [{"type": "text", "text": "see"},
                {"type": "image", "data": "AA==", "mimeType": "image/png"}], "timestamp": 4}),
        ]
    }

    #[test]
    fn stored_messages_survive_being_read_and_written() {
        for message in recorded() {
            assert_eq!(Message::from_json(&message).unwrap().to_json(), message);
        }
    }

    #[test]
    fn the_mark_of_a_reset_is_not_shown_to_a_model() {
        let mark = json!({"role": "system", "content": "reset", "timestamp": 1});

        assert_eq!(Message::from_json(&mark), None);
    }
}
