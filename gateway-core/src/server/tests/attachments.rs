//! Files with a message, over the wire: what the history tells of them, and what it says where one is refused.

use super::*;
use crate::chat::attachments::files_of;
use crate::client::CallError;
use crate::protocol::method::chat::ChatHistoryPayload;

/// `hello notes`.
const NOTES: &str = "aGVsbG8gbm90ZXM=";

fn with(key: &str, file: Value) -> Value {
    let mut params = said("see", key);
    params["attachments"] = json!([file]);
    params
}

#[tokio::test]
async fn texts_are_named_in_the_history_and_pictures_are_in_it() {
    let running = running().await;
    let mut established = running.connect(1).await;
    let session = established.session.clone();
    let notes = json!({"type": "file", "mimeType": "text/plain", "fileName": "notes.txt", "content": NOTES});
    ask(&session, "chat.send", with("a", notes)).await;
    answer(&mut established, "a").await;
    let dot = json!({"type": "image", "mimeType": "image/png", "fileName": "dot.png", "content": "iVBORw=="});
    ask(&session, "chat.send", with("b", dot)).await;
    answer(&mut established, "b").await;

    let told = ask(
        &session,
        "chat.history",
        json!({"sessionKey": "main", "limit": 10}),
    )
    .await;
    assert!(!told.to_string().contains("hello notes"), "{told}");
    let history: ChatHistoryPayload = serde_json::from_value(told).unwrap();
    let asked = history
        .messages
        .iter()
        .filter(|message| message.role == "user");
    let asked: Vec<_> = asked.collect();
    let [file] = &files_of(asked[0])[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(
        (file.name.as_deref(), file.size),
        (Some("notes.txt"), Some(11))
    );
    let pictures = crate::chat::content::pictures_of(asked[1]);
    assert_eq!(pictures[0].data.as_deref(), Some("iVBORw=="));
}

#[tokio::test]
async fn a_file_that_no_model_reads_is_refused_by_name_and_nothing_is_stored() {
    let running = running().await;
    let session = running.connect(1).await.session;
    let archive = json!({"type": "file", "mimeType": "application/zip", "fileName": "a.zip", "content": "AAEC"});

    let limit = Duration::from_secs(20);
    match session
        .call_raw("chat.send", with("a", archive), limit)
        .await
    {
        Err(CallError::Refused { error, .. }) => {
            assert!(
                error.message.contains("\"a.zip\" cannot be used"),
                "{error:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    let told = ask(&session, "chat.history", json!({"sessionKey": "main"})).await;
    assert_eq!(told["messages"], json!([]));
}
