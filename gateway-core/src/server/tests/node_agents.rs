//! Nodes as agents use them: through real tool calls of the built-in helper.

use super::people::*;
use super::*;

const NODE: u64 = 70;

fn invoke(command: &str, params: Value, key: &str) -> Value {
    json!({
        "nodeId": node_id(NODE), "command": command, "params": params, "timeoutMs": 15_000,
        "idempotencyKey": key,
    })
}

#[tokio::test]
async fn the_helper_tells_of_the_nodes_there_are() {
    let running = running().await;
    let mut admin = running.operator(1, &ADMIN).await;
    ask(&admin.session.clone(), "chat.send", said("nodes", "k1")).await;
    let none = answer(&mut admin, "k1").await;
    assert!(none.contains("No nodes"), "{none}");
    let _node = running.approved_node(NODE, &admin).await;

    ask(&admin.session.clone(), "chat.send", said("nodes", "k2")).await;
    let one = answer(&mut admin, "k2").await;

    assert!(one.contains("1 of 1 nodes connected"), "{one}");
    assert!(
        one.contains("Pi: connected; linux; system.notify, system.run"),
        "{one}"
    );
    running.gateway.stop().await;
}

#[tokio::test]
async fn the_helper_runs_a_program_on_a_node_once_somebody_approves_it() {
    let running = running().await;
    let mut admin = running.operator(1, &ADMIN).await;
    let mut node = running.approved_node(NODE, &admin).await;
    let session = admin.session.clone();

    ask(&session, "chat.send", said("run uname -a on Pi", "k1")).await;
    let asked = event(&mut admin, "exec.approval.requested").await;
    assert_eq!(asked["request"]["commandArgv"], json!(["uname", "-a"]));
    assert_eq!(asked["request"]["nodeId"], json!(node_id(NODE)));
    let decision = json!({"id": asked["id"], "decision": "allow-always"});
    ask(&session, "exec.approval.resolve", decision).await;
    let (request, params) = request_to(&mut node).await;
    assert_eq!(params["command"], json!(["uname", "-a"]));
    assert_eq!(params["approved"], true);
    assert!(params["runId"].is_string());
    answer_to(
        &node,
        &request,
        json!({"exitCode": 0, "stdout": "Linux pi"}),
    )
    .await;
    let text = answer(&mut admin, "k1").await;
    assert!(
        text.contains("Pi ran it.") && text.contains("Linux pi"),
        "{text}"
    );

    // Allowed for good: nobody is asked about the same words, and about others somebody is.
    ask(&session, "chat.send", said("run uname -a on Pi", "k2")).await;
    let (request, _) = request_to(&mut node).await;
    answer_to(&node, &request, json!({"exitCode": 0, "stdout": ""})).await;
    answer(&mut admin, "k2").await;
    ask(&session, "chat.send", said("run uname on Pi", "k3")).await;
    let asked = event(&mut admin, "exec.approval.requested").await;
    let decision = json!({"id": asked["id"], "decision": "deny"});
    ask(&session, "exec.approval.resolve", decision).await;
    let text = answer(&mut admin, "k3").await;
    assert!(text.contains("a person denied it"), "{text}");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_program_that_nobody_can_approve_is_not_run() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let _node = running.approved_node(NODE, &admin).await;
    let mut writer = running.operator(2, &[Scope::Read, Scope::Write]).await;
    drop(admin);
    wait_until_alone(&running).await;
    let session = writer.session.clone();

    ask(&session, "chat.send", said("run ls on Pi", "k1")).await;
    let text = answer(&mut writer, "k1").await;
    assert!(
        text.contains("nobody who may give it is connected"),
        "{text}"
    );

    let refusal = refused(
        &writer,
        "node.invoke",
        invoke("system.run", json!({"command": ["ls"]}), "k"),
    )
    .await;
    assert_eq!(refusal.details.unwrap()["code"], "APPROVAL_REQUIRED");
    running.gateway.stop().await;
}

/// Waits until the gateway has seen that the others have gone.
async fn wait_until_alone(running: &Running) {
    let peers = &running.gateway.state.peers;
    while peers.count(|peer| peer.facts.role == crate::protocol::connect::Role::Operator) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_takes_its_request_for_approval_back() {
    let running = running().await;
    let mut admin = running.operator(1, &ADMIN).await;
    let _node = running.approved_node(NODE, &admin).await;
    let session = admin.session.clone();
    ask(&session, "chat.send", said("run ls on Pi", "k1")).await;
    let asked = event(&mut admin, "exec.approval.requested").await;

    ask(&session, "chat.abort", json!({"sessionKey": "main"})).await;

    let resolved = event(&mut admin, "exec.approval.resolved").await;
    assert_eq!(resolved["id"], asked["id"]);
    assert_eq!(resolved["decision"], "deny");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_node_that_plans_a_program_gets_its_plan_back_with_the_approval() {
    let running = running().await;
    let mut admin = running.operator(1, &ADMIN).await;
    let mut hello = node_hello(NODE);
    let commands = json!(["system.run", "system.run.prepare"]);
    hello.extra.insert("commands".to_owned(), commands);
    let mut node = running.hello(hello).await;
    let session = admin.session.clone();
    let request = pending_of(&admin, NODE).await;
    ask(&session, "node.pair.approve", json!({"requestId": request})).await;
    let writer = running.operator(2, &[Scope::Read, Scope::Write]).await;

    let params = json!({"command": ["uname", "-a"]});
    let asked = start(&writer, "node.invoke", invoke("system.run", params, "k1"));
    let (request, params) = request_to(&mut node).await;
    assert_eq!(request["command"], "system.run.prepare");
    assert_eq!(
        params,
        json!({"command": ["uname", "-a"], "agentId": "main"})
    );
    let plan = json!({
        "argv": ["/usr/bin/uname", "-a"], "cwd": "/home/pi", "agentId": "main",
        "commandText": "/usr/bin/uname -a", "policySnapshot": {"rev": 1},
    });
    answer_to(&node, &request, json!({"plan": plan})).await;
    let shown = event(&mut admin, "exec.approval.requested").await;
    assert_eq!(shown["request"]["command"], "/usr/bin/uname -a");
    assert_eq!(shown["request"]["cwd"], "/home/pi");
    let decision = json!({"id": shown["id"], "decision": "allow-once"});
    ask(&session, "exec.approval.resolve", decision).await;
    let (request, params) = request_to(&mut node).await;
    assert_eq!(request["command"], "system.run");
    assert_eq!(params["systemRunPlan"], plan);
    assert_eq!(params["command"], plan["argv"]);
    assert_eq!(params["approved"], true);
    answer_to(&node, &request, json!({"exitCode": 0, "stdout": "Linux"})).await;
    assert_eq!(asked.await.unwrap()["payload"]["stdout"], "Linux");

    // What the node does not accept is not shown to anybody.
    ask(&session, "chat.send", said("run uname on Pi", "k2")).await;
    let (request, _) = request_to(&mut node).await;
    let result = json!({
        "id": request["id"], "nodeId": request["nodeId"], "ok": false,
        "error": {"code": "INVALID_REQUEST", "message": "no such folder"},
    });
    ask(&node.session, "node.invoke.result", result).await;
    let text = answer(&mut admin, "k2").await;
    assert!(text.contains("no such folder"), "{text}");
    running.gateway.stop().await;
}
