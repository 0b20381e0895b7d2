//! `exec.approval.*`: commands that wait for a person (protocol §11).

use super::super::approvals::{self, Ask, Asked, Fault, LONGEST_WAIT, Settled, USUAL_WAIT};
use super::super::refusals::{Refusal, invalid, read, store_refusal};
use super::super::router::Call;
use crate::protocol::WireError;
use crate::protocol::id::ApprovalId;
use crate::protocol::method::approvals::Decision;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestParams {
    id: Option<ApprovalId>,
    command: Option<String>,
    command_argv: Option<Vec<String>>,
    ask: Option<String>,
    timeout_ms: Option<u64>,
    #[serde(default)]
    two_phase: bool,
}

/// `exec.approval.request`: answered when somebody has decided, or nobody can.
pub(super) async fn request(call: Call, params: Value) -> Result<Value, Refusal> {
    const METHOD: &str = "exec.approval.request";
    let known: RequestParams = read(METHOD, params.clone())?;
    let argv = known.command_argv.unwrap_or_default();
    let command = match known.command {
        Some(command) if !command.trim().is_empty() => command,
        Some(_) | None if !argv.is_empty() => approvals::shown(&argv),
        Some(_) | None => return Err(invalid("exec.approval.request needs a command")),
    };
    let mut allowed = vec![Decision::AllowOnce];
    if known.ask.as_deref() != Some("always") {
        allowed.push(Decision::AllowAlways);
    }
    allowed.push(Decision::Deny);
    let request = approvals::request(&command, &params, &allowed);
    let wait = known.timeout_ms.map_or(USUAL_WAIT, Duration::from_millis);
    let asked = approvals::ask(
        &call.gateway,
        Ask {
            id: known.id,
            request,
            allowed,
            wait: wait.min(LONGEST_WAIT),
            requester: Some(call.peer.facts.conn_id.clone()),
            // Whoever asked this way keeps its own list.
            bound: None,
        },
    );
    let mut asked = asked.map_err(|_| invalid("approval id already pending, or too many wait"))?;
    if known.two_phase && call.gateway.approvals.get(&asked.id).is_some() {
        call.answer_first(&json!({
            "status": "accepted", "id": asked.id, "deliveryRoute": "approval-client",
            "createdAtMs": asked.created_at_ms, "expiresAtMs": asked.expires_at_ms,
        }));
    }
    let settled = asked.settled().await;
    Ok(outcome(&asked, &settled))
}

fn outcome(asked: &Asked, settled: &Settled) -> Value {
    let decision = match settled {
        Settled::Decided(decision) => Some(decision),
        Settled::Expired | Settled::NoRoute | Settled::Withdrawn => None,
    };
    json!({
        "id": asked.id, "decision": decision, "createdAtMs": asked.created_at_ms,
        "expiresAtMs": asked.expires_at_ms,
    })
}

#[derive(Debug, Deserialize)]
struct IdParams {
    id: ApprovalId,
}

/// `exec.approval.waitDecision`.
pub(super) async fn wait_decision(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: IdParams = read("exec.approval.waitDecision", params)?;
    let Some(mut asked) = call.gateway.approvals.find(&params.id) else {
        return Err(refused(Fault::Unknown));
    };
    let settled = asked.settled().await;
    let reason = match &settled {
        Settled::Decided(_) => "user",
        Settled::Expired => "timeout",
        Settled::NoRoute => "no-route",
        Settled::Withdrawn => "withdrawn",
    };
    let mut answer = outcome(&asked, &settled);
    answer["terminalReason"] = json!(reason);
    Ok(answer)
}

#[derive(Debug, Deserialize)]
struct ResolveParams {
    id: ApprovalId,
    decision: Decision,
}

/// `exec.approval.resolve`.
pub(super) async fn resolve(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: ResolveParams = read("exec.approval.resolve", params)?;
    if matches!(params.decision, Decision::Other(_)) {
        return Err(invalid("invalid decision"));
    }
    let client = &call.peer.facts.client;
    let by = client.display_name.as_deref().unwrap_or(&client.id);
    approvals::decide(&call.gateway, &params.id, params.decision, by)
        .await
        .map_err(store_refusal)?
        .map_err(refused)?;
    Ok(json!({"ok": true}))
}

/// `exec.approval.list`.
pub(super) fn list(call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!(call.gateway.approvals.waiting()))
}

/// `exec.approval.get`.
pub(super) fn get(call: &Call, params: Value) -> Result<Value, Refusal> {
    let params: IdParams = read("exec.approval.get", params)?;
    let Some(waiting) = call.gateway.approvals.get(&params.id) else {
        return Err(refused(Fault::Unknown));
    };
    let request = &waiting["request"];
    Ok(json!({
        "id": params.id, "commandText": request["command"], "commandPreview": null,
        "allowedDecisions": request["allowedDecisions"], "host": request["host"],
        "nodeId": request["nodeId"], "agentId": request["agentId"],
        "expiresAtMs": waiting["expiresAtMs"],
    }))
}

fn refused(fault: Fault) -> Refusal {
    let (message, reason) = match fault {
        Fault::Unknown | Fault::Refused => ("unknown or expired approval id", "APPROVAL_NOT_FOUND"),
        Fault::Settled => ("approval already resolved", "APPROVAL_ALREADY_RESOLVED"),
        Fault::NotAllowed => (
            "this decision is not offered for this approval",
            "APPROVAL_DECISION_NOT_ALLOWED",
        ),
    };
    Box::new(WireError {
        details: Some(json!({"reason": reason})),
        ..*invalid(message)
    })
}

/// `exec.approval.grants.list`: grants are for scheduled jobs, and there are none here.
pub(super) fn grants(_call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({"grants": []}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RevokeParams {
    #[serde(rename = "grantId")]
    _grant_id: String,
}

/// `exec.approval.grants.revoke`.
pub(super) fn revoke_grant(_call: &Call, params: Value) -> Result<Value, Refusal> {
    let _known: RevokeParams = read("exec.approval.grants.revoke", params)?;
    Ok(json!({"outcome": "not-found"}))
}

/// `plugin.approval.list`: there are no plugins that could ask.
pub(super) fn none_of_plugins(_call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!([]))
}

/// `taskSuggestions.list`: nothing here suggests tasks.
pub(super) fn no_suggestions(_call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({"suggestions": []}))
}
