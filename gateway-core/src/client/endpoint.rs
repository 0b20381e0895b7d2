//! Where an upgrade is asked for: what the Host header says, and the path.

use crate::config::GatewayUrl;

/// The address inside an HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    authority: String,
    path: String,
}

impl Endpoint {
    /// Returns what the Host header says.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the path of the upgrade.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the path of another resource beside it: a proxy may serve the gateway under a prefix.
    pub(super) fn beside(&self, name: &str) -> String {
        format!("{}/{name}", self.path.trim_end_matches('/'))
    }
}

impl From<&str> for Endpoint {
    /// Takes host and port, such as `127.0.0.1:18789`.
    fn from(authority: &str) -> Self {
        Self {
            authority: authority.to_owned(),
            path: "/".to_owned(),
        }
    }
}

impl From<&String> for Endpoint {
    fn from(authority: &String) -> Self {
        Self::from(authority.as_str())
    }
}

impl From<&GatewayUrl> for Endpoint {
    fn from(url: &GatewayUrl) -> Self {
        Self {
            authority: url.host_header(),
            path: url.path().to_owned(),
        }
    }
}
