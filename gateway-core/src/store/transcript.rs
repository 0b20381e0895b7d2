//! The messages of a conversation, numbered from 1 within each transcript.

use super::value::{Json, words};
use super::{Store, StoreError, sessions};
use crate::protocol::{RunId, SessionKey};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Map, Value};

words! {
    /// Who wrote a message.
    MessageRole {
        /// A person.
        User = "user",
        /// The agent.
        Assistant = "assistant",
        /// A tool the agent called.
        ToolResult = "toolResult",
        /// The gateway itself.
        System = "system",
    }
}

/// A message to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// A UUID not used before.
    pub id: String,
    /// Who wrote it.
    pub role: MessageRole,
    /// A string for a person's message, a list of parts for the agent's (protocol §7).
    pub content: Value,
    /// When it was written.
    pub timestamp_ms: u64,
    /// The run it belongs to.
    pub run_id: Option<RunId>,
    /// What tells it from a second sending of the same; a second one is refused.
    pub idempotency_key: Option<String>,
    /// Further members: `usage`, `stopReason`, `toolCallId`, `kind` …
    pub extra: Map<String, Value>,
}

/// A message as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMessage {
    /// The transcript it is in.
    pub session_id: String,
    /// Its place there, from 1, without gaps.
    pub seq: u64,
    /// What was stored.
    pub message: NewMessage,
}

/// A part of a transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscriptPage {
    /// Those asked for, oldest first.
    pub messages: Vec<StoredMessage>,
    /// How many there are in all.
    pub total: u64,
}

const COLUMNS: &str =
    "session_id, seq, id, role, content, timestamp_ms, run_id, idempotency_key, extra";

impl Store {
    /// Adds a message to a conversation's current transcript.
    ///
    /// # Errors
    ///
    /// Fails when there is no such conversation, its id or idempotency key is taken, or the
    /// database fails.
    pub async fn append_message(
        &self,
        key: &SessionKey,
        message: NewMessage,
    ) -> Result<StoredMessage, StoreError> {
        let key = key.clone();
        self.write(move |database| {
            let mut session = sessions::find(database, &key)?
                .ok_or_else(|| StoreError::missing("session", &key))?;
            session.updated_at_ms = session.updated_at_ms.max(message.timestamp_ms);
            sessions::save(database, &session)?;
            append(database, &session.session_id, message)
        })
        .await
    }

    /// Returns messages of one transcript, counted from its end: `offset` leaves out the latest.
    ///
    /// # Errors
    ///
    /// Fails when the database does; an unknown transcript is an empty one.
    pub async fn transcript_page(
        &self,
        session_id: &str,
        limit: u32,
        offset: u32,
    ) -> Result<TranscriptPage, StoreError> {
        let session_id = session_id.to_owned();
        self.read(move |database| {
            let total = last_seq(database, &session_id)?;
            let mut messages = database
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM message WHERE session_id = ?1
                     ORDER BY seq DESC LIMIT ?2 OFFSET ?3"
                ))?
                .query_map(params![session_id, limit, offset], read)?
                .collect::<Result<Vec<_>, _>>()?;
            messages.reverse();
            Ok(TranscriptPage { messages, total })
        })
        .await
    }

    /// Returns the last message of a person or the agent in each transcript, for a preview.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn last_spoken(
        &self,
        session_ids: Vec<String>,
    ) -> Result<Vec<Option<StoredMessage>>, StoreError> {
        self.read(move |database| {
            let mut statement = database.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM message WHERE session_id = ?1
                 AND role IN ('user', 'assistant') ORDER BY seq DESC LIMIT 1"
            ))?;
            session_ids
                .iter()
                .map(|id| Ok(statement.query_row([id], read).optional()?))
                .collect()
        })
        .await
    }

    /// Returns what a person said first in each transcript, for a title.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn first_said(
        &self,
        session_ids: Vec<String>,
    ) -> Result<Vec<Option<StoredMessage>>, StoreError> {
        self.read(move |database| {
            let mut statement = database.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM message WHERE session_id = ?1
                 AND role = 'user' ORDER BY seq LIMIT 1"
            ))?;
            session_ids
                .iter()
                .map(|id| Ok(statement.query_row([id], read).optional()?))
                .collect()
        })
        .await
    }

    /// Returns the messages of one run, oldest first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn messages_of_run(&self, run_id: &RunId) -> Result<Vec<StoredMessage>, StoreError> {
        let run_id = run_id.clone();
        self.read(move |database| {
            Ok(database
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM message WHERE run_id = ?1 ORDER BY seq"
                ))?
                .query_map([run_id], read)?
                .collect::<Result<_, _>>()?)
        })
        .await
    }
}

/// Makes room for a conversation's messages.
pub(super) fn begin(
    database: &Connection,
    session_id: &str,
    key: &SessionKey,
) -> Result<(), StoreError> {
    database
        .prepare_cached("INSERT INTO transcript (session_id, session_key) VALUES (?1, ?2)")?
        .execute(params![session_id, key])?;
    Ok(())
}

pub(super) fn append(
    database: &Connection,
    session_id: &str,
    message: NewMessage,
) -> Result<StoredMessage, StoreError> {
    let seq = last_seq(database, session_id)? + 1;
    database
        .prepare_cached(&format!(
            "INSERT INTO message ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        ))?
        .execute(params![
            session_id,
            seq,
            message.id,
            message.role,
            Json(&message.content),
            message.timestamp_ms,
            message.run_id,
            message.idempotency_key,
            Json(&message.extra),
        ])?;
    Ok(StoredMessage {
        session_id: session_id.to_owned(),
        seq,
        message,
    })
}

/// Messages are never taken out singly, so the last number is also how many there are.
fn last_seq(database: &Connection, session_id: &str) -> Result<u64, StoreError> {
    Ok(database
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM message WHERE session_id = ?1")?
        .query_row([session_id], |row| row.get(0))?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredMessage> {
    Ok(StoredMessage {
        session_id: row.get("session_id")?,
        seq: row.get("seq")?,
        message: NewMessage {
            id: row.get("id")?,
            role: row.get("role")?,
            content: row.get::<_, Json<_>>("content")?.0,
            timestamp_ms: row.get("timestamp_ms")?,
            run_id: row.get("run_id")?,
            idempotency_key: row.get("idempotency_key")?,
            extra: row.get::<_, Json<_>>("extra")?.0,
        },
    })
}
