//! Input and the runs it starts. Input is accepted once: its run's id is its idempotency key.
//!
//! The message of the first run of a conversation is in the transcript as soon as it is accepted.
//! One that comes while another run is not over waits in a row of its own, which becomes a message
//! in the same commit in which its run starts: it is in one of the two places, never in both.

mod record;

pub use record::{
    Acceptance, Accepted, FinishedRun, NewInput, RunEnd, RunOutcome, RunRecord, RunState,
    StartedRun, TokenUsage, WaitingInput,
};

use super::sessions::{self, SessionRecord, SessionStatus};
use super::transcript::{self, MessageRole, NewMessage, StoredMessage};
use super::value::Json;
use super::{Store, StoreError};
use crate::protocol::{RunId, SessionKey};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Map, Value};

const COLUMNS: &str = "run_id, session_key, session_id, state, accepted_at_ms, started_at_ms, \
     ended_at_ms, outcome";

impl Store {
    /// Accepts input once: stores it with a queued run, and begins the conversation if need be.
    ///
    /// # Errors
    ///
    /// Fails when one of the new ids is taken or the database fails.
    pub async fn accept_input(&self, input: NewInput) -> Result<Acceptance, StoreError> {
        self.write(move |database| {
            if let Some(run) = find(database, &input.run_id)? {
                return Ok(Acceptance::Duplicate(Box::new(run)));
            }
            accept(database, input).map(|accepted| Acceptance::Accepted(Box::new(accepted)))
        })
        .await
    }

    /// Marks a queued run as going on.
    ///
    /// # Errors
    ///
    /// Fails when there is no such run, it is not queued, or the database fails.
    pub async fn start_run(&self, run_id: &RunId, at_ms: u64) -> Result<StartedRun, StoreError> {
        let run_id = run_id.clone();
        self.write(move |database| {
            let mut run = find_in(database, &run_id, &[RunState::Queued])?;
            let message = place_waiting(database, &run)?;
            run.state = RunState::Running;
            run.started_at_ms = Some(at_ms);
            save(database, &run)?;
            if let Some(mut session) = session_of(database, &run)? {
                session.status = SessionStatus::Running;
                session.last_run_error = None;
                session.updated_at_ms = session.updated_at_ms.max(at_ms);
                sessions::save(database, &session)?;
            }
            Ok(StartedRun { run, message })
        })
        .await
    }

    /// Ends a run, together with everything that was said in it.
    ///
    /// # Errors
    ///
    /// Fails when there is no such run, it is over already, one of its messages is stored already,
    /// or the database fails.
    pub async fn finish_run(&self, end: RunEnd) -> Result<FinishedRun, StoreError> {
        self.write(move |database| finish(database, end)).await
    }

    /// Returns one run; `None` for an unknown id.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn run(&self, run_id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        let run_id = run_id.clone();
        self.read(move |database| find(database, &run_id)).await
    }

    /// Returns the runs that are not over, in the order in which they were accepted.
    ///
    /// Asked after a start: those queued can still run, those running were cut off by the end of
    /// the gateway. What becomes of them is the caller's decision.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn unfinished_runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        self.read(|database| {
            Ok(database
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM run WHERE state IN ('queued', 'running')
                     ORDER BY number"
                ))?
                .query_map([], read)?
                .collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Returns the run a conversation does next, if one is queued.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn next_queued_run(&self, key: &SessionKey) -> Result<Option<RunRecord>, StoreError> {
        let key = key.clone();
        self.read(move |database| {
            Ok(database
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM run WHERE session_key = ?1 AND state = 'queued'
                     AND state IN ('queued', 'running') ORDER BY number LIMIT 1"
                ))?
                .query_row([key], read)
                .optional()?)
        })
        .await
    }

    /// Returns the input of a conversation that waits, in the order in which it came.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn waiting_inputs(&self, key: &SessionKey) -> Result<Vec<WaitingInput>, StoreError> {
        let key = key.clone();
        self.read(move |database| {
            Ok(database
                .prepare_cached(&format!(
                    "SELECT {COLUMNS}, message_id, content, timestamp_ms, extra
                     FROM run JOIN waiting_input USING (run_id)
                     WHERE session_key = ?1 ORDER BY number"
                ))?
                .query_map([key], |row| {
                    Ok(WaitingInput {
                        run: read(row)?,
                        message: read_waiting(row)?,
                    })
                })?
                .collect::<Result<_, _>>()?)
        })
        .await
    }
}

fn accept(database: &Connection, input: NewInput) -> Result<Accepted, StoreError> {
    let (mut session, session_created) =
        sessions::find_or_begin(database, &input.session, input.at_ms)?;
    session.updated_at_ms = session.updated_at_ms.max(input.at_ms);
    sessions::save(database, &session)?;
    let waits: bool = database
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM run WHERE session_key = ?1
             AND state IN ('queued', 'running'))",
        )?
        .query_row([&session.key], |row| row.get(0))?;
    let run = RunRecord {
        run_id: input.run_id,
        session_key: session.key.clone(),
        session_id: session.session_id.clone(),
        state: RunState::Queued,
        accepted_at_ms: input.at_ms,
        started_at_ms: None,
        ended_at_ms: None,
        outcome: Value::Null,
    };
    database
        .prepare_cached(&format!(
            "INSERT INTO run ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        ))?
        .execute(params![
            run.run_id,
            run.session_key,
            run.session_id,
            run.state,
            run.accepted_at_ms,
            run.started_at_ms,
            run.ended_at_ms,
            Json(&run.outcome),
        ])?;
    let message = user_message(
        run.run_id.clone(),
        input.message_id,
        input.content,
        input.at_ms,
        input.extra,
    );
    let message = if waits {
        wait(database, &message)?;
        None
    } else {
        Some(transcript::append(database, &run.session_id, message)?)
    };
    Ok(Accepted {
        run,
        session,
        session_created,
        message,
    })
}

fn finish(database: &Connection, end: RunEnd) -> Result<FinishedRun, StoreError> {
    let mut run = find_in(
        database,
        &end.run_id,
        &[RunState::Queued, RunState::Running],
    )?;
    // Accepted input of a run that was stopped before it started must not vanish either.
    let mut messages: Vec<_> = place_waiting(database, &run)?.into_iter().collect();
    let has_answer = end.how == RunOutcome::Ok && !end.messages.is_empty();
    for mut message in end.messages {
        message.run_id = Some(run.run_id.clone());
        messages.push(transcript::append(database, &run.session_id, message)?);
    }
    let (state, status) = match end.how {
        RunOutcome::Ok => (RunState::Ok, SessionStatus::Done),
        RunOutcome::Error => (RunState::Error, SessionStatus::Failed),
        RunOutcome::Aborted => (RunState::Aborted, SessionStatus::Aborted),
    };
    run.state = state;
    run.ended_at_ms = Some(end.at_ms);
    run.outcome = end.outcome;
    save(database, &run)?;
    if let Some(mut session) = session_of(database, &run)? {
        session.status = status;
        // Until somebody who looks at it says otherwise.
        session.unread |= has_answer;
        session.last_run_error = end.error;
        session.input_tokens = session.input_tokens.saturating_add(end.usage.input);
        session.output_tokens = session.output_tokens.saturating_add(end.usage.output);
        session.context_tokens = end.usage.context.unwrap_or(session.context_tokens);
        session.updated_at_ms = session.updated_at_ms.max(end.at_ms);
        sessions::save(database, &session)?;
    }
    Ok(FinishedRun { run, messages })
}

/// The conversation a run counts for: none, once it was reset or deleted.
fn session_of(database: &Connection, run: &RunRecord) -> Result<Option<SessionRecord>, StoreError> {
    let session = sessions::find(database, &run.session_key)?;
    Ok(session.filter(|session| session.session_id == run.session_id))
}

/// A user's message is known by `<runId>:user` (protocol §7).
fn user_message(
    run_id: RunId,
    id: String,
    content: Value,
    timestamp_ms: u64,
    extra: Map<String, Value>,
) -> NewMessage {
    NewMessage {
        id,
        role: MessageRole::User,
        content,
        timestamp_ms,
        idempotency_key: Some(format!("{run_id}:user")),
        run_id: Some(run_id),
        extra,
    }
}

fn wait(database: &Connection, message: &NewMessage) -> Result<(), StoreError> {
    database
        .prepare_cached(
            "INSERT INTO waiting_input (run_id, message_id, content, timestamp_ms, extra)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            message.run_id,
            message.id,
            Json(&message.content),
            message.timestamp_ms,
            Json(&message.extra),
        ])?;
    Ok(())
}

/// Turns input that waits into a message; `None` when it is one already.
fn place_waiting(
    database: &Connection,
    run: &RunRecord,
) -> Result<Option<StoredMessage>, StoreError> {
    let waiting = database
        .prepare_cached(
            "DELETE FROM waiting_input WHERE run_id = ?1
             RETURNING run_id, message_id, content, timestamp_ms, extra",
        )?
        .query_row([&run.run_id], read_waiting)
        .optional()?;
    waiting
        .map(|message| transcript::append(database, &run.session_id, message))
        .transpose()
}

fn find(database: &Connection, run_id: &RunId) -> Result<Option<RunRecord>, StoreError> {
    Ok(database
        .prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE run_id = ?1"))?
        .query_row([run_id], read)
        .optional()?)
}

fn find_in(
    database: &Connection,
    run_id: &RunId,
    states: &[RunState],
) -> Result<RunRecord, StoreError> {
    let run = find(database, run_id)?.ok_or_else(|| StoreError::missing("run", run_id))?;
    if states.contains(&run.state) {
        Ok(run)
    } else {
        Err(StoreError::RunState {
            run_id: run.run_id,
            found: run.state,
        })
    }
}

fn save(database: &Connection, run: &RunRecord) -> Result<(), StoreError> {
    database
        .prepare_cached(
            "UPDATE run SET state = ?2, started_at_ms = ?3, ended_at_ms = ?4, outcome = ?5
             WHERE run_id = ?1",
        )?
        .execute(params![
            run.run_id,
            run.state,
            run.started_at_ms,
            run.ended_at_ms,
            Json(&run.outcome),
        ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        run_id: row.get("run_id")?,
        session_key: row.get("session_key")?,
        session_id: row.get("session_id")?,
        state: row.get("state")?,
        accepted_at_ms: row.get("accepted_at_ms")?,
        started_at_ms: row.get("started_at_ms")?,
        ended_at_ms: row.get("ended_at_ms")?,
        outcome: row.get::<_, Json<_>>("outcome")?.0,
    })
}

fn read_waiting(row: &Row<'_>) -> rusqlite::Result<NewMessage> {
    Ok(user_message(
        row.get("run_id")?,
        row.get("message_id")?,
        row.get::<_, Json<_>>("content")?.0,
        row.get("timestamp_ms")?,
        row.get::<_, Json<_>>("extra")?.0,
    ))
}
