//! Local mode: a small gateway that speaks the protocol of the official one.
//!
//! In reading order:
//!
//! - [`exposure`]: where it listens and with which authentication, or why it refuses to start.
//! - `listen`, `door`, `http`: TCP connections, the bound on those that say nothing, the probes.
//! - `screening` with [`request_head`], [`origin`], [`peer_address`], [`network`]: for whom a
//!   request is meant, which page sent it, who is really calling.
//! - `connect_params`, `handshake` with [`limiter`], [`shared_secret`], [`scopes`]: from a connect
//!   request to hello, or to a refusal.
//! - `session`, `socket`, `mailbox`: one peer after hello.
//! - `peers`, `presence`: everybody who is connected.
//! - `router`, `methods`: which method does what, and who may call it.
//! - `runs`, `run_voice`: turns of the agent, and what the world hears of them.
//! - `pairings`, `nodes`, `node_tools`: devices that ask to connect, and machines agents may use.
//! - `approvals`, `questions`: what waits for a person.
//! - `config_overlay` with `config_redaction`: what clients see and change of the configuration.
//! - [`logbook`], `system_events`, `vitals`: what is kept and told of the gateway itself.

pub mod exposure;
pub mod limiter;
pub mod logbook;
pub mod network;
pub mod origin;
pub mod peer_address;
pub mod request_head;
pub mod scopes;
pub mod shared_secret;

mod agents;
mod approvals;
mod clock;
mod config_overlay;
mod config_redaction;
mod connect_params;
mod door;
mod gateway_tools;
mod handshake;
mod http;
mod listen;
mod mailbox;
mod methods;
mod node_tools;
mod nodes;
mod pairings;
mod peers;
mod presence;
mod questions;
mod router;
mod run_voice;
mod runs;
mod screening;
mod session;
mod session_keys;
mod session_rows;
mod socket;
mod system_events;
mod vitals;

use crate::agent::toolbox::{Toolbox, Toolboxes};
use crate::agent::turn::{Limits, Turn};
use crate::agent::workspace::{Circumstances, system_prompt};
use crate::agent::workspace_tools::WorkspaceTools;
use crate::credentials::secret::GatewayToken;
use crate::protocol::SessionKey;
use crate::protocol::connect::{Scope, StateVersion};
use crate::store::{RunRecord, SessionRecord, Store, StoreError, StoredMessage};
use crate::web_address::OwnNames;
use agents::{Agents, thinking_of};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::now_ms;
use config_overlay::ConfigOverlay;
use door::{Door, MOST_UNPROVEN};
use exposure::{LocalAuth, Settled};
use gateway_tools::GatewayTools;
use jiff::tz::TimeZone;
use limiter::Limiter;
use mailbox::{Announcement, Goodbye};
use node_tools::NodeTools;
use nodes::Nodes;
use nodes::commands::CommandPolicy;
use origin::Screen;
use peers::{Peer, Peers};
use presence::Presence;
use rand::RngCore as _;
use router::Router;
use runs::{Runs, StoppedBy};
use serde::Serialize;
use serde_json::{Value, json};
use session_rows::{ModelInUse, RowExtras};
use shared_secret::{BlankSecret, SharedSecret};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use system_events::SystemEvents;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;
use zeroize::Zeroizing;

/// How often everybody is told that the gateway lives (protocol §4).
const TICK_EVERY: Duration = Duration::from_secs(30);
/// How long connections and runs may take to end at a stop. The official gateway closes within
/// about a second of its `shutdown` event (protocol §8).
const STOP_WAIT: Duration = Duration::from_secs(1);

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

/// The least time between two tellings of who is here. When hundreds come at once, each of them would
/// otherwise be told hundreds of times, of hundreds.
const PRESENCE_PAUSE: Duration = Duration::from_millis(500);

/// Everything one gateway is made of.
#[derive(Debug)]
struct State {
    started: Instant,
    boot_id: String,
    config: GatewayConfig,
    screen: Screen,
    secret: Option<SharedSecret>,
    limiter: Mutex<Limiter>,
    presence_changed: Notify,
    store: Store,
    agents: Agents,
    router: Router,
    door: Arc<Door>,
    peers: Peers,
    presence: Mutex<Presence>,
    settings: Arc<ConfigOverlay>,
    events: SystemEvents,
    health: Mutex<Health>,
    runs: Runs,
    nodes: Nodes,
    commands: CommandPolicy,
    pairings: pairings::Pairings,
    approvals: approvals::Approvals,
    questions: questions::Questions,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// The last health report.
#[derive(Debug, Default)]
struct Health {
    report: Option<Value>,
    /// Conversations have changed since.
    stale: bool,
    version: u64,
}

/// What a gateway is started with. Nothing of it is read from the environment or the user's home:
/// the caller has done that.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// Where it listens and with which secret.
    pub exposure: Settled,
    /// Where its state is kept: `gateway/` in our own data folder.
    pub state_dir: PathBuf,
    /// Where agents work; `agents.defaults.workspace` of the configuration, or our own.
    pub workspace: PathBuf,
    /// The official configuration as it was read, for models and agents; null where there is none.
    pub openclaw_json: Value,
    /// The environment that `${NAME}` in it may name.
    pub environment: BTreeMap<String, String>,
    /// What presence calls this machine.
    pub host: String,
    /// Where the user's clock is.
    pub time_zone: TimeZone,
}

impl GatewayConfig {
    /// Returns the word hello has for how the shared secret is asked for.
    fn auth_word(&self) -> &'static str {
        match self.exposure.auth {
            LocalAuth::Token(_) | LocalAuth::GenerateToken => "token",
            LocalAuth::Password(_) => "password",
            LocalAuth::None => "none",
            LocalAuth::TrustedProxy(_) => "trusted-proxy",
        }
    }

    /// Returns whether programs on this computer are approved without asking.
    fn approves_local(&self) -> bool {
        let key = "/gateway/nodes/pairing/autoApproveLocal";
        self.openclaw_json.pointer(key) != Some(&Value::Bool(false))
    }

    fn shared_secret(&self) -> Result<Option<SharedSecret>, StartError> {
        match &self.exposure.auth {
            LocalAuth::Token(token) => Ok(Some(SharedSecret::of_token(token)?)),
            LocalAuth::Password(password) => Ok(Some(SharedSecret::of_password(password)?)),
            LocalAuth::None | LocalAuth::TrustedProxy(_) => Ok(None),
            LocalAuth::GenerateToken => Err(StartError::NoToken),
        }
    }

    /// Returns the names and pages this gateway answers to.
    fn screen(&self, addresses: &[SocketAddr]) -> Screen {
        let port = addresses.first().map_or(0, SocketAddr::port);
        let own = OwnNames::of_loopback(port).and_addresses(addresses.iter().map(SocketAddr::ip));
        let origins: Vec<String> = self
            .openclaw_json
            .pointer("/gateway/controlUi/allowedOrigins")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|origin| origin.as_str().map(str::to_owned))
            .collect();
        let screen = Screen::new(own, &[], &origins);
        for ignored in screen.ignored() {
            tracing::warn!(%ignored, "a setting has no effect");
        }
        screen
    }
}

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
    state: Arc<State>,
    addresses: Vec<SocketAddr>,
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
            pairings: pairings::Pairings::default(),
            approvals: approvals::Approvals::default(),
            questions: questions::Questions::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            config,
        });
        for key in runs::recover(&state).await? {
            runs::work_off(&state, key);
        }
        for listener in listeners {
            state.tasks.spawn(listen::accept(state.clone(), listener));
        }
        state.tasks.spawn(tick(state.clone()));
        state.tasks.spawn(tell_presence(state.clone()));
        for address in &addresses {
            info!(%address, "the gateway listens");
        }
        Ok(Self { state, addresses })
    }

    /// Returns where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
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
        if count.is_multiple_of(2) && state.peers.any(methods::hears_health) {
            match methods::measure_health(&state).await {
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

impl State {
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn uptime_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    fn presence(&self) -> MutexGuard<'_, Presence> {
        held(&self.presence)
    }

    /// Sends a counted event to everybody it is for.
    fn announce(&self, event: &'static str, payload: &impl Serialize, to: impl Fn(&Peer) -> bool) {
        self.peers.broadcast(&Announcement::new(event, payload), to);
    }

    /// Sends an event that does not count to everybody it is for.
    fn tell(&self, event: &'static str, payload: &impl Serialize, to: impl Fn(&Peer) -> bool) {
        self.peers.tell(&Announcement::new(event, payload), to);
    }

    fn state_version(&self) -> StateVersion {
        StateVersion {
            presence: self.presence().version(),
            health: held(&self.health).version,
            extra: crate::protocol::Extra::new(),
        }
    }

    /// Everybody who may know is told who is here, soon.
    fn announce_presence(&self) {
        self.presence_changed.notify_one();
    }

    fn broadcast_presence(&self) {
        let list = self.presence().list(now_ms());
        let event = Announcement::new("presence", &json!({"presence": list}))
            .with_state(self.state_version());
        self.peers
            .broadcast(&event, |peer| peer.facts.may(&Scope::Read));
    }

    fn announce_health(&self, report: &Value) {
        let event = Announcement::new("health", report).with_state(self.state_version());
        self.peers.broadcast(&event, methods::hears_health);
    }

    /// Returns the last health report while it holds.
    fn health_report(&self) -> Option<Value> {
        let health = held(&self.health);
        if health.stale {
            None
        } else {
            health.report.clone()
        }
    }

    fn keep_health(&self, report: Value) {
        let mut health = held(&self.health);
        health.report = Some(report);
        health.stale = false;
        health.version += 1;
    }

    /// A connection has said hello.
    fn joined(&self, peer: &Arc<Peer>) {
        self.peers.add(peer.clone());
        if self.presence().joined(&peer.facts, now_ms()) {
            self.announce_presence();
        }
    }

    /// A connection has ended.
    fn left(&self, peer: &Peer) {
        self.peers.remove(&peer.facts.conn_id);
        self.nodes.left(peer);
        if self.presence().left(&peer.facts, now_ms()) {
            self.announce_presence();
        }
    }

    /// A conversation is not what it was.
    fn session_changed(&self, record: &SessionRecord, reason: &str) {
        held(&self.health).stale = true;
        let current = self.runs.current(&record.key);
        let extras = RowExtras {
            active: current.iter().map(|run| run.run_id.clone()).collect(),
            last: None,
        };
        let row = session_rows::row(record, &self.model_of(Some(record)), &extras);
        let payload = json!({
            "sessionKey": record.key, "reason": reason, "ts": now_ms(), "session": row,
        });
        self.announce("sessions.changed", &payload, |peer| {
            peer.watches_sessions() && peer.facts.may(&Scope::Read)
        });
    }

    /// A message is on disk.
    fn message_stored(&self, key: &SessionKey, message: &StoredMessage) {
        let payload = json!({
            "sessionKey": key, "agentId": session_keys::agent_of(key),
            "sessionId": message.session_id, "messageId": message.message.id,
            "messageSeq": message.seq, "message": methods::chat::wire_message(message),
        });
        // Who watches the list hears of every message: the official terminal UI asks for no more.
        self.announce("session.message", &payload, |peer| {
            (peer.watches_messages(key) || peer.watches_sessions()) && peer.facts.may(&Scope::Read)
        });
    }

    /// Returns where the state is, as reports name it.
    fn state_path(&self) -> String {
        self.config
            .state_dir
            .join("gateway.sqlite")
            .display()
            .to_string()
    }

    fn workspace_path(&self) -> String {
        self.config.workspace.display().to_string()
    }

    /// Returns what a run needs to begin; `Err` in the result says why it cannot.
    async fn turn_for(
        self: &Arc<Self>,
        session: &SessionRecord,
        run: &RunRecord,
    ) -> Result<Result<Turn, String>, StoreError> {
        let (history, input) = self.said_before(session, &run.run_id).await?;
        let Some(input) = input else {
            return Ok(Err(
                "the message of this run is not there any more".to_owned()
            ));
        };
        let (model, fallbacks) = match self.agents.for_session(session) {
            Ok(answerers) => answerers,
            Err(problem) => return Ok(Err(problem)),
        };
        let tools: [Arc<dyn Toolbox>; 3] = [
            Arc::new(GatewayTools::new(Arc::downgrade(self), session.key.clone())),
            Arc::new(NodeTools::new(Arc::downgrade(self), session.key.clone())),
            Arc::new(WorkspaceTools::new(&self.config.workspace)),
        ];
        Ok(Ok(Turn {
            model,
            fallbacks,
            history,
            input,
            system: self.system_prompt().await + &self.events.take_for(&session.key),
            tools: Arc::new(Toolboxes::new(tools)),
            thinking: thinking_of(session),
            limits: Limits::default(),
            jitter: Arc::new(rand::random::<f64>),
            clock: Arc::new(now_ms),
        }))
    }

    async fn system_prompt(&self) -> String {
        let workspace = self.config.workspace.clone();
        let (now, zone) = (self.agents.local_time(), self.agents.time_zone().to_owned());
        let written = tokio::task::spawn_blocking(move || {
            let circumstances = Circumstances {
                agent: "OpenClaw",
                now: &now,
                time_zone: &zone,
            };
            system_prompt(&workspace, circumstances)
        });
        written.await.unwrap_or_default()
    }

    fn model_of(&self, record: Option<&SessionRecord>) -> ModelInUse {
        self.agents.model_of(record)
    }

    /// Returns where agents run: in this process, and nowhere else.
    fn runtime() -> Value {
        json!({
            "id": "auto", "cloudPlacementSupported": false, "devicePlacementSupported": false,
            "source": "implicit",
        })
    }

    /// Returns what a conversation has where nothing was chosen.
    fn defaults(&self) -> Value {
        let model = self.model_of(None);
        json!({
            "modelProvider": model.provider, "model": model.model,
            "contextTokens": model.context_tokens,
            "agentRuntime": Self::runtime(),
            "thinkingLevels": [{"id": "off", "label": "off"}], "thinkingOptions": ["off"],
            "thinkingDefault": "off", "modelSelectionTarget": "session",
        })
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves these values whole: each change is one assignment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
