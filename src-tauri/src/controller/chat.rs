//! Conversations on their way to the window: the progress of runs and of sends as numbered updates.
//!
//! Events carry the canonical session key (`agent:<agent>:<rest>`), while a history answers with
//! the key it was asked for.

use super::sessions::keys::{MAIN_SESSION, is_same_session};
use crate::view_model::{
    ChatChange, ChatHistoryView, ChatMessageView, ChatRole, ChatUpdate, InFlightView, UiError,
};
use gateway_core::{
    chat::{ChatMessage, ProgressStep, Runs, Sender, message::sent_as},
    protocol::{
        RunId, SessionKey,
        event::chat::ChatEvent,
        method::chat::{ChatHistoryPayload, HistoryMessage, PendingInput},
    },
};
use std::collections::{BTreeSet, HashMap};

/// What has been told about conversations, and what is being streamed.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    number: u32,
    /// The sessions whose history the window has asked for, by the keys it used.
    shown: BTreeSet<String>,
    runs: Runs,
    streaming: HashMap<RunId, Streaming>,
}

#[derive(Debug)]
struct Streaming {
    session_key: SessionKey,
    text: String,
}

impl Conversations {
    /// Returns whether a reply is being waited for or streamed.
    pub(super) fn has_run(&self) -> bool {
        !self.streaming.is_empty()
    }

    /// Takes a chat event; `None` when it says nothing new.
    pub(super) fn event(&mut self, event: &ChatEvent) -> Option<ChatUpdate> {
        let progress = self.runs.on(event)?;
        if progress.step.is_terminal() {
            self.streaming.remove(&progress.run_id);
        } else {
            let streaming = self
                .streaming
                .entry(progress.run_id.clone())
                .or_insert_with(|| Streaming {
                    session_key: progress.session_key.clone(),
                    text: String::new(),
                });
            if let ProgressStep::Text { text } = &progress.step {
                streaming.text.clone_from(text);
            }
        }
        let run_id = progress.run_id.to_string();
        let change = match progress.step {
            ProgressStep::Status { phase } => ChatChange::Status { run_id, phase },
            ProgressStep::Text { text } => ChatChange::Delta { run_id, text },
            ProgressStep::Final { text, .. } => ChatChange::Final {
                message: text.map(|text| reply(&run_id, text, event)),
                run_id,
            },
            ProgressStep::Aborted { text, .. } => ChatChange::Aborted { run_id, text },
            ProgressStep::Failed { message, .. } => ChatChange::Failed { run_id, message },
        };
        Some(self.update(progress.session_key.to_string(), change))
    }

    /// Says about a send of ours that it waits for the connection.
    pub(super) fn queued(&mut self, session_key: String, key: String, text: String) -> ChatUpdate {
        self.update(session_key, ChatChange::Queued { key, text })
    }

    /// Says about a send of ours that the gateway has it.
    pub(super) fn accepted(&mut self, session_key: String, key: String) -> ChatUpdate {
        self.update(session_key, ChatChange::Accepted { key })
    }

    /// Says about a send of ours that it cannot be delivered.
    pub(super) fn refused(
        &mut self,
        session_key: String,
        key: String,
        problem: UiError,
    ) -> ChatUpdate {
        self.update(session_key, ChatChange::Refused { key, problem })
    }

    /// Says that what is shown may be stale: events were missed.
    pub(super) fn missed(&mut self) -> Vec<ChatUpdate> {
        let mut shown = self.shown.clone();
        if shown.is_empty() {
            shown.insert(MAIN_SESSION.to_owned());
        }
        shown
            .into_iter()
            .map(|session_key| self.update(session_key, ChatChange::Refetch))
            .collect()
    }

    /// Says that the connection was replaced: nothing streamed on the old one goes on.
    pub(super) fn reconnected(&mut self) -> Vec<ChatUpdate> {
        self.runs.session_began();
        self.streaming.clear();
        self.missed()
    }

    /// Forgets the conversations of another gateway.
    pub(super) fn start_over(&mut self) {
        self.shown.clear();
        self.runs.session_began();
        self.streaming.clear();
    }

    /// Returns a history as shown.
    pub(super) fn history(
        &mut self,
        session_key: String,
        payload: &ChatHistoryPayload,
    ) -> ChatHistoryView {
        let mut messages: Vec<ChatMessageView> = payload
            .messages
            .iter()
            .map(message_view)
            // What is only a call of a tool is shown by the tool's result.
            .filter(|message| message.role != ChatRole::Assistant || !message.text.is_empty())
            .collect();
        if let Some(pending) = &payload.pending_inputs {
            let waiting: Vec<ChatMessageView> = pending
                .items
                .iter()
                .filter_map(pending_view)
                .filter(|waiting| messages.iter().all(|message| message.key != waiting.key))
                .collect();
            messages.extend(waiting);
        }
        let in_flight = self.in_flight(&session_key, payload);
        self.shown.insert(session_key.clone());
        ChatHistoryView {
            session_key,
            as_of: self.number,
            messages,
            in_flight,
        }
    }

    /// The run in flight as the gateway tells it, or as we saw it where it tells nothing (wire
    /// version 3).
    fn in_flight(
        &mut self,
        session_key: &str,
        payload: &ChatHistoryPayload,
    ) -> Option<InFlightView> {
        if let Some(run) = &payload.in_flight_run
            && !self.streaming.contains_key(&run.run_id)
            && let Some(adopted) = self.runs.adopt(&SessionKey::from(session_key), run)
        {
            self.streaming.insert(
                adopted.run_id,
                Streaming {
                    session_key: adopted.session_key,
                    text: run.text.clone().unwrap_or_default(),
                },
            );
        }
        self.streaming
            .iter()
            .find(|(_, run)| is_same_session(session_key, run.session_key.as_str()))
            .map(|(run_id, run)| InFlightView {
                run_id: run_id.to_string(),
                text: run.text.clone(),
            })
    }

    fn update(&mut self, session_key: String, change: ChatChange) -> ChatUpdate {
        self.number += 1;
        ChatUpdate {
            number: self.number,
            session_key,
            change,
        }
    }
}

fn reply(run_id: &str, text: String, event: &ChatEvent) -> ChatMessageView {
    let stored = event.message.as_ref().map(ChatMessage::from);
    ChatMessageView {
        id: stored.as_ref().and_then(|message| message.id.clone()),
        role: ChatRole::Assistant,
        text,
        at_ms: stored
            .and_then(|message| message.sent_at_ms)
            .map(|at| at as f64),
        key: None,
        run_id: Some(run_id.to_owned()),
    }
}

fn message_view(stored: &HistoryMessage) -> ChatMessageView {
    let message = ChatMessage::from(stored);
    ChatMessageView {
        id: message.id,
        role: match message.sender {
            Sender::User => ChatRole::User,
            Sender::Assistant => ChatRole::Assistant,
            Sender::Tool => ChatRole::Tool,
            Sender::System | Sender::Other(_) => ChatRole::System,
        },
        text: message.text,
        at_ms: message.sent_at_ms.map(|at| at as f64),
        key: sent_as(stored).map(|key| key.to_string()),
        run_id: message.run_id.map(|run_id| run_id.to_string()),
    }
}

fn pending_view(input: &PendingInput) -> Option<ChatMessageView> {
    let mut view = message_view(input.message.as_ref()?);
    if view.key.is_none() {
        view.key = input.run_id.as_ref().map(ToString::to_string);
    }
    Some(view)
}
