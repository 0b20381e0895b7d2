//! The gateway's token or password, read from the server's own files when a person asks for it.
//!
//! No command is run, and no output of one is ever taken for a secret.

use super::files::{FilesError, ServerFiles};
use super::gateway_files::GatewayFiles;
use crate::config::ProfileId;
use crate::config::openclaw_json::elsewhere::{self, ElsewhereError, GatewayElsewhere, Wanted};
use crate::connection::access::GatewayAccess;
use crate::connection::explain;
use crate::connection::problem::{Problem, UserAction};
use crate::connection::route::Failure;
use crate::connection::ssh_server::SshServer;
use crate::credentials::{Account, CredentialStore, Kind, StoreError, slots};
use std::time::Duration;
use tokio::time::timeout;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(30);

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
    let of_gateway = GatewayFiles::read(files).await?;
    let found = elsewhere::find(
        &of_gateway.environment,
        of_gateway.config_path,
        of_gateway.config.map(|config| config.as_str().to_owned()),
        of_gateway.dotenv.as_ref().map_or("", |text| text.as_str()),
    );
    Ok(found?)
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
