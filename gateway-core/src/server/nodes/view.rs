//! Nodes as lists and events show them (protocol §10).

use super::super::State;
use super::super::clock::now_ms;
use super::super::handshake::words_of;
use super::commands::approve_scopes;
use super::{Live, surface_of};
use crate::protocol::NodeId;
use crate::store::{DeviceRecord, NodeSurface, PendingSurface, StoreError};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Everything known of one node.
#[derive(Debug)]
pub(in super::super) struct Node {
    /// Which.
    pub(in super::super) id: NodeId,
    /// It as a device.
    pub(in super::super) record: DeviceRecord,
    /// What was approved of it.
    pub(in super::super) surface: Option<NodeSurface>,
    /// What waits for approval.
    pub(in super::super) pending: Option<PendingSurface>,
    /// It as it is connected.
    pub(in super::super) live: Option<Live>,
}

impl Node {
    /// Returns what people call it.
    pub(in super::super) fn name(&self) -> Option<&str> {
        name(&self.record, self.live.as_ref())
    }

    /// Returns the commands that may be asked of it: approved, and still declared by it.
    pub(in super::super) fn commands(&self) -> Vec<String> {
        let approved = self.surface.as_ref().map(|surface| &surface.commands);
        usable(
            approved,
            self.live.as_ref().map(|live| &live.declared.commands),
        )
    }

    /// Writes it as `node.list` and `node.describe` do.
    pub(in super::super) fn entry(&self) -> Map<String, Value> {
        let surface = self.surface.as_ref();
        let declared = self.live.as_ref().map(|live| &live.declared);
        let mut caps = usable(
            surface.map(|surface| &surface.caps),
            declared.map(|declared| &declared.caps),
        );
        caps.sort();
        let state = match (&self.pending, surface) {
            (Some(_), _) => "pending-approval",
            (None, Some(_)) => "approved",
            (None, None) => "unapproved",
        };
        let mut entry = about(&self.id, &self.record, self.live.as_ref());
        put(&mut entry, "caps", Some(caps));
        put(&mut entry, "commands", Some(self.commands()));
        put(&mut entry, "sessionHost", Some(false));
        let tools = self.live.as_ref().map(|live| live.plugin_tools.clone());
        put(
            &mut entry,
            "nodePluginTools",
            Some(tools.unwrap_or_else(|| json!([]))),
        );
        put(
            &mut entry,
            "pathEnv",
            declared.and_then(|declared| declared.path_env.as_ref()),
        );
        put(
            &mut entry,
            "permissions",
            surface.and_then(|surface| told(&surface.permissions)),
        );
        put(&mut entry, "approvalState", Some(state));
        if let Some(pending) = &self.pending {
            let mut caps = pending.caps.clone();
            caps.sort();
            put(&mut entry, "pendingRequestId", Some(&pending.request_id));
            put(&mut entry, "pendingDeclaredCaps", Some(caps));
            put(
                &mut entry,
                "pendingDeclaredCommands",
                Some(&pending.commands),
            );
            put(
                &mut entry,
                "pendingDeclaredPermissions",
                told(&pending.permissions),
            );
        }
        let since = self.live.as_ref().map(|live| live.peer.facts.since_ms);
        put(&mut entry, "connectedAtMs", since);
        let seen = since.or(self.record.last_seen_at_ms);
        put(&mut entry, "lastConnectedAtMs", seen);
        put(&mut entry, "lastSeenAtMs", seen);
        put(&mut entry, "lastSeenReason", Some("connect"));
        let approved_at = surface.map_or(self.record.approved_at_ms, |known| known.approved_at_ms);
        put(&mut entry, "approvedAtMs", Some(approved_at));
        put(
            &mut entry,
            "hostStats",
            self.live.as_ref().and_then(|live| live.host_stats.as_ref()),
        );
        put(&mut entry, "paired", Some(true));
        put(&mut entry, "connected", Some(self.live.is_some()));
        entry
    }

    /// Writes it as `node.pair.list` does under `paired`; `None` while nothing was approved.
    pub(in super::super) fn paired(&self) -> Option<Map<String, Value>> {
        let surface = self.surface.as_ref()?;
        let mut entry = about(&self.id, &self.record, self.live.as_ref());
        put(&mut entry, "caps", Some(&surface.caps));
        put(&mut entry, "commands", Some(&surface.commands));
        put(&mut entry, "permissions", told(&surface.permissions));
        put(&mut entry, "createdAtMs", Some(self.record.created_at_ms));
        put(&mut entry, "approvedAtMs", Some(surface.approved_at_ms));
        let since = self.live.as_ref().map(|live| live.peer.facts.since_ms);
        let connected = since.or(self.record.last_seen_at_ms);
        put(&mut entry, "lastConnectedAtMs", connected);
        put(&mut entry, "lastSeenAtMs", self.record.last_seen_at_ms);
        put(&mut entry, "lastSeenReason", Some("connect"));
        put(
            &mut entry,
            "lastHostStats",
            self.live.as_ref().and_then(|live| live.host_stats.as_ref()),
        );
        Some(entry)
    }

    /// Writes what was approved of it as `device.pair.list` does within the entry of its device.
    pub(in super::super) fn on_its_device(&self) -> Option<Map<String, Value>> {
        const MEMBERS: [&str; 8] = [
            "displayName",
            "version",
            "caps",
            "commands",
            "permissions",
            "createdAtMs",
            "approvedAtMs",
            "lastHostStats",
        ];
        let mut entry = self.paired()?;
        entry.retain(|name, _| MEMBERS.contains(&name.as_str()));
        put(&mut entry, "sessionHost", Some(false));
        Some(entry)
    }
}

/// Returns permissions where there are any. Whoever has none says nothing of them (protocol §10).
fn told(permissions: &Map<String, Value>) -> Option<&Map<String, Value>> {
    Some(permissions).filter(|permissions| !permissions.is_empty())
}

/// Returns what is both approved and declared; of a node that is away, what was approved.
fn usable(approved: Option<&Vec<String>>, declared: Option<&Vec<String>>) -> Vec<String> {
    match (approved, declared) {
        (None, _) => Vec::new(),
        (Some(approved), None) => approved.clone(),
        (Some(approved), Some(declared)) => declared
            .iter()
            .filter(|word| approved.contains(word))
            .cloned()
            .collect(),
    }
}

fn name<'a>(record: &'a DeviceRecord, live: Option<&'a Live>) -> Option<&'a str> {
    let told = live.and_then(|live| live.peer.facts.client.display_name.as_deref());
    record
        .label
        .as_deref()
        .or(told)
        .or(record.display_name.as_deref())
}

fn about(id: &NodeId, record: &DeviceRecord, live: Option<&Live>) -> Map<String, Value> {
    let mut entry = Map::new();
    put(&mut entry, "nodeId", Some(id));
    put(&mut entry, "displayName", name(record, live));
    put(&mut entry, "platform", record.platform.as_ref());
    put(
        &mut entry,
        "version",
        live.map(|live| &live.peer.facts.client.version),
    );
    // A device may be an operator as well; what it is as a node, its connection knows.
    let client = live.map(|live| &live.peer.facts.client);
    put(
        &mut entry,
        "clientId",
        client
            .map(|client| &client.id)
            .or(record.client_id.as_ref()),
    );
    put(
        &mut entry,
        "clientMode",
        client
            .map(|client| &client.mode)
            .or(record.client_mode.as_ref()),
    );
    put(&mut entry, "deviceFamily", record.device_family.as_ref());
    entry
}

/// Writes a request for abilities as `node.pair.list` and `node.pair.requested` do.
pub(in super::super) fn pending(
    pending: &PendingSurface,
    record: Option<&DeviceRecord>,
    live: Option<&Live>,
) -> Map<String, Value> {
    let mut entry = match record {
        Some(record) => about(&pending.node_id, record, live),
        None => Map::new(),
    };
    put(&mut entry, "requestId", Some(&pending.request_id));
    put(&mut entry, "nodeId", Some(&pending.node_id));
    put(&mut entry, "caps", Some(&pending.caps));
    put(&mut entry, "commands", Some(&pending.commands));
    put(
        &mut entry,
        "requiredApproveScopes",
        Some(words_of(&approve_scopes(&pending.commands))),
    );
    put(&mut entry, "permissions", told(&pending.permissions));
    let silent = record.is_some_and(|record| record.approved_via == "silent");
    put(&mut entry, "silent", Some(silent));
    put(&mut entry, "ts", Some(pending.created_at_ms));
    entry
}

/// Adds a member, if there is a value for it.
pub(in super::super) fn put(
    entry: &mut Map<String, Value>,
    name: &str,
    value: Option<impl Serialize>,
) {
    // Strings, numbers and JSON values only; none of them can fail to serialise.
    if let Some(value) = value {
        entry.insert(
            name.to_owned(),
            serde_json::to_value(value).unwrap_or_default(),
        );
    }
}

/// Returns every node, first come first.
pub(in super::super) async fn all(gateway: &State) -> Result<Vec<Node>, StoreError> {
    let devices = gateway.store.devices().await?;
    let mut surfaces = gateway.store.node_surfaces().await?;
    let mut pending = gateway.store.pending_surfaces().await?;
    let mut live = gateway.nodes.all();
    Ok(devices
        .into_iter()
        .filter(|device| device.roles.iter().any(|role| role == "node"))
        .map(|record| {
            let id = NodeId::from(record.device_id.as_str());
            let surface = surfaces.iter().position(|known| known.node_id == id);
            let asked = pending.iter().position(|asked| asked.node_id == id);
            Node {
                surface: surface.map(|at| surfaces.swap_remove(at)),
                pending: asked.map(|at| pending.swap_remove(at)),
                live: live.remove(&id),
                record,
                id,
            }
        })
        .collect())
}

/// Returns one node; `None` when there is none of that id.
pub(in super::super) async fn one(
    gateway: &State,
    id: &NodeId,
) -> Result<Option<Node>, StoreError> {
    let Some(record) = gateway.store.device(&id.as_str().into()).await? else {
        return Ok(None);
    };
    if !record.roles.iter().any(|role| role == "node") {
        return Ok(None);
    }
    let pending = gateway.store.pending_surfaces().await?;
    Ok(Some(Node {
        surface: surface_of(gateway, id).await?,
        pending: pending.into_iter().find(|asked| asked.node_id == *id),
        live: gateway.nodes.live(id),
        record,
        id: id.clone(),
    }))
}

/// Returns every node, as `node.list` and the agents' tool tell it.
pub(in super::super) async fn listed(gateway: &State) -> Result<Value, StoreError> {
    let nodes = all(gateway).await?;
    let entries: Vec<_> = nodes.iter().map(Node::entry).collect();
    Ok(json!({"ts": now_ms(), "nodes": entries}))
}
