//! What may wait for a reader, and for how long it may hold the others up.
//!
//! russh credits a channel's window as soon as data arrives, and then waits for room in that
//! channel's queue: one reader that stops would stop every channel and the keepalives. So whoever
//! serves a channel always takes its data out, into a spill of at most 8 MiB. A reader that is merely
//! slower than the network then holds the session back; one that hardly moves loses its channel, and
//! the others go on.

use bytes::{Buf as _, Bytes};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::Duration;
use tokio::time::Instant;

/// How many bytes may wait for a channel's reader.
const MAX_SPILL: usize = 8 * 1024 * 1024;

/// How long a full spill may hold the session back before its reader's pace is judged.
const JUDGED_EVERY: Duration = Duration::from_millis(250);

/// What a reader has to take in that time to keep its channel: 4 MiB/s.
const MIN_TAKEN: u64 = 1024 * 1024;

/// Data that has arrived and was not taken yet, in order.
#[derive(Default)]
pub(super) struct Spill {
    chunks: VecDeque<Bytes>,
    waiting: usize,
    /// How many bytes were taken in all.
    taken: u64,
    brim: Option<Brim>,
    /// Whether a reader that hardly moves is waited for.
    is_patient: bool,
}

/// Since when a spill is full, and how much its reader had taken then.
#[derive(Clone, Copy)]
struct Brim {
    judged_at: Instant,
    taken: u64,
}

/// Whether more may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// There is some.
    Free,
    /// There is none; the session waits, at most until then.
    FullUntil(Instant),
    /// There has been none for too long: the reader hardly moves.
    Overrun,
}

impl Spill {
    /// Returns a spill that waits for its reader however slow it is.
    pub(super) fn patient() -> Self {
        Self {
            is_patient: true,
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, data: Bytes) {
        self.waiting += data.len();
        self.chunks.push_back(data);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Returns how many bytes wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Says whether more may come in.
    pub(super) fn room(&mut self) -> Room {
        if self.waiting < MAX_SPILL / 2 {
            self.brim = None;
        }
        if self.waiting < MAX_SPILL {
            return Room::Free;
        }
        let now = Instant::now();
        let full_since = |taken| Brim {
            judged_at: now + JUDGED_EVERY,
            taken,
        };
        let mut brim = self.brim.unwrap_or_else(|| full_since(self.taken));
        if now >= brim.judged_at {
            let hardly_moves = self.taken.saturating_sub(brim.taken) < MIN_TAKEN;
            if hardly_moves && !self.is_patient {
                return Room::Overrun;
            }
            brim = full_since(self.taken);
        }
        self.brim = Some(brim);
        Room::FullUntil(brim.judged_at)
    }

    /// Copies what fits, and returns how much that was.
    pub(super) fn take_into(&mut self, buf: &mut tokio::io::ReadBuf<'_>) -> usize {
        let mut taken = 0;
        while let Some(chunk) = self.chunks.front() {
            let length = chunk.len().min(buf.remaining());
            if length == 0 {
                break;
            }
            buf.put_slice(chunk.get(..length).unwrap_or_default());
            self.advance(length);
            taken += length;
        }
        taken
    }

    /// Points at the first chunks, as many as there is room for; returns how many.
    pub(super) fn slices<'a>(&'a self, into: &mut [IoSlice<'a>]) -> usize {
        let pairs = into.iter_mut().zip(&self.chunks);
        pairs
            .map(|(slice, chunk)| *slice = IoSlice::new(chunk))
            .count()
    }

    /// Drops this many bytes from the front: somebody has them.
    pub(super) fn advance(&mut self, length: usize) {
        self.waiting = self.waiting.saturating_sub(length);
        self.taken = self.taken.saturating_add(length as u64);
        let mut left = length;
        while left > 0
            && let Some(chunk) = self.chunks.front_mut()
        {
            let part = chunk.len().min(left);
            chunk.advance(part);
            left -= part;
            if chunk.is_empty() {
                self.chunks.pop_front();
            }
        }
    }

    /// Gives up what waits, with its memory.
    pub(super) fn clear(&mut self) {
        self.chunks = VecDeque::new();
        self.waiting = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Spill {
        let mut spill = Spill::default();
        spill.push(Bytes::from(vec![0; MAX_SPILL]));
        spill
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_does_not_move_is_given_up_after_a_quarter_of_a_second() {
        let mut spill = full();

        let until = Instant::now() + JUDGED_EVERY;
        assert_eq!(spill.room(), Room::FullUntil(until));
        tokio::time::advance(JUDGED_EVERY - Duration::from_millis(1)).await;
        assert_eq!(spill.room(), Room::FullUntil(until));
        tokio::time::advance(Duration::from_millis(1)).await;

        assert_eq!(spill.room(), Room::Overrun);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_is_merely_slow_keeps_its_channel() {
        let mut spill = full();
        for _ in 0..20 {
            assert!(matches!(spill.room(), Room::FullUntil(_)));
            spill.advance(1024 * 1024);
            spill.push(Bytes::from(vec![0; 1024 * 1024]));
            tokio::time::advance(JUDGED_EVERY).await;
        }

        assert!(matches!(spill.room(), Room::FullUntil(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_may_take_its_time_is_waited_for() {
        let mut spill = Spill::patient();
        spill.push(Bytes::from(vec![0; MAX_SPILL]));
        for _ in 0..20 {
            assert!(matches!(spill.room(), Room::FullUntil(_)));
            tokio::time::advance(JUDGED_EVERY).await;
        }

        assert!(matches!(spill.room(), Room::FullUntil(_)));
    }

    #[test]
    fn what_goes_in_comes_out_in_order_whatever_the_pieces() {
        let mut spill = Spill::default();
        for chunk in ["ab", "cde", "f"] {
            spill.push(Bytes::from_static(chunk.as_bytes()));
        }
        let mut slices = [IoSlice::new(&[]); 2];
        assert_eq!(spill.slices(&mut slices), 2);
        assert_eq!((&*slices[0], &*slices[1]), (&b"ab"[..], &b"cde"[..]));

        spill.advance(3);
        let mut room = [0; 8];
        let mut buf = tokio::io::ReadBuf::new(&mut room);

        assert_eq!(spill.take_into(&mut buf), 3);
        assert_eq!(buf.filled(), b"def");
        assert!(spill.is_empty() && spill.waiting() == 0);
    }
}
