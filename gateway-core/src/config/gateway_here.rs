//! What a gateway on this computer is started with: gathered from the command line, the
//! environment, `openclaw.json` and the keychain, and settled by the rules of
//! [`crate::server::exposure`]. Nothing is opened or listened on here.

use super::environment::{Environment, Platform};
use super::openclaw_json::credentials::{CredentialProblem, GatewaySecrets};
use super::openclaw_json::{OfficialConfig, state_dir};
use super::paths::Places;
use super::problem::FileProblem;
use crate::agent::exec::ExecEnvironment;
use crate::credentials::secret::{GatewayPassword, GatewayToken};
use crate::server::GatewayConfig;
use crate::server::exposure::{
    ConfigSecret, Exposure, ExposureInput, GatewayMode, Layered, ProxyInput, Refusal,
    SecretSources, TailscaleMode,
};
use jiff::tz::TimeZone;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

/// How long a person may take to decide about a program an agent wants to run; seen of official
/// gateways (protocol §11).
const APPROVAL_WAIT: Duration = Duration::from_secs(30 * 60);

/// What was said by hand, and what this computer keeps.
#[derive(Debug, Default)]
pub struct Wishes {
    /// `--port`.
    pub port: Option<String>,
    /// `--bind`.
    pub bind: Option<String>,
    /// `--auth`.
    pub auth: Option<String>,
    /// A token given by hand.
    pub token: Option<GatewayToken>,
    /// A password given by hand.
    pub password: Option<GatewayPassword>,
    /// The token an earlier start made and kept.
    pub kept_token: Option<GatewayToken>,
    /// Our own settings say that a gateway runs here, whatever `gateway.mode` says.
    pub runs_here: bool,
}

/// What this computer is, as far as it matters to a gateway.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Whether it is a container, where an unset bind means another thing (protocol §13).
    pub is_container: bool,
    /// The addresses of its interfaces, loopback included.
    pub interfaces: Vec<IpAddr>,
    /// Its name.
    pub host: String,
    /// Where its clock is.
    pub time_zone: TimeZone,
}

impl Machine {
    /// Looks at the computer we run on.
    pub fn this(environment: &Environment) -> Self {
        Self {
            is_container: is_container(environment),
            interfaces: interfaces(),
            host: host_name(environment),
            time_zone: TimeZone::system(),
        }
    }
}

/// Why a gateway cannot be started here.
#[derive(Debug, thiserror::Error)]
pub enum NotHere {
    /// `openclaw.json` cannot be read.
    #[error("{0}")]
    Config(FileProblem),
    /// A secret it names cannot be had.
    #[error(transparent)]
    Credential(#[from] CredentialProblem),
    /// What was asked for would let in somebody who is not meant.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Gathers and settles everything.
///
/// # Errors
///
/// [`NotHere`] names what, where it was set, and the next step.
pub fn configure(
    wishes: Wishes,
    environment: &Environment,
    places: &Places,
    machine: Machine,
) -> Result<GatewayConfig, NotHere> {
    let official = OfficialConfig::read(environment).map_err(NotHere::Config)?;
    let json = official.as_ref().map_or(Value::Null, OfficialConfig::value);
    let input = exposure_input(wishes, environment, &machine, official.as_ref(), &json)?;
    let exposure = Exposure::settle(&input)?;
    Ok(GatewayConfig {
        exposure,
        state_dir: places.gateway_state(),
        workspace: workspace(&json, environment, places),
        environment: variables_named(&json, environment),
        openclaw_json: json,
        tailscaled: tailscaled(environment.platform()),
        home: environment.home().map(ToOwned::to_owned),
        programs: ExecEnvironment::of(environment.texts()),
        approval_wait: APPROVAL_WAIT,
        host: machine.host,
        time_zone: machine.time_zone,
    })
}

fn exposure_input(
    wishes: Wishes,
    environment: &Environment,
    machine: &Machine,
    official: Option<&OfficialConfig>,
    json: &Value,
) -> Result<ExposureInput, NotHere> {
    let secrets = GatewaySecrets::find(official, environment)?;
    let text = |pointer: &str| match json.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let variable = |name: &str| environment.text(name).map(str::to_owned);
    let mode = match (official, wishes.runs_here) {
        (_, true) => GatewayMode::Local,
        (None, false) => GatewayMode::NoConfig,
        (Some(config), false) => match config.mode {
            None => GatewayMode::Unset,
            Some(super::openclaw_json::Mode::Local) => GatewayMode::Local,
            Some(super::openclaw_json::Mode::Remote) => GatewayMode::Remote,
        },
    };
    let bind = Layered {
        flag: wishes.bind,
        environment: variable("OPENCLAW_GATEWAY_BIND"),
        config: text("/gateway/bind"),
    };
    Ok(ExposureInput {
        mode,
        custom_host: text("/gateway/customBindHost"),
        port: Layered {
            flag: wishes.port,
            environment: variable("OPENCLAW_GATEWAY_PORT"),
            config: text("/gateway/port"),
        },
        auth: Layered {
            flag: wishes.auth,
            environment: None,
            config: text("/gateway/auth/mode"),
        },
        token: SecretSources {
            flag: wishes.token,
            config: or_absent(secrets.config_token),
            environment: secrets.variable_token,
            keychain: wishes.kept_token,
        },
        password: SecretSources {
            flag: wishes.password,
            config: or_absent(secrets.config_password),
            environment: secrets.variable_password,
            keychain: None,
        },
        has_remote_secret: json.pointer("/gateway/remote/token").is_some()
            || json.pointer("/gateway/remote/password").is_some(),
        // A desktop is reached through its own ports, wherever it runs.
        in_container: !wishes.runs_here && machine.is_container,
        tailscale: match text("/gateway/tailscale/mode").as_deref() {
            Some("serve") => TailscaleMode::Serve,
            Some("funnel") => TailscaleMode::Funnel,
            Some(_) | None => TailscaleMode::Off,
        },
        allow_tailscale: json
            .pointer("/gateway/auth/allowTailscale")
            .and_then(Value::as_bool),
        proxy: proxy(json),
        interfaces: machine.interfaces.clone(),
        bind,
    })
}

fn or_absent<T>(secret: Option<T>) -> ConfigSecret<T> {
    secret.map_or(ConfigSecret::Absent, ConfigSecret::Text)
}

fn proxy(json: &Value) -> ProxyInput {
    let texts = |pointer: &str| -> Vec<String> {
        json.pointer(pointer)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect()
    };
    ProxyInput {
        trusted_proxies: texts("/gateway/trustedProxies"),
        user_header: json
            .pointer("/gateway/auth/trustedProxy/userHeader")
            .and_then(Value::as_str)
            .map(str::to_owned),
        required_headers: texts("/gateway/auth/trustedProxy/requiredHeaders"),
        allow_users: texts("/gateway/auth/trustedProxy/allowUsers"),
        allow_loopback: json.pointer("/gateway/auth/trustedProxy/allowLoopback")
            == Some(&Value::Bool(true)),
    }
}

/// Where agents work: what the configuration says, else the official folder, else our own.
fn workspace(json: &Value, environment: &Environment, places: &Places) -> PathBuf {
    let set = json
        .pointer("/agents/defaults/workspace")
        .and_then(Value::as_str)
        .filter(|path| !path.trim().is_empty());
    match (set, state_dir(environment)) {
        (Some(path), _) => environment.expand(path.as_ref()),
        // Files somebody wrote for the official gateway are theirs to keep using.
        (None, Some(state)) if state.join("workspace").is_dir() => state.join("workspace"),
        (None, Some(_) | None) => places.data_dir().join("workspace"),
    }
}

/// Returns the variables the configuration names, and no others: `${NAME}` and `env` references.
fn variables_named(json: &Value, environment: &Environment) -> BTreeMap<String, String> {
    let text = json.to_string();
    let mut named = BTreeMap::new();
    let mut words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.by_ref().for_each(|word| {
        let looks_like_one = word.len() > 1
            && word.starts_with(|letter: char| letter.is_ascii_uppercase() || letter == '_');
        if looks_like_one && let Some(value) = environment.text(word) {
            named.insert(word.to_owned(), value.to_owned());
        }
    });
    named
}

/// An unset bind means another thing in a container (protocol §13).
fn is_container(environment: &Environment) -> bool {
    environment.text("container").is_some()
        || ["/.dockerenv", "/run/.containerenv"]
            .iter()
            .any(|path| std::path::Path::new(path).exists())
}

/// Where Tailscale's daemon listens, as its packages set it up.
fn tailscaled(platform: Platform) -> Option<PathBuf> {
    match platform {
        Platform::Xdg => Some("/var/run/tailscale/tailscaled.sock".into()),
        Platform::MacOs => Some("/var/run/tailscaled.socket".into()),
        Platform::Windows => None,
    }
}

/// Returns the addresses of this computer; loopback alone where the system does not say.
fn interfaces() -> Vec<IpAddr> {
    if_addrs::get_if_addrs().map_or_else(
        |_| {
            vec![
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ]
        },
        |all| all.iter().map(if_addrs::Interface::ip).collect(),
    )
}

/// Returns what presence calls this machine.
#[cfg(unix)]
fn host_name(_environment: &Environment) -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// Returns what presence calls this machine.
#[cfg(not(unix))]
fn host_name(environment: &Environment) -> String {
    let name = environment.text("COMPUTERNAME");
    name.unwrap_or("this computer").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::exposure::LocalAuth;
    use std::path::Path;
    use tempfile::TempDir;

    fn home(config: Option<&str>) -> TempDir {
        let home = tempfile::tempdir().unwrap();
        if let Some(config) = config {
            std::fs::create_dir(home.path().join(".openclaw")).unwrap();
            std::fs::write(home.path().join(".openclaw/openclaw.json"), config).unwrap();
        }
        home
    }

    fn environment(home: &Path, variables: &[(&str, &str)]) -> Environment {
        Environment::new(
            variables.iter().copied(),
            Some(home.to_owned()),
            Platform::Xdg,
        )
    }

    fn configured(
        config: Option<&str>,
        variables: &[(&str, &str)],
        wishes: Wishes,
    ) -> Result<GatewayConfig, NotHere> {
        let home = home(config);
        let environment = environment(home.path(), variables);
        let places = Places::find(&environment).unwrap();
        let machine = Machine {
            is_container: false,
            interfaces: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            host: "test".to_owned(),
            time_zone: TimeZone::UTC,
        };
        configure(wishes, &environment, &places, machine)
    }

    #[test]
    fn with_nothing_at_all_it_is_loopback_with_a_token_to_be_made() {
        let config = configured(None, &[], Wishes::default()).unwrap();

        assert!(matches!(config.exposure.auth, LocalAuth::GenerateToken));
        assert!(
            config
                .exposure
                .listen
                .iter()
                .all(|address| { address.ip().is_loopback() && address.port() == 18_789 })
        );
    }

    #[test]
    fn the_configuration_and_the_variables_are_followed() {
        let config = configured(
            Some(
                "{ gateway: { mode: 'local', port: 19001, auth: { token: 'from-the-file' } },
                   agents: { defaults: { workspace: '~/work' } } }",
            ),
            &[("OPENCLAW_GATEWAY_PORT", "19002")],
            Wishes::default(),
        )
        .unwrap();

        assert_eq!(config.exposure.listen[0].port(), 19_002);
        assert!(matches!(&config.exposure.auth,
            LocalAuth::Token(token) if token.expose() == "from-the-file"));
        assert!(config.workspace.ends_with("work"));
    }

    #[test]
    fn a_remote_configuration_stops_a_headless_start_and_not_one_that_was_chosen() {
        let remote = Some("{ gateway: { mode: 'remote', remote: { token: 'theirs' } } }");

        let refused = configured(remote, &[], Wishes::default()).unwrap_err();
        assert!(matches!(refused, NotHere::Refused(Refusal::ModeRemote)));

        let chosen = Wishes {
            runs_here: true,
            ..Wishes::default()
        };
        let config = configured(remote, &[], chosen).unwrap();
        // What is sent to another gateway lets nobody in here.
        assert!(matches!(config.exposure.auth, LocalAuth::GenerateToken));
    }

    #[test]
    fn beyond_loopback_it_takes_a_secret() {
        let wide = |token: Option<&str>| Wishes {
            bind: Some("lan".to_owned()),
            token: token.map(GatewayToken::new),
            ..Wishes::default()
        };
        let refused = configured(None, &[], wide(None)).unwrap_err();
        assert!(refused.to_string().contains("without auth"), "{refused}");
        assert!(configured(None, &[], wide(Some("a long enough secret"))).is_ok());
    }

    #[test]
    fn only_the_variables_the_configuration_names_are_handed_on() {
        let config = configured(
            Some(
                "{ gateway: { mode: 'local' },
                   models: { providers: { a: { apiKey: '${A_KEY}' } } } }",
            ),
            &[("A_KEY", "k"), ("B_KEY", "k")],
            Wishes::default(),
        )
        .unwrap();

        assert_eq!(config.environment.keys().collect::<Vec<_>>(), ["A_KEY"]);
    }
}
