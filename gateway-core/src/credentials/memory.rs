//! Keeps secrets until the program ends, where the session has no keychain, and in tests.

use super::store::{Account, CredentialStore, Keeping, StoreError};
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A store that forgets everything when it is dropped.
#[derive(Debug)]
pub struct MemoryStore {
    reason: String,
    entries: Mutex<HashMap<Account, SecretString>>,
}

impl MemoryStore {
    /// Makes an empty store; `reason` says why it is not the keychain.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            entries: Mutex::default(),
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut HashMap<Account, SecretString>) -> T) -> T {
        // Every change is a single call on the map, so a panic elsewhere left it whole.
        change(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CredentialStore for MemoryStore {
    fn keeping(&self) -> Keeping {
        Keeping::SessionOnly {
            reason: self.reason.clone(),
        }
    }

    fn get<'a>(
        &'a self,
        account: &'a Account,
    ) -> BoxFuture<'a, Result<Option<SecretString>, StoreError>> {
        let found = self.with(|entries| entries.get(account).cloned());
        Box::pin(std::future::ready(Ok(found)))
    }

    fn set<'a>(
        &'a self,
        account: &'a Account,
        secret: SecretString,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(|entries| entries.insert(account.clone(), secret));
        Box::pin(std::future::ready(Ok(())))
    }

    fn delete<'a>(&'a self, account: &'a Account) -> BoxFuture<'a, Result<(), StoreError>> {
        self.with(|entries| entries.remove(account));
        Box::pin(std::future::ready(Ok(())))
    }
}
