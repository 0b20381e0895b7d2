//! What the world hears of one run: the `chat` and `agent` events, in step and in order.
//!
//! `payload.seq` is the run's own count: an agent event and the chat event that says the same share
//! a number (protocol §7). Pure; the caller sends what comes back.

use crate::protocol::{RunId, SessionKey};
use serde_json::{Map, Value, json};

/// Who is to hear an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// Operators who may read.
    Readers,
    /// Operators who may read and said that they handle tools (`caps: ["tool-events"]`).
    ToolReaders,
}

/// One event to send.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// Its name on the wire.
    pub(super) event: &'static str,
    /// What it says.
    pub(super) payload: Value,
    /// Who is to hear it.
    pub(super) audience: Audience,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RunEnd {
    /// With an answer.
    Final {
        /// The answer's text.
        text: String,
        /// Why the model stopped.
        stop_reason: &'static str,
    },
    /// Somebody stopped it.
    Aborted {
        /// What there was of the answer.
        text: String,
        /// Who stopped it: `rpc`, `stop`.
        stop_reason: &'static str,
    },
    /// It failed.
    Error {
        /// Why, for people.
        message: String,
        /// Which kind of failure.
        kind: &'static str,
        /// The provider and model that failed.
        model: Option<(String, String)>,
    },
}

/// Speaks for one run.
#[derive(Debug)]
pub(super) struct RunVoice {
    run_id: RunId,
    session_key: SessionKey,
    session_id: String,
    agent_id: String,
    seq: u64,
    /// Counts the pieces of text between tool calls.
    item: u32,
    started_at_ms: u64,
    text: String,
}

impl RunVoice {
    /// Returns the voice of a run that has not said anything.
    pub(super) fn new(
        run_id: RunId,
        session_key: SessionKey,
        session_id: String,
        agent_id: String,
    ) -> Self {
        Self {
            run_id,
            session_key,
            session_id,
            agent_id,
            seq: 0,
            item: 1,
            started_at_ms: 0,
            text: String::new(),
        }
    }

    /// Returns the conversation it speaks in.
    pub(super) fn session_key(&self) -> &SessionKey {
        &self.session_key
    }

    /// Returns the text so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The run prepares something: `preparing_context`, `starting_model` …
    pub(super) fn phase(&mut self, phase: &str, now_ms: u64) -> Vec<Said> {
        let seq = self.next();
        let mut chat = self.chat(seq, "status");
        chat["phase"] = json!(phase);
        vec![
            readers("chat", chat),
            readers(
                "agent",
                self.agent(seq, "run_status", &json!({"phase": phase}), now_ms),
            ),
        ]
    }

    /// The run has begun.
    pub(super) fn started(&mut self, now_ms: u64) -> Vec<Said> {
        self.started_at_ms = now_ms;
        let data = json!({"phase": "start", "startedAt": now_ms});
        vec![self.lifecycle(&data, now_ms)]
    }

    /// A model has been asked.
    pub(super) fn asks(&mut self, provider: &str, model: &str, now_ms: u64) -> Vec<Said> {
        let data = json!({"phase": "model", "provider": provider, "model": model});
        vec![self.lifecycle(&data, now_ms)]
    }

    /// The answer grew.
    pub(super) fn delta(&mut self, delta: &str, now_ms: u64) -> Vec<Said> {
        self.text.push_str(delta);
        self.grown(delta, false, now_ms)
    }

    /// What was streamed does not count: the model is asked again.
    pub(super) fn replace(&mut self, now_ms: u64) -> Vec<Said> {
        self.text.clear();
        self.grown("", true, now_ms)
    }

    fn grown(&mut self, delta: &str, replace: bool, now_ms: u64) -> Vec<Said> {
        let seq = self.next();
        let item = format!("{}:{}", self.run_id, self.item);
        let mut data = json!({"text": self.text, "delta": delta, "itemId": item});
        let mut chat = self.chat(seq, "delta");
        chat["deltaText"] = json!(delta);
        chat["message"] = said(&self.text, now_ms);
        if replace {
            data["replace"] = json!(true);
            chat["replace"] = json!(true);
        }
        vec![
            readers("agent", self.agent(seq, "assistant", &data, now_ms)),
            readers("chat", chat),
        ]
    }

    /// The model thinks aloud.
    pub(super) fn reasoning(&mut self, text: &str, delta: &str, now_ms: u64) -> Vec<Said> {
        let seq = self.next();
        let data = json!({"text": text, "delta": delta});
        vec![readers("agent", self.agent(seq, "thinking", &data, now_ms))]
    }

    /// A tool is at work.
    pub(super) fn tool_started(
        &mut self,
        id: &str,
        name: &str,
        args: &Value,
        now_ms: u64,
    ) -> Vec<Said> {
        self.item += 1;
        let item = json!({
            "itemId": format!("tool:{id}"), "toolCallId": id, "name": name, "kind": "tool",
            "phase": "start", "title": name, "status": "running", "startedAt": now_ms,
        });
        let tool = json!({"phase": "start", "name": name, "toolCallId": id, "args": args});
        self.tool(&item, &tool, now_ms)
    }

    /// A tool has something to show already.
    pub(super) fn tool_updated(
        &mut self,
        id: &str,
        name: &str,
        partial: &Value,
        now_ms: u64,
    ) -> Vec<Said> {
        let item = json!({
            "itemId": format!("tool:{id}"), "toolCallId": id, "name": name, "kind": "tool",
            "phase": "update", "title": name, "status": "running",
        });
        let tool = json!({
            "phase": "update", "name": name, "toolCallId": id, "partialResult": partial,
        });
        let mut said = self.tool(&item, &tool, now_ms);
        if let Some(tail) = partial.pointer("/details/tail") {
            said.push(self.printed(
                &json!({
                    "itemId": format!("command:{id}"), "phase": "delta", "title": name,
                    "toolCallId": id, "name": name, "output": tail, "status": "running",
                }),
                now_ms,
            ));
        }
        said
    }

    /// A tool waits for a person, or not any more: `waiting-approval`, `approval-resolved`.
    pub(super) fn approval(
        &mut self,
        phase: &str,
        approval: &str,
        id: &str,
        now_ms: u64,
    ) -> Vec<Said> {
        let data = json!({"phase": phase, "approvalId": approval, "toolCallId": id});
        vec![self.lifecycle(&data, now_ms)]
    }

    /// A tool has answered.
    pub(super) fn tool_ended(
        &mut self,
        id: &str,
        name: &str,
        result: &Value,
        is_error: bool,
        now_ms: u64,
    ) -> Vec<Said> {
        let details = result.get("details").filter(|details| details.is_object());
        let item = json!({
            "itemId": format!("tool:{id}"), "toolCallId": id, "name": name, "kind": "tool",
            "phase": "end", "title": name,
            "status": if is_error { "failed" } else { "completed" }, "endedAt": now_ms,
        });
        let tool = json!({
            "phase": "result", "name": name, "toolCallId": id, "isError": is_error,
            "result": result,
        });
        let mut said = self.tool(&item, &tool, now_ms);
        if let Some(details) = details
            && let Some(output) = details.get("aggregated")
        {
            said.push(self.printed(
                &json!({
                    "itemId": format!("command:{id}"), "phase": "end", "title": name,
                    "toolCallId": id, "name": name, "output": output,
                    "status": details.get("status"), "exitCode": details.get("exitCode"),
                    "durationMs": details.get("durationMs"), "cwd": details.get("cwd"),
                }),
                now_ms,
            ));
        }
        said
    }

    fn printed(&mut self, data: &Value, now_ms: u64) -> Said {
        let seq = self.next();
        readers("agent", self.agent(seq, "command_output", data, now_ms))
    }

    fn tool(&mut self, item: &Value, tool: &Value, now_ms: u64) -> Vec<Said> {
        let (first, second) = (self.next(), self.next());
        vec![
            readers("agent", self.agent(first, "item", item, now_ms)),
            Said {
                event: "agent",
                payload: self.agent(second, "tool", tool, now_ms),
                audience: Audience::ToolReaders,
            },
        ]
    }

    /// The provider did not answer and is asked again.
    pub(super) fn retrying(
        &mut self,
        attempt: u32,
        most: u32,
        delay_ms: u64,
        message: &str,
        now_ms: u64,
    ) -> Vec<Said> {
        let seq = self.next();
        let data = json!({
            "phase": "retrying", "message": message, "retryAttempt": attempt,
            "maxRetries": most, "delayMs": delay_ms,
        });
        vec![readers(
            "agent",
            self.agent(seq, "run_status", &data, now_ms),
        )]
    }

    /// What the model has used so far.
    pub(super) fn usage(&mut self, output_tokens: u64, now_ms: u64) -> Vec<Said> {
        let seq = self.next();
        let data = json!({"outputTokens": output_tokens});
        vec![readers("agent", self.agent(seq, "usage", &data, now_ms))]
    }

    /// The run is over; nothing follows.
    pub(super) fn ended(&mut self, end: &RunEnd, now_ms: u64) -> Vec<Said> {
        let seq = self.next();
        let mut data = json!({
            "phase": "end", "startedAt": self.started_at_ms, "endedAt": now_ms, "aborted": false,
        });
        let mut chat;
        match end {
            RunEnd::Final { text, stop_reason } => {
                data["stopReason"] = json!(stop_reason);
                chat = self.chat(seq, "final");
                chat["stopReason"] = json!(stop_reason);
                chat["message"] = said(text, now_ms);
            }
            RunEnd::Aborted { text, stop_reason } => {
                data["aborted"] = json!(true);
                data["stopReason"] = json!(stop_reason);
                chat = self.chat(seq, "aborted");
                chat["stopReason"] = json!(stop_reason);
                if !text.is_empty() {
                    chat["message"] = said(text, now_ms);
                }
            }
            RunEnd::Error {
                message,
                kind,
                model,
            } => {
                data["phase"] = json!("error");
                data["error"] = json!(message);
                chat = self.chat(seq, "error");
                chat["errorMessage"] = json!(message);
                chat["errorKind"] = json!(error_kind(kind));
                if let Some((provider, model)) = model {
                    chat["errorDetail"] = json!({
                        "provider": provider, "model": model, "failoverReason": kind,
                    });
                }
            }
        }
        let mut agent = self.agent(seq, "lifecycle", &data, now_ms);
        agent["sessionId"] = json!(self.session_id);
        vec![readers("agent", agent), readers("chat", chat)]
    }

    fn next(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    fn lifecycle(&mut self, data: &Value, now_ms: u64) -> Said {
        let seq = self.next();
        let mut payload = self.agent(seq, "lifecycle", data, now_ms);
        payload["sessionId"] = json!(self.session_id);
        readers("agent", payload)
    }

    fn chat(&self, seq: u64, state: &str) -> Value {
        json!({
            "runId": self.run_id, "sessionKey": self.session_key, "agentId": self.agent_id,
            "seq": seq, "state": state,
        })
    }

    fn agent(&self, seq: u64, stream: &str, data: &Value, now_ms: u64) -> Value {
        json!({
            "runId": self.run_id, "stream": stream, "data": data,
            "sessionKey": self.session_key, "agentId": self.agent_id, "seq": seq, "ts": now_ms,
            "isHeartbeat": false,
        })
    }
}

fn readers(event: &'static str, payload: Value) -> Said {
    Said {
        event,
        payload,
        audience: Audience::Readers,
    }
}

/// An assistant's message as events carry it.
fn said(text: &str, now_ms: u64) -> Value {
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    message.insert(
        "content".to_owned(),
        json!([{"type": "text", "text": text}]),
    );
    message.insert("timestamp".to_owned(), json!(now_ms));
    Value::Object(message)
}

/// The few kinds of failure clients know; which one it is exactly stands in the detail.
fn error_kind(kind: &str) -> &'static str {
    match kind {
        "refused" => "refusal",
        "timeout" => "timeout",
        "rateLimit" => "rate_limit",
        "contextTooLong" => "context_length",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::EventFrame;
    use crate::protocol::event::Event;

    fn voice() -> RunVoice {
        RunVoice::new(
            "run".into(),
            "agent:main:main".into(),
            "session".to_owned(),
            "main".to_owned(),
        )
    }

    fn numbers(said: &[Said]) -> Vec<u64> {
        said.iter()
            .map(|said| said.payload["seq"].as_u64().unwrap())
            .collect()
    }

    #[test]
    fn the_two_events_that_say_the_same_share_a_number() {
        let mut voice = voice();
        assert_eq!(numbers(&voice.phase("starting_model", 1)), [1, 1]);
        assert_eq!(numbers(&voice.delta("He", 2)), [2, 2]);
        let said = voice.delta("j", 3);
        assert_eq!(numbers(&said), [3, 3]);
        assert_eq!(said[1].payload["message"]["content"][0]["text"], "Hej");
        assert_eq!(said[1].payload["deltaText"], "j");
    }

    #[test]
    fn a_replacement_takes_back_what_was_streamed() {
        let mut voice = voice();
        voice.delta("wrong", 1);
        let said = voice.replace(2);

        assert_eq!(said[1].payload["replace"], true);
        assert_eq!(said[1].payload["deltaText"], "");
        assert_eq!(voice.text(), "");
    }

    #[test]
    fn the_details_of_tools_are_for_those_who_handle_them() {
        let said = voice().tool_started("t1", "nodes", &json!({"action": "list"}), 1);

        let audiences: Vec<Audience> = said.iter().map(|said| said.audience).collect();
        assert_eq!(audiences, [Audience::Readers, Audience::ToolReaders]);
        assert_eq!(said[0].payload["stream"], "item");
        assert_eq!(said[1].payload["data"]["args"]["action"], "list");
    }

    #[test]
    fn every_event_is_one_that_our_own_client_understands() {
        let mut voice = voice();
        let mut said = voice.phase("preparing_context", 1);
        said.extend(voice.started(2));
        said.extend(voice.asks("mock", "mock-1", 3));
        said.extend(voice.delta("Hej", 4));
        said.extend(voice.retrying(1, 8, 500, "busy", 5));
        said.extend(voice.usage(7, 6));
        for end in [
            RunEnd::Final {
                text: "Hej".to_owned(),
                stop_reason: "stop",
            },
            RunEnd::Aborted {
                text: String::new(),
                stop_reason: "rpc",
            },
            RunEnd::Error {
                message: "no".to_owned(),
                kind: "auth",
                model: Some(("mock".to_owned(), "mock-1".to_owned())),
            },
        ] {
            said.extend(voice.ended(&end, 7));
        }

        for said in said {
            let frame = EventFrame {
                event: said.event.to_owned(),
                payload: Some(said.payload),
                seq: None,
                state_version: None,
                extra: crate::protocol::Extra::new(),
            };
            let event = Event::of(&frame);
            assert!(!matches!(event, Event::Unknown(_)), "{event:?}");
        }
    }
}
