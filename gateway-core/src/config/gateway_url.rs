//! A gateway's address as a URL, and where it may be dialled without encryption.
//!
//! Credentials and chat would travel in the clear over `ws://`, so it is only allowed to this
//! computer, private and link-local networks, carrier-grade NAT (which Tailscale uses), `.local`
//! and `.ts.net` names: the rule of the official command line. Addresses are judged as addresses
//! and names as names, so `127.evil.com` is a name that is not allowed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// `ws://` or `wss://`, a host and a port. A path is accepted and not kept: gateways take any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayUrl {
    encrypted: bool,
    host: Host,
    port: u16,
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
    /// The port is not a port.
    #[error("the port of a gateway's address must be a number from 1 to 65535")]
    Port,
}

/// The address may not be dialled without encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "ws:// would carry the token and every message unprotected to a host that is not private; use wss://, or an SSH address with --ssh-target"
)]
pub struct PlainRefused;

impl GatewayUrl {
    /// Returns the URL of a gateway on this computer.
    pub fn loopback(port: u16) -> Self {
        Self {
            encrypted: false,
            host: Host::Address(Ipv4Addr::LOCALHOST.into()),
            port,
        }
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

    /// Returns host and port as an HTTP Host header spells them.
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
        let authority = rest.split('/').next().unwrap_or("");
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
            None if encrypted => 443,
            None => 80,
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
        })
    }
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "wss" } else { "ws" };
        write!(f, "{scheme}://{}", self.authority())
    }
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
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<GatewayUrl, GatewayUrlError> {
        text.parse()
    }

    #[test]
    fn plain_is_allowed_only_where_nobody_else_listens() {
        let allowed = [
            "ws://127.0.0.1:18789",
            "ws://127.9.9.9",
            "ws://localhost:1",
            "ws://LOCALHOST.",
            "ws://[::1]:18789",
            "ws://10.1.2.3",
            "ws://172.16.0.1",
            "ws://172.31.255.255",
            "ws://192.168.0.10",
            "ws://169.254.1.1",
            "ws://100.64.0.1",
            "ws://100.127.255.255",
            "ws://[fd00::1]",
            "ws://[fe80::1]",
            "ws://[::ffff:10.0.0.1]",
            "ws://box.local",
            "ws://box.tail1234.ts.net",
            "wss://example.com",
        ];
        let refused = [
            "ws://127.evil.com",
            "ws://127.0.0.1.evil.com",
            "ws://localhost.evil.com",
            "ws://evil-localhost",
            "ws://192.168.0.1.nip.io",
            "ws://evil.local.com",
            "ws://ts.net.evil.com",
            "ws://evilts.net",
            "ws://local",
            "ws://8.8.8.8",
            "ws://172.15.0.1",
            "ws://172.32.0.1",
            "ws://100.63.255.255",
            "ws://100.128.0.1",
            "ws://0.0.0.0",
            "ws://[::]",
            "ws://[2001:db8::1]",
            "ws://[::ffff:8.8.8.8]",
            "ws://203.0.113.5:21020",
            "ws://box",
        ];
        for text in allowed {
            assert_eq!(parse(text).unwrap().check_plain(), Ok(()), "{text}");
        }
        for text in refused {
            assert_eq!(
                parse(text).unwrap().check_plain(),
                Err(PlainRefused),
                "{text}"
            );
        }
    }

    #[test]
    fn only_a_clean_address_is_taken_and_never_repeated() {
        let cases = [
            ("http://127.0.0.1", GatewayUrlError::Scheme),
            ("127.0.0.1:1", GatewayUrlError::Scheme),
            ("", GatewayUrlError::Scheme),
            ("ws://user:canary@127.0.0.1", GatewayUrlError::Extras),
            ("ws://127.0.0.1/?token=canary", GatewayUrlError::Extras),
            ("ws://127.0.0.1#canary", GatewayUrlError::Extras),
            ("ws://evil.com\\@127.0.0.1", GatewayUrlError::Extras),
            ("ws://", GatewayUrlError::Host),
            ("ws:///path", GatewayUrlError::Host),
            ("ws://127.1", GatewayUrlError::Host),
            ("ws://2130706433", GatewayUrlError::Host),
            ("ws://0x7f000001", GatewayUrlError::Host),
            ("ws://a..b", GatewayUrlError::Host),
            ("ws://a b", GatewayUrlError::Host),
            ("ws://[::1", GatewayUrlError::Host),
            ("ws://[::1]x", GatewayUrlError::Host),
            ("ws://[fe80::1%25eth0]", GatewayUrlError::Host),
            ("ws://127.0.0.1:0", GatewayUrlError::Port),
            ("ws://127.0.0.1:65536", GatewayUrlError::Port),
            ("ws://127.0.0.1:", GatewayUrlError::Port),
            ("ws://127.0.0.1:+1", GatewayUrlError::Port),
        ];
        for (text, expected) in cases {
            let error = parse(text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("canary"));
        }
    }

    #[test]
    fn the_canonical_spelling_parses_back() {
        for (text, canonical) in [
            ("WS://Box.Local:5/some/path", "ws://box.local:5"),
            ("ws://[::1]", "ws://[::1]:80"),
            ("wss://example.com", "wss://example.com:443"),
            (" ws://127.0.0.1:18789 ", "ws://127.0.0.1:18789"),
        ] {
            let url = parse(text).unwrap();
            assert_eq!(url.to_string(), canonical);
            assert_eq!(parse(canonical).unwrap(), url);
        }
        assert!(parse("ws://[::ffff:127.0.0.1]").unwrap().is_loopback());
        assert!(!parse("ws://10.0.0.1").unwrap().is_loopback());
    }
}
