//! `device.pair.*`, `device.token.*`, `device.scopes.*`: who may connect, and with what
//! (protocol §5).
//!
//! Nobody hands on, or takes away, what they do not hold themselves: a caller may manage its own
//! device and those that have no more than it. The official gateway lets silently approved devices
//! of one client replace one another; here they stay until somebody removes them, because a
//! replaced one would lose its token, and as a node its approved abilities, without anybody's doing.

use super::super::clock::now_ms;
use super::super::handshake::{new_token, pending_on_the_wire, scopes_of, words_of};
use super::super::mailbox::Goodbye;
use super::super::pairings::{Decided, told};
use super::super::refusals::{Refusal, invalid, missing_scope, read, store_refusal};
use super::super::router::Call;
use super::super::scopes::{covers, delegation};
use super::super::{State, pairings};
use crate::credentials::secret::DeviceToken;
use crate::protocol::connect::{IssuedToken, Role, Scope};
use crate::protocol::{DeviceId, PairingRequestId};
use crate::server::nodes::view::{self, put};
use crate::store::{
    DeviceRecord, DeviceTokenHash, DeviceTokenRecord, NewDeviceToken, PendingPairing,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The longest name a device may be given, in characters.
const LONGEST_LABEL: usize = 64;
/// How many scopes an upgrade may ask for.
const MOST_SCOPES: usize = 8;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestParams {
    request_id: PairingRequestId,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeviceParams {
    device_id: DeviceId,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenParams {
    device_id: DeviceId,
    role: String,
    scopes: Option<Vec<Scope>>,
}

/// `device.pair.list`.
pub(super) async fn list(call: Call, _params: Value) -> Result<Value, Refusal> {
    let gateway = &call.gateway;
    pairings::expire(gateway).await.map_err(store_refusal)?;
    let store = &gateway.store;
    let pending = store.pending_pairings().await.map_err(store_refusal)?;
    let pending: Vec<Value> = pending.iter().map(pending_on_the_wire).collect();
    let tokens = store.device_tokens().await.map_err(store_refusal)?;
    let mut devices = store.devices().await.map_err(store_refusal)?;
    devices.sort_by_key(|device| std::cmp::Reverse(device.created_at_ms));
    let nodes = view::all(gateway).await.map_err(store_refusal)?;
    let paired: Vec<_> = devices
        .iter()
        .map(|device| {
            let mut entry = on_the_wire(gateway, device, &tokens);
            let is_this = |node: &&view::Node| node.id.as_str() == device.device_id.as_str();
            let surface = nodes
                .iter()
                .find(is_this)
                .and_then(view::Node::on_its_device);
            put(&mut entry, "nodeSurface", surface);
            entry
        })
        .collect();
    Ok(json!({"pending": pending, "paired": paired}))
}

fn on_the_wire(
    gateway: &State,
    device: &DeviceRecord,
    tokens: &[DeviceTokenRecord],
) -> Map<String, Value> {
    let connected = gateway
        .peers
        .any(|peer| peer.facts.device.as_ref() == Some(&device.device_id));
    let tokens: Vec<_> = tokens
        .iter()
        .filter(|token| token.device_id == device.device_id)
        .map(|token| {
            let mut entry = Map::new();
            put(&mut entry, "role", Some(&token.role));
            put(&mut entry, "scopes", Some(&token.scopes));
            put(&mut entry, "createdAtMs", Some(token.created_at_ms));
            put(&mut entry, "rotatedAtMs", token.rotated_at_ms);
            put(&mut entry, "revokedAtMs", token.revoked_at_ms);
            entry
        })
        .collect();
    let mut entry = Map::new();
    put(&mut entry, "deviceId", Some(&device.device_id));
    put(&mut entry, "publicKey", Some(&device.public_key));
    let name = device.label.as_ref().or(device.display_name.as_ref());
    put(&mut entry, "displayName", name);
    put(&mut entry, "platform", device.platform.as_ref());
    put(&mut entry, "deviceFamily", device.device_family.as_ref());
    put(&mut entry, "clientId", device.client_id.as_ref());
    put(&mut entry, "clientMode", device.client_mode.as_ref());
    put(&mut entry, "role", device.roles.first());
    put(&mut entry, "roles", Some(&device.roles));
    put(&mut entry, "scopes", Some(&device.scopes));
    put(&mut entry, "approvedVia", Some(&device.approved_via));
    put(&mut entry, "createdAtMs", Some(device.created_at_ms));
    put(&mut entry, "approvedAtMs", Some(device.approved_at_ms));
    put(&mut entry, "lastSeenAtMs", device.last_seen_at_ms);
    let reason = device.last_seen_at_ms.map(|_| "connect");
    put(&mut entry, "lastSeenReason", reason);
    put(&mut entry, "connected", Some(connected));
    put(&mut entry, "tokens", Some(tokens));
    entry
}

async fn asked(gateway: &State, id: &PairingRequestId) -> Result<PendingPairing, Refusal> {
    pairings::expire(gateway).await.map_err(store_refusal)?;
    let pending = gateway
        .store
        .pending_pairings()
        .await
        .map_err(store_refusal)?;
    pending
        .into_iter()
        .find(|asked| asked.request_id == *id)
        .ok_or_else(|| invalid("unknown requestId"))
}

/// `device.pair.approve`.
pub(super) async fn approve(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: RequestParams = read("device.pair.approve", params)?;
    let gateway = &call.gateway;
    let pending = asked(gateway, &params.request_id).await?;
    delegation::approve(&call.peer.facts.scopes, &scopes_of(&pending.scopes))
        .map_err(|lacks| missing_scope(&lacks.missing))?;
    // A changed device is let in again with everything it had, so that counts too.
    if let Some(known) = record_of(gateway, &pending.device_id).await? {
        may_manage(&call, &known)?;
    }
    let settling = gateway.pairings.settling().await;
    let device = gateway
        .store
        .approve_pairing(&params.request_id, "owner".to_owned(), now_ms())
        .await
        .map_err(store_refusal)?
        .ok_or_else(|| invalid("unknown requestId"))?;
    told(
        gateway,
        &params.request_id,
        &device.device_id,
        Decided::Approved,
    );
    drop(settling);
    let tokens = gateway.store.device_tokens().await.map_err(store_refusal)?;
    Ok(json!({
        "requestId": params.request_id, "device": on_the_wire(gateway, &device, &tokens),
    }))
}

/// `device.pair.reject`.
pub(super) async fn reject(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: RequestParams = read("device.pair.reject", params)?;
    let _settling = call.gateway.pairings.settling().await;
    let rejected = call
        .gateway
        .store
        .reject_pairing(&params.request_id)
        .await
        .map_err(store_refusal)?
        .ok_or_else(|| invalid("unknown requestId"))?;
    told(
        &call.gateway,
        &params.request_id,
        &rejected.device_id,
        Decided::Rejected,
    );
    Ok(json!({"requestId": params.request_id, "deviceId": rejected.device_id}))
}

async fn record_of(gateway: &State, id: &DeviceId) -> Result<Option<DeviceRecord>, Refusal> {
    gateway.store.device(id).await.map_err(store_refusal)
}

/// Returns a device the caller may manage.
async fn managed(call: &Call, id: &DeviceId) -> Result<DeviceRecord, Refusal> {
    let device = record_of(&call.gateway, id)
        .await?
        .ok_or_else(|| invalid("unknown deviceId"))?;
    may_manage(call, &device)?;
    Ok(device)
}

fn may_manage(call: &Call, device: &DeviceRecord) -> Result<(), Refusal> {
    if call.peer.facts.device.as_ref() == Some(&device.device_id) {
        return Ok(());
    }
    let held = &call.peer.facts.scopes;
    match scopes_of(&device.scopes)
        .iter()
        .find(|scope| !covers(held, std::slice::from_ref(*scope)))
    {
        Some(missing) => Err(missing_scope(missing)),
        None => Ok(()),
    }
}

/// `device.pair.remove`: closes its connections at once.
pub(super) async fn remove(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: DeviceParams = read("device.pair.remove", params)?;
    let gateway = &call.gateway;
    managed(&call, &params.device_id).await?;
    gateway
        .store
        .remove_device(&params.device_id)
        .await
        .map_err(store_refusal)?
        .ok_or_else(|| invalid("unknown deviceId"))?;
    let answer = json!({"deviceId": params.device_id});
    close(&call, &params.device_id, None, &answer);
    Ok(answer)
}

/// Closes the connections of a device, as one role or all. A caller that closes itself gets its
/// answer first; the one that is queued after the goodbye is dropped.
fn close(call: &Call, device: &DeviceId, role: Option<&Role>, answer: &Value) {
    let concerns = |peer: &crate::server::peers::Peer| {
        peer.facts.device.as_ref() == Some(device)
            && role.is_none_or(|role| peer.facts.role == *role)
    };
    if concerns(&call.peer) {
        call.answer_first(answer);
    }
    call.gateway
        .peers
        .close(&Goodbye::new(4001, "device removed"), concerns);
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RenameParams {
    device_id: DeviceId,
    label: String,
}

/// `device.pair.rename`.
pub(super) async fn rename(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: RenameParams = read("device.pair.rename", params)?;
    let label = params.label.trim();
    if label.is_empty() || label.chars().count() > LONGEST_LABEL {
        return Err(invalid(
            "invalid device.pair.rename params: at /label: must have 1 to 64 characters",
        ));
    }
    managed(&call, &params.device_id).await?;
    call.gateway
        .store
        .label_device(&params.device_id, Some(label.to_owned()))
        .await
        .map_err(store_refusal)?;
    Ok(json!({"ok": true, "deviceId": params.device_id, "label": label}))
}

/// Returns the token of a device for a role, while it holds.
async fn token_of(gateway: &State, params: &TokenParams) -> Result<DeviceTokenRecord, Refusal> {
    let tokens = gateway.store.device_tokens().await.map_err(store_refusal)?;
    tokens
        .into_iter()
        .find(|token| {
            token.device_id == params.device_id
                && token.role == params.role
                && token.revoked_at_ms.is_none()
        })
        .ok_or_else(|| invalid("unknown deviceId/role"))
}

/// `device.token.rotate`: the new token goes to the device itself and to nobody else.
pub(super) async fn rotate(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: TokenParams = read("device.token.rotate", params)?;
    let gateway = &call.gateway;
    let device = managed(&call, &params.device_id).await?;
    let token = token_of(gateway, &params).await?;
    let had = scopes_of(&token.scopes);
    let wanted = match &params.scopes {
        Some(wanted) if covers(&had, wanted) => wanted.clone(),
        Some(wanted) => {
            let beyond = wanted
                .iter()
                .find(|scope| !covers(&had, std::slice::from_ref(*scope)));
            return Err(missing_scope(beyond.unwrap_or(&Scope::Admin)));
        }
        None => had,
    };
    let scopes = delegation::rotate(&call.peer.facts.scopes, &scopes_of(&device.scopes), &wanted)
        .map_err(|lacks| missing_scope(&lacks.missing))?;
    let role = Role::from(params.role.as_str());
    let (issued, at_ms) = issue(gateway, &params.device_id, &params.role, &scopes).await?;
    let facts = &call.peer.facts;
    let is_itself = facts.device.as_ref() == Some(&params.device_id) && facts.role == role;
    let mut answer = json!({
        "deviceId": params.device_id, "role": params.role, "scopes": words_of(&scopes),
        "rotatedAtMs": at_ms,
        "tokenDelivery": if is_itself { "in-band" } else { "withheld-cross-device" },
    });
    if is_itself {
        answer["token"] = json!(IssuedToken(issued));
    }
    close(&call, &params.device_id, Some(&role), &answer);
    Ok(answer)
}

/// Makes a new token for a device; the one before stops working.
async fn issue(
    gateway: &State,
    device: &DeviceId,
    role: &str,
    scopes: &[Scope],
) -> Result<(DeviceToken, u64), Refusal> {
    let (token, at_ms) = (new_token(), now_ms());
    gateway
        .store
        .put_device_token(NewDeviceToken {
            device_id: device.clone(),
            role: role.to_owned(),
            hash: DeviceTokenHash::of(&token),
            scopes: words_of(scopes),
            at_ms,
        })
        .await
        .map_err(store_refusal)?;
    Ok((token, at_ms))
}

/// `device.token.revoke`.
pub(super) async fn revoke(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: TokenParams = read("device.token.revoke", params)?;
    managed(&call, &params.device_id).await?;
    let at_ms = now_ms();
    let revoked = call
        .gateway
        .store
        .revoke_device_token(&params.device_id, params.role.clone(), at_ms)
        .await
        .map_err(store_refusal)?;
    if !revoked {
        return Err(invalid("unknown deviceId/role"));
    }
    let answer = json!({
        "deviceId": params.device_id, "role": params.role, "revokedAtMs": at_ms,
    });
    let role = Role::from(params.role.as_str());
    close(&call, &params.device_id, Some(&role), &answer);
    Ok(answer)
}

#[derive(Debug, Deserialize)]
struct UpgradeParams {
    scopes: Vec<Scope>,
}

/// Returns the record of the device that calls.
async fn own_record(call: &Call) -> Result<DeviceRecord, Refusal> {
    let Some(device) = &call.peer.facts.device else {
        return Err(invalid("a scope upgrade needs a device identity"));
    };
    record_of(&call.gateway, device)
        .await?
        .ok_or_else(|| invalid("unknown deviceId"))
}

/// `device.scopes.requestUpgrade`: asks whoever may approve for more than the device has.
pub(super) async fn request_upgrade(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: UpgradeParams = read("device.scopes.requestUpgrade", params)?;
    if params.scopes.is_empty() || params.scopes.len() > MOST_SCOPES {
        return Err(invalid(
            "invalid device.scopes.requestUpgrade params: at /scopes: must have 1 to 8 items",
        ));
    }
    let record = own_record(&call).await?;
    let facts = &call.peer.facts;
    let asked = PendingPairing {
        request_id: PairingRequestId::from(uuid::Uuid::new_v4().to_string()),
        device_id: record.device_id,
        public_key: record.public_key,
        display_name: record.display_name,
        platform: record.platform,
        device_family: record.device_family,
        client_id: record.client_id,
        client_mode: record.client_mode,
        role: Role::Operator.as_str().to_owned(),
        scopes: words_of(&params.scopes),
        remote_ip: Some(facts.address.clone()),
        reason: "scope-upgrade".to_owned(),
        created_at_ms: now_ms(),
    };
    let id = pairings::put_down(&call.gateway, asked)
        .await
        .map_err(store_refusal)?;
    Ok(json!({"requestId": id}))
}

/// `device.scopes.waitUpgrade`: answered when somebody has decided. The device gets a new token
/// that carries what was approved; the one before stops working.
pub(super) async fn wait_upgrade(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: RequestParams = read("device.scopes.waitUpgrade", params)?;
    let record = own_record(&call).await?;
    let decided = pairings::decision(&call.gateway, &params.request_id, &record.device_id)
        .await
        .map_err(store_refusal)?;
    let Some(decided) = decided else {
        return Err(invalid("unknown requestId"));
    };
    let mut answer = json!({"status": decided.as_str(), "requestId": params.request_id});
    if decided == Decided::Approved {
        // Once: whoever asks again has the token already.
        call.gateway.pairings.forget(&params.request_id);
        // What it has now: the record grew by what was approved.
        let record = own_record(&call).await?;
        let scopes = scopes_of(&record.scopes);
        let role = Role::Operator;
        let (token, _) = issue(&call.gateway, &record.device_id, role.as_str(), &scopes).await?;
        answer["deviceToken"] = json!(IssuedToken(token));
        answer["scopes"] = json!(record.scopes);
    }
    Ok(answer)
}
