//! Windows and macOS tell of addresses that come and go, through `if-watch`.

use futures_util::StreamExt as _;
use if_watch::tokio::IfWatcher;
use std::io;

/// Changes of the addresses of this computer.
pub(in super::super) struct Changes(IfWatcher);

impl Changes {
    /// Starts listening. The addresses that are there now are told as changes, which costs one probe.
    pub(in super::super) fn watch() -> io::Result<Self> {
        IfWatcher::new().map(Self)
    }

    /// Returns after the next change; `false` when none will be told any more. Safe to cancel.
    pub(in super::super) async fn next(&mut self) -> bool {
        match self.0.next().await {
            Some(Ok(_)) => true,
            Some(Err(error)) => {
                tracing::debug!(%error, "the system no longer tells of addresses");
                false
            }
            None => false,
        }
    }
}
