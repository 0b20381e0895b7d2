//! The time of day, as the protocol tells it: milliseconds since 1970.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time of day in milliseconds since 1970; a clock before that counts as 1970.
pub(super) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
        .unwrap_or_default()
}
