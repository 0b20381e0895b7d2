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
use tokio_tungstenite::{WebSocketStream, client_async};

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
        let stream = TcpStream::connect(("127.0.0.1", gateway.port())).await?;
        let (socket, _) = client_async(gateway.url(), stream).await?;
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
            "auth": {"token": gateway.token()},
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
        self.asked += 1;
        let id = format!("witness-{}", self.asked);
        let request = json!({"type": "req", "id": id, "method": method, "params": params});
        self.socket.send(Message::text(request.to_string())).await?;
        let mut answer = self.next(|frame| frame["id"] == id.as_str()).await?;
        if answer["ok"] != true {
            bail!("{method} was refused: {}", answer["error"]);
        }
        Ok(answer["payload"].take())
    }

    /// Waits for a frame that `wanted` names, past all others.
    async fn next(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
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
