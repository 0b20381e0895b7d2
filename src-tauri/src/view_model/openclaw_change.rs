//! What "also use this for the openclaw command" would write, as it crosses to the window.

use gateway_core::config::openclaw_json::write::{Change, LineKind};
use serde::Serialize;
use specta::Type;

/// A change of the official `openclaw.json` before it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct OpenclawChangeView {
    /// Names the change when it is to be written.
    pub number: u32,
    /// The file.
    pub path: String,
    /// Whether the file says all of it already, so that there is nothing to write.
    pub is_none: bool,
    /// The lines that go and come, and some around them.
    pub lines: Vec<ChangedLineView>,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ChangedLineView {
    /// What becomes of it.
    pub kind: ChangedLineKind,
    /// Its text, without secrets.
    pub text: String,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum ChangedLineKind {
    /// It stays.
    Kept,
    /// It goes.
    Removed,
    /// It is new.
    Added,
    /// Lines that stay and are not shown.
    LeftOut,
}

impl OpenclawChangeView {
    /// Returns a change as shown.
    pub fn of(number: u32, change: &Change) -> Self {
        let lines = change.lines().into_iter().map(|line| ChangedLineView {
            kind: match line.kind {
                LineKind::Kept => ChangedLineKind::Kept,
                LineKind::Removed => ChangedLineKind::Removed,
                LineKind::Added => ChangedLineKind::Added,
                LineKind::LeftOut => ChangedLineKind::LeftOut,
            },
            text: line.text,
        });
        Self {
            number,
            path: change.path.display().to_string(),
            is_none: change.is_none(),
            lines: lines.collect(),
        }
    }
}
