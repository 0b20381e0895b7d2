//! The loopback listener of the app, kept across reconnects and shared by routes.

use super::phase::Cause;
use super::problem::{Problem, UserAction};
use super::route::{Failure, LocalPort};
use super::state::Verdict;
use crate::tunnel::Tunnel;
use crate::tunnel::forward::LoopbackListener;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The loopback listener of the app: bound on the first connection, then kept.
///
/// Clones share it, so that new settings with the same port keep the same socket.
#[derive(Debug, Clone)]
pub struct ListenerSlot {
    preferred: Option<u16>,
    bound: Arc<OnceCell<Bound>>,
}

#[derive(Debug)]
struct Bound {
    listener: LoopbackListener,
    shown: LocalPort,
}

impl ListenerSlot {
    /// Returns a listener that will ask for `preferred`.
    pub fn on_port(preferred: u16) -> Self {
        Self {
            preferred: Some(preferred),
            bound: Arc::default(),
        }
    }

    /// Returns no listener at all: the app's own session needs none.
    pub fn disabled() -> Self {
        Self {
            preferred: None,
            bound: Arc::default(),
        }
    }

    /// Returns the port that was asked for; `None` when the listener is switched off.
    pub fn preferred(&self) -> Option<u16> {
        self.preferred
    }

    pub(super) async fn bind(&self) -> Result<Option<LocalPort>, Failure> {
        let Some(preferred) = self.preferred else {
            return Ok(None);
        };
        let bound = self
            .bound
            .get_or_try_init(|| Bound::on_port(preferred))
            .await?;
        Ok(Some(bound.shown.clone()))
    }

    /// Gives the port back, for good; when this returns, another program can have it.
    pub async fn close(&self) {
        if let Some(bound) = self.bound.get() {
            bound.listener.close().await;
        }
    }

    pub(super) fn attach(&self, tunnel: &Tunnel, gateway_port: u16) {
        if let Some(bound) = self.bound.get() {
            bound.listener.attach(tunnel.clone(), gateway_port);
        }
    }

    pub(super) fn detach(&self) {
        if let Some(bound) = self.bound.get() {
            bound.listener.detach();
        }
    }
}

impl Bound {
    async fn on_port(preferred: u16) -> Result<Self, Failure> {
        let (listener, port) = LoopbackListener::bind(preferred).await.map_err(|error| {
            Failure::new(
                Verdict::Stop(Cause::PortTaken),
                Problem::new(
                    "portTaken",
                    format!("No local port could be opened: {error}. Choose another one."),
                    UserAction::EditPorts,
                ),
            )
        })?;
        let (wanted, holder) = match port.moved_from {
            Some((wanted, holder)) => (
                Some(wanted),
                holder.map(|holder| format!("{} (pid {})", holder.name, holder.pid)),
            ),
            None => (None, None),
        };
        let shown = LocalPort {
            port: port.port,
            wanted,
            holder,
        };
        Ok(Self { listener, shown })
    }
}
