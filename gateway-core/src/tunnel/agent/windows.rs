//! The agent's named pipe on Windows, such as `\\.\pipe\openssh-ssh-agent`.

use crate::tunnel::agent::AgentConnection;
use russh::keys::agent::client::AgentClient;
use std::path::Path;

/// Connects to the agent.
pub(super) async fn connect(socket: &Path) -> Result<AgentConnection, russh::keys::Error> {
    Ok(AgentClient::connect_named_pipe(socket).await?.dynamic())
}
