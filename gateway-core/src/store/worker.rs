//! The thread that owns the database: commits what waits together, then answers.

use super::database::Layout;
use super::files::{self, HeldFiles};
use super::{StoreError, schema};
use rusqlite::{Connection, TransactionBehavior};
use std::fmt;
use std::path::Path;
use tokio::sync::{mpsc, oneshot};

/// How many changes share a commit at most, so that no reader waits for long.
const BATCH: usize = 256;

type Write = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Ran + Send>;
type Read = Box<dyn FnOnce(Result<&Connection, StoreError>) + Send>;
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// One thing to do for a caller.
pub(super) enum Job {
    /// A change, answered after the commit.
    Write(Write),
    /// A question.
    Read(Read),
    /// Ends the thread; answered once the files are given back.
    Close(oneshot::Sender<()>),
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Write(_) => "Write",
            Self::Read(_) => "Read",
            Self::Close(_) => "Close",
        })
    }
}

/// A change that was made and not committed yet.
pub(super) struct Ran {
    /// Whether it is to be kept; a change that failed is undone alone.
    pub(super) kept: bool,
    /// Tells the caller, once it is known whether the commit went well.
    pub(super) answer: Answer,
}

/// Opens the state, says how that went, and works until every handle is gone.
pub(super) fn run(
    folder: &Path,
    layout: &'static Layout,
    mut queue: mpsc::Receiver<Job>,
    ready: oneshot::Sender<Result<(), StoreError>>,
) {
    let (mut database, held) = match open(folder, layout) {
        Ok(opened) => opened,
        Err(error) => return drop(ready.send(Err(error))),
    };
    drop(ready.send(Ok(())));
    let closed = work(&mut database, &mut queue);
    // Refused from here on, rather than queued for nobody.
    drop(queue);
    // Dropped in this order: the lock outlives the last use of the database.
    drop(database);
    drop(held);
    if let Some(closed) = closed {
        // Whoever asked may have stopped waiting.
        let _ = closed.send(());
    }
}

fn open(folder: &Path, layout: &Layout) -> Result<(Connection, HeldFiles), StoreError> {
    let held = files::hold(folder, layout)?;
    let database = schema::open(&held.database, layout)?;
    Ok((database, held))
}

fn work(database: &mut Connection, queue: &mut mpsc::Receiver<Job>) -> Option<oneshot::Sender<()>> {
    let mut next = queue.blocking_recv();
    while let Some(job) = next {
        let (writes, reads, closing) = gather(job, queue);
        commit(database, writes);
        // None of these was answered when the changes above were asked for, so seeing them is fair.
        for read in reads {
            read(Ok(database));
        }
        if closing.is_some() {
            return closing;
        }
        next = queue.blocking_recv();
    }
    None
}

/// Takes what is queued, up to a full batch or the word to close.
fn gather(
    first: Job,
    queue: &mut mpsc::Receiver<Job>,
) -> (Vec<Write>, Vec<Read>, Option<oneshot::Sender<()>>) {
    let (mut writes, mut reads) = (Vec::new(), Vec::new());
    let mut next = Some(first);
    while let Some(job) = next {
        match job {
            Job::Write(write) => writes.push(write),
            Job::Read(read) => reads.push(read),
            Job::Close(done) => return (writes, reads, Some(done)),
        }
        next = if writes.len() + reads.len() < BATCH {
            queue.try_recv().ok()
        } else {
            None
        };
    }
    (writes, reads, None)
}

fn commit(database: &mut Connection, writes: Vec<Write>) {
    if writes.is_empty() {
        return;
    }
    let mut answers = Vec::with_capacity(writes.len());
    let committed = together(database, writes, &mut answers);
    for answer in answers {
        answer(match &committed {
            Ok(()) => Ok(()),
            Err(Failure::Database(error)) => Err(StoreError::from(error)),
            Err(Failure::Undone) => Err(StoreError::UndoneTogether),
        });
    }
}

enum Failure {
    Database(rusqlite::Error),
    /// SQLite ended the transaction by itself, as it may after a full disk or a failed write.
    Undone,
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

fn together(
    database: &mut Connection,
    writes: Vec<Write>,
    answers: &mut Vec<Answer>,
) -> Result<(), Failure> {
    let mut writes = writes.into_iter();
    let outcome = (|| {
        let mut transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for write in writes.by_ref() {
            let savepoint = transaction.savepoint()?;
            let ran = write(Ok(&savepoint));
            answers.push(ran.answer);
            if ran.kept {
                savepoint.commit()?;
            } else if savepoint.is_autocommit() {
                // A later change would be committed by itself, and alone.
                return Err(Failure::Undone);
            } else {
                savepoint.finish()?;
            }
        }
        Ok(transaction.commit()?)
    })();
    // Those that had no turn are told why; they change nothing.
    for write in writes {
        answers.push(
            write(Err(match &outcome {
                Err(Failure::Database(error)) => StoreError::from(error),
                Ok(()) | Err(Failure::Undone) => StoreError::UndoneTogether,
            }))
            .answer,
        );
    }
    outcome
}

#[cfg(test)]
mod tests;
