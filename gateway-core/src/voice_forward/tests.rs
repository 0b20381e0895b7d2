//! The bytes of the message, and where answers go, by the rows of recorded gateways.

use super::*;
use serde_json::json;

fn row(value: Value) -> SessionRow {
    serde_json::from_value(value).unwrap()
}

fn route(key: &str, row: Option<&SessionRow>) -> (bool, String, Option<String>) {
    let route = Route::of(&SessionKey::from(key), row);
    (route.deliver, route.channel, route.to)
}

fn to(channel: &str, to: &str) -> (bool, String, Option<String>) {
    (true, channel.to_owned(), Some(to.to_owned()))
}

fn nowhere() -> (bool, String, Option<String>) {
    (false, "webchat".to_owned(), None)
}

fn spoken() -> Spoken {
    Spoken {
        key: RunId::from("utterance-1"),
        transcript: "what is on today".to_owned(),
        machine: Some("Ada's laptop".to_owned()),
        session_key: None,
        trigger: Some("computer".to_owned()),
        in_doubt: false,
    }
}

#[test]
fn the_message_is_exact_to_the_byte() {
    assert_eq!(
        message("what is on today", Some("Ada's laptop")),
        "User talked via voice recognition on Ada's laptop - repeat prompt first + remember some words might be incorrectly transcribed.\n\nwhat is on today"
    );
}

#[test]
fn a_computer_without_a_name_is_this_one() {
    let first = "User talked via voice recognition on this computer - repeat";
    assert!(message("x", None).starts_with(first));
    assert!(message("x", Some(" \t")).starts_with(first));
}

#[test]
fn answers_go_where_the_conversation_was_last_delivered() {
    let row = row(json!({
        "key": "agent:main:main",
        "deliveryContext": {"channel": "Telegram", "to": "42"},
        "lastChannel": "signal", "lastTo": "+45",
    }));
    assert_eq!(route("agent:main:main", Some(&row)), to("telegram", "42"));
}

#[test]
fn else_where_it_was_last_spoken_in() {
    let row = row(json!({
        "key": "agent:main:main", "deliveryContext": {}, "lastChannel": "signal", "lastTo": "+45",
    }));
    assert_eq!(route("agent:main:main", Some(&row)), to("signal", "+45"));
}

#[test]
fn else_where_its_key_says_and_else_nowhere_outside() {
    assert_eq!(
        route("agent:main:telegram:direct:42", None),
        to("telegram", "42")
    );
    assert_eq!(
        route("agent:main:discord:channel:7:thread:9", None),
        to("discord", "7:thread:9")
    );
    for key in [
        "main",
        "global",
        "agent:main:main",
        "agent:main:telegram:other:42",
        "agent:main:telegram:direct:",
    ] {
        assert_eq!(route(key, None), nowhere(), "{key}");
    }
}

#[test]
fn the_apps_own_channel_is_not_outside() {
    let row = row(json!({"key": "agent:main:main", "lastChannel": "webchat"}));
    assert_eq!(route("agent:main:main", Some(&row)), nowhere());
}

#[test]
fn recorded_rows_have_no_outside() {
    // As the official gateway told them with no channel set up.
    let row = row(json!({
        "key": "agent:main:main", "kind": "direct", "classification": "main", "agentId": "main",
        "isMain": true, "chatType": "direct", "updatedAt": 1_795_338_952_199_u64,
    }));
    assert_eq!(route("agent:main:main", Some(&row)), nowhere());
}

#[test]
fn a_short_key_finds_its_conversation() {
    let rows = [
        row(json!({"key": "agent:main:telegram:direct:main"})),
        row(json!({"key": "agent:work:main"})),
    ];
    let found = row_of(&rows, &SessionKey::from("main")).map(|row| row.key.to_string());
    assert_eq!(found.as_deref(), Some("agent:work:main"));
    assert!(row_of(&rows, &SessionKey::from("other")).is_none());
}

#[test]
fn the_main_conversation_is_the_gateways_word() {
    let defaults = |value| serde_json::from_value::<SessionDefaults>(value).unwrap();
    let named = defaults(json!({"mainSessionKey": "agent:work:main", "scope": "per-sender"}));
    assert_eq!(
        main_session(Some(&named), &[]).to_string(),
        "agent:work:main"
    );
    let global = defaults(json!({"mainSessionKey": "agent:work:main", "scope": "global"}));
    assert_eq!(main_session(Some(&global), &[]).to_string(), "global");
    let rows = [
        row(json!({"key": "agent:main:other", "isMain": false})),
        row(json!({"key": "agent:main:main", "isMain": true})),
    ];
    assert_eq!(main_session(None, &rows).to_string(), "agent:main:main");
    assert_eq!(main_session(None, &[]).to_string(), "main");
}

#[test]
fn the_call_has_exactly_these_members() {
    let key = SessionKey::from("agent:main:telegram:direct:42");
    let params = params(&spoken(), &key, &Route::of(&key, None));
    assert_eq!(
        serde_json::to_value(&params).unwrap(),
        json!({
            "message": message("what is on today", Some("Ada's laptop")),
            "idempotencyKey": "utterance-1",
            "sessionKey": "agent:main:telegram:direct:42",
            "deliver": true,
            "channel": "telegram",
            "to": "42",
            "voiceWakeTrigger": "computer",
        })
    );
}

#[test]
fn push_to_talk_names_no_trigger_and_webchat_no_one() {
    let key = SessionKey::from("main");
    let spoken = Spoken {
        trigger: None,
        ..spoken()
    };
    let value = serde_json::to_value(params(&spoken, &key, &Route::of(&key, None))).unwrap();
    assert_eq!(value.get("deliver"), Some(&json!(false)));
    assert_eq!(value.get("to"), None);
    assert_eq!(value.get("voiceWakeTrigger"), None);
}
