//! Methods beside conversations: configuration, log, what happened outside.

use super::*;
use crate::client::CallError;
use tracing::info;

/// A session that may do what daily use does not: change the configuration.
async fn admin(running: &Running) -> Established {
    let device = DeviceIdentity::generate(&mut StdRng::seed_from_u64(9));
    let credentials = Credentials {
        token: Some(GatewayToken::new(TOKEN)),
        ..Credentials::default()
    };
    let mut hello = HelloRequest::operator(Arc::new(device), credentials);
    hello.scopes.push(Scope::Admin);
    let address = running.gateway.addresses()[0];
    let stream = TcpStream::connect(address).await.unwrap();
    client::connect(stream, &address.to_string(), hello, ClientLimits::default())
        .await
        .unwrap()
}

async fn refused(session: &client::Session, method: &str, params: Value) -> String {
    let limit = Duration::from_secs(20);
    match session.call_raw(method, params, limit).await {
        Err(CallError::Refused { error, .. }) => error.message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_changed_configuration_holds_after_a_restart_and_openclaw_json_is_not_asked_again() {
    let running = running().await;
    let session = admin(&running).await.session;
    let shown = ask(&session, "config.get", json!({})).await;
    let raw = json!({"agents": {"defaults": {"model": {"primary": "mock/m"}}},
        "models": {"providers": {"mock": {"baseUrl": "http://127.0.0.1:1/v1", "apiKey": "canary",
            "api": "openai-completions", "models": [{"id": "m", "name": "M"}]}}}})
    .to_string();
    let change = json!({"raw": raw, "baseHash": shown["hash"]});

    let changed = ask(&session, "config.patch", change.clone()).await;

    assert_eq!(changed["restart"]["required"], false);
    assert!(!changed.to_string().contains("canary"), "{changed}");
    let again = refused(&session, "config.patch", change).await;
    assert!(again.contains("config changed"), "{again}");
    let hash = json!({"raw": "{models: {providers: 7}}", "baseHash": changed["hash"]});
    let wrong = refused(&session, "config.patch", hash).await;
    assert!(wrong.contains("models.providers"), "{wrong}");

    running.gateway.stop().await;
    let gateway = Gateway::start(config(&running.folder)).await.unwrap();
    let running = Running {
        gateway,
        folder: running.folder,
    };
    let session = admin(&running).await.session;
    let agents = ask(&session, "agents.list", json!({})).await;
    assert_eq!(agents["agents"][0]["model"]["primary"], "mock/m");
    running.gateway.stop().await;
}

#[tokio::test]
async fn daily_use_reads_the_configuration_and_does_not_change_it() {
    let running = running().await;
    let session = running.connect(1).await.session;
    let shown = ask(&session, "config.get", json!({})).await;
    let change = json!({"raw": "{a: 1}", "baseHash": shown["hash"]});
    for method in ["config.patch", "config.set", "config.apply"] {
        let why = refused(&session, method, change.clone()).await;
        assert_eq!(why, "missing scope: operator.admin");
    }
    running.gateway.stop().await;
}

#[tokio::test]
async fn what_wake_reports_waits_for_the_next_message() {
    let running = running().await;
    let mut established = running.connect(1).await;
    let session = established.session.clone();
    let event = json!({"mode": "now", "text": "the oven is hot"});
    assert_eq!(ask(&session, "wake", event).await, json!({"ok": true}));
    let status = ask(&session, "status", json!({})).await;
    assert_eq!(status["queuedSystemEvents"], json!(["the oven is hot"]));

    ask(&session, "chat.send", said("hello", "k1")).await;
    answer(&mut established, "k1").await;

    let status = ask(&session, "status", json!({})).await;
    assert_eq!(status["queuedSystemEvents"], json!([]));
    let why = refused(&session, "wake", json!({"mode": "soon", "text": "x"})).await;
    assert!(why.contains("/mode"), "{why}");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_session_is_written_to_and_stopped_by_its_key() {
    let running = running().await;
    let mut established = running.connect(1).await;
    let session = established.session.clone();
    let message = json!({"key": "main", "message": "hello", "idempotencyKey": "k1"});
    let sent = ask(&session, "sessions.send", message).await;
    assert_eq!(sent, json!({"runId": "k1", "status": "started"}));
    answer(&mut established, "k1").await;

    let none = json!({"ok": true, "abortedRunId": null, "status": "no-active-run"});
    let nothing = ask(&session, "sessions.abort", json!({"runId": "unknown"})).await;
    assert_eq!(nothing, none);
    let why = refused(&session, "sessions.abort", json!({})).await;
    assert!(why.contains("key or runId"), "{why}");
    running.gateway.stop().await;
}

#[tokio::test]
async fn the_log_is_read_over_the_wire() {
    let running = running().await;
    let logbook = logbook::Logbook::default();
    logbook
        .keep_in(&running.folder.path().join("gateway"))
        .unwrap();
    let subscriber = tracing_subscriber::layer::SubscriberExt::with(
        tracing_subscriber::registry(),
        logbook.layer(),
    );
    tracing::subscriber::with_default(subscriber, || info!("something of note"));
    let session = running.connect(1).await.session;

    let tail = ask(&session, "logs.tail", json!({"limit": 5})).await;

    let line = tail["lines"][0].as_str().unwrap();
    assert!(line.contains("something of note"), "{line}");
    running.gateway.stop().await;
}
