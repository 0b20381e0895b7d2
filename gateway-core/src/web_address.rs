//! Hosts and origins as a browser spells them, and which of them belong to a listener of ours.
//!
//! Every web page may connect to this computer, so both listeners we open (the tunnel's and the
//! embedded gateway's) compare the Host and Origin of a request with what they are called. There is
//! one reading of either here, and it is narrow: an address has exactly the spelling that a browser
//! gives it (WHATWG URL, RFC 6454 §6.2), and what does not parse equals nothing. Pure: no I/O.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest name the DNS allows.
const MAX_NAME: usize = 253;

/// The names under which a program on this computer reaches a listener on loopback.
const LOOPBACK_NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// A host and perhaps a port: what a Host field holds (RFC 9110 §7.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Reads `host` or `host:port`; `None` for anything that a browser would spell differently.
    ///
    /// Only the case of ASCII letters is forgiven.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rfind(']') {
            Some(end) => text.split_at(end + 1),
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => Some(parse_port(digits)?),
            None if port.is_empty() => None,
            None => return None,
        };
        let host = host.to_ascii_lowercase();
        (is_address_v6(&host) || is_name_or_v4(&host)).then_some(Self { host, port })
    }

    /// Returns the host in lower case, an IPv6 address in its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port, where one is given.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Returns whether the host is a name of this computer's loopback interface.
    pub fn is_loopback(&self) -> bool {
        LOOPBACK_NAMES.contains(&self.host.as_str())
    }
}

fn parse_port(digits: &str) -> Option<u16> {
    let port: u16 = digits.parse().ok()?;
    // "+80" and "080" are numbers to Rust and no spelling of a browser's.
    (port.to_string() == digits).then_some(port)
}

/// Accepts the one spelling of an IPv6 address, and none that stands for an IPv4 address.
fn is_address_v6(host: &str) -> bool {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .and_then(|text| Some((text, text.parse::<Ipv6Addr>().ok()?)))
        .is_some_and(|(text, address)| {
            address.to_ipv4_mapped().is_none() && address.to_string() == text
        })
}

fn is_name_or_v4(host: &str) -> bool {
    let labels_are_sound = host.len() <= MAX_NAME
        && host.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        });
    // A host whose last label is a number is an IPv4 address to a browser, however it is written.
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    labels_are_sound && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

/// The origin of a page that was loaded over HTTP (RFC 6454).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebOrigin {
    is_secure: bool,
    host: String,
    port: u16,
}

impl WebOrigin {
    /// Reads `http://host`, `https://host:port`; `None` for everything else, `null` included.
    pub fn parse(text: &str) -> Option<Self> {
        let (is_secure, authority) = match text.split_once("://")? {
            ("http", authority) => (false, authority),
            ("https", authority) => (true, authority),
            _ => return None,
        };
        let Authority { host, port } = Authority::parse(authority)?;
        Some(Self {
            is_secure,
            host,
            port: port.unwrap_or(if is_secure { 443 } else { 80 }),
        })
    }
}

/// What one listener of ours is called: its names and its port. It speaks plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnNames {
    hosts: Vec<String>,
    port: u16,
}

impl OwnNames {
    /// Names a listener on loopback.
    pub fn of_loopback(port: u16) -> Self {
        Self {
            hosts: LOOPBACK_NAMES.map(str::to_owned).to_vec(),
            port,
        }
    }

    /// Adds addresses the listener is reached at. Unspecified ones are nobody's name and are left out.
    #[must_use]
    pub fn and_addresses(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        for address in addresses {
            let address = address.to_canonical();
            if address.is_unspecified() {
                continue;
            }
            let host = match address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            };
            if !self.hosts.contains(&host) {
                self.hosts.push(host);
            }
        }
        self
    }

    /// Returns whether a Host field means this listener. Without a port it means port 80.
    pub fn is_host(&self, text: &str) -> bool {
        Authority::parse(text).is_some_and(|Authority { host, port }| {
            port.unwrap_or(80) == self.port && self.hosts.contains(&host)
        })
    }

    /// Returns whether a page of this origin was served by this listener.
    pub fn is_origin(&self, origin: &WebOrigin) -> bool {
        !origin.is_secure && origin.port == self.port && self.hosts.contains(&origin.host)
    }
}

/// A request target that is a URL of something else than plain HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignTarget;

/// Returns the authority that a request target names, `None` where it names none.
///
/// A whole URL there overrules the Host field (RFC 9112 §3.2.2), so both have to be ours.
///
/// # Errors
///
/// Fails on what is neither a path, nor `*`, nor an `http` URL.
pub fn target_authority(target: &str) -> Result<Option<&str>, ForeignTarget> {
    if target.starts_with('/') || target == "*" {
        return Ok(None);
    }
    let (scheme, rest) = target.split_once("://").ok_or(ForeignTarget)?;
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(ForeignTarget);
    }
    Ok(rest.split(['/', '?', '#']).next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_has_one_spelling() {
        for text in [
            "localhost",
            "a-b.example:443",
            "127.0.0.1:1",
            "[::1]",
            "[2001:db8::1]:65535",
        ] {
            assert!(Authority::parse(text).is_some(), "{text:?}");
        }
        for text in [
            "",
            ":80",
            "a:",
            "a:+80",
            "a:080",
            "a:65536",
            "a:80:80",
            "a.",
            ".a",
            "a..b",
            "a b",
            "u@a",
            "a/",
            "a%41",
            "127.1",
            "127.0.0.01",
            "0x7f.0.0.1",
            "0x7f000001",
            "0x",
            "2130706433",
            "example.1",
            "::1",
            "[::1",
            "[]",
            "[::1]]",
            "[::1]80",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[fe80::1%eth0]",
            "bücher.example",
        ] {
            assert_eq!(Authority::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_usual_port_equals_none() {
        assert_eq!(
            WebOrigin::parse("http://a"),
            WebOrigin::parse("http://A:80")
        );
        assert_eq!(
            WebOrigin::parse("https://a"),
            WebOrigin::parse("https://a:443")
        );
        assert_ne!(WebOrigin::parse("https://a"), WebOrigin::parse("http://a"));
    }

    #[test]
    fn an_unspecified_address_is_no_name() {
        let own = OwnNames::of_loopback(5)
            .and_addresses(["0.0.0.0", "::", "10.0.0.1"].map(|text| text.parse().unwrap()));

        assert!(own.is_host("10.0.0.1:5") && own.is_host("localhost:5"));
        assert!(!own.is_host("0.0.0.0:5") && !own.is_host("[::]:5"));
    }

    proptest! {
        #[test]
        fn whatever_parses_spells_itself_again(text in "[ -~]{0,40}") {
            if let Some(authority) = Authority::parse(&text) {
                let again = match authority.port() {
                    Some(port) => format!("{}:{port}", authority.host()),
                    None => authority.host().to_owned(),
                };
                prop_assert_eq!(again, text.to_ascii_lowercase());
            }
        }
    }
}
