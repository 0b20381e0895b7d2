//! The handshake: `connect.challenge` from the gateway, `connect` from us, hello-ok back.
//!
//! The credentials of a connect request and the device token of a hello-ok are exposed here and
//! nowhere else in the protocol: to be sent, and to be read.

use super::{ConnId, DeviceId, Extra};
use crate::credentials::secret::{DeviceToken, GatewayPassword, GatewayToken, SingleUseCode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::time::Duration;

/// The name of the request that opens a session.
pub const CONNECT: &str = "connect";
/// The name of the event a gateway begins with.
pub const CHALLENGE: &str = "connect.challenge";

shape! {
    /// What a gateway says first: sign this, if you have a device identity.
    Challenge {
        /// Single use; the device signature covers it.
        nonce: String,
    }
    may have {
        /// The gateway's clock in milliseconds since 1970; a device signs with it as its own time.
        ts: u64,
        /// What the gateway can do before hello.
        capabilities: Vec<String>,
    }
}

words! {
    /// What a connection is for.
    Role {
        /// A person's client.
        Operator = "operator",
        /// A machine that runs commands for agents.
        Node = "node",
    }
}

words! {
    /// What a connection may do.
    Scope {
        /// See status, sessions, history.
        Read = "operator.read",
        /// Send messages; implies read and talk.
        Write = "operator.write",
        /// Everything; implies the others.
        Admin = "operator.admin",
        /// Answer approval requests.
        Approvals = "operator.approvals",
        /// Answer an agent's questions.
        Questions = "operator.questions",
        /// Approve devices and nodes.
        Pairing = "operator.pairing",
        /// Switch talk mode.
        Talk = "operator.talk",
        /// Read the secrets of the talk configuration.
        TalkSecrets = "operator.talk.secrets",
    }
}

impl Scope {
    /// Returns whether holding `self` includes `other`.
    pub fn implies(&self, other: &Self) -> bool {
        match self {
            Self::Admin => true,
            Self::Write => matches!(other, Self::Write | Self::Read | Self::Talk),
            Self::Read
            | Self::Approvals
            | Self::Questions
            | Self::Pairing
            | Self::Talk
            | Self::TalkSecrets
            | Self::Other(_) => self == other,
        }
    }
}

/// Which program is calling. `id` and `mode` are from the gateway's closed lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientInfo {
    /// Which kind of client.
    pub id: String,
    /// The release of the client; any text.
    pub version: String,
    /// The operating system, in the gateway's words: `linux`, `macos`, `windows`.
    pub platform: String,
    /// How the client is used.
    pub mode: String,
    /// What presence shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The kind of machine; part of the device signature where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    /// Tells apart two copies of one program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// Members this version does not know. A gateway refuses any it does not know either.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Default for ClientInfo {
    /// Returns the identity that gateways of every age accept from a desktop client.
    ///
    /// Newer gateways know ids per platform, but one of wire version 3 refuses them.
    fn default() -> Self {
        Self {
            id: "gateway-client".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            platform: std::env::consts::OS.into(),
            mode: "ui".into(),
            display_name: None,
            device_family: None,
            instance_id: None,
            extra: Extra::new(),
        }
    }
}

/// The device's proof: who it is and a signature over the challenge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceProof {
    /// The SHA-256 of the public key, lowercase hex.
    pub id: DeviceId,
    /// The Ed25519 public key, base64url without padding.
    pub public_key: String,
    /// The signature, base64url without padding.
    pub signature: String,
    /// When it was signed, in milliseconds since 1970, by the gateway's clock.
    pub signed_at: u64,
    /// The nonce of the challenge.
    pub nonce: String,
}

/// A credential that travels in `auth.token`.
#[derive(Debug, Clone)]
pub enum TokenCredential {
    /// The gateway's shared token.
    Gateway(GatewayToken),
    /// A token issued to this device.
    Device(DeviceToken),
}

impl TokenCredential {
    /// Shows the token to the code that signs or sends it.
    pub fn expose(&self) -> &str {
        match self {
            Self::Gateway(token) => token.expose(),
            Self::Device(token) => token.expose(),
        }
    }
}

/// The credentials of a connect request.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// The shared token, or a device token standing in for it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_token",
        deserialize_with = "read_token"
    )]
    pub token: Option<TokenCredential>,
    /// The shared password.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_password",
        deserialize_with = "read_password"
    )]
    pub password: Option<GatewayPassword>,
    /// The device token, marked as such.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_device_token",
        deserialize_with = "read_device_token"
    )]
    pub device_token: Option<DeviceToken>,
    /// A code that signs in once, where a device has nothing else yet.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_code",
        deserialize_with = "read_code"
    )]
    pub bootstrap_token: Option<SingleUseCode>,
}

impl Auth {
    /// Returns whether there is no credential in it.
    pub fn is_empty(&self) -> bool {
        self.token.is_none()
            && self.password.is_none()
            && self.device_token.is_none()
            && self.bootstrap_token.is_none()
    }

    /// Returns the single-use code where nothing else is sent: beside another credential it does
    /// not count (protocol §4).
    pub fn only_code(&self) -> Option<&SingleUseCode> {
        let others = self.token.is_some() || self.password.is_some() || self.device_token.is_some();
        self.bootstrap_token.as_ref().filter(|_| !others)
    }

    /// Returns the token that the device signature covers, empty where there is none.
    pub fn signed_token(&self) -> &str {
        match (&self.token, &self.device_token, &self.bootstrap_token) {
            (Some(token), _, _) => token.expose(),
            (None, Some(token), _) => token.expose(),
            (None, None, Some(code)) => code.expose(),
            (None, None, None) => "",
        }
    }
}

/// The params of `connect`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectParams {
    /// The oldest wire version the client speaks.
    pub min_protocol: u32,
    /// The newest wire version the client speaks.
    pub max_protocol: u32,
    /// Which program is calling.
    pub client: ClientInfo,
    /// What the connection is for; operator where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What it asks to be allowed, in the order the signature covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Scope>>,
    /// What it can handle beyond the basics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caps: Option<Vec<String>>,
    /// Which device is calling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceProof>,
    /// The credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// Members this version does not know. A gateway refuses any it does not know either.
    #[serde(flatten)]
    pub extra: Extra,
}

shape! {
    /// The gateway accepted the connection.
    HelloOk {
        /// Always `hello-ok`.
        #[serde(rename = "type")]
        kind: String,
        /// The wire version the gateway speaks on this connection.
        protocol: u32,
        /// Which gateway this is.
        server: Server,
        /// What it offers.
        features: Features,
        /// How things stand now.
        snapshot: Snapshot,
        /// The limits it sets.
        policy: Policy,
    }
    may have {
        /// What we may do. Absent from some older gateways.
        auth: GrantedAuth,
    }
}

shape! {
    /// Which gateway this is.
    Server {
        /// Its release.
        version: String,
        /// Its name for this connection.
        conn_id: ConnId,
    }
    may have {
        /// Changes with every start of the gateway.
        boot_id: String,
    }
}

shape! {
    /// What a gateway offers to this connection.
    Features {
        /// The methods it serves.
        methods: Vec<String>,
        /// The events it sends.
        events: Vec<String>,
    }
    may have {
        /// Further abilities. Absent on wire version 3.
        capabilities: Vec<String>,
    }
}

shape! {
    /// How things stood at hello.
    Snapshot {}
    may have {
        /// Who is connected.
        presence: Vec<super::method::health::PresenceEntry>,
        /// The gateway's health, in the shape of [`super::method::health::HealthPayload`].
        health: Value,
        /// Which presence and health these are.
        state_version: StateVersion,
        /// For how long the gateway has been running, in milliseconds.
        uptime_ms: u64,
        /// Which agent and conversation are the default ones.
        session_defaults: SessionDefaults,
    }
}

shape! {
    /// Numbers that grow when presence or health change.
    #[derive(Eq)]
    StateVersion {
        /// The number of the presence list.
        presence: u64,
        /// The number of the health report.
        health: u64,
    }
}

shape! {
    /// Which agent and conversation are the default ones.
    SessionDefaults {}
    may have {
        /// The agent that short session keys belong to.
        default_agent_id: String,
        /// The short key of the main conversation.
        main_key: String,
        /// The full key of the main conversation.
        main_session_key: super::SessionKey,
    }
}

shape! {
    /// What the gateway allows this connection; not necessarily what was asked for.
    GrantedAuth {
        /// What the connection is for.
        role: Role,
        /// What it may do.
        scopes: Vec<Scope>,
    }
    may have {
        /// Which credential was accepted: `token`, `password`, `device-token`, `none` …
        method: String,
        /// A token for this device, to be used from now on.
        device_token: IssuedToken,
        /// When that token was issued, in milliseconds since 1970.
        issued_at_ms: u64,
        /// Tokens for several roles, issued in exchange for a setup code.
        device_tokens: Vec<RoleToken>,
    }
}

shape! {
    /// A device token for one role.
    RoleToken {
        /// The token.
        device_token: IssuedToken,
        /// The role it is for.
        role: Role,
        /// What it allows.
        scopes: Vec<Scope>,
    }
}

/// A device token as a gateway hands it out.
#[derive(Debug, Clone)]
pub struct IssuedToken(pub DeviceToken);

impl PartialEq for IssuedToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

impl Serialize for IssuedToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for IssuedToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(DeviceToken::new(String::deserialize(deserializer)?)))
    }
}

shape! {
    /// The limits a gateway sets.
    Policy {
        /// The largest frame it takes, in bytes.
        max_payload: u64,
        /// How much it holds for a client that reads slowly, in bytes.
        max_buffered_bytes: u64,
        /// How often it sends `tick`, in milliseconds.
        tick_interval_ms: u64,
    }
    may have {
        /// How large attachments may be. Absent on wire version 3.
        attachments: AttachmentPolicy,
    }
}

impl Policy {
    /// Returns how often the gateway sends `tick`, kept between a second and ten minutes.
    pub fn tick_interval(&self) -> Duration {
        Duration::from_millis(self.tick_interval_ms.clamp(1_000, 600_000))
    }
}

shape! {
    /// How large attachments may be.
    AttachmentPolicy {
        /// The largest file, in bytes.
        max_bytes: u64,
        /// The largest image, in bytes.
        max_image_bytes: u64,
    }
}

fn write_token<S: Serializer>(
    token: &Option<TokenCredential>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    token
        .as_ref()
        .map(TokenCredential::expose)
        .serialize(serializer)
}

fn write_password<S: Serializer>(
    password: &Option<GatewayPassword>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    password
        .as_ref()
        .map(GatewayPassword::expose)
        .serialize(serializer)
}

fn write_device_token<S: Serializer>(
    token: &Option<DeviceToken>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    token
        .as_ref()
        .map(DeviceToken::expose)
        .serialize(serializer)
}

fn write_code<S: Serializer>(
    code: &Option<SingleUseCode>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    code.as_ref()
        .map(SingleUseCode::expose)
        .serialize(serializer)
}

fn read_token<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<TokenCredential>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| TokenCredential::Gateway(GatewayToken::new(text))))
}

fn read_password<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<GatewayPassword>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(GatewayPassword::new))
}

fn read_device_token<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DeviceToken>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(DeviceToken::new))
}

fn read_code<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SingleUseCode>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SingleUseCode::new))
}
