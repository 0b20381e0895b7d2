//! Where the gateway listens and how it asks who is there, or why it refuses to start.
//!
//! Called once at start with everything that flags, environment, `openclaw.json` and keychain say.
//! The rules fail closed: what reaches further than this computer needs a real token or password (or
//! an identity-aware proxy), and what cannot be understood is refused rather than guessed. Nothing is
//! read or opened here; the addresses of this computer are handed in.

pub mod secret_text;

mod auth;
mod listen;
mod refusal;

pub use refusal::Refusal;

use super::network::Network;
use crate::credentials::secret::{GatewayPassword, GatewayToken};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The port of a gateway that was told none (protocol §1).
pub const DEFAULT_PORT: u16 = 18789;

/// The exit code of a refused start: `EX_CONFIG`.
pub const EXIT_CODE: u8 = 78;

/// Who said a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetBy {
    /// Nobody: it is the default.
    Default,
    /// A flag, with its dashes.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// A dotted key of `openclaw.json`.
    Config(&'static str),
    /// This computer's keychain.
    Keychain,
}

impl fmt::Display for SetBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => f.write_str(name),
            Self::Config(key) => write!(f, "{key} in openclaw.json"),
            Self::Keychain => f.write_str("the keychain"),
        }
    }
}

/// One value as each place gives it, still as text. A blank text says nothing.
#[derive(Debug, Clone, Default)]
pub struct Layered {
    /// The command line.
    pub flag: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// `openclaw.json`.
    pub config: Option<String>,
}

/// A secret of `openclaw.json`.
#[derive(Debug, Clone, Default)]
pub enum ConfigSecret<T> {
    /// The key is not there.
    #[default]
    Absent,
    /// What the key holds or where it points.
    Text(T),
    /// The key points somewhere (`SecretRef`, `${NAME}`) that gave nothing.
    Unresolved,
}

/// One kind of secret as each place gives it. A blank one is not absent: it is refused.
#[derive(Debug, Clone)]
pub struct SecretSources<T> {
    /// `--token`, `--password` or their file.
    pub flag: Option<T>,
    /// `gateway.auth.token` or `gateway.auth.password`. Before the environment, as for the official
    /// clients (protocol §14): they must find the same secret as the gateway.
    pub config: ConfigSecret<T>,
    /// `OPENCLAW_GATEWAY_TOKEN` or `OPENCLAW_GATEWAY_PASSWORD`.
    pub environment: Option<T>,
    /// What an earlier start generated and kept.
    pub keychain: Option<T>,
}

impl<T> Default for SecretSources<T> {
    fn default() -> Self {
        Self {
            flag: None,
            config: ConfigSecret::Absent,
            environment: None,
            keychain: None,
        }
    }
}

/// What `gateway.mode` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GatewayMode {
    /// There is no `openclaw.json`.
    #[default]
    NoConfig,
    /// There is one without the key.
    Unset,
    /// `local`.
    Local,
    /// `remote`.
    Remote,
    /// Anything else.
    Unknown,
}

/// `gateway.tailscale.mode`: whether Tailscale carries the gateway further.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TailscaleMode {
    /// It does not.
    #[default]
    Off,
    /// To the tailnet.
    Serve,
    /// To the internet.
    Funnel,
}

/// `gateway.auth.trustedProxy` and `gateway.trustedProxies`.
#[derive(Debug, Clone, Default)]
pub struct ProxyInput {
    /// `gateway.trustedProxies`.
    pub trusted_proxies: Vec<String>,
    /// `userHeader`: the field that names the user.
    pub user_header: Option<String>,
    /// `requiredHeaders`: fields that have to be there.
    pub required_headers: Vec<String>,
    /// `allowUsers`: who may come in; everybody the proxy names where empty.
    pub allow_users: Vec<String>,
    /// `allowLoopback`: whether the proxy may be on this computer.
    pub allow_loopback: bool,
}

/// Everything that decides about the exposure.
#[derive(Debug, Clone, Default)]
pub struct ExposureInput {
    /// `gateway.mode`.
    pub mode: GatewayMode,
    /// `--bind`, `OPENCLAW_GATEWAY_BIND`, `gateway.bind`: a word, or an address for `custom`.
    pub bind: Layered,
    /// `gateway.customBindHost`, for `custom`.
    pub custom_host: Option<String>,
    /// `--port`, `OPENCLAW_GATEWAY_PORT`, `gateway.port`.
    pub port: Layered,
    /// `--auth` and `gateway.auth.mode`; there is no variable.
    pub auth: Layered,
    /// The token.
    pub token: SecretSources<GatewayToken>,
    /// The password.
    pub password: SecretSources<GatewayPassword>,
    /// Whether `gateway.remote.token` or `.password` is set. It is what this computer sends to
    /// another gateway, so it never lets anybody in here; it only makes a refusal clearer.
    pub has_remote_secret: bool,
    /// Whether this is a container, where an unset bind means `auto` (protocol §13).
    pub in_container: bool,
    /// `gateway.tailscale.mode`.
    pub tailscale: TailscaleMode,
    /// `gateway.auth.allowTailscale`; with `serve` true where absent (protocol §13).
    pub allow_tailscale: Option<bool>,
    /// Proxies in front.
    pub proxy: ProxyInput,
    /// The addresses of this computer's interfaces, loopback included.
    pub interfaces: Vec<IpAddr>,
}

/// `gateway.bind`, settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    /// This computer only.
    Loopback,
    /// Every IPv4 address.
    Lan,
    /// The addresses in the tailnet, and loopback.
    Tailnet,
    /// One address, and loopback.
    Custom(IpAddr),
    /// Loopback; every IPv4 address in a container.
    Auto,
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback => f.write_str("loopback"),
            Self::Lan => f.write_str("lan"),
            Self::Tailnet => f.write_str("tailnet"),
            Self::Custom(address) => write!(f, "{address}"),
            Self::Auto => f.write_str("auto"),
        }
    }
}

/// The rules of an identity-aware proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxyAuth {
    /// The field that names the user, in lower case.
    pub user_header: String,
    /// Fields that have to be there, in lower case.
    pub required_headers: Vec<String>,
    /// Who may come in; everybody the proxy names where empty.
    pub allow_users: Vec<String>,
}

/// How the gateway asks who is there.
#[derive(Debug, Clone)]
pub enum LocalAuth {
    /// By a token that the caller generates now and keeps. Only ever on loopback.
    GenerateToken,
    /// By this token.
    Token(GatewayToken),
    /// By this password.
    Password(GatewayPassword),
    /// Not at all. Only ever on loopback.
    None,
    /// By what a proxy says.
    TrustedProxy(TrustedProxyAuth),
}

/// Something worth saying about a gateway that may start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Note {
    /// Programs of every user of this computer are let in.
    #[error("auth is none: every program and user on this computer may use the gateway")]
    OpenOnLoopback,
    /// It can be reached from elsewhere over plain HTTP.
    #[error(
        "the gateway can be reached from other computers without encryption; use it only in a network you trust"
    )]
    PlainHttpBeyondLoopback,
    /// A token or password was given that the settled auth mode does not use.
    #[error("{set_by} is not used in this auth mode")]
    UnusedSecret {
        /// Where it is set.
        set_by: SetBy,
    },
}

/// A gateway that may start.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The sockets to open: all of them, or the start has failed. A port 0 (by flag only) is chosen by
    /// the first socket and used for the others.
    pub listen: Vec<SocketAddr>,
    /// Which rule they come from.
    pub bind: Bind,
    /// Whether anybody but this computer can reach it, by a socket or through Tailscale.
    pub is_exposed: bool,
    /// How it asks who is there.
    pub auth: LocalAuth,
    /// Whose forwarding fields are believed.
    pub trusted_proxies: Vec<Network>,
    /// What Tailscale carries.
    pub tailscale: TailscaleMode,
    /// Whether Tailscale's word for a user is asked for, on the managed listener.
    pub allow_tailscale: bool,
    /// What to tell the user.
    pub notes: Vec<Note>,
}

/// The settled exposure of a gateway.
#[derive(Debug)]
pub struct Exposure;

impl Exposure {
    /// Settles where the gateway listens and how it asks who is there.
    ///
    /// # Errors
    ///
    /// Refuses what would let in somebody who is not meant, and what cannot be understood.
    pub fn settle(input: &ExposureInput) -> Result<Settled, Refusal> {
        match input.mode {
            GatewayMode::NoConfig | GatewayMode::Local => {}
            GatewayMode::Unset => return Err(Refusal::ModeUnset),
            GatewayMode::Remote => return Err(Refusal::ModeRemote),
            GatewayMode::Unknown => return Err(Refusal::ModeUnknown),
        }
        let place = listen::settle(input)?;
        let trusted_proxies = auth::proxies(&input.proxy)?;
        let (auth, mut notes) = auth::settle(input, &place, &trusted_proxies)?;
        if place.leaves_loopback {
            notes.push(Note::PlainHttpBeyondLoopback);
        }
        let allows_by_default = input.tailscale == TailscaleMode::Serve;
        Ok(Settled {
            listen: place.listen,
            bind: place.bind,
            is_exposed: place.leaves_loopback || input.tailscale != TailscaleMode::Off,
            auth,
            trusted_proxies,
            tailscale: input.tailscale,
            allow_tailscale: input.tailscale != TailscaleMode::Off
                && input.allow_tailscale.unwrap_or(allows_by_default),
            notes,
        })
    }
}

#[cfg(test)]
mod tests;
