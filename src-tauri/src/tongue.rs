//! The language of what is said outside the window, and of the window where the system decides.

use gateway_core::config::{Environment, settings::Language};
use serde::Serialize;
use specta::Type;

/// A language that is spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
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
            Language::System => Self::of_system(environment).unwrap_or(Self::English),
        }
    }

    /// Returns the system's language, where the environment tells it: on Linux, as a rule.
    pub fn of_system(environment: &Environment) -> Option<Self> {
        // The first that is set decides, as for every program (locale(7)).
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| environment.text(name))?;
        Some(if locale.starts_with("da") {
            Self::Danish
        } else {
            Self::English
        })
    }

    /// Returns the words of this language.
    pub fn say(self, english: impl Into<String>, danish: impl Into<String>) -> String {
        match self {
            Self::English => english.into(),
            Self::Danish => danish.into(),
        }
    }
}
