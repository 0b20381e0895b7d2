//! Why a session did not begin, and what to do about it.
//!
//! The supervisor asks a [`ConnectError`] questions instead of matching on it.

use super::close::CloseReason;
use crate::connection::phase::Cause;
use crate::protocol::{DetailCode, ErrorCode, PairingRequestId, WireError};
use std::fmt;
use std::io;
use std::time::Duration;

/// The bounds of the wait a starting gateway may ask for, as the reference client keeps them.
const STARTUP_WAIT: (Duration, Duration) =
    (Duration::from_millis(100), Duration::from_millis(2_000));

/// How far a handshake had got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Asking the other side to speak WebSocket.
    Upgrade,
    /// Waiting for the gateway's challenge.
    Challenge,
    /// Waiting for hello-ok.
    Hello,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upgrade => "an answer to the WebSocket upgrade",
            Self::Challenge => "the gateway's challenge",
            Self::Hello => "hello-ok",
        })
    }
}

/// How we know that whatever answers on the port is not a gateway. No credential was sent to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAGateway {
    /// It does not speak HTTP.
    #[error("does not speak HTTP")]
    NotHttp,
    /// It is a web server that does not speak WebSocket there.
    #[error("answers with HTTP status {status}")]
    PlainHttp {
        /// The status of its answer.
        status: u16,
    },
    /// It sends us elsewhere, and we do not go: what we trust is the address that was given.
    #[error("sends us on to {to} (HTTP status {status}), and that is not followed")]
    Redirect {
        /// The status of its answer.
        status: u16,
        /// Where to: scheme and host, nothing more.
        to: String,
    },
    /// It speaks WebSocket, but does not begin with a gateway's challenge.
    #[error("speaks WebSocket but gives no challenge")]
    NoChallenge,
    /// It does not say anything.
    #[error("stays silent")]
    Silent,
}

/// More of a redirect's target is not shown.
const LONGEST_TARGET: usize = 120;

impl NotAGateway {
    /// Returns what an HTTP answer other than the one we wanted means.
    pub(super) fn answered(status: u16, location: Option<&str>) -> Self {
        if !(300..400).contains(&status) {
            return Self::PlainHttp { status };
        }
        let to = location.and_then(|location| {
            let (scheme, rest) = location.split_once("://")?;
            let authority = rest.split(['/', '?', '#']).next()?;
            let host = authority.rsplit('@').next()?;
            let shown = format!("{scheme}://{host}");
            let plain = shown.bytes().all(|byte| byte.is_ascii_graphic());
            (plain && shown.len() <= LONGEST_TARGET).then_some(shown)
        });
        Self::Redirect {
            status,
            to: to.unwrap_or_else(|| "another path".to_owned()),
        }
    }
}

/// Why a session did not begin.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConnectError {
    /// Host and port cannot be written into an HTTP request.
    #[error("address cannot be used in an HTTP request")]
    BadAuthority,
    /// Whatever answers there is not a gateway.
    #[error("what answers there is not a gateway")]
    NotAGateway(#[source] NotAGateway),
    /// The gateway refuses connections that a proxy it does not trust passed on.
    #[error("gateway does not trust the proxy in front of it")]
    ProxyRefused,
    /// The stream broke.
    #[error("connection broke while waiting for {step}")]
    Lost {
        /// How far it had got.
        step: Step,
        /// What the stream reported, if anything.
        kind: Option<io::ErrorKind>,
    },
    /// The limit of the whole handshake passed.
    #[error("no sign of {step} within {waited:?}")]
    Timeout {
        /// What was waited for.
        step: Step,
        /// For how long.
        waited: Duration,
    },
    /// The challenge lacks what a device has to sign.
    #[error("gateway's challenge lacks the time a device has to sign")]
    ChallengeWithoutTime,
    /// The connection request of ours does not fit into what a gateway takes before hello.
    #[error("connect request exceeds {limit} bytes")]
    RequestTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The gateway closed before hello without an answer.
    #[error("gateway closed the connection before hello: {reason}")]
    Closed {
        /// What it said.
        reason: CloseReason,
    },
    /// Hello-ok is not in the shape of one.
    #[error("gateway's hello-ok cannot be read: {problem}")]
    MalformedHello {
        /// Which member is wrong; never a value.
        problem: String,
    },
    /// The gateway accepted us with a wire version we do not speak.
    #[error("gateway speaks protocol {theirs}")]
    UnsupportedProtocol {
        /// The version.
        theirs: u32,
    },
    /// The gateway refused the connect request.
    #[error("gateway refused the connection")]
    Refused {
        /// Why.
        #[source]
        error: Box<WireError>,
        /// What was tried, on which the next step depends.
        tried: Tried,
    },
}

/// What a refused connect request had tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tried {
    /// The device token was among the credentials.
    pub device_token: bool,
    /// A device token is stored, was not sent, and this endpoint may be given it.
    pub may_retry_with_device_token: bool,
}

/// What to do about a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Try again with growing delays.
    Retry,
    /// Try again after this long.
    RetryAfter(Duration),
    /// Try once more at once with [`super::HelloRequest::prefer_device_token`].
    RetryWithDeviceToken,
    /// Forget the stored device token, then try again with the shared secret.
    ForgetDeviceToken,
    /// Ask the user for the gateway's token.
    EnterToken,
    /// Ask the user for the gateway's password.
    EnterPassword,
    /// Somebody has to approve this device on the gateway.
    ApproveDevice {
        /// What to approve, where the gateway said so.
        request: Option<PairingRequestId>,
    },
    /// Wait this long before the next attempt; the gateway counts failures.
    WaitForRateLimit(Option<Duration>),
    /// Gateway and app are too far apart in age.
    UpdateOneSide,
    /// Something else has the port, or the gateway does not run.
    LookAtPort,
    /// The server's configuration has to be changed.
    LookAtGatewayConfiguration,
}

impl ConnectError {
    /// Returns what the gateway refused with, if it got that far.
    pub fn refusal(&self) -> Option<&WireError> {
        match self {
            Self::Refused { error, .. } => Some(error),
            Self::BadAuthority
            | Self::NotAGateway(_)
            | Self::ProxyRefused
            | Self::Lost { .. }
            | Self::Timeout { .. }
            | Self::ChallengeWithoutTime
            | Self::RequestTooLarge { .. }
            | Self::Closed { .. }
            | Self::MalformedHello { .. }
            | Self::UnsupportedProtocol { .. } => None,
        }
    }

    /// Returns the word for it in a snapshot.
    pub fn cause(&self) -> Cause {
        match self {
            Self::BadAuthority => Cause::BadTarget,
            Self::NotAGateway(_)
            | Self::ProxyRefused
            | Self::ChallengeWithoutTime
            | Self::RequestTooLarge { .. }
            | Self::MalformedHello { .. }
            | Self::UnsupportedProtocol { .. } => Cause::Protocol,
            Self::Lost { .. } => Cause::Closed,
            Self::Timeout { .. } => Cause::Timeout,
            Self::Closed { reason } => reason.cause(),
            Self::Refused { error, .. } => refusal_cause(error),
        }
    }

    /// Returns whether whatever answers there is not a gateway, or nothing answers.
    pub fn is_not_a_gateway(&self) -> bool {
        match self {
            Self::NotAGateway(_) => true,
            Self::Timeout { step, .. } | Self::Lost { step, .. } => match step {
                Step::Upgrade | Step::Challenge => true,
                Step::Hello => false,
            },
            Self::BadAuthority
            | Self::ProxyRefused
            | Self::ChallengeWithoutTime
            | Self::RequestTooLarge { .. }
            | Self::Closed { .. }
            | Self::MalformedHello { .. }
            | Self::UnsupportedProtocol { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// Returns whether trying again by itself cannot help, so that a person has to act.
    pub fn stops_retrying(&self) -> bool {
        match self {
            Self::BadAuthority
            | Self::ProxyRefused
            | Self::RequestTooLarge { .. }
            | Self::UnsupportedProtocol { .. } => true,
            Self::NotAGateway(_)
            | Self::Lost { .. }
            | Self::Timeout { .. }
            | Self::ChallengeWithoutTime
            | Self::MalformedHello { .. } => false,
            Self::Closed { reason } => *reason == CloseReason::ProtocolMismatch,
            Self::Refused { error, tried } => {
                !tried.may_retry_with_device_token && refusal_stops(error)
            }
        }
    }

    /// Returns how long the gateway asks us to wait before the next attempt.
    ///
    /// A starting gateway's wish is kept between 100 ms and 2 s.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { error, .. } => {
                let wait = error.retry_after()?;
                match error.code {
                    ErrorCode::Unavailable => Some(wait.clamp(STARTUP_WAIT.0, STARTUP_WAIT.1)),
                    ErrorCode::InvalidRequest
                    | ErrorCode::Forbidden
                    | ErrorCode::NotPaired
                    | ErrorCode::ApprovalNotFound
                    | ErrorCode::Other(_) => Some(wait),
                }
            }
            Self::Closed { reason } if *reason == CloseReason::Starting => Some(STARTUP_WAIT.0),
            Self::Closed { .. }
            | Self::BadAuthority
            | Self::NotAGateway(_)
            | Self::ProxyRefused
            | Self::Lost { .. }
            | Self::Timeout { .. }
            | Self::ChallengeWithoutTime
            | Self::RequestTooLarge { .. }
            | Self::MalformedHello { .. }
            | Self::UnsupportedProtocol { .. } => None,
        }
    }

    /// Returns whether one immediate attempt with the stored device token may help: the shared
    /// token is wrong, the gateway and the endpoint allow it, and it has not been tried.
    pub fn may_retry_with_device_token(&self) -> bool {
        match self {
            Self::Refused { tried, .. } => tried.may_retry_with_device_token,
            Self::BadAuthority
            | Self::NotAGateway(_)
            | Self::ProxyRefused
            | Self::Lost { .. }
            | Self::Timeout { .. }
            | Self::ChallengeWithoutTime
            | Self::RequestTooLarge { .. }
            | Self::Closed { .. }
            | Self::MalformedHello { .. }
            | Self::UnsupportedProtocol { .. } => false,
        }
    }

    /// Returns whether the stored device token is worthless and to be removed from the store.
    pub fn forget_device_token(&self) -> bool {
        match self {
            Self::Refused { error, tried } => {
                let code = error.detail_code();
                code == Some(DetailCode::AuthDeviceTokenMismatch)
                    // Sent in place of the shared token, a dead device token is a wrong token.
                    || (tried.device_token && code == Some(DetailCode::AuthTokenMismatch))
            }
            Self::Closed { reason } => *reason == CloseReason::DeviceRemoved,
            Self::BadAuthority
            | Self::NotAGateway(_)
            | Self::ProxyRefused
            | Self::Lost { .. }
            | Self::Timeout { .. }
            | Self::ChallengeWithoutTime
            | Self::RequestTooLarge { .. }
            | Self::MalformedHello { .. }
            | Self::UnsupportedProtocol { .. } => false,
        }
    }

    /// Returns what to do about it.
    pub fn next_step(&self) -> NextStep {
        match self {
            Self::BadAuthority | Self::NotAGateway(_) => NextStep::LookAtPort,
            Self::ProxyRefused | Self::RequestTooLarge { .. } => {
                NextStep::LookAtGatewayConfiguration
            }
            Self::Lost { .. }
            | Self::Timeout { .. }
            | Self::ChallengeWithoutTime
            | Self::MalformedHello { .. } => NextStep::Retry,
            Self::UnsupportedProtocol { .. } => NextStep::UpdateOneSide,
            Self::Closed { reason } => match reason {
                CloseReason::ProtocolMismatch => NextStep::UpdateOneSide,
                CloseReason::Starting => NextStep::RetryAfter(STARTUP_WAIT.0),
                CloseReason::Ours
                | CloseReason::Silent { .. }
                | CloseReason::Restart { .. }
                | CloseReason::DeviceRemoved
                | CloseReason::Refused { .. }
                | CloseReason::OursTooLarge
                | CloseReason::FrameTooLarge { .. }
                | CloseReason::TooMuchBeforeHello
                | CloseReason::Violation
                | CloseReason::Normal
                | CloseReason::Other { .. }
                | CloseReason::Lost { .. } => NextStep::Retry,
            },
            Self::Refused { error, tried } => refusal_step(error, *tried, self),
        }
    }
}

fn refusal_step(error: &WireError, tried: Tried, whole: &ConnectError) -> NextStep {
    if tried.may_retry_with_device_token {
        return NextStep::RetryWithDeviceToken;
    }
    match error.detail_code() {
        Some(DetailCode::AuthDeviceTokenMismatch) => NextStep::ForgetDeviceToken,
        Some(
            DetailCode::AuthTokenMismatch
            | DetailCode::AuthTokenMissing
            | DetailCode::AuthRequired
            | DetailCode::AuthUnauthorized
            | DetailCode::AuthBootstrapTokenInvalid
            | DetailCode::AuthScopeMismatch,
        ) => NextStep::EnterToken,
        Some(DetailCode::AuthPasswordMismatch | DetailCode::AuthPasswordMissing) => {
            NextStep::EnterPassword
        }
        Some(
            DetailCode::PairingRequired
            | DetailCode::DeviceIdentityRequired
            | DetailCode::ControlUiDeviceIdentityRequired,
        ) => NextStep::ApproveDevice {
            request: error.detail_text("requestId").map(PairingRequestId::from),
        },
        Some(DetailCode::AuthRateLimited) => NextStep::WaitForRateLimit(error.retry_after()),
        Some(DetailCode::ProtocolMismatch | DetailCode::ClientVersionMismatch) => {
            NextStep::UpdateOneSide
        }
        Some(
            DetailCode::AuthTokenNotConfigured
            | DetailCode::AuthPasswordNotConfigured
            | DetailCode::ControlUiOriginNotAllowed,
        ) => NextStep::LookAtGatewayConfiguration,
        Some(
            DetailCode::DeviceAuthSignatureInvalid
            | DetailCode::DeviceAuthSignatureExpired
            | DetailCode::DeviceAuthNonceMismatch
            | DetailCode::DeviceAuthNonceRequired
            | DetailCode::DeviceAuthDeviceIdMismatch
            | DetailCode::DeviceAuthPublicKeyInvalid
            | DetailCode::DeviceAuthInvalid
            | DetailCode::MissingScope
            | DetailCode::SessionMutationTargetRequired
            | DetailCode::PairingChanged
            | DetailCode::Other(_),
        )
        | None => match whole.retry_after() {
            Some(wait) => NextStep::RetryAfter(wait),
            None => NextStep::Retry,
        },
    }
}

fn refusal_cause(error: &WireError) -> Cause {
    match error.detail_code() {
        Some(
            DetailCode::AuthTokenMismatch
            | DetailCode::AuthTokenMissing
            | DetailCode::AuthTokenNotConfigured
            | DetailCode::AuthPasswordMismatch
            | DetailCode::AuthPasswordMissing
            | DetailCode::AuthPasswordNotConfigured
            | DetailCode::AuthDeviceTokenMismatch
            | DetailCode::AuthScopeMismatch
            | DetailCode::AuthBootstrapTokenInvalid
            | DetailCode::AuthRateLimited
            | DetailCode::AuthRequired
            | DetailCode::AuthUnauthorized,
        ) => Cause::Token,
        Some(
            DetailCode::PairingRequired
            | DetailCode::DeviceIdentityRequired
            | DetailCode::ControlUiDeviceIdentityRequired
            | DetailCode::PairingChanged,
        ) => Cause::Pairing,
        Some(
            DetailCode::ProtocolMismatch
            | DetailCode::ClientVersionMismatch
            | DetailCode::ControlUiOriginNotAllowed
            | DetailCode::DeviceAuthSignatureInvalid
            | DetailCode::DeviceAuthSignatureExpired
            | DetailCode::DeviceAuthNonceMismatch
            | DetailCode::DeviceAuthNonceRequired
            | DetailCode::DeviceAuthDeviceIdMismatch
            | DetailCode::DeviceAuthPublicKeyInvalid
            | DetailCode::DeviceAuthInvalid
            | DetailCode::MissingScope
            | DetailCode::SessionMutationTargetRequired
            | DetailCode::Other(_),
        )
        | None => match error.code {
            ErrorCode::NotPaired => Cause::Pairing,
            ErrorCode::Unavailable => Cause::Closed,
            ErrorCode::InvalidRequest
            | ErrorCode::Forbidden
            | ErrorCode::ApprovalNotFound
            | ErrorCode::Other(_) => Cause::Protocol,
        },
    }
}

/// The refusals after which the reference client stops trying by itself.
fn refusal_stops(error: &WireError) -> bool {
    match error.detail_code() {
        Some(
            DetailCode::AuthTokenMismatch
            | DetailCode::AuthTokenMissing
            | DetailCode::AuthTokenNotConfigured
            | DetailCode::AuthPasswordMismatch
            | DetailCode::AuthPasswordMissing
            | DetailCode::AuthPasswordNotConfigured
            | DetailCode::AuthBootstrapTokenInvalid
            | DetailCode::AuthRateLimited
            | DetailCode::AuthDeviceTokenMismatch
            | DetailCode::AuthScopeMismatch
            | DetailCode::AuthRequired
            | DetailCode::AuthUnauthorized
            | DetailCode::DeviceIdentityRequired
            | DetailCode::ControlUiDeviceIdentityRequired
            | DetailCode::ControlUiOriginNotAllowed
            | DetailCode::ProtocolMismatch
            | DetailCode::ClientVersionMismatch,
        ) => true,
        Some(DetailCode::PairingRequired) => {
            let waits = error.detail_text("recommendedNextStep") == Some("wait_then_retry")
                || error
                    .detail("pauseReconnect")
                    .and_then(|pause| pause.as_bool())
                    == Some(false);
            !waits
        }
        Some(
            DetailCode::DeviceAuthSignatureInvalid
            | DetailCode::DeviceAuthSignatureExpired
            | DetailCode::DeviceAuthNonceMismatch
            | DetailCode::DeviceAuthNonceRequired
            | DetailCode::DeviceAuthDeviceIdMismatch
            | DetailCode::DeviceAuthPublicKeyInvalid
            | DetailCode::DeviceAuthInvalid
            | DetailCode::MissingScope
            | DetailCode::SessionMutationTargetRequired
            | DetailCode::PairingChanged
            | DetailCode::Other(_),
        )
        | None => false,
    }
}
