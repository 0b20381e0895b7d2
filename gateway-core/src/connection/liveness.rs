//! Asks a standing path whether it still lives, while somebody waits for it.
//!
//! Every few seconds one probe; when its answer is overdue the path is *suspect*, and when it is
//! still missing some time later the path is taken for dead. The deadline grows with the measured
//! round trip, because a slow line is not a dead one; and a suspect path that still brings bytes is
//! busy, not dead.

use super::route::Path;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// The time between the answer to one probe and the next, while somebody waits.
///
/// With [`SHORTEST_PATIENCE`] it makes the ten seconds within which a dead path is to be noticed.
const PROBE_INTERVAL: Duration = Duration::from_secs(4);
/// The shortest time until a path is suspect: a busy server may take a moment.
const SHORTEST_DEADLINE: Duration = Duration::from_secs(2);
/// The longest: beyond this a line is of no use to anybody.
const LONGEST_DEADLINE: Duration = Duration::from_secs(30);
/// The shortest time until a path is dead: a server that stands still for five seconds lives.
const SHORTEST_PATIENCE: Duration = Duration::from_millis(5_400);
/// So many bytes while an answer is missing say that it stands in a queue behind a transfer. A word or
/// two of the gateway do not: a server that only talks and hears nothing is of no use.
const BUSY: u64 = 2 * 1024;
/// How long such a queue may be.
const LONGEST_QUEUE: Duration = Duration::from_secs(60);
/// The grace after a wake-up: a live path answers at once, a dead one never does.
const WAKE_GRACE: Duration = Duration::from_secs(2);
/// A request that is answered within this time is no reason to probe.
const REQUEST_PATIENCE: Duration = Duration::from_secs(1);
/// A timer that rings so much too late says that this program stood still, not the server.
const STOOD_STILL: Duration = Duration::from_secs(1);
/// A day, as "not until asked": idle connections rely on SSH's own keepalive.
const WHEN_ASKED: Duration = Duration::from_secs(86_400);

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// An answer, and how long it took.
    Answered(Duration),
    /// No answer yet; nothing torn down.
    Overdue,
    /// No answer at all.
    Dead,
}

/// The probe of one path.
pub struct Prober<P: Path> {
    path: P,
    watched: bool,
    awaited: bool,
    smoothed: Option<Duration>,
    state: Probing,
}

enum Probing {
    Resting(Pin<Box<Sleep>>),
    Asked(Asked),
}

struct Asked {
    answer: BoxFuture<'static, Option<Duration>>,
    since: Instant,
    /// When the path is suspect; once that is told, when it is dead.
    due: Pin<Box<Sleep>>,
    /// From suspect to dead.
    patience: Duration,
    told: bool,
    /// What the path had brought when the answer was last found missing.
    heard: u64,
}

impl<P: Path> Prober<P> {
    /// Returns the probe of a path that has just been opened.
    pub fn new(path: P, watched: bool) -> Self {
        let mut prober = Self {
            path,
            watched,
            awaited: false,
            smoothed: None,
            state: Probing::Resting(Box::pin(sleep_until(Instant::now()))),
        };
        prober.ask();
        prober
    }

    /// Says whether somebody waits (a window is visible, a run is in flight).
    pub fn set_watched(&mut self, watched: bool) {
        let begins = watched && !self.is_waited_for();
        self.watched = watched;
        if begins && matches!(self.state, Probing::Resting(_)) {
            self.ask();
        }
    }

    /// Says whether the session owes anybody an answer.
    pub fn set_awaited(&mut self, awaited: bool) {
        let was_waited_for = self.is_waited_for();
        self.awaited = awaited;
        if matches!(self.state, Probing::Asked(_)) {
            return;
        }
        if self.is_waited_for() && !was_waited_for {
            self.rest_for(REQUEST_PATIENCE);
        } else if !self.is_waited_for() && was_waited_for {
            self.rest();
        }
    }

    /// Probes now with a short grace, as after a wake-up.
    ///
    /// Asked again and again it does not put off the end of a path that is silent.
    pub fn probe_now(&mut self) {
        let soon = Instant::now() + WAKE_GRACE / 2;
        if let Probing::Asked(asked) = &self.state
            && asked.due.deadline() <= soon
        {
            return;
        }
        // Half of the grace until it is overdue, half until it is dead.
        self.ask_with(WAKE_GRACE / 2, WAKE_GRACE / 2);
    }

    /// Returns what the running or next probe finds. Safe to cancel.
    pub async fn next(&mut self) -> Finding {
        loop {
            match &mut self.state {
                Probing::Resting(due) => {
                    due.as_mut().await;
                    self.ask();
                }
                Probing::Asked(asked) => {
                    tokio::select! {
                        // An answer that has come counts, however late it is looked at.
                        biased;
                        answered = &mut asked.answer => {
                            self.rest();
                            let Some(round_trip) = answered else {
                                return Finding::Dead;
                            };
                            self.smooth(round_trip);
                            return Finding::Answered(round_trip);
                        }
                        () = asked.due.as_mut() => {
                            if let Some(finding) = asked.rang(self.path.heard()) {
                                if finding == Finding::Dead {
                                    self.rest();
                                }
                                return finding;
                            }
                        }
                    }
                }
            }
        }
    }

    fn is_waited_for(&self) -> bool {
        self.watched || self.awaited
    }

    fn ask(&mut self) {
        let deadline = self.deadline();
        let patience = deadline.max(SHORTEST_PATIENCE.saturating_sub(deadline));
        self.ask_with(deadline, patience);
    }

    fn ask_with(&mut self, deadline: Duration, patience: Duration) {
        let since = Instant::now();
        self.state = Probing::Asked(Asked {
            answer: self.path.ping().boxed(),
            since,
            due: Box::pin(sleep_until(since + deadline)),
            patience,
            told: false,
            heard: self.path.heard(),
        });
    }

    fn rest(&mut self) {
        self.rest_for(if self.is_waited_for() {
            PROBE_INTERVAL
        } else {
            WHEN_ASKED
        });
    }

    fn rest_for(&mut self, pause: Duration) {
        self.state = Probing::Resting(Box::pin(sleep_until(Instant::now() + pause)));
    }

    /// An exponential mean, as TCP keeps it: new measurements count one eighth.
    fn smooth(&mut self, round_trip: Duration) {
        self.smoothed = Some(match self.smoothed {
            Some(mean) => (mean * 7 + round_trip) / 8,
            None => round_trip,
        });
    }

    fn deadline(&self) -> Duration {
        self.smoothed
            .map_or(SHORTEST_DEADLINE, |mean| mean * 8)
            .clamp(SHORTEST_DEADLINE, LONGEST_DEADLINE)
    }
}

impl Asked {
    /// Judges a missing answer; `None` gives it more time. `heard` is what the path has brought.
    fn rang(&mut self, heard: u64) -> Option<Finding> {
        let now = Instant::now();
        let stood_still = now.duration_since(self.due.deadline()) >= STOOD_STILL;
        let brought = heard.saturating_sub(self.heard);
        let is_busy = brought >= BUSY && now < self.since + LONGEST_QUEUE;
        self.heard = heard;
        self.due.as_mut().reset(now + self.patience);
        if stood_still {
            return None;
        }
        if !self.told {
            self.told = true;
            return Some(Finding::Overdue);
        }
        (!is_busy).then_some(Finding::Dead)
    }
}

#[cfg(test)]
#[path = "liveness/tests.rs"]
mod tests;
