//! What is wrong with a configuration file, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    file: Arc<Path>,
    line: usize,
}

impl Place {
    pub(super) fn new(file: Arc<Path>, line: usize) -> Self {
        Self { file, line }
    }

    /// Returns the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.file.display(), self.line)
    }
}

/// Why the configuration cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum SshConfigError {
    /// An option that would change whom we reach or trust, and that we do not have.
    #[error("the option {option} in {place} is not supported")]
    Unsupported {
        /// The option as its manual spells it.
        option: String,
        /// Where it stands.
        place: Place,
    },
    /// A word that is no option; it may be a mistyped one that matters.
    #[error("{place} has the unknown option {keyword}")]
    Unknown {
        /// The word.
        keyword: String,
        /// Where it stands.
        place: Place,
    },
    /// An option whose value cannot be used.
    #[error("{option} in {place} {why}")]
    BadValue {
        /// The option.
        option: String,
        /// Where it stands.
        place: Place,
        /// What is wrong, as the end of the sentence.
        why: &'static str,
    },
    /// A `%` token or `${VARIABLE}` that cannot be replaced.
    #[error("{option} in {place} uses {token}, which has no value here")]
    NoValue {
        /// The option.
        option: &'static str,
        /// Where it stands.
        place: Place,
        /// The token or variable.
        token: String,
    },
    /// A file is there, but it cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others could have written the file. OpenSSH refuses it too.
    #[error("{} may be written by other users of this computer", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// Files include each other too deeply, too often or in a circle.
    #[error("{place} includes files too deeply or too many of them")]
    TooDeep {
        /// The last line followed.
        place: Place,
    },
    /// The way through jump hosts leads back to one of them.
    #[error("the way to {host} leads through itself (ProxyJump)")]
    JumpLoop {
        /// The server.
        host: String,
    },
    /// The way through jump hosts is longer than we follow.
    #[error("the way to {host} leads through more than {limit} servers (ProxyJump)")]
    TooManyJumps {
        /// The server.
        host: String,
        /// The most we follow.
        limit: usize,
    },
}
