//! What the process was started with: variables, home folder and platform.
//!
//! Built once by each program from the real process and handed in from there, so that nothing
//! below asks the process again and a test can say what it wants.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// Which rules for folders apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// The XDG base directories: Linux and the BSDs.
    Xdg,
    /// `~/Library`.
    MacOs,
    /// `%APPDATA%` and `%LOCALAPPDATA%`.
    Windows,
}

impl Platform {
    /// Returns the platform this program was built for.
    pub fn current() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Xdg
        }
    }
}

/// The variables, home folder and platform everything else is derived from.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    home: Option<PathBuf>,
    platform: Platform,
    host_name: Option<String>,
    uid: Option<u32>,
}

impl Environment {
    /// Builds an environment from variables, the home folder and the platform's rules.
    pub fn new<K, V>(
        variables: impl IntoIterator<Item = (K, V)>,
        home: Option<PathBuf>,
        platform: Platform,
    ) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            home,
            platform,
            host_name: None,
            uid: None,
        }
    }

    /// Says what this computer is called and which number the account has, where there are such.
    #[must_use]
    pub fn on_machine(self, host_name: Option<String>, uid: Option<u32>) -> Self {
        Self {
            host_name,
            uid,
            ..self
        }
    }

    /// Returns the name of this computer.
    pub fn host_name(&self) -> Option<&str> {
        self.host_name.as_deref()
    }

    /// Returns the number of the account.
    pub fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// Returns the platform's rules.
    pub fn platform(&self) -> Platform {
        self.platform
    }

    /// Returns the home folder, where there is one.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// Returns a variable as text; one that is empty, blank or not Unicode counts as absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.variables
            .get(OsStr::new(name))?
            .to_str()
            .filter(|value| !value.trim().is_empty())
    }

    /// Returns every variable that is text.
    pub fn texts(&self) -> impl Iterator<Item = (String, String)> {
        self.variables.iter().filter_map(|(name, value)| {
            Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
        })
    }

    /// Returns a variable as a path, with a leading `~` expanded; an empty one counts as absent.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.variables.get(OsStr::new(name))?;
        (!value.is_empty()).then(|| self.expand(Path::new(value)))
    }

    /// Replaces a leading `~` by the home folder; other paths stay as they are.
    pub fn expand(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), self.home()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }
}

impl fmt::Debug for Environment {
    /// Shows names only: a value may be a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("home", &self.home)
            .field("platform", &self.platform)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_holds_a_secret_is_not_shown_when_debugged() {
        let environment = Environment::new(
            [("OPENCLAW_GATEWAY_TOKEN", "canary-token")],
            None,
            Platform::Xdg,
        );

        let shown = format!("{environment:?}");

        assert!(shown.contains("OPENCLAW_GATEWAY_TOKEN"));
        assert!(!shown.contains("canary-token"));
    }

    #[test]
    fn blank_variables_count_as_absent_and_a_tilde_means_home() {
        let environment = Environment::new(
            [("BLANK", "  "), ("EMPTY", ""), ("PLACE", "~/inner")],
            Some(PathBuf::from("/home/me")),
            Platform::Xdg,
        );

        assert_eq!(environment.text("BLANK"), None);
        assert_eq!(environment.path("EMPTY"), None);
        assert_eq!(
            environment.path("PLACE"),
            Some(PathBuf::from("/home/me/inner"))
        );
        assert_eq!(
            environment.expand(Path::new("~other/x")),
            PathBuf::from("~other/x")
        );
    }
}
