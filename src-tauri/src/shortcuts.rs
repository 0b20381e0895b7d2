//! What keys that work everywhere are for, and what the system says about them. The controller decides
//! which are wanted; [`global_keys`](crate::desktop) asks the system for them.

use gateway_core::config::shortcut::{Shortcut, Shortcuts};

/// What a shortcut does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShortcutUse {
    /// Brings up Quick Chat, and takes it away again.
    QuickChat,
    /// Is held for talking.
    PushToTalk,
}

impl ShortcutUse {
    /// Every use.
    pub const ALL: [Self; 2] = [Self::QuickChat, Self::PushToTalk];

    /// Returns the keys that are kept for it.
    pub fn of(self, kept: &Shortcuts) -> Option<Shortcut> {
        match self {
            Self::QuickChat => kept.quick_chat,
            Self::PushToTalk => kept.push_to_talk,
        }
    }
}

/// What became of keys the system was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Granted {
    /// They were not asked for, or not answered yet.
    #[default]
    Unasked,
    /// They are ours.
    Ours,
    /// Another program has them.
    Taken,
    /// This keyboard has no such key.
    NoSuchKey,
    /// The system gives no program keys that work everywhere.
    Impossible,
}

/// What the system says about each use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GrantedKeys {
    /// Of Quick Chat's.
    pub quick_chat: Granted,
    /// Of push-to-talk's.
    pub push_to_talk: Granted,
}

impl GrantedKeys {
    /// The same answer for every use.
    pub fn all(granted: Granted) -> Self {
        Self {
            quick_chat: granted,
            push_to_talk: granted,
        }
    }

    /// Notes the answer about one use.
    pub fn note(&mut self, what: ShortcutUse, granted: Granted) {
        match what {
            ShortcutUse::QuickChat => self.quick_chat = granted,
            ShortcutUse::PushToTalk => self.push_to_talk = granted,
        }
    }
}
