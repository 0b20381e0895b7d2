//! The link that opens our page in a browser on this computer, signed in.
//!
//! The code is in the fragment, which a browser sends to nobody and names in no Referer; the page
//! takes it out of the address before it does anything else.

use super::single_use_codes::GOOD_FOR;
use super::{State, held};
use crate::credentials::secret::SingleUseCode;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// A link that signs in whoever opens it first. It is shown to the person who runs the gateway and
/// goes into no log.
#[derive(Debug)]
pub struct BrowserLink {
    address: String,
    code: SingleUseCode,
}

/// Why there is no link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoLink {
    /// The program carries no page.
    #[error(
        "this program was built without the page for browsers; build it with `make run`, or run \
         `npm run build` in ui before cargo"
    )]
    NotBuilt,
    /// It listens on no loopback address, and codes are good on this computer only.
    #[error(
        "the gateway does not listen on this computer's own address, so its page can only be opened \
         with the gateway token; set gateway.bind to loopback to sign in with a link"
    )]
    NotOnLoopback,
}

impl BrowserLink {
    /// Returns the page's address, without the code.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Shows the code to what sends it to the person who asked for it.
    pub fn code(&self) -> &SingleUseCode {
        &self.code
    }

    /// Shows the whole link, to be printed for a person or handed to a browser.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}#code={}", self.address, self.code.expose()))
    }

    /// Returns how long a link is good from when it was made.
    pub fn good_for() -> Duration {
        GOOD_FOR
    }
}

/// Makes a link.
pub(super) fn make(gateway: &State) -> Result<BrowserLink, NoLink> {
    if gateway.config.page.is_empty() {
        return Err(NoLink::NotBuilt);
    }
    let address = own_address(&gateway.addresses).ok_or(NoLink::NotOnLoopback)?;
    let code = held(&gateway.codes).make(Instant::now());
    Ok(BrowserLink {
        address: format!("http://{address}/"),
        code,
    })
}

/// Returns where a browser on this computer reaches the gateway.
fn own_address(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let loopback = addresses.iter().find(|address| address.ip().is_loopback());
    let everywhere = addresses
        .iter()
        .find(|address| address.ip().is_unspecified());
    match (loopback, everywhere) {
        (Some(address), _) => Some(*address),
        (None, Some(address)) => {
            let own = IpAddr::V4(Ipv4Addr::LOCALHOST);
            Some(SocketAddr::new(own, address.port()))
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_this_computer_or_nowhere() {
        let own = |addresses: &[&str]| {
            let addresses: Vec<SocketAddr> = addresses
                .iter()
                .map(|address| address.parse().unwrap())
                .collect();
            own_address(&addresses).map(|address| address.to_string())
        };

        assert_eq!(
            own(&["127.0.0.1:18789", "[::1]:18789"]).as_deref(),
            Some("127.0.0.1:18789")
        );
        assert_eq!(own(&["[::1]:18789"]).as_deref(), Some("[::1]:18789"));
        assert_eq!(own(&["0.0.0.0:1"]).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(own(&["192.168.1.5:18789"]), None);
    }

    #[test]
    fn debugging_does_not_show_the_code() {
        let link = BrowserLink {
            address: "http://127.0.0.1:1/".to_owned(),
            code: SingleUseCode::new("canary"),
        };

        assert!(!format!("{link:?}").contains("canary"));
        assert_eq!(link.expose().as_str(), "http://127.0.0.1:1/#code=canary");
    }
}
