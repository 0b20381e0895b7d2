//! How long a person waits: from `chat.send` to the first words of the answer, and to its end.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use e2e::model_provider::{MODEL, ModelProvider};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::crowd::median;
use crate::side::Side;

/// Conversations, and turns in each.
const CONVERSATIONS: usize = 3;
pub(crate) const TURNS: usize = 10;
/// How often the model alone is asked.
const ASKED_ALONE: usize = 15;

/// One turn, in milliseconds from `chat.send`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) first_delta_ms: f64,
    pub(crate) final_ms: f64,
}

/// The turns that are compared.
#[derive(Debug)]
pub(crate) struct Turns {
    /// The very first since the gateway's start.
    pub(crate) coldest: Turn,
    /// The first of a later conversation.
    pub(crate) first: Turn,
    /// The tenth of a conversation.
    pub(crate) tenth: Turn,
}

/// Holds the conversations.
pub(crate) async fn hold(side: &Side) -> Result<Turns> {
    let mut client = side.witness().await?;
    let (mut firsts, mut tenths) = (Vec::new(), Vec::new());
    for _ in 0..CONVERSATIONS {
        let session = format!("agent:main:bench-{}", Uuid::new_v4().simple());
        for turn in 1..=TURNS {
            let took = one(&mut client, &session, turn).await?;
            if turn == 1 {
                firsts.push(took);
            } else if turn == TURNS {
                tenths.push(took);
            }
        }
    }
    let coldest = *firsts.first().context("no turn")?;
    let later = firsts.split_off(1);
    Ok(Turns {
        coldest,
        first: middle(&later)?,
        tenth: middle(&tenths)?,
    })
}

fn middle(turns: &[Turn]) -> Result<Turn> {
    Ok(Turn {
        first_delta_ms: median(turns.iter().map(|turn| turn.first_delta_ms).collect())?,
        final_ms: median(turns.iter().map(|turn| turn.final_ms).collect())?,
    })
}

async fn one(
    client: &mut e2e::gateway::witness::Witness,
    session: &str,
    turn: usize,
) -> Result<Turn> {
    let run = Uuid::new_v4().to_string();
    let said = format!("PROMPTLY tell me again, turn {turn} of {run}");
    let params = json!({"sessionKey": session, "message": said, "idempotencyKey": run});
    let began = Instant::now();
    client.send("chat.send", params).await?;
    let is = |frame: &Value, states: &[&str]| {
        let payload = &frame["payload"];
        frame["event"] == "chat"
            && payload["runId"] == run.as_str()
            && states.iter().any(|state| payload["state"] == *state)
    };
    let mut frame = client
        .next(|frame| is(frame, &["delta", "final", "error"]))
        .await?;
    let first_delta_ms = began.elapsed().as_secs_f64() * 1_000.0;
    if frame["payload"]["state"] == "delta" {
        frame = client.next(|frame| is(frame, &["final", "error"])).await?;
    }
    let final_ms = began.elapsed().as_secs_f64() * 1_000.0;
    let text = frame["payload"]["message"]["content"][0]["text"]
        .as_str()
        .with_context(|| format!("no text in {frame}"))?;
    ensure!(
        text.starts_with("Echo: ") && text.ends_with(&said),
        "not what the model said: {text}"
    );
    Ok(Turn {
        first_delta_ms,
        final_ms,
    })
}

/// What the model alone takes to its first words, in milliseconds: what no gateway can be faster than.
pub(crate) async fn model_alone(provider: &ModelProvider) -> Result<f64> {
    let url = provider.base_url();
    let address = url
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix("/v1"))
        .context("not the provider's address")?;
    let body = json!({
        "model": MODEL, "stream": true,
        "messages": [{"role": "user", "content": "PROMPTLY tell me again"}],
    })
    .to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut took = Vec::new();
    for _ in 0..ASKED_ALONE {
        let began = Instant::now();
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&answer).contains("Echo: ") {
            let read = stream.read(&mut piece).await?;
            ensure!(read > 0, "the model hung up");
            answer.extend_from_slice(piece.get(..read).unwrap_or_default());
        }
        took.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    median(took)
}
