//! What a message holds beside its text: what the agent thought, the tools it called and what they
//! answered, and pictures. Read leniently: a member in a form we do not know is left out, and the
//! rest of the message stands. Pure.

use crate::protocol::Extra;
use crate::protocol::event::AgentEvent;
use crate::protocol::method::chat::{ContentPart, HistoryMessage, MessageContent};
use serde_json::Value;
use std::time::Duration;

/// The most of a tool's arguments or answer that is passed on, in bytes: what a person reads.
const MOST_TOOL_TEXT: usize = 64 * 1024;
/// The most of a thought that is passed on, in bytes.
const MOST_REASONING: usize = 256 * 1024;
/// The largest picture that is passed on, in characters of base64: `policy.attachments` lets
/// pictures of 6 MiB in.
const LARGEST_PICTURE: usize = 8 * 1024 * 1024 + 512;
/// What stands where text was left out.
const CUT: &str = "\n…";

/// A picture in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Such as `image/png`.
    pub media_type: String,
    /// The bytes in base64; `None` where the message has none, or too many.
    pub data: Option<String>,
}

/// A tool that an agent calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The call's id, which its answer names.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it was called with, as JSON for people; empty where nothing is known.
    pub arguments: String,
    /// How far it is.
    pub state: ToolState,
    /// What it answered, so far or at the end.
    pub result: Option<String>,
    /// Pictures it answered.
    pub pictures: Vec<Picture>,
}

/// How far a tool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolState {
    /// It was asked for; what became of it is said elsewhere, or nowhere.
    Called,
    /// It is at work.
    Running,
    /// It answered.
    Done,
    /// It failed.
    Failed,
}

/// Which call a tool's answer belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The call's id.
    pub call_id: String,
    /// The tool, where it is named.
    pub name: String,
    /// Whether the tool failed.
    pub is_failed: bool,
}

/// What a run is told to be doing, beside its text.
#[derive(Debug, Clone, PartialEq)]
pub enum RunDetail {
    /// A tool moved on.
    Tool(ToolCall),
    /// The agent thought so far.
    Reasoning(String),
    /// The provider did not answer and is asked again.
    Retrying {
        /// Which retry it is, from 1.
        attempt: u32,
        /// How many there are at most; 0 where that is not said.
        most: u32,
        /// How long until then.
        delay: Duration,
    },
}

/// Returns what the agent thought in a message.
pub fn reasoning_of(message: &HistoryMessage) -> Option<String> {
    let thoughts: Vec<&str> = parts(message)
        .filter(|part| part.kind == "thinking" || part.kind == "reasoning")
        .filter_map(|part| text_at(&part.extra, "thinking").or(part.text.as_deref()))
        .filter(|thought| !thought.trim().is_empty())
        .collect();
    (!thoughts.is_empty()).then(|| cut(&thoughts.join("\n\n"), MOST_REASONING))
}

/// Returns the tools that a message calls.
pub fn calls_of(message: &HistoryMessage) -> Vec<ToolCall> {
    parts(message)
        .filter(|part| is_call(&part.kind))
        .map(|part| ToolCall {
            id: text_at(&part.extra, "id").unwrap_or_default().to_owned(),
            name: part.name.clone().unwrap_or_default(),
            arguments: arguments(
                ["arguments", "input", "args"]
                    .iter()
                    .find_map(|name| part.extra.get(*name)),
            ),
            state: ToolState::Called,
            result: None,
            pictures: Vec::new(),
        })
        .collect()
}

/// Returns which call a message answers.
pub fn answered_by(message: &HistoryMessage) -> Option<Answered> {
    let call_id = text_at(&message.extra, "toolCallId")?.to_owned();
    Some(Answered {
        call_id,
        name: text_at(&message.extra, "toolName")
            .unwrap_or_default()
            .to_owned(),
        is_failed: message.extra.get("isError") == Some(&Value::Bool(true)),
    })
}

/// Returns the pictures in a message.
pub fn pictures_of(message: &HistoryMessage) -> Vec<Picture> {
    parts(message)
        .filter(|part| is_picture(&part.kind))
        .map(|part| picture(&part.extra))
        .collect()
}

/// Returns whether the gateway left out a part of the message.
pub fn is_cut(message: &HistoryMessage) -> bool {
    message
        .notes
        .as_ref()
        .is_some_and(|notes| notes.extra.get("truncated") == Some(&Value::Bool(true)))
}

/// Returns what an event says about its run beside the text, if anything a person is shown.
pub fn detail_of(event: &AgentEvent) -> Option<RunDetail> {
    let data = event.data.as_object()?;
    match event.stream.as_str() {
        "tool" => tool(data).map(RunDetail::Tool),
        "item" if data.get("kind").and_then(Value::as_str) == Some("tool") => {
            item(data).map(RunDetail::Tool)
        }
        "thinking" | "reasoning" => {
            let text = text_at(data, "text")?;
            (!text.trim().is_empty()).then(|| RunDetail::Reasoning(cut(text, MOST_REASONING)))
        }
        "run_status" if text_at(data, "phase") == Some("retrying") => Some(RunDetail::Retrying {
            attempt: number_at(data, "retryAttempt"),
            most: number_at(data, "maxRetries"),
            delay: Duration::from_millis(u64::from(number_at(data, "delayMs"))),
        }),
        _ => None,
    }
}

impl ToolCall {
    /// Takes over what is newer, and keeps what that does not say.
    pub(super) fn update(&mut self, newer: Self) {
        if !newer.name.is_empty() {
            self.name = newer.name;
        }
        if !newer.arguments.is_empty() {
            self.arguments = newer.arguments;
        }
        if newer.result.is_some() {
            self.result = newer.result;
        }
        if !newer.pictures.is_empty() {
            self.pictures = newer.pictures;
        }
        // An item may say "running" once more after the tool's own answer.
        let is_over = matches!(self.state, ToolState::Done | ToolState::Failed);
        if !is_over || newer.state == ToolState::Failed {
            self.state = newer.state;
        }
    }
}

fn tool(data: &Extra) -> Option<ToolCall> {
    let answer = data.get("result").or_else(|| data.get("partialResult"));
    let state = match text_at(data, "phase")? {
        "start" | "update" => ToolState::Running,
        "result" if data.get("isError") == Some(&Value::Bool(true)) => ToolState::Failed,
        "result" | "end" => ToolState::Done,
        _ => return None,
    };
    Some(ToolCall {
        id: text_at(data, "toolCallId")?.to_owned(),
        name: text_at(data, "name").unwrap_or_default().to_owned(),
        arguments: arguments(data.get("args")),
        state,
        result: answer.map(answer_text).filter(|text| !text.is_empty()),
        pictures: answer.map(answer_pictures).unwrap_or_default(),
    })
}

/// The card of a tool, for clients that hear no more of it.
fn item(data: &Extra) -> Option<ToolCall> {
    let state = match text_at(data, "status")? {
        "running" => ToolState::Running,
        "failed" | "error" => ToolState::Failed,
        _ => ToolState::Done,
    };
    Some(ToolCall {
        id: text_at(data, "toolCallId")?.to_owned(),
        name: text_at(data, "name").unwrap_or_default().to_owned(),
        arguments: String::new(),
        state,
        result: None,
        pictures: Vec::new(),
    })
}

fn answer_text(answer: &Value) -> String {
    let text = match answer {
        Value::String(text) => text.clone(),
        Value::Object(members) => match members.get("content") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => parts
                .iter()
                .filter_map(|part| part.get("text").and_then(Value::as_str))
                .collect::<Vec<_>>()
                .join("\n"),
            _ => arguments(Some(answer)),
        },
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => answer.to_string(),
    };
    cut(&text, MOST_TOOL_TEXT)
}

fn answer_pictures(answer: &Value) -> Vec<Picture> {
    let Some(Value::Array(parts)) = answer.get("content") else {
        return Vec::new();
    };
    parts
        .iter()
        .filter_map(Value::as_object)
        .filter(|part| text_at(part, "type").is_some_and(is_picture))
        .map(picture)
        .collect()
}

fn arguments(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Object(members)) if members.is_empty() => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => serde_json::to_string_pretty(value).unwrap_or_default(),
    };
    cut(&text, MOST_TOOL_TEXT)
}

/// Reads a picture in the forms that gateways and providers use.
fn picture(part: &Extra) -> Picture {
    let source = part.get("source").and_then(Value::as_object);
    let url = text_at(part, "url")
        .or_else(|| source.and_then(|source| text_at(source, "url")))
        .or_else(|| {
            part.get("image_url")
                .and_then(|url| url.get("url").unwrap_or(url).as_str())
        });
    let from_url = url.and_then(|url| url.strip_prefix("data:")?.split_once(";base64,"));
    let media_type = text_at(part, "mimeType")
        .or_else(|| source.and_then(|source| text_at(source, "media_type")))
        .or(from_url.map(|(media_type, _)| media_type))
        .unwrap_or_default();
    let data = text_at(part, "data")
        .or_else(|| source.and_then(|source| text_at(source, "data")))
        .or(from_url.map(|(_, data)| data))
        .filter(|data| !data.is_empty() && data.len() <= LARGEST_PICTURE);
    Picture {
        media_type: media_type.to_owned(),
        data: data.map(str::to_owned),
    }
}

fn parts(message: &HistoryMessage) -> impl Iterator<Item = &ContentPart> {
    let parts: &[ContentPart] = match &message.content {
        Some(MessageContent::Parts(parts)) => parts,
        Some(MessageContent::Text(_) | MessageContent::Other(_)) | None => &[],
    };
    parts.iter()
}

fn is_call(kind: &str) -> bool {
    matches!(kind, "toolCall" | "tool_use" | "toolUse" | "tool_call")
}

fn is_picture(kind: &str) -> bool {
    matches!(kind, "image" | "image_url" | "input_image")
}

fn text_at<'a>(members: &'a Extra, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

fn number_at(members: &Extra, name: &str) -> u32 {
    let number = members.get(name).and_then(Value::as_u64).unwrap_or(0);
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    format!("{}{CUT}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(value: Value) -> HistoryMessage {
        serde_json::from_value(value).unwrap()
    }

    fn event(stream: &str, data: Value) -> AgentEvent {
        serde_json::from_value(json!({"runId": "r", "stream": stream, "data": data})).unwrap()
    }

    #[test]
    fn an_answer_s_thoughts_calls_and_pictures_are_read() {
        let answer = message(json!({"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Let me look."},
            {"type": "text", "text": "Looking."},
            {"type": "toolCall", "id": "c1", "name": "exec", "arguments": {"command": "ls"}},
            {"type": "image", "mimeType": "image/png", "data": "aGk="},
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "aGk="}},
            {"type": "image_url", "image_url": {"url": "data:image/gif;base64,aGk="}},
            {"type": "image", "url": "https://example.org/x.png"},
        ], "__openclaw": {"id": "1", "truncated": true}}));

        assert_eq!(reasoning_of(&answer).as_deref(), Some("Let me look."));
        let calls = calls_of(&answer);
        assert_eq!(
            (calls[0].id.as_str(), calls[0].name.as_str()),
            ("c1", "exec")
        );
        assert_eq!(calls[0].arguments, "{\n  \"command\": \"ls\"\n}");
        let pictures = pictures_of(&answer);
        assert_eq!(
            pictures
                .iter()
                .map(|picture| picture.media_type.as_str())
                .collect::<Vec<_>>(),
            ["image/png", "image/jpeg", "image/gif", ""]
        );
        assert_eq!(
            pictures
                .iter()
                .map(|picture| picture.data.is_some())
                .collect::<Vec<_>>(),
            [true, true, true, false]
        );
        assert!(is_cut(&answer));
    }

    #[test]
    fn a_tool_s_answer_names_its_call() {
        let answer = message(
            json!({"role": "toolResult", "toolCallId": "c1", "toolName": "exec",
            "isError": true, "content": [{"type": "text", "text": "no"}]}),
        );

        let answered = answered_by(&answer).unwrap();
        assert_eq!(
            (answered.call_id.as_str(), answered.is_failed),
            ("c1", true)
        );
        assert_eq!(
            answered_by(&message(json!({"role": "user", "content": "x"}))),
            None
        );
    }

    #[test]
    fn a_tool_is_followed_from_its_start_to_its_answer() {
        let told = [
            event(
                "item",
                json!({"kind": "tool", "toolCallId": "c", "name": "exec", "phase": "start", "status": "running"}),
            ),
            event(
                "tool",
                json!({"phase": "start", "toolCallId": "c", "name": "exec", "args": {"command": "ls"}}),
            ),
            event(
                "tool",
                json!({"phase": "update", "toolCallId": "c", "name": "exec",
                "partialResult": {"content": [{"type": "text", "text": "a"}]}}),
            ),
            event(
                "tool",
                json!({"phase": "result", "toolCallId": "c", "name": "exec", "isError": false,
                "result": {"content": [{"type": "text", "text": "a\nb"}]}}),
            ),
            event(
                "item",
                json!({"kind": "tool", "toolCallId": "c", "name": "exec", "phase": "update", "status": "running"}),
            ),
        ];
        let mut shown: Option<ToolCall> = None;
        for event in &told {
            let Some(RunDetail::Tool(call)) = detail_of(event) else {
                panic!("no tool");
            };
            match &mut shown {
                Some(shown) => shown.update(call),
                None => shown = Some(call),
            }
        }
        let shown = shown.unwrap();
        assert_eq!(shown.state, ToolState::Done);
        assert_eq!(shown.result.as_deref(), Some("a\nb"));
        assert!(shown.arguments.contains("ls"));
    }

    #[test]
    fn thoughts_and_retries_are_told_and_nothing_else_is() {
        assert_eq!(
            detail_of(&event("thinking", json!({"text": "Hm", "delta": "Hm"}))),
            Some(RunDetail::Reasoning("Hm".to_owned()))
        );
        let retrying =
            json!({"phase": "retrying", "retryAttempt": 2, "maxRetries": 8, "delayMs": 4000});
        assert_eq!(
            detail_of(&event("run_status", retrying)),
            Some(RunDetail::Retrying {
                attempt: 2,
                most: 8,
                delay: Duration::from_secs(4)
            })
        );
        for (stream, data) in [
            ("run_status", json!({"phase": "starting_model"})),
            ("usage", json!({"outputTokens": 3})),
            ("tool", json!("odd")),
            ("tool", json!({"phase": "start"})),
        ] {
            assert_eq!(detail_of(&event(stream, data)), None);
        }
    }

    #[test]
    fn long_answers_are_cut_between_letters() {
        let long = "å".repeat(MOST_TOOL_TEXT);
        let shown = cut(&long, MOST_TOOL_TEXT);
        assert!(shown.len() <= MOST_TOOL_TEXT + CUT.len() && shown.ends_with(CUT));
    }
}
