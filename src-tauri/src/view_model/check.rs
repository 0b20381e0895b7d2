//! "Check my server" as it crosses to the window.

use super::UserAction;
use gateway_core::check::Finding;
use serde::Serialize;
use specta::Type;

/// "Check my server" as shown.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct CheckView {
    /// Whether a check is running.
    pub running: bool,
    /// When the last finished check ended.
    pub finished_at_ms: Option<f64>,
    /// Whether every step that applies is well; `None` before the first check has ended.
    pub ok: Option<bool>,
    /// The nine steps, in order.
    pub steps: Vec<CheckStepView>,
}

impl CheckView {
    /// Returns the view before the first check.
    pub fn not_run() -> Self {
        Self {
            running: false,
            finished_at_ms: None,
            ok: None,
            steps: CheckStepId::ALL.map(CheckStepView::pending).to_vec(),
        }
    }
}

impl CheckStepView {
    /// Returns a step that was not begun.
    pub fn pending(id: CheckStepId) -> Self {
        Self {
            id,
            status: CheckStatus::Pending,
            ms: None,
            summary: String::new(),
            finding: None,
            action: None,
        }
    }
}

/// One of the nine steps.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct CheckStepView {
    /// `address resolve tcp hostKey login forward gateway access health`.
    pub id: CheckStepId,
    /// How it went.
    pub status: CheckStatus,
    /// How long it took.
    pub ms: Option<f64>,
    /// One sentence, in English; empty while pending.
    pub summary: String,
    /// The same as data, for the window's own words.
    pub finding: Option<Finding>,
    /// The one thing to do about it.
    pub action: Option<UserAction>,
}

/// Which of the nine steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum CheckStepId {
    Address,
    Resolve,
    Tcp,
    HostKey,
    Login,
    Forward,
    Gateway,
    Access,
    Health,
}

impl CheckStepId {
    /// The nine, in order.
    pub const ALL: [Self; 9] = [
        Self::Address,
        Self::Resolve,
        Self::Tcp,
        Self::HostKey,
        Self::Login,
        Self::Forward,
        Self::Gateway,
        Self::Access,
        Self::Health,
    ];
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum CheckStatus {
    Pending,
    Running,
    Ok,
    Degraded,
    Failed,
    NeedsUser,
    NotReached,
    NotNeeded,
}
