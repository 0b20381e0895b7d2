//! The loopback listener: what lets other programs here, such as the CLI or a browser, reach the
//! gateway through the tunnel.
//!
//! It is bound once and keeps its port while tunnels come and go. Only loopback addresses are bound,
//! there is no setting for others, and requests that a foreign web page could make are refused (see
//! `http_head`).

mod carry;
mod holder;
mod port;
mod relay;

pub use holder::Holder;
pub use port::{BindError, BoundPort};

use super::Tunnel;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use relay::Relay;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How many local sockets are served at once; further ones wait in the system's queue.
const MAX_SOCKETS: usize = 2048;

/// How long to wait after the system could not give us a socket (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener on 127.0.0.1 and, where IPv6 exists, on ::1. Dropping it ends all its connections.
#[derive(Debug)]
pub struct LoopbackListener {
    port: u16,
    shared: Arc<Shared>,
    /// Dropping it aborts the accepting tasks, and with them the connections they hold.
    accepting: Mutex<JoinSet<()>>,
}

/// Says which tunnel the next local connection goes through.
pub trait Lead: std::fmt::Debug + Send + Sync {
    /// Returns the tunnel; it may have to be opened first.
    fn tunnel(&self) -> BoxFuture<'_, Tunnel>;

    /// Returns whether nothing can go through it any more.
    fn is_closed(&self) -> bool;
}

impl Lead for Tunnel {
    fn tunnel(&self) -> BoxFuture<'_, Tunnel> {
        ready(self.clone()).boxed()
    }

    fn is_closed(&self) -> bool {
        Self::is_closed(self)
    }
}

/// Where a connection goes: through which tunnel, and to which port on the server.
type Route = Option<(Arc<dyn Lead>, u16)>;

#[derive(Debug)]
struct Shared {
    port: u16,
    route: watch::Sender<Route>,
    is_screening: AtomicBool,
    live: AtomicUsize,
    to_server: AtomicU64,
    to_client: AtomicU64,
    refused: watch::Sender<u64>,
}

/// What went through the listener so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Local sockets open now, waiting ones included.
    pub live_sockets: usize,
    /// Bytes from local programs to the server.
    pub bytes_to_server: u64,
    /// Bytes from the server to local programs.
    pub bytes_to_client: u64,
    /// Requests refused for their host or origin.
    pub refused_requests: u64,
}

impl LoopbackListener {
    /// Binds `preferred` on every loopback address, or else moves on in steps of 20. Port 0 takes
    /// any free one.
    ///
    /// # Errors
    /// [`BindError`] when no port can be had.
    pub async fn bind(preferred: u16) -> Result<(Self, BoundPort), BindError> {
        let (sockets, bound) = port::bind(preferred).await?;
        match &bound.moved_from {
            Some((taken, holder)) => {
                tracing::info!(
                    port = bound.port,
                    taken,
                    ?holder,
                    "listening on another port than wanted"
                );
            }
            None => tracing::info!(port = bound.port, "listening on loopback"),
        }
        Ok((Self::over(sockets, bound.port), bound))
    }

    /// Binds `port` on every loopback address, or nothing.
    ///
    /// # Errors
    /// What the system says, if any of them cannot be had.
    pub async fn bind_only(port: u16) -> io::Result<Self> {
        let sockets = port::bind_only(port).await?;
        tracing::debug!(port, "listening on loopback as well");
        Ok(Self::over(sockets, port))
    }

    fn over(sockets: Vec<TcpListener>, port: u16) -> Self {
        let shared = Arc::new(Shared {
            port,
            route: watch::Sender::new(None),
            is_screening: AtomicBool::new(true),
            live: AtomicUsize::new(0),
            to_server: AtomicU64::new(0),
            to_client: AtomicU64::new(0),
            refused: watch::Sender::new(0),
        });
        let room = Arc::new(Semaphore::new(MAX_SOCKETS));
        let mut accepting = JoinSet::new();
        for socket in sockets {
            accepting.spawn(accept(socket, Arc::clone(&shared), Arc::clone(&room)));
        }
        Self {
            port,
            shared,
            accepting: Mutex::new(accepting),
        }
    }

    /// Returns the port, which never changes.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends connections, those that wait included, through the tunnel of `lead` to a port of the
    /// server's own loopback address.
    pub fn attach(&self, lead: Arc<dyn Lead>, remote_port: u16) {
        self.shared.route.send_replace(Some((lead, remote_port)));
    }

    /// Lets new connections wait, for at most five seconds each. Those in a tunnel end with it.
    pub fn detach(&self) {
        self.shared.route.send_replace(None);
    }

    /// Ends all its connections and gives the port back; when this returns, others can have it.
    pub async fn close(&self) {
        self.accepting.lock().await.shutdown().await;
    }

    /// Switches the screening of HTTP requests; it is on at first.
    pub fn set_screening(&self, is_screening: bool) {
        self.shared
            .is_screening
            .store(is_screening, Ordering::Relaxed);
    }

    /// Tells how many requests were refused so far, as it grows.
    pub fn refusals(&self) -> watch::Receiver<u64> {
        self.shared.refused.subscribe()
    }

    /// Returns the counters.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            live_sockets: self.shared.live.load(Ordering::Relaxed),
            bytes_to_server: self.shared.to_server.load(Ordering::Relaxed),
            bytes_to_client: self.shared.to_client.load(Ordering::Relaxed),
            refused_requests: *self.shared.refused.borrow(),
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, room: Arc<Semaphore>) {
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed, so there is always a permit to wait for.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let accepted = loop {
            tokio::select! {
                accepted = listener.accept() => break accepted,
                Some(ended) = connections.join_next() => report(ended),
            }
        };
        match accepted {
            Ok((socket, _)) => {
                let relay = Relay::new(socket, Arc::clone(&shared));
                connections.spawn(async move {
                    relay.run().await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a local connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
        while let Some(ended) = connections.try_join_next() {
            report(ended);
        }
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a local connection failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn a_closed_listener_has_given_its_port_back() {
        let (listener, bound) = LoopbackListener::bind(0).await.unwrap();
        let address = (Ipv4Addr::LOCALHOST, bound.port);
        TcpListener::bind(address).await.unwrap_err();

        listener.close().await;

        TcpListener::bind(address).await.unwrap();
    }
}
