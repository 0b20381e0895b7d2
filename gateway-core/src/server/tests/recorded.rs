//! Our answers beside recorded ones of an official gateway: no member is missing.

use super::people::*;
use super::*;
use crate::protocol::recordings;

const NODE: u64 = 70;

/// Returns what an official gateway answered to a method, first answer first.
fn answered(file: &str, method: &str) -> Vec<Value> {
    recordings::exchanges()
        .into_iter()
        .filter(|exchange| exchange.file == file && exchange.request.method == method)
        .flat_map(|exchange| exchange.answers)
        .filter_map(|answer| answer.payload)
        .collect()
}

/// Returns what an official gateway told in an event of this name.
fn told(file: &str, name: &str) -> Value {
    recordings::frames()
        .into_iter()
        .filter(|recorded| recorded.file == file && recorded.value["event"] == name)
        .map(|recorded| recorded.value["payload"].clone())
        .next()
        .unwrap()
}

/// Fails where a recorded object has a member that ours lacks.
fn assert_complete(ours: &Value, recorded: &Value) {
    let members = recorded.as_object().unwrap();
    assert!(!members.is_empty());
    for (name, value) in members {
        let our = ours.get(name);
        assert!(our.is_some(), "{name} is missing in {ours}");
        if value.is_object() && name != "permissions" {
            assert_complete(&ours[name], value);
        }
    }
}

#[tokio::test]
async fn nodes_are_told_of_in_the_recorded_shape() {
    let file = "node-operator-side.jsonl";
    let running = running().await;
    let mut admin = running.operator(1, &ADMIN).await;
    let mut hello = node_hello(NODE);
    hello.client.device_family = Some("Linux".to_owned());
    let node = running.hello(hello).await;
    let session = admin.session.clone();

    let asked = event(&mut admin, "node.pair.requested").await;
    assert_complete(&asked, &told(file, "node.pair.requested"));
    let listed = ask(&session, "node.list", json!({})).await;
    assert_complete(
        &listed["nodes"][0],
        &answered(file, "node.list")[0]["nodes"][0],
    );
    let listed = ask(&session, "node.pair.list", json!({})).await;
    let recorded = answered(file, "node.pair.list");
    assert_complete(&listed["pending"][0], &recorded[0]["pending"][0]);
    let request = json!({"requestId": asked["requestId"]});
    let approved = ask(&session, "node.pair.approve", request).await;
    assert_complete(&approved, &answered(file, "node.pair.approve")[0]);
    let which = json!({"nodeId": node_id(NODE)});
    let described = ask(&session, "node.describe", which).await;
    assert_complete(&described, &answered(file, "node.describe")[0]);
    let stats = json!({
        "cpuCount": 4, "loadAverage": [1, 1, 1], "memoryTotalBytes": 1000,
        "memoryFreeBytes": 500,
    });
    let event = json!({"event": "node.host.stats", "payload": stats});
    ask(&node.session, "node.event", event).await;
    let listed = ask(&session, "node.pair.list", json!({})).await;
    let last = recorded.last().unwrap();
    assert_complete(&listed["paired"][0], &last["paired"][0]);
    running.gateway.stop().await;
}

#[tokio::test]
async fn devices_are_told_of_in_the_recorded_shape() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;

    let listed = ask(&admin.session, "device.pair.list", json!({})).await;

    let recorded = &answered("rpc-devices.jsonl", "device.pair.list")[0];
    assert_complete(&listed["paired"][0], &recorded["paired"][0]);
    let token = &recorded["paired"][0]["tokens"][0];
    assert_complete(&listed["paired"][0]["tokens"][0], token);
    running.gateway.stop().await;
}

#[tokio::test]
async fn approvals_and_questions_are_told_of_in_the_recorded_shape() {
    let running = running().await;
    let requester = running.operator(1, &[Scope::Approvals]).await;
    let mut admin = running.operator(2, &ADMIN).await;
    let session = admin.session.clone();

    let file = "exec-approval-approver.jsonl";
    let request = json!({
        "command": "ls", "commandArgv": ["ls"], "timeoutMs": 15_000, "twoPhase": true,
    });
    let accepted = ask(&requester.session, "exec.approval.request", request).await;
    let recorded = &answered("exec-approval-requester.jsonl", "exec.approval.request")[0];
    assert_complete(&accepted, recorded);
    let asked = event(&mut admin, "exec.approval.requested").await;
    assert_complete(&asked, &told(file, "exec.approval.requested"));
    let id = json!({"id": asked["id"]});
    let shown = ask(&session, "exec.approval.get", id).await;
    assert_complete(&shown, &answered(file, "exec.approval.get")[0]);
    let decision = json!({"id": asked["id"], "decision": "deny"});
    ask(&session, "exec.approval.resolve", decision).await;
    let resolved = event(&mut admin, "exec.approval.resolved").await;
    assert_complete(&resolved, &told(file, "exec.approval.resolved"));

    let file = "question-flow.jsonl";
    let question = json!({
        "questions": [{
            "questionId": "q1", "header": "Pick", "question": "Which?",
            "options": [{"label": "A"}],
        }],
        "sessionKey": "main",
    });
    ask(&session, "question.request", question).await;
    let asked = event(&mut admin, "question.requested").await;
    assert_complete(&asked, &told(file, "question.requested"));
    let cancel = json!({"id": asked["id"], "cancel": true});
    ask(&session, "question.resolve", cancel).await;
    assert_eq!(
        event(&mut admin, "question.resolved").await["status"],
        "cancelled"
    );
    running.gateway.stop().await;
}
