//! Where configuration text comes from.

use std::io::{self, Read as _};
use std::path::Path;

/// The largest file that is read; a configuration is a few kilobytes.
const MAX_FILE: u64 = 1024 * 1024;

/// The file system, as far as a configuration needs it.
pub trait ConfigFiles {
    /// Returns the text of a file. With `must_be_ours` it has to be one that nobody else may write.
    ///
    /// # Errors
    /// A [`ReadError`].
    fn read(&self, path: &Path, must_be_ours: bool) -> Result<String, ReadError>;

    /// Returns the names in a folder; a folder that cannot be read has none.
    fn names(&self, folder: &Path) -> Vec<String>;

    /// Returns whether something lies at this path.
    fn exists(&self, path: &Path) -> bool;
}

/// Why a file was not read.
#[derive(Debug)]
pub enum ReadError {
    /// It does not exist.
    Missing,
    /// Others may write it.
    NotOurs,
    /// The system's reason.
    System(io::Error),
}

/// The real file system.
#[derive(Debug, Clone, Copy)]
pub struct Disk {
    /// The account whose files are ours; `None` where the system has no such numbers.
    pub uid: Option<u32>,
}

impl ConfigFiles for Disk {
    fn read(&self, path: &Path, must_be_ours: bool) -> Result<String, ReadError> {
        let file = std::fs::File::open(path).map_err(ReadError::of)?;
        let about = file.metadata().map_err(ReadError::of)?;
        // A folder can be opened and has no text; ssh passes over it as well.
        if about.is_dir() {
            return Ok(String::new());
        }
        if must_be_ours && !self.is_ours(&about) {
            return Err(ReadError::NotOurs);
        }
        let mut bytes = Vec::new();
        file.take(MAX_FILE)
            .read_to_end(&mut bytes)
            .map_err(ReadError::of)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }

    fn exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }
}

impl Disk {
    #[cfg(unix)]
    fn is_ours(&self, about: &std::fs::Metadata) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let owner_is_trusted = about.uid() == 0 || self.uid.is_none_or(|uid| about.uid() == uid);
        owner_is_trusted && about.mode() & 0o022 == 0
    }

    #[cfg(not(unix))]
    fn is_ours(&self, _about: &std::fs::Metadata) -> bool {
        true
    }
}

impl ReadError {
    fn of(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            Self::Missing
        } else {
            Self::System(error)
        }
    }
}
