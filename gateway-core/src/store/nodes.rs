//! What nodes may offer: the abilities they ask for and those that were approved.

use super::value::Json;
use super::waiting::{self, WaitingRequest};
use super::{Requested, Store, StoreError};
use crate::protocol::{NodeId, PairingRequestId};
use rusqlite::{Row, Statement, params};
use serde_json::{Map, Value};

/// The abilities a node asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingSurface {
    /// What to approve or refuse.
    pub request_id: PairingRequestId,
    /// Which node.
    pub node_id: NodeId,
    /// Groups of abilities.
    pub caps: Vec<String>,
    /// Commands it would run.
    pub commands: Vec<String>,
    /// What its operating system lets it do.
    pub permissions: Map<String, Value>,
    /// When it asked.
    pub created_at_ms: u64,
}

impl WaitingRequest for PendingSurface {
    const TABLE: &'static str = "pending_surface";
    const SUBJECT: &'static str = "node_id";
    const COLUMNS: &'static str = "request_id, node_id, caps, commands, permissions, created_at_ms";

    fn request_id(&self) -> &PairingRequestId {
        &self.request_id
    }

    fn subject(&self) -> &str {
        self.node_id.as_str()
    }

    fn asks_the_same(&self, other: &Self) -> bool {
        self.caps == other.caps
            && self.commands == other.commands
            && self.permissions == other.permissions
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            request_id: row.get("request_id")?,
            node_id: row.get("node_id")?,
            caps: row.get::<_, Json<_>>("caps")?.0,
            commands: row.get::<_, Json<_>>("commands")?.0,
            permissions: row.get::<_, Json<_>>("permissions")?.0,
            created_at_ms: row.get("created_at_ms")?,
        })
    }

    fn insert(&self, statement: &mut Statement<'_>) -> rusqlite::Result<usize> {
        statement.execute(params![
            self.request_id,
            self.node_id,
            Json(&self.caps),
            Json(&self.commands),
            Json(&self.permissions),
            self.created_at_ms,
        ])
    }
}

/// The abilities a node was allowed to offer.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSurface {
    /// Which node.
    pub node_id: NodeId,
    /// Groups of abilities.
    pub caps: Vec<String>,
    /// Commands it runs.
    pub commands: Vec<String>,
    /// What its operating system lets it do.
    pub permissions: Map<String, Value>,
    /// When that was approved.
    pub approved_at_ms: u64,
}

const APPROVED: &str = "node_id, caps, commands, permissions, approved_at_ms";

impl Store {
    /// Puts a node's request down. One that asks the same as before changes nothing, a different
    /// one takes the older one's place.
    ///
    /// # Errors
    ///
    /// Fails when the request's id is taken or the database fails.
    pub async fn request_surface(
        &self,
        request: PendingSurface,
    ) -> Result<Requested<PendingSurface>, StoreError> {
        self.write(move |database| waiting::put_down(database, request))
            .await
    }

    /// Returns the requests of nodes that wait, first come first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn pending_surfaces(&self) -> Result<Vec<PendingSurface>, StoreError> {
        self.read(waiting::all).await
    }

    /// Lets a node offer what it asked for, in place of what it had.
    ///
    /// Returns its abilities; `None` when there is no such request.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn approve_surface(
        &self,
        request_id: &PairingRequestId,
        at_ms: u64,
    ) -> Result<Option<NodeSurface>, StoreError> {
        let request_id = request_id.clone();
        self.write(move |database| {
            let Some(request) = waiting::take::<PendingSurface>(database, &request_id)? else {
                return Ok(None);
            };
            let surface = NodeSurface {
                node_id: request.node_id,
                caps: request.caps,
                commands: request.commands,
                permissions: request.permissions,
                approved_at_ms: at_ms,
            };
            database
                .prepare_cached(&format!(
                    "INSERT OR REPLACE INTO node_surface ({APPROVED}) VALUES (?1, ?2, ?3, ?4, ?5)"
                ))?
                .execute(params![
                    surface.node_id,
                    Json(&surface.caps),
                    Json(&surface.commands),
                    Json(&surface.permissions),
                    surface.approved_at_ms,
                ])?;
            Ok(Some(surface))
        })
        .await
    }

    /// Takes a refused request back; `None` when there is no such request.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn reject_surface(
        &self,
        request_id: &PairingRequestId,
    ) -> Result<Option<PendingSurface>, StoreError> {
        let request_id = request_id.clone();
        self.write(move |database| waiting::take(database, &request_id))
            .await
    }

    /// Returns what every node may offer.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn node_surfaces(&self) -> Result<Vec<NodeSurface>, StoreError> {
        self.read(|database| {
            Ok(database
                .prepare_cached(&format!(
                    "SELECT {APPROVED} FROM node_surface ORDER BY node_id"
                ))?
                .query_map([], read_approved)?
                .collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Takes a node's abilities and its request away; returns whether it had or asked for any.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn remove_surface(&self, node_id: &NodeId) -> Result<bool, StoreError> {
        let node_id = node_id.clone();
        self.write(move |database| {
            let approved = database
                .prepare_cached("DELETE FROM node_surface WHERE node_id = ?1")?
                .execute([&node_id])?;
            let pending = database
                .prepare_cached("DELETE FROM pending_surface WHERE node_id = ?1")?
                .execute([&node_id])?;
            Ok(approved + pending > 0)
        })
        .await
    }
}

fn read_approved(row: &Row<'_>) -> rusqlite::Result<NodeSurface> {
    Ok(NodeSurface {
        node_id: row.get("node_id")?,
        caps: row.get::<_, Json<_>>("caps")?.0,
        commands: row.get::<_, Json<_>>("commands")?.0,
        permissions: row.get::<_, Json<_>>("permissions")?.0,
        approved_at_ms: row.get("approved_at_ms")?,
    })
}
