//! The way to a server: through others, one after another, or straight over TCP.

use super::socket::Wire;
use super::{SignInMemory, Tunnel, TunnelConfig, TunnelError, TunnelStep, dial, open_one};
use std::time::Duration;
use tokio::time::Instant;

/// Opens a tunnel; `on_step` hears of each step as it succeeds.
///
/// Of the servers on the way the first one's name being found is told like the last one's would be;
/// their other steps as [`TunnelStep::OnTheWay`]. Dropping the future leaves nothing behind.
///
/// # Errors
/// A [`TunnelError`], a [`TunnelError::Hop`] where a server on the way stopped us; every connection
/// is closed by then.
pub async fn open(
    config: &TunnelConfig,
    memory: &mut SignInMemory,
    on_step: &mut (dyn FnMut(TunnelStep) + Send),
) -> Result<Tunnel, TunnelError> {
    let mut way: Option<Tunnel> = None;
    for (index, hop) in config.via.iter().enumerate() {
        let mut told = |step| {
            on_step(match step {
                TunnelStep::Resolved { .. } => step,
                TunnelStep::TcpConnected
                | TunnelStep::HostKeyAccepted { .. }
                | TunnelStep::SignedIn { .. }
                | TunnelStep::OnTheWay { .. } => TunnelStep::OnTheWay {
                    index,
                    step: Box::new(step),
                },
            });
        };
        let opened = open_one(hop, way.clone(), memory.at_hop(hop), &mut told).await;
        way = match (opened, way) {
            (Ok(tunnel), _) => Some(tunnel),
            (Err(source), before) => {
                leave(before).await;
                return Err(TunnelError::Hop {
                    index,
                    name: hop.shown().to_owned(),
                    source: Box::new(source),
                });
            }
        };
    }
    match open_one(config, way.clone(), memory, on_step).await {
        Ok(tunnel) => Ok(tunnel),
        Err(error) => {
            leave(way).await;
            Err(error)
        }
    }
}

/// Says goodbye to the servers on a way that led nowhere.
async fn leave(way: Option<Tunnel>) {
    if let Some(tunnel) = way {
        tunnel.close().await;
    }
}

/// Reaches the server: through the end of the way, or over TCP. Tells how long that alone took, which
/// is a round trip and a little.
pub(super) async fn reach(
    config: &TunnelConfig,
    way: Option<&Tunnel>,
    on_step: &mut (dyn FnMut(TunnelStep) + Send),
) -> Result<(Wire, Duration), TunnelError> {
    let host = config.target.host.as_str();
    let port = config.target.port_or_default();
    let (wire, began) = match way {
        Some(tunnel) => {
            let began = Instant::now();
            let opening = tunnel.open_carrier(host, port);
            let channel = opening.await.map_err(|source| TunnelError::NotForwarded {
                host: host.to_owned(),
                port,
                source,
            })?;
            (Wire::Channel(channel), began)
        }
        None => {
            let family = config.address_family;
            let addresses = dial::resolve(host, port, family, config.limits.resolve).await?;
            on_step(TunnelStep::Resolved {
                addresses: addresses.clone(),
            });
            let from = dial::local_address(config.bind_address.as_deref()).await?;
            let began = Instant::now();
            let stream = dial::connect(host, port, addresses, from, config.limits.tcp).await?;
            (Wire::Tcp(stream), began)
        }
    };
    on_step(TunnelStep::TcpConnected);
    Ok((wire, began.elapsed()))
}
