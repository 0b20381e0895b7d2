//! Local mode: a small gateway that speaks the protocol of the official one.
//!
//! In reading order:
//!
//! - [`exposure`]: where it listens and with which authentication, or why it refuses to start.
//! - `openai`: the conversation for programs written for OpenAI's API.
//! - `listen`, `door`, `http`: TCP connections, the bound on those that say nothing, the probes.
//! - `vouching`, `tailscaled`: callers a proxy or Tailscale speaks for.
//! - `screening` with [`request_head`], [`origin`], [`peer_address`], [`network`]: for whom a
//!   request is meant, which page sent it, who is really calling.
//! - [`page`], `browser_link` with `single_use_codes`: our UI for a browser, and how it signs in.
//! - `connect_params`, `handshake` with [`limiter`], [`shared_secret`], [`scopes`]: from a connect
//!   request to hello, or to a refusal.
//! - `session`, `socket`, `mailbox`: one peer after hello.
//! - `peers`, `presence`: everybody who is connected.
//! - `gateway` with `state`: from start to stop, and what one gateway holds meanwhile.
//! - `router`, `methods`, `refusals`: which method does what, who may call it, why it is not done.
//! - `runs`, `run_voice`: turns of the agent, and what the world hears of them.
//! - `pairings`, `nodes`, `node_tools`, `exec_tool`: devices that ask to connect, and machines agents
//!   may use, this one included.
//! - `approvals`, `questions`: what waits for a person.
//! - `config_overlay` with `config_redaction`: what clients see and change of the configuration.
//! - `voice_wake`: the words that wake the assistant.
//! - [`logbook`], `system_events`, `health`, `vitals`: what is kept and told of the gateway itself.

pub mod exposure;
pub mod limiter;
pub mod logbook;
pub mod network;
pub mod origin;
pub mod page;
pub mod peer_address;
pub mod request_head;
pub mod scopes;
pub mod shared_secret;

mod agents;
mod approvals;
mod browser_link;
mod clock;
mod config_overlay;
mod config_redaction;
mod connect_params;
mod door;
mod exec_tool;
mod features;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod gateway;
mod gateway_config;
mod gateway_tools;
mod handshake;
mod health;
mod http;
mod listen;
mod mailbox;
mod methods;
mod node_tools;
mod nodes;
mod openai;
#[cfg(any(test, debug_assertions))]
mod overheard;
mod pairings;
mod peers;
mod presence;
mod questions;
mod refusals;
mod router;
mod run_voice;
mod runs;
mod screening;
mod session;
mod session_keys;
mod session_rows;
mod single_use_codes;
mod socket;
mod state;
mod system_events;
mod tailscaled;
mod vitals;
mod voice_wake;
mod vouching;
#[cfg(test)]
mod wire_check;

pub use browser_link::{BrowserLink, NoLink};
pub use gateway::{Gateway, StartError};
pub use gateway_config::GatewayConfig;

use crate::credentials::secret::GatewayToken;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;
use state::State;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// Returns a token for a gateway that has none yet.
pub fn new_token() -> GatewayToken {
    GatewayToken::new(random_secret().as_str())
}

/// Returns 32 random bytes: 43 characters in base64url (protocol §5).
fn random_secret() -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::rng().fill_bytes(bytes.as_mut());
    Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves these values whole: each change is one assignment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
