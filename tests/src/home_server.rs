//! A home server on loopback: an SSH server, and behind it a gateway with an offline model.

use std::sync::Arc;

use anyhow::Result;

use crate::gateway::{Release, TestGateway};
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
}
