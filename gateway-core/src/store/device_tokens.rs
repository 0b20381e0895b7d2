//! Tokens of devices, one for each role: at rest there is only a hash of them.

use super::value::Json;
use super::{Store, StoreError};
use crate::credentials::secret::DeviceToken;
use crate::protocol::DeviceId;
use rusqlite::{OptionalExtension as _, Row, params};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The SHA-256 of a device token.
///
/// A token is 256 random bits, so a plain hash tells nobody anything, and looking it up by its
/// hash leaks no timing of the token itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DeviceTokenHash([u8; 32]);

impl DeviceTokenHash {
    /// Hashes a token.
    pub fn of(token: &DeviceToken) -> Self {
        Self(Sha256::digest(token.expose().as_bytes()).into())
    }
}

impl fmt::Debug for DeviceTokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceTokenHash(***)")
    }
}

/// A token to store.
#[derive(Debug, Clone)]
pub struct NewDeviceToken {
    /// Which device.
    pub device_id: DeviceId,
    /// The role it is for.
    pub role: String,
    /// Its hash.
    pub hash: DeviceTokenHash,
    /// What it allows.
    pub scopes: Vec<String>,
    /// When it was issued.
    pub at_ms: u64,
}

/// A token, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceTokenRecord {
    /// Which device.
    pub device_id: DeviceId,
    /// The role it is for.
    pub role: String,
    /// What it allows.
    pub scopes: Vec<String>,
    /// When the first token of this device and role was issued.
    pub created_at_ms: u64,
    /// When it was replaced last.
    pub rotated_at_ms: Option<u64>,
    /// When it became invalid, if it did.
    pub revoked_at_ms: Option<u64>,
}

/// Whose a valid token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenOwner {
    /// Which device.
    pub device_id: DeviceId,
    /// The role it is for.
    pub role: String,
    /// What it allows.
    pub scopes: Vec<String>,
}

impl Store {
    /// Stores a device's token for a role; an earlier one stops working at once.
    ///
    /// # Errors
    ///
    /// Fails when the device is not known or the database fails.
    pub async fn put_device_token(&self, token: NewDeviceToken) -> Result<(), StoreError> {
        self.write(move |database| {
            if super::devices::find(database, &token.device_id)?.is_none() {
                return Err(StoreError::missing("device", &token.device_id));
            }
            database
                .prepare_cached(
                    "INSERT INTO device_token (device_id, role, hash, scopes, created_at_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (device_id, role) DO UPDATE SET hash = ?3, scopes = ?4,
                     rotated_at_ms = ?5, revoked_at_ms = NULL",
                )?
                .execute(params![
                    token.device_id,
                    token.role,
                    token.hash.0,
                    Json(&token.scopes),
                    token.at_ms,
                ])?;
            Ok(())
        })
        .await
    }

    /// Makes a device's token for a role invalid; returns whether there was a valid one.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn revoke_device_token(
        &self,
        device_id: &DeviceId,
        role: String,
        at_ms: u64,
    ) -> Result<bool, StoreError> {
        let device_id = device_id.clone();
        self.write(move |database| {
            let changed = database
                .prepare_cached(
                    "UPDATE device_token SET revoked_at_ms = ?3
                     WHERE device_id = ?1 AND role = ?2 AND revoked_at_ms IS NULL",
                )?
                .execute(params![device_id, role, at_ms])?;
            Ok(changed > 0)
        })
        .await
    }

    /// Returns whose token this is; `None` for one that is unknown, replaced or revoked.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn token_of(&self, hash: DeviceTokenHash) -> Result<Option<TokenOwner>, StoreError> {
        self.read(move |database| {
            Ok(database
                .prepare_cached(
                    "SELECT device_id, role, scopes FROM device_token
                     WHERE hash = ?1 AND revoked_at_ms IS NULL",
                )?
                .query_row([hash.0], |row| {
                    Ok(TokenOwner {
                        device_id: row.get("device_id")?,
                        role: row.get("role")?,
                        scopes: row.get::<_, Json<_>>("scopes")?.0,
                    })
                })
                .optional()?)
        })
        .await
    }

    /// Returns every token, revoked ones as well, without the secrets.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub async fn device_tokens(&self) -> Result<Vec<DeviceTokenRecord>, StoreError> {
        self.read(|database| {
            Ok(database
                .prepare_cached(
                    "SELECT device_id, role, scopes, created_at_ms, rotated_at_ms, revoked_at_ms
                     FROM device_token ORDER BY device_id, role",
                )?
                .query_map([], read)?
                .collect::<Result<_, _>>()?)
        })
        .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<DeviceTokenRecord> {
    Ok(DeviceTokenRecord {
        device_id: row.get("device_id")?,
        role: row.get("role")?,
        scopes: row.get::<_, Json<_>>("scopes")?.0,
        created_at_ms: row.get("created_at_ms")?,
        rotated_at_ms: row.get("rotated_at_ms")?,
        revoked_at_ms: row.get("revoked_at_ms")?,
    })
}
