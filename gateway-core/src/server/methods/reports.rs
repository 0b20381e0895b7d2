//! What the gateway has none of, said in the shapes clients know: chat channels, scheduled jobs,
//! speech, recorded diagnostics.

use super::super::clock::now_ms;
use super::super::refusals::read;
use super::super::refusals::{Refusal, invalid, refusal};
use super::super::router::Call;
use super::super::vitals;
use crate::protocol::ErrorCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// How many jobs a list gives where nothing is said, and at most.
const USUAL_JOBS: u64 = 50;
const MOST_JOBS: u64 = 200;

/// `channels.status`: there are no channels to chat networks.
pub(super) fn channels(call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({
        "ts": now_ms(),
        "channelOrder": [], "channelLabels": {}, "channelDetailLabels": {},
        "channelSystemImages": {}, "channelMeta": [],
        "eventLoop": vitals::event_loop(call.gateway.started.elapsed()),
        "channels": {}, "channelAccounts": {}, "channelDefaultAccountId": {},
        "statusIssues": [],
    }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActionParams {
    channel: String,
    action: String,
    #[serde(rename = "params")]
    _params: Map<String, Value>,
    #[serde(rename = "idempotencyKey")]
    _idempotency_key: String,
}

/// `message.action`: refused as by an official gateway on which the channel is not set up.
pub(super) fn message_action(_call: &Call, params: Value) -> Result<Value, Refusal> {
    let ActionParams {
        channel, action, ..
    } = read("message.action", params)?;
    Err(refusal(
        ErrorCode::Unavailable,
        &format!(
            "Error: {action} is not possible: this gateway has no channels to chat networks \
             ({channel} was asked for)"
        ),
    ))
}

#[derive(Debug, Deserialize)]
struct JobsParams {
    limit: Option<u64>,
    offset: Option<u64>,
}

/// `cron.list`: nothing is scheduled.
pub(super) fn cron_list(_call: &Call, params: Value) -> Result<Value, Refusal> {
    let params: JobsParams = read("cron.list", params)?;
    let nothing = URL_SAFE_NO_PAD.encode(Sha256::digest("[]"));
    Ok(json!({
        "jobs": [], "snapshotRevision": format!("sha256:{nothing}"), "total": 0,
        "offset": params.offset.unwrap_or(0),
        "limit": params.limit.unwrap_or(USUAL_JOBS).clamp(1, MOST_JOBS),
        "hasMore": false, "nextOffset": null, "deliveryPreviews": {},
    }))
}

/// `cron.status`: the gateway schedules nothing.
pub(super) fn cron_status(call: &Call, _params: Value) -> Result<Value, Refusal> {
    let path = call.gateway.state_path();
    Ok(json!({
        "enabled": false, "triggersEnabled": false, "storePath": path, "storage": "sqlite",
        "sqlitePath": path, "jobs": 0, "nextWakeAtMs": null,
    }))
}

/// `cron.get`: there is no such job, whichever is asked for.
pub(super) fn cron_get(_call: &Call, params: Value) -> Result<Value, Refusal> {
    let id = params.get("id").or_else(|| params.get("jobId"));
    match id.and_then(Value::as_str) {
        Some(id) => Err(invalid(&format!("cron job not found: {id}"))),
        None => Err(invalid(
            "invalid cron.get params: must have required property 'id'",
        )),
    }
}

/// `tts.status`: this gateway does not speak.
pub(super) fn tts_status(_call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({
        "enabled": false, "auto": "off", "provider": "", "persona": null, "personas": [],
        "fallbackProvider": null, "fallbackProviders": [], "prefsPath": "", "providerStates": [],
    }))
}

/// `diagnostics.stability`: the gateway records no events of this kind; its memory is known.
pub(super) fn stability(_call: &Call, _params: Value) -> Result<Value, Refusal> {
    let mut latest = vitals::process_memory();
    for name in [
        "workerCount",
        "workerHeapSampledCount",
        "workerHeapTotalBytes",
        "workerHeapUsedBytes",
    ] {
        latest[name] = json!(0);
    }
    latest["workerHeaps"] = json!([]);
    Ok(json!({
        "generatedAt": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        "capacity": 0, "count": 0, "dropped": 0, "firstSeq": 0, "lastSeq": 0, "events": [],
        "summary": {
            "byType": {},
            "memory": {
                "latest": latest, "maxRssBytes": vitals::most_resident_bytes(),
                "maxHeapUsedBytes": 0, "pressureCount": 0,
            },
            "payloadLarge": {
                "count": 0, "rejected": 0, "truncated": 0, "chunked": 0, "bySurface": {},
            },
        },
    }))
}
