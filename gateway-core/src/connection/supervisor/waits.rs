//! When the next attempt comes: the wait before it, and what cuts the wait short.

use super::super::route::Route;
use super::super::state::{Input, State};
use super::super::timeline::Why;
use super::Supervisor;
use crate::connection::clock::epoch_ms;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

impl<R: Route> Supervisor<R> {
    /// Something happened to the computer. What stands may have survived it: that is asked before
    /// anything is torn down.
    pub(super) fn nudged(&mut self, why: Why) {
        if let Some(held) = &mut self.held {
            held.prober.probe_now();
            self.chronicle.probe_sent();
        }
        self.shortcut(Input::Nudged, why);
    }

    /// Passes on what would cut a wait short, as far as the retry rules allow.
    pub(super) fn shortcut(&mut self, input: Input, why: Why) {
        let waits = matches!(
            self.machine.state(),
            State::Waiting { .. } | State::GatewayDown { .. }
        );
        if !waits {
            if matches!(self.machine.state(), State::Paused(_)) && input != Input::Nudged {
                self.route.forget_refusals();
            }
            self.input_because(input, why);
            return;
        }
        let now = Instant::now();
        let wait = self.governor.shortcut(now);
        let sooner = self
            .timer
            .as_ref()
            .is_none_or(|timer| now + wait < timer.deadline());
        if wait.is_zero() {
            self.input_because(input, why);
        } else if sooner {
            self.chronicle.because(why);
            self.start_timer(wait);
        }
    }

    /// Passes on an input that may begin an attempt, at once or once everything is closed.
    pub(super) fn input_because(&mut self, input: Input, why: Why) {
        self.chronicle.because(why);
        self.input(input);
        if !matches!(self.machine.state(), State::Closing(_)) {
            self.chronicle.because_of_nothing();
        }
    }

    pub(super) fn wait_before_retry(&mut self) -> Duration {
        let now = Instant::now();
        let jitter = rand::random::<f64>();
        self.drop_session();
        let wait = match self.lost_session.take() {
            Some(up_for) => self.governor.after_loss(now, up_for, jitter),
            None => self.governor.after_failure(now, jitter),
        };
        self.shown
            .retry_after
            .take()
            .map_or(wait, |asked| wait.max(asked))
    }

    pub(super) fn start_timer(&mut self, wait: Duration) {
        self.timer = Some(Box::pin(sleep_until(Instant::now() + wait)));
        self.shown.next_attempt_at = Some(epoch_ms(wait));
    }
}
