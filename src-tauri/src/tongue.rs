//! The language of what is said outside the window: notifications and the tray.

use gateway_core::config::{Environment, settings::Language};

/// A language that is spoken outside the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// English.
    English,
    /// Danish.
    Danish,
}

impl Tongue {
    /// Returns the language of the settings; the system's is looked up where they leave it to that.
    pub fn of(language: Language, environment: &Environment) -> Self {
        match language {
            Language::English => Self::English,
            Language::Danish => Self::Danish,
            Language::System => {
                // The first that is set decides, as for every program (locale(7)).
                let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
                    .into_iter()
                    .find_map(|name| environment.text(name));
                match locale {
                    Some(locale) if locale.starts_with("da") => Self::Danish,
                    Some(_) | None => Self::English,
                }
            }
        }
    }

    /// Returns the words of this language.
    pub fn say(self, english: impl Into<String>, danish: impl Into<String>) -> String {
        match self {
            Self::English => english.into(),
            Self::Danish => danish.into(),
        }
    }
}
