//! Keys that work everywhere, as they cross to the window and back.

use serde::{Deserialize, Serialize};
use specta::Type;

/// What such keys do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum ShortcutKind {
    /// Bring up Quick Chat, and take it away again.
    QuickChat,
    /// Are held for talking.
    PushToTalk,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ShortcutsView {
    /// Whether this system gives programs such keys; where not, none are offered.
    pub possible: bool,
    /// Quick Chat's.
    pub quick_chat: ShortcutView,
    /// Push-to-talk's.
    pub push_to_talk: ShortcutView,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ShortcutView {
    /// The keys, such as `Ctrl+Alt+Space`; empty for none.
    pub keys: String,
    /// Why they do not work although they are set.
    pub problem: Option<ShortcutProblem>,
}

/// Why keys do not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum ShortcutProblem {
    /// Another program has them.
    Taken,
    /// This keyboard has no such key.
    NoSuchKey,
}
