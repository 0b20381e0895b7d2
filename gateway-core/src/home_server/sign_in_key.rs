//! A key of our own in place of the account's password.
//!
//! In this order, so that nobody is ever locked out and nothing lies about: the key is kept in the
//! keychain, its line is added on the server, a new connection proves that it signs in, and only then
//! is the password forgotten. What was begun is taken back where a later step fails.

use super::authorized_keys::{self, Added, Removed};
use super::files::{FilesError, ServerFiles};
use crate::config::ProfileId;
use crate::connection::access::{self, GatewayAccess};
use crate::connection::explain;
use crate::connection::problem::Problem;
use crate::connection::route::Failure;
use crate::connection::ssh_server::SshServer;
use crate::credentials::secret::SshPrivateKey;
use crate::credentials::{Account, CredentialStore, Keeping, Kind, StoreError, slots};
use crate::tunnel::own_key::NotAKey;
use crate::tunnel::{OwnKey, TunnelError};
use std::time::Duration;
use tokio::time::timeout;

/// How long all that is done with files may take.
const FILES_LIMIT: Duration = Duration::from_secs(60);

/// The server a key is for, and where the key is kept.
#[derive(Debug, Clone, Copy)]
pub struct KeyPlace<'a> {
    /// The server.
    pub server: &'a SshServer,
    /// What it is signed in to with.
    pub access: &'a dyn GatewayAccess,
    /// Where secrets are kept.
    pub store: &'a dyn CredentialStore,
    /// Whose secret it is.
    pub profile: &'a ProfileId,
}

/// Why there is no key in place of the password. Unless it says so, everything is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum SignInKeyError {
    /// A key that is forgotten at the end would only leave its line behind.
    #[error(
        "there is no keychain to keep the key in ({reason}); unlock or install one, then try again"
    )]
    NoKeychain {
        /// Why not.
        reason: String,
    },
    /// The keychain failed.
    #[error("the key could not be kept")]
    Store(#[from] StoreError),
    /// There is no such key.
    #[error("this app has made no key for this server")]
    NoKey,
    /// A key could not be written down.
    #[error("the key could not be made")]
    Encoding(#[from] NotAKey),
    /// The server was not reached.
    #[error("the server was not reached")]
    NotReached(Box<Failure>),
    /// Its list of keys could not be written.
    #[error("the list of keys on the server was not changed")]
    Files(#[from] FilesError),
    /// The server does not let the key in.
    #[error(
        "the server did not let the new key in, so its line was removed again; \
         most often its home folder or .ssh can be written by others, or it allows no keys"
    )]
    NotProven {
        /// What became of the new connection.
        source: Box<TunnelError>,
    },
    /// As [`SignInKeyError::NotProven`], and the line could not be removed again.
    #[error(
        "the server did not let the new key in, and its line could not be removed again from \
         ~/.ssh/authorized_keys there ({left})"
    )]
    NotProvenAndLeft {
        /// What became of the new connection.
        source: Box<TunnelError>,
        /// Why the line is still there.
        left: FilesError,
    },
}

impl SignInKeyError {
    /// Returns a stable word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoKeychain { .. } => "keyNoKeychain",
            Self::Store(_) | Self::Encoding(_) => "keyNotKept",
            Self::NoKey => "noSignInKey",
            Self::NotReached(failure) => failure.problem.code,
            Self::Files(error) => error.code(),
            Self::NotProven { .. } => "keyNotProven",
            Self::NotProvenAndLeft { .. } => "keyLineLeft",
        }
    }
}

/// Returns the key there is for a server, or a new one that nobody knows yet.
///
/// # Errors
/// When there is nowhere to keep it.
pub async fn prepare(
    store: &dyn CredentialStore,
    profile: &ProfileId,
    computer: Option<&str>,
) -> Result<OwnKey, SignInKeyError> {
    if let Keeping::SessionOnly { reason } = store.keeping() {
        return Err(SignInKeyError::NoKeychain { reason });
    }
    match access::own_key(store, profile).await {
        Some(key) => Ok(key),
        None => Ok(OwnKey::generate(&mut rand::rng(), computer)?),
    }
}

/// Puts a key in place of the password.
///
/// # Errors
/// A [`SignInKeyError`]; the password goes on being used then.
pub async fn add(place: KeyPlace<'_>, key: &OwnKey) -> Result<Added, SignInKeyError> {
    if let Keeping::SessionOnly { reason } = place.store.keeping() {
        return Err(SignInKeyError::NoKeychain { reason });
    }
    let line = key.line()?;
    let before = access::own_key(place.store, place.profile).await;
    slots::write::<SshPrivateKey>(place.store, place.profile, &key.secret()?).await?;
    match add_and_prove(place, key, &line).await {
        Ok(added) => {
            place.server.use_own_key(key).await;
            tracing::info!(?added, "a key of our own signs in from now on");
            Ok(added)
        }
        Err(error) => {
            // One that was kept before is of use again once the server lets it in.
            if before.as_ref() != Some(key) {
                forget(place).await;
            }
            Err(error)
        }
    }
}

async fn add_and_prove(
    place: KeyPlace<'_>,
    key: &OwnKey,
    line: &str,
) -> Result<Added, SignInKeyError> {
    let added = with_files(place, async |files| authorized_keys::add(files, line).await).await?;
    let Err(error) = place.server.prove(key).await else {
        return Ok(added);
    };
    tracing::info!(%error, "the new key does not sign in");
    let source = Box::new(error);
    if added == Added::Before {
        return Err(SignInKeyError::NotProven { source });
    }
    let removed = with_files(place, async |files| {
        authorized_keys::remove(files, line).await
    })
    .await;
    Err(match removed {
        Ok(_) => SignInKeyError::NotProven { source },
        Err(SignInKeyError::Files(left)) => SignInKeyError::NotProvenAndLeft { source, left },
        Err(_) => SignInKeyError::NotProvenAndLeft {
            source,
            left: FilesError::Timeout,
        },
    })
}

/// Takes the key back: its line on the server, and the key itself.
///
/// # Errors
/// A [`SignInKeyError`]; the key goes on being used then.
pub async fn remove(place: KeyPlace<'_>) -> Result<Removed, SignInKeyError> {
    let key = access::own_key(place.store, place.profile).await;
    let line = key.ok_or(SignInKeyError::NoKey)?.line()?;
    let removed = with_files(place, async |files| {
        authorized_keys::remove(files, &line).await
    })
    .await?;
    let account = Account::of(place.profile, Kind::SshPrivateKey);
    place.store.delete(&account).await?;
    place.server.forget_own_key().await;
    tracing::info!(?removed, "the key of our own is gone");
    Ok(removed)
}

/// Does something with the account's files, over whatever connection there is.
async fn with_files<T>(
    place: KeyPlace<'_>,
    work: impl AsyncFnOnce(&ServerFiles) -> Result<T, FilesError>,
) -> Result<T, SignInKeyError> {
    let reached = place.server.reach(place.access).await;
    let tunnel = reached.map_err(|failure| SignInKeyError::NotReached(Box::new(failure)))?;
    let work = async {
        let files = ServerFiles::open(&tunnel).await?;
        work(&files).await
    };
    let done = timeout(FILES_LIMIT, work).await;
    Ok(done.unwrap_or(Err(FilesError::Timeout))?)
}

/// Takes a key out of the keychain that is good for nothing.
async fn forget(place: KeyPlace<'_>) {
    let account = Account::of(place.profile, Kind::SshPrivateKey);
    if let Err(error) = place.store.delete(&account).await {
        tracing::warn!(%error, "a key that is not used was not removed");
    }
}

/// Says why in the words for people.
pub fn problem(error: &SignInKeyError) -> Problem {
    if let SignInKeyError::NotReached(failure) = error {
        return failure.problem.clone();
    }
    Problem::without_action(error.code(), explain::told(error))
}
