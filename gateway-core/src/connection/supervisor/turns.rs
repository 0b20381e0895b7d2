//! What the supervisor's loop waits for.

use super::super::Command;
use super::super::liveness::{Finding, Prober};
use super::super::route::{Failure, Path, Report, Route, SessionNews};
use super::{EventOf, Outcome};
use tokio::sync::watch;

/// What one turn of the loop is about.
pub(super) enum Turn<R: Route> {
    Stop,
    Command(Command<R>),
    Outcome(Outcome<R::Path>),
    Progress(Report),
    PathLost(Failure),
    Session(SessionNews<EventOf<R>>),
    WaitOver,
    Probe(Finding),
    /// How many answers the session owes has changed.
    Owed,
}

pub(super) async fn or_never<F: Future + Unpin>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

pub(super) async fn next_event<P: Path>(events: Option<&mut P::Events>) -> SessionNews<P::Event> {
    match events {
        Some(events) => P::next_event(events).await,
        None => std::future::pending().await,
    }
}

/// Returns on a change, and for the last time when there can be none any more.
pub(super) async fn next_change(owed: Option<&mut watch::Receiver<usize>>) {
    match owed {
        Some(owed) => drop(owed.changed().await),
        None => std::future::pending().await,
    }
}

pub(super) async fn next_finding<P: Path>(prober: Option<&mut Prober<P>>) -> Finding {
    match prober {
        Some(prober) => prober.next().await,
        None => std::future::pending().await,
    }
}
