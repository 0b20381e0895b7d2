//! A gateway's address as a URL, and where it may be dialled without encryption.
//!
//! Credentials and chat would travel in the clear over `ws://`, so it is only allowed to this
//! computer, private and link-local networks, carrier-grade NAT (which Tailscale uses), `.local`
//! and `.ts.net` names: the rule of the official command line. Addresses are judged as addresses
//! and names as names, so `127.evil.com` is a name that is not allowed, wherever it leads. A name that
//! is allowed must also lead to such an address ([`GatewayUrl::may_dial`]): whoever answers for
//! `.local` on a foreign network, or publishes a `.ts.net` name (Tailscale Funnel), must not draw the
//! token out into the open. That a tailnet encrypts what a `ws://` address inside it carries is
//! Tailscale's promise; nothing here verifies that the address belongs to one.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The path of a gateway with nothing in front of it.
const ROOT: &str = "/";

/// What a path may hold beside letters and digits (RFC 3986's `pchar` and the slash).
const PATH_SIGNS: &[u8] = b"/-._~!$&'()*+,;=:%";

/// `ws://` or `wss://`, a host, a port and the path, which matters to a proxy in front of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayUrl {
    encrypted: bool,
    host: Host,
    port: u16,
    /// Begins with a slash.
    path: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
}

/// Why an address is not a gateway's URL. Never repeats it: people paste tokens into URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GatewayUrlError {
    /// It does not begin with `ws://` or `wss://`.
    #[error("a gateway's address begins with ws:// or wss://")]
    Scheme,
    /// It carries a user name, a query or a fragment.
    #[error(
        "a gateway's address may not carry a user name, a query or a fragment; give the token by itself"
    )]
    Extras,
    /// The host is missing or has characters no host has.
    #[error("a gateway's address needs a host name or an IP address")]
    Host,
    /// The path has characters that no path has.
    #[error("the path of a gateway's address may hold letters, digits and the usual signs only")]
    Path,
    /// The port is not a port.
    #[error("the port of a gateway's address must be a number from 1 to 65535")]
    Port,
}

/// The address may not be dialled without encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "over ws:// the token and every message would go unprotected to a host that is not private; use wss://, or go through SSH"
)]
pub struct PlainRefused;

impl GatewayUrl {
    /// Returns the URL of a gateway on this computer.
    pub fn loopback(port: u16) -> Self {
        Self {
            encrypted: false,
            host: Host::Address(Ipv4Addr::LOCALHOST.into()),
            port,
            path: ROOT.to_owned(),
        }
    }

    /// Reads an address as people paste it: also `http://` and `https://`, out of a browser.
    ///
    /// # Errors
    ///
    /// As the strict reading.
    pub fn pasted(text: &str) -> Result<Self, GatewayUrlError> {
        let text = text.trim();
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        let scheme = scheme.unwrap_or_default().to_ascii_lowercase();
        // `http` begins both, and what comes after it is the same letter as after `ws`.
        match text
            .get(4..)
            .filter(|_| matches!(scheme.as_str(), "http" | "https"))
        {
            Some(rest) => format!("ws{}", rest).parse(),
            None => text.parse(),
        }
    }

    /// Returns whether an address looks like a URL rather than like an SSH target.
    pub fn looks_like_one(text: &str) -> bool {
        let scheme = text.trim().split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| {
            let scheme = scheme.to_ascii_lowercase();
            matches!(scheme.as_str(), "ws" | "wss" | "http" | "https")
        })
    }

    /// Returns whether the connection is encrypted (`wss://`).
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Returns whether it names this computer.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Address(address) => canonical(*address).is_loopback(),
            Host::Name(name) => name == "localhost",
        }
    }

    /// Returns the host for dialling: a name, or an address without brackets.
    pub fn host(&self) -> String {
        match &self.host {
            Host::Address(address) => address.to_string(),
            Host::Name(name) => name.clone(),
        }
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the path, with its slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns what the HTTP Host header says: host and port, and no port where it is the usual one.
    pub fn host_header(&self) -> String {
        let authority = self.authority();
        let usual = format!(":{}", usual_port(self.encrypted));
        match authority.strip_suffix(&usual) {
            Some(host) => host.to_owned(),
            None => authority,
        }
    }

    /// Returns host and port.
    pub fn authority(&self) -> String {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => format!("[{address}]:{}", self.port),
            Host::Address(IpAddr::V4(address)) => format!("{address}:{}", self.port),
            Host::Name(name) => format!("{name}:{}", self.port),
        }
    }

    /// Checks that a plain `ws://` stays where nobody else listens.
    ///
    /// # Errors
    ///
    /// Refuses plain URLs to anywhere but the networks this module's head names.
    pub fn check_plain(&self) -> Result<(), PlainRefused> {
        let private = match &self.host {
            Host::Address(address) => is_private(canonical(*address)),
            Host::Name(name) => {
                name == "localhost" || name.ends_with(".local") || name.ends_with(".ts.net")
            }
        };
        if self.encrypted || private {
            Ok(())
        } else {
            Err(PlainRefused)
        }
    }

    /// Returns whether an address that the host's name leads to may be dialled.
    pub fn may_dial(&self, address: IpAddr) -> bool {
        self.encrypted || is_private(canonical(address))
    }
}

impl FromStr for GatewayUrl {
    type Err = GatewayUrlError;

    fn from_str(text: &str) -> Result<Self, GatewayUrlError> {
        let (scheme, rest) = text
            .trim()
            .split_once("://")
            .ok_or(GatewayUrlError::Scheme)?;
        let encrypted = match scheme.to_ascii_lowercase().as_str() {
            "ws" => false,
            "wss" => true,
            _ => return Err(GatewayUrlError::Scheme),
        };
        if rest.contains(['?', '#', '@', '\\']) {
            return Err(GatewayUrlError::Extras);
        }
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ROOT),
        };
        let in_path = |byte: u8| byte.is_ascii_alphanumeric() || PATH_SIGNS.contains(&byte);
        if !path.bytes().all(in_path) {
            return Err(GatewayUrlError::Path);
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(inner) => {
                let (address, port) = inner.split_once(']').ok_or(GatewayUrlError::Host)?;
                let address: Ipv6Addr = address.parse().map_err(|_| GatewayUrlError::Host)?;
                let port = match port {
                    "" => None,
                    port => Some(port.strip_prefix(':').ok_or(GatewayUrlError::Host)?),
                };
                (Host::Address(address.into()), port)
            }
            None => {
                let (host, port) = match authority.split_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (authority, None),
                };
                (host_of(host)?, port)
            }
        };
        let port = match port {
            None => usual_port(encrypted),
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or(GatewayUrlError::Port)?,
            Some(_) => return Err(GatewayUrlError::Port),
        };
        Ok(Self {
            encrypted,
            host,
            port,
            path: path.to_owned(),
        })
    }
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "wss" } else { "ws" };
        write!(f, "{scheme}://{}", self.authority())?;
        match self.path.as_str() {
            ROOT => Ok(()),
            path => f.write_str(path),
        }
    }
}

fn usual_port(encrypted: bool) -> u16 {
    if encrypted { 443 } else { 80 }
}

fn host_of(text: &str) -> Result<Host, GatewayUrlError> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address(address.into()));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let plain = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    // Some resolvers read numbers such as 127.1 or 0x7f000001 as addresses; no real name ends so.
    let numeric = name.rsplit('.').next().is_some_and(|last| {
        last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x")
    });
    if name.split('.').all(plain) && !numeric {
        Ok(Host::Name(name))
    } else {
        Err(GatewayUrlError::Host)
    }
}

/// An IPv4 address in IPv6 clothes is judged as what it is.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            // 100.64.0.0/10, RFC 6598.
            let carrier_grade_nat = first == 100 && (64..128).contains(&second);
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || carrier_grade_nat
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests;
