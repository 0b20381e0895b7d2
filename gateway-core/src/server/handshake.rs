//! From a connect request to hello, or to a refusal (protocol §2 to §5).
//!
//! The order of the checks is the official gateway's: shape, role, protocol, origin, device, secret,
//! approval. What is granted is decided in `scopes`; here it is gathered, and done.

mod hello;
mod pairing;
mod sign_in;

pub(super) use hello::{MAX_ATTACHMENT_BYTES, MAX_IMAGE_BYTES};
pub(super) use pairing::{pending_on_the_wire, scopes_of, words_of};
pub(super) use sign_in::new_token;

use super::State;
use super::mailbox::Goodbye;
use super::nodes::Declared;
use super::origin;
use super::peer_address::Client;
use super::peers::Facts;
use super::refusals::{Refusal, invalid, refusal};
use super::scopes::{self, Device, GrantInput};
use super::vouching::Vouched;
use super::{clock::now_ms, connect_params};
use crate::device_identity::{self, Claim, ProofFault};
use crate::protocol::connect::{CONNECT, ConnectParams, Role};
use crate::protocol::{ConnId, ErrorCode, Request, WireError};
use serde_json::{Value, json};
use sign_in::SignIn;
use std::sync::Arc;

/// The wire version we speak. Probes and nodes may know only the one before (protocol §2).
const PROTOCOL: u32 = 4;
const OLDEST_PROBE: u32 = 3;

/// Who knocks: what is known of a connection before its connect request.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// From where, proxies seen through.
    pub(super) client: Client,
    /// Which page, if one; `Err` where that page may not talk to us.
    pub(super) page: Result<origin::Caller, ()>,
    /// What somebody else says of it.
    pub(super) vouched: Vouched,
    /// What its device has to sign.
    pub(super) nonce: String,
    /// When it was asked to, in milliseconds since 1970.
    pub(super) challenged_at_ms: u64,
}

/// A connection that may come in.
#[derive(Debug)]
pub(super) struct Admitted {
    /// Who it is.
    pub(super) facts: Facts,
    /// What it is told.
    pub(super) hello: Value,
    /// What it can do, where it is a node.
    pub(super) declared: Option<Declared>,
}

/// A connection that may not.
#[derive(Debug)]
pub(super) struct Refused {
    /// What the answer says.
    pub(super) error: Refusal,
    /// How the connection is closed.
    pub(super) close: Goodbye,
}

impl From<Refusal> for Refused {
    /// The close frame repeats the message (protocol §1).
    fn from(error: Refusal) -> Self {
        Self {
            close: Goodbye::new(1008, &error.message),
            error,
        }
    }
}

/// Decides about one connect request.
pub(super) async fn connect(
    gateway: &Arc<State>,
    caller: &Caller,
    request: Request,
) -> Result<Admitted, Refused> {
    if request.method != CONNECT {
        return Err(invalid("invalid handshake: first request must be connect").into());
    }
    if gateway.is_stopping() {
        return Err(Refused {
            error: Box::new(WireError {
                retryable: Some(true),
                retry_after_ms: Some(500),
                ..*refusal(ErrorCode::Unavailable, "gateway stopping")
            }),
            close: Goodbye::new(1013, "gateway stopping"),
        });
    }
    let params = connect_params::read(request.params).map_err(|message| invalid(&message))?;
    let role = params.role.clone().unwrap_or(Role::Operator);
    if matches!(role, Role::Other(_)) {
        return Err(invalid("invalid role").into());
    }
    speaks_our_protocol(&params, &role)?;
    let Ok(page) = &caller.page else {
        return Err(detailed(
            "origin not allowed (open the Control UI from the gateway host or allow it in \
             gateway.controlUi.allowedOrigins)",
            json!({"code": "CONTROL_UI_ORIGIN_NOT_ALLOWED", "reason": "origin not allowed"}),
        )
        .into());
    };
    let requested = params.scopes.clone().unwrap_or_default();
    let signed_token = params.auth.as_ref().map_or("", |auth| auth.signed_token());
    if let Some(proof) = &params.device {
        let claim = Claim {
            client: &params.client,
            role: &role,
            scopes: &requested,
            token: signed_token,
        };
        device_identity::verify(proof, &claim, &caller.nonce, now_ms()).map_err(bad_proof)?;
    }
    let sign_in = SignIn {
        gateway,
        caller,
        page,
        params: &params,
        role: &role,
    };
    let (signed_in, method) = sign_in.judge().await?;
    let record = match &params.device {
        Some(proof) => gateway
            .store
            .device(&proof.id)
            .await
            .map_err(super::refusals::store_refusal)?,
        None => None,
    };
    let device = params.device.as_ref().map(|_| Device {
        approved: record.as_ref().map(pairing::approved),
        platform: params.client.platform.clone(),
        device_family: params.client.device_family.clone().unwrap_or_default(),
    });
    let granted = scopes::grant(&GrantInput {
        client_id: &params.client.id,
        client_mode: &params.client.mode,
        role: role.clone(),
        requested: &requested,
        locality: caller.client.locality,
        has_origin: matches!(page, origin::Caller::Page(_)),
        signed_in,
        device,
        approves_local: gateway.config.approves_local(),
    });
    let grant = match granted {
        Ok(grant) => grant,
        Err(why) => return Err(sign_in.refused(why, record.as_ref()).await),
    };
    let issued = sign_in.keep(&grant, record).await?;
    let facts = Facts {
        conn_id: ConnId::from(uuid::Uuid::new_v4().to_string()),
        client: params.client.clone(),
        role: grant.role.clone(),
        scopes: grant.scopes.clone(),
        caps: params
            .caps
            .clone()
            .unwrap_or_default()
            .into_iter()
            .collect(),
        device: params.device.as_ref().map(|proof| proof.id.clone()),
        address: caller.client.address.to_string(),
        since_ms: now_ms(),
    };
    let hello = hello::compose(gateway, &facts, method, issued).await;
    Ok(Admitted {
        facts,
        hello,
        declared: Declared::of(&params, &gateway.commands),
    })
}

/// Operators have to speak our version; probes and nodes may know only the one before.
fn speaks_our_protocol(params: &ConnectParams, role: &Role) -> Result<(), Refused> {
    let (min, max) = (params.min_protocol, params.max_protocol);
    let mode = params.client.mode.as_str();
    let is_lenient = mode == "probe" || (*role == Role::Node && mode == "node");
    let oldest = if is_lenient { OLDEST_PROBE } else { PROTOCOL };
    if min <= PROTOCOL && max >= oldest && min <= max {
        return Ok(());
    }
    let error = detailed(
        "protocol mismatch",
        json!({
            "code": "PROTOCOL_MISMATCH", "clientMinProtocol": min, "clientMaxProtocol": max,
            "expectedProtocol": PROTOCOL, "minimumProbeProtocol": OLDEST_PROBE,
        }),
    );
    Err(Refused {
        close: Goodbye::new(1002, &error.message),
        error,
    })
}

fn bad_proof(fault: ProofFault) -> Refused {
    detailed(
        &fault.to_string(),
        json!({"code": fault.code(), "reason": fault.reason()}),
    )
    .into()
}

/// A refusal of what was asked, with details.
fn detailed(message: &str, details: Value) -> Refusal {
    Box::new(WireError {
        details: Some(details),
        ..*invalid(message)
    })
}
