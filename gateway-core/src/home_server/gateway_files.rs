//! The official programs' own files on the server, as the gateway there reads them.
//!
//! Where the official config is follows its path rules, as far as files tell: the variables that the service is
//! started with stand in its unit file, those of a shell nowhere.

use super::files::{FilesError, ServerFiles};
use crate::config::openclaw_json::{config_path, state_dir};
use crate::config::{Environment, Platform};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No config of people is longer.
const LONGEST: usize = 2 * 1024 * 1024;

/// The service's unit file, below the account's home.
const UNIT: &str = ".config/systemd/user/openclaw-gateway.service";

/// What the gateway is configured by.
pub(super) struct GatewayFiles {
    /// The variables that its service is started with.
    pub(super) environment: Environment,
    /// Where `openclaw.json` is, or would be.
    pub(super) config_path: PathBuf,
    /// What it says; `None` where there is none.
    pub(super) config: Option<Zeroizing<String>>,
    /// What `.env` beside it says.
    pub(super) dotenv: Option<Zeroizing<String>>,
}

impl GatewayFiles {
    /// Reads them.
    ///
    /// # Errors
    /// When one that is there cannot be read.
    pub(super) async fn read(files: &ServerFiles) -> Result<Self, FilesError> {
        let unit = text(files, &files.in_home(UNIT)).await?;
        let variables = unit.as_deref().map(|unit| service_variables(unit));
        let home = PathBuf::from(files.in_home("").trim_end_matches('/'));
        let environment = Environment::new(
            variables.unwrap_or_default(),
            Some(home),
            // Whose paths are these, whatever this computer is.
            Platform::Xdg,
        );
        let missing = || FilesError::Missing {
            path: "~/.openclaw/openclaw.json".to_owned(),
        };
        let config_path = config_path(&environment).ok_or_else(missing)?;
        let state = state_dir(&environment).ok_or_else(missing)?;
        let dotenv = text(files, path(&state.join(".env"))?).await?;
        let config = text(files, path(&config_path)?).await?;
        Ok(Self {
            environment,
            config_path,
            config,
            dotenv,
        })
    }
}

async fn text(files: &ServerFiles, path: &str) -> Result<Option<Zeroizing<String>>, FilesError> {
    let Some(content) = files.read(path, LONGEST).await? else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&content).map_err(|_| FilesError::WrongKind {
        path: path.to_owned(),
        wanted: "text",
    })?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

/// Paths on the server are text with slashes, whatever they are here.
pub(super) fn path(path: &Path) -> Result<&str, FilesError> {
    path.to_str().ok_or_else(|| FilesError::Missing {
        path: path.display().to_string(),
    })
}

/// Reads the `Environment=` lines of a unit file (systemd.exec(5)): words `NAME=value`, quoted or not.
fn service_variables(unit: &str) -> Vec<(String, String)> {
    let lines = unit.lines().map(str::trim);
    let assigned = lines.filter_map(|line| line.strip_prefix("Environment="));
    assigned.flat_map(words).collect()
}

fn words(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in line.chars().chain([' ']) {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => {
                let whole = std::mem::take(&mut word);
                if let Some((name, value)) = whole.split_once('=') {
                    found.push((name.to_owned(), value.to_owned()));
                }
            }
            Some(_) | None => word.push(c),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_services_variables_are_read_in_every_way_of_writing_them() {
        let unit = "[Service]\nExecStart=/usr/bin/openclaw gateway\n\
                    Environment=OPENCLAW_STATE_DIR=/srv/claw HOME=/home/me\n\
                    Environment=\"OPENCLAW_GATEWAY_PORT=18801\" 'A=two words'\n\
                    #Environment=B=off\nEnvironment=\n";

        let expected = [
            ("OPENCLAW_STATE_DIR", "/srv/claw"),
            ("HOME", "/home/me"),
            ("OPENCLAW_GATEWAY_PORT", "18801"),
            ("A", "two words"),
        ];
        let expected: Vec<_> = expected
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(service_variables(unit), expected);
    }
}
