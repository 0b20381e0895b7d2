//! Notices that the computer slept, by a clock that goes on meanwhile.
//!
//! One slow timer. Timers stand still in a sleep and that clock does not, so a timer that seems to have
//! taken much too long tells of it. A stopped program or a frozen virtual machine looks the same and
//! deserves the same. The wall clock is not asked: it may be set by a day and nothing has happened.

use super::{Hint, tell};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// How often the clock is looked at: a sleep is noticed as late as this after it.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(5);
/// What is beyond the timer's own time counts as sleep. A busy machine is late by less.
const SLEPT: Duration = Duration::from_secs(3);

/// Tells of each sleep, for ever.
pub(super) async fn watch(clock: impl Fn() -> Duration, teller: mpsc::Sender<Hint>) {
    let mut before = clock();
    loop {
        sleep(LOOKED_AT_EVERY).await;
        let now = clock();
        let slept = now.saturating_sub(before).saturating_sub(LOOKED_AT_EVERY);
        before = now;
        if slept >= SLEPT {
            tracing::info!(?slept, "the computer slept, or this program stood still");
            tell(&teller, Hint::Woke);
        }
    }
}

/// Returns the time since some fixed moment, time asleep included.
#[cfg(unix)]
pub(super) fn clock() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    // macOS counts sleep in this one; Linux has one beside it that does.
    #[cfg(target_os = "linux")]
    const CLOCK: ClockId = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: ClockId = ClockId::Monotonic;

    let now = clock_gettime(CLOCK);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
}

/// Returns the time since the first call, time asleep included, as Windows' own counter does.
#[cfg(not(unix))]
pub(super) fn clock() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;

    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use tokio::time::{Instant, timeout};

    /// Watches a clock that runs with the test's own, ahead of it by what the returned counter says.
    fn watched() -> (Arc<AtomicU64>, mpsc::Receiver<Hint>) {
        let ahead = Arc::new(AtomicU64::new(0));
        let (teller, hints) = mpsc::channel(8);
        let start = Instant::now();
        let seconds = Arc::clone(&ahead);
        let clock = move || start.elapsed() + Duration::from_secs(seconds.load(SeqCst));
        drop(tokio::spawn(watch(clock, teller)));
        (ahead, hints)
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_is_told_once_and_soon_after_it() {
        let (ahead, mut hints) = watched();
        sleep(Duration::from_secs(60)).await;

        ahead.store(8 * 3_600, SeqCst);
        let told = timeout(LOOKED_AT_EVERY, hints.recv()).await;

        assert_eq!(told, Ok(Some(Hint::Woke)));
        let more = timeout(Duration::from_secs(3_600), hints.recv()).await;
        assert!(more.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_day_without_sleep_tells_nothing_and_a_busy_moment_neither() {
        let (ahead, mut hints) = watched();

        ahead.store(2, SeqCst);
        let told = timeout(Duration::from_secs(86_400), hints.recv()).await;

        assert!(told.is_err());
    }

    #[test]
    fn the_clock_goes_forward() {
        let before = clock();
        assert!(clock() >= before && before > Duration::ZERO || cfg!(not(unix)));
    }
}
