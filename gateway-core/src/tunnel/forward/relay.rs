//! One local connection: screened, held back until there is a tunnel, then carried both ways.

use super::carry::{Counters, carry};
use super::{Route, Shared};
use crate::tunnel::Tunnel;
use crate::tunnel::channel::RawChannel;
use crate::tunnel::http_head::{self, Look, Refusal};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How long a connection waits for a tunnel.
const PARKED_LIMIT: Duration = Duration::from_secs(5);

/// How long a request's head may take from its first byte.
const HEAD_LIMIT: Duration = Duration::from_secs(5);

/// How long a single word may stand alone before it is no request. A browser sends a request's whole
/// first line at once.
const WORD_LIMIT: Duration = Duration::from_secs(1);

/// How much, and for how long, is still read after a refusal, so that the answer is not lost to a
/// reset.
const LINGER: (u64, Duration) = (256 * 1024, Duration::from_secs(1));

/// The first read of a connection: more than most requests' heads. Nothing is held before it.
const HEAD_READ: usize = 4 * 1024;

/// One accepted connection.
pub(super) struct Relay {
    socket: TcpStream,
    shared: Arc<Shared>,
    route: watch::Receiver<Route>,
}

/// What screening came to.
enum Screened {
    /// These bytes go to the server first.
    Pass(Vec<u8>),
    /// This request does not.
    Refuse(Refusal),
    /// The other side has left, or nobody is there to serve it.
    Close,
}

impl Relay {
    pub(super) fn new(socket: TcpStream, shared: Arc<Shared>) -> Self {
        shared.live.fetch_add(1, Ordering::Relaxed);
        let route = shared.route.subscribe();
        Self {
            socket,
            shared,
            route,
        }
    }

    pub(super) async fn run(mut self) {
        if let Err(error) = self.socket.set_nodelay(true) {
            tracing::trace!(%error, "TCP_NODELAY refused");
        }
        let first = match self.screen().await {
            Ok(Screened::Pass(first)) => first,
            Ok(Screened::Refuse(refusal)) => return self.refuse(refusal).await,
            Ok(Screened::Close) => return,
            Err(error) => {
                tracing::debug!(%error, "a local connection broke");
                return;
            }
        };
        let Some((tunnel, port)) = self.wait_for_tunnel().await else {
            tracing::debug!("no tunnel came up for a local connection; it is closed");
            return;
        };
        // The server's own loopback: that is where a gateway listens.
        match tunnel.open_raw("127.0.0.1", port).await {
            Ok(channel) => {
                // The channel keeps the connection open by itself; the tunnel may be closed meanwhile.
                drop(tunnel);
                self.carry(channel, first).await;
            }
            Err(error) => tracing::debug!(%error, port, "no channel for a local connection"),
        }
    }

    /// Reads until it is clear what the connection is, and judges it if it is a request.
    async fn screen(&mut self) -> io::Result<Screened> {
        let mut bytes = Vec::new();
        if !self.shared.is_screening.load(Ordering::Relaxed) {
            return Ok(Screened::Pass(bytes));
        }
        // Nobody has to hurry before the first byte, unless there is no tunnel to hurry to.
        tokio::select! {
            ready = self.socket.readable() => ready?,
            () = abandoned(self.route.clone()) => return Ok(Screened::Close),
        }
        bytes.reserve(HEAD_READ);
        if self.socket.read_buf(&mut bytes).await? == 0 {
            return Ok(Screened::Close);
        }
        let started = Instant::now();
        loop {
            let (patience, on_silence) = match http_head::look(&bytes) {
                Look::NotHttp => return Ok(Screened::Pass(bytes)),
                Look::TooLarge => return Ok(Screened::Refuse(Refusal::TooLarge)),
                Look::Head(length) => {
                    let rest = bytes.split_off(length);
                    return Ok(match http_head::screen(&bytes, self.shared.port) {
                        Ok(mut head) => {
                            head.extend_from_slice(&rest);
                            Screened::Pass(head)
                        }
                        Err(refusal) => Screened::Refuse(refusal),
                    });
                }
                Look::OneWord => (WORD_LIMIT, None),
                Look::PartOfHead => (HEAD_LIMIT, Some(Refusal::TooSlow)),
            };
            let ended = tokio::select! {
                read = self.socket.read_buf(&mut bytes) => read? == 0,
                () = sleep_until(started + patience) => true,
            };
            if ended {
                return Ok(match on_silence {
                    Some(refusal) => Screened::Refuse(refusal),
                    None => Screened::Pass(bytes),
                });
            }
        }
    }

    async fn wait_for_tunnel(&mut self) -> Option<(Tunnel, u16)> {
        let is_up = |route: &Route| route.as_ref().is_some_and(|(lead, _)| !lead.is_closed());
        let route = timeout(PARKED_LIMIT, self.route.wait_for(is_up))
            .await
            .ok()?
            .ok()?
            .clone();
        let (lead, port) = route?;
        Some((lead.tunnel().await, port))
    }

    async fn refuse(mut self, refusal: Refusal) {
        self.shared.refused.send_modify(|refused| *refused += 1);
        tracing::warn!(?refusal, "a request to the local port was refused");
        let said = async {
            self.socket.write_all(refusal.response().as_bytes()).await?;
            self.socket.shutdown().await?;
            let mut rest = (&mut self.socket).take(LINGER.0);
            tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
        };
        let said = timeout(LINGER.1, said).await;
        tracing::trace!(?said, "refusal sent");
    }

    async fn carry(mut self, channel: RawChannel, first: Vec<u8>) {
        let counters = Counters {
            to_server: &self.shared.to_server,
            to_client: &self.shared.to_client,
        };
        if let Err(cut) = carry(&mut self.socket, channel, first, counters).await {
            tracing::debug!(%cut, "a local connection was cut");
            // A plain close would look as if everything had arrived.
            if let Err(error) = self.socket.set_zero_linger() {
                tracing::trace!(%error, "SO_LINGER refused");
            }
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.live.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Completes when there has been no tunnel for [`PARKED_LIMIT`].
async fn abandoned(mut route: watch::Receiver<Route>) {
    loop {
        if route.wait_for(Option::is_none).await.is_err() {
            return;
        }
        tokio::select! {
            () = sleep(PARKED_LIMIT) => return,
            changed = route.wait_for(Option::is_some) => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}
