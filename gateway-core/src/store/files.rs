//! The folder of the state: made private, held by one process, free of symbolic links.
//!
//! The lock is a file of its own and not SQLite's: it is held from before the first look at the
//! database to after the last, and the system lets go of it however the process ends.

use super::StoreError;
use super::database::Layout;
use crate::config::private_file;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// What SQLite puts beside the database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The state's files, held by this process until dropped.
#[derive(Debug)]
pub(super) struct HeldFiles {
    pub(super) database: PathBuf,
    lock: File,
}

impl Drop for HeldFiles {
    fn drop(&mut self) {
        // Closing alone is not enough: a program being started elsewhere in this process shares the
        // open file until it is under way. Where unlocking fails, closing does it a moment later.
        drop(self.lock.unlock());
    }
}

/// Makes the folder and the database file where missing, private, and takes the lock.
pub(super) fn hold(folder: &Path, layout: &Layout) -> Result<HeldFiles, StoreError> {
    refuse_link(folder)?;
    private_file::make_folder(folder)?;
    keep_private(folder, 0o700)?;
    for name in [layout.file, layout.lock] {
        refuse_link(&folder.join(name))?;
    }
    for end in BESIDE {
        refuse_link(&folder.join(format!("{}{end}", layout.file)))?;
    }
    let lock = take_lock(&folder.join(layout.lock))?;
    let database = folder.join(layout.file);
    if !database.exists() {
        open_private(&database)?;
        sync(folder)?;
    }
    // The files beside it get the database's permissions from SQLite.
    keep_private(&database, 0o600)?;
    Ok(HeldFiles { database, lock })
}

fn take_lock(path: &Path) -> Result<File, StoreError> {
    let file = open_private(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked),
        Err(TryLockError::Error(error)) => Err(StoreError::io(path, "locked")(error)),
    }
}

fn open_private(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(StoreError::io(path, "opened"))
}

fn refuse_link(path: &Path) -> Result<(), StoreError> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(StoreError::SymbolicLink {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// A folder made by hand or by an older program may be open to others.
#[cfg(unix)]
fn keep_private(path: &Path, mode: u32) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    let found = fs::metadata(path)
        .map_err(StoreError::io(path, "examined"))?
        .permissions()
        .mode();
    if found & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(StoreError::io(path, "made private"))?;
    }
    Ok(())
}

/// Windows guards a profile folder by its access list, which has no such bits.
#[cfg(not(unix))]
fn keep_private(_: &Path, _: u32) -> Result<(), StoreError> {
    Ok(())
}

/// Windows cannot flush a folder; its new file is on disk when the call returns.
fn sync(folder: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(StoreError::io(folder, "flushed to disk"))?;
    }
    Ok(())
}
