//! Between our conversation and that of `genai`.

use super::super::catalogue::{Api, ModelEntry};
use super::super::message::{AssistantPart, Message};
use super::super::model::{ModelError, ModelErrorKind, ModelRequest, StopReason, Thinking, Usage};
use super::super::toolbox::{ToolCall, ToolSpec};
use super::{ModelChunk, cut};
use genai::chat::{
    self, ChatMessage, ChatRequest, ChatStreamEvent, ContentPart, MessageContent, ReasoningEffort,
    StreamEnd, Tool, ToolResponse,
};
use serde_json::{Value, json};

/// Writes the request for a model.
pub(super) fn request(entry: &ModelEntry, request: ModelRequest) -> ChatRequest {
    let mut messages = Vec::new();
    let mut results = Vec::new();
    for message in request.messages {
        if !matches!(message, Message::ToolResult { .. }) && !results.is_empty() {
            messages.push(tool_results(&mut results));
        }
        match message {
            Message::User { text, images, .. } => {
                let mut parts = vec![ContentPart::Text(text)];
                // A model that takes no images would refuse the whole conversation.
                if entry.images {
                    parts.extend(images.into_iter().map(|image| {
                        ContentPart::from_binary_base64(image.mime_type, image.data, None)
                    }));
                }
                messages.push(ChatMessage::user(MessageContent::from_parts(parts)));
            }
            Message::Assistant(answer) => {
                let parts: Vec<_> = answer
                    .parts
                    .into_iter()
                    .flat_map(|part| assistant_part(entry.api, part))
                    .collect();
                messages.push(ChatMessage::assistant(MessageContent::from_parts(parts)));
            }
            Message::ToolResult {
                call_id,
                name,
                text,
                is_error,
                ..
            } => {
                // The formats have no common way to mark a failure, so the words do.
                let text = if is_error {
                    format!("Error: {text}")
                } else {
                    text
                };
                results.push(ToolResponse::new(call_id, text).with_fn_name(name));
            }
        }
    }
    if !results.is_empty() {
        messages.push(tool_results(&mut results));
    }
    let mut translated = ChatRequest::from_messages(messages).with_system(request.system);
    if !request.tools.is_empty() {
        translated.tools = Some(request.tools.into_iter().map(tool).collect());
    }
    translated
}

/// All results of one round go into one message: Anthropic refuses a call whose result is not in
/// the very next message.
fn tool_results(results: &mut Vec<ToolResponse>) -> ChatMessage {
    ChatMessage::tool(MessageContent::from_tool_responses(std::mem::take(results)))
}

fn assistant_part(api: Api, part: AssistantPart) -> Vec<ContentPart> {
    match part {
        AssistantPart::Text(text) if text.is_empty() => Vec::new(),
        AssistantPart::Text(text) => vec![ContentPart::Text(text)],
        // Only Anthropic wants thoughts back, and only those it can prove to be its own.
        AssistantPart::Thinking {
            text,
            signature: Some(signature),
        } if api == Api::AnthropicMessages => vec![
            ContentPart::ReasoningContent(text),
            ContentPart::ThoughtSignature(signature),
        ],
        AssistantPart::Thinking { .. } => Vec::new(),
        AssistantPart::ToolCall(call) => vec![ContentPart::ToolCall(chat::ToolCall {
            call_id: call.id,
            fn_name: call.name,
            // What was no JSON when it came must still be an object when it goes back.
            fn_arguments: if call.arguments.is_object() {
                call.arguments
            } else {
                json!({"raw": call.arguments})
            },
            thought_signatures: None,
        })],
    }
}

fn tool(spec: ToolSpec) -> Tool {
    Tool::new(spec.name)
        .with_description(spec.description)
        .with_schema(spec.parameters)
}

/// Says how much effort to ask for; `None` leaves it to the provider.
pub(super) fn effort(entry: &ModelEntry, thinking: Thinking) -> Option<ReasoningEffort> {
    match thinking {
        Thinking::Low if entry.reasoning => Some(ReasoningEffort::Low),
        Thinking::Medium if entry.reasoning => Some(ReasoningEffort::Medium),
        Thinking::High if entry.reasoning => Some(ReasoningEffort::High),
        // With no effort given, genai cuts endings such as "-max" off the model's name and takes
        // them for one. A budget is nothing the OpenAI formats know, so naming one sends nothing.
        Thinking::Off | Thinking::Low | Thinking::Medium | Thinking::High => match entry.api {
            Api::OpenAiCompletions | Api::OpenAiResponses => Some(ReasoningEffort::Budget(0)),
            Api::AnthropicMessages | Api::Ollama | Api::Builtin => None,
        },
    }
}

/// Translates one event of the answer.
pub(super) fn chunks(
    api: Api,
    model: &str,
    event: ChatStreamEvent,
) -> Vec<Result<ModelChunk, ModelError>> {
    match event {
        ChatStreamEvent::Chunk(chunk) => vec![Ok(ModelChunk::Text(chunk.content))],
        ChatStreamEvent::ReasoningChunk(chunk) => vec![Ok(ModelChunk::Reasoning(chunk.content))],
        ChatStreamEvent::ThoughtSignatureChunk(chunk) if api == Api::AnthropicMessages => {
            vec![Ok(ModelChunk::Signature(chunk.content))]
        }
        ChatStreamEvent::End(end) => ended(model, end),
        // Calls are taken whole from the end; the rest says nothing we use.
        ChatStreamEvent::Start
        | ChatStreamEvent::ThoughtSignatureChunk(_)
        | ChatStreamEvent::ToolCallChunk(_)
        | ChatStreamEvent::Heartbeat => Vec::new(),
    }
}

fn ended(model: &str, end: StreamEnd) -> Vec<Result<ModelChunk, ModelError>> {
    // genai ends a broken-off answer of Ollama and of the Responses API like a whole one, but
    // only a whole one says why it ended.
    let Some(reason) = end.captured_stop_reason.clone() else {
        return vec![Err(cut(model))];
    };
    let mut chunks = Vec::new();
    let mut called = false;
    for call in end.captured_tool_calls().unwrap_or_default() {
        called = true;
        chunks.push(Ok(ModelChunk::ToolCall(ToolCall {
            id: call.call_id.clone(),
            name: call.fn_name.clone(),
            arguments: arguments(&call.fn_arguments),
        })));
    }
    if let Some(usage) = &end.captured_usage {
        chunks.push(Ok(ModelChunk::Usage(self::usage(usage))));
    }
    chunks.push(match reason {
        chat::StopReason::ContentFilter(_) => Err(ModelError {
            kind: ModelErrorKind::Refused,
            model: model.to_owned(),
            message: "the provider refuses to answer this".to_owned(),
            status: None,
            retry_after: None,
        }),
        // Ollama and the Responses API say "stop" also when they wait for tools.
        _ if called => Ok(ModelChunk::Stop(StopReason::ToolUse)),
        chat::StopReason::MaxTokens(_) => Ok(ModelChunk::Stop(StopReason::Length)),
        chat::StopReason::Completed(_)
        | chat::StopReason::ToolCall(_)
        | chat::StopReason::StopSequence(_)
        | chat::StopReason::Other(_) => Ok(ModelChunk::Stop(StopReason::Stop)),
    });
    chunks
}

/// A tool without arguments is often called with an empty text.
fn arguments(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::String(text) if text.trim().is_empty() => json!({}),
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        Value::Object(_) | Value::Array(_) | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn usage(usage: &chat::Usage) -> Usage {
    let count = |count: Option<i32>| {
        count
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(0)
    };
    let details = usage.prompt_tokens_details.as_ref();
    let cache_read = count(details.and_then(|details| details.cached_tokens));
    let cache_write = count(details.and_then(|details| details.cache_creation_tokens));
    Usage {
        // genai counts what was cached into the prompt; we count it once.
        input: count(usage.prompt_tokens).saturating_sub(cache_read + cache_write),
        output: count(usage.completion_tokens),
        cache_read,
        cache_write,
    }
}
