//! Asks a standing path whether it still lives, while somebody waits for it.
//!
//! Every few seconds one probe; when its answer is overdue the path is *suspect*, and when it is
//! still missing after as long again the path is taken for dead. The deadline grows with the measured
//! round trip, because a slow line is not a dead one.

use super::route::Path;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// The time between the answer to one probe and the next, while somebody waits.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);
/// The shortest deadline: a busy server may take a moment.
const SHORTEST_DEADLINE: Duration = Duration::from_secs(2);
/// The longest deadline: beyond this a line is of no use to anybody.
const LONGEST_DEADLINE: Duration = Duration::from_secs(30);
/// The grace after a wake-up: a live path answers at once, a dead one never does.
const WAKE_GRACE: Duration = Duration::from_secs(2);
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
    smoothed: Option<Duration>,
    state: Probing,
}

enum Probing {
    Resting(Pin<Box<Sleep>>),
    Asked {
        answer: BoxFuture<'static, Option<Duration>>,
        overdue: Pin<Box<Sleep>>,
        deadline: Duration,
        told: bool,
    },
}

impl<P: Path> Prober<P> {
    /// Returns the probe of a path that has just been opened.
    pub fn new(path: P, watched: bool) -> Self {
        let mut prober = Self {
            path,
            watched,
            smoothed: None,
            state: Probing::Resting(Box::pin(sleep_until(Instant::now()))),
        };
        prober.ask(SHORTEST_DEADLINE);
        prober
    }

    /// Says whether somebody waits (a window is visible, a request or run is in flight).
    pub fn set_watched(&mut self, watched: bool) {
        let begins = watched && !self.watched;
        self.watched = watched;
        if begins && matches!(self.state, Probing::Resting(_)) {
            self.ask(self.deadline());
        }
    }

    /// Probes now with a short grace, as after a wake-up.
    pub fn probe_now(&mut self) {
        // Half of the grace until it is overdue, half until it is dead.
        self.ask(WAKE_GRACE / 2);
    }

    /// Returns what the running or next probe finds. Safe to cancel.
    pub async fn next(&mut self) -> Finding {
        loop {
            match &mut self.state {
                Probing::Resting(due) => {
                    due.as_mut().await;
                    let deadline = self.deadline();
                    self.ask(deadline);
                }
                Probing::Asked {
                    answer,
                    overdue,
                    deadline,
                    told,
                } => {
                    tokio::select! {
                        answered = answer => {
                            let Some(round_trip) = answered else {
                                self.rest();
                                return Finding::Dead;
                            };
                            self.smooth(round_trip);
                            self.rest();
                            return Finding::Answered(round_trip);
                        }
                        () = overdue.as_mut() => {
                            if *told {
                                self.rest();
                                return Finding::Dead;
                            }
                            *told = true;
                            overdue.as_mut().reset(Instant::now() + *deadline);
                            return Finding::Overdue;
                        }
                    }
                }
            }
        }
    }

    fn ask(&mut self, deadline: Duration) {
        self.state = Probing::Asked {
            answer: self.path.ping().boxed(),
            overdue: Box::pin(sleep_until(Instant::now() + deadline)),
            deadline,
            told: false,
        };
    }

    fn rest(&mut self) {
        let pause = if self.watched {
            PROBE_INTERVAL
        } else {
            WHEN_ASKED
        };
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
