//! What one gateway holds, and what everybody hears of its changes.

use super::GatewayConfig;
use super::agents::Agents;
use super::approvals::Approvals;
use super::clock::now_ms;
use super::config_overlay::ConfigOverlay;
use super::door::Door;
use super::health::Health;
use super::held;
use super::limiter::Limiter;
use super::mailbox::Announcement;
use super::nodes::Nodes;
use super::nodes::commands::CommandPolicy;
use super::origin::Screen;
use super::pairings::Pairings;
use super::peers::{Peer, Peers};
use super::presence::Presence;
use super::questions::Questions;
use super::router::Router;
use super::runs::Runs;
use super::session_keys;
use super::session_rows::{self, ModelInUse, RowExtras};
use super::shared_secret::SharedSecret;
use super::single_use_codes::SingleUseCodes;
use super::system_events::SystemEvents;
use super::tailscaled::Tailscaled;
use crate::protocol::SessionKey;
use crate::protocol::connect::{Scope, StateVersion};
use crate::store::{SessionRecord, Store, StoredMessage};
use serde::Serialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Everything one gateway is made of.
#[derive(Debug)]
pub(super) struct State {
    pub(super) started: Instant,
    pub(super) boot_id: String,
    pub(super) config: GatewayConfig,
    pub(super) screen: Screen,
    pub(super) secret: Option<SharedSecret>,
    pub(super) limiter: Mutex<Limiter>,
    pub(super) codes: Mutex<SingleUseCodes>,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) presence_changed: Notify,
    pub(super) store: Store,
    pub(super) agents: Agents,
    pub(super) router: Router,
    pub(super) door: Arc<Door>,
    pub(super) peers: Peers,
    pub(super) presence: Mutex<Presence>,
    pub(super) settings: Arc<ConfigOverlay>,
    pub(super) events: SystemEvents,
    pub(super) health: Mutex<Health>,
    pub(super) runs: Runs,
    pub(super) nodes: Nodes,
    pub(super) commands: CommandPolicy,
    pub(super) tailscaled: Tailscaled,
    pub(super) pairings: Pairings,
    pub(super) approvals: Approvals,
    pub(super) questions: Questions,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    /// What has been said, for the tests to judge.
    #[cfg(test)]
    pub(super) said: Arc<super::wire_check::Said>,
}

impl State {
    pub(super) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    pub(super) fn uptime_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    pub(super) fn presence(&self) -> MutexGuard<'_, Presence> {
        held(&self.presence)
    }

    /// Sends a counted event to everybody it is for.
    pub(super) fn announce(
        &self,
        event: &'static str,
        payload: &impl Serialize,
        to: impl Fn(&Peer) -> bool,
    ) {
        self.peers.broadcast(&Announcement::new(event, payload), to);
    }

    /// Sends an event that does not count to everybody it is for.
    pub(super) fn tell(
        &self,
        event: &'static str,
        payload: &impl Serialize,
        to: impl Fn(&Peer) -> bool,
    ) {
        self.peers.tell(&Announcement::new(event, payload), to);
    }

    pub(super) fn state_version(&self) -> StateVersion {
        StateVersion {
            presence: self.presence().version(),
            health: held(&self.health).version(),
            extra: crate::protocol::Extra::new(),
        }
    }

    /// Everybody who may know is told who is here, soon.
    pub(super) fn announce_presence(&self) {
        self.presence_changed.notify_one();
    }

    pub(super) fn broadcast_presence(&self) {
        let list = self.presence().list(now_ms());
        let event = Announcement::new("presence", &json!({"presence": list}))
            .with_state(self.state_version());
        self.peers
            .broadcast(&event, |peer| peer.facts.may(&Scope::Read));
    }

    /// A connection has said hello.
    pub(super) fn joined(&self, peer: &Arc<Peer>) {
        self.peers.add(peer.clone());
        if self.presence().joined(&peer.facts, now_ms()) {
            self.announce_presence();
        }
    }

    /// A connection has ended.
    pub(super) fn left(&self, peer: &Peer) {
        self.peers.remove(&peer.facts.conn_id);
        self.nodes.left(peer);
        if self.presence().left(&peer.facts, now_ms()) {
            self.announce_presence();
        }
    }

    /// A conversation is not what it was.
    pub(super) fn session_changed(&self, record: &SessionRecord, reason: &str) {
        held(&self.health).outdated();
        let current = self.runs.current(&record.key);
        let extras = RowExtras {
            active: current.iter().map(|run| run.run_id.clone()).collect(),
            ..RowExtras::default()
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
    pub(super) fn message_stored(&self, key: &SessionKey, message: &StoredMessage) {
        let payload = json!({
            "sessionKey": key, "agentId": session_keys::agent_of(key),
            "sessionId": message.session_id, "messageId": message.message.id,
            "messageSeq": message.seq, "message": session_rows::wire_message(message),
        });
        // Who watches the list hears of every message: the official terminal UI asks for no more.
        self.announce("session.message", &payload, |peer| {
            (peer.watches_messages(key) || peer.watches_sessions()) && peer.facts.may(&Scope::Read)
        });
    }

    /// Returns where the state is, as reports name it.
    pub(super) fn state_path(&self) -> String {
        self.config
            .state_dir
            .join("gateway.sqlite")
            .display()
            .to_string()
    }

    pub(super) fn workspace_path(&self) -> String {
        self.config.workspace.display().to_string()
    }

    pub(super) fn model_of(&self, record: Option<&SessionRecord>) -> ModelInUse {
        self.agents.model_of(record)
    }

    /// Returns where agents run: in this process, and nowhere else.
    pub(super) fn runtime() -> Value {
        json!({
            "id": "auto", "cloudPlacementSupported": false, "devicePlacementSupported": false,
            "source": "implicit",
        })
    }

    /// Returns what a conversation has where nothing was chosen.
    pub(super) fn defaults(&self) -> Value {
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
