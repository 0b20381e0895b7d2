//! Why something could not be done with a file on the server, and what helps.

use crate::tunnel::SessionChannelError;
use crate::tunnel::printable;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::StatusCode;
use std::fmt;

/// Why a file on the server could not be used. It holds nothing of a file's content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// The server has no file transfer for this account.
    #[error(
        "the server offers this account no file transfer (SFTP); \
         its owner can switch it on with the line \"Subsystem sftp internal-sftp\" in sshd_config"
    )]
    NoSftp,
    /// The file transfer was not to be had for another reason.
    #[error("no file transfer was opened")]
    Session(#[source] SessionChannelError),
    /// The account may not do this.
    #[error(
        "the server did not let this account {doing} {path}; look at whose it is and who may write there"
    )]
    Denied {
        /// What was tried.
        doing: Doing,
        /// Where.
        path: String,
    },
    /// There is no such file or folder.
    #[error("there is no {path} on the server")]
    Missing {
        /// Where.
        path: String,
    },
    /// The disk is full.
    #[error(
        "the server's disk is full, so {path} was left as it is; free some space there and try again"
    )]
    DiskFull {
        /// What was to be written.
        path: String,
    },
    /// Nothing can be written there at all.
    #[error("the server's disk with {path} can only be read; nothing was changed")]
    ReadOnly {
        /// What was to be written.
        path: String,
    },
    /// A link stands where a file or folder of the account is expected.
    #[error(
        "{path} on the server is a symbolic link, which is not followed; replace it by what it points to"
    )]
    Link {
        /// Where.
        path: String,
    },
    /// Something else stands there.
    #[error("{path} on the server is not a {wanted}")]
    WrongKind {
        /// Where.
        path: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// Another account owns it.
    #[error("{path} on the server belongs to another account, so it was left as it is")]
    NotOurs {
        /// Where.
        path: String,
    },
    /// It is larger than any file of its kind.
    #[error("{path} on the server is larger than {limit} bytes, so it was left as it is")]
    TooLarge {
        /// Where.
        path: String,
        /// The limit.
        limit: usize,
    },
    /// Somebody else wrote it meanwhile.
    #[error("{path} was changed on the server at the same time; try again")]
    Changed {
        /// Where.
        path: String,
    },
    /// The server cannot replace a file in one step.
    #[error(
        "the server's file transfer is too old to replace {path} safely; add the line there by hand"
    )]
    TooOld {
        /// Where.
        path: String,
    },
    /// The server did not answer in time.
    #[error("the server's file transfer did not answer in time; try again")]
    Timeout,
    /// The server failed and says little about it.
    #[error("the server could not {doing} {path}: {said}")]
    Failed {
        /// What was tried.
        doing: Doing,
        /// Where.
        path: String,
        /// The server's words.
        said: String,
    },
    /// What came is not file transfer.
    #[error("the server's file transfer cannot be used: {detail}")]
    Unusable {
        /// What is wrong with it.
        detail: String,
    },
}

/// What was tried with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Looking what is there.
    Look,
    /// Reading it.
    Read,
    /// Writing it.
    Write,
    /// Making the folder.
    Make,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Look => "look at",
            Self::Read => "read",
            Self::Write => "write",
            Self::Make => "make",
        })
    }
}

impl From<SessionChannelError> for FilesError {
    fn from(error: SessionChannelError) -> Self {
        match error {
            SessionChannelError::NotOffered { .. } => Self::NoSftp,
            SessionChannelError::Timeout { .. } => Self::Timeout,
            SessionChannelError::Refused { .. } | SessionChannelError::Closed(_) => {
                Self::Session(error)
            }
        }
    }
}

impl FilesError {
    /// Returns a stable word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSftp => "noFileTransfer",
            Self::Session(_) | Self::Unusable { .. } | Self::TooOld { .. } => {
                "fileTransferUnusable"
            }
            Self::Denied { .. } => "serverFileDenied",
            Self::DiskFull { .. } => "serverDiskFull",
            Self::ReadOnly { .. } => "serverDiskReadOnly",
            Self::Link { .. } => "serverFileIsLink",
            Self::NotOurs { .. } => "serverFileNotOurs",
            Self::Changed { .. } => "serverFileChanged",
            Self::Timeout => "serverFilesTimeout",
            Self::Missing { .. }
            | Self::WrongKind { .. }
            | Self::TooLarge { .. }
            | Self::Failed { .. } => "serverFileUnusable",
        }
    }

    /// Says why the transfer did not begin. A program that is missing, or a shell that greets, ends here.
    pub(super) fn not_begun(error: Error) -> Self {
        match error {
            Error::Timeout => Self::Timeout,
            Error::Status(_)
            | Error::IO(_)
            | Error::Limited(_)
            | Error::UnexpectedPacket
            | Error::UnexpectedBehavior(_) => {
                Self::unusable("the server's program for it did not begin properly")
            }
        }
    }

    pub(super) fn unusable(detail: &str) -> Self {
        Self::Unusable {
            detail: detail.to_owned(),
        }
    }

    pub(super) fn of(error: Error, doing: Doing, path: &str) -> Self {
        let path = path.to_owned();
        match error {
            Error::Timeout => Self::Timeout,
            Error::Status(status) => match status.status_code {
                StatusCode::NoSuchFile => Self::Missing { path },
                StatusCode::PermissionDenied => Self::Denied { doing, path },
                StatusCode::OpUnsupported => Self::TooOld { path },
                StatusCode::Ok
                | StatusCode::Eof
                | StatusCode::Failure
                | StatusCode::BadMessage
                | StatusCode::NoConnection
                | StatusCode::ConnectionLost => Self::Failed {
                    doing,
                    path,
                    said: printable(&status.error_message),
                },
            },
            Error::IO(detail) | Error::Limited(detail) | Error::UnexpectedBehavior(detail) => {
                Self::Unusable {
                    detail: printable(&detail),
                }
            }
            Error::UnexpectedPacket => Self::unusable("it answered something else"),
        }
    }

    /// A file that is not there is an answer where that was the question.
    pub(super) fn unless_missing<T>(self) -> Result<Option<T>, Self> {
        if matches!(self, Self::Missing { .. }) {
            Ok(None)
        } else {
            Err(self)
        }
    }
}
