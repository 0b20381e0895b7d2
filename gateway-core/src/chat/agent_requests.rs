//! What waits for a person to decide: commands to approve and questions to answer, which agents ask,
//! and devices and nodes that want to be let in. Pure.
//!
//! The gateway owns them: what it lists is what waits. Its events keep a list current, and what
//! they said while a list was on its way is put over that list when it comes.

use crate::protocol::PairingRequestId;
use crate::protocol::event::Event;
use crate::protocol::id::{ApprovalId, QuestionSetId};
use crate::protocol::method::approvals::ApprovalRequest;
use crate::protocol::method::devices::PendingDevice;
use crate::protocol::method::nodes::PendingNode;
use crate::protocol::method::questions::QuestionSet;

/// The requests that wait, as far as they are known.
#[derive(Debug, Default)]
pub struct AgentRequests {
    approvals: Vec<ApprovalRequest>,
    questions: Vec<QuestionSet>,
    devices: Vec<PendingDevice>,
    nodes: Vec<PendingNode>,
    /// What was told since a list was asked for; `None` while none is on its way.
    since_asked: Option<Vec<Change>>,
}

#[derive(Debug, Clone)]
enum Change {
    Approval(Box<ApprovalRequest>),
    ApprovalSettled(ApprovalId),
    Questions(Box<QuestionSet>),
    QuestionsSettled(QuestionSetId),
    Device(Box<PendingDevice>),
    Node(Box<PendingNode>),
    PairingSettled(PairingRequestId),
}

/// What a gateway lists as waiting.
#[derive(Debug, Default)]
pub struct Listed {
    /// Commands to approve.
    pub approvals: Vec<ApprovalRequest>,
    /// Questions to answer.
    pub questions: Vec<QuestionSet>,
    /// Devices that ask to connect.
    pub devices: Vec<PendingDevice>,
    /// Nodes that ask for abilities.
    pub nodes: Vec<PendingNode>,
}

impl AgentRequests {
    /// Returns the commands that wait for approval, first come first.
    pub fn approvals(&self) -> &[ApprovalRequest] {
        &self.approvals
    }

    /// Returns the questions that wait for an answer, first come first.
    pub fn questions(&self) -> &[QuestionSet] {
        &self.questions
    }

    /// Returns the devices that ask to connect, first come first.
    pub fn devices(&self) -> &[PendingDevice] {
        &self.devices
    }

    /// Returns the nodes that ask for abilities, first come first.
    pub fn nodes(&self) -> &[PendingNode] {
        &self.nodes
    }

    /// Returns how many requests wait.
    pub fn count(&self) -> usize {
        self.approvals.len() + self.questions.len() + self.devices.len() + self.nodes.len()
    }

    /// Takes an event; returns whether anything waits now that did not, or the other way round.
    pub fn on(&mut self, event: &Event) -> bool {
        let change = if let Event::ExecApprovalRequested(request) = event {
            Change::Approval(request.clone())
        } else if let Event::ExecApprovalResolved(resolved) = event {
            Change::ApprovalSettled(resolved.id.clone())
        } else if let Event::QuestionRequested(set) = event {
            Change::Questions(set.clone())
        } else if let Event::QuestionResolved(resolved) = event {
            Change::QuestionsSettled(resolved.id.clone())
        } else if let Event::DevicePairRequested(device) = event {
            Change::Device(device.clone())
        } else if let Event::DevicePairResolved(resolved) = event {
            Change::PairingSettled(resolved.request_id.clone())
        } else if let Event::NodePairRequested(node) = event {
            Change::Node(node.clone())
        } else if let Event::NodePairResolved(resolved) = event {
            Change::PairingSettled(resolved.request_id.clone())
        } else {
            return false;
        };
        self.take(change)
    }

    /// Notes that the command was decided about; returns whether it waited.
    pub fn approval_settled(&mut self, id: &ApprovalId) -> bool {
        self.take(Change::ApprovalSettled(id.clone()))
    }

    /// Notes that the questions were answered or dismissed; returns whether they waited.
    pub fn questions_settled(&mut self, id: &QuestionSetId) -> bool {
        self.take(Change::QuestionsSettled(id.clone()))
    }

    /// Notes that the device or node was let in or refused; returns whether it waited.
    pub fn pairing_settled(&mut self, id: &PairingRequestId) -> bool {
        self.take(Change::PairingSettled(id.clone()))
    }

    /// Notes that a list is being asked for.
    pub fn listing(&mut self) {
        self.since_asked = Some(Vec::new());
    }

    /// Takes the list that was asked for; returns whether it changed anything.
    pub fn listed(&mut self, listed: Listed) -> bool {
        let Listed {
            approvals,
            questions,
            devices,
            nodes,
        } = listed;
        let now = Self {
            approvals,
            questions,
            devices,
            nodes,
            since_asked: None,
        };
        let before = std::mem::replace(self, now);
        for change in before.since_asked.unwrap_or_default() {
            self.apply(change);
        }
        before.approvals != self.approvals
            || before.questions != self.questions
            || before.devices != self.devices
            || before.nodes != self.nodes
    }

    /// Forgets everything: another gateway is spoken to.
    pub fn clear(&mut self) -> bool {
        let had_any = self.count() > 0;
        *self = Self::default();
        had_any
    }

    fn take(&mut self, change: Change) -> bool {
        if let Some(since) = &mut self.since_asked {
            since.push(change.clone());
        }
        self.apply(change)
    }

    fn apply(&mut self, change: Change) -> bool {
        match change {
            Change::Approval(request) => put(&mut self.approvals, *request, |one| &one.id),
            Change::Questions(set) => put(&mut self.questions, *set, |one| &one.id),
            Change::ApprovalSettled(id) => remove(&mut self.approvals, |one| one.id == id),
            Change::QuestionsSettled(id) => remove(&mut self.questions, |one| one.id == id),
            // A later request of the same device takes the place of its earlier one.
            Change::Device(device) => put(&mut self.devices, *device, |one| &one.device_id),
            Change::Node(node) => put(&mut self.nodes, *node, |one| &one.node_id),
            Change::PairingSettled(id) => {
                let device = remove(&mut self.devices, |one| one.request_id == id);
                remove(&mut self.nodes, |one| one.request_id == id) || device
            }
        }
    }
}

fn put<T: PartialEq, Id: PartialEq>(all: &mut Vec<T>, new: T, id: impl Fn(&T) -> &Id) -> bool {
    match all.iter_mut().find(|one| id(one) == id(&new)) {
        Some(one) if *one == new => false,
        Some(one) => {
            *one = new;
            true
        }
        None => {
            all.push(new);
            true
        }
    }
}

fn remove<T>(all: &mut Vec<T>, gone: impl Fn(&T) -> bool) -> bool {
    let before = all.len();
    all.retain(|one| !gone(one));
    all.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn approval(id: &str) -> Value {
        json!({"id": id, "request": {"command": "date", "cwd": "/"}})
    }

    fn set(id: &str) -> Value {
        json!({"id": id, "questions": []})
    }

    fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    fn asked(id: &str) -> Event {
        Event::ExecApprovalRequested(read(approval(id)))
    }

    fn decided(id: &str) -> Event {
        Event::ExecApprovalResolved(read(json!({"id": id, "decision": "deny"})))
    }

    fn list(approvals: &[&str], questions: &[&str]) -> Listed {
        Listed {
            approvals: approvals.iter().map(|id| read(approval(id))).collect(),
            questions: questions.iter().map(|id| read(set(id))).collect(),
            ..Listed::default()
        }
    }

    fn device(request: &str, id: &str) -> Event {
        Event::DevicePairRequested(read(json!({"requestId": request, "deviceId": id})))
    }

    fn waiting(requests: &AgentRequests) -> Vec<&str> {
        let approvals = requests.approvals().iter().map(|one| one.id.as_str());
        approvals
            .chain(requests.questions().iter().map(|one| one.id.as_str()))
            .collect()
    }

    #[test]
    fn what_is_asked_waits_until_somebody_decides() {
        let mut requests = AgentRequests::default();

        assert!(requests.on(&asked("a")));
        assert!(requests.on(&Event::QuestionRequested(read(set("q")))));
        assert_eq!(waiting(&requests), ["a", "q"]);
        assert!(requests.on(&decided("a")));
        assert!(requests.on(&Event::QuestionResolved(read(
            json!({"id": "q", "status": "answered"})
        ))));

        assert_eq!(requests.count(), 0);
    }

    #[test]
    fn being_told_twice_changes_nothing() {
        let mut requests = AgentRequests::default();
        requests.on(&asked("a"));

        assert!(!requests.on(&asked("a")));
        assert!(requests.on(&decided("a")));
        assert!(!requests.on(&decided("a")));
    }

    #[test]
    fn a_list_replaces_what_was_known() {
        let mut requests = AgentRequests::default();
        requests.on(&asked("gone"));
        requests.listing();

        assert!(requests.listed(list(&["a"], &["q"])));

        assert_eq!(waiting(&requests), ["a", "q"]);
        assert!(!requests.listed(list(&["a"], &["q"])));
    }

    #[test]
    fn what_is_told_while_a_list_is_on_its_way_counts_more_than_the_list() {
        let mut requests = AgentRequests::default();
        requests.on(&asked("decided"));
        requests.listing();
        requests.on(&decided("decided"));
        requests.on(&asked("new"));

        requests.listed(list(&["decided"], &[]));

        assert_eq!(waiting(&requests), ["new"]);
    }

    #[test]
    fn a_decision_of_ours_is_not_undone_by_a_list_that_was_asked_for_before() {
        let mut requests = AgentRequests::default();
        requests.on(&asked("a"));
        requests.listing();

        assert!(requests.approval_settled(&"a".into()));
        requests.listed(list(&["a"], &[]));

        assert_eq!(requests.count(), 0);
    }

    #[test]
    fn who_wants_in_waits_until_somebody_decides_and_a_later_request_replaces_the_earlier() {
        let mut requests = AgentRequests::default();
        assert!(requests.on(&device("r1", "phone")));
        assert!(requests.on(&device("r2", "phone")));
        assert!(requests.on(&Event::NodePairRequested(read(
            json!({"requestId": "r3", "nodeId": "studio"})
        ))));

        // What was replaced is told as refused.
        assert!(!requests.on(&Event::DevicePairResolved(read(
            json!({"requestId": "r1", "deviceId": "phone", "decision": "rejected"})
        ))));
        assert_eq!(requests.count(), 2);
        assert!(requests.pairing_settled(&"r2".into()));
        assert!(requests.on(&Event::NodePairResolved(read(
            json!({"requestId": "r3", "nodeId": "studio", "decision": "approved"})
        ))));

        assert_eq!(requests.count(), 0);
    }

    #[test]
    fn another_gateway_has_other_requests() {
        let mut requests = AgentRequests::default();
        requests.on(&asked("a"));

        assert!(requests.clear());
        assert!(!requests.clear());
        assert_eq!(requests.count(), 0);
    }
}
