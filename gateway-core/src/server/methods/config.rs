//! `config.*`: the configuration without its secrets, and changes to our overlay over it.

use super::super::config_overlay::{Change, Unchanged};
use super::super::refusals::read;
use super::super::refusals::{Refusal, invalid, refusal, unwritable};
use super::super::router::Call;
use crate::protocol::{ErrorCode, WireError};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::info;

/// The longest text of a change, in bytes.
const LONGEST: usize = 1024 * 1024;

/// `config.get`.
pub(super) fn get(call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(call.gateway.settings.report())
}

/// The params of a change that we act on; the others are allowed and have no effect.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeParams {
    raw: String,
    base_hash: Option<String>,
}

/// `config.patch`: merges a change into the configuration.
pub(super) async fn patch(call: Call, params: Value) -> Result<Value, Refusal> {
    change(call, "config.patch", Change::Patch, params).await
}

/// `config.set`: replaces the configuration.
pub(super) async fn set(call: Call, params: Value) -> Result<Value, Refusal> {
    change(call, "config.set", Change::Replace, params).await
}

/// `config.apply`: as `config.set`. The gateway does not start itself anew; the answer says so.
pub(super) async fn apply(call: Call, params: Value) -> Result<Value, Refusal> {
    change(call, "config.apply", Change::Replace, params).await
}

async fn change(
    call: Call,
    method: &'static str,
    change: Change,
    params: Value,
) -> Result<Value, Refusal> {
    let params: ChangeParams = read(method, params)?;
    if params.raw.len() > LONGEST {
        return Err(invalid(&format!(
            "invalid {method} params: at /raw: must be 1 MiB at most"
        )));
    }
    let gateway = call.gateway.clone();
    let written = tokio::task::spawn_blocking(move || {
        let is_usable = |config: &Value| gateway.agents.read(config).map(|_| ());
        let base = params.base_hash.as_deref();
        let changed = gateway
            .settings
            .change(change, &params.raw, base, is_usable);
        if let Ok(true) = changed {
            gateway.agents.configure(|| gateway.settings.config());
        }
        changed
    });
    let is_new = match written.await {
        Ok(outcome) => outcome.map_err(|why| refused(&why))?,
        Err(problem) => return Err(refusal(ErrorCode::Unavailable, &problem.to_string())),
    };
    if is_new {
        info!("a client changed the configuration's overlay");
    }
    let report = call.gateway.settings.report();
    let mut answer = json!({
        "ok": true, "path": report["path"], "config": report["config"], "hash": report["hash"],
        "overlay": report["overlay"],
        "restart": {"required": report["hash"] != report["appliedConfigHash"]},
    });
    if !is_new {
        answer["noop"] = json!(true);
    }
    Ok(answer)
}

fn refused(why: &Unchanged) -> Refusal {
    let code = match why {
        Unchanged::NoBase => "CONFIG_BASE_HASH_REQUIRED",
        Unchanged::Stale => "CONFIG_STALE",
        Unchanged::Invalid(_) | Unchanged::Placeholder(_) => "CONFIG_INVALID",
        Unchanged::BeforeStart => "CONFIG_READ_ONLY",
        Unchanged::File(problem) => return refusal(ErrorCode::Unavailable, problem),
        Unchanged::Unwritable(why) => return unwritable(*why),
    };
    Box::new(WireError {
        details: Some(json!({"code": code})),
        ..*invalid(&why.to_string())
    })
}
