//! A home server on loopback: an SSH server, and behind it a gateway with an offline model.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use crate::gateway::{Release, TestGateway};
use crate::ports;
use crate::ssh_server::TestSshServer;
use crate::ssh_server::config::SshServerConfig;

/// An SSH server of the test's own and a gateway that may be shared.
#[derive(Debug)]
pub struct HomeServer {
    /// The way in.
    pub ssh: TestSshServer,
    /// What is behind it.
    pub gateway: Arc<TestGateway>,
}

impl HomeServer {
    /// Starts an SSH server in front of the shared gateway of `release`.
    ///
    /// # Errors
    ///
    /// When either does not start.
    pub async fn with_shared_gateway(release: Release, config: SshServerConfig) -> Result<Self> {
        let (ssh, gateway) =
            tokio::try_join!(TestSshServer::start(config), TestGateway::shared(release))?;
        Ok(Self { ssh, gateway })
    }

    /// The flags of our command line that reach this server, its host key not among them.
    ///
    /// # Errors
    ///
    /// When no local port is free.
    pub fn flags(&self) -> Result<Vec<String>> {
        let mut flags = ssh_flags(&self.ssh, self.gateway.port())?;
        flags.extend([
            "--token-file".to_owned(),
            self.gateway.token_file().display().to_string(),
        ]);
        Ok(flags)
    }
}

/// The flags that reach `gateway_port` behind `ssh`, with a local port that is free and no token.
///
/// # Errors
///
/// When no local port is free.
pub fn ssh_flags(ssh: &TestSshServer, gateway_port: u16) -> Result<Vec<String>> {
    Ok(vec![
        "--ssh-target".to_owned(),
        ssh.target(),
        "--identity".to_owned(),
        ssh.identity().display().to_string(),
        "--remote-port".to_owned(),
        gateway_port.to_string(),
        "--local-port".to_owned(),
        ports::free_port()?.to_string(),
    ])
}

/// Writes the server's host key into `known_hosts`, as a user who has met it would have it.
///
/// # Errors
///
/// When the file cannot be written.
pub fn trust(ssh: &TestSshServer, known_hosts: &Path) -> Result<()> {
    Ok(fs::write(known_hosts, ssh.known_hosts_line()?)?)
}
