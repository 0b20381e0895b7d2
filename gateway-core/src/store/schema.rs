//! How a database of an older layout becomes one of the present layout.

use super::StoreError;
use super::database::Layout;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// Only a person looking at the file with another program can be in the way; we hold our own lock.
const BUSY: Duration = Duration::from_secs(5);

/// Opens the database file, checks that it is ours, and brings it up to date.
pub(super) fn open(path: &Path, layout: &Layout) -> Result<Connection, StoreError> {
    open_with(path, layout.application, layout.migrations)
}

fn open_with(path: &Path, application: i32, migrations: &[&str]) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut database = Connection::open_with_flags(path, flags)?;
    database.busy_timeout(BUSY)?;
    // Until the file is known to be ours, closing it must not move its log into it.
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let found = version_of(&database, path, application)?;
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    prepare(&database)?;
    for (version, statements) in (1..=known).zip(migrations) {
        if version > found {
            migrate(&mut database, application, version, statements)?;
        }
    }
    Ok(database)
}

fn version_of(database: &Connection, path: &Path, application: i32) -> Result<u32, StoreError> {
    let number = |pragma| database.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let version = number("user_version")?;
    let tables: u32 =
        database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let is_empty = version == 0 && tables == 0;
    match u32::try_from(version) {
        Ok(version) if is_empty || number("application_id")? == application => Ok(version),
        Ok(_) | Err(_) => Err(StoreError::NotOurs {
            path: path.to_owned(),
        }),
    }
}

fn prepare(database: &Connection) -> Result<(), StoreError> {
    // Asking for the log answers with the mode that came of it.
    let mode: String =
        database.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::Database {
            detail: format!("no write-ahead log on this disk, only {mode}"),
        });
    }
    // FULL flushes the log at every commit: an answered change survives a power cut as well.
    database.pragma_update(None, "synchronous", "FULL")?;
    // On macOS a plain flush stops at the drive's cache.
    database.pragma_update(None, "fullfsync", true)?;
    database.pragma_update(None, "checkpoint_fullfsync", true)?;
    database.pragma_update(None, "foreign_keys", true)?;
    database.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

fn migrate(
    database: &mut Connection,
    application: i32,
    version: u32,
    statements: &str,
) -> Result<(), StoreError> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(statements)?;
    transaction.pragma_update(None, "application_id", application)?;
    transaction.pragma_update(None, "user_version", version)?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests;
