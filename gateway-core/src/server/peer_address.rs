//! Who is really calling: the peer of the socket, or a client behind a proxy or Tailscale Serve.
//!
//! "Local" decides much (silent pairing, scopes without a device, no lock after failures), so it is
//! narrow: a loopback peer, no forwarding field at all, a loopback Host (protocol §5). A forwarding
//! field from a peer that is no trusted proxy is refused rather than ignored: either somebody lies,
//! or a proxy in front was forgotten in the config and every caller would look like this computer.

use super::network::Network;
use super::request_head::RequestHead;
use crate::web_address::Authority;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long Tailscale's answer is waited for.
const WHOIS_LIMIT: Duration = Duration::from_secs(3);

/// More proxies in a row than this is no deployment.
const MAX_HOPS: usize = 32;

/// Whether a caller counts as a program of this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locality {
    /// Directly over loopback.
    Local,
    /// From elsewhere, or through something in between.
    Remote,
}

/// A caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Its address; an IPv4-mapped one is written as IPv4.
    pub address: IpAddr,
    /// Whether it is on this computer.
    pub locality: Locality,
}

/// Which listener took the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// One that anybody who reaches it may connect to.
    Ordinary,
    /// The one on loopback that only `tailscale serve`, started by us, is told about.
    TailscaleManaged,
}

/// Why nobody can say who is calling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unattributed {
    /// A forwarding field came from a peer that is not in `gateway.trustedProxies`.
    #[error(
        "forwarding fields from a peer that is no trusted proxy; if it is one, add it to gateway.trustedProxies"
    )]
    UntrustedProxy,
    /// A trusted proxy did not say, or not readably, whom it forwards.
    #[error("the proxy's X-Forwarded-For does not name the client; configure the proxy to set it")]
    NoClient,
}

impl Unattributed {
    /// The HTTP status (protocol §5).
    pub const STATUS: u16 = 403;
    /// The `error.type` of the answer's body (protocol §5).
    pub const ERROR_TYPE: &'static str = "proxy_attribution_required";
}

/// Works out who is calling.
///
/// # Errors
///
/// Fails when a forwarding field is there that cannot be believed or understood.
pub fn client_of(
    peer: SocketAddr,
    head: &RequestHead<'_>,
    arrival: Arrival,
    trusted_proxies: &[Network],
) -> Result<Client, Unattributed> {
    let peer = peer.ip().to_canonical();
    let is_proxy = match arrival {
        Arrival::Ordinary => trusted_proxies.iter().any(|range| range.contains(peer)),
        Arrival::TailscaleManaged => peer.is_loopback(),
    };
    if is_forwarded(head) {
        if !is_proxy {
            return Err(Unattributed::UntrustedProxy);
        }
        return Ok(Client {
            address: forwarded_client(head, trusted_proxies).ok_or(Unattributed::NoClient)?,
            // However near the client says it is, it did not come directly.
            locality: Locality::Remote,
        });
    }
    let is_local_host = matches!(head.only("host"), Ok(Some(host))
        if Authority::parse(host).is_some_and(|host| host.is_loopback()));
    let is_local = arrival == Arrival::Ordinary && peer.is_loopback() && is_local_host;
    Ok(Client {
        address: peer,
        locality: if is_local {
            Locality::Local
        } else {
            Locality::Remote
        },
    })
}

/// Returns whether anything says that the request was passed on.
pub(super) fn is_forwarded(head: &RequestHead<'_>) -> bool {
    head.has("forwarded") || head.has("x-real-ip") || head.has_prefix("x-forwarded-")
}

/// Walks X-Forwarded-For from the right: each trusted proxy vouches for the entry to its left.
fn forwarded_client(head: &RequestHead<'_>, trusted_proxies: &[Network]) -> Option<IpAddr> {
    let mut hops = Vec::new();
    for line in head.values("x-forwarded-for") {
        for hop in std::str::from_utf8(line).ok()?.split(',') {
            hops.push(hop.trim());
        }
    }
    if hops.len() > MAX_HOPS {
        return None;
    }
    let mut client = None;
    for hop in hops.into_iter().rev() {
        let address = parse_hop(hop)?;
        client = Some(address);
        if !trusted_proxies.iter().any(|range| range.contains(address)) {
            break;
        }
    }
    client
}

/// Reads an address, with the port that some proxies add.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .or_else(|error| {
            text.strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .ok_or(error)?
                .parse::<std::net::Ipv6Addr>()
                .map(IpAddr::V6)
        })
        .ok()?
        .to_canonical();
    (!address.is_unspecified() && !address.is_multicast()).then_some(address)
}

/// The login name of a Tailscale user, as Tailscale itself confirmed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailscaleLogin(String);

impl TailscaleLogin {
    /// Returns the login name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tailscale could not be asked, or knows no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Tailscale did not say who this address is")]
pub struct WhoisFailed;

/// The seam to Tailscale on this computer.
pub trait Whois {
    /// Asks which login an address of the tailnet belongs to.
    fn whois(&self, address: IpAddr) -> impl Future<Output = Result<String, WhoisFailed>> + Send;
}

/// Why a Tailscale identity is not believed. Each has its `details.code` (protocol §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TailscaleRefusal {
    /// Something of the proxy's own fields is missing, doubled or does not come from it.
    #[error("the request did not come through Tailscale Serve")]
    ProxyMissing,
    /// Tailscale could not be asked in time.
    #[error("Tailscale could not confirm who is calling")]
    WhoisFailed,
    /// Tailscale names another login.
    #[error("Tailscale names another user for this address")]
    IdentityMismatch,
}

impl TailscaleRefusal {
    /// Returns the code of the protocol.
    pub fn detail_code(self) -> &'static str {
        match self {
            Self::ProxyMissing => "AUTH_TAILSCALE_PROXY_MISSING",
            Self::WhoisFailed => "AUTH_TAILSCALE_WHOIS_FAILED",
            Self::IdentityMismatch => "AUTH_TAILSCALE_IDENTITY_MISMATCH",
        }
    }
}

/// What Tailscale's fields say of a caller; Tailscale itself has not been asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailscaleClaim {
    login: String,
    address: IpAddr,
}

/// Returns the Tailscale user a request names, `None` where Tailscale's fields count for nothing.
///
/// They count only with `allow` (`gateway.auth.allowTailscale`), only on the managed listener, from
/// a loopback peer with all three `X-Forwarded-*` fields, and only if Tailscale itself, asked about
/// the one forwarded address, names the same login: see [`TailscaleClaim::confirm`]. For the WebSocket's operators only: never ask
/// this for the HTTP API or a node.
///
/// # Errors
///
/// Fails when the fields would count and are not whole.
pub fn tailscale_claim(
    peer: SocketAddr,
    head: &RequestHead<'_>,
    arrival: Arrival,
    allow: bool,
) -> Result<Option<TailscaleClaim>, TailscaleRefusal> {
    const LOGIN: &str = "tailscale-user-login";
    if !allow || arrival != Arrival::TailscaleManaged || !head.has(LOGIN) {
        return Ok(None);
    }
    let value = |name| match head.only(name) {
        Ok(Some(text)) if !text.is_empty() => Ok(text),
        Ok(_) | Err(_) => Err(TailscaleRefusal::ProxyMissing),
    };
    let claimed = value(LOGIN)?;
    let address = parse_hop(value("x-forwarded-for")?).ok_or(TailscaleRefusal::ProxyMissing)?;
    value("x-forwarded-proto")?;
    value("x-forwarded-host")?;
    if !peer.ip().to_canonical().is_loopback() {
        return Err(TailscaleRefusal::ProxyMissing);
    }
    Ok(Some(TailscaleClaim {
        login: claimed.to_owned(),
        address,
    }))
}

impl TailscaleClaim {
    /// Asks Tailscale whether that is so.
    ///
    /// # Errors
    ///
    /// Fails when it does not answer in time or names somebody else.
    pub async fn confirm(self, tailscale: &impl Whois) -> Result<TailscaleLogin, TailscaleRefusal> {
        match tokio::time::timeout(WHOIS_LIMIT, tailscale.whois(self.address)).await {
            Ok(Ok(login))
                if login.eq_ignore_ascii_case(&self.login) && !login.trim().is_empty() =>
            {
                Ok(TailscaleLogin(login))
            }
            Ok(Ok(_)) => Err(TailscaleRefusal::IdentityMismatch),
            Ok(Err(WhoisFailed)) | Err(_) => Err(TailscaleRefusal::WhoisFailed),
        }
    }
}

#[cfg(test)]
mod tests;
