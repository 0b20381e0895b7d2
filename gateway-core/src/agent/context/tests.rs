use super::super::catalogue::{Api, ModelId, Prices};
use super::super::message::AssistantPart;
use super::super::model::{StopReason, Usage};
use super::super::toolbox::ToolCall;
use super::*;
use proptest::prelude::*;

fn answer(parts: Vec<AssistantPart>) -> Message {
    Message::Assistant(AssistantMessage {
        parts,
        model: ModelId::new("p", "m"),
        api: Api::OpenAiCompletions,
        usage: Usage::default(),
        prices: Prices::default(),
        stop_reason: StopReason::Stop,
        timestamp_ms: 0,
    })
}

fn call(id: &str) -> AssistantPart {
    AssistantPart::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "read".to_owned(),
        arguments: serde_json::json!({}),
    })
}

fn result(id: &str, text: &str) -> Message {
    Message::ToolResult {
        call_id: id.to_owned(),
        name: "read".to_owned(),
        text: text.to_owned(),
        is_error: false,
        timestamp_ms: 0,
    }
}

/// A conversation of turns; each turn has a length of its question and of its tool rounds.
fn conversation(turns: &[(usize, Vec<usize>)]) -> Vec<Message> {
    let mut messages = Vec::new();
    for (turn, (question, rounds)) in turns.iter().enumerate() {
        messages.push(Message::user("ø".repeat(*question), 0));
        for (round, length) in rounds.iter().enumerate() {
            let id = format!("{turn}.{round}");
            messages.push(answer(vec![call(&id)]));
            messages.push(result(&id, &"å".repeat(*length)));
        }
        messages.push(answer(vec![AssistantPart::Text("done".to_owned())]));
    }
    messages
}

fn turns() -> impl Strategy<Value = Vec<(usize, Vec<usize>)>> {
    prop::collection::vec(
        (0usize..200, prop::collection::vec(0usize..400, 0..4)),
        1..8,
    )
}

proptest! {
    #[test]
    fn a_call_keeps_its_result_and_the_last_question_stays(turns in turns(), budget in 0usize..2000) {
        let whole = conversation(&turns);
        let last_question = whole.iter().rfind(|m| matches!(m, Message::User { .. })).cloned();

        let trimmed = trim(whole.clone(), budget);

        // Nothing to repair means: no call without result, no result without call.
        prop_assert_eq!(&repair(trimmed.clone()), &trimmed);
        prop_assert!(trimmed.iter().any(|message| Some(message) == last_question.as_ref()));
        let starts_with_a_question = matches!(trimmed.first(), Some(Message::User { .. }));
        prop_assert!(starts_with_a_question);
        if tokens(&whole) <= budget {
            prop_assert_eq!(trimmed, whole);
        }
    }

    #[test]
    fn more_than_the_last_turn_is_only_kept_where_it_fits(turns in turns(), budget in 0usize..2000) {
        let trimmed = trim(conversation(&turns), budget);
        let questions = trimmed.iter().filter(|m| matches!(m, Message::User { .. })).count();
        prop_assert!(questions == 1 || tokens(&trimmed) <= budget);
    }
}

#[test]
fn the_oldest_turns_go_first() {
    let whole = conversation(&[(40, vec![]), (40, vec![]), (40, vec![])]);
    let two_turns = tokens(&whole) * 2 / 3;

    let trimmed = trim(whole.clone(), two_turns);

    assert_eq!(trimmed, whole[2..]);
}

#[test]
fn one_huge_tool_result_is_cut_in_its_middle() {
    let messages = vec![
        Message::user("look", 0),
        answer(vec![call("a")]),
        result("a", &format!("head{}tail", "å".repeat(100_000))),
    ];

    let trimmed = trim(messages, 1_000);

    assert!(tokens(&trimmed) <= 1_000);
    let Some(Message::ToolResult { text, .. }) = trimmed.last() else {
        panic!("the result is gone");
    };
    assert!(text.starts_with("head") && text.ends_with("tail") && text.contains("left out"));
}

#[test]
fn a_conversation_that_lost_its_end_is_completed() {
    let messages = vec![
        Message::user("a", 0),
        answer(vec![]),
        result("stray", "x"),
        answer(vec![call("1"), call("2")]),
        result("2", "ok"),
        Message::user("b", 0),
    ];

    let repaired = repair(messages);

    let roles: Vec<_> = repaired
        .iter()
        .map(|message| match message {
            Message::User { text, .. } => text.clone(),
            Message::Assistant(_) => "assistant".to_owned(),
            Message::ToolResult {
                call_id, is_error, ..
            } => format!("{call_id} {is_error}"),
        })
        .collect();
    assert_eq!(roles, ["a", "assistant", "2 false", "1 true", "b"]);
}
