//! One live session with a gateway, over any stream of bytes.
//!
//! [`connect`] upgrades the stream to a WebSocket, waits for the gateway's challenge, sends the
//! connect request and returns a [`Session`] with its stream of events. It knows nothing of
//! tunnels, retries or stores: the supervisor opens the stream, keeps the tokens and decides what a
//! [`ConnectError`] leads to. [`probe_healthz`] asks the same port over HTTP whether a gateway lives
//! there at all.
//!
//! - [`handshake`]: challenge, credentials, connect, hello-ok.
//! - [`session`]: the handle and the task that owns the socket.
//! - [`close`]: why a session ended.
//! - [`error`]: why a session did not begin, and what to do about it.

mod calls;
pub mod close;
mod endpoint;
pub mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
pub mod handshake;
mod healthz;
mod offers;
mod owed;
pub mod session;
mod transport;

#[cfg(test)]
pub(crate) mod fake_gateway;
#[cfg(test)]
mod tests;

pub use close::CloseReason;
pub use endpoint::Endpoint;
pub use error::{ConnectError, NextStep, NotAGateway, Step};
pub use handshake::{AcceptedCredential, Credentials, HelloRequest, StoredDeviceToken, connect};
pub use healthz::{Liveness, probe_healthz, probe_startup};
pub use offers::Offers;
pub use session::{CallError, Pinger, Session, SessionEvent};

use crate::protocol::connect::HelloOk;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long and how large things may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// From the first byte of the upgrade to hello-ok.
    pub hello: Duration,
    /// How many bytes a gateway may send before it has given a well-formed challenge.
    pub before_challenge: u64,
    /// How many bytes the handshake may take in all. Hello-ok carries the list of methods and a
    /// snapshot that grows with the gateway, so this is wider than what comes before it.
    pub before_hello: u64,
    /// The largest frame we take, whatever the gateway's policy says.
    pub max_payload: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(8),
            before_challenge: 64 * 1024,
            before_hello: 4 * 1024 * 1024,
            max_payload: 25 * 1024 * 1024,
        }
    }
}

/// A session that has just begun.
#[derive(Debug)]
pub struct Established {
    /// The handle to ask with. The session ends when the last clone is dropped.
    pub session: Session,
    /// What the gateway tells, in order.
    pub events: mpsc::Receiver<SessionEvent>,
    /// What the gateway said on accepting us.
    pub hello: HelloOk,
    /// Which of our credentials opened the door.
    pub accepted: AcceptedCredential,
    /// A device token to keep for the next time, with its scopes.
    pub issued: Option<StoredDeviceToken>,
    /// By how many seconds the gateway's clock was ahead of ours; behind where it is negative.
    pub clock_ahead_s: Option<i64>,
}
