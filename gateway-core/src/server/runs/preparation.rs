//! What a run needs to begin: the model, the tools, what was said before.

use super::super::State;
use super::super::agents::thinking_of;
use super::super::clock::now_ms;
use super::super::exec_tool::ExecTool;
use super::super::gateway_tools::GatewayTools;
use super::super::node_tools::NodeTools;
use crate::agent::message::Message;
use crate::agent::toolbox::{Toolbox, Toolboxes};
use crate::agent::turn::{Limits, Turn};
use crate::agent::workspace::{Circumstances, system_prompt};
use crate::agent::workspace_tools::WorkspaceTools;
use crate::protocol::RunId;
use crate::store::{MessageRole, RunRecord, SessionRecord, StoreError};
use serde_json::{Value, json};
use std::sync::Arc;

/// How many messages of a conversation a turn looks back on, before they are cut to the model's
/// window.
const MOST_HISTORY: u32 = 1000;

impl State {
    /// Returns what a run needs to begin; `Err` in the result says why it cannot.
    pub(super) async fn turn_for(
        self: &Arc<Self>,
        session: &SessionRecord,
        run: &RunRecord,
    ) -> Result<Result<Turn, String>, StoreError> {
        let (history, input) = self.said_before(session, &run.run_id).await?;
        let Some(input) = input else {
            return Ok(Err(
                "the message of this run is not there any more".to_owned()
            ));
        };
        let (model, fallbacks) = match self.agents.for_session(session) {
            Ok(answerers) => answerers,
            Err(problem) => return Ok(Err(problem)),
        };
        let tools: [Arc<dyn Toolbox>; 4] = [
            Arc::new(GatewayTools::new(Arc::downgrade(self), session.key.clone())),
            Arc::new(NodeTools::new(Arc::downgrade(self), session.key.clone())),
            Arc::new(ExecTool::new(
                Arc::downgrade(self),
                session.key.clone(),
                run.run_id.clone(),
            )),
            Arc::new(WorkspaceTools::new(&self.config.workspace)),
        ];
        Ok(Ok(Turn {
            model,
            fallbacks,
            history,
            input,
            system: self.system_prompt().await + &self.events.take_for(&session.key),
            tools: Arc::new(Toolboxes::new(tools)),
            thinking: thinking_of(session),
            limits: Limits::default(),
            jitter: Arc::new(rand::random::<f64>),
            clock: Arc::new(now_ms),
        }))
    }

    async fn system_prompt(&self) -> String {
        let workspace = self.config.workspace.clone();
        let (now, zone) = (self.agents.local_time(), self.agents.time_zone().to_owned());
        let written = tokio::task::spawn_blocking(move || {
            let circumstances = Circumstances {
                agent: "OpenClaw",
                now: &now,
                time_zone: &zone,
            };
            system_prompt(&workspace, circumstances)
        });
        written.await.unwrap_or_default()
    }

    /// Returns what was said in a conversation before a run, and the run's own question.
    async fn said_before(
        &self,
        session: &SessionRecord,
        run_id: &RunId,
    ) -> Result<(Vec<Message>, Option<Message>), StoreError> {
        let page = self
            .store
            .transcript_page(&session.session_id, MOST_HISTORY, 0)
            .await?;
        let mut history = Vec::new();
        let mut input = None;
        for stored in page.messages {
            let message = &stored.message;
            let is_input =
                message.role == MessageRole::User && message.run_id.as_ref() == Some(run_id);
            let mut value = Value::Object(message.extra.clone());
            value["role"] = json!(message.role.as_str());
            value["content"] = message.content.clone();
            value["timestamp"] = json!(message.timestamp_ms);
            match Message::from_json(&value) {
                Some(question) if is_input => input = Some(question),
                Some(message) => history.push(message),
                None => {}
            }
        }
        Ok((history, input))
    }
}
