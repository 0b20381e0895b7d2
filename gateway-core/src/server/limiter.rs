//! Failed sign-ins: counted per caller and class of credential, locked after too many.
//!
//! A program on this computer is not counted, like the official gateway does it (protocol §4): it
//! could read the secret anyway. A browser page on this computer always is, by its origin. The table
//! is bounded; what is dropped for room is what matters least. Time is handed in.

use super::peer_address::{Client, Locality};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;

/// How many failures within [`WINDOW`] lock (protocol §4).
pub const MAX_FAILURES: usize = 10;
/// How long a failure is remembered (protocol §4).
pub const WINDOW: Duration = Duration::from_secs(60);
/// How long a caller stays locked (protocol §4).
pub const LOCKOUT: Duration = Duration::from_secs(300);
/// How many callers are remembered: about 3 MB at most.
pub const CAPACITY: usize = 10_000;

/// Whose failures are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A program on this computer; never locked.
    Exempt,
    /// A client elsewhere, by its canonical address. Also its browser pages: an Origin is only what
    /// the client says, and must not lock out the other users of that page.
    Address(IpAddr),
    /// A page in a browser on this computer, by its origin.
    Origin(String),
}

impl Subject {
    /// Says whom to count; `origin` is that of the page, if a browser called.
    pub fn of(client: Client, origin: Option<&str>) -> Self {
        match (client.locality, origin) {
            (Locality::Local, None) => Self::Exempt,
            (Locality::Local, Some(origin)) => Self::Origin(origin.to_ascii_lowercase()),
            (Locality::Remote, _) => Self::Address(client.address.to_canonical()),
        }
    }
}

/// What was guessed at. Each is counted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The gateway's token or password.
    Shared,
    /// A token issued to a device.
    DeviceToken,
    /// A single-use code of the browser page.
    SingleUseCode,
}

/// The caller has to wait. The protocol's `AUTH_RATE_LIMITED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many failed sign-ins; try again in {} s", retry_after.as_secs().max(1))]
pub struct Locked {
    /// How long.
    pub retry_after: Duration,
}

type Key = (Subject, Class);

/// The order in which callers are dropped: when they stop mattering, then by age.
type Rank = (Instant, u64);

#[derive(Debug)]
struct Record {
    failures: Vec<Instant>,
    locked_until: Option<Instant>,
    rank: Rank,
}

/// The failures of all callers.
#[derive(Debug)]
pub struct Limiter {
    capacity: usize,
    records: HashMap<Key, Record>,
    /// Every unlocked record, the one that is forgotten first in front.
    counting: BTreeMap<Rank, Key>,
    /// Every locked record, the one that is free first in front.
    locked: BTreeMap<Rank, Key>,
    next: u64,
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl Limiter {
    /// Remembers at most `capacity` callers, at least one.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            records: HashMap::new(),
            counting: BTreeMap::new(),
            locked: BTreeMap::new(),
            next: 0,
        }
    }

    /// Asks before anything is compared whether this caller may try at all.
    ///
    /// `presented` are the classes of everything that was sent: one that is locked refuses the whole
    /// attempt, so that adding a credential of another class opens nothing.
    ///
    /// # Errors
    ///
    /// Says how long to wait.
    pub fn admit(
        &self,
        subject: &Subject,
        presented: &[Class],
        now: Instant,
    ) -> Result<(), Locked> {
        presented
            .iter()
            .filter_map(|class| {
                let record = self.records.get(&(subject.clone(), *class))?;
                record
                    .locked_until?
                    .checked_duration_since(now)
                    .filter(|wait| !wait.is_zero())
            })
            .max()
            .map_or(Ok(()), |retry_after| Err(Locked { retry_after }))
    }

    /// Counts one failure. Call it for every class that was sent and wrong, whatever else was right;
    /// never for a credential that was not sent.
    pub fn failed(&mut self, subject: &Subject, class: Class, now: Instant) {
        if *subject == Subject::Exempt {
            return;
        }
        let key = (subject.clone(), class);
        let before = self.take(&key);
        if before.is_none() {
            self.make_room(now);
        }
        let (mut failures, lock) = before.map_or((Vec::new(), None), |record| {
            (record.failures, record.locked_until)
        });
        let lock = lock.filter(|until| *until > now);
        failures.retain(|at| now.saturating_duration_since(*at) < WINDOW);
        failures.push(now);
        // A caller that was not asked `admit` first cannot lengthen its lock, nor shorten it.
        let locked_until = match lock {
            None if failures.len() >= MAX_FAILURES => Some(now + LOCKOUT),
            lock => lock,
        };
        if locked_until.is_some() {
            failures.clear();
        }
        self.put(key, failures, locked_until, now);
    }

    /// Forgets the failures of the class that a caller signed in with, and of no other.
    pub fn succeeded(&mut self, subject: &Subject, class: Class, now: Instant) {
        let key = (subject.clone(), class);
        if self.admit(subject, &[class], now).is_ok() {
            drop(self.take(&key));
        }
    }

    /// Returns how many callers are remembered.
    pub fn remembered(&self) -> usize {
        self.records.len()
    }

    fn put(
        &mut self,
        key: Key,
        failures: Vec<Instant>,
        locked_until: Option<Instant>,
        now: Instant,
    ) {
        let rank = (locked_until.unwrap_or(now + WINDOW), self.next);
        self.next += 1;
        let order = match locked_until {
            Some(_) => &mut self.locked,
            None => &mut self.counting,
        };
        order.insert(rank, key.clone());
        let record = Record {
            failures,
            locked_until,
            rank,
        };
        drop(self.records.insert(key, record));
    }

    fn take(&mut self, key: &Key) -> Option<Record> {
        let record = match self.records.entry(key.clone()) {
            Entry::Occupied(entry) => entry.remove(),
            Entry::Vacant(_) => return None,
        };
        self.counting.remove(&record.rank);
        self.locked.remove(&record.rank);
        Some(record)
    }

    /// Drops what no longer matters; if nothing is like that, the caller that failed longest ago; and
    /// a locked one only when all are locked, the one that is nearly free.
    fn make_room(&mut self, now: Instant) {
        while self.records.len() >= self.capacity {
            let first = |order: &BTreeMap<Rank, Key>| {
                order
                    .first_key_value()
                    .map(|((until, _), key)| (*until, key.clone()))
            };
            let victim = match (first(&self.counting), first(&self.locked)) {
                (_, Some((until, key))) if until <= now => key,
                (Some((_, key)), _) | (None, Some((_, key))) => key,
                (None, None) => return,
            };
            drop(self.take(&victim));
        }
    }
}

#[cfg(test)]
mod tests;
