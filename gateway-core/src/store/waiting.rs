//! Requests that wait for a person: at most one of each subject, a newer one in the older one's place.

use super::{Requested, StoreError};
use crate::protocol::PairingRequestId;
use rusqlite::{Connection, OptionalExtension as _, Row, Statement};

/// A request of one kind, and the table it waits in.
pub(super) trait WaitingRequest: Sized {
    /// The table.
    const TABLE: &'static str;
    /// Its columns, in the order in which [`Self::insert`] gives their values.
    const COLUMNS: &'static str;
    /// The column that says whose request it is.
    const SUBJECT: &'static str;

    /// What to approve or refuse.
    fn request_id(&self) -> &PairingRequestId;

    /// Whose request it is.
    fn subject(&self) -> &str;

    /// Returns whether approving either would come to the same.
    fn asks_the_same(&self, other: &Self) -> bool;

    /// Reads one row.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self>;

    /// Runs the statement that adds a row.
    fn insert(&self, statement: &mut Statement<'_>) -> rusqlite::Result<usize>;
}

/// Puts a request down. One that asks the same as before changes nothing, a different one takes the
/// older one's place.
pub(super) fn put_down<R: WaitingRequest>(
    database: &Connection,
    request: R,
) -> Result<Requested<R>, StoreError> {
    let (table, columns, subject) = (R::TABLE, R::COLUMNS, R::SUBJECT);
    let before = database
        .prepare_cached(&format!(
            "SELECT {columns} FROM {table} WHERE {subject} = ?1"
        ))?
        .query_row([request.subject()], R::read)
        .optional()?;
    let replaced = match before {
        Some(before) if before.asks_the_same(&request) => {
            return Ok(Requested {
                standing: before,
                is_new: false,
                replaced: None,
            });
        }
        Some(before) => {
            take::<R>(database, before.request_id())?;
            Some(before.request_id().clone())
        }
        None => None,
    };
    let values = vec!["?"; columns.split(',').count()].join(", ");
    request.insert(&mut *database.prepare_cached(&format!(
        "INSERT INTO {table} ({columns}) VALUES ({values})"
    ))?)?;
    Ok(Requested {
        standing: request,
        is_new: true,
        replaced,
    })
}

/// Returns the requests that wait, first come first.
pub(super) fn all<R: WaitingRequest>(database: &Connection) -> Result<Vec<R>, StoreError> {
    let (table, columns) = (R::TABLE, R::COLUMNS);
    Ok(database
        .prepare_cached(&format!(
            "SELECT {columns} FROM {table} ORDER BY created_at_ms, request_id"
        ))?
        .query_map([], R::read)?
        .collect::<Result<_, _>>()?)
}

/// Takes a request back; `None` when there is no such request.
pub(super) fn take<R: WaitingRequest>(
    database: &Connection,
    request_id: &PairingRequestId,
) -> Result<Option<R>, StoreError> {
    let (table, columns) = (R::TABLE, R::COLUMNS);
    Ok(database
        .prepare_cached(&format!(
            "DELETE FROM {table} WHERE request_id = ?1 RETURNING {columns}"
        ))?
        .query_row([request_id], R::read)
        .optional()?)
}

/// Takes back the requests that are older than `before_ms`.
pub(super) fn take_older<R: WaitingRequest>(
    database: &Connection,
    before_ms: u64,
) -> Result<Vec<R>, StoreError> {
    let (table, columns) = (R::TABLE, R::COLUMNS);
    Ok(database
        .prepare_cached(&format!(
            "DELETE FROM {table} WHERE created_at_ms < ?1 RETURNING {columns}"
        ))?
        .query_map([before_ms], R::read)?
        .collect::<Result<_, _>>()?)
}
