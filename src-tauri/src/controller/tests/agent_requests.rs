//! What agents wait for: shown in window and tray, and decided once.

use super::{fakes::Fakes, *};
use crate::{tray::Shape, view_model::AgentRequestsView, view_model::DecisionView};
use gateway_core::{client::CallError, connection::phase::Phase};

fn approval(id: &str) -> serde_json::Value {
    json!({
        "id": id,
        "request": {
            "command": "date", "commandArgv": ["date"], "cwd": "/home", "host": "node",
            "nodeId": "laptop", "allowedDecisions": ["allow-once", "deny", "new-word"],
        },
        "expiresAtMs": 5000,
    })
}

fn questions(id: &str) -> serde_json::Value {
    json!({"id": id, "questions": [{
        "questionId": "q1", "header": "Pick", "question": "Which one?",
        "options": [{"label": "A", "description": "first"}, {"label": "B"}], "multiSelect": true,
    }]})
}

fn asked(id: &str) -> GatewayEvent<Event> {
    let request = serde_json::from_value(approval(id)).unwrap();
    GatewayEvent::Event(Event::ExecApprovalRequested(Box::new(request)))
}

async fn decide(fakes: &mut Fakes, decision: DecisionView) -> Result<(), UiError> {
    fakes
        .ask(|reply| Request::DecideApproval {
            id: "a".to_owned(),
            decision,
            reply,
        })
        .await
}

fn nothing(view: &AgentRequestsView) -> bool {
    view.approvals.is_empty() && view.questions.is_empty()
}

#[tokio::test(start_paused = true)]
async fn what_waited_before_the_session_began_is_shown_with_all_that_is_known() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    gateway.lists(json!([approval("a")]), json!([questions("q")]));

    fakes.gateway_tells(GatewayEvent::SessionUp);

    let view = fakes
        .desktop
        .agent_requests_where(|view| !nothing(view))
        .await;
    let approval = &view.approvals[0];
    assert_eq!(approval.words, ["date"]);
    assert_eq!(approval.folder.as_deref(), Some("/home"));
    assert_eq!(approval.node.as_deref(), Some("laptop"));
    assert_eq!(
        approval.decisions,
        [DecisionView::AllowOnce, DecisionView::Deny]
    );
    assert_eq!(approval.expires_at_ms, Some(5000.0));
    let question = &view.questions[0].questions[0];
    assert!(question.several);
    assert_eq!(question.options[0].description.as_deref(), Some("first"));
}

#[tokio::test(start_paused = true)]
async fn a_request_turns_the_tray_into_a_call_for_the_user_until_it_is_decided() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    fakes.tell(Request::TrayHost(true));
    let mut up = Snapshot::off(String::new());
    up.phase = Phase::Up;
    fakes.connection_is(up);
    fakes
        .desktop
        .tray_where(|tray| tray.shape == Shape::Disc)
        .await;

    fakes.gateway_tells(asked("a"));

    let tray = fakes
        .desktop
        .tray_where(|tray| tray.shape == Shape::Triangle)
        .await;
    assert!(tray.tooltip.contains("1 request waits for you"), "{tray:?}");
    let decided = decide(&mut fakes, DecisionView::AllowOnce).await;
    assert_eq!(decided, Ok(()));
    assert_eq!(gateway.decided(), ["a: allow-once"]);
    fakes
        .desktop
        .tray_where(|tray| tray.shape == Shape::Disc)
        .await;
}

#[tokio::test(start_paused = true)]
async fn questions_are_answered_with_labels_or_dismissed() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    gateway.lists(json!([]), json!([questions("q"), questions("r")]));
    fakes.gateway_tells(GatewayEvent::SessionUp);
    fakes
        .desktop
        .agent_requests_where(|view| view.questions.len() == 2)
        .await;

    let answers = vec![crate::view_model::AgentAnswerForm {
        question_id: "q1".to_owned(),
        labels: vec!["A".to_owned()],
    }];
    for (id, answers) in [("q", Some(answers)), ("r", None)] {
        let id = id.to_owned();
        let answered = fakes
            .ask(|reply| Request::AnswerAgent { id, answers, reply })
            .await;
        assert_eq!(answered, Ok(()));
    }

    assert_eq!(
        gateway.decided(),
        [r#"q: {"answers":{"q1":["A"]}}"#, "r: dismissed"]
    );
    fakes.desktop.agent_requests_where(nothing).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_somebody_else_decided_about_goes_away_and_says_so() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    fakes.gateway_tells(asked("a"));
    fakes
        .desktop
        .agent_requests_where(|view| !nothing(view))
        .await;
    gateway.refuses_the_next_decision(CallError::Refused {
        method: "exec.approval.resolve".to_owned(),
        error: Box::new(
            serde_json::from_value(json!({
                "code": "INVALID_REQUEST", "message": "approval already resolved",
                "details": {"reason": "APPROVAL_ALREADY_RESOLVED"},
            }))
            .unwrap(),
        ),
    });

    let decided = decide(&mut fakes, DecisionView::Deny).await;

    assert_eq!(decided.unwrap_err().code, "requestGone");
    fakes.desktop.agent_requests_where(nothing).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_stays_when_the_decision_did_not_arrive() {
    let mut fakes = Fakes::start();
    fakes.gateway_tells(asked("a"));
    fakes
        .desktop
        .agent_requests_where(|view| !nothing(view))
        .await;

    let decided = decide(&mut fakes, DecisionView::AllowOnce).await;

    assert_eq!(decided.unwrap_err().code, "notConnected");
    fakes.tell(Request::ResendAll);
    let view = fakes.desktop.agent_requests_where(|_| true).await;
    assert_eq!(view.approvals.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_ended_by_itself_without_a_word_goes_away() {
    let mut fakes = Fakes::start();
    fakes.session_is_up().lists(json!([]), json!([]));
    fakes.gateway_tells(asked("a"));
    fakes
        .desktop
        .agent_requests_where(|view| !nothing(view))
        .await;

    fakes.desktop.agent_requests_where(nothing).await;
}

#[tokio::test(start_paused = true)]
async fn another_computer_has_other_requests() {
    let mut fakes = Fakes::start();
    fakes.gateway_tells(asked("a"));
    fakes
        .desktop
        .agent_requests_where(|view| !nothing(view))
        .await;

    let saved = fakes
        .ask(|reply| Request::SaveSettings {
            form: form(),
            reply,
        })
        .await;

    assert_eq!(saved, Ok(()));
    fakes.desktop.agent_requests_where(nothing).await;
}
