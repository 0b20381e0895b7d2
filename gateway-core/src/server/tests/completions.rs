//! `/v1/chat/completions` on the real port, in raw HTTP.

use super::exec::{asking, model_that_asks};
use super::people::*;
use super::raw::{Raw, Reply, http};
use super::*;
use crate::agent::provider::tests::server::{Answer, Server, body};

fn enabled() -> Value {
    json!({"gateway": {"http": {"endpoints": {"chatCompletions": {"enabled": true}}}}})
}

async fn serving(models: Option<&Server>) -> Running {
    let mut config = enabled();
    if let Some(server) = models {
        let models = asking(server);
        config["agents"] = models["agents"].clone();
        config["models"] = models["models"].clone();
    }
    running_with(|settings| settings.openclaw_json = config).await
}

/// A request as it goes over the wire, with these further fields, each ended with CRLF.
fn request(address: SocketAddr, line: &str, fields: &str, body: &str) -> Vec<u8> {
    format!(
        "{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{fields}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn key() -> String {
    format!("Authorization: Bearer {TOKEN}\r\n")
}

const COMPLETIONS: &str = "POST /v1/chat/completions";

impl Running {
    async fn complete(&self, fields: &str, body: &Value) -> Reply {
        let address = self.gateway.addresses()[0];
        http(
            address,
            &request(address, COMPLETIONS, fields, &body.to_string()),
        )
        .await
    }
}

fn hej() -> Value {
    json!({"model": "openclaw", "messages": [{"role": "user", "content": "hello"}]})
}

/// Returns the JSON of a reply, whose body may come in chunks.
fn json_of(reply: &Reply) -> Value {
    serde_json::from_str(&unchunked(reply)).unwrap_or_else(|_| panic!("{}", reply.body))
}

fn unchunked(reply: &Reply) -> String {
    if reply.field("transfer-encoding") != Some("chunked") {
        return reply.body.clone();
    }
    let mut whole = String::new();
    let mut rest = reply.body.as_str();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        whole.push_str(&after[..length]);
        rest = &after[length + 2..];
    }
    whole
}

/// Returns the data of every server-sent event.
fn events_of(reply: &Reply) -> Vec<String> {
    unchunked(reply)
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("data: ").map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn nothing_is_served_unless_the_configuration_says_so() {
    let running = running().await;
    let address = running.gateway.addresses()[0];

    assert_eq!(running.complete(&key(), &hej()).await.status, 404);
    let models = request(address, "GET /v1/models", &key(), "");
    assert_eq!(http(address, &models).await.status, 404);
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_completion_is_the_answer_of_a_run_and_stays_in_the_transcript() {
    let running = serving(None).await;
    let session = running.connect(1).await.session;
    let mut asked = hej();
    asked["user"] = json!("ada");

    let reply = running.complete(&key(), &asked).await;

    assert_eq!(reply.status, 200, "{}", reply.body);
    let answer = json_of(&reply);
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "openclaw");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains("No AI model"), "{text}");
    assert!(answer["usage"]["total_tokens"].is_u64());
    assert!(answer["id"].as_str().unwrap().starts_with("chatcmpl_"));

    // The same user goes on in the same conversation, and each without one in a new one.
    running.complete(&key(), &asked).await;
    running.complete(&key(), &hej()).await;
    let history = json!({"sessionKey": "agent:main:openai-user:ada"});
    let history = ask(&session, "chat.history", history).await;
    assert_eq!(history["messages"].as_array().unwrap().len(), 4);
    assert_eq!(history["messages"][0]["content"], "hello");
    assert_eq!(history["messages"][1]["content"][0]["text"], text);
    let listed = ask(&session, "sessions.list", json!({})).await;
    let keys: Vec<&str> = listed["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(keys.iter().any(|key| key.starts_with("agent:main:openai:")));
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_streamed_completion_says_the_same_piece_by_piece() {
    let server = Server::answering([Answer::text("One two three.")]).await;
    let running = serving(Some(&server)).await;
    let mut asked = hej();
    asked["stream"] = json!(true);
    asked["stream_options"] = json!({"include_usage": true});

    let reply = running.complete(&key(), &asked).await;

    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(
        reply
            .field("content-type")
            .unwrap()
            .starts_with("text/event-stream")
    );
    let mut events = events_of(&reply);
    assert_eq!(events.pop().unwrap(), "[DONE]");
    let events: Vec<Value> = events
        .iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    assert_eq!(
        events[0]["choices"][0]["delta"],
        json!({"role": "assistant"})
    );
    let text: String = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, "One two three.");
    let [.., last, usage] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(usage["choices"], json!([]));
    assert!(usage["usage"]["prompt_tokens"].is_u64());
    let ids: std::collections::BTreeSet<&str> = events
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 1);
    running.gateway.stop().await;
}

#[tokio::test]
async fn only_the_gateways_secret_is_a_key_and_wrong_ones_are_counted_for_pages() {
    let running = serving(None).await;
    let unauthorized = json!({"error": {"message": "Unauthorized", "type": "unauthorized"}});
    let twice = format!("{}{}", key(), key());
    for fields in [
        "",
        "Authorization: Bearer wrong\r\n",
        "Authorization: Bearer\r\n",
        "Authorization: Basic dXNlcjpwYXNz\r\n",
        twice.as_str(),
    ] {
        let reply = running.complete(fields, &hej()).await;
        assert_eq!(
            (reply.status, json_of(&reply)),
            (401, unauthorized.clone()),
            "{fields}"
        );
    }
    let lower = format!("authorization: bearer {TOKEN}\r\n");
    assert_eq!(running.complete(&lower, &hej()).await.status, 200);

    // A page of this computer is locked after ten wrong keys, with the right one too.
    let address = running.gateway.addresses()[0];
    let page = format!("Origin: http://{address}\r\n");
    let wrong = format!("{page}Authorization: Bearer wrong\r\n");
    for _ in 0..limiter::MAX_FAILURES {
        assert_eq!(running.complete(&wrong, &hej()).await.status, 401);
    }
    let locked = running.complete(&format!("{page}{}", key()), &hej()).await;
    assert_eq!(locked.status, 429);
    assert_eq!(json_of(&locked)["error"]["type"], "rate_limited");
    let seconds: u64 = locked.field("retry-after").unwrap().parse().unwrap();
    assert!((1..=300).contains(&seconds), "{seconds}");
    running.gateway.stop().await;
}

#[tokio::test]
async fn strange_hosts_and_pages_are_refused_before_a_key_is_looked_at() {
    let running = serving(None).await;
    let address = running.gateway.addresses()[0];
    let body = hej().to_string();

    let rebound = String::from_utf8(request(address, COMPLETIONS, &key(), &body)).unwrap();
    let rebound = rebound.replace(&format!("Host: {address}"), "Host: evil.example");
    assert_eq!(http(address, rebound.as_bytes()).await.status, 421);
    let evil = format!("Origin: https://evil.example\r\n{}", key());
    assert_eq!(running.complete(&evil, &hej()).await.status, 403);
    let forwarded = format!("X-Forwarded-For: 10.0.0.9\r\n{}", key());
    assert_eq!(running.complete(&forwarded, &hej()).await.status, 403);
    running.gateway.stop().await;
}

#[tokio::test]
async fn what_is_not_understood_is_said_in_openais_shape() {
    let running = serving(None).await;
    let address = running.gateway.addresses()[0];
    for (asked, words) in [
        (
            json!({"model": "gpt-5", "messages": hej()["messages"]}),
            "Invalid `model`",
        ),
        (
            json!({"model": "openclaw/ghost", "messages": hej()["messages"]}),
            "no agent",
        ),
        (
            json!({"model": "openclaw", "messages": []}),
            "Missing user message",
        ),
        (json!({"messages": 7}), "not understood"),
    ] {
        let reply = running.complete(&key(), &asked).await;
        let error = json_of(&reply);
        assert_eq!(reply.status, 400, "{error}");
        assert_eq!(error["error"]["type"], "invalid_request_error");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    for (line, status) in [
        ("GET /v1/chat/completions", 405),
        ("POST /v1/models", 405),
        ("GET /v1/models/gpt-5", 404),
        ("GET /v1/models/openclaw/main", 200),
    ] {
        let reply = http(address, &request(address, line, &key(), "")).await;
        assert_eq!(reply.status, status, "{line}");
    }
    let listed = http(address, &request(address, "GET /v1/models", &key(), "")).await;
    let listed = json_of(&listed);
    let ids: Vec<&str> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["openclaw", "openclaw/default", "openclaw/main"]);
    let mut raw = Raw::dial(address).await;
    let huge = format!(
        "{COMPLETIONS} HTTP/1.1\r\nHost: {address}\r\n{}Content-Length: 9000000\r\n\r\n",
        key()
    );
    raw.send(huge.as_bytes()).await;
    raw.send(&vec![b' '; 9_000_000]).await;
    assert_eq!(raw.head().await.status, 413);
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_model_that_fails_is_an_error_in_both_forms() {
    let refusal = || Answer::json(401, r#"{"error":{"message":"bad key"}}"#);
    let server = Server::answering([refusal(), refusal()]).await;
    let running = serving(Some(&server)).await;

    let reply = running.complete(&key(), &hej()).await;
    assert_eq!(reply.status, 500);
    let error = json_of(&reply);
    assert_eq!(error["error"]["type"], "api_error");
    assert!(
        error["error"]["message"]
            .as_str()
            .unwrap()
            .contains("bad key"),
        "{error}"
    );
    let mut asked = hej();
    asked["stream"] = json!(true);
    let events = events_of(&running.complete(&key(), &asked).await);
    let [_, error, done] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert!(error.contains("bad key") && done == "[DONE]", "{error}");
    running.gateway.stop().await;
}

#[tokio::test]
async fn who_hangs_up_stops_the_run() {
    let server = Server::answering([Answer::stalled(
        "text/event-stream",
        vec![b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hm\"}}]}\n\n".to_vec()],
    )])
    .await;
    let running = serving(Some(&server)).await;
    let mut watcher = running.operator(1, &ADMIN).await;
    let address = running.gateway.addresses()[0];
    let mut asked = hej();
    asked["stream"] = json!(true);
    let mut raw = Raw::dial(address).await;
    raw.send(&request(address, COMPLETIONS, &key(), &asked.to_string()))
        .await;
    loop {
        let chat = event(&mut watcher, "chat").await;
        if chat["state"] == "delta" {
            break;
        }
    }

    drop(raw);

    loop {
        let chat = event(&mut watcher, "chat").await;
        if chat["state"] == "aborted" {
            break;
        }
    }
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_tool_in_a_completion_takes_the_same_approval() {
    let server = model_that_asks("exec", &json!({"command": ["echo", "from exec"]})).await;
    let running = serving(Some(&server)).await;
    let mut admin = running.operator(1, &ADMIN).await;
    let session = admin.session.clone();
    let address = running.gateway.addresses()[0];
    let mut raw = Raw::dial(address).await;
    raw.send(&request(address, COMPLETIONS, &key(), &hej().to_string()))
        .await;

    let asked = event(&mut admin, "exec.approval.requested").await;
    let decision = json!({"id": asked["id"], "decision": "allow-once"});
    ask(&session, "exec.approval.resolve", decision).await;

    let answer = json_of(&raw.reply().await);
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        "The tool has answered."
    );
    let last = body(server.requests().last().unwrap());
    assert!(last.to_string().contains("from exec"));
    running.gateway.stop().await;
}
