//! What the files said about one server so far: the first value of an option stands.

use super::error::Place;
use super::host_config::{AddressFamily, StrictHostKeyChecking};
use super::jump::JumpSpec;
use std::time::Duration;

/// A value and the line it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// How the connection to the server is made; whichever option comes first decides, but for
/// `ProxyJump none`, which only says no to jump hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proxy {
    /// `ProxyJump none`.
    NoJump,
    /// `ProxyCommand none`.
    Direct,
    /// `ProxyJump`.
    Jump(Placed<JumpSpec>),
    /// `ProxyCommand`, which we do not run.
    Command(Place),
}

/// The values as written, nothing expanded yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Values {
    pub(super) host_name: Option<Placed<String>>,
    /// What the name came to in the first pass; a second pass cannot change it.
    pub(super) dialled: Option<String>,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) identity_files: Vec<Placed<String>>,
    pub(super) certificate_files: Vec<Placed<String>>,
    pub(super) identities_only: Option<bool>,
    pub(super) identity_agent: Option<Placed<String>>,
    pub(super) proxy: Option<Proxy>,
    pub(super) user_known_hosts: Option<Placed<Vec<String>>>,
    pub(super) global_known_hosts: Option<Placed<Vec<String>>>,
    pub(super) host_key_alias: Option<String>,
    pub(super) strict: Option<StrictHostKeyChecking>,
    pub(super) hash_known_hosts: Option<bool>,
    pub(super) server_alive_interval: Option<Duration>,
    pub(super) server_alive_count_max: Option<u32>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) address_family: Option<AddressFamily>,
    pub(super) bind_address: Option<String>,
    pub(super) ignore_unknown: Option<String>,
    pub(super) tag: Option<String>,
}

impl Values {
    /// Adds to a list, unless it stands there already.
    pub(super) fn add(list: &mut Vec<Placed<String>>, value: Placed<String>) {
        if list.iter().all(|other| other.value != value.value) {
            list.push(value);
        }
    }
}
