//! Ports that were free a moment ago.
//!
//! Another program may take one in between, so whoever starts a server on such a port tries again
//! with another one ([`on_a_free_port`]).

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

use anyhow::{Context, Result, bail};

/// How often a server is tried on another port before the fault is taken to lie elsewhere.
const TRIES: usize = 4;

/// Returns a port that is free on 127.0.0.1 and, where there is IPv6, on ::1.
///
/// # Errors
///
/// When the system gives none.
pub fn free_port() -> Result<u16> {
    for _ in 0..TRIES {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        if !has_ipv6() || TcpListener::bind((Ipv6Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free on both 127.0.0.1 and ::1")
}

/// Tells whether `port` can be bound on 127.0.0.1 and, where there is IPv6, on ::1.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        && (!has_ipv6() || TcpListener::bind((Ipv6Addr::LOCALHOST, port)).is_ok())
}

/// Starts something on a free port, on another one when that fails.
///
/// # Errors
///
/// With the last failure, after some tries.
pub async fn on_a_free_port<T>(mut start: impl AsyncFnMut(u16) -> Result<T>) -> Result<(u16, T)> {
    let mut last = None;
    for _ in 0..TRIES {
        let port = free_port()?;
        match start(port).await {
            Ok(started) => return Ok((port, started)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("never tried")?)
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
