//! How the gateway is: measured, kept while it holds, told.

use super::State;
use super::clock::now_ms;
use super::held;
use super::mailbox::Announcement;
use super::peers::Peer;
use super::session_keys::DEFAULT_AGENT;
use super::vitals;
use crate::protocol::connect::Scope;
use crate::store::{SessionQuery, StoreError};
use serde_json::{Value, json};

/// How many conversations a report names.
const RECENT: u32 = 5;

/// The last health report.
#[derive(Debug, Default)]
pub(super) struct Health {
    report: Option<Value>,
    /// Conversations have changed since.
    stale: bool,
    version: u64,
}

impl Health {
    /// Conversations have changed since the report.
    pub(super) fn outdated(&mut self) {
        self.stale = true;
    }

    /// Returns how often a report was kept.
    pub(super) fn version(&self) -> u64 {
        self.version
    }
}

impl State {
    pub(super) fn announce_health(&self, report: &Value) {
        let event = Announcement::new("health", report).with_state(self.state_version());
        self.peers.broadcast(&event, hears);
    }

    /// Returns the last health report while it holds.
    pub(super) fn health_report(&self) -> Option<Value> {
        let health = held(&self.health);
        let report = health.report.as_ref().filter(|_| !health.stale)?;
        // A disk that has filled up, or has room again, is told at once.
        let said_well = report["ok"] == true;
        (said_well && self.store.unwritable().is_none()).then(|| report.clone())
    }

    pub(super) fn keep_health(&self, report: Value) {
        let mut health = held(&self.health);
        health.report = Some(report);
        health.stale = false;
        health.version += 1;
    }
}

/// Looks at the gateway and returns its report.
pub(super) async fn measure(gateway: &State) -> Result<Value, StoreError> {
    let began = tokio::time::Instant::now();
    // Trouble that is known may be over: only another try tells.
    let trouble = match gateway.store.unwritable() {
        Some(_) => gateway.store.try_writing(now_ms()).await,
        None => None,
    };
    let sessions = sessions(gateway).await?;
    let heartbeat = json!({"enabled": false, "every": "0m", "everyMs": 0, "prompt": "",
        "target": "none", "ackMaxChars": 0});
    let mut report = json!({
        "ok": trouble.is_none(),
        "ts": now_ms(),
        "durationMs": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "plugins": {"loaded": [], "errors": [], "unavailable": []},
        "configReload": {"hotReloadStatus": "disabled"},
        "channels": {}, "channelOrder": [], "channelLabels": {},
        "heartbeatSeconds": 0,
        "defaultAgentId": DEFAULT_AGENT,
        "agents": [{
            "agentId": DEFAULT_AGENT, "isDefault": true, "heartbeat": heartbeat,
            "sessions": sessions,
        }],
        "sessions": sessions,
        "modelRuntime": {"degraded": false, "pendingAgents": []},
        "eventLoop": vitals::event_loop(gateway.started.elapsed()),
    });
    if let Some(trouble) = trouble {
        // Ours alone, and only while there is something to say.
        report["state"] = json!({
            "ok": false, "code": trouble.code(), "message": trouble.to_string(),
            "path": gateway.state_path(),
        });
    }
    Ok(report)
}

/// Returns what reports say of conversations.
pub(super) async fn sessions(gateway: &State) -> Result<Value, StoreError> {
    let page = gateway
        .store
        .sessions(SessionQuery {
            agent_id: None,
            limit: RECENT,
            offset: 0,
        })
        .await?;
    let now = now_ms();
    let recent: Vec<Value> = page
        .sessions
        .iter()
        .map(|session| {
            json!({
                "key": session.key, "updatedAt": session.updated_at_ms,
                "age": now.saturating_sub(session.updated_at_ms),
            })
        })
        .collect();
    Ok(json!({"path": gateway.state_path(), "count": page.total, "recent": recent}))
}

/// Whether a peer hears how the gateway is.
pub(super) fn hears(peer: &Peer) -> bool {
    peer.facts.may(&Scope::Read)
}
