//! One forwarded connection as a byte stream that never outlives its session unnoticed.
//!
//! Each has a task that always takes the channel's data out, into a spill (see `spill`).

use super::Connection;
use super::channel::{Closing, RawChannel, note_overrun};
use super::session::SessionEnd;
use super::spill::{Room, Spill};
use bytes::Bytes;
use russh::{ChannelMsg, ChannelReadHalf};
use std::io;
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::sleep_until;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A connection through the tunnel, from here to a port on the server's side.
///
/// `shutdown` ends our direction only; the other goes on until the far end finishes. Dropping the
/// stream closes the channel. Once the session is gone, reads (after what had arrived) and writes
/// fail with `ConnectionAborted`; after an overrun spill, reads fail with `ConnectionReset`.
pub struct TunnelStream {
    shared: Arc<Shared>,
    writer: Pin<Box<dyn AsyncWrite + Send + Sync>>,
    _closes_on_drop: DropGuard,
    _keeps_alive: Arc<Connection>,
}

impl std::fmt::Debug for TunnelStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TunnelStream").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Signalled when the reader took something.
    taken: Notify,
}

#[derive(Default)]
struct State {
    spill: Spill,
    read_end: Option<End>,
    write_end: Option<End>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Why no more bytes go in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The far end finished properly.
    Finished,
    /// The reader was too slow for too long.
    Overrun,
    /// The session is gone.
    SessionGone,
}

impl TunnelStream {
    pub(super) fn new(channel: RawChannel) -> Self {
        Self::with(channel, Spill::default())
    }

    /// Returns a stream whose reader may hold the session back for as long as it likes: nothing else
    /// uses that session.
    pub(super) fn carrier(channel: RawChannel) -> Self {
        Self::with(channel, Spill::patient())
    }

    fn with(channel: RawChannel, spill: Spill) -> Self {
        let writer = channel.outgoing.make_writer();
        let dropped = CancellationToken::new();
        let shared = Arc::new(Shared::default());
        shared.lock().spill = spill;
        let pump = Pump {
            shared: Arc::clone(&shared),
            end: channel.end,
            dropped: dropped.clone(),
            overruns: channel.overruns,
        };
        tokio::spawn(pump.run(channel.incoming, channel.outgoing));
        Self {
            shared,
            writer: Box::pin(writer),
            _closes_on_drop: dropped.drop_guard(),
            _keeps_alive: channel.connection,
        }
    }
}

impl AsyncRead for TunnelStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.shared.lock();
        if state.spill.is_empty() {
            return match state.read_end {
                None => {
                    state.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
                Some(End::Finished) => Poll::Ready(Ok(())),
                Some(end) => Poll::Ready(Err(end.into_error())),
            };
        }
        state.spill.take_into(buf);
        drop(state);
        self.shared.taken.notify_one();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TunnelStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        // russh calls an empty write an error.
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let this = self.get_mut();
        if let Some(end) = this.shared.write_end(cx) {
            return Poll::Ready(Err(end.into_error()));
        }
        this.writer.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().writer.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // A channel that is closed already needs no end of file.
        if this.shared.write_end(cx).is_some() {
            return Poll::Ready(Ok(()));
        }
        this.writer.as_mut().poll_shutdown(cx)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns why nothing can be written any more, or has the writer woken when that changes.
    fn write_end(&self, cx: &mut Context<'_>) -> Option<End> {
        let mut state = self.lock();
        if state.write_end.is_none() {
            state.writer = Some(cx.waker().clone());
        }
        state.write_end
    }

    fn push(&self, data: Bytes) {
        let mut state = self.lock();
        state.spill.push(data);
        if let Some(waker) = state.reader.take() {
            waker.wake();
        }
    }

    fn finish(&self, read: Option<End>, write: Option<End>) {
        let mut state = self.lock();
        if read == Some(End::Overrun) {
            // What waits will not be whole anyway, and holds the memory this is about.
            state.spill.clear();
        }
        state.read_end = state.read_end.or(read);
        state.write_end = state.write_end.or(write);
        for waker in [state.reader.take(), state.writer.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
    }
}

impl End {
    fn into_error(self) -> io::Error {
        match self {
            Self::Finished => io::Error::new(
                io::ErrorKind::BrokenPipe,
                "the far end closed the connection",
            ),
            Self::Overrun => io::Error::new(
                io::ErrorKind::ConnectionReset,
                "more data waited than could be kept for a reader this slow",
            ),
            Self::SessionGone => {
                io::Error::new(io::ErrorKind::ConnectionAborted, "the SSH connection ended")
            }
        }
    }
}

/// The task that empties one channel.
struct Pump {
    shared: Arc<Shared>,
    end: SessionEnd,
    dropped: CancellationToken,
    overruns: Arc<AtomicU64>,
}

impl Pump {
    async fn run(self, mut incoming: ChannelReadHalf, outgoing: Closing) {
        let mut dropped = std::pin::pin!(self.dropped.cancelled());
        let mut ended = std::pin::pin!(self.end.ended());
        let end = loop {
            if !self.has_room().await {
                break End::Overrun;
            }
            let message = tokio::select! {
                // What has arrived counts, even if the session ended right after it.
                biased;
                () = &mut dropped => break End::Finished,
                message = incoming.wait() => message,
                _ = &mut ended => None,
            };
            match message {
                Some(ChannelMsg::Data { data }) => self.shared.push(data),
                Some(ChannelMsg::Eof) => self.shared.finish(Some(End::Finished), None),
                Some(ChannelMsg::Close) => break End::Finished,
                // A direct-tcpip channel has no other traffic of interest (RFC 4254 §7.2).
                Some(_) => {}
                None => break End::SessionGone,
            }
        };
        if end == End::Overrun {
            note_overrun(&self.overruns);
        }
        self.shared.finish(Some(end), Some(end));
        // From here on russh drops the channel's data by itself, since nobody takes it any more.
        drop(incoming);
        drop(outgoing);
    }

    /// Waits while the spill is full; `false` once its reader has hardly moved for too long.
    async fn has_room(&self) -> bool {
        loop {
            let room = self.shared.lock().spill.room();
            let until = match room {
                Room::Free => return true,
                Room::Overrun => return false,
                Room::FullUntil(until) => until,
            };
            tokio::select! {
                () = self.shared.taken.notified() => {}
                () = sleep_until(until) => {}
                () = self.dropped.cancelled() => return true,
                _ = self.end.ended() => return true,
            }
        }
    }
}
