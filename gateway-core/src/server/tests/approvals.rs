//! Approvals and questions on a running gateway.

use super::people::*;
use super::*;

fn removal() -> Value {
    json!({
        "command": "rm -rf /nope", "commandArgv": ["rm", "-rf", "/nope"], "cwd": "/",
        "host": "gateway", "ask": "always", "timeoutMs": 15_000, "twoPhase": true,
    })
}

#[tokio::test]
async fn a_decision_reaches_everybody_who_waits_and_holds() {
    let running = running().await;
    let requester = running.operator(1, &[Scope::Approvals, Scope::Read]).await;
    let mut approver = running.operator(2, &ADMIN).await;
    // Our client takes the first answer of two, so what comes later is waited for by id.
    let accepted = ask(&requester.session, "exec.approval.request", removal()).await;
    assert_eq!(accepted["status"], "accepted");

    let asked = event(&mut approver, "exec.approval.requested").await;
    assert_eq!(asked["id"], accepted["id"]);
    assert_eq!(
        asked["request"]["allowedDecisions"],
        json!(["allow-once", "deny"])
    );
    let listed = ask(&approver.session, "exec.approval.list", json!({})).await;
    assert_eq!(listed[0], asked);
    let id = json!({"id": asked["id"]});
    let shown = ask(&approver.session, "exec.approval.get", id.clone()).await;
    assert_eq!(shown["commandText"], "rm -rf /nope");
    let waits = start(&requester, "exec.approval.waitDecision", id.clone());
    for decision in ["maybe", "allow-always"] {
        let params = json!({"id": asked["id"], "decision": decision});
        refused(&approver, "exec.approval.resolve", params).await;
    }
    let once = json!({"id": asked["id"], "decision": "allow-once"});
    assert_eq!(
        ask(&approver.session, "exec.approval.resolve", once.clone()).await,
        json!({"ok": true})
    );

    let decided = waits.await.unwrap();
    assert_eq!(decided["decision"], "allow-once");
    assert_eq!(decided["terminalReason"], "user");
    let resolved = event(&mut approver, "exec.approval.resolved").await;
    assert_eq!(resolved["decision"], "allow-once");
    let late = refused(&approver, "exec.approval.resolve", once).await;
    assert_eq!(late.details.unwrap()["reason"], "APPROVAL_ALREADY_RESOLVED");
    let gone = refused(&approver, "exec.approval.get", id).await;
    assert_eq!(gone.details.unwrap()["reason"], "APPROVAL_NOT_FOUND");
    running.gateway.stop().await;
}

#[tokio::test]
async fn where_nobody_else_can_decide_the_answer_is_no_decision_at_once() {
    let running = running().await;
    let alone = running.operator(1, &ADMIN).await;

    let answer = ask(&alone.session, "exec.approval.request", removal()).await;

    assert_eq!(answer["decision"], Value::Null);
    let listed = ask(&alone.session, "exec.approval.list", json!({})).await;
    assert_eq!(listed, json!([]));
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_request_nobody_decides_about_ends_without_a_decision() {
    let running = running().await;
    let requester = running.operator(1, &[Scope::Approvals]).await;
    let _approver = running.operator(2, &ADMIN).await;
    let mut request = removal();
    request["timeoutMs"] = json!(30);
    request["twoPhase"] = json!(false);

    let answer = ask(&requester.session, "exec.approval.request", request).await;

    assert_eq!(answer["decision"], Value::Null);
    running.gateway.stop().await;
}

fn question() -> Value {
    json!({
        "questions": [{
            "questionId": "q1", "header": "Pick", "question": "Which one?",
            "options": [{"label": "A", "description": "first"}, {"label": "B"}],
            "multiSelect": false,
        }],
        "sessionKey": "main", "timeoutMs": 15_000,
    })
}

#[tokio::test]
async fn a_question_is_answered_once_and_everybody_hears() {
    let running = running().await;
    let mut asker = running.operator(1, &ADMIN).await;
    let answerer = running.operator(2, &[Scope::Questions]).await;

    let asked = ask(&asker.session, "question.request", question()).await;
    let told = event(&mut asker, "question.requested").await;
    assert_eq!(told["id"], asked["id"]);
    assert_eq!(told["status"], "pending");
    assert_eq!(told["sessionKey"], "agent:main:main");
    let listed = ask(&answerer.session, "question.list", json!({})).await;
    assert_eq!(listed["questions"][0], told);
    let id = json!({"id": asked["id"]});
    let waits = start(&asker, "question.waitAnswer", id.clone());
    for wrong in [
        json!({"q2": ["A"]}),
        json!({}),
        json!({"q1": []}),
        json!({"q1": ["A", "B"]}),
    ] {
        let params = json!({"id": asked["id"], "answers": {"answers": wrong}});
        refused(&answerer, "question.resolve", params).await;
    }
    let answers = json!({"id": asked["id"], "answers": {"answers": {"q1": ["A"]}}});
    let answered = json!({"status": "answered", "answers": {"answers": {"q1": ["A"]}}});
    assert_eq!(
        ask(&answerer.session, "question.resolve", answers.clone()).await,
        answered
    );

    assert_eq!(waits.await.unwrap(), answered);
    let resolved = event(&mut asker, "question.resolved").await;
    assert_eq!(resolved["answers"], answered["answers"]);
    refused(&answerer, "question.resolve", answers).await;
    let kept = ask(&asker.session, "question.get", id).await;
    assert_eq!(kept["question"]["status"], "answered");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_question_can_be_dismissed_and_ends_by_itself() {
    let running = running().await;
    let asker = running.operator(1, &ADMIN).await;
    let session = &asker.session;

    let asked = ask(session, "question.request", question()).await;
    let soon = json!({"id": asked["id"], "timeoutMs": 1});
    let waiting = ask(session, "question.waitAnswer", soon).await;
    assert_eq!(waiting, json!({"status": "pending"}));
    let cancel = json!({"id": asked["id"], "cancel": true});
    let cancelled = ask(session, "question.resolve", cancel).await;
    assert_eq!(cancelled, json!({"status": "cancelled"}));

    let mut short = question();
    short["timeoutMs"] = json!(20);
    let asked = ask(session, "question.request", short).await;
    let ended = ask(session, "question.waitAnswer", json!({"id": asked["id"]})).await;
    assert_eq!(ended, json!({"status": "expired"}));
    running.gateway.stop().await;
}

#[tokio::test]
async fn questions_of_another_shape_are_refused() {
    let running = running().await;
    let asker = running.operator(1, &ADMIN).await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut params = question();
        change(&mut params["questions"][0]);
        params
    };
    let one = question()["questions"][0].clone();
    for params in [
        json!({"questions": []}),
        json!({"questions": [one.clone(), one.clone()]}),
        with(&|q| q["questionId"] = json!("Q 1")),
        with(&|q| q["header"] = json!("thirteen chars")),
        with(&|q| q["options"] = json!(vec![json!({"label": "x"}); 5])),
        with(&|q| q["isSecret"] = json!(true)),
    ] {
        refused(&asker, "question.request", params).await;
    }
    running.gateway.stop().await;
}
