//! `device.pair.setupCode`: a code that signs in one browser page on this computer (protocol §5).
//!
//! The official gateway's codes are for phones as well; ours are good over loopback only, and the
//! address in the answer says so.

use super::super::browser_link::{self, BrowserLink};
use super::super::clock::now_ms;
use super::super::exposure::LocalAuth;
use super::super::refusals::{Refusal, invalid, read, refusal};
use super::super::router::Call;
use crate::protocol::ErrorCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Params {
    public_url: Option<String>,
    prefer_remote_url: Option<bool>,
    #[expect(dead_code, reason = "a picture may be left out, the link cannot")]
    include_qr: Option<bool>,
    bootstrap_profile: Option<String>,
    #[expect(dead_code, reason = "the link is always part of the answer")]
    join_url: Option<bool>,
}

/// `device.pair.setupCode`.
pub(super) fn make(call: &Call, params: Value) -> Result<Value, Refusal> {
    let params: Params = read("device.pair.setupCode", params)?;
    if params.public_url.is_some() || params.prefer_remote_url == Some(true) {
        return Err(invalid(
            "setup codes of this gateway are good on its own computer only: leave the public \
             address out",
        ));
    }
    if params.bootstrap_profile.as_deref() == Some("node") {
        return Err(invalid(
            "setup codes of this gateway are for its page: start the node with the gateway token",
        ));
    }
    let auth = match &call.gateway.config.exposure.auth {
        LocalAuth::Token(_) | LocalAuth::GenerateToken => "token",
        LocalAuth::Password(_) => "password",
        LocalAuth::None | LocalAuth::TrustedProxy(_) => {
            return Err(refusal(
                ErrorCode::Unavailable,
                "this gateway asks for no token or password: open its page without a code",
            ));
        }
    };
    let link = browser_link::make(&call.gateway)
        .map_err(|why| refusal(ErrorCode::Unavailable, &why.to_string()))?;
    let url = link.address().replacen("http", "ws", 1);
    let url = url.trim_end_matches('/');
    let payload = json!({"url": url, "bootstrapToken": link.code().expose()});
    let good_for = u64::try_from(BrowserLink::good_for().as_millis()).unwrap_or_default();
    Ok(json!({
        "setupCode": URL_SAFE_NO_PAD.encode(payload.to_string()),
        "joinUrl": link.expose().as_str(),
        "gatewayUrl": url,
        "auth": auth,
        "urlSource": "loopback",
        "access": "limited",
        "expiresAtMs": now_ms().saturating_add(good_for),
    }))
}
