//! One app for each data folder: a lock file, taken before any socket or window.
//!
//! The plugin that finds the first instance needs a session bus on Linux; without one the lock
//! alone still keeps a second app from using the same files and ports.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// The system tells nobody when a lock becomes free, short of waiting for it without a limit.
const LOOK: Duration = Duration::from_millis(20);

/// Held for as long as the app runs; the system releases it however the app ends.
#[derive(Debug)]
pub struct InstanceLock(#[expect(dead_code, reason = "held, never read")] File);

impl InstanceLock {
    /// Takes the lock, or returns `None` when another instance holds it.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(problem)) => Err(problem),
        }
    }

    /// Waits until nobody holds the lock; `false` when somebody still does after `limit`.
    pub fn is_free_within(path: &Path, limit: Duration) -> io::Result<bool> {
        let deadline = Instant::now() + limit;
        while Self::take(path)?.is_none() {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            thread::sleep(LOOK);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_held_once_and_free_again_after_the_holder_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("instance.lock");

        let first = InstanceLock::take(&path).unwrap();
        let second = InstanceLock::take(&path).unwrap();
        assert!(first.is_some());
        assert!(second.is_none());

        assert!(!InstanceLock::is_free_within(&path, Duration::ZERO).unwrap());
        drop(first);
        assert!(InstanceLock::is_free_within(&path, Duration::ZERO).unwrap());
        assert!(InstanceLock::take(&path).unwrap().is_some());
    }
}
