//! What a connection leaves behind: tasks, and open files with the sockets among them.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use e2e::wait::until;
use tokio::runtime::Handle;

/// What has ended may take this long to be gone.
const GONE: Duration = Duration::from_secs(10);

/// The counts of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    tasks: usize,
    files: usize,
}

impl Held {
    /// Counts now.
    pub(crate) fn now() -> Result<Self> {
        Ok(Self {
            tasks: Handle::current().metrics().num_alive_tasks(),
            files: fs::read_dir("/proc/self/fd")?.count(),
        })
    }

    /// Waits until nothing more is held than at this count.
    pub(crate) async fn is_all_again(self) -> Result<()> {
        let mut last = self;
        until("tasks and files as before", GONE, async || {
            last = Self::now()?;
            Ok((last.tasks <= self.tasks && last.files <= self.files).then_some(()))
        })
        .await
        .with_context(|| format!("before {self:?}, now {last:?}: {:?}", open_files()))
    }
}

fn open_files() -> Vec<String> {
    let files = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten();
    files
        .filter_map(|file| Some(fs::read_link(file.path()).ok()?.display().to_string()))
        .collect()
}
