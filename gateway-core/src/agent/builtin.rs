//! The helper that answers while no AI model is configured: `builtin/helper`.
//!
//! It is a [`Model`] like any other, so its answers take the same path: it streams, asks for the
//! tools `session_status`, `nodes` and `exec`, and words what they really answered. It understands a
//! handful of requests by their words, in English and Danish (`intent`), and says plainly that
//! it is no AI model. It keeps nothing: what was already done, it reads off the conversation.

mod intent;
mod plan;
mod wording;

use super::catalogue::{Api, ModelEntry, ModelId, Prices};
use super::message::Message;
use super::model::{Model, ModelChunk, ModelError, ModelRequest, ModelStream, StopReason};
use super::toolbox::ToolCall;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use plan::{Done, Step};
use std::sync::Arc;

/// The helper's full name.
pub const PROVIDER: &str = "builtin";
/// The helper's own part of its name.
pub const MODEL: &str = "helper";

/// Tells date and time the way a person would write them.
pub type LocalTime = Arc<dyn Fn() -> String + Send + Sync>;

/// Finds the models of an Ollama on this computer; see [`super::ollama::installed_models`].
pub type OllamaProbe = Arc<dyn Fn() -> BoxFuture<'static, Option<Vec<String>>> + Send + Sync>;

/// Answers without an AI model.
#[derive(Clone)]
pub struct BuiltinHelper {
    entry: ModelEntry,
    now: LocalTime,
    ollama: OllamaProbe,
}

impl BuiltinHelper {
    /// Makes a helper that tells this time and offers this Ollama.
    pub fn new(now: LocalTime, ollama: OllamaProbe) -> Self {
        Self {
            entry: ModelEntry {
                id: ModelId::new(PROVIDER, MODEL),
                name: "Built-in helper (no AI model yet)".to_owned(),
                // It reads only the last question and what was done since.
                context_window: 32_768,
                max_tokens: 4_096,
                reasoning: false,
                images: false,
                prices: Prices::default(),
                api: Api::Builtin,
            },
            now,
            ollama,
        }
    }

    async fn chunks(self, request: ModelRequest) -> Vec<Result<ModelChunk, ModelError>> {
        let (question, done) = since_last_question(&request.messages);
        let (intent, language) = intent::understand(&question);
        let has_tool = |name: &str| request.tools.iter().any(|tool| tool.name == name);
        let step = plan::next(&intent, language, &done, &has_tool, &self.now);
        match step {
            Step::Call { name, arguments } => vec![
                Ok(ModelChunk::ToolCall(ToolCall {
                    id: format!("builtin_{}", done.len() + 1),
                    name: name.to_owned(),
                    arguments,
                })),
                Ok(ModelChunk::Stop(StopReason::ToolUse)),
            ],
            Step::Say(text) => said(&text),
            Step::SayWithOllama(text) => {
                let models = (self.ollama)().await;
                let offer = wording::ollama(language, models.as_deref());
                said(&format!("{text}\n\n{offer}"))
            }
        }
    }
}

impl Model for BuiltinHelper {
    fn entry(&self) -> &ModelEntry {
        &self.entry
    }

    fn stream(&self, request: ModelRequest) -> ModelStream {
        stream::once(self.clone().chunks(request))
            .flat_map(stream::iter)
            .boxed()
    }
}

/// Streams a text line by line, as a model would.
fn said(text: &str) -> Vec<Result<ModelChunk, ModelError>> {
    text.split_inclusive('\n')
        .map(|line| Ok(ModelChunk::Text(line.to_owned())))
        .chain([Ok(ModelChunk::Stop(StopReason::Stop))])
        .collect()
}

/// Returns the last question and every tool that was run since, with its answer.
fn since_last_question(messages: &[Message]) -> (String, Vec<Done>) {
    let mut question = String::new();
    let mut calls: Vec<ToolCall> = Vec::new();
    let mut done = Vec::new();
    for message in messages {
        match message {
            Message::User { text, .. } => {
                question.clone_from(text);
                calls.clear();
                done.clear();
            }
            Message::Assistant(answer) => calls.extend(answer.calls().cloned()),
            Message::ToolResult {
                call_id,
                text,
                is_error,
                ..
            } => {
                if let Some(call) = calls.iter().find(|call| &call.id == call_id) {
                    done.push(Done {
                        call: call.clone(),
                        answer: text.clone(),
                        failed: *is_error,
                    });
                }
            }
        }
    }
    (question, done)
}

#[cfg(test)]
mod tests;
