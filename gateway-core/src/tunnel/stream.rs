//! One forwarded connection as a byte stream that never outlives its session unnoticed.
//!
//! russh credits a channel's window as soon as data arrives, and then waits for room in that
//! channel's queue: one reader that stops would stop every channel and the keepalives. So each
//! channel has a task that always takes its data out, into a spill of at most 8 MiB. A
//! reader that is merely slower than the network holds the session back; one that hardly moves
//! loses its channel, and the others go on.

use super::Connection;
use super::session::SessionEnd;
use bytes::{Buf as _, Bytes};
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How many bytes may wait for a channel's reader.
const MAX_SPILL: usize = 8 * 1024 * 1024;

/// How long a full spill may hold the session back before its reader's pace is judged.
const JUDGED_EVERY: Duration = Duration::from_millis(250);

/// What a reader has to take in that time to keep its channel: 4 MiB/s.
const MIN_TAKEN: u64 = 1024 * 1024;

/// How long a closing message may wait for a session that is busy.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// What becomes of a reader that hardly moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlowReader {
    /// Its channel is reset, so that the others go on.
    LosesItsChannel,
    /// The session waits for it: there are no others.
    HoldsTheSessionBack,
}

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
    chunks: VecDeque<Bytes>,
    spilled: usize,
    /// How many bytes the reader took in all.
    taken: u64,
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
    pub(super) fn new(
        channel: Channel<Msg>,
        end: SessionEnd,
        connection: Arc<Connection>,
        overruns: Arc<AtomicU64>,
        slow_reader: SlowReader,
    ) -> Self {
        let (read_half, write_half) = channel.split();
        let writer = write_half.make_writer();
        let dropped = CancellationToken::new();
        let shared = Arc::new(Shared::default());
        let pump = Pump {
            shared: Arc::clone(&shared),
            end,
            dropped: dropped.clone(),
            overruns,
            slow_reader,
        };
        tokio::spawn(pump.run(read_half, write_half));
        Self {
            shared,
            writer: Box::pin(writer),
            _closes_on_drop: dropped.drop_guard(),
            _keeps_alive: connection,
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
        if state.chunks.is_empty() {
            return match state.read_end {
                None => {
                    state.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
                Some(End::Finished) => Poll::Ready(Ok(())),
                Some(end) => Poll::Ready(Err(end.into_error())),
            };
        }
        let mut taken = 0;
        while buf.remaining() > 0 {
            let Some(mut chunk) = state.chunks.pop_front() else {
                break;
            };
            let length = chunk.len().min(buf.remaining());
            buf.put_slice(&chunk.split_to(length));
            taken += length;
            if chunk.has_remaining() {
                state.chunks.push_front(chunk);
            }
        }
        state.spilled = state.spilled.saturating_sub(taken);
        state.taken = state.taken.saturating_add(taken as u64);
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
        state.spilled += data.len();
        state.chunks.push_back(data);
        if let Some(waker) = state.reader.take() {
            waker.wake();
        }
    }

    fn finish(&self, read: Option<End>, write: Option<End>) {
        let mut state = self.lock();
        if read == Some(End::Overrun) {
            // What waits will not be whole anyway, and holds the memory this is about.
            state.chunks.clear();
            state.spilled = 0;
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
    slow_reader: SlowReader,
}

/// Since when a spill is full, and how much its reader had taken then.
#[derive(Clone, Copy)]
struct Brim {
    judged_at: Instant,
    taken: u64,
}

impl Pump {
    async fn run(self, mut incoming: ChannelReadHalf, outgoing: ChannelWriteHalf<Msg>) {
        let mut brim = None;
        let mut dropped = std::pin::pin!(self.dropped.cancelled());
        let mut ended = std::pin::pin!(self.end.ended());
        let end = loop {
            if !self.has_room(&mut brim).await {
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
            self.overruns.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(
                "a local reader was too slow; its connection was reset, the others go on"
            );
        }
        self.shared.finish(Some(end), Some(end));
        if end == End::SessionGone {
            return;
        }
        // From here on russh drops the channel's data by itself, since nobody takes it any more.
        drop(incoming);
        tokio::select! {
            _ = self.end.ended() => {}
            closed = timeout(CLOSE_LIMIT, outgoing.close()) => tracing::trace!(?closed, "channel closed"),
        }
    }

    /// Waits while the spill is full; `false` once its reader has hardly moved for too long.
    async fn has_room(&self, brim: &mut Option<Brim>) -> bool {
        loop {
            let (spilled, taken) = {
                let state = self.shared.lock();
                (state.spilled, state.taken)
            };
            if spilled < MAX_SPILL / 2 {
                *brim = None;
            }
            if spilled < MAX_SPILL {
                return true;
            }
            let judged = *brim.get_or_insert_with(|| Brim {
                judged_at: Instant::now() + JUDGED_EVERY,
                taken,
            });
            if Instant::now() >= judged.judged_at {
                let hardly_moves = taken.saturating_sub(judged.taken) < MIN_TAKEN;
                if hardly_moves && self.slow_reader == SlowReader::LosesItsChannel {
                    return false;
                }
                *brim = None;
                continue;
            }
            tokio::select! {
                () = self.shared.taken.notified() => {}
                () = sleep_until(judged.judged_at) => {}
                () = self.dropped.cancelled() => return true,
                _ = self.end.ended() => return true,
            }
        }
    }
}
