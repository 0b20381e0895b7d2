//! What methods other than `chat.send` and `agent` answered to an idempotency key.

use super::value::Json;
use super::{Store, StoreError};
use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

/// How long an answer is kept (protocol §1).
const KEPT_MS: u64 = 5 * 60 * 1000;

/// How many are kept at most (protocol §1).
const KEPT: u32 = 1000;

impl Store {
    /// Returns what was answered to this key in the last five minutes.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn outcome(
        &self,
        method: &'static str,
        key: String,
        now_ms: u64,
    ) -> Result<Option<Value>, StoreError> {
        self.read(move |database| {
            let value = database
                .prepare_cached(
                    "SELECT value FROM outcome
                     WHERE method = ?1 AND key = ?2 AND stored_at_ms > ?3",
                )?
                .query_row(params![method, key, oldest(now_ms)], |row| {
                    row.get::<_, Json<Value>>(0)
                })
                .optional()?;
            Ok(value.map(|Json(value)| value))
        })
        .await
    }

    /// Keeps an answer for five minutes; the oldest go where there are more than a thousand.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn put_outcome(
        &self,
        method: &'static str,
        key: String,
        value: Value,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        self.write(move |database| {
            database
                .prepare_cached(
                    "INSERT OR REPLACE INTO outcome (method, key, value, stored_at_ms)
                     VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![method, key, Json(&value), now_ms])?;
            database
                .prepare_cached(
                    "DELETE FROM outcome WHERE stored_at_ms <= ?1 OR number <=
                     (SELECT number FROM outcome ORDER BY number DESC LIMIT 1 OFFSET ?2)",
                )?
                .execute(params![oldest(now_ms), KEPT])?;
            Ok(())
        })
        .await
    }
}

/// The moment up to which answers no longer count; -1 where none can be that old.
fn oldest(now_ms: u64) -> i64 {
    now_ms
        .checked_sub(KEPT_MS)
        .map_or(-1, |moment| i64::try_from(moment).unwrap_or(i64::MAX))
}
