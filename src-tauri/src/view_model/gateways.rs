//! The gateways a user has described.

use super::{RunsWhere, Transport};
use serde::{Deserialize, Serialize};
use specta::Type;

/// One gateway of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct GatewayEntry {
    /// Names it for as long as it is on the list.
    pub id: String,
    /// What the user calls it; empty where its server's name will do.
    pub name: String,
    /// Its server's name; empty while nothing is decided.
    pub server: String,
    /// Where it runs.
    pub runs: RunsWhere,
    /// How it is reached on another computer.
    pub transport: Transport,
    /// How many messages wait for it.
    pub waiting: u32,
}

/// What a person does with the list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum GatewayEdit {
    /// Connect to this one from now on.
    Use {
        /// Which.
        id: String,
    },
    /// Put another on the list, and use it.
    Add {
        /// The one whose settings it begins with; secrets are not among them.
        like: Option<String>,
    },
    /// Call it something else.
    Rename {
        /// Which.
        id: String,
        /// The name; empty for that of its server.
        name: String,
    },
    /// Take it off the list, with its secrets and with what waits for it.
    Remove {
        /// Which.
        id: String,
    },
}
