//! How much is written to the log.

use serde::{Deserialize, Serialize};

/// How much is written to the log; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum LogLevel {
    /// What a user would notice.
    #[default]
    Info,
    /// The choices taken as well.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Returns it as log filters spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
