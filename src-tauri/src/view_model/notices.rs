//! The switches of notifications as they cross to the window and back.

use serde::{Deserialize, Serialize};
use specta::Type;

/// Which notifications the desktop shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct NotificationSwitches {
    /// The connection waits for a person.
    pub needs_you: bool,
    /// The connection is lost for half a minute.
    pub lost: bool,
    /// A connection that was lost is back.
    pub restored: bool,
    /// An agent waits for an approval or an answer.
    pub requests: bool,
    /// A reply has ended while nobody looked at the window.
    pub replies: bool,
}
