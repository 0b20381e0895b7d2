//! A combination of keys that works while another program has the keyboard, as a value; and which of
//! them the settings file keeps.
//!
//! It is written as people read it on their keyboard: `Ctrl+Alt+Space`. What would be typed in earnest
//! elsewhere, such as a letter alone, is refused. Asking the system for it is not this module's business.

use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The highest function key keyboards have.
const LAST_FUNCTION_KEY: u8 = 24;

/// Keys that are held while another is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a key of its own, held or not"
)]
pub struct Modifiers {
    /// Ctrl.
    pub ctrl: bool,
    /// Alt; Option on a Mac.
    pub alt: bool,
    /// Shift.
    pub shift: bool,
    /// The key with the system's sign; Command on a Mac.
    pub meta: bool,
}

/// The key that is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A letter from `A` to `Z`, by what it writes and not by where it is.
    Letter(char),
    /// A digit from `0` to `9`.
    Digit(char),
    /// A function key, from 1 to 24.
    Function(u8),
    /// The space bar.
    Space,
    /// Insert.
    Insert,
    /// Pause.
    Pause,
    /// Scroll lock.
    ScrollLock,
}

impl Key {
    /// Keys with a name, as it is written.
    const NAMED: [(&'static str, Self); 4] = [
        ("Space", Self::Space),
        ("Insert", Self::Insert),
        ("Pause", Self::Pause),
        ("ScrollLock", Self::ScrollLock),
    ];

    fn named(name: &str) -> Option<Self> {
        let mut letters = name.chars();
        if let (Some(letter), None) = (letters.next(), letters.next()) {
            let letter = letter.to_ascii_uppercase();
            return match letter {
                'A'..='Z' => Some(Self::Letter(letter)),
                '0'..='9' => Some(Self::Digit(letter)),
                _ => None,
            };
        }
        let function = name.strip_prefix(['F', 'f']).map(str::parse);
        if let Some(Ok(number @ 1..=LAST_FUNCTION_KEY)) = function {
            return Some(Self::Function(number));
        }
        let mut named = Self::NAMED.iter();
        named
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, key)| *key)
    }

    /// Whether it writes something, so that people need it for that.
    fn writes(self) -> bool {
        matches!(self, Self::Letter(_) | Self::Digit(_) | Self::Space)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Letter(letter) | Self::Digit(letter) => write!(f, "{letter}"),
            Self::Function(number) => write!(f, "F{number}"),
            Self::Space => f.write_str("Space"),
            Self::Insert => f.write_str("Insert"),
            Self::Pause => f.write_str("Pause"),
            Self::ScrollLock => f.write_str("ScrollLock"),
        }
    }
}

/// A key, and what is held with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shortcut {
    /// What is held.
    pub modifiers: Modifiers,
    /// What is pressed.
    pub key: Key,
}

/// Why a text is no shortcut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShortcutError {
    /// A part of it is neither a modifier nor the key at its end.
    #[error("{0} is not a key that shortcuts can have")]
    NoKey(String),
    /// Every other program would lose a key that is needed for writing.
    #[error("{0} is needed for writing: add Ctrl or Alt")]
    NeededForWriting(String),
}

impl FromStr for Shortcut {
    type Err = ShortcutError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('+').map(str::trim).collect();
        let (last, held) = parts.split_last().unwrap_or((&"", &[]));
        let no_key = |part: &str| ShortcutError::NoKey(part.to_owned());
        let mut modifiers = Modifiers::default();
        for part in held {
            let modifier = match part.to_ascii_lowercase().as_str() {
                "ctrl" | "control" => &mut modifiers.ctrl,
                "alt" | "option" => &mut modifiers.alt,
                "shift" => &mut modifiers.shift,
                "super" | "meta" | "cmd" | "command" | "win" => &mut modifiers.meta,
                _ => return Err(no_key(part)),
            };
            *modifier = true;
        }
        let shortcut = Self {
            modifiers,
            key: Key::named(last).ok_or_else(|| no_key(last))?,
        };
        let Modifiers {
            ctrl, alt, meta, ..
        } = modifiers;
        if shortcut.key.writes() && !(ctrl || alt || meta) {
            return Err(ShortcutError::NeededForWriting(shortcut.to_string()));
        }
        Ok(shortcut)
    }
}

impl fmt::Display for Shortcut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Modifiers {
            ctrl,
            alt,
            shift,
            meta,
        } = self.modifiers;
        let held = [
            (ctrl, "Ctrl+"),
            (alt, "Alt+"),
            (shift, "Shift+"),
            (meta, "Super+"),
        ];
        for (_, name) in held.into_iter().filter(|(held, _)| *held) {
            f.write_str(name)?;
        }
        self.key.fmt(f)
    }
}

/// The shortcuts the settings file keeps; an empty text stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shortcuts {
    /// Brings up Quick Chat, and takes it away again.
    #[serde(rename = "quickChatShortcut", serialize_with = "as_text")]
    pub quick_chat: Option<Shortcut>,
    /// Is held for talking.
    #[serde(rename = "pushToTalkShortcut", serialize_with = "as_text")]
    pub push_to_talk: Option<Shortcut>,
}

impl Default for Shortcuts {
    fn default() -> Self {
        let quick_chat = Shortcut {
            modifiers: Modifiers {
                ctrl: true,
                alt: true,
                ..Modifiers::default()
            },
            key: Key::Space,
        };
        Self {
            quick_chat: Some(quick_chat),
            push_to_talk: None,
        }
    }
}

#[expect(clippy::ref_option, reason = "serde hands it over so")]
fn as_text<S: Serializer>(shortcut: &Option<Shortcut>, serializer: S) -> Result<S::Ok, S::Error> {
    match shortcut {
        Some(shortcut) => serializer.collect_str(shortcut),
        None => serializer.serialize_str(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "Ctrl+Alt+Space",
            "Ctrl+Alt+Shift+Super+C",
            "Alt+7",
            "F1",
            "Shift+F24",
            "Pause",
            "ScrollLock",
        ] {
            let shortcut: Shortcut = text.parse().unwrap();
            assert_eq!(shortcut.to_string(), text);
        }
    }

    #[test]
    fn other_spellings_are_understood() {
        for (text, means) in [
            ("control + option + space", "Ctrl+Alt+Space"),
            ("Shift+CTRL+c", "Ctrl+Shift+C"),
            ("cmd+f2", "Super+F2"),
        ] {
            assert_eq!(text.parse::<Shortcut>().unwrap().to_string(), means);
        }
    }

    #[test]
    fn what_is_no_key_is_named() {
        for (text, named) in [
            ("", ""),
            ("Ctrl+", ""),
            ("Ctrl+Alt", "Alt"),
            ("Ctrl+Q+C", "Q"),
            ("Ctrl+F25", "F25"),
            ("Ctrl+F0", "F0"),
            ("Ctrl+æ", "æ"),
            ("Fn+F1", "Fn"),
        ] {
            let problem = text.parse::<Shortcut>().unwrap_err();
            assert_eq!(problem, ShortcutError::NoKey(named.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_people_type_is_left_to_them() {
        for text in ["c", "Shift+C", "Space", "Shift+1"] {
            let problem = text.parse::<Shortcut>().unwrap_err();
            assert!(
                matches!(problem, ShortcutError::NeededForWriting(_)),
                "{text}"
            );
        }
    }

    #[test]
    fn none_is_an_empty_text_in_the_file() {
        let kept = serde_json::to_value(Shortcuts::default()).unwrap();
        assert_eq!(kept["quickChatShortcut"], "Ctrl+Alt+Space");
        assert_eq!(kept["pushToTalkShortcut"], "");
    }
}
