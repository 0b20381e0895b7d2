//! What a refused request says: code, message, details, and whether to try again.
//!
//! Callers decide by [`WireError::code`] and [`WireError::detail_code`]; the message is for people
//! and varies between releases and client modes.

use super::Extra;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

words! {
    /// The class of a refusal.
    ErrorCode {
        /// The request cannot be served as it stands.
        InvalidRequest = "INVALID_REQUEST",
        /// The connection lacks a scope.
        Forbidden = "FORBIDDEN",
        /// The device has to be approved first.
        NotPaired = "NOT_PAIRED",
        /// Not now; often retryable.
        Unavailable = "UNAVAILABLE",
        /// No such approval, or no longer.
        ApprovalNotFound = "APPROVAL_NOT_FOUND",
    }
}

words! {
    /// The precise reason of a refusal, from `details.code`.
    DetailCode {
        /// The token is wrong.
        AuthTokenMismatch = "AUTH_TOKEN_MISMATCH",
        /// The gateway wants a token and got none.
        AuthTokenMissing = "AUTH_TOKEN_MISSING",
        /// The gateway is in token mode without a token of its own.
        AuthTokenNotConfigured = "AUTH_TOKEN_NOT_CONFIGURED",
        /// The password is wrong.
        AuthPasswordMismatch = "AUTH_PASSWORD_MISMATCH",
        /// The gateway wants a password and got none.
        AuthPasswordMissing = "AUTH_PASSWORD_MISSING",
        /// The gateway is in password mode without a password of its own.
        AuthPasswordNotConfigured = "AUTH_PASSWORD_NOT_CONFIGURED",
        /// The device token is unknown, revoked or retired.
        AuthDeviceTokenMismatch = "AUTH_DEVICE_TOKEN_MISMATCH",
        /// The device token does not carry the scopes asked for.
        AuthScopeMismatch = "AUTH_SCOPE_MISMATCH",
        /// The one-time token of a setup code is wrong or used.
        AuthBootstrapTokenInvalid = "AUTH_BOOTSTRAP_TOKEN_INVALID",
        /// Too many failures; the gateway does not listen for a while.
        AuthRateLimited = "AUTH_RATE_LIMITED",
        /// The gateway wants some credential.
        AuthRequired = "AUTH_REQUIRED",
        /// The credential does not allow this.
        AuthUnauthorized = "AUTH_UNAUTHORIZED",
        /// The device, role or scopes wait for approval.
        PairingRequired = "PAIRING_REQUIRED",
        /// The gateway wants a device identity.
        DeviceIdentityRequired = "DEVICE_IDENTITY_REQUIRED",
        /// The gateway's own web page wants a device identity.
        ControlUiDeviceIdentityRequired = "CONTROL_UI_DEVICE_IDENTITY_REQUIRED",
        /// An Origin header that is not on the gateway's list.
        ControlUiOriginNotAllowed = "CONTROL_UI_ORIGIN_NOT_ALLOWED",
        /// No wire version in common.
        ProtocolMismatch = "PROTOCOL_MISMATCH",
        /// The gateway refuses clients of this version.
        ClientVersionMismatch = "CLIENT_VERSION_MISMATCH",
        /// The device's signature does not verify.
        DeviceAuthSignatureInvalid = "DEVICE_AUTH_SIGNATURE_INVALID",
        /// The signature was made too long ago, or in the future.
        DeviceAuthSignatureExpired = "DEVICE_AUTH_SIGNATURE_EXPIRED",
        /// The signature covers another nonce than the challenge's.
        DeviceAuthNonceMismatch = "DEVICE_AUTH_NONCE_MISMATCH",
        /// The nonce is blank.
        DeviceAuthNonceRequired = "DEVICE_AUTH_NONCE_REQUIRED",
        /// The device id is not the hash of the public key.
        DeviceAuthDeviceIdMismatch = "DEVICE_AUTH_DEVICE_ID_MISMATCH",
        /// The public key cannot be read.
        DeviceAuthPublicKeyInvalid = "DEVICE_AUTH_PUBLIC_KEY_INVALID",
        /// Some other fault of the device proof.
        DeviceAuthInvalid = "DEVICE_AUTH_INVALID",
        /// The connection lacks a scope the method needs.
        MissingScope = "MISSING_SCOPE",
        /// The message does not say which conversation it is for.
        SessionMutationTargetRequired = "SESSION_MUTATION_TARGET_REQUIRED",
        /// The node's pairing changed meanwhile.
        PairingChanged = "PAIRING_CHANGED",
    }
}

/// The `error` member of a response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{code}: {message}")]
pub struct WireError {
    /// The class of the refusal.
    pub code: ErrorCode,
    /// For people; not to be matched on.
    pub message: String,
    /// More, in a shape that depends on the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// Whether the same request may succeed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// How long to wait before that, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl WireError {
    /// Returns the precise reason, where the gateway gave one.
    ///
    /// A wire-v3 gateway words a protocol mismatch as bare `details {expectedProtocol}` and a
    /// missing scope as `missing scope: …` without details; both are recognised.
    pub fn detail_code(&self) -> Option<DetailCode> {
        if let Some(code) = self.detail_text("code") {
            return Some(DetailCode::from(code));
        }
        if self.detail("expectedProtocol").is_some() {
            return Some(DetailCode::ProtocolMismatch);
        }
        self.message
            .starts_with("missing scope: ")
            .then_some(DetailCode::MissingScope)
    }

    /// Returns a member of the details.
    pub fn detail(&self, name: &str) -> Option<&Value> {
        self.details.as_ref()?.get(name)
    }

    /// Returns a member of the details that is a text.
    pub fn detail_text(&self, name: &str) -> Option<&str> {
        self.detail(name)?.as_str()
    }

    /// Returns the scope the connection lacks, when that is the reason.
    pub fn missing_scope(&self) -> Option<&str> {
        match self.detail_text("missingScope") {
            Some(scope) => Some(scope),
            None => self.message.strip_prefix("missing scope: "),
        }
    }

    /// Returns how long the gateway asks us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_ms.map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_older_gateway_says_missing_scope_in_its_message() {
        let error: WireError = serde_json::from_value(
            json!({"code": "INVALID_REQUEST", "message": "missing scope: operator.admin"}),
        )
        .unwrap();

        assert_eq!(error.detail_code(), Some(DetailCode::MissingScope));
        assert_eq!(error.missing_scope(), Some("operator.admin"));
    }

    #[test]
    fn an_older_gateway_says_protocol_mismatch_by_what_it_expects() {
        let error: WireError = serde_json::from_value(json!({
            "code": "INVALID_REQUEST", "message": "protocol mismatch",
            "details": {"expectedProtocol": 3}
        }))
        .unwrap();

        assert_eq!(error.detail_code(), Some(DetailCode::ProtocolMismatch));
    }

    #[test]
    fn an_unknown_code_is_kept_as_it_came() {
        let value =
            json!({"code": "TEAPOT", "message": "no", "details": {"code": "NEW"}, "hint": 1});

        let error: WireError = serde_json::from_value(value.clone()).unwrap();

        assert_eq!(error.code, ErrorCode::Other("TEAPOT".into()));
        assert_eq!(error.detail_code(), Some(DetailCode::Other("NEW".into())));
        assert_eq!(serde_json::to_value(&error).unwrap(), value);
    }
}
