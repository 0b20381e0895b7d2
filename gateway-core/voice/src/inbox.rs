//! What the voice thread waits for: orders, and sound from a stream. One place to wait, so that neither
//! is polled for. Sound is bounded and its oldest part goes first; orders are few and all are kept.

use crate::microphone::MicrophoneError;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many pieces of sound may wait while an engine thinks: some ten seconds of what devices give.
const MOST_PIECES: usize = 1_000;

/// What came.
#[derive(Debug, PartialEq)]
pub(crate) enum Mail<O> {
    Order(O),
    Sound {
        stream: u64,
        samples: Vec<f32>,
    },
    Lost {
        stream: u64,
        why: MicrophoneError,
    },
    /// Nothing within the time.
    Nothing,
}

#[derive(Debug)]
struct Waiting<O> {
    orders: VecDeque<O>,
    sound: VecDeque<(u64, Vec<f32>)>,
    lost: Option<(u64, MicrophoneError)>,
    dropped: u64,
}

/// The inbox.
#[derive(Debug)]
pub(crate) struct Inbox<O = crate::station::Order> {
    waiting: Mutex<Waiting<O>>,
    came: Condvar,
}

impl<O> Inbox<O> {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                orders: VecDeque::new(),
                sound: VecDeque::new(),
                lost: None,
                dropped: 0,
            }),
            came: Condvar::new(),
        }
    }

    pub(crate) fn order(&self, order: O) {
        self.lock().orders.push_back(order);
        self.came.notify_one();
    }

    pub(crate) fn sound(&self, stream: u64, samples: Vec<f32>) {
        let mut waiting = self.lock();
        if waiting.sound.len() == MOST_PIECES {
            waiting.sound.pop_front();
            waiting.dropped += 1;
        }
        waiting.sound.push_back((stream, samples));
        drop(waiting);
        self.came.notify_one();
    }

    pub(crate) fn lost(&self, stream: u64, why: MicrophoneError) {
        self.lock().lost = Some((stream, why));
        self.came.notify_one();
    }

    /// Waits for the next thing; orders come before sound, and sound before the news of its end.
    pub(crate) fn next(&self, limit: Option<Duration>) -> Mail<O> {
        let mut waiting = self.lock();
        loop {
            if let Some(order) = waiting.orders.pop_front() {
                return Mail::Order(order);
            }
            if let Some((stream, samples)) = waiting.sound.pop_front() {
                if waiting.dropped > 0 {
                    tracing::warn!(
                        pieces = waiting.dropped,
                        "sound was lost while the engine was busy"
                    );
                    waiting.dropped = 0;
                }
                return Mail::Sound { stream, samples };
            }
            if let Some((stream, why)) = waiting.lost.take() {
                return Mail::Lost { stream, why };
            }
            waiting = match limit {
                None => self
                    .came
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(limit) => {
                    let (waiting, outcome) = self
                        .came
                        .wait_timeout(waiting, limit)
                        .unwrap_or_else(PoisonError::into_inner);
                    let empty = waiting.orders.is_empty()
                        && waiting.sound.is_empty()
                        && waiting.lost.is_none();
                    if outcome.timed_out() && empty {
                        return Mail::Nothing;
                    }
                    waiting
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<O>> {
        // Nothing is left half done under this lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_come_first_and_sound_is_bounded() {
        let inbox = Inbox::new();
        for piece in 0..=MOST_PIECES {
            inbox.sound(1, vec![piece as f32]);
        }
        inbox.order("stop");
        let soon = Some(Duration::ZERO);
        assert_eq!(inbox.next(soon), Mail::Order("stop"));
        let oldest = Mail::Sound {
            stream: 1,
            samples: vec![1.0],
        };
        assert_eq!(inbox.next(soon), oldest);
        for _ in 1..MOST_PIECES {
            inbox.next(soon);
        }
        assert_eq!(inbox.next(soon), Mail::Nothing);
    }

    #[test]
    fn what_was_heard_comes_before_the_news_that_it_ended() {
        let inbox: Inbox<()> = Inbox::new();
        inbox.sound(1, vec![0.5]);
        inbox.lost(1, MicrophoneError::None);
        assert!(matches!(inbox.next(None), Mail::Sound { .. }));
        assert!(matches!(inbox.next(None), Mail::Lost { .. }));
    }
}
