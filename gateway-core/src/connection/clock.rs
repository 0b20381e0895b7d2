//! The time of day, as snapshots and histories have it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the moment that is `from_now` away, in milliseconds since the Unix epoch.
///
/// For what people are shown only: this clock is set and jumps. What is waited for is measured by
/// tokio's.
pub fn epoch_ms(from_now: Duration) -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from((since_epoch + from_now).as_millis()).unwrap_or(u64::MAX)
}
