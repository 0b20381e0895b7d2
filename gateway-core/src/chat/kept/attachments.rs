//! The files of messages on their way. A row is written with its message and goes with it, by a trigger.

use crate::chat::attachments::{Attachment, Attachments};
use crate::store::StoreError;
use rusqlite::{Connection, params};

/// Writes the files of a message that is new here.
pub(super) fn write(
    database: &Connection,
    gateway: &str,
    key: &str,
    files: &[Attachment],
) -> Result<(), StoreError> {
    if files.is_empty() {
        return Ok(());
    }
    let mut statement =
        database.prepare_cached("INSERT OR REPLACE INTO attachment VALUES (?, ?, ?, ?, ?, ?)")?;
    for (position, file) in files.iter().enumerate() {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        statement.execute(params![
            gateway,
            key,
            position,
            file.name,
            file.media_type,
            file.data
        ])?;
    }
    Ok(())
}

/// Returns the files of a message, in their order.
pub(super) fn read(
    database: &Connection,
    gateway: &str,
    key: &str,
) -> Result<Attachments, StoreError> {
    let mut statement = database.prepare_cached(
        "SELECT name, media_type, data FROM attachment WHERE gateway = ? AND key = ?
         ORDER BY position",
    )?;
    let rows = statement.query_map(params![gateway, key], |row| {
        Ok(Attachment {
            name: row.get(0)?,
            media_type: row.get(1)?,
            data: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into())
}

/// Returns whether a message has files here.
pub(super) fn any(database: &Connection, gateway: &str, key: &str) -> Result<bool, StoreError> {
    Ok(database
        .prepare_cached("SELECT 1 FROM attachment WHERE gateway = ? AND key = ?")?
        .exists(params![gateway, key])?)
}
