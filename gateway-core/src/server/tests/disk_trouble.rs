//! A state that cannot be written while the gateway runs: what is asked is refused with the reason,
//! what is kept can be read, and once the disk is well everything goes on.

use super::people::*;
use super::*;
use crate::client::CallError;
use crate::protocol::WireError;

async fn refused(session: &client::Session, method: &str, params: Value) -> WireError {
    let limit = Duration::from_secs(20);
    match session.call_raw(method, params, limit).await {
        Err(CallError::Refused { error, .. }) => *error,
        other => panic!("{method}: {other:?}"),
    }
}

fn code(error: &WireError) -> &str {
    error.details.as_ref().unwrap()["code"].as_str().unwrap()
}

async fn has_ended(session: &client::Session, run: &str) {
    let wait = json!({"runId": run, "timeoutMs": 20000});
    assert_eq!(ask(session, "agent.wait", wait).await["status"], "ok");
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_and_everything_else_goes_on() {
    let running = running().await;
    let admin = running.operator(1, &ADMIN).await;
    let session = admin.session.clone();
    ask(&session, "chat.send", said("time", "k1")).await;
    has_ended(&session, "k1").await;
    let before = ask(&session, "health", json!({})).await;
    let store = running.gateway.state.store.clone();
    store.set_pragma("query_only", 1).await;

    for (method, params) in [
        ("chat.send", said("time", "k2")),
        ("agent", said("time", "k3")),
        ("sessions.create", json!({"key": "agent:main:new"})),
        (
            "chat.inject",
            json!({"sessionKey": "main", "message": "note"}),
        ),
        ("voicewake.set", json!({"triggers": ["hej"]})),
    ] {
        let error = refused(&session, method, params).await;
        assert_eq!(code(&error), "STATE_READ_ONLY", "{method}");
        assert!(
            error.message.contains("read-only"),
            "{method}: {}",
            error.message
        );
        assert_eq!(error.retryable, Some(true), "{method}");
    }
    let history = ask(&session, "chat.history", json!({"sessionKey": "main"})).await;
    assert_eq!(history["totalMessages"], 2);
    let report = ask(&session, "health", json!({})).await;
    assert_eq!(report["ok"], false);
    assert_eq!(report["state"]["code"], "STATE_READ_ONLY");
    // Who was let in before is let in again, with the shared token or its own.
    let back = running.operator(1, &ADMIN).await;
    assert!(back.issued.is_none());

    store.set_pragma("query_only", 0).await;
    let after = ask(&session, "health", json!({})).await;
    assert_eq!(after["ok"], true);
    assert!(before.get("state").is_none() && after.get("state").is_none());
    ask(&session, "chat.send", said("time", "k2")).await;
    has_ended(&session, "k2").await;
    running.gateway.stop().await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_kept_is_told_as_such_and_kept_later() {
    let running = running().await;
    let mut admin = running.operator(1, &ADMIN).await;
    let session = admin.session.clone();
    let store = running.gateway.state.store.clone();
    ask(&session, "chat.send", said("run uname", "k1")).await;
    // The run waits for a person now; meanwhile the disk goes.
    let asked = event(&mut admin, "exec.approval.requested").await;
    store.set_pragma("query_only", 1).await;
    let decision = json!({"id": asked["id"], "decision": "deny"});
    ask(&session, "exec.approval.resolve", decision).await;

    let told = loop {
        let told = event(&mut admin, "chat").await;
        if told["runId"] == "k1" && told["state"] == "error" {
            break told;
        }
        assert_ne!(told["state"], "final", "{told}");
    };
    assert!(
        told["errorMessage"]
            .as_str()
            .unwrap()
            .contains("not kept yet"),
        "{told}"
    );
    store.set_pragma("query_only", 0).await;
    has_ended(&session, "k1").await;

    let history = ask(&session, "chat.history", json!({"sessionKey": "main"})).await;
    let last = history["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["role"], "assistant");
    assert!(history.get("inFlightRun").is_none());
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_note_in_a_conversation_that_does_not_exist_is_the_callers_mistake() {
    let running = running().await;
    let session = running.operator(1, &ADMIN).await.session;

    let note = json!({"sessionKey": "agent:main:nowhere", "message": "note"});
    let error = refused(&session, "chat.inject", note).await;

    assert_eq!(error.code, crate::protocol::ErrorCode::InvalidRequest);
    running.gateway.stop().await;
}
