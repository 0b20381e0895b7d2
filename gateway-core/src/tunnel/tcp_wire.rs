//! A TCP connection as SSH reads it: a packet's length first, and then the packet.
//!
//! What comes behind the bytes asked for is taken along, as far as a small buffer goes, so that one
//! system call brings a packet and the next one's length; a packet's body goes where it is wanted at
//! once. And Linux is asked to acknowledge early, since sshd's last small segment waits for it (the
//! delayed ACK: 40 ms).

use super::readiness::read_ready;
use std::io::{self, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How much may be taken along: many small packets, and a small part of a large one.
const AHEAD: usize = 4 * 1024;

/// A connection with what was read of it and not asked for yet.
pub(super) struct TcpWire {
    stream: TcpStream,
    ahead: Box<[u8; AHEAD]>,
    /// Where what was taken along begins and ends.
    begin: usize,
    end: usize,
    owed: Acknowledgement,
}

/// What was read and not acknowledged. The system forgets the wish for it after a while, so it is
/// repeated; but whoever waits for what was read comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acknowledgement {
    /// Nothing is owed.
    None,
    /// The tasks that the data woke run first.
    AfterTheOthers,
    /// They have run.
    Now,
}

impl TcpWire {
    pub(super) fn new(stream: TcpStream) -> Self {
        // Both only make things faster; a system that refuses them is no reason to give up.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY refused");
        }
        acknowledge_at_once(&stream);
        Self {
            stream,
            ahead: Box::new([0; AHEAD]),
            begin: 0,
            end: 0,
            owed: Acknowledgement::None,
        }
    }

    /// Gives what was taken along, as much as fits.
    fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let waiting = self.ahead.get(self.begin..self.end).unwrap_or_default();
        let length = waiting.len().min(buf.remaining());
        buf.put_slice(waiting.get(..length).unwrap_or_default());
        self.begin += length;
    }

    /// Reads what is there into `buf`, and what does not fit into the empty buffer.
    fn take(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<()> {
        let wanted = buf.initialize_unfilled();
        let room = wanted.len();
        let mut slices = [
            IoSliceMut::new(wanted),
            IoSliceMut::new(self.ahead.as_mut_slice()),
        ];
        let read = read_ready(&self.stream, room + AHEAD, |stream| {
            stream.try_read_vectored(&mut slices)
        })?;
        buf.advance(read.min(room));
        self.begin = 0;
        self.end = read.saturating_sub(room);
        Ok(())
    }

    /// Called when nothing more can be read.
    fn acknowledge(&mut self, cx: &Context<'_>) {
        self.owed = match self.owed {
            Acknowledgement::None => Acknowledgement::None,
            Acknowledgement::AfterTheOthers => {
                cx.waker().wake_by_ref();
                Acknowledgement::Now
            }
            Acknowledgement::Now => {
                acknowledge_at_once(&self.stream);
                Acknowledgement::None
            }
        };
    }
}

impl AsyncRead for TcpWire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.begin < this.end || buf.remaining() == 0 {
            this.give(buf);
            return Poll::Ready(Ok(()));
        }
        loop {
            let Poll::Ready(ready) = this.stream.poll_read_ready(cx) else {
                this.acknowledge(cx);
                return Poll::Pending;
            };
            ready?;
            match this.take(buf) {
                Ok(()) => {
                    this.owed = Acknowledgement::AfterTheOthers;
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for TcpWire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_quickack(true) {
        tracing::trace!(%error, "TCP_QUICKACK refused");
    }
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_stream: &TcpStream) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn every_byte_is_read_once_and_in_order_however_much_is_asked_for() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        let writing = tokio::spawn({
            let sent = sent.clone();
            async move {
                let mut far = listener.accept().await.unwrap().0;
                for piece in sent.chunks(7_001) {
                    far.write_all(piece).await.unwrap();
                }
            }
        });
        let mut wire = TcpWire::new(TcpStream::connect(address).await.unwrap());

        let mut read = Vec::new();
        // A length, a small packet, a length, a large one, and so on, across the buffer's end.
        for wanted in [4, 100, 4, AHEAD - 1, 4, AHEAD, 4, 32 * 1024, 0, 4]
            .into_iter()
            .cycle()
        {
            let wanted = wanted.min(sent.len() - read.len());
            let mut piece = vec![0; wanted];
            wire.read_exact(&mut piece).await.unwrap();
            read.extend_from_slice(&piece);
            if read.len() == sent.len() {
                break;
            }
        }

        assert!(read == sent);
        assert_eq!(wire.read(&mut [0; 8]).await.unwrap(), 0);
        writing.await.unwrap();
    }
}
