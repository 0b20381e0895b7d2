//! A gateway from its start to its stop.

use super::agents::Agents;
use super::approvals::Approvals;
use super::browser_link::{self, BrowserLink, NoLink};
use super::clock::now_ms;
use super::config_overlay::ConfigOverlay;
use super::door::{Door, MOST_UNPROVEN};
use super::exposure::{Settled, TailscaleMode};
use super::mailbox::Goodbye;
use super::nodes::Nodes;
use super::nodes::commands::CommandPolicy;
use super::pairings::Pairings;
use super::peer_address::Arrival;
use super::peers::Peers;
use super::presence::Presence;
use super::questions::Questions;
use super::runs::{self, Runs, StoppedBy};
use super::shared_secret::BlankSecret;
use super::system_events::SystemEvents;
use super::tailscaled::Tailscaled;
use super::{GatewayConfig, State, health, listen, methods, pairings, vitals};
use crate::store::{Store, StoreError};
use serde_json::{Value, json};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

/// How often everybody is told that the gateway lives (protocol §4).
pub(super) const TICK_EVERY: Duration = Duration::from_secs(30);
/// How long connections and runs may take to end at a stop. The official gateway closes within
/// about a second of its `shutdown` event (protocol §8).
const STOP_WAIT: Duration = Duration::from_secs(1);
/// The least time between two tellings of who is here. When hundreds come at once, each of them would
/// otherwise be told hundreds of times, of hundreds.
const PRESENCE_PAUSE: Duration = Duration::from_millis(500);

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its state cannot be used.
    #[error("the gateway's state cannot be used")]
    State(#[from] StoreError),
    /// An address cannot be listened on.
    #[error("{address} cannot be listened on")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Token mode, and the caller made no token.
    #[error("a token has to be made before the gateway is started")]
    NoToken,
    /// A secret that protects nothing got past the settling.
    #[error(transparent)]
    Secret(#[from] BlankSecret),
}

/// A running gateway. [`Self::stop`] ends it politely; dropping it ends it at once.
#[derive(Debug)]
pub struct Gateway {
    pub(super) state: Arc<State>,
    addresses: Vec<SocketAddr>,
    managed_address: Option<SocketAddr>,
}

impl Gateway {
    /// Opens the state, then the port; when this returns, clients are served.
    ///
    /// # Errors
    ///
    /// [`StartError`]; nothing listens then.
    pub async fn start(mut config: GatewayConfig) -> Result<Self, StartError> {
        let secret = config.shared_secret()?;
        // The port first: whoever holds it is the gateway here, and its state is not touched.
        let listeners = bind(&config.exposure.listen).await?;
        let managed = bind_managed(&config.exposure, &listeners).await?;
        let managed_address = managed
            .as_ref()
            .and_then(|listener| listener.local_addr().ok());
        let store = Store::open(&config.state_dir).await?;
        let base = config.openclaw_json.take();
        let settings = ConfigOverlay::open(&config.state_dir, base, rand::random());
        config.openclaw_json = settings.config();
        let addresses: Vec<SocketAddr> = listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .collect();
        let boot_id = uuid::Uuid::new_v4().to_string();
        let state = Arc::new(State {
            started: Instant::now(),
            boot_id: boot_id.clone(),
            screen: config.screen(&addresses),
            secret,
            limiter: Mutex::default(),
            codes: Mutex::default(),
            addresses: addresses.clone(),
            presence_changed: Notify::new(),
            store,
            agents: Agents::new(&config),
            router: methods::all(),
            door: Door::new(MOST_UNPROVEN),
            peers: Peers::default(),
            presence: Mutex::new(Presence::new(own_presence(&config, &addresses, &boot_id))),
            settings: Arc::new(settings),
            events: SystemEvents::default(),
            health: Mutex::default(),
            runs: Runs::default(),
            nodes: Nodes::default(),
            commands: CommandPolicy::of(&config.openclaw_json),
            tailscaled: Tailscaled::at(config.tailscaled.clone()),
            pairings: Pairings::default(),
            approvals: Approvals::default(),
            questions: Questions::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            config,
        });
        for key in runs::recover(&state).await? {
            runs::work_off(&state, key);
        }
        for listener in listeners {
            let accepting = listen::accept(state.clone(), listener, Arrival::Ordinary);
            state.tasks.spawn(accepting);
        }
        if let Some(listener) = managed {
            let accepting = listen::accept(state.clone(), listener, Arrival::TailscaleManaged);
            state.tasks.spawn(accepting);
        }
        state.tasks.spawn(tick(state.clone()));
        state.tasks.spawn(tell_presence(state.clone()));
        for address in &addresses {
            info!(%address, "the gateway listens");
        }
        if let Some(address) = managed_address {
            info!(%address, "tailscale serve has to be pointed here");
        }
        Ok(Self {
            state,
            addresses,
            managed_address,
        })
    }

    /// Returns where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Makes a link that opens the page in a browser on this computer and signs it in, once and
    /// within a minute.
    ///
    /// # Errors
    ///
    /// [`NoLink`] says why there is none.
    pub fn browser_link(&self) -> Result<BrowserLink, NoLink> {
        browser_link::make(&self.state)
    }

    /// Returns where Tailscale Serve is expected, where its word for a user counts.
    pub fn managed_address(&self) -> Option<SocketAddr> {
        self.managed_address
    }

    /// Tells everybody, lets what goes on come to an end for a moment, and closes.
    pub async fn stop(self) {
        let state = &self.state;
        state.stop.cancel();
        state.announce("shutdown", &json!({"reason": "gateway stopping"}), |_| true);
        state.runs.stop_all(StoppedBy::Shutdown);
        state
            .peers
            .close(&Goodbye::new(1012, "service restart"), |_| true);
        state.tasks.close();
        if timeout(STOP_WAIT, state.tasks.wait()).await.is_err() {
            info!("some connections did not end in time");
        }
        state.store.close().await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.state.stop.cancel();
        self.state.runs.stop_all(StoppedBy::Shutdown);
        self.state
            .peers
            .close(&Goodbye::new(1012, "service restart"), |_| true);
    }
}

/// Opens the listener that only Tailscale Serve is told about: on loopback, one port above the
/// gateway's, so that it is the same after a restart.
async fn bind_managed(
    exposure: &Settled,
    listeners: &[TcpListener],
) -> Result<Option<TcpListener>, StartError> {
    if !exposure.allow_tailscale || exposure.tailscale != TailscaleMode::Serve {
        return Ok(None);
    }
    // A port that was chosen by the system is nobody's habit.
    let asked = exposure.listen.first().map_or(0, SocketAddr::port);
    let port = match (asked, listeners.first()) {
        (0, _) | (_, None) => 0,
        (port, Some(_)) => port.checked_add(1).unwrap_or(0),
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    bind(&[address]).await.map(|mut bound| bound.pop())
}

/// Opens every address. A port 0 is chosen by the first and used for the others.
async fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, StartError> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    for address in addresses {
        let mut address = *address;
        let first = listeners.first().and_then(|first| first.local_addr().ok());
        if let (0, Some(first)) = (address.port(), first) {
            address.set_port(first.port());
        }
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| StartError::Listen { address, source })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn own_presence(config: &GatewayConfig, addresses: &[SocketAddr], boot_id: &str) -> Value {
    let (host, version) = (&config.host, env!("CARGO_PKG_VERSION"));
    // Where it is reached: only on this computer, unless it listens on another address.
    let ip = addresses.first().map(|address| address.ip().to_string());
    let ip = ip.unwrap_or_default();
    json!({
        "host": host, "ip": ip, "version": version, "platform": std::env::consts::OS,
        "deviceFamily": vitals::device_family(), "mode": "gateway", "reason": "self",
        "instanceId": boot_id,
        "text": format!("Gateway: {host} ({ip}) · app {version} · mode gateway · reason self"),
    })
}

/// Tells everybody that the gateway lives, and how it is.
async fn tick(state: Arc<State>) {
    let mut ticks = interval_at(Instant::now() + TICK_EVERY, TICK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count = 0_u32;
    loop {
        tokio::select! {
            biased;
            () = state.stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        state.announce("tick", &json!({"ts": now_ms()}), |_| true);
        if let Err(problem) = pairings::expire(&state).await {
            tracing::warn!(%problem, "pairing requests could not be looked through");
        }
        count = count.wrapping_add(1);
        let was_unwritable = state.store.unwritable().is_some();
        if was_unwritable || count.is_multiple_of(2) && state.peers.any(health::hears) {
            match health::measure(&state).await {
                Ok(report) => {
                    state.keep_health(report.clone());
                    state.announce_health(&report);
                }
                Err(problem) => tracing::warn!(%problem, "the gateway's health is not known"),
            }
        }
    }
}

/// Tells who is here: at once after a change, and once for all changes of the next moment.
async fn tell_presence(state: Arc<State>) {
    loop {
        tokio::select! {
            biased;
            () = state.stop.cancelled() => return,
            () = state.presence_changed.notified() => state.broadcast_presence(),
        }
        tokio::select! {
            biased;
            () = state.stop.cancelled() => return,
            () = sleep(PRESENCE_PAUSE) => {}
        }
    }
}
