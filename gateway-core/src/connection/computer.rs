//! What happens to this computer that a standing connection should hear of: it slept, or its network
//! changed.
//!
//! Nothing here says what to do about it: the supervisor asks what stands whether it lives, and cuts a
//! wait short. A system that tells nothing costs time only, because retries and keepalives go on.

mod network;
mod sleep;

use super::route::Route;
use super::{Command, Connection};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Hints not yet taken. More say nothing new, so they are dropped.
const WAITING: usize = 8;
/// A network that changes does so in many small steps; this much calm ends a change.
const CALM: Duration = Duration::from_millis(200);
/// A change that never calms down is told after this time, and again after as long.
const LONGEST_CHANGE: Duration = Duration::from_secs(1);

/// Something happened to the computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// It slept, or this program stood still.
    Woke,
    /// An address, a route or a link came or went.
    NetworkChanged,
}

/// Watches this computer, as long as it is kept.
#[derive(Debug)]
pub struct Computer {
    hints: mpsc::Receiver<Hint>,
    teller: mpsc::Sender<Hint>,
    _watching: JoinSet<()>,
}

impl Computer {
    /// Starts watching. What this system cannot tell is logged and stays untold.
    ///
    /// # Panics
    ///
    /// Outside an async runtime.
    pub fn watch() -> Self {
        let (teller, hints) = mpsc::channel(WAITING);
        let mut watching = JoinSet::new();
        watching.spawn(sleep::watch(sleep::clock, teller.clone()));
        match network::Changes::watch() {
            Ok(changes) => {
                watching.spawn(tell_changes(changes, teller.clone()));
            }
            Err(error) => tracing::warn!(%error, "changes of the network are not told here"),
        }
        Self {
            hints,
            teller,
            _watching: watching,
        }
    }

    /// Returns where others who know more (a desktop's session) can hand in their hints.
    pub fn teller(&self) -> mpsc::Sender<Hint> {
        self.teller.clone()
    }

    /// Returns the next hint. Safe to cancel.
    pub async fn next(&mut self) -> Hint {
        match self.hints.recv().await {
            Some(hint) => hint,
            // Not while this holds a sender of its own.
            None => std::future::pending().await,
        }
    }
}

impl<R: Route> Connection<R> {
    /// Has the connection hear of what happens to the computer, until it ends.
    pub fn heed(&mut self, mut computer: Computer) {
        let commands = self.commands.clone();
        self.heeding.spawn(async move {
            loop {
                let command = match computer.next().await {
                    Hint::Woke => Command::Woke,
                    Hint::NetworkChanged => Command::NetworkChanged,
                };
                if commands.send(command).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Tells one change of the network for all its steps.
async fn tell_changes(mut changes: network::Changes, teller: mpsc::Sender<Hint>) {
    while changes.next().await {
        let calm_down = async { while let Ok(true) = timeout(CALM, changes.next()).await {} };
        // Whether it calmed down or went on for long: it is told.
        drop(timeout(LONGEST_CHANGE, calm_down).await);
        tracing::debug!("the network changed");
        tell(&teller, Hint::NetworkChanged);
        // What follows at once is the same change, and is told after it.
        sleep(CALM).await;
    }
    tracing::warn!("changes of the network are no longer told");
}

fn tell(teller: &mpsc::Sender<Hint>, hint: Hint) {
    if teller.try_send(hint).is_err() {
        tracing::debug!(?hint, "a hint was dropped; others wait already");
    }
}
