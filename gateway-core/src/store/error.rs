//! Why the state could not be opened, read or changed.

use super::runs::RunState;
use crate::config::private_file::PrivateFileError;
use crate::protocol::RunId;
use rusqlite::ErrorCode;
use std::io;
use std::path::{Path, PathBuf};

/// Why the gateway's state could not be opened, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full.
    #[error("the disk that holds the gateway's state is full; free some space and try again")]
    Full,
    /// The state may be read and not written.
    #[error(
        "the gateway's state cannot be written; check that its folder is yours and its disk is \
         not mounted read-only"
    )]
    ReadOnly,
    /// The database is damaged.
    #[error(
        "the gateway's state is damaged ({detail}); stop the gateway, move its database away or \
         restore a copy, and start again"
    )]
    Corrupt {
        /// What SQLite said.
        detail: String,
    },
    /// A newer version of the program wrote the database.
    #[error(
        "the gateway's state was written by a newer version (layout {found}, this one knows up to \
         {known}); update this program"
    )]
    Newer {
        /// The layout of the file.
        found: u32,
        /// The newest layout this program knows.
        known: u32,
    },
    /// Another process holds the state.
    #[error(
        "another gateway or program uses this gateway's state; stop it, or give this one a folder \
         of its own"
    )]
    Locked,
    /// A symbolic link stands where the folder or one of its files should be.
    #[error(
        "{path} is a symbolic link; the gateway keeps its state in plain files only: remove it"
    )]
    SymbolicLink {
        /// The link.
        path: PathBuf,
    },
    /// The file is a database of something else.
    #[error("{path} is not a gateway's state; move it away and start again")]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The folder could not be made.
    #[error("the folder of the gateway's state cannot be used; choose another one")]
    Folder(#[source] PrivateFileError),
    /// The system refused something about a file.
    #[error("{path} could not be {doing}; check the folder and its disk")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Past participle: what was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The disk failed while the database was in use.
    #[error("the disk that holds the gateway's state failed ({detail}); check the disk")]
    Disk {
        /// What SQLite said.
        detail: String,
    },
    /// No thread could be started.
    #[error("no thread could be started for the gateway's state; close some programs")]
    Thread(#[source] io::Error),
    /// The store was closed, or its thread has ended.
    #[error("the gateway's state is closed; start the gateway again")]
    Closed,
    /// What was to be changed does not exist.
    #[error("there is no {what} {id:?}; list what there is and try again")]
    Missing {
        /// Which kind of thing.
        what: &'static str,
        /// Which one.
        id: String,
    },
    /// A run is not in the state the change needs.
    #[error("run {run_id} cannot go on: it is {} already; ask for its state first", found.as_str())]
    RunState {
        /// Which run.
        run_id: RunId,
        /// How it stands.
        found: RunState,
    },
    /// Something of that id is stored already.
    #[error("something with this id is stored already; use a new id ({detail})")]
    Conflict {
        /// Which rule was broken, without values.
        detail: String,
    },
    /// A change written together with this one failed and undid both.
    #[error("a change stored together with this one failed and undid both; try again")]
    UndoneTogether,
    /// Anything else SQLite refused.
    #[error("the gateway's state could not be used ({detail}); please report this")]
    Database {
        /// What SQLite said.
        detail: String,
    },
}

/// Why nothing can be kept at present, although what is kept can still be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// The disk is full.
    #[error("the disk that holds the gateway's state is full; free some space")]
    Full,
    /// The state may be read and not written.
    #[error(
        "the gateway's state cannot be written; check that its folder is yours and its disk is \
         not mounted read-only"
    )]
    ReadOnly,
    /// The disk fails.
    #[error("the disk that holds the gateway's state failed; check the disk")]
    Failing,
}

impl Unwritable {
    /// Returns the code that clients are told.
    pub fn code(self) -> &'static str {
        match self {
            Self::Full => "STATE_DISK_FULL",
            Self::ReadOnly => "STATE_READ_ONLY",
            Self::Failing => "STATE_DISK_FAILING",
        }
    }
}

impl StoreError {
    /// Returns why nothing can be kept, if that is what this says: asking again is of use once the
    /// disk has been seen to.
    pub fn unwritable(&self) -> Option<Unwritable> {
        match self {
            Self::Full => Some(Unwritable::Full),
            Self::ReadOnly => Some(Unwritable::ReadOnly),
            Self::Disk { .. } => Some(Unwritable::Failing),
            Self::Corrupt { .. }
            | Self::Newer { .. }
            | Self::Locked
            | Self::SymbolicLink { .. }
            | Self::NotOurs { .. }
            | Self::Folder(_)
            | Self::Io { .. }
            | Self::Thread(_)
            | Self::Closed
            | Self::Missing { .. }
            | Self::RunState { .. }
            | Self::Conflict { .. }
            | Self::UndoneTogether
            | Self::Database { .. } => None,
        }
    }

    pub(super) fn io(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let kind = source.kind();
            if kind == io::ErrorKind::ReadOnlyFilesystem {
                Self::ReadOnly
            } else if matches!(
                kind,
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ) {
                Self::Full
            } else {
                Self::Io {
                    path: path.to_owned(),
                    doing,
                    source,
                }
            }
        }
    }

    pub(super) fn missing(what: &'static str, id: &impl ToString) -> Self {
        Self::Missing {
            what,
            id: id.to_string(),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::from(&error)
    }
}

/// By reference, because one failed commit is the answer to many changes.
impl From<&rusqlite::Error> for StoreError {
    fn from(error: &rusqlite::Error) -> Self {
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::ReadOnly
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { detail },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::SystemIoFailure) => Self::Disk { detail },
            Some(ErrorCode::ConstraintViolation) => Self::Conflict { detail },
            _ => Self::Database { detail },
        }
    }
}

impl From<PrivateFileError> for StoreError {
    fn from(error: PrivateFileError) -> Self {
        match error {
            PrivateFileError::Io {
                path,
                doing,
                source,
            } => Self::io(&path, doing)(source),
            PrivateFileError::SymbolicLink { path } => Self::SymbolicLink { path },
            error @ (PrivateFileError::NotPrivate { .. }
            | PrivateFileError::TooLarge { .. }
            | PrivateFileError::NotText { .. }) => Self::Folder(error),
        }
    }
}
