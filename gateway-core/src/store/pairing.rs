//! Devices that ask to connect: at most one request each.

use super::devices::{self, DeviceRecord};
use super::value::Json;
use super::waiting::{self, WaitingRequest};
use super::{Requested, Store, StoreError};
use crate::protocol::{DeviceId, PairingRequestId};
use rusqlite::{Row, Statement, params};

/// A device that asks to connect.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingPairing {
    /// What to approve or refuse.
    pub request_id: PairingRequestId,
    /// Which device.
    pub device_id: DeviceId,
    /// Its public key in base64url.
    pub public_key: String,
    /// What it calls itself.
    pub display_name: Option<String>,
    /// Its operating system.
    pub platform: Option<String>,
    /// What kind of machine it is.
    pub device_family: Option<String>,
    /// Which kind of client asks.
    pub client_id: Option<String>,
    /// How that client is used.
    pub client_mode: Option<String>,
    /// The role it asks for.
    pub role: String,
    /// The scopes it asks for.
    pub scopes: Vec<String>,
    /// Where it connects from.
    pub remote_ip: Option<String>,
    /// `not-paired`, `scope-upgrade`, `role-upgrade` or `metadata-upgrade` (protocol §5).
    pub reason: String,
    /// When it asked.
    pub created_at_ms: u64,
}

impl WaitingRequest for PendingPairing {
    const TABLE: &'static str = "pending_pairing";
    const SUBJECT: &'static str = "device_id";
    const COLUMNS: &'static str = "request_id, device_id, public_key, display_name, platform, \
         device_family, client_id, client_mode, role, scopes, remote_ip, reason, created_at_ms";

    fn request_id(&self) -> &PairingRequestId {
        &self.request_id
    }

    fn subject(&self) -> &str {
        self.device_id.as_str()
    }

    fn asks_the_same(&self, other: &Self) -> bool {
        let newer = Self {
            request_id: self.request_id.clone(),
            created_at_ms: self.created_at_ms,
            // Where it comes from is shown, and does not change what is granted.
            remote_ip: self.remote_ip.clone(),
            ..other.clone()
        };
        newer == *self
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            request_id: row.get("request_id")?,
            device_id: row.get("device_id")?,
            public_key: row.get("public_key")?,
            display_name: row.get("display_name")?,
            platform: row.get("platform")?,
            device_family: row.get("device_family")?,
            client_id: row.get("client_id")?,
            client_mode: row.get("client_mode")?,
            role: row.get("role")?,
            scopes: row.get::<_, Json<_>>("scopes")?.0,
            remote_ip: row.get("remote_ip")?,
            reason: row.get("reason")?,
            created_at_ms: row.get("created_at_ms")?,
        })
    }

    fn insert(&self, statement: &mut Statement<'_>) -> rusqlite::Result<usize> {
        statement.execute(params![
            self.request_id,
            self.device_id,
            self.public_key,
            self.display_name,
            self.platform,
            self.device_family,
            self.client_id,
            self.client_mode,
            self.role,
            Json(&self.scopes),
            self.remote_ip,
            self.reason,
            self.created_at_ms,
        ])
    }
}

impl Store {
    /// Puts a request down. One that asks the same as before changes nothing, a different one
    /// takes the older one's place.
    ///
    /// # Errors
    ///
    /// Fails when the request's id is taken or the database fails.
    pub async fn request_pairing(
        &self,
        request: PendingPairing,
    ) -> Result<Requested<PendingPairing>, StoreError> {
        self.write(move |database| waiting::put_down(database, request))
            .await
    }

    /// Returns the requests that wait, first come first.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn pending_pairings(&self) -> Result<Vec<PendingPairing>, StoreError> {
        self.read(waiting::all).await
    }

    /// Lets the device of a request connect, with what it asked for added to what it had.
    ///
    /// Returns the device; `None` when there is no such request.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn approve_pairing(
        &self,
        request_id: &PairingRequestId,
        approved_via: String,
        at_ms: u64,
    ) -> Result<Option<DeviceRecord>, StoreError> {
        let request_id = request_id.clone();
        self.write(move |database| {
            let Some(request) = waiting::take::<PendingPairing>(database, &request_id)? else {
                return Ok(None);
            };
            let known = devices::find(database, &request.device_id)?;
            let device = approved(request, known, approved_via, at_ms);
            devices::save(database, &device)?;
            Ok(Some(device))
        })
        .await
    }

    /// Takes a refused request back; `None` when there is no such request.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn reject_pairing(
        &self,
        request_id: &PairingRequestId,
    ) -> Result<Option<PendingPairing>, StoreError> {
        let request_id = request_id.clone();
        self.write(move |database| waiting::take(database, &request_id))
            .await
    }

    /// Takes the requests back that are older than `before_ms`, and returns them.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn expire_pairings(&self, before_ms: u64) -> Result<Vec<PendingPairing>, StoreError> {
        self.write(move |database| waiting::take_older(database, before_ms))
            .await
    }
}

fn approved(
    request: PendingPairing,
    known: Option<DeviceRecord>,
    approved_via: String,
    at_ms: u64,
) -> DeviceRecord {
    let mut device = known.unwrap_or_else(|| DeviceRecord {
        device_id: request.device_id,
        public_key: String::new(),
        display_name: None,
        platform: None,
        device_family: None,
        client_id: None,
        client_mode: None,
        roles: Vec::new(),
        scopes: Vec::new(),
        approved_via: String::new(),
        created_at_ms: at_ms,
        approved_at_ms: at_ms,
        last_seen_at_ms: None,
        label: None,
    });
    device.public_key = request.public_key;
    device.display_name = request.display_name;
    device.platform = request.platform;
    device.device_family = request.device_family;
    device.client_id = request.client_id;
    device.client_mode = request.client_mode;
    device.approved_via = approved_via;
    device.approved_at_ms = at_ms;
    if !device.roles.contains(&request.role) {
        device.roles.push(request.role);
    }
    for scope in request.scopes {
        if !device.scopes.contains(&scope) {
            device.scopes.push(scope);
        }
    }
    device
}
