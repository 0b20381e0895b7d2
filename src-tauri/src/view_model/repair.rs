//! Something that is done on the home server by a command, as shown.

use super::UiError;
use serde::{Deserialize, Serialize};
use specta::Type;

/// What is offered to be done there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum RepairKind {
    /// Start the gateway.
    StartGateway,
    /// Restart it.
    RestartGateway,
    /// Approve this device.
    ApproveDevice,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum RepairStep {
    /// The commands are shown; nothing has been done.
    Offered,
    /// The server is signed in to.
    SigningIn,
    /// A command runs.
    Running,
    /// The gateway is waited for.
    Waiting,
    /// "Check my server" looks whether it helped.
    Checking,
    /// It is over; the check says whether it helped.
    Done,
    /// It was not done.
    Failed,
}

/// Something that is done on the home server by a command.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct RepairView {
    /// What it is.
    pub kind: RepairKind,
    /// How far it has come.
    pub step: RepairStep,
    /// What the user calls the server.
    pub server: String,
    /// The lines that may run: the first, and each of the others only where those before it are not there.
    pub commands: Vec<String>,
    /// The line that runs, or that ran last.
    pub command: Option<String>,
    /// The end of what it has printed, at most 64 KiB.
    pub output: String,
    /// Since when something is done.
    pub since_ms: Option<f64>,
    /// Why it was not done.
    pub problem: Option<UiError>,
}

/// The end of the gateway's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LogView {
    /// The file on the server.
    pub file: String,
    /// Its last lines.
    pub text: String,
}
