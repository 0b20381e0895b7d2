//! What waits for a person to decide, as the conversation page shows it.

use serde::{Deserialize, Serialize};
use specta::Type;

/// Everything that waits, first come first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AgentRequestsView {
    /// Commands to approve.
    pub approvals: Vec<ApprovalView>,
    /// Questions to answer.
    pub questions: Vec<AgentQuestionsView>,
    /// Devices and nodes that want to be let in.
    pub pairings: Vec<PairingView>,
}

/// A device that asks to connect, or a node that asks for abilities.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PairingView {
    /// Names the request in the decision.
    pub id: String,
    /// Which of the two.
    pub kind: PairingKind,
    /// What it calls itself; anything may stand in it.
    pub name: Option<String>,
    /// The beginning of its id, as its own screen shows it.
    pub fingerprint: String,
    /// Its operating system.
    pub platform: Option<String>,
    /// Where it connects from, as the gateway sees it.
    pub address: Option<String>,
    /// What it wants: scopes of a device, commands of a node.
    pub asks_for: Vec<String>,
    /// Whether it was let in before and asks for something else now.
    pub known_before: bool,
    /// When it asked.
    pub asked_at_ms: Option<f64>,
}

/// Who wants to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum PairingKind {
    /// A program or telephone that wants to use the gateway.
    Device,
    /// A machine that offers to run commands for agents.
    Node,
}

/// One command that waits for approval.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalView {
    /// Names the request in the decision.
    pub id: String,
    /// The command line as the gateway words it; anything may stand in it.
    pub command: String,
    /// The words it will be run as, where the gateway tells them; these count.
    pub words: Vec<String>,
    /// The folder it runs in.
    pub folder: Option<String>,
    /// The node it runs on; the gateway's own computer without one.
    pub node: Option<String>,
    /// Which agent asks.
    pub agent: Option<String>,
    /// What the gateway warns of.
    pub warning: Option<String>,
    /// What may be decided.
    pub decisions: Vec<DecisionView>,
    /// When it is refused by itself.
    pub expires_at_ms: Option<f64>,
}

/// What a person decides about a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum DecisionView {
    /// Run it this time.
    AllowOnce,
    /// Run it, and the same from now on.
    AllowAlways,
    /// Do not run it.
    Deny,
}

/// Questions that an agent asked together.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AgentQuestionsView {
    /// Names the set in the answer.
    pub id: String,
    /// The questions, one to three.
    pub questions: Vec<AgentQuestionView>,
    /// When they are withdrawn by themselves.
    pub expires_at_ms: Option<f64>,
}

/// One question of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AgentQuestionView {
    /// Names the question in the answer.
    pub id: String,
    /// What it is about, in a word.
    pub about: String,
    /// The question.
    pub question: String,
    /// What can be answered.
    pub options: Vec<AgentOptionView>,
    /// Whether several answers may be chosen.
    pub several: bool,
}

/// One possible answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AgentOptionView {
    /// The answer; also what is sent back.
    pub label: String,
    /// What it means.
    pub description: Option<String>,
}

/// What was answered to one question of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AgentAnswerForm {
    /// The question.
    pub question_id: String,
    /// The labels that were chosen.
    pub labels: Vec<String>,
}
