//! Why a request is not done, in the words clients know.

use super::session_keys::canonical;
use crate::protocol::connect::Scope;
use crate::protocol::{ErrorCode, Extra, SessionKey, WireError};
use crate::store::{StoreError, Unwritable};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tracing::error;

/// Why a request is not done, as the wire says it. Boxed: it is large, and rare.
pub(super) type Refusal = Box<WireError>;

/// A refusal of this code.
pub(super) fn refusal(code: ErrorCode, message: &str) -> Refusal {
    Box::new(WireError {
        code,
        message: message.to_owned(),
        details: None,
        retryable: None,
        retry_after_ms: None,
        extra: Extra::new(),
    })
}

/// A refusal of what was asked.
pub(super) fn invalid(message: &str) -> Refusal {
    refusal(ErrorCode::InvalidRequest, message)
}

/// A refusal of somebody who lacks a scope.
pub(super) fn missing_scope(scope: &Scope) -> Refusal {
    Box::new(WireError {
        details: Some(json!({
            "code": "MISSING_SCOPE",
            "missingScope": scope.as_str(),
            "requiredScopes": [scope.as_str()],
        })),
        ..*refusal(ErrorCode::Forbidden, &format!("missing scope: {scope}"))
    })
}

/// Says what is wrong with params in the words clients know from the official gateway.
pub(super) fn bad_params(method: &str, error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    let missing = text
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next());
    match missing {
        Some(name) => invalid(&format!(
            "invalid {method} params: must have required property '{name}'"
        )),
        None => invalid(&format!("invalid {method} params: at root: {text}")),
    }
}

/// Reads params, with the refusal clients know.
pub(super) fn read<T: DeserializeOwned>(method: &str, params: Value) -> Result<T, Refusal> {
    serde_json::from_value(params).map_err(|error| bad_params(method, &error))
}

/// Returns the full name of a conversation.
pub(super) fn key_of(key: &SessionKey) -> Result<SessionKey, Refusal> {
    canonical(key).map_err(|why| invalid(&why.to_string()))
}

/// What is said when the state on disk cannot be read or written.
pub(super) fn store_refusal(problem: StoreError) -> Refusal {
    if let StoreError::Missing { .. } = problem {
        // The caller's mistake, and no fault of the disk.
        return invalid(&problem.to_string());
    }
    error!(%problem, "the state on disk refused");
    if let Some(why) = problem.unwritable() {
        return unwritable(why);
    }
    Box::new(WireError {
        details: Some(json!({"code": "STATE_UNAVAILABLE"})),
        retryable: Some(true),
        retry_after_ms: Some(2000),
        ..*refusal(
            ErrorCode::Unavailable,
            &format!("the gateway's state on disk cannot be used: {problem}"),
        )
    })
}

/// What is said while nothing can be kept.
pub(super) fn unwritable(why: Unwritable) -> Refusal {
    Box::new(WireError {
        details: Some(json!({"code": why.code()})),
        retryable: Some(true),
        retry_after_ms: Some(5000),
        ..*refusal(ErrorCode::Unavailable, &format!("nothing was kept: {why}"))
    })
}

/// What is said while the gateway ends.
pub(super) fn stopping() -> Refusal {
    Box::new(WireError {
        retryable: Some(true),
        retry_after_ms: Some(1000),
        ..*refusal(ErrorCode::Unavailable, "the gateway is stopping")
    })
}
