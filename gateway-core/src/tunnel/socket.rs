//! What SSH runs over, made to notice what russh does not: a TCP socket, or a channel of the server before.
//!
//! russh writes inside its session loop, so a server that stops reading stops the loop's keepalive
//! timer too. This wrapper ends a write that makes no progress, and everything when told to.

use super::stream::TunnelStream;
use super::tcp_wire::TcpWire;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Counts what goes over one wire. Clones share it, and it outlives the wire.
#[derive(Debug, Clone, Default)]
pub struct WireTraffic {
    received: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
}

impl WireTraffic {
    pub(crate) fn came(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn went(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns how many bytes have come.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Returns how many bytes have gone.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// What carries the bytes to the server.
pub(super) enum Wire {
    /// A connection of our own.
    Tcp(TcpWire),
    /// A channel that the server before has opened.
    Channel(TunnelStream),
}

/// A wire with a switch to end it and a limit for writes that go nowhere.
pub(super) struct SshSocket {
    wire: Wire,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    stall_limit: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    /// A server that sends is alive, whatever else it owes.
    traffic: WireTraffic,
}

impl SshSocket {
    /// Wraps a connected wire and counts in `traffic`; `stall_limit` of zero means no
    /// limit.
    pub(super) fn new(
        wire: Wire,
        end: CancellationToken,
        stall_limit: Duration,
        traffic: WireTraffic,
    ) -> Self {
        Self {
            wire,
            ended: Box::pin(end.cancelled_owned()),
            stall_limit,
            stalled: None,
            traffic,
        }
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.ended.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "closed here",
            )),
            Poll::Pending => Ok(()),
        }
    }

    /// Turns a write that stays pending for too long into an error.
    fn watch_stall<T>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() || self.stall_limit.is_zero() {
            self.stalled = None;
            return progress;
        }
        let limit = self.stall_limit;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(timer.as_mut().poll(cx));
        self.stalled = None;
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the server stopped reading",
        )))
    }
}

impl AsyncRead for SshSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_ended(cx)?;
        let filled = buf.filled().len();
        let result = match &mut this.wire {
            Wire::Tcp(wire) => ready!(Pin::new(wire).poll_read(cx, buf)),
            Wire::Channel(stream) => ready!(Pin::new(stream).poll_read(cx, buf)),
        };
        let came = (buf.filled().len() - filled) as u64;
        this.traffic.came(came);
        Poll::Ready(result)
    }
}

impl AsyncWrite for SshSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.poll_ended(cx)?;
        let progress = match &mut this.wire {
            Wire::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Wire::Channel(stream) => Pin::new(stream).poll_write(cx, buf),
        };
        if let Poll::Ready(Ok(went)) = &progress {
            this.traffic.went(*went as u64);
        }
        this.watch_stall(cx, progress)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().wire {
            Wire::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Wire::Channel(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().wire {
            Wire::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Wire::Channel(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
