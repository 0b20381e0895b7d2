//! The last 24 hours of the connection, as small plots show them.

use serde::Serialize;
use specta::Type;

/// The last 24 hours of the connection.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct DayView {
    /// When the last span ends.
    pub until_ms: f64,
    /// How many minutes a span has.
    pub span_minutes: u32,
    /// The spans, the oldest first.
    pub spans: Vec<DaySpanView>,
}

/// Some minutes of the connection. Seconds that are missing were not seen: the app did not run, the
/// computer slept, or nobody wanted a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct DaySpanView {
    /// For how many seconds it stood.
    pub connected_s: u16,
    /// For how many seconds the server was reached and the gateway did not answer.
    pub gateway_down_s: u16,
    /// For how many seconds it was wanted and did not stand.
    pub down_s: u16,
    /// How many attempts began.
    pub attempts: u16,
    /// The longest round trip that was measured.
    pub ping_ms: Option<f64>,
}
