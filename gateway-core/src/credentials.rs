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
pub use store::{Account, CredentialStore, Keeping, Kind, StoreError, open_store};
