//! The WebSocket of one peer: limits, and reading and writing without either waiting for the other.

use super::mailbox::{Goodbye, Mailbox, Next};
use crate::metered::{Metered, is_allowance_spent};
use futures_util::{Sink, Stream};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

/// The largest frame before hello, in bytes (protocol §1).
const BEFORE_HELLO_BYTES: u64 = 64 * 1024;
/// The header of a frame of that size from a client (RFC 6455 §5.2).
const HEADER_BYTES: u64 = 14;
/// The largest frame after hello, in bytes; told to clients as `policy.maxPayload`.
pub(super) const MAX_PAYLOAD: usize = 25 * 1024 * 1024;
/// Read in pieces of this size: it is held for as long as the connection lives.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Write in pieces of about this size.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;
/// How long a peer may take to answer our close.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// A stream that carries a peer.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Wire for S {}

/// The WebSocket of one peer.
#[derive(Debug)]
pub(super) struct PeerSocket<S> {
    socket: WebSocketStream<Metered<S>>,
    needs_flush: bool,
    /// The peer broke the rules: what it sends is not understood any more.
    is_broken: bool,
    /// Who looks at what goes over it.
    #[cfg(any(test, debug_assertions))]
    line: Option<super::overheard::Line>,
}

/// What a peer sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// A text, or a binary message that holds one: a gateway reads both (protocol §1).
    Text(Utf8Bytes),
    /// A binary message that holds no text.
    Undecodable,
    /// The answer to a ping: which, when it was a numbered one.
    Pong(Option<u64>),
}

/// Why nothing more can come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The peer closed, or the connection broke.
    Gone,
    /// The peer broke the rules of WebSocket, or the limits; it has to be told so.
    Violation(Goodbye),
    /// We closed: everything that was queued before has been written.
    Told(Goodbye),
}

impl<S: Wire> PeerSocket<S> {
    /// Speaks WebSocket over a stream that has been upgraded. `read_already` are bytes that came
    /// with the upgrade.
    pub(super) async fn new(stream: S, read_already: Bytes) -> Self {
        let config = config();
        let stream = Metered::new(stream, BEFORE_HELLO_BYTES + HEADER_BYTES)
            .with_frames_of_at_most(BEFORE_HELLO_BYTES, &read_already);
        let socket = if read_already.is_empty() {
            WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await
        } else {
            WebSocketStream::from_partially_read(
                stream,
                read_already.to_vec(),
                Role::Server,
                Some(config),
            )
            .await
        };
        Self {
            socket,
            needs_flush: false,
            is_broken: false,
            #[cfg(any(test, debug_assertions))]
            line: None,
        }
    }

    /// Has everything looked at from now on.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn is_watched_by(&mut self, line: super::overheard::Line) {
        self.line = Some(line);
    }

    /// From now on the limits after hello hold.
    pub(super) fn lift_limit(&mut self) {
        self.socket.get_mut().lift();
    }

    /// Asks the peer for a sign of life.
    pub(super) fn ping(&mut self) {
        // A full buffer means that the peer has not even read what came before; the wait for the
        // pong tells.
        if Pin::new(&mut self.socket)
            .start_send(Message::Ping(Bytes::new()))
            .is_ok()
        {
            self.needs_flush = true;
        }
    }

    /// Returns what comes next, sending what is in the mailbox meanwhile. Nothing is lost by not
    /// waiting for the answer.
    pub(super) async fn next(&mut self, mailbox: &Mailbox) -> Result<Received, Ended> {
        loop {
            // Made before the mailbox is looked at, so that nothing queued in between is missed.
            let mut changed = pin!(mailbox.changed());
            let progress = std::future::poll_fn(|cx| {
                if let Poll::Ready(progress) = self.poll(cx, mailbox) {
                    return Poll::Ready(Some(progress));
                }
                changed.as_mut().poll(cx).map(|()| None)
            })
            .await;
            if let Some(progress) = progress {
                return progress;
            }
        }
    }

    /// Ends the connection politely, within a second.
    pub(super) async fn close(&mut self, goodbye: &Goodbye) {
        let frame = CloseFrame {
            code: goodbye.code.into(),
            reason: goodbye.reason.clone().into(),
        };
        let farewell = async {
            if self.socket.close(Some(frame)).await.is_err() {
                return;
            }
            // The peer's own close frame ends the TCP connection without a reset.
            while !self.is_broken
                && let Some(Ok(_)) =
                    std::future::poll_fn(|cx| Pin::new(&mut self.socket).poll_next(cx)).await
            {
            }
            if self.is_broken {
                let stream = self.socket.get_mut();
                stream.lift();
                drop(discard(stream).await);
            }
        };
        // Whether the other side hears of it makes no difference to us.
        drop(timeout(CLOSE_WAIT, farewell).await);
    }

    fn ended(&mut self, error: &Error) -> Ended {
        let ended = ended(error);
        self.is_broken = matches!(ended, Ended::Violation(_));
        ended
    }

    fn poll(&mut self, cx: &mut Context<'_>, mailbox: &Mailbox) -> Poll<Result<Received, Ended>> {
        loop {
            match self.poll_write(cx, mailbox) {
                Ok(None) => {}
                Ok(Some(goodbye)) => return Poll::Ready(Err(Ended::Told(goodbye))),
                Err(error) => return Poll::Ready(Err(self.ended(&error))),
            }
            match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Err(Ended::Gone)),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(self.ended(&error))),
                Poll::Ready(Some(Ok(message))) => match message {
                    Message::Text(text) => return Poll::Ready(Ok(self.text(text))),
                    Message::Binary(bytes) => {
                        let text = Utf8Bytes::try_from(bytes);
                        let received = text.map(|text| self.text(text));
                        return Poll::Ready(Ok(received.unwrap_or(Received::Undecodable)));
                    }
                    // Reading a ping queued its pong, and a close its answer.
                    Message::Ping(_) | Message::Close(_) => self.needs_flush = true,
                    Message::Pong(bytes) => {
                        let number = <[u8; 8]>::try_from(bytes.as_ref()).ok();
                        return Poll::Ready(Ok(Received::Pong(number.map(u64::from_be_bytes))));
                    }
                    Message::Frame(_) => {}
                },
            }
        }
    }

    fn text(&mut self, text: Utf8Bytes) -> Received {
        #[cfg(any(test, debug_assertions))]
        if let Some(line) = &mut self.line {
            line.reads(&text);
        }
        Received::Text(text)
    }

    /// Writes what is queued as far as the connection takes it. Returns our goodbye once all that
    /// was queued before it is out.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        mailbox: &Mailbox,
    ) -> Result<Option<Goodbye>, Error> {
        loop {
            match Pin::new(&mut self.socket).poll_ready(cx) {
                // Who reads too slowly is not waited for: nothing it is owed could be told it.
                Poll::Pending => return Ok(mailbox.overrun()),
                Poll::Ready(ready) => ready?,
            }
            match mailbox.next() {
                Next::Frame(frame) => {
                    #[cfg(any(test, debug_assertions))]
                    if let Some(line) = &self.line {
                        line.writes(&frame);
                    }
                    Pin::new(&mut self.socket).start_send(Message::Text(frame))?;
                    self.needs_flush = true;
                }
                Next::Ping(number) => {
                    let bytes = Bytes::copy_from_slice(&number.to_be_bytes());
                    Pin::new(&mut self.socket).start_send(Message::Ping(bytes))?;
                    self.needs_flush = true;
                }
                Next::Close(goodbye) => return Ok(Some(goodbye)),
                Next::Idle => break,
            }
        }
        if self.needs_flush
            && let Poll::Ready(flushed) = Pin::new(&mut self.socket).poll_flush(cx)
        {
            flushed?;
            self.needs_flush = false;
        }
        Ok(None)
    }
}

/// Says that nothing more is coming and reads what is on its way: a connection that is dropped with
/// bytes unread is reset, and the peer would not get to read our close frame.
async fn discard<S: Wire>(stream: &mut S) -> io::Result<()> {
    stream.shutdown().await?;
    let mut piece = [0; READ_BUFFER_BYTES];
    while stream.read(&mut piece).await? > 0 {}
    Ok(())
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(Some(MAX_PAYLOAD))
        .max_frame_size(Some(MAX_PAYLOAD))
}

/// The close codes of RFC 6455 §7.4.1; protocol §1 for the one without a reason.
fn ended(error: &Error) -> Ended {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            Ended::Violation(Goodbye::new(1009, ""))
        }
        Error::Io(error) if is_allowance_spent(error) => Ended::Violation(Goodbye::new(1009, "")),
        Error::Utf8(_) => Ended::Violation(Goodbye::new(1007, "invalid UTF-8")),
        Error::Protocol(_) => Ended::Violation(Goodbye::new(1002, "protocol error")),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Tls(_)
        | Error::Capacity(CapacityError::TooManyHeaders)
        | Error::WriteBufferFull(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_) => Ended::Gone,
    }
}
