//! What the embedded gateway keeps on disk, in one SQLite database of its own.
//!
//! [`Store`] is a cheap handle. One thread owns the connection and works off a queue: the changes
//! waiting there are committed together, and each is answered only after that commit, so what was
//! answered `Ok` survives a kill. In reading order: [`sessions`] and their [`transcript`], the
//! [`runs`] that input starts, [`devices`] with their [`pairing`] and [`device_tokens`],
//! [`nodes`], what the models used ([`usage`]), and the small tables [`exec_allow`], [`settings`] and
//! [`outcomes`].
//!
//! Times are milliseconds since 1970 and ids come from the caller: there is no clock and no
//! randomness in here. A call given up after it was queued still takes effect.

pub(crate) mod database;
pub mod device_tokens;
pub mod devices;
mod error;
pub mod exec_allow;
mod files;
pub mod nodes;
pub mod outcomes;
pub mod pairing;
pub mod runs;
mod schema;
pub mod sessions;
pub mod settings;
#[cfg(test)]
mod tests;
pub mod transcript;
pub mod usage;
mod value;
mod waiting;
mod worker;

pub use device_tokens::{DeviceTokenHash, DeviceTokenRecord, NewDeviceToken, TokenOwner};
pub use devices::DeviceRecord;
pub use error::{StoreError, Unwritable};
pub use exec_allow::AllowedCommand;
pub use nodes::{NodeSurface, PendingSurface};
pub use pairing::PendingPairing;
pub use runs::{
    Acceptance, Accepted, FinishedRun, NewInput, RunEnd, RunOutcome, RunRecord, RunState,
    StartedRun, TokenUsage, WaitingInput,
};
pub use sessions::{
    DeletedSession, PatchedSession, SessionPage, SessionPatch, SessionQuery, SessionRecord,
    SessionReset, SessionSeed, SessionStatus, Transcript,
};
pub use transcript::{MessageRole, NewMessage, StoredMessage, TranscriptPage};
pub use usage::AnswerUsage;

use database::{Database, Layout};
use rusqlite::Connection;
use std::path::Path;

/// Where the gateway's state is, and what it is made of.
const STATE: Layout = Layout {
    file: "gateway.sqlite",
    lock: "gateway.lock",
    // `OCTG`
    application: 0x4f43_5447,
    migrations: &[include_str!("store/schema/v1.sql")],
    thread: "gateway-store",
};

/// A pending request that was put down, and what became of an older one.
#[derive(Debug, Clone, PartialEq)]
pub struct Requested<T> {
    /// The request that stands now: the new one, or an equal one from before.
    pub standing: T,
    /// Whether it is new, so that somebody has to be told.
    pub is_new: bool,
    /// The different request it took the place of.
    pub replaced: Option<crate::protocol::PairingRequestId>,
}

/// The embedded gateway's durable state.
///
/// Dropping the last handle ends the thread once the queue is worked off.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the state in `folder`, which becomes the owner's alone, and brings it up to date.
    ///
    /// # Errors
    ///
    /// Fails when another process holds it, a newer version wrote it, a symbolic link is in the
    /// way, it is not ours or damaged, or the disk refuses. Nothing has been changed then, except
    /// that the folder may have been made.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let database = Database::open(folder, &STATE).await?;
        Ok(Self { database })
    }

    /// Finishes what is queued and gives the files back; every later call answers `Closed`.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Returns why nothing can be kept, as far as the last change told.
    pub fn unwritable(&self) -> Option<Unwritable> {
        self.database.unwritable()
    }

    /// Sets what SQLite goes by: a disk of a test's own making.
    #[cfg(test)]
    pub(crate) async fn set_pragma(&self, name: &'static str, value: u32) {
        self.database.set_pragma(name, value).await;
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.database.write(change).await
    }

    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.database.read(question).await
    }
}
