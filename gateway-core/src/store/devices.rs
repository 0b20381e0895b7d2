//! Devices that may connect.

use super::value::Json;
use super::{Store, StoreError};
use crate::protocol::DeviceId;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// A device that may connect.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceRecord {
    /// Which device: the SHA-256 of its public key in lowercase hex.
    pub device_id: DeviceId,
    /// Its public key in base64url.
    pub public_key: String,
    /// What it calls itself.
    pub display_name: Option<String>,
    /// Its operating system; pinned, a change needs a new approval.
    pub platform: Option<String>,
    /// What kind of machine it is; pinned as well.
    pub device_family: Option<String>,
    /// Which kind of client it is.
    pub client_id: Option<String>,
    /// How that client is used.
    pub client_mode: Option<String>,
    /// What it may be connected as.
    pub roles: Vec<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// `silent`, `owner` …
    pub approved_via: String,
    /// When it was first let in.
    pub created_at_ms: u64,
    /// When it was last let in.
    pub approved_at_ms: u64,
    /// When it was last connected.
    pub last_seen_at_ms: Option<u64>,
    /// The name its owner gave it.
    pub label: Option<String>,
}

const COLUMNS: &str = "device_id, public_key, display_name, platform, device_family, client_id, \
     client_mode, roles, scopes, approved_via, created_at_ms, approved_at_ms, last_seen_at_ms, \
     label";

impl Store {
    /// Returns one device; `None` when it may not connect.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn device(&self, device_id: &DeviceId) -> Result<Option<DeviceRecord>, StoreError> {
        let device_id = device_id.clone();
        self.read(move |database| find(database, &device_id)).await
    }

    /// Returns every device that may connect, first come first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn devices(&self) -> Result<Vec<DeviceRecord>, StoreError> {
        self.read(|database| {
            Ok(database
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM device ORDER BY created_at_ms, device_id"
                ))?
                .query_map([], read)?
                .collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Lets a device connect, or replaces what is known of it. Its pending request is settled.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn put_device(&self, device: DeviceRecord) -> Result<(), StoreError> {
        self.write(move |database| {
            database
                .prepare_cached("DELETE FROM pending_pairing WHERE device_id = ?1")?
                .execute([&device.device_id])?;
            save(database, &device)
        })
        .await
    }

    /// Notes that a device was connected; returns whether it is known.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn saw_device(&self, device_id: &DeviceId, at_ms: u64) -> Result<bool, StoreError> {
        let device_id = device_id.clone();
        self.write(move |database| {
            let changed = database
                .prepare_cached(
                    "UPDATE device SET last_seen_at_ms = max(coalesce(last_seen_at_ms, 0), ?2)
                     WHERE device_id = ?1",
                )?
                .execute(params![device_id, at_ms])?;
            Ok(changed > 0)
        })
        .await
    }

    /// Names a device, or takes its name away; returns whether it is known.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn label_device(
        &self,
        device_id: &DeviceId,
        label: Option<String>,
    ) -> Result<bool, StoreError> {
        let device_id = device_id.clone();
        self.write(move |database| {
            let changed = database
                .prepare_cached("UPDATE device SET label = ?2 WHERE device_id = ?1")?
                .execute(params![device_id, label])?;
            Ok(changed > 0)
        })
        .await
    }

    /// Takes a device's permission away with its tokens, its request and, as a node, its abilities.
    ///
    /// Returns what was known of it; `None` when it was not known.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn remove_device(
        &self,
        device_id: &DeviceId,
    ) -> Result<Option<DeviceRecord>, StoreError> {
        let device_id = device_id.clone();
        self.write(move |database| {
            let device = find(database, &device_id)?;
            // A node's id is its device's. Let in again, it must ask for its abilities again.
            for statement in [
                "DELETE FROM device WHERE device_id = ?1",
                "DELETE FROM pending_pairing WHERE device_id = ?1",
                "DELETE FROM pending_surface WHERE node_id = ?1",
                "DELETE FROM node_surface WHERE node_id = ?1",
            ] {
                database.prepare_cached(statement)?.execute([&device_id])?;
            }
            Ok(device)
        })
        .await
    }
}

pub(super) fn find(
    database: &Connection,
    device_id: &DeviceId,
) -> Result<Option<DeviceRecord>, StoreError> {
    Ok(database
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM device WHERE device_id = ?1"
        ))?
        .query_row([device_id], read)
        .optional()?)
}

/// Updates in place where the device is known: replacing the row would take its tokens along.
pub(super) fn save(database: &Connection, device: &DeviceRecord) -> Result<(), StoreError> {
    database
        .prepare_cached(&format!(
            "INSERT INTO device ({COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (device_id) DO UPDATE SET public_key = ?2, display_name = ?3,
             platform = ?4, device_family = ?5, client_id = ?6, client_mode = ?7, roles = ?8,
             scopes = ?9, approved_via = ?10, created_at_ms = ?11, approved_at_ms = ?12,
             last_seen_at_ms = ?13, label = ?14"
        ))?
        .execute(params![
            device.device_id,
            device.public_key,
            device.display_name,
            device.platform,
            device.device_family,
            device.client_id,
            device.client_mode,
            Json(&device.roles),
            Json(&device.scopes),
            device.approved_via,
            device.created_at_ms,
            device.approved_at_ms,
            device.last_seen_at_ms,
            device.label,
        ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<DeviceRecord> {
    Ok(DeviceRecord {
        device_id: row.get("device_id")?,
        public_key: row.get("public_key")?,
        display_name: row.get("display_name")?,
        platform: row.get("platform")?,
        device_family: row.get("device_family")?,
        client_id: row.get("client_id")?,
        client_mode: row.get("client_mode")?,
        roles: row.get::<_, Json<_>>("roles")?.0,
        scopes: row.get::<_, Json<_>>("scopes")?.0,
        approved_via: row.get("approved_via")?,
        created_at_ms: row.get("created_at_ms")?,
        approved_at_ms: row.get("approved_at_ms")?,
        last_seen_at_ms: row.get("last_seen_at_ms")?,
        label: row.get("label")?,
    })
}
