//! How long a person waits: from `chat.send` to the first words of the answer, and to its end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use e2e::model_provider::{MODEL, ModelProvider};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::figures::{median, milliseconds};
use crate::side::Side;
use crate::wire::Caller;

/// Conversations, and turns in each. The first conversation has the gateway's coldest turn.
const CONVERSATIONS: usize = 4;
pub(crate) const TURNS: usize = 10;
/// How often the model alone is asked.
const ASKED_ALONE: usize = 15;

/// One turn, in milliseconds from `chat.send`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) first_words_ms: f64,
    pub(crate) final_ms: f64,
}

/// The turns that are compared.
#[derive(Debug)]
pub(crate) struct Turns {
    /// The very first since the gateway's start.
    pub(crate) coldest: Turn,
    /// The first of a later conversation.
    pub(crate) first: Turn,
    /// The tenth of a later conversation.
    pub(crate) tenth: Turn,
    /// The keys of the conversations.
    pub(crate) sessions: Vec<String>,
}

/// Holds the conversations, and reads each back from the history.
pub(crate) fn hold(side: &Side) -> Result<Turns> {
    let mut client = Caller::connect(side.port, &side.token)?;
    let (mut firsts, mut tenths, mut sessions) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..CONVERSATIONS {
        let session = format!("agent:main:bench-{}", Uuid::new_v4().simple());
        let mut said = Vec::new();
        for turn in 1..=TURNS {
            let run = Uuid::new_v4().to_string();
            let text = format!("PROMPTLY tell me again, turn {turn} of {run}");
            let took = one(&mut client, &session, &run, &text)
                .with_context(|| format!("turn {turn} of {session}"))?;
            said.push(text);
            if turn == 1 {
                firsts.push(took);
            } else if turn == TURNS {
                tenths.push(took);
            }
        }
        is_kept(&mut client, &session, &said)?;
        sessions.push(session);
    }
    Ok(Turns {
        coldest: *firsts.first().context("no turn")?,
        first: middle(&firsts[1..])?,
        tenth: middle(&tenths[1..])?,
        sessions,
    })
}

fn middle(turns: &[Turn]) -> Result<Turn> {
    let of = |part: fn(&Turn) -> f64| median(&turns.iter().map(part).collect::<Vec<f64>>());
    Ok(Turn {
        first_words_ms: of(|turn| turn.first_words_ms)?,
        final_ms: of(|turn| turn.final_ms)?,
    })
}

fn one(client: &mut Caller, session: &str, run: &str, said: &str) -> Result<Turn> {
    let params = json!({"sessionKey": session, "message": said, "idempotencyKey": run});
    let began = Instant::now();
    client.send("chat.send", &params)?;
    let (mut frame, first) = client.next(|frame| has_words(frame, run) || is_end(frame, run))?;
    let mut last = first;
    if !is_end(&frame, run) {
        (frame, last) = client.next(|frame| is_end(frame, run))?;
    }
    let text = frame["payload"]["message"]["content"][0]["text"]
        .as_str()
        .with_context(|| format!("no text in {frame}"))?;
    ensure!(
        text == format!("Echo: {said}"),
        "not what the model said: {text}"
    );
    Ok(Turn {
        first_words_ms: milliseconds(first - began),
        final_ms: milliseconds(last - began),
    })
}

/// The first words come in one of two events, whichever is earlier.
fn has_words(frame: &Value, run: &str) -> bool {
    let payload = &frame["payload"];
    let is_chat = frame["event"] == "chat" && payload["state"] == "delta";
    let is_agent = frame["event"] == "agent" && payload["stream"] == "assistant";
    (is_chat || is_agent) && payload["runId"] == run
}

fn is_end(frame: &Value, run: &str) -> bool {
    let payload = &frame["payload"];
    let states = ["final", "error", "aborted"];
    frame["event"] == "chat"
        && payload["runId"] == run
        && states.iter().any(|state| payload["state"] == *state)
}

/// The history holds each turn once, in order, with what was said and what was answered.
fn is_kept(client: &mut Caller, session: &str, said: &[String]) -> Result<()> {
    let params = json!({"sessionKey": session, "limit": 1000});
    let history = client.call("chat.history", &params)?;
    let texts: Vec<(String, String)> = history["messages"]
        .as_array()
        .context("no messages")?
        .iter()
        .map(|message| {
            let role = message["role"].as_str().unwrap_or_default();
            let content = &message["content"];
            let text = content.as_str().or_else(|| content[0]["text"].as_str());
            let text = text.unwrap_or_default();
            (role.to_owned(), text.to_owned())
        })
        .collect();
    ensure!(
        texts.len() == said.len() * 2,
        "{} messages in the history after {} turns",
        texts.len(),
        said.len()
    );
    for (pair, said) in texts.chunks(2).zip(said) {
        let right = pair[0].0 == "user"
            && pair[0].1.ends_with(said.as_str())
            && pair[1] == ("assistant".to_owned(), format!("Echo: {said}"));
        ensure!(right, "not the turn that was held: {pair:?}");
    }
    Ok(())
}

/// What the model alone takes to its first words and to its end: what no gateway can be faster than.
pub(crate) fn model_alone(provider: &ModelProvider) -> Result<Turn> {
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
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(request.as_bytes())?;
        let (mut answer, mut piece, mut first) = (Vec::new(), [0; 4096], None);
        loop {
            let read = stream.read(&mut piece)?;
            if read == 0 {
                break;
            }
            answer.extend_from_slice(&piece[..read]);
            if first.is_none() && String::from_utf8_lossy(&answer).contains("Echo: ") {
                first = Some(milliseconds(began.elapsed()));
            }
        }
        took.push(Turn {
            first_words_ms: first.context("the model hung up")?,
            final_ms: milliseconds(began.elapsed()),
        });
    }
    middle(&took)
}
