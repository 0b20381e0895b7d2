//! The WebSocket under a session: upgrade, limits, and reading and writing without either waiting
//! for the other.

use super::close::CloseReason;
use super::error::NotAGateway;
use super::{ClientLimits, ConnectError, Step};
use crate::metered::{Metered, is_allowance_spent};
use futures_util::{Sink, Stream};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Read in pieces of this size: small, as most frames are, and it is held for the whole session.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// How long the polite end of a connection may take before it is cut.
const CLOSE_WAIT: Duration = Duration::from_secs(1);
/// How much of the answer to a refused upgrade is looked at.
const REFUSAL_BYTES: usize = 4 * 1024;

/// A stream that carries a gateway connection.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Wire for S {}

/// A WebSocket that hands out one text at a time.
#[derive(Debug)]
pub(super) struct Transport<S> {
    socket: WebSocketStream<Metered<S>>,
    /// The largest text we take, in bytes.
    limit: usize,
    outgoing: VecDeque<Message>,
    needs_flush: bool,
}

/// What happened on the socket.
#[derive(Debug)]
pub(super) enum Progress {
    /// A text came.
    Received(Utf8Bytes),
    /// Everything queued is on its way, so that there is room for more.
    Sent,
}

impl<S: Wire> Transport<S> {
    /// Asks the other side to speak WebSocket.
    ///
    /// No Origin header: a gateway checks any it sees, and only web pages have one.
    pub(super) async fn upgrade(
        stream: S,
        authority: &str,
        limits: &ClientLimits,
    ) -> Result<Self, ConnectError> {
        let request = Request::get(format!("ws://{authority}/"))
            .header("Host", authority)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", generate_key())
            .body(())
            .map_err(|_| ConnectError::BadAuthority)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(limits.max_payload))
            .max_frame_size(Some(limits.max_payload));
        let metered = Metered::new(stream, limits.before_challenge);
        match client_async_with_config(request, metered, Some(config)).await {
            Ok((socket, _)) => Ok(Self {
                socket,
                limit: limits.max_payload,
                outgoing: VecDeque::new(),
                needs_flush: false,
            }),
            Err(error) => Err(upgrade_error(error)),
        }
    }

    /// Lets the gateway send more before hello.
    pub(super) fn allow_more(&mut self, bytes: u64) {
        self.socket.get_mut().allow_more(bytes);
    }

    /// Sets the limits that hold after hello.
    pub(super) fn limit_to(&mut self, bytes: usize) {
        self.limit = self.limit.min(bytes);
        self.socket.get_mut().lift();
    }

    /// Returns how many bytes have come, of whole and of unfinished frames.
    pub(super) fn received(&self) -> u64 {
        self.socket.get_ref().passed()
    }

    /// Takes a text to be sent; [`Self::poll`] sends it.
    pub(super) fn queue(&mut self, text: String) {
        self.outgoing.push_back(Message::text(text));
    }

    /// Returns whether the other side has not yet taken what we sent.
    pub(super) fn is_congested(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Returns the next text, sending what is queued meanwhile. Nothing is lost by not waiting.
    pub(super) async fn next(&mut self) -> Result<Utf8Bytes, CloseReason> {
        loop {
            if let Progress::Received(text) = self.progress().await? {
                return Ok(text);
            }
        }
    }

    /// As [`Self::next`], but also returns when all that was queued has been sent.
    pub(super) async fn progress(&mut self) -> Result<Progress, CloseReason> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    /// Ends the connection politely, within a second.
    pub(super) async fn close(&mut self, reason: Option<(u16, &'static str)>) {
        let frame = reason.map(|(code, reason)| CloseFrame {
            code: code.into(),
            reason: reason.into(),
        });
        // Whether the other side hears of it makes no difference to us.
        drop(timeout(CLOSE_WAIT, self.socket.close(frame)).await);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Progress, CloseReason>> {
        let was_congested = self.is_congested();
        loop {
            if let Err(error) = self.poll_write(cx) {
                return Poll::Ready(Err(close_reason(&error)));
            }
            if was_congested && !self.is_congested() {
                return Poll::Ready(Ok(Progress::Sent));
            }
            match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Err(CloseReason::lost(None))),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(close_reason(&error))),
                Poll::Ready(Some(Ok(message))) => match message {
                    Message::Text(text) => return Poll::Ready(self.within_limit(text)),
                    // A gateway takes JSON in binary messages as well; we hold it to the same.
                    Message::Binary(bytes) => match Utf8Bytes::try_from(bytes) {
                        Ok(text) => return Poll::Ready(self.within_limit(text)),
                        Err(_) => return Poll::Ready(Err(CloseReason::Violation)),
                    },
                    // Reading a ping queued its pong; it goes out with the next flush.
                    Message::Ping(_) => self.needs_flush = true,
                    Message::Pong(_) | Message::Frame(_) => {}
                    Message::Close(frame) => {
                        return Poll::Ready(Err(CloseReason::said(frame.as_ref())));
                    }
                },
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        while !self.outgoing.is_empty() {
            match Pin::new(&mut self.socket).poll_ready(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(ready) => ready?,
            }
            if let Some(message) = self.outgoing.pop_front() {
                Pin::new(&mut self.socket).start_send(message)?;
                self.needs_flush = true;
            }
        }
        if self.needs_flush
            && let Poll::Ready(flushed) = Pin::new(&mut self.socket).poll_flush(cx)
        {
            flushed?;
            self.needs_flush = false;
        }
        Ok(())
    }

    fn within_limit(&self, text: Utf8Bytes) -> Result<Progress, CloseReason> {
        if text.len() > self.limit {
            return Err(CloseReason::FrameTooLarge { limit: self.limit });
        }
        Ok(Progress::Received(text))
    }
}

fn close_reason(error: &Error) -> CloseReason {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => CloseReason::lost(None),
        Error::Io(error) if is_allowance_spent(error) => CloseReason::TooMuchBeforeHello,
        Error::Io(error) => CloseReason::lost(Some(error.kind())),
        Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            CloseReason::FrameTooLarge { limit: *max_size }
        }
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => CloseReason::lost(None),
        Error::Protocol(_)
        | Error::Capacity(CapacityError::TooManyHeaders)
        | Error::Utf8(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_)
        | Error::Tls(_)
        | Error::WriteBufferFull(_) => CloseReason::Violation,
    }
}

fn upgrade_error(error: Error) -> ConnectError {
    match error {
        Error::Http(response) => {
            let status = response.status().as_u16();
            let body = response.body().as_deref().unwrap_or_default();
            let body = String::from_utf8_lossy(&body[..body.len().min(REFUSAL_BYTES)]);
            if status == 403 && body.contains("proxy_attribution_required") {
                ConnectError::ProxyRefused
            } else {
                ConnectError::NotAGateway(NotAGateway::PlainHttp { status })
            }
        }
        Error::Io(error) if is_allowance_spent(&error) => {
            ConnectError::NotAGateway(NotAGateway::NotHttp)
        }
        Error::Io(error) => ConnectError::Lost {
            step: Step::Upgrade,
            kind: Some(error.kind()),
        },
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::HandshakeIncomplete) => ConnectError::Lost {
            step: Step::Upgrade,
            kind: None,
        },
        Error::Protocol(_)
        | Error::Capacity(_)
        | Error::Utf8(_)
        | Error::AttackAttempt
        | Error::HttpFormat(_)
        | Error::WriteBufferFull(_) => ConnectError::NotAGateway(NotAGateway::NotHttp),
        Error::Url(_) | Error::Tls(_) => ConnectError::BadAuthority,
    }
}
