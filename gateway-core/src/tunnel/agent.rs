//! The SSH agent: which keys it holds, and a connection to have it sign.
//!
//! Where the agent listens is the system's matter: a Unix socket here, a named pipe on Windows.

#[cfg(unix)]
#[path = "agent/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "agent/windows.rs"]
mod system;

use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::keys::agent::{AgentIdentity, AgentSessionBinding};
use russh::keys::{Certificate, PublicKey};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long the agent may take to list its keys.
const LIST_LIMIT: Duration = Duration::from_secs(3);

/// A connection to an agent, whatever it runs over.
pub(super) type AgentConnection = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

/// A connection that several keys share; they take turns.
pub(super) type Agent = Arc<Mutex<AgentConnection>>;

/// A key that the agent holds.
#[derive(Debug, Clone)]
pub(super) struct AgentKey(AgentIdentity);

impl AgentKey {
    pub(super) fn public(&self) -> PublicKey {
        self.0.public_key().into_owned()
    }

    pub(super) fn comment(&self) -> String {
        super::server_text::printable(self.0.comment())
    }

    /// Returns the certificate, where the agent offers one rather than the bare key.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        match &self.0 {
            AgentIdentity::Certificate { certificate, .. } => Some(certificate),
            AgentIdentity::PublicKey { .. } => None,
        }
    }

    pub(super) fn into_identity(self) -> AgentIdentity {
        self.0
    }
}

/// Returns the agent's keys in its order; an agent that cannot be asked has none.
///
/// `binding` ties what the agent signs to this server, for keys that are restricted to some
/// (ssh-add -h); agents that do not know it say so, and sign the others all the same.
pub(super) async fn keys(
    socket: &Path,
    binding: Option<&AgentSessionBinding>,
) -> Vec<(AgentKey, Agent)> {
    match timeout(LIST_LIMIT, list(socket, binding)).await {
        Ok(Ok(keys)) => {
            tracing::debug!(socket = %socket.display(), keys = keys.len(), "agent asked");
            keys
        }
        Ok(Err(error)) => {
            tracing::debug!(socket = %socket.display(), %error, "no agent");
            Vec::new()
        }
        Err(_) => {
            tracing::warn!(socket = %socket.display(), "the agent does not answer");
            Vec::new()
        }
    }
}

async fn list(
    socket: &Path,
    binding: Option<&AgentSessionBinding>,
) -> Result<Vec<(AgentKey, Agent)>, russh::keys::Error> {
    let mut connection = system::connect(socket).await?;
    if let Some(binding) = binding
        && let Err(error) = connection.bind_session(binding, false).await
    {
        tracing::debug!(%error, "the agent does not bind sessions");
    }
    let identities = connection.request_identities().await?;
    let agent = Arc::new(Mutex::new(connection));
    Ok(identities
        .into_iter()
        .map(|identity| (AgentKey(identity), Arc::clone(&agent)))
        .collect())
}
