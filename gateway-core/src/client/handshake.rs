//! Challenge, credentials, connect, hello-ok.
//!
//! No credential leaves before a well-formed challenge came, so whatever else listens on the port
//! learns nothing but that somebody asked for a WebSocket.

use super::close::CloseReason;
use super::error::{ConnectError, NotAGateway, Step, Tried};
use super::session;
use super::transport::{Transport, Wire};
use super::{ClientLimits, Endpoint, Established};
use crate::credentials::secret::{DeviceToken, GatewayPassword, GatewayToken, SingleUseCode};
use crate::device_identity::{DeviceIdentity, Statement};
use crate::protocol::connect::{
    Auth, CHALLENGE, CONNECT, Challenge, ClientInfo, ConnectParams, HelloOk, Role, Scope,
    TokenCredential,
};
use crate::protocol::{
    DetailCode, Extra, Frame, NEWEST_PROTOCOL, OLDEST_PROTOCOL, Request, RequestId, Response,
    WireError,
};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use uuid::Uuid;

/// The largest frame a gateway takes before hello, in bytes; it closes with 1009 otherwise.
const LARGEST_REQUEST: usize = 64 * 1024;

/// How gateways know a program of their own computer, which needs no device.
const LOCAL_PROGRAM: &str = "backend";

/// A device token with what it allows, as it is kept between sessions.
#[derive(Debug, Clone)]
pub struct StoredDeviceToken {
    /// The token.
    pub token: DeviceToken,
    /// The scopes it was granted; asking for more with it is refused.
    pub scopes: Vec<Scope>,
}

/// The secrets there are for one gateway. Which of them is sent follows from the others.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// The shared token.
    pub token: Option<GatewayToken>,
    /// The shared password.
    pub password: Option<GatewayPassword>,
    /// What this gateway issued to this device and role before.
    pub device_token: Option<StoredDeviceToken>,
    /// What a setup code brought; sent only where there is nothing else.
    pub setup_code: Option<SingleUseCode>,
}

/// Everything a connect request is made of.
#[derive(Debug, Clone)]
pub struct HelloRequest {
    /// Which program is calling.
    pub client: ClientInfo,
    /// What the connection is for.
    pub role: Role,
    /// What it asks to be allowed.
    pub scopes: Vec<Scope>,
    /// What it can handle beyond the basics.
    pub caps: Vec<String>,
    /// Which device is calling. Without one a gateway grants no scopes to a desktop client.
    pub device: Option<Arc<DeviceIdentity>>,
    /// The secrets there are.
    pub credentials: Credentials,
    /// The stream leads to the right machine for certain: loopback, our own tunnel, a pinned
    /// certificate. Only then may a device token be tried after a refused shared token.
    pub trusted_endpoint: bool,
    /// Signs in with the stored device token even if there is a shared secret: the one retry that
    /// [`ConnectError::may_retry_with_device_token`] asks for.
    pub prefer_device_token: bool,
    /// What the caller calls this gateway; the session tells it again, and it is not sent.
    pub label: Option<Arc<str>>,
    /// Further members of the request, such as the `commands` of a node.
    pub extra: Extra,
}

impl HelloRequest {
    /// Returns the request of a desktop client that asks for the scopes of daily use; admin is
    /// asked for only when an admin action is.
    pub fn operator(device: Arc<DeviceIdentity>, credentials: Credentials) -> Self {
        Self {
            client: ClientInfo::default(),
            role: Role::Operator,
            scopes: vec![
                Scope::Read,
                Scope::Write,
                Scope::Approvals,
                Scope::Questions,
                Scope::Pairing,
            ],
            caps: vec!["tool-events".into()],
            device: Some(device),
            credentials,
            trusted_endpoint: false,
            prefer_device_token: false,
            label: None,
            extra: Extra::new(),
        }
    }

    /// Returns the request of one thing that only an administrator may do; `None` where there is no shared
    /// secret, which alone makes somebody one.
    ///
    /// It is made without a device, as gateways let programs of their own computer in (protocol §5): nothing
    /// is paired and nothing issued, so that the right ends with the session.
    pub fn for_a_moment_as_administrator(credentials: Credentials) -> Option<Self> {
        if credentials.token.is_none() && credentials.password.is_none() {
            return None;
        }
        Some(Self {
            client: ClientInfo {
                mode: LOCAL_PROGRAM.to_owned(),
                ..ClientInfo::default()
            },
            role: Role::Operator,
            scopes: vec![
                Scope::Admin,
                Scope::Read,
                Scope::Write,
                Scope::Approvals,
                Scope::Pairing,
            ],
            caps: Vec::new(),
            device: None,
            credentials: Credentials {
                device_token: None,
                setup_code: None,
                ..credentials
            },
            trusted_endpoint: false,
            prefer_device_token: false,
            label: None,
            extra: Extra::new(),
        })
    }
}

/// Which of our credentials a gateway accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptedCredential {
    /// The stored device token.
    DeviceToken,
    /// The shared token.
    GatewayToken,
    /// The shared password.
    GatewayPassword,
    /// None of ours: the gateway asks for none, or knows us by the network.
    None,
}

/// Opens a session over a stream that leads to a gateway's port.
///
/// `endpoint` is what the Host header says, such as `127.0.0.1:18789`, and the path. The whole handshake takes
/// at most [`ClientLimits::hello`]. Dropping the future drops the stream.
///
/// # Errors
///
/// [`ConnectError`]; it knows whether to try again, and how.
pub async fn connect<S>(
    stream: S,
    endpoint: impl Into<Endpoint>,
    hello: HelloRequest,
    limits: ClientLimits,
) -> Result<Established, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let endpoint = endpoint.into();
    let mut step = Step::Upgrade;
    match timeout(
        limits.hello,
        shake_hands(stream, &endpoint, &hello, &limits, &mut step),
    )
    .await
    {
        Ok(outcome) => outcome,
        Err(_) => Err(match step {
            Step::Challenge => ConnectError::NotAGateway(NotAGateway::NoChallenge),
            Step::Upgrade => ConnectError::NotAGateway(NotAGateway::Silent),
            Step::Hello => ConnectError::Timeout {
                step,
                waited: limits.hello,
            },
        }),
    }
}

async fn shake_hands<S: Wire>(
    stream: S,
    endpoint: &Endpoint,
    hello: &HelloRequest,
    limits: &ClientLimits,
    step: &mut Step,
) -> Result<Established, ConnectError> {
    let mut transport = Transport::upgrade(stream, endpoint, limits).await?;

    *step = Step::Challenge;
    let challenge = challenge(&mut transport).await?;
    let clock_ahead_s = challenge.ts.and_then(clock_ahead_s);
    let proposal = Proposal::new(hello);
    let request = proposal.request(hello, &challenge)?;
    let id = request.id.clone();
    let text = Frame::Request(request).to_text();
    if text.len() > LARGEST_REQUEST {
        return Err(ConnectError::RequestTooLarge {
            limit: LARGEST_REQUEST,
        });
    }

    *step = Step::Hello;
    transport.allow_more(limits.before_hello);
    transport.queue(text);
    let answer = answer(&mut transport, &id).await?;
    if let Some(error) = answer.error {
        // The gateway closes right after; saying goodbye would only wait for that.
        return Err(proposal.refused(hello, error));
    }
    let hello_ok = read_hello(answer.payload.unwrap_or_default())?;
    let mut established = established(transport, hello, &proposal, hello_ok, limits);
    established.clock_ahead_s = clock_ahead_s;
    Ok(established)
}

/// By how much the gateway's clock is ahead of ours, as far as one message can tell.
fn clock_ahead_s(theirs_ms: u64) -> Option<i64> {
    let ours = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let ours = i64::try_from(ours.as_secs()).ok()?;
    let theirs = i64::try_from(theirs_ms / 1000).ok()?;
    Some(theirs.saturating_sub(ours))
}

/// Waits for the challenge. Other events before it are skipped; anything else is no gateway.
async fn challenge<S: Wire>(transport: &mut Transport<S>) -> Result<Challenge, ConnectError> {
    loop {
        let text = transport.next().await.map_err(|reason| {
            if reason.is_violation() {
                ConnectError::NotAGateway(NotAGateway::NoChallenge)
            } else {
                ended(reason, Step::Challenge)
            }
        })?;
        let Ok(Frame::Event(event)) = Frame::parse(&text) else {
            return Err(ConnectError::NotAGateway(NotAGateway::NoChallenge));
        };
        if event.event != CHALLENGE {
            continue;
        }
        let challenge: Challenge = serde_json::from_value(event.payload.unwrap_or_default())
            .map_err(|_| ConnectError::NotAGateway(NotAGateway::NoChallenge))?;
        if challenge.nonce.trim().is_empty() {
            return Err(ConnectError::NotAGateway(NotAGateway::NoChallenge));
        }
        return Ok(challenge);
    }
}

async fn answer<S: Wire>(
    transport: &mut Transport<S>,
    id: &RequestId,
) -> Result<Response, ConnectError> {
    loop {
        let text = transport
            .next()
            .await
            .map_err(|reason| ended(reason, Step::Hello))?;
        match Frame::parse(&text) {
            Ok(Frame::Response(response)) if response.id == *id => return Ok(response),
            Ok(Frame::Response(_) | Frame::Event(_) | Frame::Request(_)) => {}
            Err(_) => {
                return Err(ConnectError::Closed {
                    reason: CloseReason::Violation,
                });
            }
        }
    }
}

fn ended(reason: CloseReason, step: Step) -> ConnectError {
    if let CloseReason::Lost { kind } = reason {
        ConnectError::Lost { step, kind }
    } else {
        ConnectError::Closed { reason }
    }
}

fn read_hello(payload: serde_json::Value) -> Result<HelloOk, ConnectError> {
    let hello: HelloOk =
        serde_json::from_value(payload).map_err(|error| ConnectError::MalformedHello {
            problem: error.to_string(),
        })?;
    if hello.kind != "hello-ok" {
        return Err(ConnectError::MalformedHello {
            problem: "another type than hello-ok".into(),
        });
    }
    if !(OLDEST_PROTOCOL..=NEWEST_PROTOCOL).contains(&hello.protocol) {
        return Err(ConnectError::UnsupportedProtocol {
            theirs: hello.protocol,
        });
    }
    Ok(hello)
}

fn established<S: Wire>(
    mut transport: Transport<S>,
    request: &HelloRequest,
    proposal: &Proposal,
    hello: HelloOk,
    limits: &ClientLimits,
) -> Established {
    let theirs = usize::try_from(hello.policy.max_payload).unwrap_or(usize::MAX);
    transport.limit_to(theirs.min(limits.max_payload));
    let accepted = proposal.accepted(&hello);
    let issued = issued(request, &hello);
    let (session, events) = session::start(transport, &hello, request.label.clone());
    Established {
        session,
        events,
        hello,
        accepted,
        issued,
        clock_ahead_s: None,
    }
}

/// Returns the device token to keep: a known one keeps the scopes it was kept with, because hello
/// names what this connection asked for and not all the token allows.
fn issued(request: &HelloRequest, hello: &HelloOk) -> Option<StoredDeviceToken> {
    let auth = hello.auth.as_ref()?;
    let token = auth.device_token.as_ref()?.0.clone();
    let kept = request.credentials.device_token.as_ref();
    let scopes = match kept {
        Some(kept) if kept.token.expose() == token.expose() => kept.scopes.clone(),
        Some(_) | None => auth.scopes.clone(),
    };
    Some(StoredDeviceToken { token, scopes })
}

/// Which credentials and scopes a request sends.
#[derive(Debug)]
struct Proposal {
    auth: Auth,
    scopes: Vec<Scope>,
    uses_device_token: bool,
}

impl Proposal {
    /// Chooses as the reference client does: the shared token, else the device token unless there
    /// is a password; the password always; a setup code in place of nothing. A device token is asked for no
    /// more than it allows.
    fn new(hello: &HelloRequest) -> Self {
        let credentials = &hello.credentials;
        let stored = credentials.device_token.as_ref();
        let has_shared = credentials.token.is_some() || credentials.password.is_some();
        match stored {
            Some(stored) if hello.prefer_device_token || !has_shared => Self {
                auth: Auth {
                    token: Some(TokenCredential::Device(stored.token.clone())),
                    password: None,
                    device_token: Some(stored.token.clone()),
                    bootstrap_token: None,
                },
                scopes: narrowed(&hello.scopes, &stored.scopes),
                uses_device_token: true,
            },
            Some(_) | None => Self {
                auth: Auth {
                    token: credentials.token.clone().map(TokenCredential::Gateway),
                    password: credentials.password.clone(),
                    device_token: None,
                    bootstrap_token: credentials.setup_code.clone().filter(|_| !has_shared),
                },
                scopes: hello.scopes.clone(),
                uses_device_token: false,
            },
        }
    }

    fn request(
        &self,
        hello: &HelloRequest,
        challenge: &Challenge,
    ) -> Result<Request, ConnectError> {
        let device = match &hello.device {
            Some(device) => Some(device.prove(&Statement {
                client: &hello.client,
                role: &hello.role,
                scopes: &self.scopes,
                signed_at_ms: challenge.ts.ok_or(ConnectError::ChallengeWithoutTime)?,
                token: self.auth.signed_token(),
                nonce: &challenge.nonce,
            })),
            None => None,
        };
        let params = ConnectParams {
            min_protocol: OLDEST_PROTOCOL,
            max_protocol: NEWEST_PROTOCOL,
            client: hello.client.clone(),
            role: Some(hello.role.clone()),
            scopes: Some(self.scopes.clone()),
            caps: Some(hello.caps.clone()),
            device,
            auth: (!self.auth.is_empty()).then(|| self.auth.clone()),
            extra: hello.extra.clone(),
        };
        Ok(Request {
            id: RequestId::from(Uuid::new_v4().to_string()),
            method: CONNECT.into(),
            // Strings and numbers only; none of them can fail to serialise.
            params: Some(serde_json::to_value(params).unwrap_or_default()),
            extra: Extra::new(),
        })
    }

    fn refused(&self, hello: &HelloRequest, error: WireError) -> ConnectError {
        let wrong_token = error.detail_code() == Some(DetailCode::AuthTokenMismatch);
        let gateway_forbids =
            error.detail("canRetryWithDeviceToken") == Some(&serde_json::Value::Bool(false));
        let tried = Tried {
            device_token: self.uses_device_token,
            may_retry_with_device_token: wrong_token
                && !gateway_forbids
                && !self.uses_device_token
                && hello.trusted_endpoint
                && hello.device.is_some()
                && hello.credentials.device_token.is_some(),
        };
        ConnectError::Refused {
            error: Box::new(error),
            tried,
        }
    }

    fn accepted(&self, hello: &HelloOk) -> AcceptedCredential {
        let method = hello.auth.as_ref().and_then(|auth| auth.method.as_deref());
        match method {
            Some("device-token") => AcceptedCredential::DeviceToken,
            Some("token") => AcceptedCredential::GatewayToken,
            Some("password") => AcceptedCredential::GatewayPassword,
            Some(_) => AcceptedCredential::None,
            // Older gateways do not say; then it was the one we sent.
            None if self.uses_device_token => AcceptedCredential::DeviceToken,
            None if self.auth.token.is_some() => AcceptedCredential::GatewayToken,
            None if self.auth.password.is_some() => AcceptedCredential::GatewayPassword,
            None => AcceptedCredential::None,
        }
    }
}

/// Returns what is wanted and allowed; all that is allowed where that leaves nothing.
fn narrowed(wanted: &[Scope], allowed: &[Scope]) -> Vec<Scope> {
    let both: Vec<Scope> = wanted
        .iter()
        .filter(|wanted| allowed.iter().any(|allowed| allowed.implies(wanted)))
        .cloned()
        .collect();
    if both.is_empty() {
        allowed.to_vec()
    } else {
        both
    }
}
