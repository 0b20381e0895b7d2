//! Where in which file something is wrong.

use super::private_file::PrivateFileError;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// A fault in a file a person may have written: which file, where, which key, and what.
///
/// The message never repeats the value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileProblem {
    /// The file.
    pub path: PathBuf,
    /// Counted from 1; absent when the file as a whole could not be read.
    pub line: Option<u32>,
    /// In characters, counted from 1.
    pub column: Option<u32>,
    /// The dotted key, such as `profiles[0].localPort`.
    pub key: Option<String>,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl FileProblem {
    /// Describes a file that could not be read at all.
    pub fn unreadable(path: &Path, error: &PrivateFileError) -> Self {
        let message = match error {
            PrivateFileError::Io { source, .. } => format!("the file cannot be read: {source}"),
            PrivateFileError::SymbolicLink { .. }
            | PrivateFileError::NotPrivate { .. }
            | PrivateFileError::TooLarge { .. }
            | PrivateFileError::NotText { .. } => error.to_string(),
        };
        Self {
            path: path.to_owned(),
            line: None,
            column: None,
            key: None,
            message,
        }
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for FileProblem {}
