//! A stream that stops reading after a number of bytes, until the limit is lifted.
//!
//! A gateway that has not yet said hello could be anybody; it must not be able to fill our memory.

mod frame_heads;

use frame_heads::FrameHeads;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream of which only so many bytes may be read.
#[derive(Debug)]
pub(crate) struct Metered<S> {
    stream: S,
    /// Bytes that may still be read; `None` for any number.
    allowance: Option<u64>,
    /// What is to come may not be larger either, where that is watched.
    heads: Option<FrameHeads>,
    /// Bytes that were read.
    passed: u64,
}

/// The error inside the [`io::Error`] of a read beyond the limit.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("more bytes than allowed before hello")]
pub(crate) struct AllowanceSpent;

impl<S> Metered<S> {
    pub(crate) fn new(stream: S, allowance: u64) -> Self {
        Self {
            stream,
            allowance: Some(allowance),
            heads: None,
            passed: 0,
        }
    }

    /// Returns how many bytes were read.
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// Refuses WebSocket frames that say they are larger than `most` bytes, as soon as they say so:
    /// one who announces much and sends nothing would be waited for otherwise. `read_already` are
    /// bytes of the first frames that were read before.
    pub(crate) fn with_frames_of_at_most(mut self, most: u64, read_already: &[u8]) -> Self {
        let mut heads = FrameHeads::new(most);
        if !heads.admit(read_already) {
            self.allowance = Some(0);
        }
        self.heads = Some(heads);
        self
    }

    /// Allows so many bytes more than are left.
    pub(crate) fn allow_more(&mut self, bytes: u64) {
        if let Some(allowance) = &mut self.allowance {
            *allowance = allowance.saturating_add(bytes);
        }
    }

    /// Allows any number of bytes from now on.
    pub(crate) fn lift(&mut self) {
        self.allowance = None;
        self.heads = None;
    }
}

/// Returns whether a read failed because the limit was reached.
pub(crate) fn is_allowance_spent(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<AllowanceSpent>())
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(allowance) = self.allowance else {
            let filled = buffer.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
            self.passed += (buffer.filled().len() - filled) as u64;
            return Poll::Ready(Ok(()));
        };
        if allowance == 0 {
            return Poll::Ready(Err(io::Error::other(AllowanceSpent)));
        }
        let most = usize::try_from(allowance)
            .unwrap_or(usize::MAX)
            .min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        let filled = part.filled().len();
        let is_admitted = match &mut self.heads {
            Some(heads) => heads.admit(part.filled()),
            None => true,
        };
        if !is_admitted {
            return Poll::Ready(Err(io::Error::other(AllowanceSpent)));
        }
        buffer.advance(filled);
        self.passed += filled as u64;
        self.allowance = Some(allowance - filled as u64);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
