//! Gets one answer: streams it, tries again, falls back, and knows what of it was shown.

use super::super::context;
use super::super::message::{AssistantMessage, AssistantPart, Message};
use super::super::model::{
    Model, ModelChunk, ModelError, ModelErrorKind, ModelRequest, StopReason,
};
use super::super::provider::cut;
use super::{Interruption, Phase, Run, TurnEvent};
use futures_util::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;

/// What parts the words of one round from those of the round before.
const BETWEEN_ROUNDS: &str = "\n\n";

/// What came of an answer so far.
#[derive(Debug, Default)]
pub(super) struct Partial {
    parts: Vec<AssistantPart>,
    /// How much of what is shown belongs to earlier rounds, in bytes.
    shown_before: usize,
}

impl Partial {
    fn has_text(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, AssistantPart::Text(_)))
    }

    fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(AssistantPart::Text(last)) => last.push_str(text),
            Some(AssistantPart::Thinking { .. } | AssistantPart::ToolCall(_)) | None => {
                self.parts.push(AssistantPart::Text(text.to_owned()));
            }
        }
    }

    fn push_reasoning(&mut self, more: &str) {
        match self.parts.last_mut() {
            Some(AssistantPart::Thinking {
                text,
                signature: None,
            }) => text.push_str(more),
            // After a signature a new block of thoughts begins.
            Some(_) | None => self.parts.push(AssistantPart::Thinking {
                text: more.to_owned(),
                signature: None,
            }),
        }
    }

    fn push_signature(&mut self, more: &str) {
        if let Some(AssistantPart::Thinking { signature, .. }) = self.parts.last_mut() {
            signature.get_or_insert_default().push_str(more);
        }
    }
}

impl Run {
    /// Gets one answer into the conversation, with retries and fallbacks.
    pub(super) async fn answer(&mut self) -> Result<StopReason, Interruption> {
        let mut attempt = 0;
        let mut trimmed_harder = false;
        loop {
            let Some(model) = self.models.get(self.current).cloned() else {
                return Err(cut("no model").into());
            };
            self.partial = Partial {
                parts: Vec::new(),
                shown_before: self.shown.len(),
            };
            let error = match self.attempt(&model, trimmed_harder).await? {
                Ok(stop_reason) => {
                    self.keep(&model, stop_reason);
                    self.tell(TurnEvent::Usage(self.usage)).await?;
                    return Ok(stop_reason);
                }
                Err(error) => error,
            };
            tracing::debug!(kind = error.kind.name(), "an attempt of a model failed");
            let has_fallback = self.current + 1 < self.models.len();
            let rules = self.limits.retry;
            if error.kind == ModelErrorKind::ContextTooLong && !trimmed_harder {
                // Our estimate of the length was too low for this model.
                trimmed_harder = true;
                self.announce_retry(&error, 1, 1, Duration::ZERO).await?;
            } else if let Some(delay) =
                rules.delay(&error, attempt + 1, has_fallback, (self.jitter)())
            {
                attempt += 1;
                let max = rules.max_retries(has_fallback);
                self.announce_retry(&error, attempt, max, delay).await?;
            } else if has_fallback && error.kind != ModelErrorKind::Refused {
                self.take_back().await?;
                self.current += 1;
                (attempt, trimmed_harder) = (0, false);
            } else {
                return Err(error.into());
            }
        }
    }

    /// Stores what came of an answer that was interrupted; nothing when nothing was said.
    pub(super) fn keep_partial(&mut self, stop_reason: StopReason) {
        // A call that was not run must not stay: nothing would ever answer it.
        self.partial
            .parts
            .retain(|part| !matches!(part, AssistantPart::ToolCall(_)));
        let model = self.models.get(self.current).cloned();
        if let Some(model) = model.filter(|_| self.partial.has_text()) {
            self.keep(&model, stop_reason);
        }
    }

    fn keep(&mut self, model: &Arc<dyn Model>, stop_reason: StopReason) {
        let entry = model.entry();
        let message = AssistantMessage {
            parts: std::mem::take(&mut self.partial.parts),
            model: entry.id.clone(),
            api: entry.api,
            usage: self.attempt_usage.take().unwrap_or_default(),
            prices: entry.prices,
            stop_reason,
            timestamp_ms: self.now_ms(),
        };
        self.conversation.push(Message::Assistant(message));
    }

    async fn attempt(
        &mut self,
        model: &Arc<dyn Model>,
        trimmed_harder: bool,
    ) -> Result<Result<StopReason, ModelError>, Interruption> {
        let entry = model.entry();
        let started = Phase::StartingModel {
            model: entry.id.clone(),
        };
        self.tell(TurnEvent::Phase(started)).await?;
        self.attempt_usage = None;
        // A config may promise an answer as long as the window; half is left for the question.
        let max_tokens = entry.max_tokens.min(entry.context_window / 2).max(1);
        let mut request = ModelRequest {
            system: self.system.clone(),
            messages: self.conversation.clone(),
            tools: self.specs.clone(),
            max_tokens,
            thinking: self.thinking,
        };
        let budget = context::budget(
            entry.context_window,
            max_tokens,
            &request.system,
            &request.tools,
        );
        context::fit(
            &mut request,
            if trimmed_harder { budget / 2 } else { budget },
        );
        let mut stream = model.stream(request);
        loop {
            let next = tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(Interruption::Cancelled),
                next = stream.next() => next,
            };
            match next {
                None => return Ok(Err(cut(&entry.id.to_string()))),
                Some(Err(error)) => return Ok(Err(error)),
                Some(Ok(ModelChunk::Stop(reason))) => return Ok(Ok(reason)),
                Some(Ok(chunk)) => self.take_in(chunk).await?,
            }
        }
    }

    async fn take_in(&mut self, chunk: ModelChunk) -> Result<(), Interruption> {
        match chunk {
            ModelChunk::Text(text) if text.is_empty() => Ok(()),
            ModelChunk::Text(text) => {
                let apart = !self.shown.is_empty() && !self.partial.has_text();
                self.partial.push_text(&text);
                let delta = if apart {
                    format!("{BETWEEN_ROUNDS}{text}")
                } else {
                    text
                };
                self.shown.push_str(&delta);
                let text = self.shown.clone();
                self.tell(TurnEvent::Delta { text, delta }).await
            }
            ModelChunk::Reasoning(delta) if delta.is_empty() => Ok(()),
            ModelChunk::Reasoning(delta) => {
                self.partial.push_reasoning(&delta);
                self.tell(TurnEvent::Reasoning { delta }).await
            }
            ModelChunk::Signature(more) => {
                self.partial.push_signature(&more);
                Ok(())
            }
            ModelChunk::ToolCall(mut call) => {
                call.id = self.unused_id(&call.id);
                self.partial.parts.push(AssistantPart::ToolCall(call));
                Ok(())
            }
            ModelChunk::Usage(usage) => {
                self.usage.add(usage);
                self.attempt_usage.get_or_insert_default().add(usage);
                Ok(())
            }
            // The caller ends the attempt at this one.
            ModelChunk::Stop(_) => Ok(()),
        }
    }

    /// Some providers give every call the same id, or none; results need to be told apart.
    fn unused_id(&mut self, id: &str) -> String {
        let base = if id.is_empty() { "call" } else { id };
        let mut unused = base.to_owned();
        let mut number = 1;
        while !self.call_ids.insert(unused.clone()) {
            number += 1;
            unused = format!("{base}_{number}");
        }
        unused
    }

    async fn announce_retry(
        &mut self,
        error: &ModelError,
        attempt: u32,
        max: u32,
        delay: Duration,
    ) -> Result<(), Interruption> {
        self.tell(TurnEvent::Retrying {
            attempt,
            max,
            delay,
            message: error.to_string(),
        })
        .await?;
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Err(Interruption::Cancelled),
            () = tokio::time::sleep(delay) => {}
        }
        self.take_back().await
    }

    /// Takes back what this attempt showed. It stays until the next attempt begins, so that
    /// cancelling while waiting keeps it.
    async fn take_back(&mut self) -> Result<(), Interruption> {
        self.partial.parts.clear();
        if self.shown.len() == self.partial.shown_before {
            return Ok(());
        }
        self.shown.truncate(self.partial.shown_before);
        let text = self.shown.clone();
        self.tell(TurnEvent::Replace { text }).await
    }
}
