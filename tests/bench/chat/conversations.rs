//! Conversations of 10,000 messages each in the official gateway's own store.
//!
//! The gateway takes 27 ms to store one message that it is told (`chat.inject`), three quarters of an hour
//! for all of these. So it makes each conversation and stores the first message itself; the others are
//! written beside it while the gateway is stopped, in the form it gave to the first. It reads them back by
//! its own means, and [`are_read`] insists that it does.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use e2e::gateway::TestGateway;
use e2e::gateway::witness::Witness;
use rusqlite::{Connection, Transaction, params};
use serde_json::{Value, json};
use uuid::Uuid;

/// How many are opened, and how many messages each has.
pub(crate) const CONVERSATIONS: usize = 10;
pub(crate) const MESSAGES: i64 = 10_000;
/// With those in which an answer is streamed, for each window and round another: they do not end as they
/// were written.
pub(crate) const ALL: usize = CONVERSATIONS + 4;

/// Between two messages, in milliseconds.
const APART: i64 = 60_000;

/// What a conversation is called; the gateway puts the agent before it.
pub(crate) fn name(index: usize) -> String {
    format!("long-{index}")
}

/// The words that only the last message of a conversation holds.
pub(crate) fn last_words(index: usize) -> String {
    format!("Answer {} of {}", MESSAGES - 1, name(index))
}

/// Has the gateway make the conversations, writes the rest of them, and starts it again.
pub(crate) async fn write(gateway: &mut TestGateway) -> Result<()> {
    let mut witness = Witness::connect(gateway).await?;
    for index in 0..ALL {
        let key = name(index);
        witness.call("sessions.create", json!({"key": key})).await?;
        let first = json!({"sessionKey": key, "message": "This is where it begins."});
        witness.call("chat.inject", first).await?;
        // The official page lists ten that are not pinned, and hides the others.
        let pin = json!({"key": key, "pinned": true});
        witness.call("sessions.patch", pin).await?;
    }
    drop(witness);
    gateway.stop().await?;
    let home = gateway.config_file();
    let home = home.parent().context("no folder")?;
    fill(home.join("agents/main/agent/openclaw-agent.sqlite"))?;
    // What is said in one of them is put to the model with all that was said before.
    let mut config: Value = serde_json::from_slice(&fs::read(gateway.config_file())?)?;
    config["models"]["providers"]["offline"]["models"][0]["contextWindow"] = json!(100_000_000);
    fs::write(gateway.config_file(), config.to_string())?;
    gateway.start_again().await?;
    are_read(gateway).await
}

/// Reads each of them once, so that neither window is the first to ask the gateway for it.
async fn are_read(gateway: &TestGateway) -> Result<()> {
    let mut witness = Witness::connect(gateway).await?;
    for index in 0..ALL {
        let asked = json!({"sessionKey": name(index), "limit": 200});
        let history = witness.call("chat.history", asked).await?;
        let read = history["messages"].as_array().context("no messages")?;
        ensure!(read.len() == 200, "{} messages were read", read.len());
        let last = read.last().map(Value::to_string).unwrap_or_default();
        ensure!(last.contains(&last_words(index)), "{last}");
    }
    Ok(())
}

fn fill(store: PathBuf) -> Result<()> {
    let mut store = Connection::open(store)?;
    let writing = store.transaction()?;
    let begun: Vec<(String, String)> = writing
        .prepare("SELECT session_key, session_id FROM session_windows")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for index in 0..ALL {
        let key = format!("agent:main:{}", name(index));
        let (_, session) = begun
            .iter()
            .find(|(known, _)| *known == key)
            .with_context(|| format!("{key} is not among {begun:?}"))?;
        fill_one(&writing, session, &name(index))?;
    }
    Ok(writing.commit()?)
}

fn fill_one(writing: &Transaction<'_>, session: &str, name: &str) -> Result<()> {
    let (mut parent, mut seq, begun): (String, i64, i64) = writing.query_row(
        "SELECT leaf_event_id, indexed_seq, active_message_count FROM session_transcript_index_state
         WHERE session_id = ?1 AND active_message_count = active_event_count",
        [session],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let mut event = writing.prepare_cached(
        "INSERT INTO transcript_events (session_id, seq, event_json, created_at, event_utf8_bytes)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut identity = writing.prepare_cached(
        "INSERT INTO transcript_event_identities (session_id, event_id, seq, event_type, parent_id, created_at)
         VALUES (?1, ?2, ?3, 'message', ?4, ?5)",
    )?;
    let mut active = writing.prepare_cached(
        "INSERT INTO session_transcript_active_events
         (session_id, active_position, event_seq, message_position, context_eligible) VALUES (?1, ?2, ?3, ?2, 1)",
    )?;
    let mut moment = writing
        .prepare_cached("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ?1 / 1000.0, 'unixepoch')")?;
    for position in begun..MESSAGES {
        let at = now - (MESSAGES - position) * APART;
        let said: String = moment.query_row([at], |row| row.get(0))?;
        let id = Uuid::new_v4().to_string();
        seq += 1;
        let line = json!({
            "type": "message", "id": id, "parentId": parent, "timestamp": said,
            "message": message(position, name, at),
        })
        .to_string();
        event.execute(params![session, seq, line, at, i64::try_from(line.len())?])?;
        identity.execute(params![session, id, seq, parent, at])?;
        active.execute(params![session, position, seq])?;
        parent = id;
    }
    writing.execute(
        "UPDATE session_transcript_index_state SET indexed_seq = ?2, leaf_event_id = ?3,
         active_event_count = ?4, active_message_count = ?4 WHERE session_id = ?1",
        params![session, seq, parent, MESSAGES],
    )?;
    Ok(())
}

/// A person's short question, or an answer with some of everything.
fn message(position: i64, name: &str, at: i64) -> Value {
    let text = if position % 2 == 0 {
        format!(
            "Question {position} of {name}: how is the **weather** there, and what should I wear?"
        )
    } else {
        format!(
            "## Answer {position} of {name}\n\nIt is *fine*, with [some wind](https://example.org/{position}). Wear:\n\n\
             - a coat of `{position}` threads\n- something for the **rain**\n\n\
             ```ts\nconst answer = {position};\nfor (let day = 0; day < answer; day += 1) {{\n  \
             console.log(`day ${{day}}`);\n}}\n```\n\n\
             | day | sun | rain |\n| --- | ---: | ---: |\n| Monday | {position} | 2 |\n| Tuesday | 3 | 4 |\n\n\
             That is all there is to say about it, for today and for the rest of the week."
        )
    };
    let content = json!([{"type": "text", "text": text}]);
    if position % 2 == 0 {
        return json!({"role": "user", "content": content, "timestamp": at});
    }
    json!({
        "role": "assistant", "content": content, "timestamp": at, "stopReason": "stop",
        "api": "openai-completions", "provider": "offline", "model": "echo-1",
        "usage": {
            "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 0,
            "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0},
        },
    })
}
