//! Waiting on a condition with a deadline: the only way a test may pass time.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// How often a condition is looked at: far below any limit a test states, far above busy waiting.
const PROBE_EVERY: Duration = Duration::from_millis(20);
/// How much longer than a look the pause after it is: looking must not keep what is looked at from
/// getting on, and a gateway asked for its history again and again does nothing else.
const PROBE_REST: u32 = 10;

/// Returns what `probe` finds as soon as it finds something.
///
/// # Errors
///
/// When `limit` passes first, naming `what` was waited for; or when `probe` itself fails, which
/// says that waiting longer is of no use.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        let began = Instant::now();
        if let Some(found) = probe().await? {
            return Ok(found);
        }
        let ended = Instant::now();
        if ended >= deadline {
            bail!("{what}: not within {limit:?}");
        }
        sleep(PROBE_EVERY.max(PROBE_REST * (ended - began))).await;
    }
}

/// Checks that `holds` stays true for the whole of `span`.
///
/// # Errors
///
/// As soon as it is false, naming `what` should have held.
pub async fn throughout(
    what: &str,
    span: Duration,
    mut holds: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    let end = Instant::now() + span;
    let mut ticks = interval(PROBE_EVERY * 5);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < end {
        ticks.tick().await;
        if !holds().await? {
            bail!("{what}: no longer so, within {span:?}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_condition_that_never_comes_names_what_was_waited_for() {
        let error = until("the moon", Duration::from_secs(1), async || Ok(None::<()>))
            .await
            .unwrap_err();
        assert!(error.to_string().starts_with("the moon: not within"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_condition_is_looked_at_again_until_it_holds() {
        let mut looks = 0;
        let found = until("three looks", Duration::from_secs(1), async || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        })
        .await
        .unwrap();
        assert_eq!(found, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_state_that_breaks_is_reported() {
        let mut looks = 0;
        let outcome = throughout("calm", Duration::from_secs(5), async || {
            looks += 1;
            Ok(looks < 4)
        })
        .await;
        assert!(outcome.is_err());
    }
}
