//! Ports that were free a moment ago.
//!
//! Another program may take one in between, so whoever starts a server on such a port tries again
//! with another one ([`on_a_free_port`]).

use std::fs;
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

/// Which sockets have `port` at their own end and which processes hold them, to tell in an error why
/// it is not free.
pub fn users(port: u16) -> String {
    let mut found = String::new();
    let wanted = format!(":{port:04X}");
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let Ok(sockets) = fs::read_to_string(table) else {
            continue;
        };
        for socket in sockets.lines() {
            let mut columns = socket.split_whitespace().skip(1);
            let (own, rest) = (columns.next(), columns.collect::<Vec<_>>());
            if !own.is_some_and(|own| own.ends_with(&wanted)) {
                continue;
            }
            let (peer, state) = (rest.first(), rest.get(1));
            let inode = rest.get(7).copied().unwrap_or_default();
            let line = format!(
                "{table}: to {peer:?}, state {state:?}, held by {:?}",
                holders(inode)
            );
            found.push_str(&line);
            found.push('\n');
        }
    }
    found
}

/// The processes that have the socket with this inode open, by number and name.
fn holders(inode: &str) -> Vec<String> {
    let wanted = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|process| {
            let files = fs::read_dir(process.path().join("fd"));
            files
                .into_iter()
                .flatten()
                .flatten()
                .filter_map(|file| fs::read_link(file.path()).ok())
                .any(|target| target.to_string_lossy() == wanted)
        })
        .map(|process| {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            format!("{} {}", process.file_name().display(), name.trim())
        })
        .collect()
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
