//! Which local port to take: the wanted one on every loopback address, or another one on all.

use super::holder::{self, Holder};
use crate::connection::phase::Cause;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::TcpListener;

/// How far apart the ports are that are tried: gateways use the ones next to theirs.
const STEP: u16 = 20;

/// How many ports are tried.
const TRIES: u16 = 16;

/// The port that was taken, and why not the wanted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundPort {
    /// The port in use.
    pub port: u16,
    /// The wanted port and, if the system tells, who holds it; `None` if we got it.
    pub moved_from: Option<(u16, Option<Holder>)>,
}

/// Why no local port could be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Every port that was tried is in use.
    #[error("the local ports {first} to {last} (every {STEP}th) are all in use")]
    AllTaken {
        /// The wanted port.
        first: u16,
        /// The last one tried.
        last: u16,
    },
    /// The system gives us no loopback port at all.
    #[error("no port can be bound on 127.0.0.1")]
    NoLoopback(#[source] io::Error),
}

impl BindError {
    /// Returns the public word for this failure.
    pub fn cause(&self) -> Cause {
        match self {
            Self::AllTaken { .. } | Self::NoLoopback(_) => Cause::PortTaken,
        }
    }
}

/// Binds a port on every loopback address there is.
pub(super) async fn bind(preferred: u16) -> Result<(Vec<TcpListener>, BoundPort), BindError> {
    let mut last = preferred;
    for step in 0..TRIES {
        // Port 0 asks for any, so trying again helps where the other family has that one in use.
        let candidate = match preferred {
            0 => 0,
            _ => match preferred.checked_add(step * STEP) {
                Some(candidate) => candidate,
                None => break,
            },
        };
        last = candidate;
        match bind_all(candidate).await {
            Ok((sockets, port)) => {
                let has_moved = preferred != 0 && port != preferred;
                let moved_from = has_moved.then(|| (preferred, holder::of(preferred)));
                return Ok((sockets, BoundPort { port, moved_from }));
            }
            Err(error) if is_taken(&error) => {
                tracing::debug!(port = candidate, %error, "local port not available");
            }
            Err(error) => return Err(BindError::NoLoopback(error)),
        }
    }
    Err(BindError::AllTaken {
        first: preferred,
        last,
    })
}

/// Binds this port on every loopback address there is, and no other one.
pub(super) async fn bind_only(port: u16) -> io::Result<Vec<TcpListener>> {
    bind_all(port).await.map(|(sockets, _)| sockets)
}

async fn bind_all(port: u16) -> io::Result<(Vec<TcpListener>, u16)> {
    let v4 = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let port = v4.local_addr()?.port();
    match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await {
        Ok(v6) => Ok((vec![v4, v6], port)),
        // Half of a port would send a program that prefers IPv6 to a stranger.
        Err(error) if is_taken(&error) => Err(error),
        Err(error) => {
            tracing::debug!(%error, "no IPv6 loopback here");
            Ok((vec![v4], port))
        }
    }
}

/// Returns whether another port may do. Windows reports ports it reserves as forbidden.
fn is_taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_left_to_its_holder_who_is_named() {
        let taken = loop {
            // Leave room above for the steps.
            let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
            if socket.local_addr().unwrap().port() < u16::MAX - TRIES * STEP {
                break socket;
            }
        };
        let wanted = taken.local_addr().unwrap().port();

        let (_sockets, bound) = bind(wanted).await.unwrap();

        assert_eq!((bound.port - wanted) % STEP, 0);
        let (from, holder) = bound.moved_from.unwrap();
        assert_eq!(from, wanted);
        if cfg!(target_os = "linux") {
            assert_eq!(holder.unwrap().pid, std::process::id());
        }
    }

    #[tokio::test]
    async fn a_port_taken_on_one_address_family_is_not_taken_by_halves() {
        let Ok(taken) = TcpListener::bind("[::1]:0").await else {
            // Without IPv6 there is no other half.
            return;
        };
        let wanted = taken.local_addr().unwrap().port();

        let error = bind_all(wanted).await.unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn any_free_port_will_do_when_none_is_wanted() {
        let (sockets, bound) = bind(0).await.unwrap();

        assert!(
            sockets
                .iter()
                .all(|socket| socket.local_addr().unwrap().port() == bound.port)
        );
        assert_eq!(bound.moved_from, None);
    }
}
