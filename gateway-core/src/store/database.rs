//! One SQLite file that one thread owns: changes that wait together are committed together, and each is
//! answered after that commit.
//!
//! The gateway's state is one such file and what the app keeps of conversations another; neither knows the
//! other's tables.

use super::worker::{self, Job, Ran};
use super::{StoreError, Unwritable};
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// How many jobs may wait; a caller beyond that waits itself instead of filling the memory.
const QUEUE: usize = 1024;

/// Which file it is and what it is made of.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The database's file name.
    pub(crate) file: &'static str,
    /// The name of the file whose lock says that a process holds the database.
    pub(crate) lock: &'static str,
    /// Four letters at a fixed place in the file, which tell this kind of database from others.
    pub(crate) application: i32,
    /// One step each; after the n-th the file's `user_version` is n. One that was released is never edited:
    /// a change is one more.
    pub(crate) migrations: &'static [&'static str],
    /// What its thread is called.
    pub(crate) thread: &'static str,
}

/// A handle to the thread; cheap to clone. Dropping the last ends the thread once its queue is worked off.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    jobs: mpsc::Sender<Job>,
    /// What the last change met.
    unwritable: Arc<Mutex<Option<Unwritable>>>,
}

impl Database {
    /// Opens the file in `folder`, which becomes the owner's alone, and brings it up to date.
    pub(crate) async fn open(folder: &Path, layout: &'static Layout) -> Result<Self, StoreError> {
        let folder = folder.to_owned();
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (ready, opened) = oneshot::channel();
        std::thread::Builder::new()
            .name(layout.thread.to_owned())
            .spawn(move || worker::run(&folder, layout, queue, ready))
            .map_err(StoreError::Thread)?;
        opened.await.map_err(|_| StoreError::Closed)??;
        Ok(Self {
            jobs,
            unwritable: Arc::default(),
        })
    }

    /// Finishes what is queued and gives the files back; every later call answers `Closed`.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            // An error means that the thread has ended, which is what was asked for.
            drop(closed.await);
        }
    }

    /// Returns why nothing can be kept, as far as the last change told.
    pub(crate) fn unwritable(&self) -> Option<Unwritable> {
        *self
            .unwritable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a change; it is on disk when this returns `Ok`, and undone whole when not.
    pub(crate) async fn write<T: Send + 'static>(
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
    pub(crate) async fn read<T: Send + 'static>(
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
