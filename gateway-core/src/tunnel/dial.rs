//! Dialling, in the tunnel's words.

use super::error::{Step, TunnelError};
use crate::dial::{self, DialError};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// Returns the addresses of a name.
pub(super) async fn resolve(
    host: &str,
    port: u16,
    limit: Duration,
) -> Result<Vec<SocketAddr>, TunnelError> {
    dial::resolve(host, port, limit)
        .await
        .map_err(|error| match error {
            DialError::Timeout { waited } => TunnelError::Timeout {
                step: Step::Resolve,
                waited,
            },
            DialError::Io(source) => TunnelError::Resolve {
                host: host.to_owned(),
                source,
            },
        })
}

/// Returns a stream to the first address that answers.
pub(super) async fn connect(
    host: &str,
    port: u16,
    addresses: Vec<SocketAddr>,
    limit: Duration,
) -> Result<TcpStream, TunnelError> {
    dial::connect(addresses, limit)
        .await
        .map_err(|error| match error {
            DialError::Timeout { waited } => TunnelError::Timeout {
                step: Step::Tcp,
                waited,
            },
            DialError::Io(source) => TunnelError::Tcp {
                host: host.to_owned(),
                port,
                source,
            },
        })
}
