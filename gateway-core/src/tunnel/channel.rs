//! One channel as russh gives it, with what it takes to end it properly.

use super::Connection;
use super::session::SessionEnd;
use russh::client::Msg;
use russh::{Channel, ChannelReadHalf, ChannelWriteHalf};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long a closing message may wait for a session that is busy.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// A channel to a port on the server's side. Its end is told to the server when it is dropped.
///
/// Whoever has it must always take its data out (see [`super::spill`]).
pub(super) struct RawChannel {
    pub(super) incoming: ChannelReadHalf,
    pub(super) outgoing: Closing,
    pub(super) end: SessionEnd,
    pub(super) overruns: Arc<AtomicU64>,
    /// The session lives as long as one of its channels is in use.
    pub(super) connection: Arc<Connection>,
}

impl RawChannel {
    pub(super) fn new(channel: Channel<Msg>, connection: Arc<Connection>) -> Self {
        let (incoming, outgoing) = channel.split();
        let end = connection.end.clone();
        Self {
            incoming,
            outgoing: Closing {
                half: Arc::new(outgoing),
                end: end.clone(),
            },
            end,
            overruns: Arc::clone(&connection.overruns),
            connection,
        }
    }
}

/// Counts a reader that lost its channel, and says so.
pub(super) fn note_overrun(overruns: &AtomicU64) {
    overruns.fetch_add(1, Ordering::Relaxed);
    tracing::warn!("a local reader was too slow; its connection was reset, the others go on");
}

/// The sending half; dropping it closes the channel.
pub(super) struct Closing {
    half: Arc<ChannelWriteHalf<Msg>>,
    end: SessionEnd,
}

impl Deref for Closing {
    type Target = ChannelWriteHalf<Msg>;

    fn deref(&self) -> &Self::Target {
        &self.half
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if self.end.is_ended() {
            return;
        }
        // Without a runtime there is no session either.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (half, end) = (Arc::clone(&self.half), self.end.clone());
        runtime.spawn(async move {
            tokio::select! {
                _ = end.ended() => {}
                closed = timeout(CLOSE_LIMIT, half.close()) => tracing::trace!(?closed, "channel closed"),
            }
        });
    }
}
