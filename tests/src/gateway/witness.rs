//! A second opinion on the gateway: a bare client that shares no code with ours.
//!
//! It connects straight to the port, with the shared token and no device, as the official command
//! line does from the gateway's own machine, and leaves no pairing record behind.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::TestGateway;

/// How long an answer may take, on a loaded machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A connection that was let in.
#[derive(Debug)]
pub struct Witness {
    socket: WebSocketStream<TcpStream>,
    asked: u32,
}

impl Witness {
    /// Connects and signs in.
    ///
    /// # Errors
    ///
    /// When the gateway does not let it in.
    pub async fn connect(gateway: &TestGateway) -> Result<Self> {
        Self::connect_to(gateway.port(), gateway.token()).await
    }

    /// Connects to any gateway on loopback and signs in with its shared token.
    ///
    /// # Errors
    ///
    /// When the gateway does not let it in.
    pub async fn connect_to(port: u16, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        // A request in two pieces would wait for the answer to the first.
        stream.set_nodelay(true)?;
        // Hundreds of these may be open in one test; tungstenite's own buffers are 128 KiB each.
        let small = WebSocketConfig::default().read_buffer_size(8 * 1024);
        let url = format!("ws://127.0.0.1:{port}");
        let (socket, _) = client_async_with_config(url, stream, Some(small)).await?;
        let mut witness = Self { socket, asked: 0 };
        witness
            .next(|frame| frame["event"] == "connect.challenge")
            .await?;
        let params = json!({
            "minProtocol": 3, "maxProtocol": 4, "role": "operator",
            "scopes": ["operator.read", "operator.write", "operator.admin"],
            "client": {
                "id": "gateway-client", "mode": "backend", "version": "0.1.0", "platform": "linux",
            },
            "auth": {"token": token},
        });
        witness.call("connect", params).await?;
        Ok(witness)
    }

    /// Calls a method and returns its payload.
    ///
    /// # Errors
    ///
    /// When the gateway refuses the call or does not answer in time.
    pub async fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        let mut answer = self.ask(method, params).await?;
        if answer["ok"] != true {
            bail!("{method} was refused: {}", answer["error"]);
        }
        Ok(answer["payload"].take())
    }

    /// Calls a method and returns its answer, a refusal or not, as it is on the wire.
    ///
    /// # Errors
    ///
    /// When the gateway does not answer in time.
    pub async fn ask(&mut self, method: &str, params: Value) -> Result<Value> {
        let id = self.send(method, params).await?;
        self.next(|frame| frame["id"] == id.as_str()).await
    }

    /// Sends a request and returns its id; the answer is one of the frames to come.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub async fn send(&mut self, method: &str, params: Value) -> Result<String> {
        self.asked += 1;
        let id = format!("witness-{}", self.asked);
        let request = json!({"type": "req", "id": id, "method": method, "params": params});
        self.socket.send(Message::text(request.to_string())).await?;
        Ok(id)
    }

    /// Waits for a frame that `wanted` names, past all others.
    ///
    /// # Errors
    ///
    /// When none comes in time.
    pub async fn next(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let arrival = async {
            while let Some(message) = self.socket.next().await {
                if let Message::Text(text) = message? {
                    let frame: Value = serde_json::from_str(&text)?;
                    if wanted(&frame) {
                        return Ok(frame);
                    }
                }
            }
            bail!("the gateway hung up");
        };
        timeout(LIMIT, arrival).await.context("no answer in time")?
    }
}
