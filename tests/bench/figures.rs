//! Small sums over what was measured. Part of the benches `gateway` and `chat`.

use std::time::Duration;

use anyhow::{Context, Result};

/// The value that this part of all values does not exceed.
pub(crate) fn at_part(values: &[f64], part: f64) -> Result<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (as_f64(sorted.len()) * part).floor();
    let last = sorted.len().checked_sub(1).context("no values")?;
    let index = (0..last).find(|index| as_f64(*index) >= at).unwrap_or(last);
    Ok(sorted[index])
}

/// The middle one.
pub(crate) fn median(values: &[f64]) -> Result<f64> {
    at_part(values, 0.5)
}

/// A count as a number that can be divided.
pub(crate) fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// A duration in milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
