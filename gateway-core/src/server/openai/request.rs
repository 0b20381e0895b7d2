//! What a request for a completion says. Pure.

use serde::Deserialize;
use serde_json::{Value, json};

/// Why a request is not understood. Its text is for whoever wrote the program that sends it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadRequest {
    /// It is no JSON of this shape.
    #[error("the request is not understood: {0}")]
    Shape(String),
    /// Nobody says anything in it.
    #[error("Missing user message in `messages`.")]
    NoUserMessage,
    /// The model is none of ours.
    #[error("Invalid `model`. Use `openclaw` or `openclaw/<agentId>`.")]
    Model,
    /// There is no such agent.
    #[error("there is no agent {0:?}; GET /v1/models lists them")]
    UnknownAgent(String),
    /// Tools of the caller's own.
    #[error("`tools` are not taken: the agent has tools of its own")]
    Tools,
    /// More than one answer.
    #[error("`n` must be 1")]
    Several,
    /// An image that would have to be fetched.
    #[error("`image_url` must be a data: URL; this gateway fetches nothing on a request's word")]
    Image,
    /// A part of another kind.
    #[error("a message part of type {0:?} is not taken; send text or image_url")]
    Part(String),
}

/// A completion that is asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Completion {
    /// The model as it was written; the answer repeats it.
    pub(super) model: String,
    /// The agent it means.
    pub(super) agent: String,
    /// Whose conversation it is.
    pub(super) user: Option<String>,
    /// Whether the answer is to come piece by piece.
    pub(super) streams: bool,
    /// Whether the last piece is to say what was used.
    pub(super) wants_usage: bool,
    messages: Vec<Message>,
}

#[derive(Debug, PartialEq)]
struct Message {
    role: Role,
    text: String,
    /// Images, as messages of ours carry them.
    images: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
    Function,
}

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    messages: Vec<BodyMessage>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    user: Option<String>,
    n: Option<u32>,
    tools: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct BodyMessage {
    role: Role,
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    image_url: Option<ImageUrl>,
}

#[derive(Deserialize)]
struct ImageUrl {
    url: String,
}

/// Reads a request. `agent` finds the agent for the one a model's name holds.
pub(super) fn read(
    body: &[u8],
    agent: impl FnOnce(Option<&str>) -> Result<String, BadRequest>,
) -> Result<Completion, BadRequest> {
    let body: Body =
        serde_json::from_slice(body).map_err(|error| BadRequest::Shape(error.to_string()))?;
    if body.tools.is_some_and(|tools| !tools.is_empty()) {
        return Err(BadRequest::Tools);
    }
    if body.n.is_some_and(|n| n != 1) {
        return Err(BadRequest::Several);
    }
    let model = body.model.unwrap_or_else(|| "openclaw".to_owned());
    let agent = agent(agent_in(model.trim())?)?;
    let messages = body
        .messages
        .into_iter()
        .map(Message::of)
        .collect::<Result<Vec<_>, _>>()?;
    let last = messages
        .iter()
        .rfind(|message| !matches!(message.role, Role::System | Role::Developer));
    if !last.is_some_and(|last| {
        matches!(last.role, Role::User | Role::Tool | Role::Function)
            && (!last.text.trim().is_empty() || !last.images.is_empty())
    }) {
        return Err(BadRequest::NoUserMessage);
    }
    Ok(Completion {
        model,
        agent,
        user: body.user.filter(|user| !user.trim().is_empty()),
        streams: body.stream.unwrap_or(false),
        wants_usage: body
            .stream_options
            .is_some_and(|options| options.include_usage == Some(true)),
        messages,
    })
}

/// `openclaw`, `openclaw/<agent>`, `openclaw:<agent>`, `agent:<agent>`.
fn agent_in(model: &str) -> Result<Option<&str>, BadRequest> {
    if model == "openclaw" {
        return Ok(None);
    }
    ["openclaw/", "openclaw:", "agent:"]
        .into_iter()
        .find_map(|prefix| model.strip_prefix(prefix))
        .filter(|agent| !agent.is_empty())
        .map(Some)
        .ok_or(BadRequest::Model)
}

impl Message {
    fn of(message: BodyMessage) -> Result<Self, BadRequest> {
        let mut texts = Vec::new();
        let mut images = Vec::new();
        match message.content {
            None => {}
            Some(Content::Text(text)) => texts.push(text),
            Some(Content::Parts(parts)) => {
                for part in parts {
                    match (part.kind.as_str(), part.text, part.image_url) {
                        ("text" | "input_text", Some(text), _) => texts.push(text),
                        ("image_url", _, Some(image)) => images.push(image_of(&image.url)?),
                        (kind, _, _) => return Err(BadRequest::Part(kind.to_owned())),
                    }
                }
            }
        }
        Ok(Self {
            role: message.role,
            text: texts.join("\n"),
            images,
        })
    }

    fn speaker(&self) -> &'static str {
        match self.role {
            Role::User => "User",
            Role::Assistant => "Assistant",
            Role::Tool | Role::Function => "Tool",
            Role::System | Role::Developer => "Instructions",
        }
    }
}

fn image_of(url: &str) -> Result<Value, BadRequest> {
    let (mime, data) = url
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"))
        .filter(|(mime, _)| mime.starts_with("image/"))
        .ok_or(BadRequest::Image)?;
    Ok(json!({"type": "image", "mimeType": mime, "data": data}))
}

impl Completion {
    /// Returns the message of the conversation this is: what is new in it where the conversation has
    /// a history of its own here, else everything the caller tells of it.
    pub(super) fn content(&self, has_history: bool) -> Value {
        let is_instruction =
            |message: &&Message| matches!(message.role, Role::System | Role::Developer);
        let instructions: Vec<&str> = self
            .messages
            .iter()
            .filter(is_instruction)
            .map(|message| message.text.as_str())
            .collect();
        let said: Vec<&Message> = self
            .messages
            .iter()
            .filter(|message| !is_instruction(message))
            .collect();
        let new_from = said
            .iter()
            .rposition(|message| message.role == Role::Assistant)
            .map_or(0, |at| at + 1);
        let (told, new) = said.split_at(new_from.min(said.len()));
        let mut blocks = Vec::new();
        if !instructions.is_empty() {
            blocks.push(format!("[Instructions]\n{}", instructions.join("\n\n")));
        }
        if !has_history && !told.is_empty() {
            let lines: Vec<String> = told
                .iter()
                .map(|message| format!("{}: {}", message.speaker(), message.text))
                .collect();
            blocks.push(format!("[Said before]\n{}", lines.join("\n")));
        }
        let message = new
            .iter()
            .map(|message| message.text.as_str())
            .collect::<Vec<_>>()
            .join("\n\n");
        let text = if blocks.is_empty() {
            message
        } else {
            format!("{}\n\n[Message]\n{message}", blocks.join("\n\n"))
        };
        let images: Vec<Value> = new
            .iter()
            .flat_map(|message| message.images.iter().cloned())
            .collect();
        if images.is_empty() {
            return Value::String(text);
        }
        let mut parts = vec![json!({"type": "text", "text": text})];
        parts.extend(images);
        Value::Array(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_it(body: Value) -> Result<Completion, BadRequest> {
        read(body.to_string().as_bytes(), |agent| {
            Ok(agent.unwrap_or("main").to_owned())
        })
    }

    fn message(role: &str, content: impl Into<Value>) -> Value {
        json!({"role": role, "content": content.into()})
    }

    #[test]
    fn a_models_name_says_which_agent_is_meant() {
        for (model, agent) in [
            ("openclaw", "main"),
            ("openclaw/ops", "ops"),
            ("openclaw:ops", "ops"),
            ("agent:ops", "ops"),
        ] {
            let body = json!({"model": model, "messages": [message("user", "hej")]});
            let completion = read_it(body).unwrap();
            assert_eq!(
                (completion.agent.as_str(), completion.model.as_str()),
                (agent, model)
            );
        }
        for model in ["gpt-5", "", "openclaw/"] {
            let body = json!({"model": model, "messages": [message("user", "hej")]});
            assert_eq!(read_it(body), Err(BadRequest::Model), "{model}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_and_not_left_out() {
        let hej = [message("user", "hej")];
        for (body, why) in [
            (json!({"messages": []}), BadRequest::NoUserMessage),
            (
                json!({"messages": [message("system", "x")]}),
                BadRequest::NoUserMessage,
            ),
            (
                json!({"messages": [hej[0], message("assistant", "x")]}),
                BadRequest::NoUserMessage,
            ),
            (
                json!({"messages": [message("user", " ")]}),
                BadRequest::NoUserMessage,
            ),
            (json!({"messages": hej, "n": 2}), BadRequest::Several),
            (json!({"messages": hej, "tools": [{}]}), BadRequest::Tools),
            (
                json!({"messages": [message("user", json!([{"type": "image_url",
                    "image_url": {"url": "https://example.com/a.png"}}]))]}),
                BadRequest::Image,
            ),
            (
                json!({"messages": [message("user", json!([{"type": "input_audio"}]))]}),
                BadRequest::Part("input_audio".to_owned()),
            ),
        ] {
            assert_eq!(read_it(body.clone()), Err(why), "{body}");
        }
        for body in [json!({}), json!([]), json!({"messages": "hej"})] {
            assert!(matches!(read_it(body), Err(BadRequest::Shape(_))));
        }
    }

    #[test]
    fn a_conversation_the_caller_tells_is_told_on_unless_it_is_kept_here() {
        let alone = read_it(json!({"messages": [message("user", "hej")]})).unwrap();
        assert_eq!(alone.content(false), json!("hej"));
        let told = read_it(json!({"messages": [
            message("system", "Be brief."), message("user", "one"), message("assistant", "two"),
            message("user", json!([{"type": "text", "text": "three"}])),
        ]}))
        .unwrap();

        assert_eq!(
            told.content(false),
            json!(
                "[Instructions]\nBe brief.\n\n[Said before]\nUser: one\nAssistant: two\n\n[Message]\nthree"
            )
        );
        assert_eq!(
            told.content(true),
            json!("[Instructions]\nBe brief.\n\n[Message]\nthree")
        );
    }

    #[test]
    fn images_in_the_request_itself_are_taken() {
        let body = json!({"messages": [message("user", json!([
            {"type": "text", "text": "see"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        ]))]});

        let content = read_it(body).unwrap().content(false);

        assert_eq!(content[0]["text"], "see");
        assert_eq!(
            content[1],
            json!({"type": "image", "mimeType": "image/png", "data": "AA=="})
        );
    }
}
