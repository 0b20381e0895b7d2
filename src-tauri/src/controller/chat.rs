//! Conversations on their way to the window: the progress of runs and of sends as numbered updates.
//!
//! Events carry the canonical session key (`agent:<agent>:<rest>`), while a history answers with
//! the key it was asked for.

use super::{
    ports::KeptHistory,
    sessions::keys::{MAIN_SESSION, is_same_session},
};
use crate::view_model::{
    AnsweredView, ChatChange, ChatHistoryView, ChatMessageView, ChatPageView, ChatRole, ChatUpdate,
    FileView, ImageView, InFlightView, ToolStateView, ToolView, UiError,
};
use gateway_core::{
    chat::{
        ChatMessage, ChatProgress, ProgressStep, Runs, Sender, attachments,
        content::{self, Picture, RunDetail, ToolCall, ToolState},
        message::sent_as,
    },
    protocol::{
        RunId, SessionKey,
        event::{AgentEvent, chat::ChatEvent},
        method::chat::{ChatHistoryPayload, HistoryMessage, PendingInput},
    },
};
use std::collections::{BTreeSet, HashMap};

/// The most that the pictures of one history may hold together, in characters of base64.
const MOST_PICTURES: usize = 24 * 1024 * 1024;

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
    reasoning: Option<String>,
    tools: Vec<ToolView>,
}

impl Streaming {
    fn new(session_key: SessionKey, text: String) -> Self {
        Self {
            session_key,
            text,
            reasoning: None,
            tools: Vec::new(),
        }
    }

    fn note(&mut self, tool: &ToolView) {
        match self.tools.iter_mut().find(|known| known.id == tool.id) {
            Some(known) => known.clone_from(tool),
            None => self.tools.push(tool.clone()),
        }
    }
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
            let streaming = self.streaming(&progress);
            if let ProgressStep::Text { text } = &progress.step {
                streaming.text.clone_from(text);
            }
        }
        let run_id = progress.run_id.to_string();
        let change = match progress.step {
            // Details come as events of their own.
            ProgressStep::Detail(_) => return None,
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

    /// Takes a detail of a run; `None` when it says nothing that is shown.
    pub(super) fn detail(&mut self, event: &AgentEvent, now_ms: f64) -> Option<ChatUpdate> {
        let progress = self.runs.on_detail(event)?;
        let ProgressStep::Detail(detail) = &progress.step else {
            return None;
        };
        let run_id = progress.run_id.to_string();
        let streaming = self.streaming(&progress);
        let change = match detail {
            RunDetail::Tool(call) => {
                let tool = tool_view(call.clone());
                streaming.note(&tool);
                ChatChange::Tool { run_id, tool }
            }
            RunDetail::Reasoning(text) => {
                streaming.reasoning = Some(text.clone());
                ChatChange::Reasoning {
                    run_id,
                    text: text.clone(),
                }
            }
            RunDetail::Retrying {
                attempt,
                most,
                delay,
            } => ChatChange::Retrying {
                run_id,
                attempt: *attempt,
                most: *most,
                at_ms: now_ms + delay.as_secs_f64() * 1_000.0,
            },
        };
        Some(self.update(progress.session_key.to_string(), change))
    }

    /// Says about a send of ours that it waits for the connection.
    pub(super) fn queued(
        &mut self,
        session_key: String,
        key: String,
        text: String,
        files: Vec<FileView>,
    ) -> ChatUpdate {
        self.update(session_key, ChatChange::Queued { key, text, files })
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
        let mut messages = messages(payload);
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
            earlier: earlier(payload),
            kept_at_ms: None,
        }
    }

    /// Returns a history that was kept, as shown: nothing of it goes on, and what waited then is told
    /// anew by the outbox.
    pub(super) fn kept_history(&self, session_key: String, kept: &KeptHistory) -> ChatHistoryView {
        ChatHistoryView {
            session_key,
            as_of: self.number,
            messages: messages(&kept.payload),
            in_flight: None,
            earlier: None,
            kept_at_ms: Some(kept.as_of_ms as f64),
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
            let text = run.text.clone().unwrap_or_default();
            self.streaming
                .insert(adopted.run_id, Streaming::new(adopted.session_key, text));
        }
        self.streaming
            .iter()
            .find(|(_, run)| is_same_session(session_key, run.session_key.as_str()))
            .map(|(run_id, run)| InFlightView {
                run_id: run_id.to_string(),
                text: run.text.clone(),
                reasoning: run.reasoning.clone(),
                tools: run.tools.clone(),
            })
    }

    fn streaming(&mut self, progress: &ChatProgress) -> &mut Streaming {
        self.streaming
            .entry(progress.run_id.clone())
            .or_insert_with(|| Streaming::new(progress.session_key.clone(), String::new()))
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

/// Returns the messages before those of a history, as shown.
pub(super) fn page(payload: &ChatHistoryPayload) -> ChatPageView {
    ChatPageView {
        messages: messages(payload),
        earlier: earlier(payload),
    }
}

/// Where the messages before these are; gateways of wire version 3 give no others.
fn earlier(payload: &ChatHistoryPayload) -> Option<u32> {
    payload
        .next_offset
        .filter(|_| payload.has_more == Some(true))
}

fn messages(payload: &ChatHistoryPayload) -> Vec<ChatMessageView> {
    let mut messages: Vec<ChatMessageView> = payload.messages.iter().map(message_view).collect();
    bound_pictures(&mut messages);
    messages
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
        ..content_view(event.message.as_ref())
    }
}

/// Returns a message as the gateway has it, whole.
pub(super) fn message_view(stored: &HistoryMessage) -> ChatMessageView {
    let message = ChatMessage::from(stored);
    ChatMessageView {
        id: message.id,
        role: match message.sender {
            Sender::User => ChatRole::User,
            Sender::Assistant => ChatRole::Assistant,
            Sender::Tool => ChatRole::Tool,
            Sender::System | Sender::Other(_) => ChatRole::System,
        },
        text: match message.sender {
            Sender::User => attachments::without_marks(&message.text).to_owned(),
            Sender::Assistant | Sender::Tool | Sender::System | Sender::Other(_) => message.text,
        },
        at_ms: message.sent_at_ms.map(|at| at as f64),
        key: sent_as(stored).map(|key| key.to_string()),
        run_id: message.run_id.map(|run_id| run_id.to_string()),
        ..content_view(Some(stored))
    }
}

/// Returns what a message holds beside its text, with nothing said of the message itself.
fn content_view(stored: Option<&HistoryMessage>) -> ChatMessageView {
    let answered = stored.and_then(content::answered_by);
    ChatMessageView {
        id: None,
        role: ChatRole::Assistant,
        text: String::new(),
        at_ms: None,
        key: None,
        run_id: None,
        reasoning: stored.and_then(content::reasoning_of),
        tools: stored
            .map(content::calls_of)
            .unwrap_or_default()
            .into_iter()
            .map(tool_view)
            .collect(),
        answers: answered.map(|answered| AnsweredView {
            call_id: answered.call_id,
            name: answered.name,
            failed: answered.is_failed,
        }),
        images: image_views(stored.map(content::pictures_of).unwrap_or_default()),
        files: stored
            .map(attachments::files_of)
            .unwrap_or_default()
            .into_iter()
            .map(FileView::from)
            .collect(),
        truncated: stored.is_some_and(content::is_cut),
    }
}

fn tool_view(call: ToolCall) -> ToolView {
    ToolView {
        id: call.id,
        name: call.name,
        arguments: call.arguments,
        state: match call.state {
            ToolState::Called => ToolStateView::Called,
            ToolState::Running => ToolStateView::Running,
            ToolState::Done => ToolStateView::Done,
            ToolState::Failed => ToolStateView::Failed,
        },
        result: call.result,
        images: image_views(call.pictures),
    }
}

fn image_views(pictures: Vec<Picture>) -> Vec<ImageView> {
    pictures
        .into_iter()
        .map(|picture| ImageView {
            media_type: picture.media_type,
            data: picture.data,
        })
        .collect()
}

/// Leaves out the oldest pictures where all of them together would be too much for the window.
fn bound_pictures(messages: &mut [ChatMessageView]) {
    let mut left = MOST_PICTURES;
    for image in messages
        .iter_mut()
        .rev()
        .flat_map(|message| &mut message.images)
    {
        let size = image.data.as_ref().map_or(0, String::len);
        if size > left {
            image.data = None;
            left = 0;
        } else {
            left -= size;
        }
    }
}

fn pending_view(input: &PendingInput) -> Option<ChatMessageView> {
    let mut view = message_view(input.message.as_ref()?);
    if view.key.is_none() {
        view.key = input.run_id.as_ref().map(ToString::to_string);
    }
    Some(view)
}
