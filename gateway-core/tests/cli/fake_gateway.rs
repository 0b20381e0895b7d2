//! A gateway of a few lines, for what a real one cannot be made to do on demand.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

/// How the gateway answers a method: payload or error.
type Answer = fn(method: &str, scopes: &[String]) -> Result<Value, Value>;

/// A gateway on a port of its own that writes down what it is asked.
pub(crate) struct FakeGateway {
    pub(crate) port: u16,
    frames: Arc<Mutex<Vec<Value>>>,
    _runtime: tokio::runtime::Runtime,
}

impl FakeGateway {
    /// Starts a gateway that takes `token` and answers by `answer`.
    pub(crate) fn start(token: &'static str, answer: Answer) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let frames = Arc::<Mutex<Vec<Value>>>::default();
        let log = Arc::clone(&frames);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, token, answer, Arc::clone(&log)));
            }
        });
        Self {
            port,
            frames,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Returns every frame a client sent, in order.
    pub(crate) fn frames(&self) -> Vec<Value> {
        self.frames.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, token: &str, answer: Answer, log: Arc<Mutex<Vec<Value>>>) {
    let mut head = [0; 16];
    let seen = stream.peek(&mut head).await.unwrap();
    if head[..seen].starts_with(b"GET /healthz") {
        let body = r#"{"ok":true,"status":"live"}"#;
        let mut request = [0; 1024];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        let response = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(response.as_bytes()).await.unwrap();
        return;
    }
    // A client that hangs up early is no fault of the gateway's.
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    let challenge =
        json!({"type": "event", "event": "connect.challenge", "payload": {"nonce": "n", "ts": 1}});
    socket
        .send(Message::text(challenge.to_string()))
        .await
        .unwrap();
    let mut scopes = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        let frame: Value = serde_json::from_str(&text).unwrap();
        log.lock().unwrap().push(frame.clone());
        let outcome = match frame["method"].as_str().unwrap() {
            "connect" if frame["params"]["auth"]["token"] == token => {
                scopes = strings(&frame["params"]["scopes"]);
                Ok(hello(&scopes))
            }
            "connect" => Err(json!({
                "code": "INVALID_REQUEST", "message": "unauthorized: gateway token mismatch",
                "details": {"code": "AUTH_TOKEN_MISMATCH"},
            })),
            method => answer(method, &scopes),
        };
        let mut response = json!({"type": "res", "id": frame["id"], "ok": outcome.is_ok()});
        match outcome {
            Ok(payload) => response["payload"] = payload,
            Err(error) => response["error"] = error,
        }
        if socket
            .send(Message::text(response.to_string()))
            .await
            .is_err()
        {
            return;
        }
    }
}

fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

fn hello(scopes: &[String]) -> Value {
    json!({
        "type": "hello-ok", "protocol": 4,
        "server": {"version": "2026.9.6", "connId": "c"},
        "features": {"methods": [], "events": []},
        "snapshot": {"presence": [], "health": {}, "stateVersion": {"presence": 0, "health": 0}, "uptimeMs": 61_000},
        "auth": {"role": "operator", "scopes": scopes},
        "policy": {"maxPayload": 26_214_400, "maxBufferedBytes": 52_428_800, "tickIntervalMs": 30_000},
    })
}
