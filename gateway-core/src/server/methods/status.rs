//! How the gateway is: `health`, `status`, `system-presence`, `system-event`, `last-heartbeat`.

use super::super::clock::now_ms;
use super::super::refusals::{Refusal, invalid, store_refusal};
use super::super::router::{Answer, Call, wire};
use super::super::session_keys::DEFAULT_AGENT;
use super::super::{health, vitals};
use serde_json::{Map, Value, json};

/// `health`: from memory, unless a fresh look is asked for.
pub(super) async fn health(call: Call, params: Value) -> Answer {
    let gateway = &call.gateway;
    let probe = params.get("probe") == Some(&Value::Bool(true));
    if !probe && let Some(report) = gateway.health_on_the_wire() {
        return Ok(report);
    }
    let report = health::measure(gateway).await.map_err(store_refusal)?;
    gateway.keep_health(report.clone());
    if probe {
        gateway.announce_health(&report);
    }
    Ok(wire(&report))
}

/// `status`.
pub(super) async fn status(call: Call, params: Value) -> Result<Value, Refusal> {
    let gateway = &call.gateway;
    let sessions = health::sessions(gateway).await.map_err(store_refusal)?;
    let model = gateway.model_of(None);
    let mut status = json!({
        "runtimeVersion": gateway.version(),
        "hostDesktop": {"enabled": false, "state": "disabled", "port": 0},
        "heartbeat": {
            "defaultAgentId": DEFAULT_AGENT,
            "agents": [{"agentId": DEFAULT_AGENT, "enabled": false, "every": "0m", "everyMs": 0,
                "waitingForRoute": false}],
        },
        "channelSummary": [],
        "queuedSystemEvents": gateway.events.list(),
        "degradedSecretOwners": [],
        "degradedPlugins": [],
        "tasks": {
            "total": gateway.runs.active(), "active": gateway.runs.active(), "terminal": 0,
            "failures": 0,
            "byStatus": {"queued": 0, "running": gateway.runs.active(), "succeeded": 0,
                "failed": 0, "timed_out": 0, "cancelled": 0, "lost": 0},
            "byRuntime": {"subagent": 0, "acp": 0, "cli": 0, "cron": 0},
        },
        "taskAudit": {
            "total": 0, "warnings": 0, "errors": 0,
            "byCode": {"stale_queued": 0, "stale_running": 0, "lost": 0, "delivery_failed": 0,
                "missing_cleanup": 0, "inconsistent_timestamps": 0},
        },
        "sessions": {
            "paths": [gateway.state_path()],
            "count": sessions["count"],
            "defaults": {"model": model.model, "contextTokens": model.context_tokens},
            "recent": sessions["recent"],
            "byAgent": [{
                "agentId": DEFAULT_AGENT, "path": gateway.state_path(),
                "count": sessions["count"], "recent": sessions["recent"],
            }],
        },
        "modelRuntime": {"degraded": false, "pendingAgents": []},
        "eventLoop": vitals::event_loop(gateway.started.elapsed()),
        "processMemory": vitals::process_memory(),
        "workerPools": {},
        "pid": std::process::id(),
        "shutdownBudget": {"timeoutMs": 1500, "reserveMs": 0, "nativeStopBudget": false,
            "activeWork": {"rootRequests": 0, "cronRuns": 0, "sessionMutations": 0,
                "terminalPersistence": 0, "lifecycleWrites": 0}, "writeCustody": []},
    });
    if params.get("includeCliProjection") == Some(&Value::Bool(true)) {
        status["cliProjection"] = json!({
            "agents": {"defaultId": DEFAULT_AGENT, "ownership": "sole",
                "selectionRequired": false, "rows": [{"id": DEFAULT_AGENT}]},
            "updateChannel": null,
            "memoryPlugin": {"enabled": false, "slot": null},
        });
    }
    Ok(status)
}

/// `system-presence`.
pub(super) fn presence(call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(Value::Array(call.gateway.presence().list(now_ms())))
}

/// `system-event`: somebody announces something (protocol §8).
pub(super) fn system_event(call: &Call, params: Value) -> Result<Value, Refusal> {
    const KEPT: [&str; 12] = [
        "text",
        "host",
        "ip",
        "mode",
        "version",
        "platform",
        "deviceFamily",
        "modelIdentifier",
        "instanceId",
        "deviceId",
        "reason",
        "tags",
    ];
    let Value::Object(members) = params else {
        return Err(invalid("invalid system-event params: must be object"));
    };
    if members
        .get("text")
        .and_then(Value::as_str)
        .is_none_or(|text| text.trim().is_empty())
    {
        return Err(invalid(
            "invalid system-event params: must have required property 'text'",
        ));
    }
    let entry: Map<String, Value> = members
        .into_iter()
        .filter(|(name, _)| KEPT.contains(&name.as_str()))
        .collect();
    call.gateway.presence().announced(entry, now_ms());
    call.gateway.announce_presence();
    Ok(json!({"ok": true}))
}

/// `last-heartbeat`: there are none.
pub(super) fn last_heartbeat(_call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(Value::Null)
}
