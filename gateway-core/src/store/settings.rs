//! Small values under a key: voice wake triggers, routing.

use super::value::Json;
use super::{Store, StoreError, Unwritable};
use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

/// When writing was last tried after it had failed.
const LAST_TRIED: &str = "store.lastTried";

impl Store {
    /// Returns a value; `None` when it was never set.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn setting(&self, key: &'static str) -> Result<Option<Value>, StoreError> {
        self.read(move |database| {
            let value = database
                .prepare_cached("SELECT value FROM setting WHERE key = ?1")?
                .query_row([key], |row| row.get::<_, Json<Value>>(0))
                .optional()?;
            Ok(value.map(|Json(value)| value))
        })
        .await
    }

    /// Finds out whether anything can be kept, by keeping something.
    pub async fn try_writing(&self, at_ms: u64) -> Option<Unwritable> {
        // What it meets is noted like what every other change meets.
        drop(self.put_setting(LAST_TRIED, Value::from(at_ms)).await);
        self.unwritable()
    }

    /// Sets a value.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn put_setting(&self, key: &'static str, value: Value) -> Result<(), StoreError> {
        self.write(move |database| {
            database
                .prepare_cached("INSERT OR REPLACE INTO setting (key, value) VALUES (?1, ?2)")?
                .execute(params![key, Json(&value)])?;
            Ok(())
        })
        .await
    }
}
