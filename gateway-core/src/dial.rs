//! From a name to a connected TCP socket: every address gets its chance within one limit.
//!
//! The tunnel and the direct connection use it; each has its own words for what went wrong.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long one address may stay silent before the next is dialled beside it (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Why no address was found or none answered.
#[derive(Debug)]
pub(crate) enum DialError {
    /// The limit passed.
    Timeout {
        /// The limit.
        waited: Duration,
    },
    /// The system said so.
    Io(io::Error),
}

/// Returns the addresses of a name, the families taking turns, the resolver's favourite first.
pub(crate) async fn resolve(
    host: &str,
    port: u16,
    limit: Duration,
) -> Result<Vec<SocketAddr>, DialError> {
    let found = timeout(limit, tokio::net::lookup_host((host, port)))
        .await
        .map_err(|_| DialError::Timeout { waited: limit })?
        .map_err(DialError::Io)?;
    let addresses = interleave(found.collect());
    if addresses.is_empty() {
        return Err(DialError::Io(no_address()));
    }
    tracing::debug!(host, ?addresses, "resolved");
    Ok(addresses)
}

/// Dials the addresses one after another, not waiting for a silent one, and keeps the first to answer.
/// `from` is the local address to use, where it matters.
pub(crate) async fn connect(
    addresses: Vec<SocketAddr>,
    from: Option<IpAddr>,
    limit: Duration,
) -> Result<TcpStream, DialError> {
    timeout(limit, first_to_answer(addresses, from))
        .await
        .map_err(|_| DialError::Timeout { waited: limit })?
        .map_err(DialError::Io)
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

async fn dial(address: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let Some(from) = from else {
        return TcpStream::connect(address).await;
    };
    let socket = match from {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(address).await
}

async fn first_to_answer(
    addresses: Vec<SocketAddr>,
    from: Option<IpAddr>,
) -> io::Result<TcpStream> {
    let mut waiting = VecDeque::from(addresses);
    // Dropping the set aborts the dials that lost.
    let mut dials = JoinSet::new();
    let mut last_error = no_address();
    loop {
        if let Some(address) = waiting.pop_front() {
            dials.spawn(async move { (address, dial(address, from).await) });
        }
        tokio::select! {
            finished = dials.join_next() => match finished {
                Some(Ok((address, Ok(stream)))) => {
                    tracing::debug!(%address, "TCP connected");
                    return Ok(stream);
                }
                Some(Ok((address, Err(error)))) => {
                    tracing::debug!(%address, %error, "TCP dial failed");
                    last_error = error;
                }
                Some(Err(join)) => last_error = io::Error::other(join),
                None => return Err(last_error),
            },
            () = sleep(ATTEMPT_DELAY), if !waiting.is_empty() => {}
        }
    }
}

/// Lets the address families take turns (RFC 8305 §4), so that one dead family costs one delay.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else {
        return addresses;
    };
    let first_is_ipv6 = first.is_ipv6();
    let (favoured, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_ipv6);
    let mut mixed = Vec::with_capacity(favoured.len() + other.len());
    let (mut favoured, mut other) = (favoured.into_iter(), other.into_iter());
    loop {
        let (a, b) = (favoured.next(), other.next());
        if a.is_none() && b.is_none() {
            return mixed;
        }
        mixed.extend(a.into_iter().chain(b));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_address_families_take_turns() {
        let mixed = interleave(
            ["[::1]:1", "[::2]:1", "[::3]:1", "127.0.0.1:1"]
                .into_iter()
                .map(address)
                .collect(),
        );

        assert_eq!(
            mixed,
            ["[::1]:1", "127.0.0.1:1", "[::2]:1", "[::3]:1"].map(address)
        );
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_hide_one_that_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed = {
            let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
            gone.local_addr().unwrap()
        };

        let stream = connect(vec![closed, open], None, Duration::from_secs(5))
            .await
            .unwrap();

        assert_eq!(stream.peer_addr().unwrap(), open);
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_a_resolve_error() {
        let error = resolve("no-such-host.invalid", 22, Duration::from_secs(5))
            .await
            .unwrap_err();

        assert!(matches!(error, DialError::Io(_)), "{error:?}");
    }
}
