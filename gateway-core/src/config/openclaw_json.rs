//! What we read of the official `openclaw.json`; [`mod@write`] alone writes it, on a person's word.
//!
//! Where it is: `OPENCLAW_CONFIG_PATH`, else `openclaw.json` in the state folder, which is
//! `OPENCLAW_STATE_DIR`, else `.openclaw` (with `-<name>` under `OPENCLAW_PROFILE`) in
//! `OPENCLAW_HOME` or the home folder. It is JSON5, like the official programs read it.
//!
//! Two uses: [`OfficialConfig::prefill`] offers its values for our own settings, for the user to
//! review, and [`credentials`] finds the token and password the official command line would use.

pub mod credentials;
mod dotenv;
pub mod elsewhere;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod secret_ref;
mod variables;
pub mod write;

use super::document::{Document, Step};
use super::environment::Environment;
use super::gateway_url::GatewayUrl;
use super::private_file;
use super::problem::FileProblem;
use super::settings::{DEFAULT_PORT, HostKeyPolicy, RunsWhere, Transport};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// `gateway.mode`: whose gateway is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A gateway on this computer.
    Local,
    /// A gateway elsewhere.
    Remote,
}

/// The official config, as far as we use it.
#[derive(Debug, Clone)]
pub struct OfficialConfig {
    path: PathBuf,
    document: Document,
    /// `gateway.mode`.
    pub mode: Option<Mode>,
    /// `gateway.port`.
    pub port: Option<u16>,
    /// `gateway.remote.transport`.
    pub transport: Transport,
    /// `gateway.remote.url`.
    pub remote_url: Option<String>,
    /// `gateway.remote.tlsFingerprint`.
    pub tls_fingerprint: Option<String>,
    /// `gateway.remote.remotePort`.
    pub remote_port: Option<u16>,
    /// `gateway.remote.sshTarget`.
    pub ssh_target: Option<String>,
    /// `gateway.remote.sshIdentity`, with a leading `~` expanded.
    pub ssh_identity: Option<PathBuf>,
    /// `gateway.remote.sshHostKeyPolicy`.
    pub ssh_host_key_policy: Option<String>,
}

/// What the official config would fill into our settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefill {
    /// The file it comes from.
    pub path: PathBuf,
    /// Where it says OpenClaw runs.
    pub runs: RunsWhere,
    /// How it reaches a gateway elsewhere.
    pub transport: Transport,
    /// The gateway's URL, where it is reached by that.
    pub url: Option<String>,
    /// The pinned certificate, where it is reached by its URL.
    pub tls_fingerprint: Option<String>,
    /// Its SSH target.
    pub address: Option<String>,
    /// Its key file.
    pub identity_file: Option<PathBuf>,
    /// How unknown host keys are treated.
    pub host_key_policy: HostKeyPolicy,
    /// The port local programs use.
    pub local_port: u16,
    /// The gateway's port on the server.
    pub remote_port: u16,
}

impl Prefill {
    /// Returns whether the official config reaches its gateway at this very URL.
    pub fn names(&self, url: &str) -> bool {
        let ours = GatewayUrl::pasted(url).ok();
        let theirs = self
            .url
            .as_deref()
            .and_then(|url| GatewayUrl::pasted(url).ok());
        self.runs == RunsWhere::AnotherComputer && ours.is_some() && ours == theirs
    }
}

/// Finds the folder of the official programs' state.
pub fn state_dir(environment: &Environment) -> Option<PathBuf> {
    if let Some(folder) = environment.path("OPENCLAW_STATE_DIR") {
        return Some(folder);
    }
    let home = environment
        .path("OPENCLAW_HOME")
        .or_else(|| environment.home().map(Path::to_owned))?;
    let name = match environment.text("OPENCLAW_PROFILE").map(str::trim) {
        None | Some("default") => ".openclaw".to_owned(),
        Some(profile) => format!(".openclaw-{profile}"),
    };
    Some(home.join(name))
}

/// Finds the official config's path, whether or not a file is there.
pub fn config_path(environment: &Environment) -> Option<PathBuf> {
    environment
        .path("OPENCLAW_CONFIG_PATH")
        .or_else(|| Some(state_dir(environment)?.join("openclaw.json")))
}

impl OfficialConfig {
    /// Reads the official config; `None` when there is none.
    ///
    /// # Errors
    ///
    /// Names file, line, column and key of what cannot be used.
    pub fn read(environment: &Environment) -> Result<Option<Self>, FileProblem> {
        let Some(path) = config_path(environment) else {
            return Ok(None);
        };
        let text = match private_file::read(&path) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(None),
            Err(error) => return Err(FileProblem::unreadable(&path, &error)),
        };
        Self::from_text(environment, path, text).map(Some)
    }

    fn from_text(
        environment: &Environment,
        path: PathBuf,
        text: String,
    ) -> Result<Self, FileProblem> {
        let document = Document::parse(text).map_err(|fault| fault.in_file(&path))?;
        let reader = Reader {
            document: &document,
            path: &path,
        };
        Ok(Self {
            mode: reader.choice("gateway.mode", "must be \"local\" or \"remote\"")?,
            port: reader.port("gateway.port")?,
            transport: reader
                .choice("gateway.remote.transport", "must be \"ssh\" or \"direct\"")?
                .unwrap_or(Transport::Ssh),
            remote_url: reader.text("gateway.remote.url")?,
            tls_fingerprint: reader.text("gateway.remote.tlsFingerprint")?,
            remote_port: reader.port("gateway.remote.remotePort")?,
            ssh_target: reader.text("gateway.remote.sshTarget")?,
            ssh_identity: reader
                .text("gateway.remote.sshIdentity")?
                .map(|path| environment.expand(Path::new(&path))),
            ssh_host_key_policy: reader.text("gateway.remote.sshHostKeyPolicy")?,
            document,
            path,
        })
    }

    /// Returns everything it says.
    pub fn value(&self) -> Value {
        self.document.value()
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Works out what our settings would be.
    pub fn prefill(&self) -> Prefill {
        let own_port = self.port.unwrap_or(DEFAULT_PORT);
        let url = self.remote_url.as_deref().and_then(host_and_port);
        let loopback = url.as_ref().filter(|(host, _)| is_loopback(host));
        // An old config may name the server's own port in a URL with the same host as the target.
        let legacy = url.as_ref().filter(|(host, _)| {
            let target = self.ssh_target.as_deref().unwrap_or("");
            target.rsplit('@').next().is_some_and(|rest| {
                rest.trim() == host || rest.trim().starts_with(&format!("{host}:"))
            })
        });
        let over_ssh = self.transport == Transport::Ssh;
        Prefill {
            path: self.path.clone(),
            runs: match self.mode {
                Some(Mode::Remote) => RunsWhere::AnotherComputer,
                Some(Mode::Local) => RunsWhere::ThisComputer,
                None => RunsWhere::NotConfigured,
            },
            transport: self.transport,
            url: self.remote_url.clone().filter(|_| !over_ssh),
            tls_fingerprint: self.tls_fingerprint.clone().filter(|_| !over_ssh),
            address: self.ssh_target.clone().filter(|_| over_ssh),
            identity_file: self.ssh_identity.clone().filter(|_| over_ssh),
            host_key_policy: match self.ssh_host_key_policy.as_deref() {
                Some("openssh") if over_ssh => HostKeyPolicy::OpenSsh,
                Some(_) | None => HostKeyPolicy::Strict,
            },
            local_port: loopback.map_or(own_port, |(_, port)| *port),
            remote_port: self
                .remote_port
                .or(legacy.map(|(_, port)| *port))
                .unwrap_or(own_port),
        }
    }

    /// Returns the pin of [`Self::gateway_url`].
    pub fn gateway_pin(&self) -> Option<&str> {
        self.tls_fingerprint
            .as_deref()
            .filter(|_| self.mode == Some(Mode::Remote) && self.remote_url.is_some())
    }

    /// Returns the URL the official command line would use with no `--url`.
    pub fn gateway_url(&self) -> String {
        match (self.mode, &self.remote_url) {
            (Some(Mode::Remote), Some(url)) => url.clone(),
            (Some(Mode::Local | Mode::Remote) | None, _) => {
                format!("ws://127.0.0.1:{}", self.port.unwrap_or(DEFAULT_PORT))
            }
        }
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            document: &self.document,
            path: &self.path,
        }
    }
}

/// Splits `ws://host:port/…`; a URL that is none has no part in a pre-fill.
fn host_and_port(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let usual = match scheme.to_ascii_lowercase().as_str() {
        "ws" | "http" => 80,
        "wss" | "https" => 443,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let port = port
            .strip_prefix(':')
            .map_or(Some(usual), |port| port.parse().ok())?;
        return Some((host.to_owned(), port));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => Some((host.to_owned(), port.parse().ok()?)),
        None => Some((authority.to_owned(), usual)),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

struct Reader<'a> {
    document: &'a Document,
    path: &'a Path,
}

impl Reader<'_> {
    fn get(&self, key: &str) -> Option<Value> {
        self.document
            .get(&steps(key))
            .filter(|value| !value.is_null())
    }

    fn problem(&self, key: &str, message: impl Into<String>) -> FileProblem {
        self.document.fault(&steps(key), message).in_file(self.path)
    }

    fn text(&self, key: &str) -> Result<Option<String>, FileProblem> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
            Some(_) => Err(self.problem(key, "must be a text in quotes")),
        }
    }

    fn port(&self, key: &str) -> Result<Option<u16>, FileProblem> {
        self.get(key)
            .map(|value| {
                value
                    .as_u64()
                    .and_then(|port| u16::try_from(port).ok())
                    .filter(|port| *port != 0)
                    .ok_or_else(|| self.problem(key, "must be a port from 1 to 65535"))
            })
            .transpose()
    }

    fn choice<T: DeserializeOwned>(
        &self,
        key: &str,
        wanted: &str,
    ) -> Result<Option<T>, FileProblem> {
        self.get(key)
            .map(|value| T::deserialize(value).map_err(|_| self.problem(key, wanted)))
            .transpose()
    }
}

/// Splits a dotted key; none of the keys we read holds a dot itself.
fn steps(key: &str) -> Vec<Step> {
    key.split('.').map(Step::from).collect()
}

#[cfg(test)]
mod tests {
    use super::super::environment::Platform;
    use super::*;

    pub(super) fn environment(home: &Path, variables: &[(&str, &str)]) -> Environment {
        Environment::new(
            variables.iter().copied(),
            Some(home.to_owned()),
            Platform::Xdg,
        )
    }

    pub(super) fn home_with(config: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".openclaw")).unwrap();
        std::fs::write(home.path().join(".openclaw/openclaw.json"), config).unwrap();
        home
    }

    fn config(text: &str) -> OfficialConfig {
        let home = home_with(text);
        OfficialConfig::read(&environment(home.path(), &[]))
            .unwrap()
            .unwrap()
    }

    #[test]
    fn the_file_is_found_by_the_official_rules() {
        let home = Path::new("/home/me");
        let cases: [(&[(&str, &str)], &str); 7] = [
            (&[], "/home/me/.openclaw/openclaw.json"),
            (
                &[("OPENCLAW_PROFILE", "work")],
                "/home/me/.openclaw-work/openclaw.json",
            ),
            (
                &[("OPENCLAW_PROFILE", "default")],
                "/home/me/.openclaw/openclaw.json",
            ),
            (
                &[("OPENCLAW_HOME", "/other")],
                "/other/.openclaw/openclaw.json",
            ),
            (
                &[("OPENCLAW_STATE_DIR", "~/s"), ("OPENCLAW_HOME", "/other")],
                "/home/me/s/openclaw.json",
            ),
            (
                &[
                    ("OPENCLAW_CONFIG_PATH", "/c.json"),
                    ("OPENCLAW_STATE_DIR", "/s"),
                ],
                "/c.json",
            ),
            (
                &[("OPENCLAW_CONFIG_PATH", "")],
                "/home/me/.openclaw/openclaw.json",
            ),
        ];
        for (variables, expected) in cases {
            let found = config_path(&environment(home, variables));
            assert_eq!(found.as_deref(), Some(Path::new(expected)), "{variables:?}");
        }
    }

    #[test]
    fn no_file_is_no_problem_and_a_broken_one_is_named() {
        let home = tempfile::tempdir().unwrap();
        assert!(
            OfficialConfig::read(&environment(home.path(), &[]))
                .unwrap()
                .is_none()
        );

        let cases = [
            ("{ gateway: {\n port: 'x' } }", Some(2), "gateway.port"),
            (
                "{ gateway: { mode: 'elsewhere' } }",
                Some(1),
                "gateway.mode",
            ),
            (
                "{ gateway: { remote: {\n\n sshTarget: 5 } } }",
                Some(3),
                "gateway.remote.sshTarget",
            ),
            ("{ gateway: { auth:", Some(1), "gateway.auth"),
        ];
        for (text, line, key) in cases {
            let home = home_with(text);
            let problem = OfficialConfig::read(&environment(home.path(), &[])).unwrap_err();
            assert_eq!(
                (problem.line, problem.key.as_deref()),
                (line, Some(key)),
                "{text}"
            );
            assert!(problem.path.ends_with(".openclaw/openclaw.json"));
        }
    }

    #[test]
    fn a_remote_config_fills_in_the_address_key_and_ports() {
        let prefill = config(
            "{ gateway: { mode: 'remote', port: 18790, remote: { transport: 'ssh', url: 'ws://127.0.0.1:18795',
               sshTarget: 'me@box:2222', sshIdentity: '/k', remotePort: 19000,
               sshHostKeyPolicy: 'openssh' } } }",
        )
        .prefill();

        assert_eq!(prefill.runs, RunsWhere::AnotherComputer);
        assert_eq!(prefill.address.as_deref(), Some("me@box:2222"));
        assert_eq!(prefill.identity_file.as_deref(), Some(Path::new("/k")));
        assert_eq!(prefill.host_key_policy, HostKeyPolicy::OpenSsh);
        assert_eq!((prefill.local_port, prefill.remote_port), (18795, 19000));
    }

    #[test]
    fn the_remote_port_may_stand_in_an_old_url_that_names_the_same_host() {
        let legacy = config(
            "{ gateway: { mode: 'remote', remote: { url: 'ws://box:19001', sshTarget: 'me@box' } } }",
        );
        assert_eq!(legacy.prefill().remote_port, 19001);
        assert_eq!(legacy.prefill().local_port, 18789);
        assert_eq!(legacy.prefill().host_key_policy, HostKeyPolicy::Strict);
        let other = config(
            "{ gateway: { mode: 'remote', remote: { url: 'ws://elsewhere:19001', sshTarget: 'me@box' } } }",
        );
        assert_eq!(other.prefill().remote_port, 18789);
    }

    #[test]
    fn direct_transport_offers_the_url_and_no_ssh_address() {
        let prefill = config(
            "{ gateway: { mode: 'remote', remote: { transport: 'direct', url: 'wss://x', tlsFingerprint: 'sha256:ab',
               sshTarget: 'me@box' } } }",
        )
        .prefill();

        assert_eq!(prefill.address, None);
        assert_eq!(prefill.transport, Transport::Direct);
        assert_eq!(prefill.url.as_deref(), Some("wss://x"));
        assert_eq!(prefill.tls_fingerprint.as_deref(), Some("sha256:ab"));
    }

    #[test]
    fn the_gateway_url_follows_the_mode() {
        assert_eq!(
            config("{ gateway: { mode: 'local', port: 5 } }").gateway_url(),
            "ws://127.0.0.1:5"
        );
        assert_eq!(
            config("{ gateway: { mode: 'remote', remote: { url: 'ws://10.0.0.1:5' } } }")
                .gateway_url(),
            "ws://10.0.0.1:5"
        );
    }
}
