//! The gateway's token or password, read from the server's own files when a person asks for it.
//!
//! No command is run, and no output of one is ever taken for a secret. Where the official config is
//! follows its path rules, as far as files tell: the variables that the service is started with stand in its
//! unit file, those of a shell nowhere.

use super::files::{FilesError, ServerFiles};
use crate::config::openclaw_json::elsewhere::{self, ElsewhereError, GatewayElsewhere, Wanted};
use crate::config::openclaw_json::{config_path, state_dir};
use crate::config::{Environment, Platform, ProfileId};
use crate::connection::access::GatewayAccess;
use crate::connection::explain;
use crate::connection::problem::{Problem, UserAction};
use crate::connection::route::Failure;
use crate::connection::ssh_server::SshServer;
use crate::credentials::{Account, CredentialStore, Kind, StoreError, slots};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(30);

/// No config of people is longer.
const LONGEST: usize = 2 * 1024 * 1024;

/// The service's unit file, below the account's home.
const UNIT: &str = ".config/systemd/user/openclaw-gateway.service";

/// What was fetched; the secret itself is in the keychain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// What it is and where it was found, in words; `None` where the gateway asks for nothing.
    pub found: Option<Found>,
    /// Where the gateway listens.
    pub port: u16,
}

/// A secret that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whether it is the password rather than the token.
    pub is_password: bool,
    /// Where it stood.
    pub at: String,
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server was not reached.
    #[error("the server was not reached")]
    NotReached(Box<Failure>),
    /// The files could not be read.
    #[error("the gateway's configuration was not read")]
    Files(#[from] FilesError),
    /// They do not tell.
    #[error("the gateway's secret was not found")]
    NotTold(#[from] ElsewhereError),
    /// The keychain failed.
    #[error("the secret was not kept")]
    Store(#[from] StoreError),
}

/// Reads the gateway's token or password on the server and keeps it for the profile.
///
/// # Errors
/// A [`FetchError`]; what was kept before is kept still.
pub async fn fetch(
    server: &SshServer,
    access: &dyn GatewayAccess,
    store: &dyn CredentialStore,
    profile: &ProfileId,
) -> Result<Fetched, FetchError> {
    let reached = server.reach(access).await;
    let tunnel = reached.map_err(|failure| FetchError::NotReached(Box::new(failure)))?;
    let reading = async {
        let files = ServerFiles::open(&tunnel).await?;
        read(&files).await
    };
    let gateway = timeout(LIMIT, reading)
        .await
        .unwrap_or(Err(FilesError::Timeout.into()))?;
    let port = gateway.port;
    let Some((wanted, at)) = gateway.wanted else {
        return Ok(Fetched { found: None, port });
    };
    let (is_password, other) = match &wanted {
        Wanted::Token(token) => {
            slots::write(store, profile, token).await?;
            (false, Kind::GatewayPassword)
        }
        Wanted::Password(password) => {
            slots::write(store, profile, password).await?;
            (true, Kind::GatewayToken)
        }
    };
    // One is sent, not both: the other is of another time.
    store.delete(&Account::of(profile, other)).await?;
    tracing::info!(%at, port, "the gateway's secret was fetched");
    let at = at.to_string();
    Ok(Fetched {
        found: Some(Found { is_password, at }),
        port,
    })
}

async fn read(files: &ServerFiles) -> Result<GatewayElsewhere, FetchError> {
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
    let config = config_path(&environment).ok_or_else(missing)?;
    let state = state_dir(&environment).ok_or_else(missing)?;
    let dotenv = text(files, path(&state.join(".env"))?).await?;
    let content = text(files, path(&config)?).await?;
    let found = elsewhere::find(
        &environment,
        config,
        content.map(|content| content.as_str().to_owned()),
        dotenv.as_ref().map_or("", |text| text.as_str()),
    );
    Ok(found?)
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
fn path(path: &Path) -> Result<&str, FilesError> {
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

/// Says why in the words for people.
pub fn problem(error: &FetchError) -> Problem {
    let code = match error {
        FetchError::NotReached(failure) => return failure.problem.clone(),
        FetchError::Files(error) => error.code(),
        FetchError::NotTold(_) => "secretNotFound",
        FetchError::Store(_) => "tokenNotKept",
    };
    Problem::new(code, explain::told(error), UserAction::EnterToken)
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
