//! How the gateway is: measured, kept while it holds, told.

use super::State;
use super::clock::now_ms;
use super::held;
use super::mailbox::Announcement;
use super::peers::Peer;
use super::router::wire;
use super::session_keys::DEFAULT_AGENT;
use super::vitals;
use crate::protocol::connect::Scope;
use crate::store::{SessionQuery, StoreError};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// How many conversations a report names.
const RECENT: u32 = 5;

/// The last health report.
#[derive(Debug, Default)]
pub(super) struct Health {
    report: Option<Report>,
    /// Conversations have changed since.
    stale: bool,
    version: u64,
}

/// A report, and its words on the wire: it is asked for far more often than it changes.
#[derive(Debug)]
struct Report {
    value: Value,
    wire: Box<RawValue>,
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
        self.current_report(|report| report.value.clone())
    }

    /// Returns the last health report as it is sent, while it holds.
    pub(super) fn health_on_the_wire(&self) -> Option<Box<RawValue>> {
        self.current_report(|report| report.wire.clone())
    }

    fn current_report<T>(&self, take: impl FnOnce(&Report) -> T) -> Option<T> {
        let health = held(&self.health);
        let report = health.report.as_ref().filter(|_| !health.stale)?;
        // A disk that has filled up, or has room again, is told at once.
        let said_well = report.value["ok"] == true;
        (said_well && self.store.unwritable().is_none()).then(|| take(report))
    }

    pub(super) fn keep_health(&self, value: Value) {
        let wire = wire(&value);
        let mut health = held(&self.health);
        health.report = Some(Report { value, wire });
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
            archived: None,
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
