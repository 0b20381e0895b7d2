//! A thousand connections at once: what they cost while nothing moves, and after something has.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use crate::side::Side;
use crate::usage;
use crate::wire::Echo;

const CONNECTIONS: usize = 1_000;
/// They come in groups, as neither side's queue of new connections holds them all.
const GROUP: usize = 50;
const BETWEEN_GROUPS: Duration = Duration::from_millis(30);
/// By then the last ones lead to the server too.
const ALL_OPEN: Duration = Duration::from_millis(700);
const PIECE: usize = 64 * 1024;
const TURNS: usize = 2;

/// Returns the program's memory with the connections open, and after each has moved something.
pub(crate) async fn crowd(side: &Side) -> Result<(f64, f64)> {
    let pid = side.pid().context("no program to look at")?;
    let mut connections = Vec::with_capacity(CONNECTIONS);
    while connections.len() < CONNECTIONS {
        let opening = (0..GROUP).map(|_| Echo::begin(side.port, PIECE));
        for opened in futures_util::future::join_all(opening).await {
            connections.push(opened.with_context(|| side.who.name())?);
        }
        // The pace is part of what is measured.
        sleep(BETWEEN_GROUPS).await;
    }
    sleep(ALL_OPEN).await;
    let idle = usage::rss(pid)?;
    for _ in 0..TURNS {
        let echoes = connections.iter_mut().map(Echo::once);
        for echoed in futures_util::future::join_all(echoes).await {
            echoed?;
        }
    }
    let used = usage::rss(pid)?;
    ensure!(connections.len() == CONNECTIONS, "not all were held");
    Ok((idle, used))
}
