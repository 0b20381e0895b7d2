//! Which notifications the desktop shows, as the settings file keeps them.

use serde::Serialize;

/// One switch for each sort of notification; all on where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Notifications {
    /// The connection waits for a person: a host key, a sign-in, a token, a pairing.
    #[serde(rename = "notifyNeedsYou")]
    pub needs_you: bool,
    /// The connection was lost and did not come back by itself.
    #[serde(rename = "notifyLost")]
    pub lost: bool,
    /// A connection that was lost is back.
    #[serde(rename = "notifyRestored")]
    pub restored: bool,
    /// An agent waits for an approval or an answer.
    #[serde(rename = "notifyRequests")]
    pub requests: bool,
    /// A reply has ended while nobody looked.
    #[serde(rename = "notifyReplies")]
    pub replies: bool,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            needs_you: true,
            lost: true,
            restored: true,
            requests: true,
            replies: true,
        }
    }
}
