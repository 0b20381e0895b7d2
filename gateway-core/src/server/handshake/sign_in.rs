//! How a connection proves that it may talk to this gateway, and what is said when it does not.

use super::super::State;
use super::super::limiter::{Class, Subject};
use super::super::mailbox::Goodbye;
use super::super::origin;
use super::super::peer_address::Locality;
use super::super::refusals::{invalid, refusal};
use super::super::scopes::{Grant, GrantRefusal, Pairing, PairingReason, SignedIn};
use super::super::shared_secret::Verdict;
use super::super::single_use_codes::CodeRefusal;
use super::super::vouching::Vouched;
use super::super::{clock::now_ms, held, pairings, random_secret, refusals};
use super::hello::Issued;
use super::{Caller, Refused, detailed, pairing};
use crate::credentials::secret::{DeviceToken, SingleUseCode};
use crate::protocol::connect::{ConnectParams, IssuedToken, Role, Scope};
use crate::protocol::{ErrorCode, WireError};
use crate::server::exposure::LocalAuth;
use crate::store::{DeviceRecord, DeviceTokenHash, NewDeviceToken, StoreError};
use serde_json::json;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::{debug, warn};

/// One attempt to sign in.
pub(super) struct SignIn<'a> {
    pub(super) gateway: &'a Arc<State>,
    pub(super) caller: &'a Caller,
    pub(super) page: &'a origin::Caller,
    pub(super) params: &'a ConnectParams,
    pub(super) role: &'a Role,
}

impl SignIn<'_> {
    /// Judges the credentials. Returns how it signed in, and the word hello has for that.
    pub(super) async fn judge(&self) -> Result<(SignedIn, &'static str), Refused> {
        if matches!(self.gateway.config.exposure.auth, LocalAuth::None) {
            return Ok((SignedIn::OpenGateway, "none"));
        }
        let Some(auth) = self.params.auth.as_ref().filter(|auth| !auth.is_empty()) else {
            return self.judge_vouched().await;
        };
        let subject = self.subject();
        let mut presented = Vec::new();
        if auth.token.is_some() || auth.password.is_some() {
            presented.push(Class::Shared);
        }
        if auth.device_token.is_some() {
            presented.push(Class::DeviceToken);
        }
        if auth.bootstrap_token.is_some() {
            presented.push(Class::SingleUseCode);
        }
        let now = Instant::now();
        let admitted = held(&self.gateway.limiter).admit(&subject, &presented, now);
        if let Err(locked) = admitted {
            return Err(Box::new(WireError {
                retryable: Some(true),
                retry_after_ms: u64::try_from(locked.retry_after.as_millis()).ok(),
                ..*detailed(
                    &format!("unauthorized: {locked}"),
                    json!({
                        "code": "AUTH_RATE_LIMITED", "authReason": "rate_limited",
                        "canRetryWithDeviceToken": false, "recommendedNextStep": "wait_then_retry",
                    }),
                )
            })
            .into());
        }
        if let Some(code) = auth.only_code() {
            return self.redeem(code, &subject, now);
        }
        let verdict = match &self.gateway.secret {
            Some(secret) => secret.judge_connect(auth),
            None => Verdict::Mismatch,
        };
        if verdict == Verdict::Match {
            held(&self.gateway.limiter).succeeded(&subject, Class::Shared, now);
            let word = self.gateway.config.auth_word();
            return Ok((SignedIn::Shared, word));
        }
        if let Some(scopes) = self.device_token_scopes(auth.signed_token()).await? {
            held(&self.gateway.limiter).succeeded(&subject, Class::DeviceToken, now);
            return Ok((SignedIn::DeviceToken { scopes }, "device-token"));
        }
        let class = if auth.device_token.is_some() {
            Class::DeviceToken
        } else {
            Class::Shared
        };
        held(&self.gateway.limiter).failed(&subject, class, now);
        if class == Class::DeviceToken && verdict != Verdict::Mismatch
            || self.is_marked_device_token()
        {
            return Err(unauthorized(
                "device token mismatch (rotate/reissue device token)",
                "AUTH_DEVICE_TOKEN_MISMATCH",
                "device_token_mismatch",
                false,
                "update_auth_credentials",
            ));
        }
        Err(self.wrong_secret())
    }

    /// Judges a single-use code and uses it up. One that comes without a device stays good: nothing
    /// could be approved by it.
    fn redeem(
        &self,
        code: &SingleUseCode,
        subject: &Subject,
        now: Instant,
    ) -> Result<(SignedIn, &'static str), Refused> {
        if self.params.device.is_none() {
            return Ok((SignedIn::SingleUseCode, "bootstrap-token"));
        }
        let redeemed = match self.caller.client.locality {
            Locality::Local => held(&self.gateway.codes).redeem(code, now),
            Locality::Remote => Err(CodeRefusal::Elsewhere),
        };
        match redeemed {
            Ok(()) => {
                held(&self.gateway.limiter).succeeded(subject, Class::SingleUseCode, now);
                Ok((SignedIn::SingleUseCode, "bootstrap-token"))
            }
            Err(why) => {
                held(&self.gateway.limiter).failed(subject, Class::SingleUseCode, now);
                Err(unauthorized(
                    &why.to_string(),
                    "AUTH_BOOTSTRAP_TOKEN_INVALID",
                    why.reason(),
                    false,
                    "update_auth_credentials",
                ))
            }
        }
    }

    /// Judges what somebody else says of a caller that sends no credential. Only operators are ever
    /// spoken for.
    async fn judge_vouched(&self) -> Result<(SignedIn, &'static str), Refused> {
        if *self.role != Role::Operator {
            return Ok((SignedIn::Nothing, "none"));
        }
        match self.caller.vouched.clone() {
            Vouched::Nobody => Ok((SignedIn::Nothing, "none")),
            Vouched::ByProxy(Ok(user)) => {
                debug!(user, "a trusted proxy speaks for an operator");
                Ok((SignedIn::Vouched, "trusted-proxy"))
            }
            Vouched::ByProxy(Err(why)) => Err(not_vouched(&why, why.detail_code())),
            Vouched::ByTailscale(claim) => {
                let confirmed = match claim {
                    Ok(claim) => claim.confirm(&self.gateway.tailscaled).await,
                    Err(why) => Err(why),
                };
                match confirmed {
                    Ok(login) => {
                        debug!(user = login.as_str(), "Tailscale speaks for an operator");
                        Ok((SignedIn::Vouched, "tailscale"))
                    }
                    Err(why) => Err(not_vouched(&why, why.detail_code())),
                }
            }
        }
    }

    /// Whether the same text was sent as token and as device token: it is one (protocol §4).
    fn is_marked_device_token(&self) -> bool {
        self.params.auth.as_ref().is_some_and(|auth| {
            auth.password.is_none()
                && match (&auth.token, &auth.device_token) {
                    (Some(token), Some(device)) => token.expose() == device.expose(),
                    (None, Some(_)) => true,
                    (Some(_) | None, None) => false,
                }
        })
    }

    fn subject(&self) -> Subject {
        let origin = match self.page {
            origin::Caller::Page(origin) => Some(origin.as_str()),
            origin::Caller::Native => None,
        };
        Subject::of(self.caller.client, origin)
    }

    /// Returns the scopes of a token that was issued to this very device for this role.
    async fn device_token_scopes(&self, token: &str) -> Result<Option<Vec<Scope>>, Refused> {
        let Some(proof) = self.params.device.as_ref().filter(|_| !token.is_empty()) else {
            return Ok(None);
        };
        let hash = DeviceTokenHash::of(&DeviceToken::new(token));
        let owner = self
            .gateway
            .store
            .token_of(hash)
            .await
            .map_err(refusals::store_refusal)?;
        Ok(owner
            .filter(|owner| owner.device_id == proof.id && owner.role == self.role.as_str())
            .map(|owner| pairing::scopes_of(&owner.scopes)))
    }

    fn wrong_secret(&self) -> Refused {
        if matches!(self.gateway.config.exposure.auth, LocalAuth::Password(_)) {
            return unauthorized(
                "gateway password mismatch (use this gateway's gateway.auth.password)",
                "AUTH_PASSWORD_MISMATCH",
                "password_mismatch",
                false,
                "update_auth_credentials",
            );
        }
        let has_token = self
            .params
            .auth
            .as_ref()
            .is_some_and(|auth| auth.token.is_some());
        let can_retry = self.params.device.is_some() && has_token;
        // What to do about it depends on who asks: a probe has no configuration of its own.
        let message = if self.params.client.mode == "probe" {
            "gateway token mismatch (provide gateway auth token)"
        } else {
            "gateway token mismatch (use this gateway's gateway.auth.token or pair the device)"
        };
        unauthorized(
            message,
            "AUTH_TOKEN_MISMATCH",
            "token_mismatch",
            can_retry,
            if can_retry {
                "retry_with_device_token"
            } else {
                "update_auth_credentials"
            },
        )
    }

    /// Says why nothing is granted, and puts a pairing request down where that would help.
    pub(super) async fn refused(
        &self,
        why: GrantRefusal,
        record: Option<&DeviceRecord>,
    ) -> Refused {
        match why {
            GrantRefusal::InvalidRole => invalid("invalid role").into(),
            GrantRefusal::DeviceIdentityRequired => Box::new(WireError {
                details: Some(json!({"code": "DEVICE_IDENTITY_REQUIRED"})),
                ..*refusal(ErrorCode::NotPaired, "device identity required")
            })
            .into(),
            GrantRefusal::ControlUiDeviceIdentityRequired => detailed(
                &why.to_string(),
                json!({"code": "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"}),
            )
            .into(),
            GrantRefusal::CredentialMissing => {
                if matches!(self.gateway.config.exposure.auth, LocalAuth::Password(_)) {
                    unauthorized(
                        "gateway password missing (use this gateway's gateway.auth.password)",
                        "AUTH_PASSWORD_MISSING",
                        "password_missing",
                        false,
                        "update_auth_configuration",
                    )
                } else {
                    unauthorized(
                        "gateway token missing (use this gateway's gateway.auth.token or pair \
                         the device)",
                        "AUTH_TOKEN_MISSING",
                        "token_missing",
                        false,
                        "update_auth_configuration",
                    )
                }
            }
            GrantRefusal::DeviceTokenMismatch => unauthorized(
                "device token mismatch (rotate/reissue device token)",
                "AUTH_DEVICE_TOKEN_MISMATCH",
                "device_token_mismatch",
                false,
                "update_auth_credentials",
            ),
            GrantRefusal::ScopeMismatch => unauthorized(
                "device token scope mismatch (re-pair or approve scope upgrade)",
                "AUTH_SCOPE_MISMATCH",
                "scope_mismatch",
                false,
                "review_auth_configuration",
            ),
            GrantRefusal::PairingRequired(reason) => self.needs_pairing(reason, record).await,
        }
    }

    async fn needs_pairing(&self, reason: PairingReason, record: Option<&DeviceRecord>) -> Refused {
        let Some(proof) = &self.params.device else {
            return refusal(ErrorCode::NotPaired, "device identity required").into();
        };
        let asked = pairing::request(
            self.params,
            proof,
            self.role,
            self.caller,
            reason.as_str(),
            now_ms(),
        );
        let request_id = match pairings::put_down(self.gateway, asked).await {
            Ok(request_id) => request_id,
            Err(problem) => return refusals::store_refusal(problem).into(),
        };
        let (message, remedy) = pairing_words(reason);
        let mut details = json!({
            "code": "PAIRING_REQUIRED",
            "reason": reason.as_str(),
            "requestId": request_id,
            "remediationHint": remedy,
            "deviceId": proof.id,
            "requestedRole": self.role,
        });
        if let Some(scopes) = self
            .params
            .scopes
            .as_ref()
            .filter(|scopes| !scopes.is_empty())
        {
            details["requestedScopes"] = json!(scopes);
        }
        if let Some(record) = record {
            details["approvedRoles"] = json!(record.roles);
            details["approvedScopes"] = json!(record.scopes);
        }
        // The close frame names the request as well, cut where it does not fit (protocol §1).
        Refused {
            close: Goodbye::new(1008, &format!("{message} (requestId: {request_id})")),
            error: Box::new(WireError {
                details: Some(details),
                ..*refusal(ErrorCode::NotPaired, message)
            }),
        }
    }

    /// Does what the grant says about the device's record, and issues a token where one is due.
    pub(super) async fn keep(
        &self,
        grant: &Grant,
        record: Option<DeviceRecord>,
    ) -> Result<Option<Issued>, Refused> {
        let Some(proof) = &self.params.device else {
            return Ok(None);
        };
        let store = &self.gateway.store;
        let now = now_ms();
        let (roles, scopes) = match &grant.pairing {
            Pairing::NoDevice => return Ok(None),
            Pairing::Unchanged => {
                if let Err(problem) = store.saw_device(&proof.id, now).await {
                    // When it was here last is no reason to keep it out of what can be read.
                    unkept("when a device was here", problem)?;
                }
                let approved = record.as_ref().map(pairing::approved).unwrap_or_default();
                (approved.roles, approved.scopes)
            }
            Pairing::ApproveSilently { roles, scopes } => {
                let kept = pairing::record(self.params, proof, record.as_ref(), roles, scopes, now);
                store
                    .put_device(kept)
                    .await
                    .map_err(refusals::store_refusal)?;
                (roles.clone(), scopes.clone())
            }
        };
        // Who came with its token keeps it: only its hash is known here, and it is still good.
        let auth = self.params.auth.as_ref();
        let sent = auth.map_or("", |auth| auth.signed_token());
        if self.device_token_scopes(sent).await?.is_some() || !roles.contains(&grant.role) {
            return Ok(None);
        }
        let token = new_token();
        let kept = store
            .put_device_token(NewDeviceToken {
                device_id: proof.id.clone(),
                role: grant.role.as_str().to_owned(),
                hash: DeviceTokenHash::of(&token),
                scopes: match grant.role {
                    Role::Operator => pairing::words_of(&scopes),
                    Role::Node | Role::Other(_) => Vec::new(),
                },
                at_ms: now,
            })
            .await;
        if let Err(problem) = kept {
            // It came in without one, and may do so again.
            unkept("a device's new token", problem)?;
            return Ok(None);
        }
        Ok(Some(Issued {
            token: IssuedToken(token),
            at_ms: now,
        }))
    }
}

/// Returns a token for a device.
pub(in super::super) fn new_token() -> DeviceToken {
    DeviceToken::new(random_secret().as_str())
}

/// Goes on without what a disk in trouble did not take; any other problem keeps the caller out.
fn unkept(what: &str, problem: StoreError) -> Result<(), Refused> {
    if problem.unwritable().is_none() {
        return Err(refusals::store_refusal(problem).into());
    }
    warn!(%problem, what, "let in although something could not be kept");
    Ok(())
}

/// What is said to a device that has to be approved, and what to do about it (protocol §5).
fn pairing_words(reason: PairingReason) -> (&'static str, &'static str) {
    match reason {
        PairingReason::NotPaired => (
            "pairing required: device is not approved yet",
            "Approve this device from the pending pairing requests.",
        ),
        PairingReason::ScopeUpgrade => (
            "pairing required: device is asking for more scopes than currently approved",
            "Review the requested scopes, then approve the pending upgrade.",
        ),
        PairingReason::RoleUpgrade => (
            "pairing required: device is asking for a higher role than currently approved",
            "Review the requested role upgrade, then approve the pending request.",
        ),
        PairingReason::MetadataUpgrade => (
            "pairing required: device identity changed and must be re-approved",
            "Review the refreshed device details, then approve the pending request.",
        ),
    }
}

fn not_vouched(why: &impl std::fmt::Display, code: &str) -> Refused {
    unauthorized(
        &why.to_string(),
        code,
        "identity_not_confirmed",
        false,
        "review_auth_configuration",
    )
}

fn unauthorized(
    message: &str,
    code: &str,
    reason: &str,
    can_retry_with_device_token: bool,
    next_step: &str,
) -> Refused {
    detailed(
        &format!("unauthorized: {message}"),
        json!({
            "code": code, "authReason": reason,
            "canRetryWithDeviceToken": can_retry_with_device_token,
            "recommendedNextStep": next_step,
        }),
    )
    .into()
}
