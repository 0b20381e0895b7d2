//! What waits for a person to decide: kept as the gateway lists it, and decided on demand.

use super::{
    Controller, Reply,
    administrator::AdminError,
    problems::{call_error, not_connected},
    respond,
    work::{Decided, Outcome},
};
use crate::{
    controller::GatewayPort,
    events::WindowEvent,
    view_model::{
        AgentAnswerForm, AgentOptionView, AgentQuestionView, AgentQuestionsView, AgentRequestsView,
        ApprovalView, DecisionView, PairingKind, PairingView, UiError,
    },
};
use futures_util::future::BoxFuture;
use gateway_core::{
    chat::{AgentRequests, Listed},
    client::CallError,
    protocol::{
        ErrorCode, PairingRequestId,
        event::Event,
        id::{ApprovalId, QuestionSetId},
        method::{
            approvals::{ApprovalRequest, Decision},
            devices::PendingDevice,
            nodes::PendingNode,
            questions::{Answers, QuestionSet},
        },
    },
};
use std::time::Duration;
use tokio::time::sleep;

/// How often the list is read again while something waits: gateways do not tell of everything that
/// ends by itself, and their clock may differ from ours.
const LIST_AGAIN: Duration = Duration::from_secs(15);

/// Where a node is asked to run a command, in the gateway's words.
const ON_A_NODE: &str = "node";

/// What a gateway answers about a request that waits no more.
const GONE: [&str; 4] = [
    "APPROVAL_ALREADY_RESOLVED",
    "APPROVAL_NOT_FOUND",
    "QUESTION_ALREADY_RESOLVED",
    "QUESTION_NOT_FOUND",
];

impl Controller {
    /// Takes an event of the gateway.
    pub(super) fn agent_request_event(&mut self, event: &Event) {
        if self.agent_requests.on(event) {
            self.agent_requests_changed();
        }
    }

    /// Reads what waits; a gateway that does not tell has nothing to decide.
    pub(super) fn list_agent_requests(&mut self) {
        let Some(gateway) = self.session() else {
            return;
        };
        self.agent_requests.listing();
        self.listings += 1;
        let number = self.listings;
        self.work.spawn(async move {
            Outcome::AgentRequests {
                number,
                listed: list(&*gateway).await,
            }
        });
    }

    /// Takes the list that was read; only the last one that was asked for counts.
    pub(super) fn agent_requests_listed(&mut self, number: u64, listed: Option<Listed>) {
        if number != self.listings {
            return;
        }
        if let Some(listed) = listed
            && self.agent_requests.listed(listed)
        {
            self.agent_requests_changed();
        } else {
            self.list_again_while_waiting();
        }
    }

    /// Forgets what another gateway asked.
    pub(super) fn forget_agent_requests(&mut self) {
        self.listings += 1;
        if self.agent_requests.clear() {
            self.agent_requests_changed();
        }
    }

    /// Reads the list again if it is still the last one.
    pub(super) fn list_agent_requests_again(&mut self, number: u64) {
        if number == self.listings && self.agent_requests.count() > 0 {
            self.list_agent_requests();
        }
    }

    /// Decides about a command.
    pub(super) fn decide_approval(
        &mut self,
        id: String,
        decision: DecisionView,
        reply: Reply<(), UiError>,
    ) {
        let id = ApprovalId::from(id);
        let decided = Decided::Approval(id.clone());
        self.decide(decided, reply, move |gateway| {
            gateway.decide(id, decision.into())
        });
    }

    /// Answers questions, or dismisses them.
    pub(super) fn answer_agent(
        &mut self,
        id: String,
        answers: Option<Vec<AgentAnswerForm>>,
        reply: Reply<(), UiError>,
    ) {
        let id = QuestionSetId::from(id);
        let decided = Decided::Questions(id.clone());
        let answers = answers.map(|answers| {
            Answers::new(
                answers
                    .into_iter()
                    .map(|answer| (answer.question_id, answer.labels.into()))
                    .collect::<serde_json::Map<_, _>>(),
            )
        });
        self.decide(decided, reply, move |gateway| {
            gateway.answer_questions(id, answers)
        });
    }

    /// Lets a device or node in, or refuses it; with an administrator's rights where somebody pressed
    /// for those.
    pub(super) fn decide_pairing(
        &mut self,
        id: String,
        kind: PairingKind,
        approve: bool,
        as_admin: bool,
        reply: Reply<(), UiError>,
    ) {
        let id = PairingRequestId::from(id);
        let decided = Decided::Pairing(id.clone());
        if as_admin {
            let deciding =
                self.with_admin(move |gateway| gateway.decide_pairing(id, kind, approve));
            self.work.spawn(async move {
                let result = match deciding.await {
                    Ok(()) => Ok(()),
                    Err(AdminError::Call(error)) => Err(error),
                    Err(refused @ AdminError::NotGranted(_)) => {
                        respond(reply, Err(refused.told()));
                        return Outcome::Nothing;
                    }
                };
                Outcome::Decided {
                    decided,
                    result,
                    reply,
                }
            });
            return;
        }
        self.decide(decided, reply, move |gateway| {
            gateway.decide_pairing(id, kind, approve)
        });
    }

    fn decide(
        &mut self,
        decided: Decided,
        reply: Reply<(), UiError>,
        call: impl FnOnce(&dyn GatewayPort) -> BoxFuture<'static, Result<(), CallError>>,
    ) {
        let Some(gateway) = self.session() else {
            respond(reply, Err(not_connected()));
            return;
        };
        let answer = call(&*gateway);
        self.work.spawn(async move {
            Outcome::Decided {
                decided,
                result: answer.await,
                reply,
            }
        });
    }

    /// Takes what the gateway said to a decision.
    pub(super) fn decision_made(
        &mut self,
        decided: &Decided,
        result: Result<(), CallError>,
        reply: Reply<(), UiError>,
    ) {
        let answer = match &result {
            Ok(()) => Ok(()),
            Err(error) if waits_no_more(error) => Err(UiError {
                code: "requestGone".to_owned(),
                message: "This was decided elsewhere, or its time was up.".to_owned(),
                action: None,
            }),
            Err(error) if matches!(decided, Decided::Pairing(_)) => {
                respond(reply, Err(pairing_error(error)));
                // Gateways have no word of their own for one that waits no more; their list has.
                self.list_agent_requests();
                return;
            }
            Err(error) => {
                respond(reply, Err(call_error(error)));
                return;
            }
        };
        let waited = match decided {
            Decided::Approval(id) => self.agent_requests.approval_settled(id),
            Decided::Questions(id) => self.agent_requests.questions_settled(id),
            Decided::Pairing(id) => self.agent_requests.pairing_settled(id),
        };
        if waited {
            self.agent_requests_changed();
        }
        respond(reply, answer);
    }

    /// Returns what waits, as it is shown.
    pub(super) fn agent_requests_view(&self) -> AgentRequestsView {
        view(&self.agent_requests)
    }

    fn agent_requests_changed(&mut self) {
        self.desktop
            .send(WindowEvent::AgentRequests(self.agent_requests_view()));
        self.draw_tray();
        self.list_again_while_waiting();
    }

    fn list_again_while_waiting(&mut self) {
        if self.agent_requests.count() == 0 {
            return;
        }
        let number = self.listings;
        self.work.spawn(async move {
            sleep(LIST_AGAIN).await;
            Outcome::ListAgentRequests { number }
        });
    }
}

/// Reads both lists; `None` when the connection went away meanwhile.
async fn list(gateway: &dyn GatewayPort) -> Option<Listed> {
    Some(Listed {
        approvals: or_none(gateway.approvals().await)?,
        questions: or_none(gateway.questions().await)?,
        devices: or_none(gateway.pending_devices().await)?,
        nodes: or_none(gateway.pending_nodes().await)?,
    })
}

/// A refusal means that nothing can be decided here: no such method, or no permission.
fn or_none<T>(answer: Result<Vec<T>, CallError>) -> Option<Vec<T>> {
    match answer {
        Ok(list) => Some(list),
        Err(CallError::Refused { error, .. }) => {
            tracing::debug!(message = error.message, "the gateway lists no requests");
            Some(Vec::new())
        }
        Err(error) => {
            tracing::info!(%error, "what agents wait for is not known");
            None
        }
    }
}

fn waits_no_more(error: &CallError) -> bool {
    let CallError::Refused { error, .. } = error else {
        return false;
    };
    error
        .detail_text("reason")
        .is_some_and(|reason| GONE.contains(&reason))
}

/// Lower rights than the request needs are the one thing that a person here cannot mend by trying again.
fn pairing_error(error: &CallError) -> UiError {
    match error {
        CallError::Refused { error, .. } if error.code == ErrorCode::Forbidden => UiError {
            code: "needsAdministrator".to_owned(),
            message:
                "Only an administrator of the gateway can allow this. Allow it as one, or on the \
                      server itself."
                    .to_owned(),
            action: None,
        },
        CallError::Refused { .. }
        | CallError::Closed { .. }
        | CallError::Deadline { .. }
        | CallError::Malformed { .. }
        | CallError::TooLarge { .. } => call_error(error),
    }
}

/// Returns the beginning of an id, which is enough to compare by eye.
fn short_id(id: &str) -> String {
    id.chars().take(12).collect()
}

fn view(requests: &AgentRequests) -> AgentRequestsView {
    AgentRequestsView {
        approvals: requests.approvals().iter().map(approval_view).collect(),
        questions: requests.questions().iter().map(questions_view).collect(),
        pairings: requests
            .devices()
            .iter()
            .map(device_view)
            .chain(requests.nodes().iter().map(node_view))
            .collect(),
    }
}

fn device_view(device: &PendingDevice) -> PairingView {
    PairingView {
        id: device.request_id.to_string(),
        kind: PairingKind::Device,
        name: device
            .display_name
            .clone()
            .or_else(|| device.client_id.clone()),
        fingerprint: short_id(device.device_id.as_str()),
        platform: device.platform.clone(),
        address: device.remote_ip.clone(),
        asks_for: device.scopes.clone().unwrap_or_default(),
        known_before: device.is_repair == Some(true),
        asked_at_ms: device.ts.map(|at| at as f64),
    }
}

fn node_view(node: &PendingNode) -> PairingView {
    PairingView {
        id: node.request_id.to_string(),
        kind: PairingKind::Node,
        name: node.display_name.clone(),
        fingerprint: short_id(node.node_id.as_str()),
        platform: node.platform.clone(),
        address: None,
        asks_for: node.commands.clone().unwrap_or_default(),
        known_before: false,
        asked_at_ms: node.ts.map(|at| at as f64),
    }
}

fn approval_view(asked: &ApprovalRequest) -> ApprovalView {
    let request = &asked.request;
    let known = |member: &Option<Option<String>>| member.clone().flatten();
    ApprovalView {
        id: asked.id.to_string(),
        command: request.command.clone().unwrap_or_default(),
        words: request.command_argv.clone().unwrap_or_default(),
        folder: known(&request.cwd),
        node: known(&request.node_id)
            .or_else(|| known(&request.host).filter(|host| host == ON_A_NODE)),
        agent: known(&request.agent_id),
        warning: known(&request.warning_text).filter(|text| !text.is_empty()),
        decisions: decisions(request.allowed_decisions.as_deref()),
        expires_at_ms: asked.expires_at_ms.map(|at| at as f64),
    }
}

/// What may be decided; where nothing is said, the two that every gateway takes.
fn decisions(allowed: Option<&[Decision]>) -> Vec<DecisionView> {
    let Some(allowed) = allowed else {
        return vec![DecisionView::AllowOnce, DecisionView::Deny];
    };
    allowed
        .iter()
        .filter_map(|decision| match decision {
            Decision::AllowOnce => Some(DecisionView::AllowOnce),
            Decision::AllowAlways => Some(DecisionView::AllowAlways),
            Decision::Deny => Some(DecisionView::Deny),
            Decision::Other(_) => None,
        })
        .collect()
}

fn questions_view(set: &QuestionSet) -> AgentQuestionsView {
    AgentQuestionsView {
        id: set.id.to_string(),
        questions: set
            .questions
            .iter()
            .map(|question| AgentQuestionView {
                id: question.question_id.clone(),
                about: question.header.clone(),
                question: question.question.clone(),
                options: question
                    .options
                    .iter()
                    .map(|option| AgentOptionView {
                        label: option.label.clone(),
                        description: option.description.clone(),
                    })
                    .collect(),
                several: question.multi_select == Some(true),
            })
            .collect(),
        expires_at_ms: set.expires_at_ms.map(|at| at as f64),
    }
}

impl From<DecisionView> for Decision {
    fn from(view: DecisionView) -> Self {
        match view {
            DecisionView::AllowOnce => Self::AllowOnce,
            DecisionView::AllowAlways => Self::AllowAlways,
            DecisionView::Deny => Self::Deny,
        }
    }
}
