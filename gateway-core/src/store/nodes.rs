//! What nodes may offer: the abilities they ask for and those that were approved.

use super::value::Json;
use super::{Requested, Store, StoreError};
use crate::protocol::{NodeId, PairingRequestId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
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

impl PendingSurface {
    fn asks_the_same(&self, other: &Self) -> bool {
        self.caps == other.caps
            && self.commands == other.commands
            && self.permissions == other.permissions
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

const PENDING: &str = "request_id, node_id, caps, commands, permissions, created_at_ms";
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
        self.write(move |database| {
            let before = database
                .prepare_cached(&format!(
                    "SELECT {PENDING} FROM pending_surface WHERE node_id = ?1"
                ))?
                .query_row([&request.node_id], read_pending)
                .optional()?;
            let replaced = match before {
                Some(before) if before.asks_the_same(&request) => {
                    return Ok(Requested {
                        standing: before,
                        is_new: false,
                        replaced: None,
                    });
                }
                Some(before) => {
                    take(database, &before.request_id)?;
                    Some(before.request_id)
                }
                None => None,
            };
            insert(database, &request)?;
            Ok(Requested {
                standing: request,
                is_new: true,
                replaced,
            })
        })
        .await
    }

    /// Returns the requests of nodes that wait, first come first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn pending_surfaces(&self) -> Result<Vec<PendingSurface>, StoreError> {
        self.read(|database| {
            Ok(database
                .prepare_cached(&format!(
                    "SELECT {PENDING} FROM pending_surface ORDER BY created_at_ms, request_id"
                ))?
                .query_map([], read_pending)?
                .collect::<Result<_, _>>()?)
        })
        .await
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
            let Some(request) = take(database, &request_id)? else {
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
        self.write(move |database| take(database, &request_id))
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

fn take(
    database: &Connection,
    request_id: &PairingRequestId,
) -> Result<Option<PendingSurface>, StoreError> {
    Ok(database
        .prepare_cached(&format!(
            "DELETE FROM pending_surface WHERE request_id = ?1 RETURNING {PENDING}"
        ))?
        .query_row([request_id], read_pending)
        .optional()?)
}

fn insert(database: &Connection, request: &PendingSurface) -> Result<(), StoreError> {
    database
        .prepare_cached(&format!(
            "INSERT INTO pending_surface ({PENDING}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        ))?
        .execute(params![
            request.request_id,
            request.node_id,
            Json(&request.caps),
            Json(&request.commands),
            Json(&request.permissions),
            request.created_at_ms,
        ])?;
    Ok(())
}

fn read_pending(row: &Row<'_>) -> rusqlite::Result<PendingSurface> {
    Ok(PendingSurface {
        request_id: row.get("request_id")?,
        node_id: row.get("node_id")?,
        caps: row.get::<_, Json<_>>("caps")?.0,
        commands: row.get::<_, Json<_>>("commands")?.0,
        permissions: row.get::<_, Json<_>>("permissions")?.0,
        created_at_ms: row.get("created_at_ms")?,
    })
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
