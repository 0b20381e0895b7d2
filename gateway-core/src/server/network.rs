//! Ranges of addresses, as `gateway.trustedProxies` lists them: one address, or `address/bits`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// One address or a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// The text is neither an address nor a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address like 10.0.0.2 or a range like 10.0.0.0/24")]
pub struct NotANetwork;

impl Network {
    /// Returns whether an address lies in the range; an IPv4-mapped one counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32u32.saturating_sub(self.bits.into());
                let mask = u32::MAX.checked_shl(shift).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128u32.saturating_sub(self.bits.into());
                let mask = u128::MAX.checked_shl(shift).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Returns whether the range is every address of its family.
    pub fn is_everything(&self) -> bool {
        self.bits == 0
    }

    /// Returns whether any loopback address lies in the range.
    pub fn touches_loopback(&self) -> bool {
        match self.address {
            IpAddr::V4(own) => {
                let loopback = Self {
                    address: IpAddr::from([127, 0, 0, 0]),
                    bits: 8,
                };
                own.is_loopback() || (self.bits < 8 && self.contains(loopback.address))
            }
            IpAddr::V6(_) => self.contains(IpAddr::from(std::net::Ipv6Addr::LOCALHOST)),
        }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| NotANetwork)?)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let address = written.to_canonical();
        let (width, mapped_by) = match (written, address) {
            (IpAddr::V6(_), IpAddr::V4(_)) => (32, 96),
            (IpAddr::V4(_), _) => (32, 0),
            (IpAddr::V6(_), IpAddr::V6(_)) => (128, 0),
        };
        let bits = match bits {
            None => width,
            Some(bits) => bits.checked_sub(mapped_by).ok_or(NotANetwork)?,
        };
        if bits > width {
            return Err(NotANetwork);
        }
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_addresses_in_either_spelling() {
        let table = [
            ("10.0.0.2", "10.0.0.2", true),
            ("10.0.0.2", "::ffff:10.0.0.2", true),
            ("10.0.0.2", "10.0.0.3", false),
            ("10.0.0.0/24", "10.0.0.255", true),
            ("10.0.0.7/24", "10.0.0.1", true),
            ("10.0.0.0/24", "10.0.1.0", false),
            ("0.0.0.0/0", "203.0.113.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::ffff:10.0.0.0/120", "10.0.0.9", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::1", "127.0.0.1", false),
        ];
        for (network, address, expected) in table {
            let network: Network = network.parse().unwrap();
            assert_eq!(
                network.contains(address.parse().unwrap()),
                expected,
                "{network} {address}"
            );
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "*",
            "localhost",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/",
            "10.0.0",
            "::/129",
            "::ffff:10.0.0.0/90",
            "10.0.0.0/24/8",
            " 10.0.0.1",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_range_that_reaches_loopback_is_noticed() {
        for (text, expected) in [
            ("127.0.0.1", true),
            ("127.9.0.0/16", true),
            ("0.0.0.0/0", true),
            ("96.0.0.0/3", true),
            ("::1", true),
            ("::/0", true),
            ("10.0.0.0/8", false),
            ("2001:db8::/32", false),
        ] {
            let network: Network = text.parse().unwrap();
            assert_eq!(network.touches_loopback(), expected, "{text}");
        }
    }
}
