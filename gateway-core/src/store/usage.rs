//! What the models cost: the numbers kept with each answer.

use super::value::Json;
use super::{Store, StoreError};
use serde_json::Value;

/// The usage of one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerUsage {
    /// When the answer was given.
    pub at_ms: u64,
    /// The member `usage` of the message.
    pub usage: Value,
}

impl Store {
    /// Returns the usage of every kept answer given at or after a moment, oldest first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn usage_since(&self, since_ms: u64) -> Result<Vec<AnswerUsage>, StoreError> {
        self.read(move |database| {
            Ok(database
                .prepare_cached(
                    "SELECT timestamp_ms, extra -> 'usage' FROM message
                     WHERE role = 'assistant' AND timestamp_ms >= ?1
                     AND extra ->> 'usage' IS NOT NULL ORDER BY timestamp_ms",
                )?
                .query_map([since_ms], |row| {
                    let Json(usage) = row.get::<_, Json<Value>>(1)?;
                    Ok(AnswerUsage {
                        at_ms: row.get(0)?,
                        usage,
                    })
                })?
                .collect::<Result<_, _>>()?)
        })
        .await
    }
}
