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

use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};
use worker::{Job, Ran};

/// How many jobs may wait; a caller beyond that waits itself instead of filling the memory.
const QUEUE: usize = 1024;

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
    jobs: mpsc::Sender<Job>,
    /// What the last change met.
    unwritable: Arc<Mutex<Option<Unwritable>>>,
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
        let folder = folder.to_owned();
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (ready, opened) = oneshot::channel();
        std::thread::Builder::new()
            .name("gateway-store".to_owned())
            .spawn(move || worker::run(&folder, queue, ready))
            .map_err(StoreError::Thread)?;
        opened.await.map_err(|_| StoreError::Closed)??;
        Ok(Self {
            jobs,
            unwritable: Arc::default(),
        })
    }

    /// Finishes what is queued and gives the files back; every later call answers `Closed`.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            // An error means that the thread has ended, which is what was asked for.
            drop(closed.await);
        }
    }

    /// Returns why nothing can be kept, as far as the last change told.
    pub fn unwritable(&self) -> Option<Unwritable> {
        *self
            .unwritable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a change; it is on disk when this returns `Ok`, and undone whole when not.
    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let outcome = self.commit(change).await;
        let met = match &outcome {
            Ok(_) => Some(None),
            // One that was refused for what it asked says nothing of the disk.
            Err(problem) => problem.unwritable().map(Some),
        };
        if let Some(met) = met {
            *self
                .unwritable
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = met;
        }
        outcome
    }

    /// Sets what SQLite goes by: a disk of a test's own making.
    #[cfg(test)]
    pub(crate) async fn set_pragma(&self, name: &'static str, value: u32) {
        let set = self.read(move |database| {
            database
                .pragma_update_and_check(None, name, value, |_| Ok(()))
                .or_else(|error| {
                    // Some settings answer with their new value and some with nothing.
                    if error == rusqlite::Error::QueryReturnedNoRows {
                        Ok(())
                    } else {
                        Err(error)
                    }
                })?;
            Ok(())
        });
        set.await.unwrap();
    }

    async fn commit<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Write(Box::new(move |database| {
            let result = database.and_then(change);
            Ran {
                kept: result.is_ok(),
                answer: Box::new(move |committed| {
                    // Nobody listening means that the caller gave up.
                    drop(reply.send(result.and_then(|value| committed.map(|()| value))));
                }),
            }
        }));
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs a question; it sees every change that was answered before it was asked.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Read(Box::new(move |database| {
            drop(reply.send(database.and_then(question)));
        }));
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}
