//! The writing task over a real file.

use super::*;
use gateway_core::config::{Environment, Platform};
use std::ffi::OsString;
use tempfile::TempDir;

fn home() -> ProfileId {
    ProfileId::parse("home").unwrap()
}

fn places(folder: &TempDir) -> Places {
    let variable = OsString::from("OPENCLAW_TRAY_DATA_DIR");
    let environment = Environment::new(
        [(variable, folder.path().join("data").into_os_string())],
        Some(folder.path().to_owned()),
        Platform::Xdg,
    );
    Places::find(&environment).unwrap()
}

fn said(text: &str) -> ChatHistoryPayload {
    let payload = serde_json::json!({
        "sessionKey": "main",
        "messages": [{"role": "user", "content": text}],
        "somethingNewer": {"kept": true},
    });
    serde_json::from_value(payload).unwrap()
}

#[tokio::test]
async fn what_was_typed_and_said_last_is_there_in_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let chats = open(&places(&folder)).await;
    let port = start(chats.clone());
    for text in ["D", "De", "Dear"] {
        port.keep_draft(&home(), "main", text);
    }
    port.keep_history(&home(), "main", &said("Hello"));
    port.settle().await;
    chats.unwrap().close().await;

    let chats = open(&places(&folder)).await;
    let left = left(chats.as_ref()).await;
    let port = start(chats);

    assert_eq!(left.drafts.len(), 1);
    assert_eq!(left.drafts[0].text, "Dear");
    let kept = port.history(&home(), "main").await.unwrap();
    assert_eq!(kept.payload, said("Hello"));
    assert!(kept.as_of_ms > 0);
}

#[tokio::test]
async fn a_conversation_is_found_by_either_of_its_keys_as_it_was_last() {
    let folder = tempfile::tempdir().unwrap();
    let chats = open(&places(&folder)).await;
    let port = start(chats.clone());
    port.keep_history(&home(), "main", &said("Hello"));
    port.keep_draft(&home(), "main", "Dear");
    port.settle().await;
    port.keep_history(&home(), "agent:main:main", &said("Good bye"));
    port.keep_draft(&home(), "agent:main:main", "");
    port.settle().await;

    for key in ["main", "agent:main:main"] {
        let kept = port.history(&home(), key).await.unwrap();
        assert_eq!(kept.payload, said("Good bye"), "{key}");
    }
    // Of another agent the short name means another conversation.
    assert!(port.history(&home(), "agent:work:main").await.is_none());
    assert_eq!(left(chats.as_ref()).await.drafts, []);
}

#[tokio::test]
async fn a_gateway_that_is_forgotten_stays_so_though_something_was_typed_just_before() {
    let folder = tempfile::tempdir().unwrap();
    let chats = open(&places(&folder)).await;
    let port = start(chats.clone());
    port.keep_history(&home(), "main", &said("Hello"));
    port.keep_draft(&home(), "main", "Dear");
    port.forget_gateway(&home());
    port.settle().await;

    assert!(port.history(&home(), "main").await.is_none());
    assert_eq!(left(chats.as_ref()).await.drafts, []);
}

#[tokio::test]
async fn forgetting_comes_after_what_was_told_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let port = start(open(&places(&folder)).await);
    port.keep_history(&home(), "main", &said("Hello"));

    assert!(port.forget_histories().await.is_ok());

    assert!(port.history(&home(), "main").await.is_none());
}

#[tokio::test]
async fn without_a_file_nothing_is_kept_and_nothing_fails() {
    let port = start(None);
    port.keep_draft(&home(), "main", "Dear");
    port.keep_history(&home(), "main", &said("Hello"));

    assert!(port.history(&home(), "main").await.is_none());
    assert!(port.forget_histories().await.is_ok());
    port.settle().await;
}
