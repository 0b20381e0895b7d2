//! Connections that have not said who they are: a bounded number of them, and when it is used up
//! the one that has waited longest makes room. So somebody who opens thousands of connections and
//! says nothing keeps nobody else out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// How many connections may be unproven at a time: more than the 500 clients that may come at once,
/// at a few kilobytes each.
pub(super) const MOST_UNPROVEN: usize = 1024;

/// Who stands at the door.
#[derive(Debug)]
pub(super) struct Door {
    most: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    arrived: u64,
    visits: BTreeMap<u64, CancellationToken>,
}

/// One unproven connection; leaving the door is dropping it.
#[derive(Debug)]
pub(super) struct Visit {
    door: Arc<Door>,
    number: u64,
    asked_to_leave: CancellationToken,
}

impl Door {
    /// Returns a door at which this many may stand.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            waiting: Mutex::default(),
        })
    }

    /// Lets a connection in, and asks the one that has waited longest to leave if that is too many.
    pub(super) fn enter(self: &Arc<Self>) -> Visit {
        let mut waiting = self.waiting();
        let number = waiting.arrived;
        waiting.arrived += 1;
        let asked_to_leave = CancellationToken::new();
        waiting.visits.insert(number, asked_to_leave.clone());
        if waiting.visits.len() > self.most
            && let Some((_, oldest)) = waiting.visits.pop_first()
        {
            oldest.cancel();
        }
        Visit {
            door: self.clone(),
            number,
            asked_to_leave,
        }
    }

    /// Returns how many stand there.
    #[cfg(test)]
    pub(super) fn unproven(&self) -> usize {
        self.waiting().visits.len()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit {
    /// The connection has shown who it is and is not asked to leave any more.
    pub(super) fn prove(&self) {
        self.door.waiting().visits.remove(&self.number);
    }

    /// Waits until the connection has to make room; for ever once it is proven.
    pub(super) async fn asked_to_leave(&self) {
        self.asked_to_leave.cancelled().await;
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.prove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_waited_longest_makes_room() {
        let door = Door::new(2);
        let (first, second) = (door.enter(), door.enter());
        let third = door.enter();

        assert!(first.asked_to_leave.is_cancelled());
        assert!(!second.asked_to_leave.is_cancelled());
        assert!(!third.asked_to_leave.is_cancelled());
        assert_eq!(door.unproven(), 2);
    }

    #[test]
    fn who_has_proven_itself_or_left_takes_no_place() {
        let door = Door::new(1);
        let proven = door.enter();
        proven.prove();
        drop(door.enter());
        let next = door.enter();

        assert!(!proven.asked_to_leave.is_cancelled());
        assert!(!next.asked_to_leave.is_cancelled());
    }
}
