//! From an address as typed to what is dialled: the settings, the user's SSH configuration and the
//! servers on the way.
//!
//! App, command line and check share it. A plan is worked out anew for each attempt, so that a
//! configuration that was corrected counts at the next one. What was typed or set by hand wins over
//! the configuration; only what concerns the server itself is set by hand, never a jump host.

use crate::config::paths::SshSurroundings;
use crate::config::{Environment, HostKeyPolicy};
use crate::ssh_config::{
    self, Asked, Disk, HostConfig, IdentityAgent, Sources, SshConfigError, StrictHostKeyChecking,
    Surroundings,
};
use crate::tunnel::{
    HostKeyFingerprint, KnownHostsFiles, SignIn, SshTarget, TargetError, TunnelConfig, TunnelError,
    UnknownHostKey,
};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

/// How many servers a way may lead through, the last one included. Real ways have two or three.
const MAX_SERVERS: usize = 8;

/// What is known about the way to a server before the SSH configuration is read.
#[derive(Debug, Clone)]
pub struct SshPlan {
    target: SshTarget,
    own_known_hosts: PathBuf,
    usual: SshSurroundings,
    surroundings: Surroundings,
    /// How to sign in to the server; `None` as the address or the configuration says.
    pub sign_in: Option<SignIn>,
    /// Whether our own list of host keys is the only one to believe.
    pub only_own_known_hosts: bool,
    /// How unknown host keys are treated.
    pub host_keys: HostKeyPolicy,
    /// The host key a person has accepted beforehand.
    pub accepted_host_key: Option<HostKeyFingerprint>,
}

/// One server of the way.
struct Link {
    typed: SshTarget,
    config: HostConfig,
}

impl SshPlan {
    /// Starts from an address, our own list of host keys and what the process was started with.
    pub fn new(target: SshTarget, own_known_hosts: PathBuf, environment: &Environment) -> Self {
        let usual = SshSurroundings::find(environment);
        let surroundings = Surroundings {
            environment: environment.clone(),
            local_user: usual.local_user.clone().unwrap_or_default(),
            sources: Sources::Usual {
                user: usual.user_config.clone(),
                system: usual.system_config.clone(),
            },
        };
        Self {
            target,
            own_known_hosts,
            usual,
            surroundings,
            sign_in: None,
            only_own_known_hosts: false,
            host_keys: HostKeyPolicy::default(),
            accepted_host_key: None,
        }
    }

    /// Reads another SSH configuration than the usual files.
    #[must_use]
    pub fn reading(mut self, sources: Sources) -> Self {
        self.surroundings.sources = sources;
        self
    }

    /// Returns the address as it was typed.
    pub fn target(&self) -> &SshTarget {
        &self.target
    }

    /// Works out what to dial. Reads files.
    ///
    /// # Errors
    /// [`TunnelError::BadTarget`] or [`TunnelError::SshConfig`].
    pub fn tunnel(&self) -> Result<TunnelConfig, TunnelError> {
        self.target.check()?;
        let mut links = self.links()?;
        let Some(last) = links.pop_back() else {
            return Err(TargetError::EmptyHost.into());
        };
        let mut config = self.dialled(&last)?;
        let pasted = self.target.identity_file.as_deref();
        let environment = &self.surroundings.environment;
        if let Some(sign_in) = &self.sign_in {
            config.sign_in = sign_in.clone();
        } else if let Some(file) = pasted {
            config.sign_in = SignIn::KeyFile(environment.expand(file));
        }
        config.via = links
            .iter()
            .map(|link| self.dialled(link))
            .collect::<Result<_, _>>()?;
        match self.accepted_host_key {
            // With several servers nobody knows yet whose key was accepted.
            Some(key) if !config.via.is_empty() => {
                config.accepted_host_keys.push(key);
                for hop in &mut config.via {
                    hop.accepted_host_keys.push(key);
                }
            }
            key => config.demanded_host_key = key,
        }
        Ok(config)
    }

    /// Finds the servers of the way, the first to dial first.
    fn links(&self) -> Result<VecDeque<Link>, TunnelError> {
        let disk = Disk {
            uid: self.surroundings.environment.uid(),
        };
        let mut links: VecDeque<Link> = VecDeque::new();
        let mut next = Some((self.target.clone(), None::<Vec<SshTarget>>));
        while let Some((typed, given)) = next.take() {
            let asked = Asked {
                host: &typed.host,
                user: typed.user.as_deref(),
                port: typed.port,
            };
            let config = ssh_config::look_up(asked, given.is_none(), &self.surroundings, &disk)?;
            let is_there = |link: &Link| {
                (&link.config.host_name, link.config.port, &link.config.user)
                    == (&config.host_name, config.port, &config.user)
            };
            if links.iter().any(is_there) {
                return Err(SshConfigError::JumpLoop { host: typed.host }.into());
            }
            if links.len() >= MAX_SERVERS {
                let (host, limit) = (self.target.host.clone(), MAX_SERVERS);
                return Err(SshConfigError::TooManyJumps { host, limit }.into());
            }
            // The last one named leads to us; the ones before it are its own way, which its
            // configuration has no say in then.
            let mut jumps = given.unwrap_or_else(|| config.jumps.clone());
            next = jumps
                .pop()
                .map(|jump| (jump, (!jumps.is_empty()).then_some(jumps)));
            links.push_front(Link { typed, config });
        }
        Ok(links)
    }

    /// Turns one server's configuration into what dials it.
    fn dialled(&self, link: &Link) -> Result<TunnelConfig, TunnelError> {
        let Link { typed, config } = link;
        if config.user.is_empty() {
            return Err(TargetError::EmptyUser.into());
        }
        let target = SshTarget {
            user: Some(config.user.clone()),
            host: config.host_name.clone(),
            port: Some(config.port),
            identity_file: None,
        };
        target.check()?;
        let mut tunnel = TunnelConfig::new(target, config.user.clone(), self.known_hosts(config));
        tunnel.name = Some(typed.to_string());
        tunnel.host_key_alias = config.host_key_alias.clone();
        tunnel.unknown_host_key = self.unknown_host_key(config);
        tunnel.sign_in = SignIn::Automatic {
            identity_files: match &config.identity_files {
                Some(files) => files.clone(),
                None => self.usual.identity_files.clone(),
            },
        };
        tunnel.agent_socket = match &config.identity_agent {
            Some(IdentityAgent::None) => None,
            Some(IdentityAgent::Socket(socket)) => Some(socket.clone()),
            None => self.usual.agent_socket.clone(),
        };
        tunnel.certificate_files = config.certificate_files.clone();
        tunnel.identities_only = config.identities_only;
        tunnel.address_family = config.address_family;
        tunnel.bind_address = config.bind_address.clone();
        if let Some(limit) = config.connect_timeout.filter(|limit| !limit.is_zero()) {
            tunnel.limits.tcp = limit;
            tunnel.limits.key_exchange = limit;
        }
        // Never asking at all would leave a dead path unnoticed, so zero keeps our own rhythm.
        if let Some(interval) = config.server_alive_interval.filter(|i| !i.is_zero()) {
            tunnel.keepalive = interval.max(Duration::from_secs(1));
            // OpenSSH gives up after interval × count, we after interval × (count + 1).
            let count = config.server_alive_count_max.unwrap_or(3);
            tunnel.keepalive_max = usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
        }
        Ok(tunnel)
    }

    fn known_hosts(&self, config: &HostConfig) -> KnownHostsFiles {
        let also_read = if self.only_own_known_hosts {
            Vec::new()
        } else {
            let named = |files: &Option<Vec<PathBuf>>, usual: &Vec<PathBuf>| {
                files.as_ref().unwrap_or(usual).clone()
            };
            let mut files = named(&config.user_known_hosts, &self.usual.user_known_hosts);
            files.extend(named(
                &config.global_known_hosts,
                &self.usual.system_known_hosts,
            ));
            files
        };
        KnownHostsFiles {
            own: self.own_known_hosts.clone(),
            also_read,
            hashes_names: config.hash_known_hosts,
        }
    }

    fn unknown_host_key(&self, config: &HostConfig) -> UnknownHostKey {
        match (self.host_keys, config.strict_host_key_checking) {
            (HostKeyPolicy::Strict, _) | (HostKeyPolicy::OpenSsh, StrictHostKeyChecking::Ask) => {
                UnknownHostKey::Ask
            }
            (HostKeyPolicy::OpenSsh, StrictHostKeyChecking::Yes) => UnknownHostKey::Refuse,
            (HostKeyPolicy::OpenSsh, StrictHostKeyChecking::AcceptNew) => UnknownHostKey::Accept,
            (HostKeyPolicy::OpenSsh, StrictHostKeyChecking::Off) => {
                tracing::warn!(
                    host = config.host_name,
                    "StrictHostKeyChecking no is taken for accept-new: changed host keys always stop"
                );
                UnknownHostKey::Accept
            }
        }
    }
}

/// Says in one line where a typed address leads; `None` when it is simply dialled.
pub fn in_words(config: &TunnelConfig) -> Option<String> {
    let name = config.name.as_deref().unwrap_or_default();
    let typed: Option<SshTarget> = name.parse().ok();
    let is_plain = typed.is_none_or(|typed| {
        typed.host.eq_ignore_ascii_case(&config.target.host)
            && typed.port_or_default() == config.target.port_or_default()
    });
    if is_plain && config.via.is_empty() {
        return None;
    }
    let place = SshTarget {
        user: None,
        ..config.target.clone()
    };
    let mut words = format!("{name} → {place}");
    for (index, hop) in config.via.iter().enumerate() {
        words.push_str(if index == 0 { " through " } else { ", " });
        words.push_str(hop.shown());
    }
    Some(words)
}

#[cfg(test)]
#[path = "ssh_plan/tests.rs"]
mod tests;
