//! Hearing one run from outside: what its answer is so far, and how it ended.

use super::super::State;
use super::super::methods::chat;
use super::super::runs::StoppedBy;
use super::super::session_rows::text_of;
use crate::protocol::{RunId, SessionKey};
use crate::store::{MessageRole, RunState, StoredMessage};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch;

/// A run that is followed. Dropping it before the run's end stops the run: whoever asked has gone.
pub(super) struct Following {
    gateway: Arc<State>,
    key: SessionKey,
    run: RunId,
    ends: watch::Receiver<u64>,
    text: Option<watch::Receiver<String>>,
    is_over: bool,
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct End {
    /// Its whole answer.
    pub(super) text: String,
    /// Whether the answer was cut because it got too long.
    pub(super) is_cut: bool,
    /// Tokens asked with and answered.
    pub(super) usage: [u64; 2],
}

/// What is heard next.
pub(super) enum Next {
    /// The answer so far.
    Text(String),
    /// The end, or why there is no answer.
    End(Result<End, String>),
}

impl Following {
    /// Follows a run that is about to be accepted.
    pub(super) fn new(gateway: &Arc<State>, key: SessionKey, run: RunId) -> Self {
        Self {
            ends: gateway.runs.ends(),
            gateway: gateway.clone(),
            key,
            run,
            text: None,
            is_over: false,
        }
    }

    /// Waits for what is heard next. After the end, nothing is to be asked any more.
    pub(super) async fn next(&mut self) -> Next {
        loop {
            if let Some(text) = &mut self.text {
                if text.changed().await.is_ok() {
                    let text = text.borrow_and_update().clone();
                    return Next::Text(text);
                }
                // The run does not go on any more; the store says what became of it.
                self.text = None;
            }
            self.ends.mark_unchanged();
            match self.gateway.store.run(&self.run).await {
                Ok(Some(run)) => match run.state {
                    RunState::Ok | RunState::Aborted | RunState::Error => {
                        self.is_over = true;
                        return Next::End(self.ended(run.state, &run.outcome).await);
                    }
                    RunState::Queued | RunState::Running => {}
                },
                // Deleted meanwhile.
                Ok(None) => {
                    self.is_over = true;
                    return Next::End(Err("the conversation was deleted".to_owned()));
                }
                Err(problem) => {
                    self.is_over = true;
                    return Next::End(Err(problem.to_string()));
                }
            }
            let current = self.gateway.runs.current(&self.key);
            if let Some(current) = current.filter(|current| current.run_id == self.run) {
                let mut text = current.follow();
                text.mark_changed();
                self.text = Some(text);
                continue;
            }
            if self.ends.changed().await.is_err() {
                self.is_over = true;
                return Next::End(Err("the gateway is stopping".to_owned()));
            }
        }
    }

    /// Waits for the end.
    pub(super) async fn end(mut self) -> Result<End, String> {
        loop {
            if let Next::End(end) = self.next().await {
                return end;
            }
        }
    }

    async fn ended(&self, state: RunState, outcome: &Value) -> Result<End, String> {
        if state == RunState::Error {
            let error = outcome.get("error").and_then(Value::as_str);
            return Err(error.unwrap_or("the run failed").to_owned());
        }
        let messages = self.gateway.store.messages_of_run(&self.run).await;
        let messages = messages.map_err(|problem| problem.to_string())?;
        Ok(end_of(&messages))
    }
}

fn end_of(messages: &[StoredMessage]) -> End {
    let answers = || {
        messages
            .iter()
            .filter(|stored| stored.message.role == MessageRole::Assistant)
    };
    let texts: Vec<String> = answers()
        .map(|stored| text_of(&stored.message.content))
        .filter(|text| !text.is_empty())
        .collect();
    let mut usage = [0; 2];
    for stored in answers() {
        let count = |name: &str| {
            let used = stored.message.extra.get("usage");
            used.and_then(|used| used.get(name))
                .and_then(Value::as_u64)
                .unwrap_or(0)
        };
        usage[0] += count("input") + count("cacheRead") + count("cacheWrite");
        usage[1] += count("output");
    }
    let last = answers().next_back();
    let stop_reason = last.and_then(|stored| stored.message.extra.get("stopReason"));
    End {
        // As a stream puts them together.
        text: texts.join("\n\n"),
        is_cut: stop_reason.is_some_and(|reason| reason == "length"),
        usage,
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (gateway, key, run) = (self.gateway.clone(), self.key.clone(), self.run.clone());
        self.gateway.tasks.spawn(async move {
            if let Err(refusal) = chat::stop(&gateway, &key, Some(&run), StoppedBy::Rpc).await {
                tracing::debug!(%refusal.message, "a run nobody waits for was not stopped");
            }
        });
    }
}
