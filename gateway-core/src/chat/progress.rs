//! What a chat shows of the runs that are going on.
//!
//! The raw events repeat themselves, end a run twice, and differ between wire versions; what comes
//! out of [`Runs`] does not.

use super::content::{RunDetail, ToolCall, detail_of};
use super::message::text_of;
use crate::protocol::event::AgentEvent;
use crate::protocol::event::chat::{ChatEvent, ChatState};
use crate::protocol::method::chat::InFlightRun;
use crate::protocol::{RunId, SessionKey};
use std::collections::{HashMap, VecDeque};

/// Ended runs that are remembered, so that a second ending is recognised. It follows the first
/// within a second or two.
const REMEMBERED_ENDINGS: usize = 256;
/// Runs that may go on at a time before the oldest is forgotten.
const MOST_RUNS: usize = 256;

/// Tools of one run that are followed at a time.
const MOST_TOOLS: usize = 64;

/// One step of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatProgress {
    /// Which run.
    pub run_id: RunId,
    /// Which conversation, by the key its first event named.
    pub session_key: SessionKey,
    /// What happened.
    pub step: ProgressStep,
}

/// What happened in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum ProgressStep {
    /// It is getting ready.
    Status {
        /// How far it is, in the gateway's words.
        phase: String,
    },
    /// The answer grew, or began anew.
    Text {
        /// The whole answer so far.
        text: String,
    },
    /// It is doing something beside the text; a tool is told whole each time.
    Detail(RunDetail),
    /// It ended.
    Final {
        /// The whole answer; `None` when there is none, as for a message taken up by another run.
        text: Option<String>,
        /// Why it ended.
        stop_reason: Option<String>,
    },
    /// Somebody stopped it.
    Aborted {
        /// The answer until then.
        text: Option<String>,
        /// Who: `rpc` for a client, `stop` for a stop command …
        stop_reason: Option<String>,
    },
    /// It failed.
    Failed {
        /// The answer until then.
        text: Option<String>,
        /// What went wrong, for people.
        message: String,
        /// The class of what went wrong: `rate_limit`, `context_length` …
        kind: Option<String>,
    },
}

impl ProgressStep {
    /// Returns whether nothing comes after it in the same run.
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Status { .. } | Self::Text { .. } | Self::Detail(_) => false,
            Self::Final { .. } | Self::Aborted { .. } | Self::Failed { .. } => true,
        }
    }
}

/// The runs that are going on, and those that ended lately.
#[derive(Debug, Default)]
pub struct Runs {
    going_on: HashMap<RunId, Run>,
    /// Oldest first.
    begun: VecDeque<RunId>,
    ended: VecDeque<RunId>,
}

#[derive(Debug)]
struct Run {
    session_key: SessionKey,
    text: String,
    /// What its tools are known to have done, in the order they were called.
    tools: Vec<ToolCall>,
}

impl Runs {
    /// Returns what an event means for a chat, if anything.
    ///
    /// Nothing follows the first ending of a run. An event that names no conversation, of a run no
    /// earlier event named one for, is dropped: guessing could show it in the wrong place.
    pub fn on(&mut self, event: &ChatEvent) -> Option<ChatProgress> {
        if self.ended.contains(&event.run_id) {
            return None;
        }
        if !self.going_on.contains_key(&event.run_id) {
            let Some(session_key) = event.session_key.clone() else {
                tracing::debug!(run = %event.run_id, "chat event without a session key dropped");
                return None;
            };
            self.begin(event.run_id.clone(), session_key);
        }
        let run = self.going_on.get_mut(&event.run_id)?;
        let session_key = run.session_key.clone();
        let step = run.step(event)?;
        if step.is_terminal() {
            self.end(&event.run_id);
        }
        Some(ChatProgress {
            run_id: event.run_id.clone(),
            session_key,
            step,
        })
    }

    /// Returns what a detail means for a chat, if anything.
    ///
    /// Details of runs that the chat events have not begun, such as those of other agents' helpers,
    /// say nothing about a conversation.
    pub fn on_detail(&mut self, event: &AgentEvent) -> Option<ChatProgress> {
        let run = self.going_on.get_mut(&event.run_id)?;
        let detail = match detail_of(event)? {
            RunDetail::Tool(newer) => RunDetail::Tool(run.tool(newer)?),
            other @ (RunDetail::Reasoning(_) | RunDetail::Retrying { .. }) => other,
        };
        Some(ChatProgress {
            run_id: event.run_id.clone(),
            session_key: run.session_key.clone(),
            step: ProgressStep::Detail(detail),
        })
    }

    /// Takes up a run that the history shows as going on, after a reconnect for example.
    ///
    /// Returns its text so far, unless we know that it ended.
    pub fn adopt(&mut self, session_key: &SessionKey, run: &InFlightRun) -> Option<ChatProgress> {
        if self.ended.contains(&run.run_id) {
            return None;
        }
        self.begin(run.run_id.clone(), session_key.clone());
        let known = self.going_on.get_mut(&run.run_id)?;
        known.text = run.text.clone().unwrap_or_default();
        Some(ChatProgress {
            run_id: run.run_id.clone(),
            session_key: known.session_key.clone(),
            step: ProgressStep::Text {
                text: known.text.clone(),
            },
        })
    }

    /// Forgets the runs that were going on; those that still are will be told about again.
    pub fn session_began(&mut self) {
        self.going_on.clear();
        self.begun.clear();
    }

    fn begin(&mut self, run_id: RunId, session_key: SessionKey) {
        if self.going_on.contains_key(&run_id) {
            return;
        }
        if self.begun.len() >= MOST_RUNS
            && let Some(oldest) = self.begun.pop_front()
        {
            self.going_on.remove(&oldest);
        }
        self.begun.push_back(run_id.clone());
        self.going_on.insert(
            run_id,
            Run {
                session_key,
                text: String::new(),
                tools: Vec::new(),
            },
        );
    }

    fn end(&mut self, run_id: &RunId) {
        self.going_on.remove(run_id);
        self.begun.retain(|begun| begun != run_id);
        if self.ended.len() >= REMEMBERED_ENDINGS {
            self.ended.pop_front();
        }
        self.ended.push_back(run_id.clone());
    }
}

impl Run {
    /// Takes over news of a tool; returns the tool as it is now where that is news.
    fn tool(&mut self, newer: ToolCall) -> Option<ToolCall> {
        let Some(known) = self.tools.iter_mut().find(|known| known.id == newer.id) else {
            if self.tools.len() >= MOST_TOOLS {
                self.tools.remove(0);
            }
            self.tools.push(newer.clone());
            return Some(newer);
        };
        let before = known.clone();
        known.update(newer);
        (*known != before).then(|| known.clone())
    }

    fn step(&mut self, event: &ChatEvent) -> Option<ProgressStep> {
        // Wire version 3 sends the whole text only, version 4 the growth as well.
        let whole = event.message.as_ref().map(text_of);
        match &event.state {
            ChatState::Status => Some(ProgressStep::Status {
                phase: event.phase.clone().unwrap_or_default(),
            }),
            ChatState::Delta => {
                let growth = event.delta_text.as_deref().unwrap_or_default();
                let text = match whole {
                    Some(whole) => whole,
                    None if event.replace == Some(true) => growth.to_owned(),
                    None => format!("{}{growth}", self.text),
                };
                // An older gateway repeats the last text before the end.
                if text == self.text {
                    return None;
                }
                self.text.clone_from(&text);
                Some(ProgressStep::Text { text })
            }
            ChatState::Final => Some(ProgressStep::Final {
                text: self.last_text(whole),
                stop_reason: event.stop_reason.clone(),
            }),
            ChatState::Aborted => Some(ProgressStep::Aborted {
                text: self.last_text(whole),
                stop_reason: event.stop_reason.clone(),
            }),
            ChatState::Error => Some(ProgressStep::Failed {
                text: self.last_text(whole),
                message: event.error_message.clone().unwrap_or_default(),
                kind: event.error_kind.clone(),
            }),
            ChatState::Other(_) => None,
        }
    }

    fn last_text(&self, whole: Option<String>) -> Option<String> {
        whole
            .filter(|text| !text.is_empty())
            .or_else(|| (!self.text.is_empty()).then(|| self.text.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Event, Frame, recordings};
    use serde_json::{Value, json};
    use std::collections::HashMap;

    fn event(mut value: Value) -> ChatEvent {
        value["runId"] = json!("r");
        if value.get("sessionKey").is_none() {
            value["sessionKey"] = json!("agent:main:main");
        }
        serde_json::from_value(value).unwrap()
    }

    fn message(text: &str) -> Value {
        json!({"role": "assistant", "content": [{"type": "text", "text": text}]})
    }

    fn text(progress: Option<ChatProgress>) -> String {
        let ProgressStep::Text { text } = progress.unwrap().step else {
            panic!("no text");
        };
        text
    }

    #[test]
    fn growth_adds_up_and_a_whole_text_wins() {
        let mut runs = Runs::default();

        assert_eq!(
            text(runs.on(&event(json!({"state": "delta", "deltaText": "a"})))),
            "a"
        );
        assert_eq!(
            text(runs.on(&event(json!({"state": "delta", "deltaText": "b"})))),
            "ab"
        );
        let whole = json!({"state": "delta", "deltaText": "d", "message": message("abcd")});
        assert_eq!(text(runs.on(&event(whole))), "abcd");
    }

    #[test]
    fn a_retried_answer_begins_anew() {
        let mut runs = Runs::default();
        runs.on(&event(json!({"state": "delta", "deltaText": "first try"})));

        let discarded = runs.on(&event(
            json!({"state": "delta", "deltaText": "", "replace": true}),
        ));
        let second = runs.on(&event(json!({"state": "delta", "deltaText": "second"})));

        assert_eq!(text(discarded), "");
        assert_eq!(text(second), "second");
    }

    #[test]
    fn an_older_gateway_sends_whole_texts_only_and_repeats_the_last() {
        let mut runs = Runs::default();
        let delta = event(json!({"state": "delta", "message": message("Echo")}));

        assert_eq!(text(runs.on(&delta)), "Echo");
        assert_eq!(runs.on(&delta), None);
        let end = runs
            .on(&event(
                json!({"state": "final", "message": message("Echo")}),
            ))
            .unwrap();
        assert_eq!(
            end.step,
            ProgressStep::Final {
                text: Some("Echo".into()),
                stop_reason: None
            }
        );
    }

    #[test]
    fn nothing_follows_the_first_ending() {
        let mut runs = Runs::default();
        let failed =
            event(json!({"state": "error", "errorMessage": "no model", "errorKind": "timeout"}));

        assert!(runs.on(&failed).unwrap().step.is_terminal());
        assert_eq!(runs.on(&failed), None);
        assert_eq!(runs.on(&event(json!({"state": "final"}))), None);
        assert_eq!(
            runs.on(&event(json!({"state": "delta", "deltaText": "late"}))),
            None
        );
    }

    #[test]
    fn a_bare_ending_keeps_what_was_streamed() {
        let mut runs = Runs::default();
        runs.on(&event(json!({"state": "delta", "deltaText": "half"})));

        let end = runs
            .on(&event(json!({"state": "aborted", "stopReason": "rpc"})))
            .unwrap();

        assert_eq!(
            end.step,
            ProgressStep::Aborted {
                text: Some("half".into()),
                stop_reason: Some("rpc".into())
            }
        );
    }

    #[test]
    fn a_run_keeps_the_conversation_its_first_event_named() {
        let mut runs = Runs::default();
        runs.on(&event(json!({"state": "delta", "deltaText": "a"})));

        let end = runs
            .on(&event(json!({"state": "aborted", "sessionKey": "main"})))
            .unwrap();

        assert_eq!(end.session_key, SessionKey::from("agent:main:main"));
    }

    #[test]
    fn an_event_that_names_no_conversation_is_dropped() {
        let mut nameless = event(json!({"state": "delta", "deltaText": "a"}));
        nameless.session_key = None;

        assert_eq!(Runs::default().on(&nameless), None);
    }

    #[test]
    fn a_run_found_in_the_history_goes_on_from_its_text() {
        let mut runs = Runs::default();
        let in_flight = serde_json::from_value(json!({"runId": "r", "text": "so far"})).unwrap();

        let adopted = runs.adopt(&SessionKey::from("main"), &in_flight);
        let more = runs.on(&event(json!({"state": "delta", "deltaText": " and on"})));

        assert_eq!(text(adopted), "so far");
        assert_eq!(text(more), "so far and on");
    }

    #[test]
    fn a_tool_is_told_whole_and_only_where_something_is_new() {
        let mut runs = Runs::default();
        let told = |data: Value| -> AgentEvent {
            serde_json::from_value(json!({"runId": "r", "stream": "tool", "data": data})).unwrap()
        };
        let start = told(
            json!({"phase": "start", "toolCallId": "c", "name": "exec", "args": {"command": "ls"}}),
        );

        assert_eq!(runs.on_detail(&start), None, "the run is not known yet");
        runs.on(&event(
            json!({"state": "status", "phase": "starting_model"}),
        ));
        assert!(runs.on_detail(&start).is_some());
        assert_eq!(runs.on_detail(&start), None);
        let ended = runs.on_detail(&told(
            json!({"phase": "result", "toolCallId": "c", "result": "out"}),
        ));
        let Some(ProgressStep::Detail(RunDetail::Tool(call))) = ended.map(|progress| progress.step)
        else {
            panic!("no tool");
        };
        assert_eq!(
            (call.name.as_str(), call.result.as_deref()),
            ("exec", Some("out"))
        );

        runs.on(&event(json!({"state": "final"})));
        assert_eq!(runs.on_detail(&start), None, "the run has ended");
    }

    /// In every recorded conversation each run ends once at most, and texts only end as they grew.
    #[test]
    fn recorded_runs_end_once() {
        let mut by_file: HashMap<String, (Runs, HashMap<RunId, usize>)> = HashMap::new();
        let mut events = 0;
        for recorded in recordings::frames() {
            let Ok(Frame::Event(frame)) = serde_json::from_value(recorded.value) else {
                continue;
            };
            let Event::Chat(event) = Event::of(&frame) else {
                continue;
            };
            events += 1;
            let (runs, endings) = by_file.entry(recorded.file).or_default();
            if let Some(progress) = runs.on(&event)
                && progress.step.is_terminal()
            {
                *endings.entry(progress.run_id).or_default() += 1;
            }
        }
        let endings: Vec<usize> = by_file
            .values()
            .flat_map(|(_, endings)| endings.values().copied())
            .collect();
        println!(
            "recorded chat events: {events}, runs that ended: {}",
            endings.len()
        );
        assert!(endings.iter().all(|count| *count == 1) && endings.len() >= 20);
    }
}
