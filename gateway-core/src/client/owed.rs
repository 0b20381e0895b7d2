//! How many answers a session owes: the one count of what somebody waits for.
//!
//! A request counts from when it is asked until it is answered, refused, or given up. The supervisor
//! reads the count and looks after the path more closely while it is not zero.

use std::sync::Arc;
use tokio::sync::watch;

/// The count of one session.
#[derive(Debug, Clone)]
pub(super) struct Owed(Arc<watch::Sender<usize>>);

/// One answer that is owed; it counts until it is dropped.
#[derive(Debug)]
pub(super) struct Debt(Arc<watch::Sender<usize>>);

impl Owed {
    pub(super) fn none() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    pub(super) fn one_more(&self) -> Debt {
        self.0.send_modify(|owed| *owed += 1);
        Debt(Arc::clone(&self.0))
    }

    pub(super) fn watched(&self) -> watch::Receiver<usize> {
        self.0.subscribe()
    }
}

impl Drop for Debt {
    fn drop(&mut self) {
        self.0.send_modify(|owed| *owed = owed.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_owed_until_nobody_waits_for_it_any_more() {
        let owed = Owed::none();
        let watched = owed.watched();

        let (first, second) = (owed.one_more(), owed.one_more());
        assert_eq!(*watched.borrow(), 2);
        drop(first);
        assert_eq!(*watched.borrow(), 1);
        drop(second);
        assert_eq!(*watched.borrow(), 0);
    }
}
