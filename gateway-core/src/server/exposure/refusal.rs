//! Why a gateway does not start, as the one line its user reads.

use super::secret_text::Flaw;
use super::{Bind, EXIT_CODE, SetBy};
use crate::server::network::NotANetwork;
use std::net::IpAddr;

/// Why the gateway does not start. Each says what, where it was set and what to do, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The config does not say that a gateway runs here.
    #[error(
        "openclaw.json has no gateway.mode; set gateway.mode to \"local\" to run a gateway here"
    )]
    ModeUnset,
    /// The config says that the gateway runs elsewhere.
    #[error(
        "gateway.mode in openclaw.json is \"remote\"; set it to \"local\" to run a gateway here"
    )]
    ModeRemote,
    /// The config says something else.
    #[error("gateway.mode in openclaw.json is not known; set it to \"local\" or \"remote\"")]
    ModeUnknown,
    /// No such bind.
    #[error(
        "bind (set by {set_by}) is not known; use loopback, lan, tailnet, auto, custom, or an address"
    )]
    BindUnknown {
        /// Where it is set.
        set_by: SetBy,
    },
    /// `custom` without an address.
    #[error(
        "bind custom (set by {set_by}) needs one IP address, or 0.0.0.0 for all; set gateway.customBindHost in openclaw.json"
    )]
    CustomHost {
        /// Where `custom` is set.
        set_by: SetBy,
    },
    /// An address nobody here has.
    #[error(
        "bind address {address} (set by {set_by}) is not an address of this computer; choose one that is"
    )]
    NotOurAddress {
        /// The address.
        address: IpAddr,
        /// Where it is set.
        set_by: SetBy,
    },
    /// No tailnet here.
    #[error(
        "bind tailnet (set by {set_by}) needs Tailscale, and this computer has no tailnet address; start Tailscale or choose another bind"
    )]
    NoTailnet {
        /// Where it is set.
        set_by: SetBy,
    },
    /// The port is none.
    #[error("port (set by {set_by}) must be a number from 1 to 65535; correct or remove it")]
    Port {
        /// Where it is set.
        set_by: SetBy,
    },
    /// No such auth mode.
    #[error("auth (set by {set_by}) is not known; use token, password, none or trusted-proxy")]
    AuthUnknown {
        /// Where it is set.
        set_by: SetBy,
    },
    /// Exposed, and anybody could come in.
    #[error(
        "refusing to bind the gateway to {bind} (set by {set_by}) without auth; set gateway.auth.token or OPENCLAW_GATEWAY_TOKEN, or bind to loopback{}",
        of_remote_secret(.has_remote_secret)
    )]
    ExposedWithoutAuth {
        /// What would be bound.
        bind: Bind,
        /// Where it is set.
        set_by: SetBy,
        /// Whether a secret for another gateway is there, which does not help.
        has_remote_secret: bool,
    },
    /// Exposed, and told to ask nobody.
    #[error(
        "auth none (set by {auth_set_by}) is only for loopback, and bind is {bind} (set by {bind_set_by}); use auth token or bind to loopback"
    )]
    NoneBeyondLoopback {
        /// What would be bound.
        bind: Bind,
        /// Where the bind is set.
        bind_set_by: SetBy,
        /// Where the auth mode is set.
        auth_set_by: SetBy,
    },
    /// Something in front of a gateway that asks nobody.
    #[error(
        "auth none (set by {auth_set_by}) does not go with {what}, which lets other computers in; use auth token, or remove it"
    )]
    NoneBehindProxy {
        /// Where the auth mode is set.
        auth_set_by: SetBy,
        /// The key that names what is in front.
        what: &'static str,
    },
    /// Tailscale would expose a gateway without a secret.
    #[error(
        "gateway.tailscale.mode needs a token or password; set gateway.auth.token, or turn it off"
    )]
    TailscaleWithoutAuth,
    /// Tailscale carries loopback only.
    #[error(
        "gateway.tailscale.mode needs bind loopback, and bind is {bind} (set by {set_by}); change one of them"
    )]
    TailscaleBeyondLoopback {
        /// What would be bound.
        bind: Bind,
        /// Where it is set.
        set_by: SetBy,
    },
    /// The internet gets a password, nothing less.
    #[error(
        "gateway.tailscale.mode funnel opens the gateway to the internet and needs auth password; set gateway.auth.mode to \"password\" and a password"
    )]
    FunnelWithoutPassword,
    /// A secret that is none.
    #[error("the {kind} set by {set_by} {flaw}; set a random one")]
    Secret {
        /// `token` or `password`.
        kind: &'static str,
        /// Where it is set.
        set_by: SetBy,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// A key that points nowhere.
    #[error("{set_by} points to a secret that cannot be found; correct it or remove the key")]
    SecretUnresolved {
        /// Where it is set.
        set_by: SetBy,
    },
    /// Both kinds, and no word on which.
    #[error(
        "both {token} and {password} are set; say which one counts with --auth or gateway.auth.mode"
    )]
    Ambiguous {
        /// Where the token is set.
        token: SetBy,
        /// Where the password is set.
        password: SetBy,
    },
    /// Password mode without one.
    #[error(
        "auth password (set by {set_by}) without a password; set gateway.auth.password or OPENCLAW_GATEWAY_PASSWORD"
    )]
    PasswordMissing {
        /// Where the mode is set.
        set_by: SetBy,
    },
    /// A proxy that is none.
    #[error(
        "gateway.trustedProxies[{index}] in openclaw.json is {NotANetwork}; correct or remove it"
    )]
    ProxyUnreadable {
        /// Its position, from 0.
        index: usize,
    },
    /// A range that believes everybody.
    #[error(
        "gateway.trustedProxies[{index}] in openclaw.json trusts every address; name the proxy's own"
    )]
    ProxyTrustsAll {
        /// Its position, from 0.
        index: usize,
    },
    /// Proxy auth that cannot work, or would believe any program here.
    #[error("auth trusted-proxy (set by {set_by}) {what}")]
    ProxyAuth {
        /// Where the mode is set.
        set_by: SetBy,
        /// What is wrong and what to do.
        what: &'static str,
    },
}

fn of_remote_secret(is_there: &bool) -> &'static str {
    if *is_there {
        " (gateway.remote.* is for another gateway and does not count)"
    } else {
        ""
    }
}

impl Refusal {
    /// Returns the exit code of the program: 78, refused configuration.
    pub fn exit_code(&self) -> u8 {
        EXIT_CODE
    }
}
