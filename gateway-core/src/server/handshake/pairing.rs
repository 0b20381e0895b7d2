//! The records of devices: between the words of the store and those of the rules.

use super::super::scopes::Approved;
use super::Caller;
use crate::protocol::PairingRequestId;
use crate::protocol::connect::{ConnectParams, DeviceProof, Role, Scope};
use crate::store::{DeviceRecord, PendingPairing};
use serde_json::{Value, json};

/// Returns what was approved for a device.
pub(super) fn approved(record: &DeviceRecord) -> Approved {
    Approved {
        roles: record
            .roles
            .iter()
            .map(|role| Role::from(role.as_str()))
            .collect(),
        scopes: scopes_of(&record.scopes),
        platform: record.platform.clone().unwrap_or_default(),
        device_family: record.device_family.clone().unwrap_or_default(),
    }
}

/// Returns scopes from their words.
pub(in super::super) fn scopes_of(words: &[String]) -> Vec<Scope> {
    words
        .iter()
        .map(|word| Scope::from(word.as_str()))
        .collect()
}

/// Returns the words of scopes.
pub(in super::super) fn words_of(scopes: &[Scope]) -> Vec<String> {
    scopes
        .iter()
        .map(|scope| scope.as_str().to_owned())
        .collect()
}

/// Returns a device's record as it is kept once it may come in.
pub(super) fn record(
    params: &ConnectParams,
    proof: &DeviceProof,
    before: Option<&DeviceRecord>,
    roles: &[Role],
    scopes: &[Scope],
    now_ms: u64,
) -> DeviceRecord {
    let client = &params.client;
    DeviceRecord {
        device_id: proof.id.clone(),
        public_key: proof.public_key.clone(),
        display_name: client.display_name.clone(),
        platform: Some(client.platform.clone()),
        device_family: client.device_family.clone(),
        client_id: Some(client.id.clone()),
        client_mode: Some(client.mode.clone()),
        roles: roles.iter().map(|role| role.as_str().to_owned()).collect(),
        scopes: words_of(scopes),
        approved_via: "silent".to_owned(),
        created_at_ms: before.map_or(now_ms, |before| before.created_at_ms),
        approved_at_ms: now_ms,
        last_seen_at_ms: Some(now_ms),
        label: before.and_then(|before| before.label.clone()),
    }
}

/// Returns the request of a device that has to be approved by somebody.
pub(super) fn request(
    params: &ConnectParams,
    proof: &DeviceProof,
    role: &Role,
    caller: &Caller,
    reason: &str,
    now_ms: u64,
) -> PendingPairing {
    let client = &params.client;
    PendingPairing {
        request_id: PairingRequestId::from(uuid::Uuid::new_v4().to_string()),
        device_id: proof.id.clone(),
        public_key: proof.public_key.clone(),
        display_name: client.display_name.clone(),
        platform: Some(client.platform.clone()),
        device_family: client.device_family.clone(),
        client_id: Some(client.id.clone()),
        client_mode: Some(client.mode.clone()),
        role: role.as_str().to_owned(),
        scopes: words_of(params.scopes.as_deref().unwrap_or_default()),
        remote_ip: Some(caller.client.address.to_string()),
        reason: reason.to_owned(),
        created_at_ms: now_ms,
    }
}

/// Returns a request as lists and events show it (protocol §5).
pub(in super::super) fn pending_on_the_wire(pending: &PendingPairing) -> Value {
    let mut entry = json!({
        "requestId": pending.request_id, "deviceId": pending.device_id,
        "publicKey": pending.public_key, "displayName": pending.display_name,
        "platform": pending.platform, "deviceFamily": pending.device_family,
        "clientId": pending.client_id, "clientMode": pending.client_mode,
        "role": pending.role, "roles": [pending.role], "scopes": pending.scopes,
        "remoteIp": pending.remote_ip, "silent": false,
        "isRepair": pending.reason != "not-paired", "ts": pending.created_at_ms,
    });
    // What it did not say is left out.
    if let Value::Object(members) = &mut entry {
        members.retain(|_, value| !value.is_null());
    }
    entry
}
