//! The agent's Unix socket, as `SSH_AUTH_SOCK` names it.

use crate::tunnel::agent::AgentConnection;
use russh::keys::agent::client::AgentClient;
use std::path::Path;

/// Connects to the agent.
pub(super) async fn connect(socket: &Path) -> Result<AgentConnection, russh::keys::Error> {
    Ok(AgentClient::connect_uds(socket).await?.dynamic())
}
