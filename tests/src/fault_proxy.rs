//! A TCP proxy that does to a connection what networks do: cuts it, stalls it, thins it out.
//!
//! Each connection follows a [`Plan`] it is given when it comes in, drawn from a seed where the moment
//! is not the subject. Beside the plans everything that is open can be cut, held and let go at once.

mod lane;
mod plan;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use lane::Held;
pub use plan::{Cut, Direction, End, Entry, Flow, Plan, Stall};

/// How many callers may wait at the door.
const BACKLOG: u32 = 128;

/// How much of the server's bytes waits in the proxy's own socket before a thin lane.
const THIN_BUFFER: u32 = 32 * 1024;

type Planner = Box<dyn FnMut(usize) -> Plan + Send>;

/// What the connections of one proxy share.
struct Shared {
    upstream: SocketAddr,
    planner: Mutex<Planner>,
    accepted: AtomicUsize,
    live: AtomicUsize,
    cuts: AtomicUsize,
    /// What is held back now, in all connections.
    held: watch::Sender<Held>,
    /// Replaced with each cut, so that it concerns the connections of its time alone.
    cut: Mutex<(CancellationToken, End)>,
}

/// A running proxy on 127.0.0.1. Dropping it resets what is open.
pub struct FaultProxy {
    shared: Arc<Shared>,
    port: u16,
    /// Holds the port for as long as the proxy lives and never listens: with the door closed, nobody
    /// else gets the port, and whoever connects to it is refused.
    _keeper: TcpSocket,
    door: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Starts a proxy that carries everything faithfully until it is told otherwise.
    ///
    /// # Errors
    ///
    /// When there is no port to be had.
    pub fn start(upstream: SocketAddr) -> Result<Self> {
        let keeper = bound(0)?;
        let port = keeper.local_addr()?.port();
        let listener = bound(port)?.listen(BACKLOG)?;
        let shared = Arc::new(Shared {
            upstream,
            planner: Mutex::new(Box::new(|_| Plan::default())),
            accepted: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            cuts: AtomicUsize::new(0),
            held: watch::Sender::new(Held::default()),
            cut: Mutex::new((CancellationToken::new(), End::Fin)),
        });
        let door = Some(tokio::spawn(accept(listener, Arc::clone(&shared))));
        Ok(Self {
            shared,
            port,
            _keeper: keeper,
            door,
        })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Has the connections to come follow what `planner` says; it is given the number of each, from 0.
    pub fn plan(&self, planner: impl FnMut(usize) -> Plan + Send + 'static) {
        *lock(&self.shared.planner) = Box::new(planner);
    }

    /// How many connections came in so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// How many connections are open now.
    pub fn live(&self) -> usize {
        self.shared.live.load(Ordering::SeqCst)
    }

    /// How many connections were cut, by their plan or all at once.
    pub fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::SeqCst)
    }

    /// Cuts everything that is open; what comes in later is not concerned.
    pub fn cut_all(&self, end: End) {
        let fresh = (CancellationToken::new(), end);
        let (token, _) = {
            let mut cut = lock(&self.shared.cut);
            cut.1 = end;
            std::mem::replace(&mut *cut, fresh)
        };
        token.cancel();
    }

    /// Holds back one direction or both without closing anything: what comes in waits in the proxy, or
    /// is thrown away where `black_hole` is set.
    pub fn hold(&self, held: Held) {
        self.shared.held.send_replace(held);
    }

    /// Carries on with what was held back.
    pub fn let_go(&self) {
        self.hold(Held::default());
    }

    /// Closes the port, so that connecting to it is refused; what is open stays.
    pub async fn close_door(&mut self) {
        if let Some(door) = self.door.take() {
            door.abort();
            // Cancelled, as just asked; the listener is closed then.
            drop(door.await);
        }
    }

    /// Opens the port again.
    ///
    /// # Errors
    ///
    /// When the system has no socket to spare.
    pub fn open_door(&mut self) -> Result<()> {
        let listener = bound(self.port)?.listen(BACKLOG)?;
        self.door = Some(tokio::spawn(accept(listener, Arc::clone(&self.shared))));
        Ok(())
    }
}

/// A socket that has a port, 0 for any free one, beside others of the same proxy.
fn bound(port: u16) -> Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    Ok(socket)
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        if let Some(door) = self.door.take() {
            door.abort();
        }
        self.cut_all(End::Rst);
    }
}

impl std::fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultProxy")
            .field("port", &self.port)
            .field("live", &self.live())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
        let plan = (lock(&shared.planner))(number);
        // A connection outlives the door it came through.
        drop(tokio::spawn(serve(client, plan, Arc::clone(&shared))));
    }
}

/// Counts a connection as long as it is open.
struct Live<'a>(&'a AtomicUsize);

impl<'a> Live<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn serve(client: TcpStream, plan: Plan, shared: Arc<Shared>) {
    let _live = Live::new(&shared.live);
    let token = lock(&shared.cut).0.clone();
    let end = match plan.entry {
        Entry::Refuse => End::Rst,
        Entry::Hang => {
            token.cancelled().await;
            lock(&shared.cut).1
        }
        Entry::Carry => match carry(&client, plan, &shared, &token).await {
            Ok(Some(end)) => {
                shared.cuts.fetch_add(1, Ordering::SeqCst);
                end
            }
            // Both sides have finished, or one of them broke.
            Ok(None) => End::Fin,
            Err(_) => End::Rst,
        },
    };
    finish(&client, end);
}

/// Carries both ways; returns how to end when it is to be cut.
async fn carry(
    client: &TcpStream,
    plan: Plan,
    shared: &Shared,
    token: &CancellationToken,
) -> Result<Option<End>> {
    let socket = TcpSocket::new_v4()?;
    if plan.down.bytes_per_second.is_some() {
        // Else the kernel takes megabytes off the sender's hands before anything is thin.
        socket.set_recv_buffer_size(THIN_BUFFER)?;
    }
    let server = socket
        .connect(shared.upstream)
        .await
        .context("nobody is behind the proxy")?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let end = {
        let (from_client, to_client) = (lane::Reader(client), lane::Writer(client));
        let (from_server, to_server) = (lane::Reader(&server), lane::Writer(&server));
        let up = lane::Lane::new(Direction::Up, plan, shared.held.subscribe());
        let down = lane::Lane::new(Direction::Down, plan, shared.held.subscribe());
        let both = async {
            tokio::try_join!(
                up.carry(from_client, to_server),
                down.carry(from_server, to_client)
            )
        };
        tokio::select! {
            () = token.cancelled() => Some(lock(&shared.cut).1),
            outcome = both => match outcome {
                Ok(_) => None,
                Err(lane::Stopped::Cut(end)) => Some(end),
                Err(lane::Stopped::Broke) => Some(End::Rst),
            },
        }
    };
    finish(&server, end.unwrap_or(End::Fin));
    Ok(end)
}

/// Says how the stream ends when it is dropped.
fn finish(stream: &TcpStream, end: End) {
    if end == End::Rst {
        // A stream that is gone already is as good as reset.
        drop(stream.set_zero_linger());
    }
}

#[cfg(test)]
mod tests;
