//! Nodes: from hello over approval to what they are asked and what they say.

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
async fn a_node_offers_nothing_until_its_abilities_are_approved() {
    let running = running().await;
    let mut admin = running.operator(1, &ADMIN).await;
    let mut node = running.node(NODE).await;

    assert_eq!(
        event(&mut node, "voicewake.changed").await["triggers"][0],
        "openclaw"
    );
    event(&mut node, "voicewake.routing.changed").await;
    let asked = event(&mut admin, "node.pair.requested").await;
    assert_eq!(
        asked["requiredApproveScopes"],
        json!(["operator.pairing", "operator.admin"])
    );
    let listed = ask(&admin.session, "node.list", json!({})).await;
    let entry = &listed["nodes"][0];
    assert_eq!(entry["approvalState"], "pending-approval");
    assert_eq!(entry["commands"], json!([]));
    assert_eq!(
        entry["pendingDeclaredCommands"],
        json!(["system.notify", "system.run", "talk.ptt.start"])
    );
    let early = refused(
        &admin,
        "node.invoke",
        invoke("system.notify", json!({}), "k0"),
    )
    .await;
    assert_eq!(early.code.as_str(), "INVALID_REQUEST");

    let request = json!({"requestId": asked["requestId"]});
    let approved = ask(&admin.session, "node.pair.approve", request).await;
    assert_eq!(approved["node"]["nodeId"], json!(node_id(NODE)));
    assert_eq!(
        event(&mut node, "node.pair.resolved").await["decision"],
        "approved"
    );
    let described = ask(
        &admin.session,
        "node.describe",
        json!({"nodeId": node_id(NODE)}),
    )
    .await;
    assert_eq!(described["approvalState"], "approved");
    assert_eq!(described["displayName"], "Pi");
    assert_eq!(described["pathEnv"], "/usr/bin");
    assert_eq!(
        described["commands"],
        json!(["system.notify", "system.run", "talk.ptt.start"])
    );
    running.gateway.stop().await;
}

#[tokio::test]
async fn what_was_approved_of_a_node_stands_with_its_device_and_no_permissions_are_not_told() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let mut hello = node_hello(NODE);
    hello.extra.remove("permissions");
    let _node = running.hello(hello).await;
    let request = pending_of(&admin, NODE).await;
    let device = async || {
        let listed = ask(&admin.session, "device.pair.list", json!({})).await;
        let paired = listed["paired"].as_array().unwrap();
        let is_it = |device: &&Value| device["deviceId"] == json!(node_id(NODE));
        paired.iter().find(is_it).unwrap().clone()
    };
    assert_eq!(device().await.get("nodeSurface"), None);

    let request = json!({"requestId": request});
    let approved = ask(&admin.session, "node.pair.approve", request).await;

    assert_eq!(approved["node"].get("permissions"), None);
    let surface = device().await["nodeSurface"].clone();
    assert_eq!(surface["displayName"], "Pi");
    assert_eq!(
        surface["commands"],
        json!(["system.notify", "system.run", "talk.ptt.start"])
    );
    assert_eq!(surface["sessionHost"], false);
    assert!(surface["approvedAtMs"].is_u64() && surface.get("nodeId").is_none());
    let which = json!({"nodeId": node_id(NODE)});
    let entry = ask(&admin.session, "node.describe", which).await;
    assert_eq!(entry.get("permissions"), None);
    running.gateway.stop().await;
}

#[tokio::test]
async fn nobody_approves_more_of_a_node_than_they_hold_themselves() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let pairing = running
        .operator(2, &[Scope::Read, Scope::Write, Scope::Pairing])
        .await;
    let _node = running.node(NODE).await;
    let request = json!({"requestId": pending_of(&admin, NODE).await});

    let refusal = refused(&pairing, "node.pair.approve", request.clone()).await;
    assert_eq!(refusal.details.unwrap()["missingScope"], "operator.admin");
    let rejected = ask(&pairing.session, "node.pair.reject", request.clone()).await;
    assert_eq!(rejected["nodeId"], json!(node_id(NODE)));
    let gone = refused(&admin, "node.pair.approve", request).await;
    assert_eq!(gone.message, "unknown requestId");
    running.gateway.stop().await;
}

#[tokio::test]
async fn what_a_node_answers_goes_to_whoever_asked() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let mut node = running.approved_node(NODE, &admin).await;

    let asked = start(
        &admin,
        "node.invoke",
        invoke("system.notify", json!({"title": "t"}), "k1"),
    );
    let (request, params) = request_to(&mut node).await;
    assert_eq!(request["command"], "system.notify");
    assert_eq!(params, json!({"title": "t"}));
    let progress = json!({
        "invokeId": request["id"], "nodeId": node_id(NODE), "seq": 0, "chunk": "half way",
    });
    let shown = ask(&node.session, "node.invoke.progress", progress.clone()).await;
    assert_eq!(shown, json!({"ok": true}));
    assert_eq!(
        answer_to(&node, &request, json!({"shown": true})).await,
        json!({"ok": true})
    );
    let answer = asked.await.unwrap();
    assert_eq!(
        answer,
        json!({
            "ok": true, "nodeId": node_id(NODE), "command": "system.notify",
            "payload": {"shown": true}, "payloadJSON": null,
        })
    );

    // The same key is the same act: it is not done again.
    let again = invoke("system.notify", json!({"title": "t"}), "k1");
    assert_eq!(ask(&admin.session, "node.invoke", again).await, answer);
    // A late answer is no error for the node, which did its work.
    let late = answer_to(&node, &request, json!({})).await;
    assert_eq!(late["ignored"], true);
    let late = ask(&node.session, "node.invoke.progress", progress).await;
    assert_eq!(late["ignored"], true);
    running.gateway.stop().await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_the_reason() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let mut node = running.approved_node(NODE, &admin).await;

    for command in ["canvas.present", "camera.snap"] {
        let refusal = refused(&admin, "node.invoke", invoke(command, json!({}), "k")).await;
        assert_eq!(
            refusal.details.unwrap(),
            json!({"reason": "command not allowlisted", "command": command})
        );
    }
    let mut nobody = invoke("system.notify", json!({}), "k");
    nobody["nodeId"] = json!("nobody");
    let refusal = refused(&admin, "node.invoke", nobody).await;
    assert_eq!(refusal.details.unwrap()["code"], "PAIRING_CHANGED");
    assert_eq!(refusal.retryable, Some(true));

    let mut hurried = invoke("system.notify", json!({}), "slow");
    hurried["timeoutMs"] = json!(50);
    let refusal = refused(&admin, "node.invoke", hurried).await;
    assert_eq!(refusal.details.unwrap()["code"], "TIMEOUT");
    event(&mut node, "node.invoke.cancel").await;

    let failing = invoke("system.notify", json!({}), "fails");
    let session = admin.session.clone();
    let limit = Duration::from_secs(20);
    let asked = tokio::spawn(async move { session.call_raw("node.invoke", failing, limit).await });
    let (request, _) = request_to(&mut node).await;
    let result = json!({
        "id": request["id"], "nodeId": request["nodeId"], "ok": false,
        "error": {"code": "NO_SCREEN", "message": "nothing to show it on"},
    });
    ask(&node.session, "node.invoke.result", result).await;
    let problem = format!("{:?}", asked.await.unwrap().unwrap_err());
    assert!(problem.contains("NO_SCREEN"), "{problem}");
    running.gateway.stop().await;
}

#[tokio::test]
async fn what_a_node_permits_is_changed_by_its_own_methods_only() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let writer = running.operator(2, &[Scope::Read, Scope::Write]).await;
    let _node = running.approved_node(NODE, &admin).await;

    let around = invoke("system.execApprovals.set", json!({}), "k");
    let refusal = refused(&admin, "node.invoke", around).await;
    assert!(refusal.message.contains("exec.approvals.node"));
    let which = json!({"nodeId": node_id(NODE)});
    let refusal = refused(&writer, "exec.approvals.node.get", which.clone()).await;
    assert_eq!(refusal.details.unwrap()["missingScope"], "operator.admin");
    let neither = refused(&admin, "exec.approvals.node.set", which).await;
    assert!(neither.message.contains("one of file and native"));
    let grants = ask(&admin.session, "exec.approval.grants.list", json!({})).await;
    assert_eq!(grants, json!({"grants": []}));
    let revoked = json!({"grantId": "g"});
    let revoked = ask(&admin.session, "exec.approval.grants.revoke", revoked).await;
    assert_eq!(revoked["outcome"], "not-found");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_node_that_leaves_answers_nothing_any_more() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let mut node = running.approved_node(NODE, &admin).await;
    let session = admin.session.clone();
    let asked = tokio::spawn(async move {
        let params = invoke("system.notify", json!({}), "k");
        session
            .call_raw("node.invoke", params, Duration::from_secs(20))
            .await
    });
    request_to(&mut node).await;

    drop(node);

    match asked.await.unwrap() {
        Err(client::CallError::Refused { error, .. }) => {
            assert_eq!(error.details.unwrap()["code"], "PAIRING_CHANGED");
        }
        other @ (Ok(_) | Err(_)) => panic!("{other:?}"),
    }
    let away = refused(
        &admin,
        "node.invoke",
        invoke("system.notify", json!({}), "k2"),
    )
    .await;
    assert_eq!(away.details.unwrap()["code"], "NOT_CONNECTED");
    running.gateway.stop().await;
}

async fn tells(node: &Established, name: &str, payload: Value) -> Value {
    let event = json!({"event": name, "payloadJSON": payload.to_string()});
    ask(&node.session, "node.event", event).await
}

#[tokio::test]
async fn what_a_node_tells_reaches_lists_conversations_and_itself() {
    let running = running().await;
    let mut admin = running.operator(1, &ADMIN).await;
    let mut node = running.approved_node(NODE, &admin).await;

    let stats = tells(&node, "node.host.stats", json!({"cpuCount": 4, "x": "y"})).await;
    assert_eq!(stats["reason"], "updated");
    let told = event(&mut admin, "node.hostStats").await;
    assert_eq!(told["hostStats"]["cpuCount"], 4);
    assert!(told["hostStats"].get("x").is_none());
    let alive = tells(&node, "node.presence.alive", json!({"trigger": "manual"})).await;
    assert_eq!(alive["reason"], "persisted");
    let odd = tells(&node, "no.such.event", json!({})).await;
    assert_eq!(
        odd,
        json!({
            "ok": true, "event": "no.such.event", "handled": false,
            "reason": "unsupported_event",
        })
    );

    let follows = tells(&node, "chat.subscribe", json!({"sessionKey": "main"})).await;
    assert_eq!(follows, json!({"ok": true}));
    tells(&node, "agent.request", json!({"message": "hello"})).await;
    loop {
        let chat = event(&mut node, "chat").await;
        assert_eq!(chat["sessionKey"], "agent:main:main");
        if chat["state"] == "final" {
            break;
        }
    }
    tells(&node, "chat.unsubscribe", json!({"sessionKey": "main"})).await;
    tells(&node, "voice.transcript", json!({"text": "status"})).await;
    while event(&mut admin, "chat").await["state"] != "final" {}
    while event(&mut admin, "chat").await["state"] != "final" {}

    let pulled = ask(&node.session, "node.pending.pull", json!({})).await;
    assert_eq!(pulled, json!({"nodeId": node_id(NODE), "actions": []}));
    let acked = ask(&node.session, "node.pending.ack", json!({"ids": ["a"]})).await;
    assert_eq!(
        acked,
        json!({"nodeId": node_id(NODE), "ackedIds": ["a"], "remainingCount": 0})
    );
    refused(&node, "node.pending.ack", json!({"ids": []})).await;
    let drained = ask(&node.session, "node.pending.drain", json!({})).await;
    assert_eq!(
        drained,
        json!({"nodeId": node_id(NODE), "revision": 0, "items": [], "hasMore": false})
    );
    let tools = json!({"tools": [{"pluginId": "p", "name": "t", "description": "d"}]});
    ask(&node.session, "node.pluginTools.update", tools.clone()).await;
    let listed = ask(&admin.session, "node.list", json!({})).await;
    assert_eq!(listed["nodes"][0]["nodePluginTools"], tools["tools"]);
    for (method, params) in [
        ("node.skills.update", json!({"skills": []})),
        ("node.runnerInventory.update", json!({})),
        ("skills.bins", json!({})),
    ] {
        ask(&node.session, method, params).await;
    }
    let refusal = refused(&node, "chat.send", json!({})).await;
    assert_eq!(refusal.message, "unauthorized role: node");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_node_nobody_approved_reaches_no_conversation() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let node = running.node(NODE).await;
    pending_of(&admin, NODE).await;

    for name in ["agent.request", "chat.subscribe", "node.host.stats"] {
        let event = json!({"event": name, "payload": {"message": "x", "sessionKey": "main"}});
        let refusal = refused(&node, "node.event", event).await;
        assert_eq!(
            refusal.details.unwrap()["code"],
            "PAIRING_CHANGED",
            "{name}"
        );
    }
    let refusal = refused(&node, "node.runnerInventory.update", json!({})).await;
    assert!(refusal.message.contains("awaiting operator approval"));
    running.gateway.stop().await;
}

#[tokio::test]
async fn taking_the_abilities_away_leaves_nothing_to_ask() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let node = running.approved_node(NODE, &admin).await;
    let which = json!({"nodeId": node_id(NODE)});

    let renamed = json!({"nodeId": node_id(NODE), "displayName": " Kitchen "});
    ask(&admin.session, "node.rename", renamed).await;
    ask(&admin.session, "node.pair.remove", which.clone()).await;

    let entry = ask(&admin.session, "node.describe", which).await;
    assert_eq!(entry["approvalState"], "unapproved");
    assert_eq!(entry["displayName"], "Kitchen");
    let refusal = refused(
        &admin,
        "node.invoke",
        invoke("system.notify", json!({}), "k"),
    )
    .await;
    assert_eq!(
        refusal.details.unwrap()["reason"],
        "command not declared by node"
    );
    // It asks again when it comes again.
    drop(node);
    let _node = running.node(NODE).await;
    pending_of(&admin, NODE).await;
    running.gateway.stop().await;
}
