//! Everything of OpenClaw Tray that would still make sense without a window.
//!
//! In reading order:
//!
//! - [`protocol`]: the frames of the gateway's WebSocket protocol, as types.
//! - [`device_identity`]: the key pair that proves which device is calling.
//! - [`client`]: one live session over any byte stream.
//! - [`chat`]: messages that arrive exactly once, and what a chat shows of a run.
//! - [`ssh_config`]: what the user's own SSH configuration says about a server.
//! - [`tunnel`]: the SSH connection that byte stream usually runs in.
//! - [`connection`]: what the app holds: one supervised path to one gateway.
//! - [`home_server`]: what the app does on the server over that connection, when a button says so.
//! - [`check`]: "Check my server", nine ordered steps with times.
//! - [`gateway_health`]: what a gateway's word on itself comes to.
//! - [`config`]: our settings file, and what we read of `openclaw.json`.
//! - [`credentials`]: secrets, the store that keeps them, and which one wins.
//! - [`store`]: what the embedded gateway keeps on disk.
//! - [`agent`]: turns of a model and its tools, without a server.
//! - [`server`]: the embedded gateway of local mode.
//! - [`voice_forward`]: what was said, as a message to the right conversation, exactly once.
//! - [`voice_link`]: between the voice crate's station and a connection.
//! - [`model_client`]: how speech models are downloaded.
//! - [`web_address`]: hosts and origins, and which of them belong to a listener of ours.
//! - [`log_guard`]: what may be written to a log at any level; [`bounded_file`]: where it ends.
//! - [`diagnostics`]: the report for whoever helps, and what is taken out of it.
//!
//! This crate knows no Tauri, no window and no `$HOME`: paths, stores and randomness are handed in.

pub mod agent;
pub mod bounded_file;
pub mod chat;
pub mod check;
pub mod client;
pub mod config;
pub mod connection;
pub mod credentials;
pub mod device_identity;
pub mod diagnostics;
mod dial;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod gateway_health;
pub mod home_server;
pub mod log_guard;
mod metered;
pub mod model_client;
pub mod protocol;
pub mod server;
pub mod ssh_config;
pub mod store;
pub mod tunnel;
pub mod voice_forward;
pub mod voice_link;
pub mod web_address;
