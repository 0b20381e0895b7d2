//! When a failed attempt is made again: rules as data, without clock or randomness.

use super::model::ModelError;
use std::sync::Arc;
use std::time::Duration;

/// A number in [0, 1) for each delay, so that many gateways do not knock in step.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// How often and how soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryRules {
    /// Retries after the first attempt; the official gateway was seen to make 8.
    pub max: u32,
    /// Retries when another model is waiting to be tried, so that falling back takes seconds.
    pub max_with_fallback: u32,
    /// The first delay, before jitter.
    pub first: Duration,
    /// No delay of our own is longer.
    pub longest: Duration,
    /// A provider that asks for more patience than this is not asked again.
    pub longest_asked: Duration,
}

impl Default for RetryRules {
    fn default() -> Self {
        Self {
            max: 8,
            max_with_fallback: 2,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            longest_asked: Duration::from_secs(60),
        }
    }
}

impl RetryRules {
    /// Returns how long to wait before retry number `attempt` (from 1), or `None` to give up.
    ///
    /// Our own delay is the doubled one, shortened by at most half. What the provider asks for is
    /// never shortened.
    pub fn delay(
        &self,
        error: &ModelError,
        attempt: u32,
        has_fallback: bool,
        jitter: f64,
    ) -> Option<Duration> {
        if !error.is_retryable() || attempt > self.max_retries(has_fallback) {
            return None;
        }
        let doubled = self
            .first
            .saturating_mul(1 << attempt.saturating_sub(1).min(16))
            .min(self.longest);
        let own = doubled.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0));
        match error.retry_after {
            Some(asked) if asked > self.longest_asked => None,
            Some(asked) => Some(own.max(asked)),
            None => Some(own),
        }
    }

    /// Returns how many retries there are in all.
    pub fn max_retries(&self, has_fallback: bool) -> u32 {
        if has_fallback {
            self.max_with_fallback.min(self.max)
        } else {
            self.max
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::ModelErrorKind;
    use super::*;
    use proptest::prelude::*;

    fn error(kind: ModelErrorKind, retry_after: Option<u64>) -> ModelError {
        ModelError {
            kind,
            model: "p/m".to_owned(),
            message: String::new(),
            status: None,
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn delays_double_up_to_the_longest_and_end_after_the_last_retry() {
        let rules = RetryRules::default();
        let error = error(ModelErrorKind::Server, None);

        let delays: Vec<_> = (1..=9)
            .map(|attempt| rules.delay(&error, attempt, false, 1.0))
            .map(|delay| delay.map(|delay| delay.as_millis()))
            .collect();

        assert_eq!(
            delays,
            [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]
                .map(Some)
                .into_iter()
                .chain([None])
                .collect::<Vec<_>>()
        );
        assert_eq!(rules.delay(&error, 3, true, 1.0), None);
    }

    #[test]
    fn a_wrong_key_is_not_tried_again() {
        let rules = RetryRules::default();

        assert_eq!(
            rules.delay(&error(ModelErrorKind::Auth, None), 1, false, 0.0),
            None
        );
    }

    #[test]
    fn what_the_provider_asks_for_is_waited_or_not_at_all() {
        let rules = RetryRules::default();
        let asked = |seconds| {
            rules.delay(
                &error(ModelErrorKind::RateLimit, Some(seconds)),
                1,
                false,
                0.0,
            )
        };

        assert_eq!(asked(20), Some(Duration::from_secs(20)));
        assert_eq!(asked(3600), None);
    }

    proptest! {
        #[test]
        fn a_delay_lies_between_half_and_all_of_the_doubled_one(attempt in 1u32..=8, jitter in 0.0f64..1.0) {
            let rules = RetryRules::default();
            let error = error(ModelErrorKind::Overloaded, None);
            let most = rules.delay(&error, attempt, false, 1.0).unwrap();
            let delay = rules.delay(&error, attempt, false, jitter).unwrap();
            prop_assert!(delay <= most && delay * 2 + Duration::from_nanos(2) >= most);
        }
    }
}
