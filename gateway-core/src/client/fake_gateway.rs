//! A gateway in memory, played by the test line by line over one end of a duplex stream.

use crate::client::{ClientLimits, ConnectError, Credentials, Established, HelloRequest, connect};
use crate::credentials::secret::GatewayToken;
use crate::device_identity::DeviceIdentity;
use crate::protocol::{Frame, Request};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};

/// The token every fake gateway lets in.
pub(crate) const TOKEN: &str = "canary-gateway-token";

/// The gateway's end of a connection.
pub(crate) struct FakeGateway<S = DuplexStream> {
    socket: WebSocketStream<S>,
    seq: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> FakeGateway<S> {
    /// Takes the upgrade of whoever is at the other end.
    pub(crate) async fn accept(stream: S) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let socket = tokio_tungstenite::accept_async_with_config(stream, Some(config))
            .await
            .unwrap();
        Self { socket, seq: 0 }
    }

    /// Takes the upgrade, gives a challenge and returns the connect request.
    pub(crate) async fn challenge(stream: S) -> (Self, Request) {
        let mut gateway = Self::accept(stream).await;
        gateway
            .send(json!({"type": "event", "event": "connect.challenge",
            "payload": {"nonce": "n-1", "ts": 1_700_000_000_000_u64}}))
            .await;
        let request = gateway.request().await;
        (gateway, request)
    }

    /// Does the whole handshake and lets the client in.
    pub(crate) async fn hello(stream: S) -> Self {
        let (mut gateway, request) = Self::challenge(stream).await;
        gateway.answer(&request, hello_ok()).await;
        gateway
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.socket
            .send(Message::text(frame.to_string()))
            .await
            .unwrap();
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// Sends an event with the next number.
    pub(crate) async fn tell(&mut self, event: &str, payload: Value) {
        self.seq += 1;
        let seq = self.seq;
        self.send(json!({"type": "event", "event": event, "payload": payload, "seq": seq}))
            .await;
    }

    /// Leaves some numbers out.
    pub(crate) fn skip(&mut self, count: u64) {
        self.seq += count;
    }

    pub(crate) async fn answer(&mut self, request: &Request, payload: Value) {
        self.send(json!({"type": "res", "id": request.id, "ok": true, "payload": payload}))
            .await;
    }

    pub(crate) async fn refuse(&mut self, request: &Request, error: Value) {
        self.send(json!({"type": "res", "id": request.id, "ok": false, "error": error}))
            .await;
    }

    pub(crate) async fn close(&mut self, code: u16, reason: &'static str) {
        self.socket
            .close(Some(CloseFrame {
                code: code.into(),
                reason: reason.into(),
            }))
            .await
            .unwrap();
    }

    /// Returns the next request.
    pub(crate) async fn request(&mut self) -> Request {
        match self.message().await {
            Some(Message::Text(text)) => match Frame::parse(&text).unwrap() {
                Frame::Request(request) => request,
                frame @ (Frame::Response(_) | Frame::Event(_)) => panic!("{frame:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// Sends to a client that may be gone.
    pub(crate) async fn try_send(&mut self, frame: Value) {
        drop(self.socket.send(Message::text(frame.to_string())).await);
    }

    /// Returns the next message of a client that may break off, or nothing at the end.
    pub(crate) async fn message_or_end(&mut self) -> Option<Message> {
        self.socket.next().await.and_then(Result::ok)
    }

    /// Returns the next message of any kind, or nothing at the end.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        self.socket.next().await.map(Result::unwrap)
    }
}

/// The least a hello-ok holds.
pub(crate) fn hello_ok() -> Value {
    json!({
        "type": "hello-ok", "protocol": 4,
        "server": {"version": "2026.9.6", "connId": "c-1"},
        "features": {"methods": [], "events": []},
        "snapshot": {"presence": [], "health": {}, "stateVersion": {"presence": 0, "health": 0},
                     "uptimeMs": 1},
        "auth": {"role": "operator", "scopes": ["operator.read"], "method": "token"},
        "policy": {"maxPayload": 26_214_400, "maxBufferedBytes": 52_428_800,
                   "tickIntervalMs": 30_000}
    })
}

/// A request with the right token and a new device.
pub(crate) fn hello_request() -> HelloRequest {
    let device = Arc::new(DeviceIdentity::generate(&mut rand::rng()));
    let credentials = Credentials {
        token: Some(GatewayToken::new(TOKEN)),
        ..Credentials::default()
    };
    HelloRequest::operator(device, credentials)
}

/// Begins to connect; returns the gateway's end of the stream.
pub(crate) fn dial(
    hello: HelloRequest,
) -> (JoinHandle<Result<Established, ConnectError>>, DuplexStream) {
    let (ours, theirs) = duplex(256 * 1024);
    let connecting = tokio::spawn(connect(
        ours,
        "127.0.0.1:18789",
        hello,
        ClientLimits::default(),
    ));
    (connecting, theirs)
}

/// Connects to a gateway that lets everybody in.
pub(crate) async fn session() -> (Established, FakeGateway) {
    let (connecting, stream) = dial(hello_request());
    let gateway = FakeGateway::hello(stream).await;
    (connecting.await.unwrap().unwrap(), gateway)
}
