//! hello-ok: what a connection is told about the gateway and about itself (protocol §2).

use super::super::features::{CAPABILITIES, EVENTS};
use super::super::gateway::TICK_EVERY;
use super::super::mailbox::BACKLOG_BYTES;
use super::super::peers::Facts;
use super::super::session_keys::DEFAULT_AGENT;
use super::super::socket::MAX_PAYLOAD;
use super::super::{State, health};
use super::PROTOCOL;
use crate::protocol::connect::{IssuedToken, Scope};
use serde_json::{Value, json};

/// How much is held for a client that reads slowly, as told to it. It is dropped at
/// [`BACKLOG_BYTES`] beyond the frame that is being sent.
const MAX_BUFFERED_BYTES: usize = 32 * 1024 * 1024;
const _: () = assert!(BACKLOG_BYTES + MAX_PAYLOAD > MAX_BUFFERED_BYTES);
/// The largest attachment and image, in bytes: what fits into a frame in base64.
pub(in super::super) const MAX_ATTACHMENT_BYTES: usize = 18 * 1024 * 1024;
pub(in super::super) const MAX_IMAGE_BYTES: usize = 6 * 1024 * 1024;

/// A token for the device that says hello.
pub(super) struct Issued {
    /// The token.
    pub(super) token: IssuedToken,
    /// When it was issued, in milliseconds since 1970.
    pub(super) at_ms: u64,
}

/// Composes what a connection is told.
pub(super) async fn compose(
    gateway: &State,
    facts: &Facts,
    method: &str,
    issued: Option<Issued>,
) -> Value {
    let reads = facts.may(&Scope::Read);
    let mut health = match gateway.health_report() {
        Some(report) => report,
        // A state that cannot be read shows when it is asked for; hello says nothing of it.
        None => health::measure(gateway).await.unwrap_or_else(|_| json!({})),
    };
    if gateway.health_report().is_none() {
        gateway.keep_health(health.clone());
    }
    // The schema allows hello nothing but true; what is wrong stands in `state` beside it.
    if health.get("ok").is_some() {
        health["ok"] = json!(true);
    }
    let presence = if reads {
        Value::Array(gateway.presence().list(super::now_ms()))
    } else {
        json!([])
    };
    let mut snapshot = json!({
        "presence": presence,
        "health": if reads { health } else { json!({}) },
        "stateVersion": gateway.state_version(),
        "uptimeMs": gateway.uptime_ms(),
        "sessionDefaults": {
            "defaultAgentId": DEFAULT_AGENT, "ownership": "sole", "selectionRequired": false,
            "mainKey": "main", "mainSessionKey": format!("agent:{DEFAULT_AGENT}:main"),
            "scope": "per-sender", "modelConfigured": gateway.agents.has_model(),
        },
        "suspension": {"phase": "accepting"},
        "appliedConfigHash": gateway.settings.applied_hash(),
    });
    if facts.may(&Scope::Admin) {
        snapshot["stateDir"] = json!(gateway.config.state_dir.display().to_string());
        snapshot["authMode"] = json!(gateway.config.auth_word());
    }
    let mut auth = json!({"role": facts.role, "scopes": facts.scopes, "method": method});
    if let Some(issued) = issued {
        auth["deviceToken"] = json!(issued.token);
        auth["issuedAtMs"] = json!(issued.at_ms);
    }
    json!({
        "type": "hello-ok",
        "protocol": PROTOCOL,
        "server": {
            "version": gateway.version(), "connId": facts.conn_id, "bootId": gateway.boot_id,
        },
        "features": {
            "methods": gateway.router.names(), "events": EVENTS, "capabilities": CAPABILITIES,
        },
        "snapshot": snapshot,
        "auth": auth,
        "policy": {
            "maxPayload": MAX_PAYLOAD, "maxBufferedBytes": MAX_BUFFERED_BYTES,
            "tickIntervalMs": u64::try_from(TICK_EVERY.as_millis()).unwrap_or(u64::MAX),
            "attachments": {
                "maxBytes": MAX_ATTACHMENT_BYTES, "maxImageBytes": MAX_IMAGE_BYTES,
            },
            "allowedSessionVisibilities": ["shared"],
            "hasMultipleSessionSharingIdentities": false,
        },
    })
}
