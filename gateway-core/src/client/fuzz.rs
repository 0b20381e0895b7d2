//! What must hold of anything that a gateway, or what poses as one, says to us before hello-ok, and
//! for a while after it. The input is its messages, each ended by a zero byte; `$ID` stands for the id
//! of our request, a message that begins with byte 1 is sent as binary, and byte 2 hangs up.

use super::{ClientLimits, Credentials, HelloRequest, connect};
use crate::credentials::secret::GatewayToken;
use crate::device_identity::DeviceIdentity;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::io::{DuplexStream, duplex};
use tokio::time::{Instant, sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

const TOKEN: &str = "canary-gateway-token";
/// Making a key is the slowest part of a handshake, and proves nothing here.
static DEVICE: LazyLock<Arc<DeviceIdentity>> =
    LazyLock::new(|| Arc::new(DeviceIdentity::generate(&mut rand::rng())));

pub(crate) fn run(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(shake_hands(data)),
        Err(error) => panic!("no runtime: {error}"),
    }
}

async fn shake_hands(data: &[u8]) {
    let (ours, theirs) = duplex(256 * 1024);
    let hello = HelloRequest::operator(
        Arc::clone(&DEVICE),
        Credentials {
            token: Some(GatewayToken::new(TOKEN)),
            ..Credentials::default()
        },
    );
    let limits = ClientLimits::default();
    let limit = limits.hello;
    let began = Instant::now();
    let script = async {
        let Ok(socket) = tokio_tungstenite::accept_async(theirs).await else {
            panic!("our upgrade is none");
        };
        let mut gateway = Gateway {
            socket,
            requests: Vec::new(),
            challenged: false,
            welcomed: false,
        };
        let messages = data.split(|byte| *byte == 0).take(64);
        for message in messages {
            if !gateway.says(message).await {
                break;
            }
        }
        gateway
    };
    let ask = async {
        let outcome = connect(ours, "127.0.0.1:18789", hello, limits).await;
        let took = began.elapsed();
        assert!(took <= limit + Duration::from_secs(1), "it took {took:?}");
        match outcome {
            Ok(mut established) => {
                // What comes after hello is read as it comes; nobody answers it.
                let read = async { while established.events.recv().await.is_some() {} };
                drop(tokio::time::timeout(Duration::from_secs(90), read).await);
                true
            }
            Err(error) => {
                let told = format!("{error} {error:?}");
                assert!(!told.contains(TOKEN), "an error tells the token");
                false
            }
        }
    };
    let (gateway, is_in) = tokio::join!(script, ask);
    assert!(!is_in || gateway.welcomed, "connected without a hello-ok");
    drop(gateway);
    // The session's own task ends with its handle.
    sleep(Duration::from_secs(120)).await;
    let tasks = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(tasks, 0, "tasks are left");
}

struct Gateway {
    socket: WebSocketStream<DuplexStream>,
    requests: Vec<Value>,
    challenged: bool,
    welcomed: bool,
}

impl Gateway {
    /// Sends one message; false once the line is dead.
    async fn says(&mut self, message: &[u8]) -> bool {
        let id = self.requests.first().and_then(|request| request.get("id"));
        let id = id.and_then(Value::as_str).unwrap_or("none");
        let message = match message.split_first() {
            Some((1, rest)) => {
                // The reference client reads either kind as text, and so do we.
                let id = id.to_owned();
                self.notes(&String::from_utf8_lossy(rest), &id);
                Message::binary(rest.to_vec())
            }
            Some((2, _)) => Message::Close(None),
            Some(_) | None => {
                let text = String::from_utf8_lossy(message).replace("$ID", id);
                let id = id.to_owned();
                self.notes(&text, &id);
                Message::text(text)
            }
        };
        if self.socket.send(message).await.is_err() {
            return false;
        }
        // Time enough to read an answer, and none for one to be late.
        sleep(Duration::from_millis(1)).await;
        loop {
            let answer = tokio::select! {
                biased;
                answer = self.socket.next() => answer,
                () = sleep(Duration::from_millis(1)) => return true,
            };
            match answer {
                Some(Ok(Message::Text(text))) => self.hears(&text),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return false,
            }
        }
    }

    /// Reads what is said with a reader of its own.
    fn notes(&mut self, text: &str, id: &str) {
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            return;
        };
        let nonce = value.pointer("/payload/nonce").and_then(Value::as_str);
        let is_challenge = value["type"] == "event" && value["event"] == "connect.challenge";
        self.challenged |= is_challenge && nonce.is_some_and(|nonce| !nonce.trim().is_empty());
        self.welcomed |= !self.requests.is_empty()
            && value["type"] == "res"
            && value["id"] == id
            && value
                .pointer("/payload/type")
                .is_some_and(|kind| kind == "hello-ok");
    }

    fn hears(&mut self, text: &str) {
        assert!(self.challenged, "spoke before it was challenged");
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            panic!("what we send is no JSON");
        };
        if !self.welcomed {
            assert!(self.requests.is_empty(), "asked twice before hello-ok");
            assert_eq!(request["method"], "connect");
        }
        self.requests.push(request);
    }
}
