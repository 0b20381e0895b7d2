//! Another model without a restart: by the configuration, and for one conversation.

use super::people::*;
use super::*;
use crate::agent::provider::tests::server::{Answer, Server};

fn provider(server: &Server) -> Value {
    json!({
        "baseUrl": format!("http://{}/v1", server.address()), "api": "openai-completions",
        "models": [{"id": "m"}],
    })
}

async fn patch(session: &client::Session, change: &Value) -> Value {
    let shown = ask(session, "config.get", json!({})).await;
    let params = json!({"raw": change.to_string(), "baseHash": shown["hash"]});
    ask(session, "config.patch", params).await
}

async fn says(established: &mut Established, key: &str) -> String {
    let session = established.session.clone();
    ask(&session, "chat.send", said("hello", key)).await;
    answer(established, key).await
}

#[tokio::test]
async fn a_model_that_is_configured_answers_the_next_message() {
    let one = Server::answering([Answer::text("I am one."), Answer::text("One again.")]).await;
    let two = Server::answering([Answer::text("I am two."), Answer::text("Two again.")]).await;
    let running = running().await;
    let mut admin = running.operator(1, &ADMIN).await;
    let session = admin.session.clone();
    assert!(says(&mut admin, "k1").await.contains("No AI model"));

    let both = json!({
        "models": {"providers": {"one": provider(&one), "two": provider(&two)}},
        "agents": {"defaults": {"model": {"primary": "one/m"}}},
    });
    let changed = patch(&session, &both).await;
    assert_eq!(changed["restart"]["required"], false);
    assert_eq!(says(&mut admin, "k2").await, "I am one.");
    let listed = ask(&session, "models.list", json!({})).await;
    assert_eq!(listed["models"][0]["tags"], json!(["default"]));

    patch(
        &session,
        &json!({"agents": {"defaults": {"model": {"primary": "two/m"}}}}),
    )
    .await;
    assert_eq!(says(&mut admin, "k3").await, "I am two.");

    // One conversation may differ, and again as soon as it is said.
    let chosen = json!({"key": "main", "model": "one/m"});
    ask(&session, "sessions.patch", chosen).await;
    assert_eq!(says(&mut admin, "k4").await, "One again.");
    let unchosen = json!({"key": "main", "model": null});
    ask(&session, "sessions.patch", unchosen).await;
    assert_eq!(says(&mut admin, "k5").await, "Two again.");

    // What is taken away is gone at once too.
    let without = json!({"agents": {"defaults": {"model": null}}, "models": null});
    patch(&session, &without).await;
    assert!(says(&mut admin, "k6").await.contains("No AI model"));
    running.gateway.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_in_a_file_is_sent_once_the_file_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::answering([Answer::text("Hej.")]).await;
    let running = running().await;
    let mut admin = running.operator(1, &ADMIN).await;
    let session = admin.session.clone();
    let file = running.folder.path().join("keys.json");
    std::fs::write(&file, r#"{"providers": {"mock": {"apiKey": "sk-canary"}}}"#).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut mock = provider(&server);
    mock["apiKey"] = json!({"source": "file", "provider": "mine", "id": "/providers/mock/apiKey"});
    let change = json!({
        "secrets": {"providers": {"mine": {"source": "file", "path": "~/keys.json"}}},
        "models": {"providers": {"mock": mock}},
        "agents": {"defaults": {"model": {"primary": "mock/m"}}},
    });
    patch(&session, &change).await;
    ask(&session, "chat.send", said("hello", "k1")).await;
    let failed = loop {
        let chat = event(&mut admin, "chat").await;
        if chat["state"] == "error" {
            break chat["errorMessage"].as_str().unwrap().to_owned();
        }
    };
    assert!(failed.contains("models.providers.mock.apiKey"), "{failed}");
    assert!(
        failed.contains("chmod 600") && !failed.contains("canary"),
        "{failed}"
    );

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    // Any change has the files read anew.
    patch(
        &session,
        &json!({"models": {"providers": {"mock": {"models": [{"id": "m", "name": "M"}]}}}}),
    )
    .await;
    assert_eq!(says(&mut admin, "k2").await, "Hej.");
    let sent = server.requests()[0].to_lowercase();
    assert!(sent.contains("authorization: bearer sk-canary"), "{sent}");
    running.gateway.stop().await;
}
