//! What goes through the forwards: a server of plain TCP behind them, and the clients that measure.
//!
//! A connection begins with a zero byte, which no web browser sends first, a letter for what is
//! wanted, and a number. Every byte of a transfer is compared with what it has to be.

use std::net::Ipv4Addr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is transferred, over and over. Lost, doubled or swapped pieces do not fit any more.
const PATTERN: usize = 1024 * 1024;
/// How much is read at once by either end.
const READ: usize = 256 * 1024;
/// The head of a connection.
const HEAD: usize = 10;

const DOWN: u8 = b'd';
const UP: u8 = b'u';
const ECHO: u8 = b'e';

/// The pattern twice, so that a piece that begins anywhere in it can be compared at once.
static BYTES: LazyLock<Arc<[u8]>> = LazyLock::new(|| {
    let mut pattern = vec![0; PATTERN];
    StdRng::seed_from_u64(7).fill_bytes(&mut pattern);
    pattern.extend_from_within(..);
    pattern.into()
});

fn head(wish: u8, number: u64) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[1] = wish;
    head[2..].copy_from_slice(&number.to_be_bytes());
    head
}

/// The server behind every forward.
pub(crate) struct Peer {
    accepting: JoinHandle<()>,
}

impl Peer {
    /// Listens on a port.
    pub(crate) async fn start(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that leaves, or is cut off, is that client's own news.
                tokio::spawn(serve(stream));
            }
        });
        Ok(Self { accepting })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut head = [0; HEAD];
    stream.read_exact(&mut head).await?;
    let number = u64::from_be_bytes(head[2..].try_into()?);
    match head[1] {
        DOWN => write(&mut stream, number).await,
        UP => {
            let seen = compare(&mut stream, number).await?;
            Ok(stream.write_all(&seen.to_be_bytes()).await?)
        }
        ECHO => {
            let mut piece = vec![0; usize::try_from(number)?];
            loop {
                stream.read_exact(&mut piece).await?;
                stream.write_all(&piece).await?;
            }
        }
        _ => Ok(()),
    }
}

async fn write(stream: &mut TcpStream, bytes: u64) -> Result<()> {
    let mut sent = 0;
    while sent < bytes {
        let at = usize::try_from(sent)? % PATTERN;
        let length = usize::try_from(bytes - sent)?.min(READ).min(PATTERN);
        stream.write_all(&BYTES[at..at + length]).await?;
        sent += length as u64;
    }
    Ok(stream.flush().await?)
}

/// Reads `bytes` and compares each with what it has to be; returns how many there were.
async fn compare(stream: &mut TcpStream, bytes: u64) -> Result<u64> {
    let mut piece = vec![0; READ];
    let mut seen: u64 = 0;
    while seen < bytes {
        let wanted = usize::try_from(bytes - seen)?.min(READ);
        let length = stream.read(&mut piece[..wanted]).await?;
        if length == 0 {
            break;
        }
        let at = usize::try_from(seen)? % PATTERN;
        ensure!(
            piece[..length] == BYTES[at..at + length],
            "other bytes than were sent, after {seen}"
        );
        seen += length as u64;
    }
    Ok(seen)
}

async fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// How long `bytes` take from the server to here.
pub(crate) async fn down(port: u16, bytes: u64) -> Result<Duration> {
    let began = Instant::now();
    let mut stream = connect(port).await?;
    stream.write_all(&head(DOWN, bytes)).await?;
    let seen = compare(&mut stream, bytes).await?;
    ensure!(seen == bytes, "{seen} of {bytes} bytes came down");
    Ok(began.elapsed())
}

/// How long `bytes` take from here to the server, its count of them included.
pub(crate) async fn up(port: u16, bytes: u64) -> Result<Duration> {
    let began = Instant::now();
    let mut stream = connect(port).await?;
    stream.write_all(&head(UP, bytes)).await?;
    write(&mut stream, bytes).await?;
    let seen = stream.read_u64().await.context("no count of the bytes")?;
    ensure!(seen == bytes, "{seen} of {bytes} bytes went up");
    Ok(began.elapsed())
}

/// A connection whose pieces come back.
pub(crate) struct Echo {
    stream: TcpStream,
    piece: Vec<u8>,
}

impl Echo {
    /// Opens one on which nothing has come back yet.
    pub(crate) async fn begin(port: u16, size: usize) -> Result<Self> {
        let mut stream = connect(port).await?;
        stream.write_all(&head(ECHO, size as u64)).await?;
        let piece = BYTES[..size].to_vec();
        Ok(Self { stream, piece })
    }

    pub(crate) async fn open(port: u16, size: usize) -> Result<Self> {
        let mut echo = Self::begin(port, size).await?;
        // What opening costs is not part of a round trip.
        echo.once().await?;
        Ok(echo)
    }

    /// How long one piece takes there and back.
    pub(crate) async fn once(&mut self) -> Result<Duration> {
        let began = Instant::now();
        self.stream.write_all(&self.piece).await?;
        let length = self.piece.len();
        self.stream.read_exact(&mut self.piece).await?;
        ensure!(self.piece == BYTES[..length], "an echo of other bytes");
        Ok(began.elapsed())
    }
}

/// A connection that asks for much and reads nothing.
pub(crate) async fn stuck(port: u16) -> Result<TcpStream> {
    let mut stream = connect(port).await?;
    stream.write_all(&head(DOWN, 1 << 40)).await?;
    Ok(stream)
}
