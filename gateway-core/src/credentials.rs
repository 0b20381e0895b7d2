//! Secrets, the store that keeps them, and which one wins.
//!
//! [`secret`] holds one type for each kind. [`store`] is the seam: [`keyring`] keeps them in the
//! system's keychain, [`memory`] until the program ends. [`slots`] reads and writes each kind in its
//! own type, and [`chosen`] says which of several credentials is sent to a gateway.

pub mod chosen;
pub mod keyring;
pub mod memory;
pub mod secret;
pub mod slots;
pub mod store;

pub use chosen::{Candidates, Chosen, CredentialOrigin};
pub use keyring::KeyringStore;
pub use memory::MemoryStore;
pub use store::{Account, CredentialStore, Keeping, Kind, StoreError};

use std::sync::Arc;

/// Opens the system's keychain, or a store that lasts until the program ends and says why.
///
/// A locked keychain counts as there: the person can still unlock it.
pub async fn open_store() -> Arc<dyn CredentialStore> {
    match KeyringStore::open().await {
        Ok(store) => Arc::new(store),
        Err(error) => {
            tracing::warn!(%error, "secrets are kept in memory until the program ends");
            Arc::new(MemoryStore::new(error.to_string()))
        }
    }
}
