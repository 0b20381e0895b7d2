//! The last history of each conversation, as the gateway told it. Bounded: the oldest go first.

use super::KeptChats;
use crate::store::StoreError;
use rusqlite::{OptionalExtension, params};

/// How much all transcripts may take together, in bytes of text.
pub const MOST_BYTES: u64 = 50 * 1024 * 1024;
/// A longer history is not kept: it would push out too many others.
pub const MOST_TRANSCRIPT_BYTES: usize = 8 * 1024 * 1024;

/// A conversation as it was when its gateway was last asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptTranscript {
    /// The payload of `chat.history`, as JSON.
    pub history: String,
    /// When it was told, in milliseconds since 1970.
    pub as_of_ms: u64,
}

impl KeptChats {
    /// Keeps a conversation in place of what was kept of it before, and lets the oldest ones go where all
    /// together take more than `most_bytes`.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then what was kept before is still there.
    pub async fn keep_transcript(
        &self,
        gateway: &str,
        session_key: &str,
        transcript: KeptTranscript,
        most_bytes: u64,
    ) -> Result<(), StoreError> {
        let (gateway, session_key) = (gateway.to_owned(), session_key.to_owned());
        self.database
            .write(move |database| {
                let bytes = i64::try_from(transcript.history.len()).unwrap_or(i64::MAX);
                let as_of = i64::try_from(transcript.as_of_ms).unwrap_or(i64::MAX);
                database.execute(
                    "INSERT OR REPLACE INTO transcript VALUES (?, ?, ?, ?, ?)",
                    params![gateway, session_key, as_of, bytes, transcript.history],
                )?;
                // Newest first, and everything from where the sum exceeds what there may be.
                database.execute(
                    "DELETE FROM transcript WHERE (gateway, session_key) IN (
                         SELECT gateway, session_key FROM (
                             SELECT gateway, session_key, sum(bytes) OVER (
                                 ORDER BY as_of_ms DESC, gateway, session_key
                             ) AS together FROM transcript)
                         WHERE together > ?)",
                    params![i64::try_from(most_bytes).unwrap_or(i64::MAX)],
                )?;
                Ok(())
            })
            .await
    }

    /// Returns what is kept of a conversation.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn transcript(
        &self,
        gateway: &str,
        session_key: &str,
    ) -> Result<Option<KeptTranscript>, StoreError> {
        let (gateway, session_key) = (gateway.to_owned(), session_key.to_owned());
        self.database
            .read(move |database| {
                let kept = database.query_row(
                    "SELECT history, as_of_ms FROM transcript
                     WHERE gateway = ? AND session_key = ?",
                    params![gateway, session_key],
                    |row| {
                        Ok(KeptTranscript {
                            history: row.get(0)?,
                            as_of_ms: row.get::<_, i64>(1)?.try_into().unwrap_or_default(),
                        })
                    },
                );
                Ok(kept.optional()?)
            })
            .await
    }

    /// Returns how much all transcripts take, in bytes of text.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn transcript_bytes(&self) -> Result<u64, StoreError> {
        self.database
            .read(|database| {
                let sum: i64 = database.query_row(
                    "SELECT coalesce(sum(bytes), 0) FROM transcript",
                    [],
                    |row| row.get(0),
                )?;
                Ok(sum.try_into().unwrap_or_default())
            })
            .await
    }

    /// Forgets every transcript, in the file and in its log. Drafts and messages on their way stay.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn forget_transcripts(&self) -> Result<(), StoreError> {
        self.database
            .write(|database| {
                database.execute("DELETE FROM transcript", [])?;
                Ok(())
            })
            .await?;
        self.empty_log().await
    }
}
