//! What an agent can be made of: `models.list`, `commands.list`.

use super::super::refusals::Refusal;
use super::super::router::Call;
use serde_json::{Value, json};

/// `models.list`.
pub(super) fn list(call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({"models": call.gateway.agents.list()}))
}

/// `commands.list`: what a message may begin with.
pub(super) fn commands(_call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({
        "commands": [{
            "name": "stop", "nativeName": "stop", "textAliases": ["/stop"],
            "description": "Stop what is going on in this conversation.",
            "category": "session", "source": "native", "scope": "both", "acceptsArgs": false,
        }],
    }))
}
