//! What the app does on the home server over its own SSH sign-in, so that nobody needs a shell there.
//!
//! Each of these happens because a person pressed a button that said what it would do.
//!
//! - [`files`]: the account's files, over SFTP.
//! - [`authorized_keys`]: one line more or less in the list of keys that may sign in.
//! - [`gateway_secret`]: the gateway's token or password, read where the gateway reads it.
//! - [`gateway_log`]: the end of the gateway's log, likewise.
//! - [`sign_in_key`]: a key of our own in place of the account's password.
//! - [`repair`]: starting the gateway and letting this device in, by commands of a closed list
//!   ([`gateway_service`]) that were shown before ([`command`]).

pub mod authorized_keys;
pub mod command;
pub mod files;
mod gateway_files;
pub mod gateway_log;
pub mod gateway_secret;
pub mod gateway_service;
pub mod repair;
pub mod sign_in_key;

pub use files::{FilesError, ServerFiles};
