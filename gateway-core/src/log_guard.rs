//! What may be written to a log, whatever the level asked for.
//!
//! Our own records are written with care at every level. Libraries are not held to that: below
//! `info`, tungstenite writes whole frames and russh whole packets, and tokens and passwords are in
//! them. Both programs put this beside the filter their user chose.

use tracing::{Level, Metadata};

/// The crates whose records are ours.
const OURS: [&str; 3] = ["gateway_core", "openclaw", "openclaw_tray"];

/// Writes pieces of what a model said into its warnings; its failures reach us as errors anyway.
const NEVER: [&str; 1] = ["genai"];

/// Returns whether a record may be written: ours at any level, anybody else's from `info` up, and
/// never one of a crate that writes conversations into its warnings.
pub fn may_be_written(metadata: &Metadata<'_>) -> bool {
    let from = crate_of(metadata.target());
    // Records that come through the `log` crate have its name as their target: not ours either.
    (*metadata.level() <= Level::INFO || OURS.contains(&from)) && !NEVER.contains(&from)
}

fn crate_of(target: &str) -> &str {
    target.split("::").next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ours(target: &str) -> bool {
        OURS.contains(&crate_of(target))
    }

    #[test]
    fn the_model_client_is_never_written() {
        assert!(NEVER.contains(&crate_of("genai::adapter::adapters::anthropic::streamer")));
        assert!(!NEVER.contains(&crate_of("gateway_core::agent::provider")));
    }

    #[test]
    fn only_our_own_records_are_ours() {
        assert!(is_ours("gateway_core::client::session"));
        assert!(is_ours("openclaw_tray::controller"));
        assert!(!is_ours("tungstenite::protocol"));
        assert!(!is_ours("gateway_corex"));
        assert!(!is_ours("log"));
    }
}
