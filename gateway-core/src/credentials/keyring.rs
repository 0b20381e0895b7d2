//! Keeps secrets in the system's keychain: Secret Service, Keychain or Credential Manager.
//!
//! One small entry for each secret, because Windows caps an entry at 2560 bytes. Every call runs on
//! a thread that may block, because a keychain may ask its owner to unlock it and because the
//! `keyring` crate must not run inside an async task.

use super::store::{Account, CredentialStore, Keeping, StoreError};
use ::keyring::Error;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The service every entry is stored under.
const SERVICE: &str = "OpenClaw Tray";

/// The system's keychain, each entry read at most once in the life of the program.
#[derive(Debug)]
pub struct KeyringStore {
    /// Only what was found: an absent entry may yet be written by another program of ours.
    seen: Arc<Mutex<HashMap<Account, SecretString>>>,
}

impl KeyringStore {
    /// Connects to the keychain; reads nothing yet.
    ///
    /// # Errors
    ///
    /// Fails when this session has no keychain.
    pub async fn open() -> Result<Self, StoreError> {
        blocking(|| match ::keyring::Entry::store_status() {
            Ok(()) => Ok(Self {
                seen: Arc::default(),
            }),
            Err(error) => Err(StoreError::NoStore {
                reason: innermost(error),
            }),
        })
        .await
    }

    fn run<'a, T: Send + 'static>(
        &'a self,
        account: &'a Account,
        work: impl FnOnce(&::keyring::Entry, &mut HashMap<Account, SecretString>) -> Result<T, Error>
        + Send
        + 'static,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        let (account, seen) = (account.clone(), Arc::clone(&self.seen));
        Box::pin(blocking(move || {
            // Held throughout, so that the keychain asks its owner one question at a time.
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            ::keyring::Entry::new(SERVICE, &account.to_string())
                .and_then(|entry| work(&entry, &mut seen))
                .map_err(|error| describe(&error, &account))
        }))
    }
}

impl CredentialStore for KeyringStore {
    fn keeping(&self) -> Keeping {
        Keeping::Keychain
    }

    fn get<'a>(
        &'a self,
        account: &'a Account,
    ) -> BoxFuture<'a, Result<Option<SecretString>, StoreError>> {
        let key = account.clone();
        self.run(account, move |entry, seen| {
            if let Some(secret) = seen.get(&key) {
                return Ok(Some(secret.clone()));
            }
            match entry.get_password() {
                Ok(text) => {
                    let secret = SecretString::from(text);
                    seen.insert(key, secret.clone());
                    Ok(Some(secret))
                }
                Err(Error::NoEntry) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn set<'a>(
        &'a self,
        account: &'a Account,
        secret: SecretString,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let key = account.clone();
        self.run(account, move |entry, seen| {
            entry.set_password(secret.expose_secret())?;
            seen.insert(key, secret);
            Ok(())
        })
    }

    fn delete<'a>(&'a self, account: &'a Account) -> BoxFuture<'a, Result<(), StoreError>> {
        let key = account.clone();
        self.run(account, move |entry, seen| {
            seen.remove(&key);
            match entry.delete_credential() {
                Ok(()) | Err(Error::NoEntry) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failure) => match failure.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(StoreError::NoStore {
                reason: "the program is ending".to_owned(),
            }),
        },
    }
}

/// Turns the crate's errors into ours, without the bytes some of them carry.
fn describe(error: &Error, account: &Account) -> StoreError {
    let bad_entry = |reason: &str| StoreError::BadEntry {
        account: account.to_string(),
        reason: reason.to_owned(),
    };
    match error {
        Error::NoDefaultStore => StoreError::NoStore {
            reason: ::keyring::Entry::store_status()
                .as_ref()
                .err()
                .map_or_else(|| "no store".to_owned(), innermost),
        },
        Error::NoStorageAccess(cause) => StoreError::Locked {
            reason: cause.to_string(),
        },
        Error::PlatformFailure(cause) => StoreError::Denied {
            reason: cause.to_string(),
        },
        Error::BadEncoding(_) => bad_entry("it is not text"),
        Error::BadDataFormat(..) => bad_entry("its content is malformed"),
        Error::BadStoreFormat(_) => bad_entry("the keychain itself is malformed"),
        Error::TooLong(..) => bad_entry("it is longer than this keychain allows"),
        Error::Ambiguous(_) => bad_entry("there are several of that name"),
        Error::NoEntry => bad_entry("it is gone"),
        Error::Invalid(..) | Error::NotSupportedByStore(_) => {
            bad_entry("this keychain cannot hold it")
        }
        _ => StoreError::Denied {
            reason: "for a reason unknown to us".to_owned(),
        },
    }
}

/// Returns the text of the cause at the bottom, which is the part a person can act on.
fn innermost(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
