//! One local socket and one channel, both ways, with as few copies and system calls as it takes.
//!
//! Down, what has arrived goes to the socket straight from the packets it came in; only what the
//! socket does not take waits in a spill. Up, what was read becomes the packets' data as it is. A
//! connection on which nothing moves holds no buffer.

use crate::tunnel::channel::{RawChannel, note_overrun};
use crate::tunnel::readiness::read_ready;
use crate::tunnel::session::SessionEnd;
use crate::tunnel::spill::{Room, Spill};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep_until, timeout};

/// The first read of a connection, and the largest once full reads say that there is more.
const READS: (usize, usize) = (8 * 1024, 256 * 1024);

/// How much is taken out of the channel before it is written: a few packets for one system call.
const BATCH: usize = 256 * 1024;

/// How many packets one system call takes.
const SLICES: usize = 16;

/// How long what has arrived may take to reach a local program after its session ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The bytes that passed, counted as they do.
#[derive(Clone, Copy)]
pub(super) struct Counters<'a> {
    pub(super) to_server: &'a AtomicU64,
    pub(super) to_client: &'a AtomicU64,
}

/// Why a connection was cut, so that what the local program got is not everything.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cut {
    #[error("the local program was too slow")]
    TooSlow,
    #[error("the SSH connection ended")]
    SessionGone,
    #[error("the local connection broke: {0}")]
    Local(#[from] io::Error),
}

/// Carries until both directions are over; `first` is what was read already.
pub(super) async fn carry(
    socket: &mut TcpStream,
    channel: RawChannel,
    first: Vec<u8>,
    counters: Counters<'_>,
) -> Result<(), Cut> {
    let (from, to) = socket.split();
    let end = &channel.end;
    let mut up = std::pin::pin!(up(from, first, &channel.outgoing, end, counters.to_server));
    let mut down = Down {
        incoming: channel.incoming,
        socket: to,
        spill: Spill::default(),
        told: Told::More,
        is_shut: false,
        counter: counters.to_client,
    };
    let mut up_is_over = false;
    loop {
        tokio::select! {
            sent = &mut up, if !up_is_over => {
                sent?;
                up_is_over = true;
            }
            received = down.run() => match received {
                Ok(Told::EndOfFile) => {
                    down.socket.shutdown().await?;
                    down.is_shut = true;
                }
                Ok(Told::Closed | Told::More) => return Ok(()),
                Ok(Told::SessionGone) => return Err(Cut::SessionGone),
                Err(cut) => {
                    if matches!(cut, Cut::TooSlow) {
                        note_overrun(&channel.overruns);
                    }
                    return Err(cut);
                }
            },
        }
        if up_is_over && down.is_shut {
            return Ok(());
        }
    }
}

/// Sends what the local program says; ends when it has said everything.
async fn up(
    socket: ReadHalf<'_>,
    first: Vec<u8>,
    channel: &ChannelWriteHalf<Msg>,
    end: &SessionEnd,
    counter: &AtomicU64,
) -> Result<(), Cut> {
    send(channel, end, counter, Bytes::from(first)).await?;
    let mut size = READS.0;
    loop {
        tokio::select! {
            ready = socket.readable() => ready?,
            _ = end.ended() => return Err(Cut::SessionGone),
        }
        let mut buffer = BytesMut::with_capacity(size);
        match read_ready(socket.as_ref(), size, |socket| {
            socket.try_read_buf(&mut buffer)
        }) {
            Ok(0) => break,
            Ok(read) if read >= size => size = (size * 2).min(READS.1),
            Ok(read) if read < size / 4 => size = (size / 2).max(READS.0),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        }
        send(channel, end, counter, buffer.freeze()).await?;
    }
    tokio::select! {
        // A channel that is closed already needs no end of file.
        told = channel.eof() => tracing::trace!(?told, "end of a local program's data"),
        _ = end.ended() => return Err(Cut::SessionGone),
    }
    Ok(())
}

async fn send(
    channel: &ChannelWriteHalf<Msg>,
    end: &SessionEnd,
    counter: &AtomicU64,
    data: Bytes,
) -> Result<(), Cut> {
    let length = data.len() as u64;
    tokio::select! {
        // A session that ends may never take it.
        sent = channel.data_bytes(data) => sent.map_err(|_| Cut::SessionGone)?,
        _ = end.ended() => return Err(Cut::SessionGone),
    }
    counter.fetch_add(length, Ordering::Relaxed);
    Ok(())
}

/// The way from the server to the local program.
struct Down<'a> {
    incoming: ChannelReadHalf,
    socket: WriteHalf<'a>,
    spill: Spill,
    told: Told,
    /// The local program knows that no more comes.
    is_shut: bool,
    counter: &'a AtomicU64,
}

/// What the channel has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    More,
    /// The server's program has said everything; ours may go on.
    EndOfFile,
    /// Both directions are over.
    Closed,
    SessionGone,
}

impl Down<'_> {
    /// Brings data over until the channel tells of an end, and all that came before it. Safe to cancel.
    async fn run(&mut self) -> Result<Told, Cut> {
        if self.is_shut {
            // Only the end of the channel is of interest now.
            while !matches!(self.incoming.wait().await, Some(ChannelMsg::Close) | None) {}
            return Ok(Told::Closed);
        }
        while self.told == Told::More {
            let until = match self.spill.room() {
                Room::Free => None,
                Room::FullUntil(until) => Some(until),
                Room::Overrun => return Err(Cut::TooSlow),
            };
            tokio::select! {
                message = self.incoming.wait(), if until.is_none() => self.take(message),
                ready = self.socket.writable(), if !self.spill.is_empty() => ready?,
                () = at(until), if until.is_some() => {}
            }
            self.write()?;
        }
        if self.told == Told::SessionGone {
            let said = timeout(LAST_WORDS, self.finish()).await;
            tracing::trace!(?said, "what had arrived before the session ended");
        } else {
            self.finish().await?;
        }
        Ok(self.told)
    }

    /// Takes one message, and those that wait behind it.
    fn take(&mut self, mut message: Option<ChannelMsg>) {
        loop {
            match message {
                Some(ChannelMsg::Data { data }) => self.spill.push(data),
                Some(ChannelMsg::Eof) => self.told = Told::EndOfFile,
                Some(ChannelMsg::Close) => self.told = Told::Closed,
                // A direct-tcpip channel has no other traffic of interest (RFC 4254 §7.2).
                Some(_) => {}
                None => self.told = Told::SessionGone,
            }
            if self.told != Told::More || self.spill.waiting() >= BATCH {
                return;
            }
            match self.incoming.wait().now_or_never() {
                Some(next) => message = next,
                None => return,
            }
        }
    }

    /// Writes as much as the socket takes now.
    fn write(&mut self) -> io::Result<()> {
        while !self.spill.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = self.spill.slices(&mut slices);
            let slices = slices.get(..count).unwrap_or_default();
            match self.socket.try_write_vectored(slices) {
                Ok(written) => {
                    self.counter.fetch_add(written as u64, Ordering::Relaxed);
                    self.spill.advance(written);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes everything that is left.
    async fn finish(&mut self) -> io::Result<()> {
        while !self.spill.is_empty() {
            self.socket.writable().await?;
            self.write()?;
        }
        Ok(())
    }
}

/// Waits until then; for ever where there is no then.
async fn at(then: Option<Instant>) {
    match then {
        Some(then) => sleep_until(then).await,
        None => std::future::pending().await,
    }
}
