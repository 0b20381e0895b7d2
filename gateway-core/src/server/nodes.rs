//! Machines that run commands for agents: who is here, what each offers, what was approved of it.
//!
//! A node is approved twice (protocol §10): as a device, so that it may connect, and then its
//! surface, so that what it declares may be used. The database knows what was approved; here is
//! what is true only while a node is connected.

pub(super) mod commands;
pub(super) mod invoke;
pub(super) mod prepared;
pub(super) mod run;
pub(super) mod view;

use super::State;
use super::clock::now_ms;
use super::mailbox::Announcement;
use super::peers::Peer;
use super::voice_wake;
use crate::protocol::connect::{ConnectParams, Role, Scope};
use crate::protocol::{ConnId, NodeId, PairingRequestId, SessionKey};
use crate::store::{NodeSurface, PendingSurface, StoreError};
use commands::CommandPolicy;
use invoke::Invocations;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

/// The most groups of abilities, commands or permissions a node may declare; the rest is dropped.
const MOST_DECLARED: usize = 256;

/// What a node says it can do, cut to what this gateway lets nodes of its platform offer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Declared {
    /// Groups of abilities.
    pub(super) caps: Vec<String>,
    /// Commands.
    pub(super) commands: Vec<String>,
    /// What its operating system lets it do.
    pub(super) permissions: Map<String, Value>,
    /// Where it looks for programs.
    pub(super) path_env: Option<String>,
}

impl Declared {
    /// Reads it off a connect request; `None` for what is no node. Commands that are not on the
    /// platform's list are dropped without a word (protocol §10).
    pub(super) fn of(params: &ConnectParams, policy: &CommandPolicy) -> Option<Self> {
        if params.role != Some(Role::Node) {
            return None;
        }
        let words = |name: &str| -> Vec<String> {
            params
                .extra
                .get(name)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|word| word.as_str().map(str::to_owned))
                .take(MOST_DECLARED)
                .collect()
        };
        let platform = &params.client.platform;
        Some(Self {
            caps: once_each(params.caps.clone().unwrap_or_default()),
            commands: once_each(words("commands"))
                .into_iter()
                .filter(|command| policy.admits(platform, command).is_ok())
                .collect(),
            permissions: params
                .extra
                .get("permissions")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .filter(|(_, held)| held.is_boolean())
                .take(MOST_DECLARED)
                .map(|(name, held)| (name.clone(), held.clone()))
                .collect(),
            path_env: params
                .extra
                .get("pathEnv")
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
    }

    /// Returns whether this goes beyond what was approved.
    fn exceeds(&self, approved: Option<&NodeSurface>) -> bool {
        let Some(approved) = approved else {
            return true;
        };
        let within = |declared: &[String], approved: &[String]| {
            declared.iter().all(|word| approved.contains(word))
        };
        !within(&self.caps, &approved.caps) || !within(&self.commands, &approved.commands)
    }
}

fn once_each(words: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    words
        .into_iter()
        .take(MOST_DECLARED)
        .filter(|word| !word.trim().is_empty() && seen.insert(word.clone()))
        .collect()
}

/// A node that is connected.
#[derive(Debug, Clone)]
pub(super) struct Live {
    /// Its connection.
    pub(super) peer: Arc<Peer>,
    /// What it declared at hello.
    pub(super) declared: Declared,
    /// How its machine was when it last said so.
    pub(super) host_stats: Option<Value>,
    /// Tools of its plugins, as it described them.
    pub(super) plugin_tools: Value,
    /// The conversations it follows.
    follows: HashSet<SessionKey>,
}

/// Every node that is connected, and what it was asked to do.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    live: Mutex<HashMap<NodeId, Live>>,
    /// What nodes are doing for somebody.
    pub(super) invocations: Invocations,
}

impl Nodes {
    /// Returns a node, if it is connected.
    pub(super) fn live(&self, node: &NodeId) -> Option<Live> {
        super::held(&self.live).get(node).cloned()
    }

    /// Returns every node that is connected.
    pub(super) fn all(&self) -> HashMap<NodeId, Live> {
        super::held(&self.live).clone()
    }

    /// Changes what is known of the node behind a connection; `None` when that is another one now.
    pub(super) fn with<T>(&self, peer: &Peer, change: impl FnOnce(&mut Live) -> T) -> Option<T> {
        let node = id_of(peer)?;
        super::held(&self.live)
            .get_mut(&node)
            .filter(|live| live.peer.facts.conn_id == peer.facts.conn_id)
            .map(change)
    }

    /// From now on a node hears of a conversation, or no longer.
    pub(super) fn follow(&self, peer: &Peer, key: SessionKey, on: bool) {
        self.with(peer, |live| {
            if on {
                live.follows.insert(key);
            } else {
                live.follows.remove(&key);
            }
        });
    }

    /// A node's abilities were taken away: it follows nothing any more, and what it was asked to do
    /// counts no longer.
    pub(super) fn disown(&self, node: &NodeId) {
        if let Some(live) = super::held(&self.live).get_mut(node) {
            live.follows.clear();
        }
        self.invocations.abandon(|asked, _| asked == node);
    }

    /// Tells the nodes that follow a conversation; such events do not count (protocol §1).
    pub(super) fn tell_followers(&self, key: &SessionKey, announcement: &Announcement) {
        for live in super::held(&self.live).values() {
            if live.follows.contains(key) {
                live.peer.mailbox.tell(announcement);
            }
        }
    }

    /// A connection has ended.
    pub(super) fn left(&self, peer: &Peer) {
        let Some(node) = id_of(peer) else {
            return;
        };
        let conn: &ConnId = &peer.facts.conn_id;
        let mut live = super::held(&self.live);
        if live
            .get(&node)
            .is_some_and(|live| live.peer.facts.conn_id == *conn)
        {
            live.remove(&node);
        }
        drop(live);
        self.invocations.abandon(|_, asked| asked == conn);
    }
}

/// Returns which node a connection is.
pub(super) fn id_of(peer: &Peer) -> Option<NodeId> {
    match (&peer.facts.role, &peer.facts.device) {
        (Role::Node, Some(device)) => Some(device.as_str().into()),
        (Role::Node | Role::Operator | Role::Other(_), _) => None,
    }
}

/// A node has said hello: it is told what wakes the assistant, and asks for what it declares
/// (protocol §9, §10).
pub(super) async fn joined(gateway: &Arc<State>, peer: &Arc<Peer>, declared: Declared) {
    let Some(node) = id_of(peer) else {
        return;
    };
    let live = Live {
        peer: peer.clone(),
        declared,
        host_stats: None,
        plugin_tools: json!([]),
        follows: HashSet::new(),
    };
    let before = super::held(&gateway.nodes.live).insert(node.clone(), live.clone());
    if let Some(before) = before {
        // One machine, one node: what the older connection was asked is not answered any more.
        let conn = before.peer.facts.conn_id.clone();
        gateway.nodes.invocations.abandon(|_, asked| *asked == conn);
    }
    if let Err(problem) = welcome(gateway, &node, &live).await {
        tracing::error!(%problem, "a node's abilities could not be looked up");
    }
}

async fn welcome(gateway: &Arc<State>, node: &NodeId, live: &Live) -> Result<(), StoreError> {
    let triggers = voice_wake::triggers(&gateway.store).await?;
    let tell = |event: &'static str, payload: &Value| {
        live.peer.mailbox.tell(&Announcement::new(event, payload));
    };
    tell("voicewake.changed", &triggers);
    tell(
        "voicewake.routing.changed",
        &json!({"config": voice_wake::routing()}),
    );
    ask_for_surface(gateway, node, live).await
}

/// Puts down what a node asks for beyond what was approved, or withdraws an older request.
async fn ask_for_surface(
    gateway: &Arc<State>,
    node: &NodeId,
    live: &Live,
) -> Result<(), StoreError> {
    let approved = surface_of(gateway, node).await?;
    if !live.declared.exceeds(approved.as_ref()) {
        for pending in gateway.store.pending_surfaces().await? {
            if pending.node_id == *node {
                gateway.store.reject_surface(&pending.request_id).await?;
                resolved(gateway, &pending.request_id, node, "rejected");
            }
        }
        return Ok(());
    }
    let requested = gateway
        .store
        .request_surface(PendingSurface {
            request_id: PairingRequestId::from(uuid::Uuid::new_v4().to_string()),
            node_id: node.clone(),
            caps: live.declared.caps.clone(),
            commands: live.declared.commands.clone(),
            permissions: live.declared.permissions.clone(),
            created_at_ms: now_ms(),
        })
        .await?;
    if let Some(replaced) = &requested.replaced {
        resolved(gateway, replaced, node, "rejected");
    }
    if requested.is_new {
        let record = gateway.store.device(&node.as_str().into()).await?;
        let shown = view::pending(&requested.standing, record.as_ref(), Some(live));
        gateway.announce("node.pair.requested", &shown, |peer| {
            peer.facts.may(&Scope::Pairing)
        });
    }
    Ok(())
}

/// Returns what was approved of a node.
pub(super) async fn surface_of(
    gateway: &State,
    node: &NodeId,
) -> Result<Option<NodeSurface>, StoreError> {
    let surfaces = gateway.store.node_surfaces().await?;
    Ok(surfaces.into_iter().find(|known| known.node_id == *node))
}

/// Tells the node and whoever may approve nodes what was decided.
pub(super) fn resolved(
    gateway: &State,
    request_id: &PairingRequestId,
    node: &NodeId,
    decision: &str,
) {
    let payload = json!({
        "requestId": request_id, "nodeId": node, "decision": decision, "ts": now_ms(),
    });
    gateway.announce("node.pair.resolved", &payload, |peer| {
        peer.facts.may(&Scope::Pairing)
    });
    if let Some(live) = gateway.nodes.live(node) {
        live.peer
            .mailbox
            .tell(&Announcement::new("node.pair.resolved", &payload));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(caps: &[&str], commands: &[&str]) -> Declared {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Declared {
            caps: owned(caps),
            commands: owned(commands),
            ..Declared::default()
        }
    }

    fn approved(caps: &[&str], commands: &[&str]) -> NodeSurface {
        let declared = declared(caps, commands);
        NodeSurface {
            node_id: "n".into(),
            caps: declared.caps,
            commands: declared.commands,
            permissions: Map::new(),
            approved_at_ms: 1,
        }
    }

    #[test]
    fn a_node_asks_again_only_for_more_than_it_has() {
        let has = approved(&["system"], &["system.notify", "system.run"]);

        assert!(declared(&[], &[]).exceeds(None));
        assert!(!declared(&["system"], &["system.notify"]).exceeds(Some(&has)));
        assert!(declared(&["canvas"], &[]).exceeds(Some(&has)));
        assert!(declared(&[], &["system.which"]).exceeds(Some(&has)));
    }

    #[test]
    fn what_a_node_declares_is_cut_to_its_platform_and_read_with_care() {
        let params: ConnectParams = serde_json::from_value(json!({
            "minProtocol": 4, "maxProtocol": 4, "role": "node",
            "client": {"id": "node-host", "version": "1", "platform": "linux", "mode": "node"},
            "caps": ["system", "system", " "],
            "commands": ["system.notify", "camera.snap", 7, "system.notify"],
            "permissions": {"notifications": true, "odd": "yes"},
            "pathEnv": "/usr/bin",
        }))
        .unwrap();

        let declared = Declared::of(&params, &CommandPolicy::default()).unwrap();

        assert_eq!(declared.caps, ["system"]);
        assert_eq!(declared.commands, ["system.notify"]);
        assert_eq!(
            Value::Object(declared.permissions),
            json!({"notifications": true})
        );
        assert_eq!(declared.path_env.as_deref(), Some("/usr/bin"));
    }
}
