//! The loopback listener of the app, kept across reconnects and shared by routes.

use super::phase::Cause;
use super::problem::{Problem, UserAction};
use super::route::{Failure, LocalPort};
use super::state::Verdict;
use crate::tunnel::forward::{Lead, LoopbackListener};
use std::sync::Arc;
use tokio::sync::{OnceCell, watch};

/// A gateway shows widgets on the port next to its own and controls browsers on the one after. Both are led on;
/// what is connected to is opened only when a local program comes.
const BESIDE: [u16; 2] = [1, 2];

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
    /// Those next to it, with how far they are from it.
    beside: Vec<(u16, LoopbackListener)>,
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
            for listener in bound.listeners() {
                listener.close().await;
            }
        }
    }

    pub(super) fn attach(&self, lead: &Arc<dyn Lead>, gateway_port: u16) {
        if let Some(bound) = self.bound.get() {
            bound.listener.attach(Arc::clone(lead), gateway_port);
            for (distance, listener) in &bound.beside {
                match gateway_port.checked_add(*distance) {
                    Some(port) => listener.attach(Arc::clone(lead), port),
                    None => tracing::debug!(gateway_port, "no port next to the gateway's"),
                }
            }
        }
    }

    /// Tells of refused requests, for each of the ports.
    pub(super) fn refusals(&self) -> Vec<watch::Receiver<u64>> {
        self.bound.get().map_or_else(Vec::new, |bound| {
            bound.listeners().map(LoopbackListener::refusals).collect()
        })
    }

    pub(super) fn detach(&self) {
        if let Some(bound) = self.bound.get() {
            bound.listeners().for_each(LoopbackListener::detach);
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
        let mut beside = Vec::new();
        for distance in BESIDE {
            let Some(next) = port.port.checked_add(distance) else {
                continue;
            };
            match LoopbackListener::bind_only(next).await {
                Ok(listener) => beside.push((distance, listener)),
                // Few need them; the gateway itself is reached without.
                Err(error) => tracing::info!(port = next, %error, "this port is not led on"),
            }
        }
        let shown = LocalPort {
            port: port.port,
            wanted,
            holder,
            beside: beside.iter().map(|(_, listener)| listener.port()).collect(),
        };
        Ok(Self {
            listener,
            beside,
            shown,
        })
    }

    fn listeners(&self) -> impl Iterator<Item = &LoopbackListener> {
        std::iter::once(&self.listener).chain(self.beside.iter().map(|(_, listener)| listener))
    }
}
