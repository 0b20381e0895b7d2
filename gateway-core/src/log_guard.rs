//! What may be written to a log, whatever the level asked for.
//!
//! Our own records are written with care at every level. Libraries are not held to that: below
//! `info`, tungstenite writes whole frames and russh whole packets, and tokens and passwords are in
//! them. Both programs put this beside the filter their user chose.

use tracing::{Level, Metadata};

/// The crates whose records are ours.
const OURS: [&str; 3] = ["gateway_core", "openclaw", "openclaw_tray"];

/// Returns whether a record may be written: ours at any level, anybody else's from `info` up.
pub fn may_be_written(metadata: &Metadata<'_>) -> bool {
    // Records that come through the `log` crate have its name as their target: not ours either.
    *metadata.level() <= Level::INFO || is_ours(metadata.target())
}

fn is_ours(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or_default();
    OURS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_records_are_ours() {
        assert!(is_ours("gateway_core::client::session"));
        assert!(is_ours("openclaw_tray::controller"));
        assert!(!is_ours("tungstenite::protocol"));
        assert!(!is_ours("gateway_corex"));
        assert!(!is_ours("log"));
    }
}
