//! Which file a program's name means, and whether it is still that file.

use super::ExecRefusal;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A program file, as it was when it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
    seen: Seen,
}

/// What changes when a file is replaced or written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    length: u64,
    modified: Option<SystemTime>,
    /// Device, number, and the change that cannot be set back.
    identity: [i128; 4],
}

impl Program {
    /// Finds a program: by its path from `cwd` where the name has a separator, else in `search`, the
    /// value of `PATH`. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// Says that there is none, or that only a shell runs it.
    pub fn find(name: &str, cwd: &Path, search: &str) -> Result<Self, ExecRefusal> {
        let not_found = || ExecRefusal::NotFound {
            name: name.to_owned(),
        };
        let is_path = name.contains('/') || cfg!(windows) && name.contains('\\');
        let places: Vec<PathBuf> = if is_path {
            vec![cwd.join(name)]
        } else {
            // A relative entry would mean whatever folder the program happens to run in.
            std::env::split_paths(search)
                .filter(|folder| folder.is_absolute())
                .map(|folder| folder.join(name))
                .collect()
        };
        let path = places
            .into_iter()
            .flat_map(spellings)
            .find(|place| fs::metadata(place).is_ok_and(|metadata| can_run(&metadata)))
            .and_then(|place| place.canonicalize().ok())
            .ok_or_else(not_found)?;
        if is_batch(&path) {
            return Err(ExecRefusal::Batch { path });
        }
        let seen = Seen::of(&path).ok_or_else(not_found)?;
        Ok(Self { path, seen })
    }

    /// Returns the file, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether it is still the file that was found.
    pub fn is_unchanged(&self) -> bool {
        Seen::of(&self.path).as_ref() == Some(&self.seen)
    }
}

impl Seen {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            identity: identity(&metadata),
        })
    }
}

/// A program's name on Windows leaves its ending out.
fn spellings(place: PathBuf) -> Vec<PathBuf> {
    if !cfg!(windows) || place.extension().is_some() {
        return vec![place];
    }
    ["exe", "com", "bat", "cmd"]
        .map(|ending| place.with_extension(ending))
        .into()
}

fn is_batch(path: &Path) -> bool {
    cfg!(windows)
        && path.extension().is_some_and(|ending| {
            ending.eq_ignore_ascii_case("bat") || ending.eq_ignore_ascii_case("cmd")
        })
}

#[cfg(unix)]
fn can_run(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn can_run(metadata: &Metadata) -> bool {
    metadata.is_file()
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> [i128; 4] {
    use std::os::unix::fs::MetadataExt as _;
    [
        metadata.dev().into(),
        metadata.ino().into(),
        metadata.ctime().into(),
        metadata.ctime_nsec().into(),
    ]
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> [i128; 4] {
    [0; 4]
}
