//! When the next attempt may start. No clock and no randomness of its own: both are handed in.
//!
//! Three rules meet here. A connection that had been up a while is retried at once, then with
//! growing, jittered delays. A shortcut (a click, a wake-up, a network that came back) skips the
//! delay, but not more often than [`RetryPolicy::shortcut_gap`]. And whatever the triggers, no more
//! than [`RetryPolicy::burst`] attempts start in any [`RetryPolicy::burst_window`].

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// The numbers behind the retry rules; injected, so that mass-cut tests can lift them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// A connection that was up this long is retried at once.
    pub quick_retry_after: Duration,
    /// The delays start over once a connection has been up this long.
    pub reset_after: Duration,
    /// The upper bound of the first delay; each further one doubles it.
    pub first_delay: Duration,
    /// No delay is longer than this.
    pub longest_delay: Duration,
    /// At most one shortcut in this time.
    pub shortcut_gap: Duration,
    /// At most this many attempts in any [`RetryPolicy::burst_window`].
    pub burst: usize,
    /// See [`RetryPolicy::burst`].
    pub burst_window: Duration,
    /// How often a gateway that does not answer is asked again over a living path.
    pub gateway_probe: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            quick_retry_after: Duration::from_secs(10),
            reset_after: Duration::from_secs(60),
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(30),
            shortcut_gap: Duration::from_secs(3),
            burst: 12,
            burst_window: Duration::from_secs(60),
            // 12 a minute, as for attempts; a gateway that comes back is noticed within 5 s.
            gateway_probe: Duration::from_secs(5),
        }
    }
}

impl RetryPolicy {
    /// Returns the policy of tests that cut the connection hundreds of times: no delay and no cap.
    pub fn uncapped() -> Self {
        Self {
            quick_retry_after: Duration::ZERO,
            first_delay: Duration::from_millis(50),
            longest_delay: Duration::from_millis(250),
            shortcut_gap: Duration::ZERO,
            burst: usize::MAX,
            gateway_probe: Duration::from_millis(200),
            ..Self::default()
        }
    }
}

/// What the rules need to remember between attempts.
#[derive(Debug)]
pub struct RetryGovernor {
    policy: RetryPolicy,
    /// How many delays were handed out since they last started over.
    doublings: u32,
    starts: VecDeque<Instant>,
    last_shortcut: Option<Instant>,
}

impl RetryGovernor {
    /// Returns a governor that has seen nothing yet.
    pub fn new(policy: RetryPolicy) -> Self {
        Self {
            policy,
            doublings: 0,
            starts: VecDeque::new(),
            last_shortcut: None,
        }
    }

    /// Returns the policy it follows.
    pub fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// Notes that an attempt starts, now or a little later.
    pub fn attempt_started(&mut self, at: Instant) {
        self.starts.push_back(at);
    }

    /// Returns how long to wait after an attempt that failed.
    ///
    /// `jitter` is uniform in [0, 1]; 1 gives the longest delay the rule allows.
    pub fn after_failure(&mut self, now: Instant, jitter: f64) -> Duration {
        let delay = self.next_delay(jitter);
        delay.max(self.until_allowed(now))
    }

    /// Returns how long to wait after a connection that had been up for `up_for` was lost.
    pub fn after_loss(&mut self, now: Instant, up_for: Duration, jitter: f64) -> Duration {
        if up_for >= self.policy.reset_after {
            self.doublings = 0;
        }
        let delay = if up_for >= self.policy.quick_retry_after {
            Duration::ZERO
        } else {
            self.next_delay(jitter)
        };
        delay.max(self.until_allowed(now))
    }

    /// Returns how long a shortcut must wait: what comes too soon after the last one is not lost, it
    /// comes when it may. A network that has come back tells so in several steps, and only the last
    /// of them finds the way open.
    pub fn shortcut(&mut self, now: Instant) -> Duration {
        let due = match self.last_shortcut {
            // One is to come already.
            Some(last) if last > now => last,
            Some(last) => (last + self.policy.shortcut_gap).max(now),
            None => now,
        };
        self.last_shortcut = Some(due);
        due.duration_since(now).max(self.until_allowed(now))
    }

    /// Forgets the delays, as when the user starts afresh with other settings.
    pub fn start_over(&mut self) {
        self.doublings = 0;
    }

    fn next_delay(&mut self, jitter: f64) -> Duration {
        let ceiling = self
            .policy
            .first_delay
            .saturating_mul(1_u32.checked_shl(self.doublings).unwrap_or(u32::MAX))
            .min(self.policy.longest_delay);
        self.doublings = self.doublings.saturating_add(1).min(31);
        ceiling.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
    }

    /// Returns how long until another attempt keeps within the burst limit.
    pub fn until_allowed(&mut self, now: Instant) -> Duration {
        self.forget_before(now);
        // There is one attempt at a time: one that was still to start has been given up.
        while self.starts.back().is_some_and(|start| *start > now) {
            self.starts.pop_back();
        }
        if self.starts.len() < self.policy.burst {
            return Duration::ZERO;
        }
        self.starts
            .get(self.starts.len() - self.policy.burst)
            .map_or(Duration::ZERO, |oldest| {
                (*oldest + self.policy.burst_window).saturating_duration_since(now)
            })
    }

    fn forget_before(&mut self, now: Instant) {
        while self
            .starts
            .front()
            .is_some_and(|start| now.duration_since(*start) >= self.policy.burst_window)
        {
            self.starts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn failures_double_the_delay_up_to_its_ceiling() {
        let mut governor = RetryGovernor::new(RetryPolicy::default());
        let now = Instant::now();

        let delays: Vec<_> = (0..7).map(|_| governor.after_failure(now, 1.0)).collect();

        let expected: Vec<_> = [1, 2, 4, 8, 16, 30, 30].into_iter().map(secs).collect();
        assert_eq!(delays, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_was_up_ten_seconds_is_retried_at_once() {
        let mut governor = RetryGovernor::new(RetryPolicy::default());
        let now = Instant::now();

        assert_eq!(governor.after_loss(now, secs(10), 1.0), Duration::ZERO);
        assert_eq!(governor.after_loss(now, secs(9), 1.0), secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_delays_start_over_only_after_a_minute_up() {
        let mut governor = RetryGovernor::new(RetryPolicy::default());
        let now = Instant::now();
        governor.after_failure(now, 1.0);
        governor.after_failure(now, 1.0);

        governor.after_loss(now, secs(59), 1.0);
        assert_eq!(governor.after_failure(now, 1.0), secs(4));
        governor.after_loss(now, secs(60), 1.0);
        assert_eq!(governor.after_failure(now, 1.0), secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn shortcuts_are_taken_once_in_three_seconds() {
        let mut governor = RetryGovernor::new(RetryPolicy::default());
        let start = Instant::now();

        assert_eq!(governor.shortcut(start), Duration::ZERO);
        assert_eq!(governor.shortcut(start + secs(1)), secs(2));
        assert_eq!(governor.shortcut(start + secs(2)), secs(1));
        assert_eq!(governor.shortcut(start + secs(3)), secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_is_given_up_before_it_starts_does_not_count() {
        let mut governor = RetryGovernor::new(RetryPolicy::default());
        let now = Instant::now();

        // Somebody who clicks Connect and Disconnect in turn.
        for _ in 0..40 {
            let wait = governor.until_allowed(now);
            governor.attempt_started(now + wait);
            assert!(wait <= secs(60), "{wait:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_refuses_for_five_minutes_is_tried_14_to_24_times() {
        for jitter in [0.0, 0.3, 0.7, 1.0] {
            let mut governor = RetryGovernor::new(RetryPolicy::default());
            let start = Instant::now();
            let mut now = start;
            let mut attempts = 0;
            while now - start <= secs(300) {
                governor.attempt_started(now);
                attempts += 1;
                now += governor.after_failure(now, jitter);
            }
            assert!(
                (14..=24).contains(&attempts),
                "{attempts} at jitter {jitter}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_mix_of_triggers_starts_more_than_twelve_attempts_in_a_minute(
            steps in prop::collection::vec((0_u8..3, 0_u64..4_000, 0.0..1.0_f64), 1..400)
        ) {
            let mut governor = RetryGovernor::new(RetryPolicy::default());
            let mut now = Instant::now();
            let mut starts: Vec<Instant> = Vec::new();
            for (trigger, pause_ms, jitter) in steps {
                now += Duration::from_millis(pause_ms);
                now += match trigger {
                    0 => governor.after_failure(now, jitter),
                    1 => governor.after_loss(now, secs(20), jitter),
                    _ => governor.shortcut(now),
                };
                governor.attempt_started(now);
                starts.push(now);
            }
            for (index, start) in starts.iter().enumerate() {
                let within = starts[index..].iter().take_while(|s| **s - *start < secs(60)).count();
                prop_assert!(within <= 12, "{within} attempts in one minute");
            }
        }
    }
}
