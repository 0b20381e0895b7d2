//! One run from the store's word that it waits to the store's word that it has ended.

use super::super::State;
use super::super::clock::now_ms;
use super::super::mailbox::Announcement;
use super::super::run_voice::{Audience, RunEnd, RunVoice, Said};
use super::super::session_keys::agent_of;
use super::{Current, STORE_REST, StoppedBy};
use crate::agent::message::Message;
use crate::agent::turn::{
    EVENT_QUEUE, Ending, Phase, Turn, TurnError, TurnEvent, TurnOutcome, run_turn,
};
use crate::protocol::connect::Scope;
use crate::protocol::{RunId, SessionKey};
use crate::store::{
    self, MessageRole, NewMessage, RunOutcome, RunRecord, StoreError, TokenUsage, Unwritable,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tracing::warn;
use uuid::Uuid;

/// Runs one turn and keeps what came of it.
pub(super) async fn run(
    gateway: &Arc<State>,
    run: RunRecord,
    current: &Arc<Current>,
) -> Result<(), StoreError> {
    let key = run.session_key.clone();
    let started = gateway
        .store
        .start_run(&run.run_id, current.started_at_ms)
        .await?;
    if let Some(message) = &started.message {
        gateway.message_stored(&key, message);
    }
    let Some(session) = gateway.store.session(&key).await? else {
        return Ok(()); // Deleted meanwhile, and its runs with it.
    };
    gateway.session_changed(&session, "agent.run.started");
    let mut speaker = Speaker {
        gateway: gateway.clone(),
        voice: RunVoice::new(
            run.run_id.clone(),
            key.clone(),
            run.session_id.clone(),
            agent_of(&key).to_owned(),
        ),
        current: current.clone(),
        reasoning: String::new(),
    };
    speaker.say(|voice, now| voice.phase("preparing_context", now));
    let end = match gateway.turn_for(&session, &run).await? {
        Ok(turn) => {
            speaker.say(RunVoice::started);
            let outcome = speak_through(turn, &mut speaker).await;
            Kept::of(&outcome, current.stopped_by(), &run.run_id)
        }
        Err(problem) => Kept::failed_before(problem),
    };
    let mut finished = keep(gateway, &run, &end).await;
    let trouble = finished.as_ref().err().and_then(StoreError::unwritable);
    if let Some(why) = trouble {
        // Said now, because it may take long, and not as well: a kill would lose the answer.
        gateway.runs.sender_knows(&run.run_id).await;
        let told = Kept::not_yet(why);
        speaker.say(|voice, now| voice.ended(&told, now));
        finished = keep_at_last(gateway, &run, &end).await;
    }
    current.settle();
    gateway.runs.sender_knows(&run.run_id).await;
    for message in finished
        .as_ref()
        .map(|run| run.messages.as_slice())
        .unwrap_or_default()
    {
        gateway.message_stored(&key, message);
    }
    // Told last: who asks for the history because of it finds everything there. A run ends once.
    if trouble.is_none() {
        speaker.say(|voice, now| voice.ended(&end.told, now));
    }
    if let Some(session) = gateway.store.session(&key).await? {
        gateway.session_changed(&session, "agent.input.settled");
    }
    match finished {
        // Deleted or taken back while it went on: there is nothing to keep it in.
        Err(StoreError::RunState { .. } | StoreError::Missing { .. }) | Ok(_) => Ok(()),
        Err(problem) => Err(problem),
    }
}

/// Runs the turn while its events are told.
async fn speak_through(turn: Turn, speaker: &mut Speaker) -> TurnOutcome {
    let (events, mut heard) = mpsc::channel(EVENT_QUEUE);
    let turning = run_turn(turn, events, speaker.current.cancel.clone());
    let telling = async {
        while let Some(event) = heard.recv().await {
            speaker.tell(event);
        }
    };
    let (outcome, ()) = tokio::join!(turning, telling);
    outcome
}

/// Says what happens in a run to those who are to hear it.
struct Speaker {
    gateway: Arc<State>,
    voice: RunVoice,
    current: Arc<Current>,
    reasoning: String,
}

impl Speaker {
    fn tell(&mut self, event: TurnEvent) {
        match event {
            TurnEvent::Phase(Phase::PreparingContext) => {}
            TurnEvent::Phase(Phase::StartingModel { model }) => {
                self.say(|voice, now| voice.phase("starting_model", now));
                self.say(|voice, now| voice.asks(model.provider(), model.model(), now));
            }
            TurnEvent::Delta { delta, .. } => self.say(|voice, now| voice.delta(&delta, now)),
            TurnEvent::Replace { text } => self.say(|voice, now| {
                let mut said = voice.replace(now);
                if !text.is_empty() {
                    said.extend(voice.delta(&text, now));
                }
                said
            }),
            TurnEvent::Reasoning { delta } => {
                self.reasoning.push_str(&delta);
                let text = self.reasoning.clone();
                self.say(|voice, now| voice.reasoning(&text, &delta, now));
            }
            TurnEvent::ToolStart { id, name, args } => {
                self.say(|voice, now| voice.tool_started(&id, &name, &args, now));
            }
            TurnEvent::ToolUpdate { id, name, result } => {
                self.say(|voice, now| voice.tool_updated(&id, &name, &result.to_json(), now));
            }
            TurnEvent::ToolWaits { id, approval } => {
                self.say(|voice, now| voice.approval("waiting-approval", &approval, &id, now));
            }
            TurnEvent::ToolDecided { id, approval } => {
                self.say(|voice, now| voice.approval("approval-resolved", &approval, &id, now));
            }
            TurnEvent::ToolResult { id, name, result } => self.say(|voice, now| {
                voice.tool_ended(&id, &name, &result.to_json(), result.is_error, now)
            }),
            TurnEvent::Retrying {
                attempt,
                max,
                delay,
                message,
            } => {
                let delay = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                self.say(|voice, now| voice.retrying(attempt, max, delay, &message, now));
            }
            TurnEvent::Usage(usage) => self.say(|voice, now| voice.usage(usage.output, now)),
        }
    }

    fn say(&mut self, what: impl FnOnce(&mut RunVoice, u64) -> Vec<Said>) {
        let said = what(&mut self.voice, now_ms());
        self.current.set_text(self.voice.text());
        for Said {
            event,
            payload,
            audience,
        } in said
        {
            let announcement = Announcement::new(event, &payload);
            self.gateway.peers.broadcast(&announcement, |peer| {
                peer.facts.may(&Scope::Read)
                    && (audience == Audience::Readers || peer.facts.caps.contains("tool-events"))
            });
            if audience == Audience::Readers {
                self.gateway
                    .nodes
                    .tell_followers(self.voice.session_key(), &announcement);
            }
        }
    }
}

/// What is kept and told of a turn that has ended.
struct Kept {
    told: RunEnd,
    how: RunOutcome,
    outcome: Value,
    error: Option<String>,
    messages: Vec<NewMessage>,
    usage: TokenUsage,
}

impl Kept {
    fn of(outcome: &TurnOutcome, by: StoppedBy, run_id: &RunId) -> Self {
        let model = (
            outcome.model.provider().to_owned(),
            outcome.model.model().to_owned(),
        );
        let text = outcome.text.clone();
        let (told, how, error) = match &outcome.ending {
            Ending::Finished { stop_reason } => {
                let stop_reason = stop_reason.wire_name();
                (RunEnd::Final { text, stop_reason }, RunOutcome::Ok, None)
            }
            Ending::Aborted { text } => {
                let (text, stop_reason) = (text.clone(), by.word());
                (
                    RunEnd::Aborted { text, stop_reason },
                    RunOutcome::Aborted,
                    None,
                )
            }
            Ending::Failed { error } => {
                let message = error.to_string();
                let kind = match error {
                    TurnError::Model(error) => error.kind.name(),
                    TurnError::TooManyRounds { .. } => "tooManyRounds",
                };
                let told = RunEnd::Error {
                    message: message.clone(),
                    kind,
                    model: Some(model.clone()),
                };
                (told, RunOutcome::Error, Some(message))
            }
        };
        let mut kept = json!({"provider": model.0, "model": model.1});
        match &told {
            RunEnd::Final { stop_reason, .. } | RunEnd::Aborted { stop_reason, .. } => {
                kept["stopReason"] = json!(stop_reason);
            }
            RunEnd::Error { message, .. } => kept["error"] = json!(message),
        }
        Self {
            told,
            how,
            outcome: kept,
            error,
            messages: outcome
                .messages
                .iter()
                .filter_map(|message| to_store(message, run_id))
                .collect(),
            usage: TokenUsage {
                input: outcome.usage.input,
                output: outcome.usage.output,
                context: Some(outcome.usage.total()),
            },
        }
    }

    /// What is told of a run that cannot be kept at present.
    fn not_yet(why: Unwritable) -> RunEnd {
        RunEnd::Error {
            message: format!(
                "the answer is not kept yet and would be lost if the gateway ended now: {why}"
            ),
            kind: "state",
            model: None,
        }
    }

    fn failed_before(message: String) -> Self {
        Self {
            outcome: json!({"error": message}),
            error: Some(message.clone()),
            told: RunEnd::Error {
                message,
                kind: "configuration",
                model: None,
            },
            how: RunOutcome::Error,
            messages: Vec::new(),
            usage: TokenUsage::default(),
        }
    }
}

async fn keep(
    gateway: &State,
    run: &RunRecord,
    end: &Kept,
) -> Result<store::FinishedRun, StoreError> {
    gateway
        .store
        .finish_run(store::RunEnd {
            run_id: run.run_id.clone(),
            how: end.how,
            at_ms: now_ms(),
            outcome: end.outcome.clone(),
            error: end.error.clone(),
            messages: end.messages.clone(),
            usage: end.usage,
        })
        .await
}

/// Keeps a run's end as soon as the disk takes it, or the gateway ends.
async fn keep_at_last(
    gateway: &State,
    run: &RunRecord,
    end: &Kept,
) -> Result<store::FinishedRun, StoreError> {
    loop {
        tokio::select! {
            biased;
            () = gateway.stop.cancelled() => return keep(gateway, run, end).await,
            () = sleep(STORE_REST) => {}
        }
        match keep(gateway, run, end).await {
            Err(problem) if problem.unwritable().is_some() => {}
            kept => return kept,
        }
    }
}

/// Returns a message of a turn as it is kept.
fn to_store(message: &Message, run_id: &RunId) -> Option<NewMessage> {
    let Value::Object(mut members) = message.to_json() else {
        return None;
    };
    let role = match members.get("role").and_then(Value::as_str) {
        Some("assistant") => MessageRole::Assistant,
        Some("toolResult") => MessageRole::ToolResult,
        // The question is there already.
        Some(_) | None => return None,
    };
    let content = members.remove("content")?;
    let timestamp_ms = members.remove("timestamp").and_then(|ts| ts.as_u64())?;
    members.remove("role");
    Some(NewMessage {
        id: Uuid::new_v4().to_string(),
        role,
        content,
        timestamp_ms,
        run_id: Some(run_id.clone()),
        idempotency_key: None,
        extra: members,
    })
}

/// Takes back a message that waits: it will not be run.
pub(in super::super) async fn drop_waiting(
    gateway: &Arc<State>,
    run: &RunRecord,
    by: StoppedBy,
) -> Result<(), StoreError> {
    let key: &SessionKey = &run.session_key;
    let mut voice = RunVoice::new(
        run.run_id.clone(),
        key.clone(),
        run.session_id.clone(),
        agent_of(key).to_owned(),
    );
    let kept = gateway
        .store
        .finish_run(store::RunEnd {
            run_id: run.run_id.clone(),
            how: RunOutcome::Aborted,
            at_ms: now_ms(),
            outcome: json!({"stopReason": by.word()}),
            error: None,
            messages: Vec::new(),
            usage: TokenUsage::default(),
        })
        .await;
    match kept {
        Ok(_) => {}
        // It began, or ended, between the look and this.
        Err(StoreError::RunState { .. }) => return Ok(()),
        Err(problem) => return Err(problem),
    }
    let end = RunEnd::Aborted {
        text: String::new(),
        stop_reason: "aborted",
    };
    for said in voice.ended(&end, now_ms()) {
        gateway.announce(said.event, &said.payload, |peer| {
            peer.facts.may(&Scope::Read)
        });
    }
    Ok(())
}

/// What a restart found: runs that went on when the gateway was killed.
pub(in super::super) async fn recover(gateway: &Arc<State>) -> Result<Vec<SessionKey>, StoreError> {
    let mut waiting = Vec::new();
    for run in gateway.store.unfinished_runs().await? {
        if run.state == store::RunState::Running {
            warn!(run = %run.run_id, "the gateway was stopped during this run");
            let message = "the gateway was restarted during this run; send the message again";
            gateway
                .store
                .finish_run(store::RunEnd {
                    run_id: run.run_id.clone(),
                    how: RunOutcome::Error,
                    at_ms: now_ms(),
                    outcome: json!({"error": message}),
                    error: Some(message.to_owned()),
                    messages: Vec::new(),
                    usage: TokenUsage::default(),
                })
                .await?;
        } else if !waiting.contains(&run.session_key) {
            waiting.push(run.session_key);
        }
    }
    Ok(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_turn_says_is_stored_whole_and_the_question_is_not_stored_twice() {
        let result = Message::ToolResult {
            call_id: "c".to_owned(),
            name: "nodes".to_owned(),
            text: "none".to_owned(),
            is_error: false,
            timestamp_ms: 7,
        };
        let stored = to_store(&result, &"run".into()).unwrap();
        assert_eq!(stored.role, MessageRole::ToolResult);
        assert_eq!(stored.timestamp_ms, 7);
        assert_eq!(stored.extra["toolCallId"], "c");
        let mut again = Value::Object(stored.extra);
        again["role"] = json!("toolResult");
        again["content"] = stored.content;
        again["timestamp"] = json!(7);
        assert_eq!(Message::from_json(&again), Some(result));

        assert!(to_store(&Message::user("hej", 1), &"run".into()).is_none());
    }
}
