//! The agent's named pipe on Windows, such as `\\.\pipe\openssh-ssh-agent`, or else Pageant.

use crate::tunnel::agent::AgentConnection;
use russh::keys::agent::client::AgentClient;
use std::path::Path;

/// Connects to the agent. PuTTY's agent has no pipe whose name could be known beforehand, so it is
/// asked where nobody listens on the pipe.
pub(super) async fn connect(socket: &Path) -> Result<AgentConnection, russh::keys::Error> {
    match AgentClient::connect_named_pipe(socket).await {
        Ok(pipe) => Ok(pipe.dynamic()),
        Err(error) => {
            tracing::debug!(%error, "nobody listens on the agent's pipe, so Pageant is asked");
            Ok(AgentClient::connect_pageant().await?.dynamic())
        }
    }
}
