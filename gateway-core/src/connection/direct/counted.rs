//! Counts what a stream brings and takes: a line that is busy is not to be taken for one that is dead,
//! and people are shown the figures.

use super::GatewayStream;
use crate::tunnel::WireTraffic;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream whose bytes are counted.
pub(super) struct Counted {
    stream: Box<dyn GatewayStream>,
    traffic: WireTraffic,
}

impl Counted {
    pub(super) fn new(stream: Box<dyn GatewayStream>, traffic: WireTraffic) -> Self {
        Self { stream, traffic }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let count = buffer.filled().len() - before;
        self.traffic.came(count as u64);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let went = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.traffic.went(went as u64);
        Poll::Ready(Ok(went))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
