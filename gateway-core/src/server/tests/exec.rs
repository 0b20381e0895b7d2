//! Programs that agents run on this computer: asked for by a scripted model, decided about by
//! operators.

use super::people::*;
use super::*;
use crate::agent::provider::tests::server::{Answer, Server, body};

/// A model that asks for one tool and then says that it has done so.
pub(super) async fn model_that_asks(tool: &str, arguments: &Value) -> Server {
    let call = json!({
        "index": 0, "id": "call_1", "type": "function",
        "function": {"name": tool, "arguments": arguments.to_string()},
    });
    let delta = |delta: Value, end: Value| json!({"choices": [{"index": 0, "delta": delta, "finish_reason": end}]});
    Server::answering([
        Answer::sse(&[
            delta(json!({"tool_calls": [call]}), Value::Null),
            delta(json!({}), json!("tool_calls")),
        ]),
        Answer::text("The tool has answered."),
    ])
    .await
}

/// A configuration whose default model is one of this server's.
pub(super) fn asking(server: &Server) -> Value {
    let base = format!("http://{}/v1", server.address());
    json!({
        "agents": {"defaults": {"model": {"primary": "mock/m"}}},
        "models": {"providers": {"mock": {
            "baseUrl": base, "api": "openai-completions", "models": [{"id": "m"}],
        }}},
    })
}

async fn running_asking(arguments: Value) -> (Running, Server) {
    let server = model_that_asks("exec", &arguments).await;
    let config = asking(&server);
    (
        running_with(|settings| settings.openclaw_json = config).await,
        server,
    )
}

/// An operator who is told of tools.
async fn watcher(running: &Running, seed: u64) -> Established {
    running
        .hello(HelloRequest {
            scopes: ADMIN.to_vec(),
            caps: vec!["tool-events".to_owned()],
            ..HelloRequest::operator(device(seed), token())
        })
        .await
}

/// Waits for the end of a run and returns every agent event's stream and data until then.
async fn agent_events(established: &mut Established, run: &str) -> Vec<(String, Value)> {
    let mut heard = Vec::new();
    loop {
        let event = next_event(established).await;
        let payload = event.to_payload();
        if payload["runId"] != run {
            continue;
        }
        if event.name() == "agent" {
            let stream = payload["stream"].as_str().unwrap().to_owned();
            heard.push((stream, payload["data"].clone()));
        } else if payload["state"] == "final" || payload["state"] == "error" {
            return heard;
        }
    }
}

/// Returns what the model was told the tool answered.
fn told_to_model(server: &Server) -> String {
    let asked = body(server.requests().last().unwrap());
    let last = asked["messages"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(last["role"], "tool", "{asked}");
    last["content"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_approved_program_runs_and_its_output_reaches_the_model_and_the_watchers() {
    let (running, server) = running_asking(json!({"command": ["echo", "needs approval"]})).await;
    let mut admin = watcher(&running, 1).await;
    let session = admin.session.clone();
    ask(&session, "chat.send", said("go", "k1")).await;

    let asked = event(&mut admin, "exec.approval.requested").await;
    let request = &asked["request"];
    assert_eq!(request["commandArgv"], json!(["echo", "needs approval"]));
    assert_eq!(request["command"], r#"echo "needs approval""#);
    assert_eq!(request["host"], "gateway");
    assert_eq!(request["runId"], "k1");
    assert_eq!(request["toolCallId"], "call_1");
    let folder = running.folder.path().join("workspace");
    assert_eq!(request["cwd"], json!(folder.canonicalize().unwrap()));
    assert!(request["resolvedPath"].as_str().unwrap().starts_with('/'));
    let waits = loop {
        let heard = event(&mut admin, "agent").await;
        if heard["data"]["phase"] == "waiting-approval" {
            break heard;
        }
    };
    assert_eq!(
        waits["data"],
        json!({"phase": "waiting-approval", "approvalId": asked["id"], "toolCallId": "call_1"})
    );
    let decision = json!({"id": asked["id"], "decision": "allow-once"});
    ask(&session, "exec.approval.resolve", decision).await;

    let heard = agent_events(&mut admin, "k1").await;
    assert_eq!(heard[0].1["phase"], "approval-resolved");
    assert_eq!(heard[0].1["approvalId"], asked["id"]);
    let of = |stream: &str, phase: &str| {
        heard
            .iter()
            .find(|(name, data)| name == stream && data["phase"] == phase)
            .map(|(_, data)| data.clone())
            .unwrap_or_else(|| panic!("no {stream} {phase} in {heard:?}"))
    };
    let recorded = crate::protocol::recordings::frames();
    let recorded = |stream: &str, phase: &str| {
        recorded
            .iter()
            .filter(|frame| frame.file == "chat-exec-approval-turn.jsonl")
            .map(|frame| &frame.value["payload"])
            .find(|payload| payload["stream"] == stream && payload["data"]["phase"] == phase)
            .map(|payload| payload["data"].clone())
            .unwrap()
    };
    let details = &of("tool", "result")["result"]["details"];
    let members = |value: &Value| -> Vec<String> {
        let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(
        members(details),
        members(&recorded("tool", "result")["result"]["details"])
    );
    assert_eq!(details["exitCode"], 0);
    assert_eq!(details["aggregated"], "needs approval");
    let end = of("command_output", "end");
    assert_eq!(members(&end), members(&recorded("command_output", "end")));
    assert_eq!(end["output"], "needs approval");
    assert_eq!(told_to_model(&server), "needs approval");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_denied_program_does_not_run_and_the_model_is_told() {
    let (running, server) = running_asking(json!({"command": ["touch", "made"]})).await;
    let mut admin = watcher(&running, 1).await;
    let session = admin.session.clone();
    ask(&session, "chat.send", said("go", "k1")).await;
    let asked = event(&mut admin, "exec.approval.requested").await;
    let decision = json!({"id": asked["id"], "decision": "deny"});
    ask(&session, "exec.approval.resolve", decision).await;

    agent_events(&mut admin, "k1").await;

    assert!(told_to_model(&server).contains("a person denied it"));
    assert!(!running.folder.path().join("workspace/made").exists());
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_program_nobody_decides_about_in_time_does_not_run() {
    let server = model_that_asks("exec", &json!({"command": ["touch", "made"]})).await;
    let config = asking(&server);
    let running = running_with(|settings| {
        settings.openclaw_json = config;
        settings.approval_wait = Duration::from_millis(50);
    })
    .await;
    let mut admin = watcher(&running, 1).await;
    ask(&admin.session.clone(), "chat.send", said("go", "k1")).await;

    let heard = agent_events(&mut admin, "k1").await;

    assert!(
        heard
            .iter()
            .any(|(_, data)| data["phase"] == "approval-resolved")
    );
    assert!(told_to_model(&server).contains("nobody approved it in time"));
    assert!(!running.folder.path().join("workspace/made").exists());
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_stopped_run_ends_its_program() {
    let (running, _server) = running_asking(json!({
        "command": ["sh", "-c", "echo $$ > pid; exec sleep 600"],
    }))
    .await;
    let mut admin = watcher(&running, 1).await;
    let session = admin.session.clone();
    ask(&session, "chat.send", said("go", "k1")).await;
    let asked = event(&mut admin, "exec.approval.requested").await;
    // What a shell is given can be anything, so it is not allowed for good.
    assert_eq!(
        asked["request"]["allowedDecisions"],
        json!(["allow-once", "deny"])
    );
    let decision = json!({"id": asked["id"], "decision": "allow-once"});
    ask(&session, "exec.approval.resolve", decision).await;
    let file = running.folder.path().join("workspace/pid");
    let pid = within(|| {
        let text = std::fs::read_to_string(&file).ok()?;
        text.strip_suffix('\n')?.parse::<u32>().ok()
    })
    .await;

    ask(&session, "chat.abort", json!({"sessionKey": "main"})).await;

    let process = std::path::PathBuf::from(format!("/proc/{pid}"));
    within(|| (!process.exists()).then_some(())).await;
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_that_stops_ends_the_programs_it_started() {
    let (running, _server) = running_asking(json!({
        "command": ["sh", "-c", "sleep 600 & echo $! > pid; wait"],
    }))
    .await;
    let mut admin = watcher(&running, 1).await;
    let session = admin.session.clone();
    ask(&session, "chat.send", said("go", "k1")).await;
    let asked = event(&mut admin, "exec.approval.requested").await;
    let decision = json!({"id": asked["id"], "decision": "allow-once"});
    ask(&session, "exec.approval.resolve", decision).await;
    let file = running.folder.path().join("workspace/pid");
    let pid = within(|| {
        let text = std::fs::read_to_string(&file).ok()?;
        text.strip_suffix('\n')?.parse::<u32>().ok()
    })
    .await;

    running.gateway.stop().await;

    let process = std::path::PathBuf::from(format!("/proc/{pid}"));
    within(|| (!process.exists()).then_some(())).await;
}

/// Waits until there is something.
async fn within<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), looking).await.unwrap()
}

#[tokio::test]
async fn what_is_allowed_for_good_is_exactly_that_and_the_configuration_can_be_stricter() {
    let running = running().await;
    let mut admin = watcher(&running, 1).await;
    let session = admin.session.clone();
    ask(&session, "chat.send", said("run echo one", "k1")).await;
    let asked = event(&mut admin, "exec.approval.requested").await;
    let decision = json!({"id": asked["id"], "decision": "allow-always"});
    ask(&session, "exec.approval.resolve", decision).await;
    let text = answer(&mut admin, "k1").await;
    assert!(text.contains("one"), "{text}");

    // The same words: nobody is asked. Others: somebody is.
    ask(&session, "chat.send", said("run echo one", "k2")).await;
    let heard = agent_events(&mut admin, "k2").await;
    assert!(
        !heard
            .iter()
            .any(|(_, data)| data["phase"] == "waiting-approval")
    );
    ask(&session, "chat.send", said("run echo one two", "k3")).await;
    let asked = event(&mut admin, "exec.approval.requested").await;
    let decision = json!({"id": asked["id"], "decision": "deny"});
    ask(&session, "exec.approval.resolve", decision).await;
    agent_events(&mut admin, "k3").await;

    // Stricter rules hold from the next run on, whatever was allowed.
    let shown = ask(&session, "config.get", json!({})).await;
    let raw = "{tools: {exec: {ask: 'always'}}}";
    let change = json!({"raw": raw, "baseHash": shown["hash"]});
    ask(&session, "config.patch", change).await;
    ask(&session, "chat.send", said("run echo one", "k4")).await;
    let asked = event(&mut admin, "exec.approval.requested").await;
    assert_eq!(
        asked["request"]["allowedDecisions"],
        json!(["allow-once", "deny"])
    );
    let decision = json!({"id": asked["id"], "decision": "allow-once"});
    ask(&session, "exec.approval.resolve", decision).await;
    agent_events(&mut admin, "k4").await;
    let shown = ask(&session, "config.get", json!({})).await;
    let raw = "{tools: {exec: {security: 'deny'}}}";
    let change = json!({"raw": raw, "baseHash": shown["hash"]});
    ask(&session, "config.patch", change).await;
    ask(&session, "chat.send", said("run echo one", "k5")).await;
    let text = answer(&mut admin, "k5").await;
    assert!(text.contains("not available"), "{text}");
    running.gateway.stop().await;
}
