//! What the supervisor writes down of its connection: events and figures.
//!
//! It is told what happens and decides nothing; how long an attempt and its stages took is worked out
//! here, because only here both ends are known.

use super::super::phase::Phase;
use super::super::route::{Failure, Path};
use super::super::snapshot::Figures;
use super::super::timeline::{Happening, Then, Timeline, Why, in_ms};
use crate::connection::clock::epoch_ms;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Span;

/// So many round trips make the median: two minutes of them while somebody watches.
const PINGS: usize = 32;

/// The writer of one connection's history.
pub(super) struct Chronicle {
    timeline: watch::Sender<Timeline>,
    attempt: Option<Running>,
    /// How the attempt that has just ended failed, until it is known what follows.
    failed: Option<Ended>,
    because: Option<Why>,
    pings: VecDeque<Duration>,
    sessions: u32,
    /// What the paths before this one have carried, in and out.
    carried: (u64, u64),
    asked_at: Option<Instant>,
    /// Whether the next answer of a probe is news.
    awaits_probe: bool,
    figures: Figures,
}

/// An attempt that runs.
#[derive(Debug, Clone)]
struct Running {
    number: u32,
    /// What the log's records of this attempt have in common.
    span: Span,
    began: Instant,
    /// When the last stage ended.
    stage_began: Instant,
}

struct Ended {
    attempt: Running,
    took: Duration,
    during: Phase,
    then: Then,
    code: &'static str,
}

impl Chronicle {
    pub(super) fn new(timeline: watch::Sender<Timeline>) -> Self {
        Self {
            timeline,
            attempt: None,
            failed: None,
            because: None,
            pings: VecDeque::new(),
            sessions: 0,
            carried: (0, 0),
            asked_at: None,
            awaits_probe: false,
            figures: Figures::default(),
        }
    }

    pub(super) fn figures(&self) -> Figures {
        self.figures
    }

    /// Forgets everything that was written down.
    pub(super) fn forget(&self) {
        self.timeline.send_modify(Timeline::forget);
    }

    /// Writes down something of no length.
    pub(super) fn note(&self, what: Happening) {
        self.write(what, None);
    }

    pub(super) fn write(&self, what: Happening, took: Option<Duration>) {
        self.write_of(&self.span(), what, took);
    }

    fn write_of(&self, attempt: &Span, what: Happening, took: Option<Duration>) {
        let at = epoch_ms(Duration::ZERO);
        tracing::debug!(parent: attempt, ?what, ?took, "it happened");
        self.timeline
            .send_modify(|timeline| timeline.write(at, what, took));
    }

    /// Keeps what the next attempt will have been begun for.
    pub(super) fn because(&mut self, why: Why) {
        self.because = Some(why);
    }

    /// What was kept has led to no attempt.
    pub(super) fn because_of_nothing(&mut self) {
        self.because = None;
    }

    /// Returns what the log's records of the attempt that runs have in common; nothing without one.
    pub(super) fn span(&self) -> Span {
        self.attempt
            .as_ref()
            .map_or_else(Span::none, |attempt| attempt.span.clone())
    }

    /// An attempt begins, at `began` when the limit on attempts lets it.
    pub(super) fn begins(&mut self, number: u32, keeps_path: bool, began: Instant) {
        let why = self.because.take().unwrap_or(Why::Retry);
        self.attempt = Some(Running {
            number,
            span: tracing::info_span!("attempt", number, ?why, keeps_path),
            began,
            stage_began: began,
        });
        self.figures.attempts = self.figures.attempts.saturating_add(1);
        self.note(Happening::AttemptBegan {
            attempt: number,
            why,
            keeps_path,
        });
    }

    pub(super) fn is_attempting(&self) -> bool {
        self.attempt.is_some()
    }

    /// Whatever comes next is timed from `at`.
    pub(super) fn next_stage_from(&mut self, at: Instant) {
        if let Some(attempt) = &mut self.attempt {
            attempt.stage_began = at;
        }
    }

    /// A stage ended at `at`.
    pub(super) fn passed(&mut self, what: Happening, at: Instant) {
        if let Some(attempt) = &mut self.attempt {
            let took = at.saturating_duration_since(attempt.stage_began);
            attempt.stage_began = at;
            self.write(what, Some(took));
        }
    }

    /// The attempt failed; it is written down by [`Chronicle::follows`].
    pub(super) fn failed(&mut self, failure: &Failure, during: Phase) {
        if let Some(attempt) = self.attempt.take() {
            self.failed = Some(Ended {
                took: attempt.began.elapsed(),
                attempt,
                during,
                then: failure.verdict.into(),
                code: failure.problem.code,
            });
        }
    }

    /// What follows a failed attempt is known now: another one after `pause`, or none by itself.
    pub(super) fn follows(&mut self, pause: Option<Duration>) {
        if let Some(ended) = self.failed.take() {
            let in_ms = |pause: Duration| u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
            let what = Happening::AttemptFailed {
                attempt: ended.attempt.number,
                during: ended.during,
                then: ended.then,
                code: ended.code,
                next_in_ms: pause.map(in_ms),
            };
            self.write_of(&ended.attempt.span, what, Some(ended.took));
        }
    }

    /// The attempt, if one runs, is dropped for something else.
    pub(super) fn given_up(&mut self, during: Phase) {
        if let Some(attempt) = self.attempt.take() {
            let what = Happening::AttemptGivenUp {
                attempt: attempt.number,
                during,
            };
            self.write_of(&attempt.span, what, Some(attempt.began.elapsed()));
        }
    }

    pub(super) fn connected(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            let what = Happening::Connected {
                attempt: attempt.number,
            };
            self.write_of(&attempt.span, what, Some(attempt.began.elapsed()));
        }
        self.figures.reconnects = self.sessions;
        self.sessions = self.sessions.saturating_add(1);
    }

    pub(super) fn probe_sent(&mut self) {
        self.awaits_probe = true;
        self.note(Happening::ProbeSent);
    }

    pub(super) fn probe_overdue(&mut self) {
        self.awaits_probe = true;
        self.note(Happening::ProbeOverdue);
    }

    pub(super) fn probe_answered(&mut self, round_trip: Duration) {
        if std::mem::take(&mut self.awaits_probe) {
            self.write(Happening::ProbeAnswered, Some(round_trip));
        }
        if self.pings.len() == PINGS {
            self.pings.pop_front();
        }
        self.pings.push_back(round_trip);
        let mut sorted: Vec<Duration> = self.pings.iter().copied().collect();
        sorted.sort_unstable();
        self.figures.ping_min_ms = sorted.first().copied().map(in_ms);
        self.figures.ping_median_ms = sorted.get(sorted.len() / 2).copied().map(in_ms);
    }

    pub(super) fn asked(&mut self, what: Happening) {
        self.asked_at = Some(Instant::now());
        self.note(what);
    }

    /// The question was answered or closed.
    pub(super) fn no_longer_asked(&mut self, what: Happening) {
        let waited = self.asked_at.take().map(|asked_at| asked_at.elapsed());
        self.write(what, waited);
    }

    /// Takes down what `path` has carried so far.
    pub(super) fn count<P: Path>(&mut self, path: &P) {
        let (bytes_in, bytes_out) = (path.heard(), path.said());
        let figures = &mut self.figures;
        figures.bytes_in = bytes_in;
        figures.bytes_out = bytes_out;
        figures.bytes_in_total = self.carried.0 + bytes_in;
        figures.bytes_out_total = self.carried.1 + bytes_out;
    }

    /// The path is given up; the figures of the next one begin anew.
    pub(super) fn path_is_over<P: Path>(&mut self, path: &P) {
        self.count(path);
        let figures = &mut self.figures;
        self.carried = (figures.bytes_in_total, figures.bytes_out_total);
        (figures.bytes_in, figures.bytes_out) = (0, 0);
        (figures.ping_min_ms, figures.ping_median_ms) = (None, None);
        self.pings.clear();
        self.awaits_probe = false;
    }
}
