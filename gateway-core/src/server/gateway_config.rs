//! What a gateway is started with.

use super::StartError;
use super::exposure::{LocalAuth, Settled};
use super::origin::Screen;
use super::shared_secret::SharedSecret;
use crate::agent::exec::ExecEnvironment;
use crate::web_address::OwnNames;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What a gateway is started with. Nothing of it is read from the environment or the user's home:
/// the caller has done that.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// Where it listens and with which secret.
    pub exposure: Settled,
    /// Where its state is kept: `gateway/` in our own data folder.
    pub state_dir: PathBuf,
    /// Where agents work; `agents.defaults.workspace` of the configuration, or our own.
    pub workspace: PathBuf,
    /// The official configuration as it was read, for models and agents; null where there is none.
    pub openclaw_json: Value,
    /// The environment that `${NAME}` in it may name.
    pub environment: BTreeMap<String, String>,
    /// What a `~` in the configuration stands for.
    pub home: Option<PathBuf>,
    /// The socket of Tailscale on this computer.
    pub tailscaled: Option<PathBuf>,
    /// What the programs agents start get of the environment.
    pub programs: ExecEnvironment,
    /// How long a person may take to decide about one.
    pub approval_wait: Duration,
    /// What presence calls this machine.
    pub host: String,
    /// Where the user's clock is.
    pub time_zone: TimeZone,
}

impl GatewayConfig {
    /// Returns the word hello has for how the shared secret is asked for.
    pub(super) fn auth_word(&self) -> &'static str {
        match self.exposure.auth {
            LocalAuth::Token(_) | LocalAuth::GenerateToken => "token",
            LocalAuth::Password(_) => "password",
            LocalAuth::None => "none",
            LocalAuth::TrustedProxy(_) => "trusted-proxy",
        }
    }

    /// Returns whether programs on this computer are approved without asking.
    pub(super) fn approves_local(&self) -> bool {
        let key = "/gateway/nodes/pairing/autoApproveLocal";
        self.openclaw_json.pointer(key) != Some(&Value::Bool(false))
    }

    pub(super) fn shared_secret(&self) -> Result<Option<SharedSecret>, StartError> {
        match &self.exposure.auth {
            LocalAuth::Token(token) => Ok(Some(SharedSecret::of_token(token)?)),
            LocalAuth::Password(password) => Ok(Some(SharedSecret::of_password(password)?)),
            LocalAuth::None | LocalAuth::TrustedProxy(_) => Ok(None),
            LocalAuth::GenerateToken => Err(StartError::NoToken),
        }
    }

    /// Returns the names and pages this gateway answers to.
    pub(super) fn screen(&self, addresses: &[SocketAddr]) -> Screen {
        let port = addresses.first().map_or(0, SocketAddr::port);
        let own = OwnNames::of_loopback(port).and_addresses(addresses.iter().map(SocketAddr::ip));
        let origins: Vec<String> = self
            .openclaw_json
            .pointer("/gateway/controlUi/allowedOrigins")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|origin| origin.as_str().map(str::to_owned))
            .collect();
        // Behind a proxy or Tailscale Serve it is called by the names its pages have there.
        let is_fronted = !self.exposure.trusted_proxies.is_empty() || self.exposure.allow_tailscale;
        let names: Vec<String> = origins
            .iter()
            .filter(|_| is_fronted)
            .filter_map(|origin| Some(origin.strip_prefix("https://")?.to_owned()))
            .collect();
        let screen = Screen::new(own, &names, &origins);
        for ignored in screen.ignored() {
            tracing::warn!(%ignored, "a setting has no effect");
        }
        screen
    }
}
