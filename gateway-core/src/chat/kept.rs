//! What the app keeps of conversations on disk: messages that are not delivered yet, the composer's texts, and
//! the last transcript of each conversation, to be read while the gateway is out of reach.
//!
//! One SQLite file, 0600, in the app's data folder. Everything belongs to one gateway, by the id of its
//! profile, and goes with it. Nothing in here decides when something is sent or shown.

mod attachments;
mod drafts;
mod outbox;
mod transcripts;

pub use drafts::KeptDraft;
pub use outbox::{KeptOutbox, UnsentMessage, UnsentState};
pub use transcripts::{KeptTranscript, MOST_BYTES, MOST_TRANSCRIPT_BYTES};

use crate::store::database::{Database, Layout};
use crate::store::{StoreError, Unwritable};
use rusqlite::params;
use std::path::Path;

const CHATS: Layout = Layout {
    file: "cache.sqlite",
    lock: "cache.lock",
    // `OCTC`
    application: 0x4f43_5443,
    migrations: &[include_str!("kept/v1.sql"), include_str!("kept/v2.sql")],
    thread: "kept-chats",
};

/// The tables whose rows each belong to a gateway; a message's files go with it.
const TABLES: [&str; 5] = ["message", "place", "sent_since", "draft", "transcript"];

/// What is kept of conversations; cheap to clone.
#[derive(Debug, Clone)]
pub struct KeptChats {
    database: Database,
}

impl KeptChats {
    /// Opens the file in `folder`, or makes it.
    ///
    /// # Errors
    ///
    /// As [`crate::store::Store::open`].
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let database = Database::open(folder, &CHATS).await?;
        // What is deleted is gone from the file too, not only from its tables.
        database
            .read(|database| Ok(database.pragma_update(None, "secure_delete", true)?))
            .await?;
        Ok(Self { database })
    }

    /// Finishes what is queued and gives the file back; every later call answers `Closed`.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Returns why nothing can be kept at present, as far as the last change told.
    pub fn unwritable(&self) -> Option<Unwritable> {
        self.database.unwritable()
    }

    /// Returns what is kept of one gateway's messages on their way, to be written by its courier alone.
    pub fn outbox(&self, gateway: &str) -> KeptOutbox {
        KeptOutbox::new(self.database.clone(), gateway.to_owned())
    }

    /// Forgets everything of a gateway, in the file and in its log.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then it is all still there.
    pub async fn forget_gateway(&self, gateway: &str) -> Result<(), StoreError> {
        let gateway = gateway.to_owned();
        self.database
            .write(move |database| {
                for table in TABLES {
                    let statement = format!("DELETE FROM {table} WHERE gateway = ?");
                    database.execute(&statement, params![gateway])?;
                }
                Ok(())
            })
            .await?;
        self.empty_log().await
    }

    /// Moves the write-ahead log into the file and empties it: it still holds what was deleted.
    async fn empty_log(&self) -> Result<(), StoreError> {
        empty_log(&self.database).await
    }
}

async fn empty_log(database: &Database) -> Result<(), StoreError> {
    database
        .read(|database| {
            database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests;
