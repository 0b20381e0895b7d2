//! The gateway on a real port, spoken to by our own client.

mod approvals;
mod attachments;
mod browser_page;
mod completions;
mod devices;
mod disk_trouble;
mod exec;
mod model_changes;
mod node_agents;
mod nodes;
mod people;
mod recorded;

use super::exposure::{Bind, LocalAuth, Settled, TailscaleMode};
use super::page::PageFiles;
use super::*;
use crate::agent::exec::ExecEnvironment;
use crate::client::{
    self, ClientLimits, CloseReason, Credentials, Established, HelloRequest, SessionEvent,
};
use crate::credentials::secret::GatewayToken;
use crate::device_identity::DeviceIdentity;
use crate::protocol::connect::Scope;
use crate::protocol::event::Event;
use jiff::tz::TimeZone;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

mod conformance;
mod crowd;
mod heads;
mod official_cli;
mod raw;
mod replay;
mod rfc6455;
mod small_methods;
mod vouched;

const TOKEN: &str = "a token that only this test knows";

struct Running {
    gateway: Gateway,
    folder: TempDir,
}

fn config(folder: &TempDir) -> GatewayConfig {
    GatewayConfig {
        exposure: Settled {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            bind: Bind::Loopback,
            is_exposed: false,
            auth: LocalAuth::Token(GatewayToken::new(TOKEN)),
            trusted_proxies: Vec::new(),
            tailscale: TailscaleMode::Off,
            allow_tailscale: false,
            notes: Vec::new(),
        },
        state_dir: folder.path().join("gateway"),
        workspace: folder.path().join("workspace"),
        openclaw_json: Value::Null,
        environment: BTreeMap::new(),
        tailscaled: None,
        home: Some(folder.path().to_owned()),
        programs: ExecEnvironment::of(std::env::vars()),
        approval_wait: Duration::from_secs(60),
        host: "test".to_owned(),
        time_zone: TimeZone::UTC,
        page: PageFiles::new([(
            "browser.html".into(),
            Cow::Borrowed(b"<!doctype html>".as_slice()),
        )]),
    }
}

async fn running() -> Running {
    running_with(|_| {}).await
}

async fn running_with(change: impl FnOnce(&mut GatewayConfig)) -> Running {
    let folder = TempDir::new().unwrap();
    let mut config = config(&folder);
    change(&mut config);
    let gateway = Gateway::start(config).await.unwrap();
    Running { gateway, folder }
}

impl Running {
    async fn connect(&self, seed: u64) -> Established {
        let device = DeviceIdentity::generate(&mut StdRng::seed_from_u64(seed));
        let credentials = Credentials {
            token: Some(GatewayToken::new(TOKEN)),
            ..Credentials::default()
        };
        let address = self.gateway.addresses()[0];
        let stream = TcpStream::connect(address).await.unwrap();
        client::connect(
            stream,
            &address.to_string(),
            HelloRequest::operator(Arc::new(device), credentials),
            ClientLimits::default(),
        )
        .await
        .unwrap()
    }
}

async fn next_event(established: &mut Established) -> Event {
    let news = timeout(Duration::from_secs(20), established.events.recv()).await;
    match news.unwrap().unwrap() {
        SessionEvent::Event(event) => event,
        other @ (SessionEvent::Gap { .. } | SessionEvent::Closed(_)) => panic!("{other:?}"),
    }
}

/// Waits for the end of a run and returns what it said.
async fn answer(established: &mut Established, run: &str) -> String {
    loop {
        if let Event::Chat(chat) = next_event(established).await
            && chat.run_id.as_str() == run
            && chat.state.as_str() == "final"
        {
            let message = chat.message.unwrap();
            return message.content.unwrap().text();
        }
    }
}

async fn ask(session: &client::Session, method: &str, params: Value) -> Value {
    let limit = Duration::from_secs(20);
    session.call_raw(method, params, limit).await.unwrap()
}

fn said(text: &str, key: &str) -> Value {
    json!({"sessionKey": "main", "message": text, "idempotencyKey": key})
}

#[tokio::test]
async fn our_own_client_connects_and_gets_a_device_token() {
    let running = running().await;
    let established = running.connect(1).await;

    assert_eq!(established.hello.protocol, 4);
    let auth = established.hello.auth.as_ref().unwrap();
    assert!(auth.device_token.is_some());
    assert!(
        established
            .hello
            .features
            .methods
            .contains(&"chat.send".to_owned())
    );
    running.gateway.stop().await;
}

#[tokio::test]
async fn the_helper_answers_through_the_same_path_as_a_model() {
    let running = running().await;
    let mut established = running.connect(1).await;
    let session = established.session.clone();

    let sent = ask(&session, "chat.send", said("hello", "k1")).await;
    assert_eq!(sent, json!({"runId": "k1", "status": "started"}));
    let text = answer(&mut established, "k1").await;
    assert!(text.contains("No AI model"), "{text}");

    let again = ask(&session, "chat.send", said("hello", "k1")).await;
    assert_eq!(again["status"], "ok");
    let history = ask(&session, "chat.history", json!({"sessionKey": "main"})).await;
    let roles: Vec<&str> = history["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["user", "assistant"]);
    assert_eq!(history["messages"][0]["idempotencyKey"], "k1:user");
    running.gateway.stop().await;
}

#[tokio::test]
async fn what_the_helper_says_of_the_gateway_changes_with_the_gateway() {
    let running = running().await;
    let mut established = running.connect(1).await;
    let session = established.session.clone();
    ask(&session, "chat.send", said("status", "k1")).await;
    let before = answer(&mut established, "k1").await;
    let _second = running.connect(2).await;

    ask(&session, "chat.send", said("status", "k2")).await;
    let after = answer(&mut established, "k2").await;

    assert!(before.contains("one client and"), "{before}");
    assert!(after.contains("two clients and"), "{after}");
    running.gateway.stop().await;
}

/// The official terminal UI would show the answer twice and wait for the end of the second.
#[tokio::test]
async fn an_answer_is_in_the_history_or_goes_on_and_never_both() {
    let running = running().await;
    let mut established = running.connect(1).await;
    let session = established.session.clone();
    let history = || ask(&session, "chat.history", json!({"sessionKey": "main"}));
    for turn in 0..10 {
        let run = format!("k{turn}");
        ask(&session, "chat.send", said("status", &run)).await;
        loop {
            let told = history().await;
            let messages = told["messages"].as_array().unwrap();
            // The question, the call of a tool, its result, the answer.
            let is_answered = messages.len() == 4 * (turn + 1);
            assert!(
                !is_answered || told.get("inFlightRun").is_none(),
                "{}",
                told["inFlightRun"]
            );
            if is_answered {
                break;
            }
        }
        answer(&mut established, &run).await;
        assert!(history().await.get("inFlightRun").is_none());
    }
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_message_waits_or_is_in_the_history_and_never_both_or_neither() {
    let running = running().await;
    let session = running.connect(1).await.session;
    let mut sent: Vec<String> = Vec::new();
    for turn in 0..15 {
        for part in ["a", "b", "c"] {
            let run = format!("k{turn}{part}");
            ask(&session, "chat.send", said("time", &run)).await;
            sent.push(run);
        }
        loop {
            let told = ask(&session, "chat.history", json!({"sessionKey": "main"})).await;
            let pending = told["pendingInputs"]["items"].as_array().unwrap();
            let messages = told["messages"].as_array().unwrap();
            // Windows show what waits by its message.
            for item in pending {
                assert_eq!(item["message"]["content"], "time", "{item}");
                assert_eq!(item["state"], "queued", "{item}");
            }
            for run in &sent {
                let key = format!("{run}:user");
                let waits = pending.iter().filter(|item| item["runId"] == run.as_str());
                let is_said = messages
                    .iter()
                    .filter(|m| m["idempotencyKey"] == key.as_str());
                assert_eq!(waits.count() + is_said.count(), 1, "{run}: {told}");
            }
            if pending.is_empty() && told.get("inFlightRun").is_none() {
                break;
            }
        }
    }
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_run_that_has_ended_is_told_however_short_the_wait() {
    let running = running().await;
    let mut established = running.connect(1).await;
    let session = established.session.clone();
    ask(&session, "chat.send", said("time", "k1")).await;
    answer(&mut established, "k1").await;

    let told = ask(
        &session,
        "agent.wait",
        json!({"runId": "k1", "timeoutMs": 0}),
    )
    .await;

    assert_eq!(told["status"], "ok", "{told}");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_what_was_acknowledged() {
    let Running { gateway, folder } = running().await;
    let running = Running { gateway, folder };
    let mut established = running.connect(1).await;
    let session = established.session.clone();
    ask(&session, "chat.send", said("time", "k1")).await;
    answer(&mut established, "k1").await;
    running.gateway.stop().await;

    let gateway = Gateway::start(config(&running.folder)).await.unwrap();
    let running = Running {
        gateway,
        folder: running.folder,
    };
    let established = running.connect(1).await;
    let history = ask(
        &established.session,
        "chat.history",
        json!({"sessionKey": "main"}),
    )
    .await;
    assert_eq!(history["messages"].as_array().unwrap().len(), 2);
    running.gateway.stop().await;
}

#[tokio::test]
async fn at_a_stop_everybody_is_told_and_closed_with_1012() {
    let running = running().await;
    let mut established = running.connect(1).await;
    let session = established.session.clone();

    running.gateway.stop().await;

    loop {
        if let Event::Shutdown(shutdown) = next_event(&mut established).await {
            assert_eq!(shutdown.reason, "gateway stopping");
            break;
        }
    }
    let reason = session.closed().await;
    assert!(matches!(reason, CloseReason::Restart { .. }), "{reason:?}");
}
