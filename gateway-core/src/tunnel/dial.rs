//! Dialling, in the tunnel's words.

use super::error::{Step, TunnelError};
use crate::dial::{self, DialError};
use crate::ssh_config::AddressFamily;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;

/// Returns the addresses of a name.
pub(super) async fn resolve(
    host: &str,
    port: u16,
    family: AddressFamily,
    limit: Duration,
) -> Result<Vec<SocketAddr>, TunnelError> {
    let mut addresses = dial::resolve(host, port, limit)
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
        })?;
    addresses.retain(|address| match family {
        AddressFamily::Any => true,
        AddressFamily::Inet => address.is_ipv4(),
        AddressFamily::Inet6 => address.is_ipv6(),
    });
    if addresses.is_empty() {
        return Err(TunnelError::Resolve {
            host: host.to_owned(),
            source: io::Error::new(
                io::ErrorKind::NotFound,
                "the name has no address of the family that AddressFamily names",
            ),
        });
    }
    Ok(addresses)
}

/// Returns a stream to the first address that answers.
pub(super) async fn connect(
    host: &str,
    port: u16,
    addresses: Vec<SocketAddr>,
    from: Option<IpAddr>,
    limit: Duration,
) -> Result<TcpStream, TunnelError> {
    dial::connect(addresses, from, limit)
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

/// Returns the local address to dial from, where one is named.
pub(super) async fn local_address(name: Option<&str>) -> Result<Option<IpAddr>, TunnelError> {
    let Some(name) = name else {
        return Ok(None);
    };
    let found = tokio::net::lookup_host((name, 0)).await;
    let first = found.and_then(|mut found| {
        found
            .next()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
    });
    match first {
        Ok(address) => Ok(Some(address.ip())),
        Err(source) => Err(TunnelError::Resolve {
            host: name.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_addresses_of_the_family_that_was_asked_for_are_dialled() {
        let limit = Duration::from_secs(5);
        let found = resolve("127.0.0.1", 22, AddressFamily::Inet, limit).await;
        assert_eq!(found.unwrap(), ["127.0.0.1:22".parse().unwrap()]);

        let error = resolve("127.0.0.1", 22, AddressFamily::Inet6, limit)
            .await
            .unwrap_err();

        assert_eq!(error.step(), Step::Resolve);
    }
}
