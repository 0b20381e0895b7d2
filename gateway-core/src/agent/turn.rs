//! One turn: a question, as many rounds of model and tools as it takes, an answer.
//!
//! The caller hands in everything and gets events while the turn runs and the messages to store
//! when it ends. Whatever happens (failure, cancellation, a tool that never answers), the messages
//! in the outcome form a conversation a provider accepts: no call is left without a result.

mod answer;
mod tools;

use super::catalogue::ModelId;
use super::context;
use super::message::Message;
use super::model::{Model, ModelError, StopReason, Thinking, Usage};
use super::retry::{Jitter, RetryRules};
use super::toolbox::{ToolCall, ToolResult, ToolSpec, Toolbox};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Room for events between turn and server. When it is full the turn waits, and with it the model:
/// a server that is slow must not make an answer pile up in memory. 64 pieces are about a second
/// of a fast model.
pub const EVENT_QUEUE: usize = 64;

/// Tells the time, in milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What a turn may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rounds of tools before the turn is ended.
    pub rounds: u32,
    /// When a failed attempt is made again.
    pub retry: RetryRules,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rounds: 32,
            retry: RetryRules::default(),
        }
    }
}

/// Everything a turn needs.
pub struct Turn {
    /// Who answers.
    pub model: Arc<dyn Model>,
    /// Who answers when that one cannot, in order.
    pub fallbacks: Vec<Arc<dyn Model>>,
    /// What was said before.
    pub history: Vec<Message>,
    /// The question; a user's message.
    pub input: Message,
    /// The system prompt.
    pub system: String,
    /// The tools.
    pub tools: Arc<dyn Toolbox>,
    /// How long the model is to think.
    pub thinking: Thinking,
    /// What it may use up.
    pub limits: Limits,
    /// A number in [0, 1) for each delay.
    pub jitter: Jitter,
    /// The time for the messages' timestamps.
    pub clock: Clock,
}

/// What a turn is doing, for the chat status (`phase` of chat events).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Putting together what the model is asked.
    PreparingContext,
    /// Asking this model.
    StartingModel {
        /// Which.
        model: ModelId,
    },
}

/// What happens during a turn.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnEvent {
    /// The turn came to a new phase.
    Phase(Phase),
    /// Words were added.
    Delta {
        /// The whole text of the turn so far.
        text: String,
        /// What was added to it.
        delta: String,
    },
    /// What was streamed is taken back; the model is about to try again.
    Replace {
        /// What stays: the words of earlier rounds, often none.
        text: String,
    },
    /// Thoughts were added.
    Reasoning {
        /// What was added.
        delta: String,
    },
    /// A tool starts.
    ToolStart {
        /// The call, unique within the turn.
        id: String,
        /// The tool.
        name: String,
        /// Its arguments.
        args: Value,
    },
    /// A tool shows what it has so far.
    ToolUpdate {
        /// The call.
        id: String,
        /// The tool.
        name: String,
        /// What it has so far.
        result: ToolResult,
    },
    /// A tool waits for a person.
    ToolWaits {
        /// The call.
        id: String,
        /// The request for approval that is to be decided about.
        approval: String,
    },
    /// A tool does not wait for a person any more.
    ToolDecided {
        /// The call.
        id: String,
        /// The request for approval.
        approval: String,
    },
    /// A tool is done.
    ToolResult {
        /// The call.
        id: String,
        /// The tool.
        name: String,
        /// Its answer, which says whether it failed.
        result: ToolResult,
    },
    /// A failed attempt is about to be made again.
    Retrying {
        /// Which retry, from 1.
        attempt: u32,
        /// How many there are at most.
        max: u32,
        /// How long until then.
        delay: Duration,
        /// What went wrong, for people.
        message: String,
    },
    /// What the turn consumed so far.
    Usage(Usage),
}

/// Why a turn failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TurnError {
    /// The model failed, and so did its fallbacks.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model asked for tools again and again.
    #[error(
        "the model used tools {rounds} times without coming to an answer; ask for less at once"
    )]
    TooManyRounds {
        /// How many rounds there were.
        rounds: u32,
    },
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// With an answer.
    Finished {
        /// Why the model stopped: it was done, or the answer got too long.
        stop_reason: StopReason,
    },
    /// It was cancelled.
    Aborted {
        /// What had been shown by then.
        text: String,
    },
    /// It failed.
    Failed {
        /// Why.
        error: TurnError,
    },
}

/// What a turn leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnOutcome {
    /// What to store after the question, in order.
    pub messages: Vec<Message>,
    /// Everything that was shown.
    pub text: String,
    /// How it ended.
    pub ending: Ending,
    /// What it consumed.
    pub usage: Usage,
    /// Who answered last.
    pub model: ModelId,
}

/// Runs a turn to its end. Cancelling ends it at once with what was said so far.
///
/// A receiver of events that is gone does not end the turn: its outcome is still to be stored.
pub async fn run_turn(
    turn: Turn,
    events: mpsc::Sender<TurnEvent>,
    cancel: CancellationToken,
) -> TurnOutcome {
    let mut run = Run::new(turn, events, cancel);
    let ending = match run.rounds().await {
        Ok(stop_reason) => Ending::Finished { stop_reason },
        Err(Interruption::Cancelled) => {
            run.keep_partial(StopReason::Aborted);
            Ending::Aborted {
                text: run.shown.clone(),
            }
        }
        Err(Interruption::Failed(error)) => {
            run.keep_partial(StopReason::Error);
            Ending::Failed { error }
        }
    };
    run.outcome(ending)
}

/// Why the rounds stopped before an answer.
enum Interruption {
    Cancelled,
    Failed(TurnError),
}

impl From<ModelError> for Interruption {
    fn from(error: ModelError) -> Self {
        Self::Failed(error.into())
    }
}

/// A turn under way.
struct Run {
    models: Vec<Arc<dyn Model>>,
    /// Which of the models is asked; a turn that fell back stays there.
    current: usize,
    system: String,
    tools: Arc<dyn Toolbox>,
    specs: Vec<ToolSpec>,
    thinking: Thinking,
    limits: Limits,
    jitter: Jitter,
    clock: Clock,
    events: mpsc::Sender<TurnEvent>,
    cancel: CancellationToken,
    /// What the model is shown, before trimming.
    conversation: Vec<Message>,
    /// How many messages of the conversation were there before the turn's own.
    own_from: usize,
    /// Everything shown so far, the round under way included.
    shown: String,
    /// The round under way.
    partial: answer::Partial,
    call_ids: BTreeSet<String>,
    usage: Usage,
    /// What the attempt under way consumed, once the provider has said so.
    attempt_usage: Option<Usage>,
}

impl Run {
    fn new(turn: Turn, events: mpsc::Sender<TurnEvent>, cancel: CancellationToken) -> Self {
        let mut conversation = context::repair(turn.history);
        conversation.push(turn.input);
        Self {
            models: std::iter::once(turn.model).chain(turn.fallbacks).collect(),
            current: 0,
            system: turn.system,
            specs: turn.tools.specs(),
            tools: turn.tools,
            thinking: turn.thinking,
            limits: turn.limits,
            jitter: turn.jitter,
            clock: turn.clock,
            events,
            cancel,
            own_from: conversation.len(),
            conversation,
            shown: String::new(),
            partial: answer::Partial::default(),
            call_ids: BTreeSet::new(),
            usage: Usage::default(),
            attempt_usage: None,
        }
    }

    async fn rounds(&mut self) -> Result<StopReason, Interruption> {
        self.tell(TurnEvent::Phase(Phase::PreparingContext)).await?;
        for _ in 0..self.limits.rounds {
            let stop_reason = self.answer().await?;
            let calls = self.calls_of_last_answer();
            if calls.is_empty() {
                return Ok(stop_reason);
            }
            self.run_tools(calls).await?;
        }
        Err(Interruption::Failed(TurnError::TooManyRounds {
            rounds: self.limits.rounds,
        }))
    }

    fn calls_of_last_answer(&self) -> Vec<ToolCall> {
        match self.conversation.last() {
            Some(Message::Assistant(answer)) => answer.calls().cloned().collect(),
            Some(Message::User { .. } | Message::ToolResult { .. }) | None => Vec::new(),
        }
    }

    /// Sends an event, waiting for room; a receiver that is gone is no reason to stop.
    async fn tell(&self, event: TurnEvent) -> Result<(), Interruption> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Interruption::Cancelled),
            sent = self.events.send(event) => {
                if sent.is_err() {
                    tracing::trace!("nobody listens to a turn any more");
                }
                Ok(())
            }
        }
    }

    fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    fn outcome(mut self, ending: Ending) -> TurnOutcome {
        let model = self.models.get(self.current).map_or_else(
            || ModelId::new("builtin", "helper"),
            |model| model.entry().id.clone(),
        );
        TurnOutcome {
            messages: self.conversation.split_off(self.own_from),
            text: self.shown,
            ending,
            usage: self.usage,
            model,
        }
    }
}

#[cfg(test)]
mod tests;
