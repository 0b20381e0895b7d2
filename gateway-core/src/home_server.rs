//! What the app does on the home server over its own SSH sign-in, so that nobody needs a shell there.
//!
//! Each of these happens because a person pressed a button that said what it would do.
//!
//! - [`files`]: the account's files, over SFTP.
//! - [`authorized_keys`]: one line more or less in the list of keys that may sign in.
//! - [`gateway_secret`]: the gateway's token or password, read where the gateway reads it.
//! - [`sign_in_key`]: a key of our own in place of the account's password.

pub mod authorized_keys;
pub mod files;
pub mod gateway_secret;
pub mod sign_in_key;

pub use files::{FilesError, ServerFiles};
