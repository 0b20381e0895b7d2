//! Conversations: what is known of each, apart from its messages.

use super::transcript::{self, MessageRole, NewMessage, StoredMessage};
use super::value::words;
use super::{Store, StoreError};
use crate::protocol::SessionKey;
use crate::protocol::id::AgentId;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Map, Value};

words! {
    /// How a conversation's last run stands.
    SessionStatus {
        /// Nothing ran since it was begun.
        Idle = "idle",
        /// A run is going on.
        Running = "running",
        /// The last run ended well.
        Done = "done",
        /// The last run failed.
        Failed = "failed",
        /// The last run was stopped.
        Aborted = "aborted",
    }
}

/// One conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRecord {
    /// Its full key, `agent:<agent>:<rest>`.
    pub key: SessionKey,
    /// Its current transcript; a reset changes it.
    pub session_id: String,
    /// Which agent answers in it.
    pub agent_id: AgentId,
    /// The name its owner gave it.
    pub label: Option<String>,
    /// `provider/model`; `None` means the default.
    pub model: Option<String>,
    /// How much to think before answering; `None` means the default.
    pub thinking_level: Option<String>,
    /// Whether it is kept on top.
    pub pinned: bool,
    /// Whether it was put away.
    pub archived: bool,
    /// Whether there is something new in it.
    pub unread: bool,
    /// When it was begun.
    pub created_at_ms: u64,
    /// When it changed last.
    pub updated_at_ms: u64,
    /// Tokens read by the model since the last reset.
    pub input_tokens: u64,
    /// Tokens written by the model since the last reset.
    pub output_tokens: u64,
    /// Tokens the conversation took up in the model's last turn.
    pub context_tokens: u64,
    /// How its last run stands.
    pub status: SessionStatus,
    /// Why its last run failed, if it did.
    pub last_run_error: Option<String>,
}

/// Which conversation is meant, and what it begins with should there be none.
#[derive(Debug, Clone)]
pub struct SessionSeed {
    /// The full key.
    pub key: SessionKey,
    /// Which agent answers in a new one; an existing one keeps its own.
    pub agent_id: AgentId,
    /// The id of a new one's transcript, a UUID not used before.
    pub session_id: String,
}

/// What to change; `None` leaves a value as it is, `Some(None)` clears it.
#[derive(Debug, Clone, Default)]
pub struct SessionPatch {
    /// The name.
    pub label: Option<Option<String>>,
    /// `provider/model`.
    pub model: Option<Option<String>>,
    /// How much to think.
    pub thinking_level: Option<Option<String>>,
    /// Whether it is kept on top.
    pub pinned: Option<bool>,
    /// Whether it is put away.
    pub archived: Option<bool>,
    /// Whether it counts as unread.
    pub unread: Option<bool>,
}

/// A conversation after a change.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchedSession {
    /// The conversation.
    pub session: SessionRecord,
    /// Whether the change began it.
    pub created: bool,
}

/// Which conversations to list, latest change first.
#[derive(Debug, Clone)]
pub struct SessionQuery {
    /// Only those of this agent.
    pub agent_id: Option<AgentId>,
    /// Only those that were put away, or only the others.
    pub archived: Option<bool>,
    /// How many at most.
    pub limit: u32,
    /// How many to leave out from the start.
    pub offset: u32,
}

/// A part of the list of conversations.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionPage {
    /// Those asked for, latest change first.
    pub sessions: Vec<SessionRecord>,
    /// How many there are in all.
    pub total: u64,
}

/// A conversation that was begun anew under its key.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionReset {
    /// The conversation.
    pub session: SessionRecord,
    /// The transcript that was current before; it is kept.
    pub previous_session_id: String,
    /// The note of the reset, first in the new transcript.
    pub message: StoredMessage,
}

/// What becomes of a deleted conversation's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transcript {
    /// They stay, under their session ids.
    Keep,
    /// They go, together with those from before a reset.
    Delete,
}

/// A conversation that was deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct DeletedSession {
    /// How it was.
    pub session: SessionRecord,
    /// The transcripts that were kept.
    pub kept_transcripts: Vec<String>,
}

const COLUMNS: &str = "key, session_id, agent_id, label, model, thinking_level, pinned, archived, \
     unread, created_at_ms, updated_at_ms, input_tokens, output_tokens, context_tokens, status, \
     last_run_error";

/// What [`SessionQuery`] asks for, with its agent as `?1` and its archive as `?2`.
const WANTED: &str = "(agent_id = ?1 OR ?1 IS NULL) AND (archived = ?2 OR ?2 IS NULL)";

impl Store {
    /// Returns one conversation; `None` when there is none of that key.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn session(&self, key: &SessionKey) -> Result<Option<SessionRecord>, StoreError> {
        let key = key.clone();
        self.read(move |database| find(database, &key)).await
    }

    /// Lists conversations, latest change first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn sessions(&self, query: SessionQuery) -> Result<SessionPage, StoreError> {
        self.read(move |database| {
            let total = database
                .prepare_cached(&format!("SELECT count(*) FROM session WHERE {WANTED}"))?
                .query_row(params![query.agent_id, query.archived], |row| row.get(0))?;
            let sessions = database
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM session WHERE {WANTED}
                     ORDER BY updated_at_ms DESC, key LIMIT ?3 OFFSET ?4"
                ))?
                .query_map(
                    params![query.agent_id, query.archived, query.limit, query.offset],
                    read,
                )?
                .collect::<Result<_, _>>()?;
            Ok(SessionPage { sessions, total })
        })
        .await
    }

    /// Changes a conversation's settings, beginning it where there is none.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or a new transcript's id is taken.
    pub async fn patch_session(
        &self,
        seed: SessionSeed,
        patch: SessionPatch,
        at_ms: u64,
    ) -> Result<PatchedSession, StoreError> {
        self.write(move |database| {
            let (mut session, created) = find_or_begin(database, &seed, at_ms)?;
            let says_something =
                patch.label.is_some() || patch.model.is_some() || patch.thinking_level.is_some();
            let set = |value: &mut Option<String>, patch: Option<Option<String>>| {
                if let Some(patch) = patch {
                    *value = patch;
                }
            };
            set(&mut session.label, patch.label);
            set(&mut session.model, patch.model);
            set(&mut session.thinking_level, patch.thinking_level);
            session.pinned = patch.pinned.unwrap_or(session.pinned);
            session.archived = patch.archived.unwrap_or(session.archived);
            session.unread = patch.unread.unwrap_or(session.unread);
            // Where it is kept and whether it was read is no news in it.
            if says_something {
                session.updated_at_ms = session.updated_at_ms.max(at_ms);
            }
            save(database, &session)?;
            Ok(PatchedSession { session, created })
        })
        .await
    }

    /// Begins a conversation anew under its key; `None` when there is none.
    ///
    /// The old transcript is kept. Input that still waits goes on to the new one; a run that is
    /// going on ends in the old one.
    ///
    /// # Errors
    ///
    /// Fails when the database does, or one of the ids is taken.
    pub async fn reset_session(
        &self,
        key: &SessionKey,
        session_id: String,
        message_id: String,
        at_ms: u64,
    ) -> Result<Option<SessionReset>, StoreError> {
        let key = key.clone();
        self.write(move |database| {
            let Some(mut session) = find(database, &key)? else {
                return Ok(None);
            };
            transcript::begin(database, &session_id, &key)?;
            let previous_session_id = std::mem::replace(&mut session.session_id, session_id);
            session.updated_at_ms = session.updated_at_ms.max(at_ms);
            session.input_tokens = 0;
            session.output_tokens = 0;
            session.context_tokens = 0;
            session.status = SessionStatus::Idle;
            session.last_run_error = None;
            session.unread = false;
            save(database, &session)?;
            database
                .prepare_cached(
                    "UPDATE run SET session_id = ?2 WHERE session_key = ?1
                     AND run_id IN (SELECT run_id FROM waiting_input)",
                )?
                .execute(params![key, session.session_id])?;
            let message =
                transcript::append(database, &session.session_id, reset_note(message_id, at_ms))?;
            Ok(Some(SessionReset {
                session,
                previous_session_id,
                message,
            }))
        })
        .await
    }

    /// Deletes a conversation; `None` when there was none. The caller refuses the main one.
    ///
    /// Its runs that are not over end as aborted, input that still waits goes with them.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn delete_session(
        &self,
        key: &SessionKey,
        transcript: Transcript,
        at_ms: u64,
    ) -> Result<Option<DeletedSession>, StoreError> {
        let key = key.clone();
        self.write(move |database| {
            let Some(session) = find(database, &key)? else {
                return Ok(None);
            };
            database
                .prepare_cached(
                    "DELETE FROM waiting_input WHERE run_id IN
                     (SELECT run_id FROM run WHERE session_key = ?1)",
                )?
                .execute([&key])?;
            database
                .prepare_cached(
                    "UPDATE run SET state = 'aborted', ended_at_ms = ?2
                     WHERE session_key = ?1 AND state IN ('queued', 'running')",
                )?
                .execute(params![key, at_ms])?;
            database
                .prepare_cached("DELETE FROM session WHERE key = ?1")?
                .execute([&key])?;
            if transcript == Transcript::Delete {
                database
                    .prepare_cached("DELETE FROM transcript WHERE session_key = ?1")?
                    .execute([&key])?;
            }
            let kept_transcripts = database
                .prepare_cached("SELECT session_id FROM transcript WHERE session_key = ?1")?
                .query_map([&key], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(Some(DeletedSession {
                session,
                kept_transcripts,
            }))
        })
        .await
    }
}

/// The note other clients know a reset by is `__openclaw.kind: "reset"`.
fn reset_note(id: String, at_ms: u64) -> NewMessage {
    NewMessage {
        id,
        role: MessageRole::System,
        content: Value::from("The conversation was begun anew."),
        timestamp_ms: at_ms,
        run_id: None,
        idempotency_key: None,
        extra: Map::from_iter([("kind".to_owned(), Value::from("reset"))]),
    }
}

pub(super) fn find(
    database: &Connection,
    key: &SessionKey,
) -> Result<Option<SessionRecord>, StoreError> {
    Ok(database
        .prepare_cached(&format!("SELECT {COLUMNS} FROM session WHERE key = ?1"))?
        .query_row([key], read)
        .optional()?)
}

/// Returns the conversation, and whether it was begun just now.
pub(super) fn find_or_begin(
    database: &Connection,
    seed: &SessionSeed,
    at_ms: u64,
) -> Result<(SessionRecord, bool), StoreError> {
    if let Some(session) = find(database, &seed.key)? {
        return Ok((session, false));
    }
    transcript::begin(database, &seed.session_id, &seed.key)?;
    database
        .prepare_cached(
            "INSERT INTO session (key, session_id, agent_id, created_at_ms, updated_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?4)",
        )?
        .execute(params![seed.key, seed.session_id, seed.agent_id, at_ms])?;
    let session = find(database, &seed.key)?;
    Ok((
        session.ok_or_else(|| StoreError::missing("session", &seed.key))?,
        true,
    ))
}

/// Writes everything that can change.
pub(super) fn save(database: &Connection, session: &SessionRecord) -> Result<(), StoreError> {
    database
        .prepare_cached(
            "UPDATE session SET session_id = ?2, label = ?3, model = ?4, thinking_level = ?5,
             pinned = ?6, archived = ?7, unread = ?8, updated_at_ms = ?9, input_tokens = ?10,
             output_tokens = ?11, context_tokens = ?12, status = ?13, last_run_error = ?14
             WHERE key = ?1",
        )?
        .execute(params![
            session.key,
            session.session_id,
            session.label,
            session.model,
            session.thinking_level,
            session.pinned,
            session.archived,
            session.unread,
            session.updated_at_ms,
            session.input_tokens,
            session.output_tokens,
            session.context_tokens,
            session.status,
            session.last_run_error,
        ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    Ok(SessionRecord {
        key: row.get("key")?,
        session_id: row.get("session_id")?,
        agent_id: row.get("agent_id")?,
        label: row.get("label")?,
        model: row.get("model")?,
        thinking_level: row.get("thinking_level")?,
        pinned: row.get("pinned")?,
        archived: row.get("archived")?,
        unread: row.get("unread")?,
        created_at_ms: row.get("created_at_ms")?,
        updated_at_ms: row.get("updated_at_ms")?,
        input_tokens: row.get("input_tokens")?,
        output_tokens: row.get("output_tokens")?,
        context_tokens: row.get("context_tokens")?,
        status: row.get("status")?,
        last_run_error: row.get("last_run_error")?,
    })
}
