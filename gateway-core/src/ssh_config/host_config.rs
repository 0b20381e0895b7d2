//! What the files say about one server, expanded and ready to use.

use super::error::SshConfigError;
use super::expand::{self, Tokens};
use super::values::{Placed, Proxy, Values};
use super::{Asked, Surroundings, jump};
use crate::tunnel::target::{DEFAULT_SSH_PORT, SshTarget};
use std::path::PathBuf;
use std::time::Duration;

/// What the configuration says about one server. `None` and empty lists mean that it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// The name or address to dial, in lower case.
    pub host_name: String,
    /// The port to dial.
    pub port: u16,
    /// The account on the server; the local one's name where nobody says.
    pub user: String,
    /// The key files to try; `Some` and empty for `IdentityFile none`.
    pub identity_files: Option<Vec<PathBuf>>,
    /// Certificates to offer along with the keys.
    pub certificate_files: Vec<PathBuf>,
    /// Whether only keys named by the configuration may be offered.
    pub identities_only: bool,
    /// Which agent to ask, where it is not the usual one.
    pub identity_agent: Option<IdentityAgent>,
    /// The servers to go through, the first to dial first.
    pub jumps: Vec<SshTarget>,
    /// Lists of host keys instead of the user's usual ones.
    pub user_known_hosts: Option<Vec<PathBuf>>,
    /// Lists of host keys instead of the system's usual ones.
    pub global_known_hosts: Option<Vec<PathBuf>>,
    /// The name under which the host key is kept, in lower case.
    pub host_key_alias: Option<String>,
    /// What to do about host keys that are not known.
    pub strict_host_key_checking: StrictHostKeyChecking,
    /// Whether names in known_hosts are to be hashed.
    pub hash_known_hosts: bool,
    /// After how much silence to ask whether the server is there; zero for never.
    pub server_alive_interval: Option<Duration>,
    /// How many such questions may stay unanswered.
    pub server_alive_count_max: Option<u32>,
    /// How long connecting may take.
    pub connect_timeout: Option<Duration>,
    /// Which kind of address to use.
    pub address_family: AddressFamily,
    /// The local address to dial from.
    pub bind_address: Option<String>,
}

/// Which agent to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityAgent {
    /// None at all.
    None,
    /// The one that listens here.
    Socket(PathBuf),
}

/// `StrictHostKeyChecking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StrictHostKeyChecking {
    /// `yes`: an unknown key is refused.
    Yes,
    /// `ask`: a person is asked.
    #[default]
    Ask,
    /// `accept-new`: an unknown key is trusted and kept.
    AcceptNew,
    /// `no` or `off`: OpenSSH would let even a changed key pass.
    Off,
}

/// `AddressFamily`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressFamily {
    /// Both.
    #[default]
    Any,
    /// IPv4 only.
    Inet,
    /// IPv6 only.
    Inet6,
}

impl HostConfig {
    /// Expands what was read.
    pub(super) fn finish(
        values: &Values,
        asked: Asked<'_>,
        surroundings: &Surroundings,
        follow_proxy: bool,
    ) -> Result<Self, SshConfigError> {
        let host_name = dialled(values, asked.host)?;
        let port = values.port.unwrap_or(DEFAULT_SSH_PORT);
        let user = values
            .user
            .clone()
            .unwrap_or_else(|| surroundings.local_user.clone());
        let host_key_alias = values.host_key_alias.as_ref().map(|s| s.to_lowercase());
        let spec = match &values.proxy {
            Some(Proxy::Jump(spec)) if follow_proxy => Some(spec),
            Some(Proxy::Command(place)) if follow_proxy => {
                return Err(SshConfigError::Unsupported {
                    option: "ProxyCommand".to_owned(),
                    place: place.clone(),
                });
            }
            Some(Proxy::Jump(_) | Proxy::Command(_) | Proxy::NoJump | Proxy::Direct) | None => None,
        };
        let jump = spec.map(|spec| spec.value.entries().join(","));
        let tokens = Tokens {
            surroundings,
            asked: asked.host,
            host: &host_name,
            port,
            remote_user: &user,
            host_key_alias: host_key_alias.as_deref(),
            jump: jump.as_deref().unwrap_or_default(),
        };
        let mut jumps = Vec::new();
        for entry in spec.iter().flat_map(|spec| spec.value.entries()) {
            let place = spec.map(|spec| spec.place.clone());
            let Some(place) = place else { continue };
            let value = Placed {
                value: entry.clone(),
                place: place.clone(),
            };
            let target =
                jump::target(&tokens.jump(&value)?).map_err(|_| SshConfigError::BadValue {
                    option: "ProxyJump".to_owned(),
                    place,
                    why: "names a server that is no address",
                })?;
            jumps.push(target);
        }
        let list = |option, values: &[Placed<String>]| {
            values
                .iter()
                .filter(|value| !value.value.eq_ignore_ascii_case("none"))
                .map(|value| tokens.path(option, value))
                .collect::<Result<Vec<_>, _>>()
        };
        let known_hosts = |option, value: &Option<Placed<Vec<String>>>, expands: bool| {
            let Some(Placed { value, place }) = value else {
                return Ok(None);
            };
            value
                .iter()
                .filter(|path| !path.eq_ignore_ascii_case("none"))
                .map(|path| {
                    let placed = Placed {
                        value: path.clone(),
                        place: place.clone(),
                    };
                    if expands {
                        tokens.path(option, &placed)
                    } else {
                        Ok(surroundings.environment.expand(&PathBuf::from(path)))
                    }
                })
                .collect::<Result<Vec<_>, _>>()
                .map(Some)
        };
        Ok(Self {
            identity_files: match values.identity_files.as_slice() {
                [] => None,
                files => Some(list("IdentityFile", files)?),
            },
            certificate_files: list("CertificateFile", &values.certificate_files)?,
            identities_only: values.identities_only.unwrap_or(false),
            identity_agent: agent(values.identity_agent.as_ref(), &tokens)?,
            user_known_hosts: known_hosts("UserKnownHostsFile", &values.user_known_hosts, true)?,
            global_known_hosts: known_hosts(
                "GlobalKnownHostsFile",
                &values.global_known_hosts,
                false,
            )?,
            strict_host_key_checking: values.strict.unwrap_or_default(),
            hash_known_hosts: values.hash_known_hosts.unwrap_or(false),
            server_alive_interval: values.server_alive_interval,
            server_alive_count_max: values.server_alive_count_max,
            connect_timeout: values.connect_timeout,
            address_family: values.address_family.unwrap_or_default(),
            bind_address: values.bind_address.clone(),
            jumps,
            host_key_alias,
            host_name,
            port,
            user,
        })
    }
}

/// Returns the name or address that is dialled for `asked`.
pub(super) fn dialled(values: &Values, asked: &str) -> Result<String, SshConfigError> {
    if let Some(name) = &values.dialled {
        return Ok(name.clone());
    }
    let name = match &values.host_name {
        Some(name) => expand::host_name(asked, name)?,
        None => asked.to_owned(),
    };
    // An IPv6 address may end in the name of a network interface, which keeps its case.
    Ok(if name.contains(':') {
        name
    } else {
        name.to_lowercase()
    })
}

fn agent(
    value: Option<&Placed<String>>,
    tokens: &Tokens<'_>,
) -> Result<Option<IdentityAgent>, SshConfigError> {
    let Some(value) = value else {
        return Ok(None);
    };
    let environment = &tokens.surroundings.environment;
    Ok(match value.value.as_str() {
        "none" => Some(IdentityAgent::None),
        "SSH_AUTH_SOCK" => None,
        text => match text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
            Some(name) => Some(match environment.path(name) {
                Some(socket) => IdentityAgent::Socket(socket),
                None => IdentityAgent::None,
            }),
            None => Some(IdentityAgent::Socket(tokens.path("IdentityAgent", value)?)),
        },
    })
}
