//! What must hold whatever comes in: one function per target, for a fuzzer and for the tests.
//!
//! Each target reads bytes from elsewhere the way the program does and panics where a promise is
//! broken; that it ends in time and within its memory is the fuzzer's to watch (`scripts/fuzz`). What
//! a target asserts lives beside the code it is about, in files called `fuzz.rs`. The tests here play
//! the committed corpus (`gateway-core/fuzz/corpus`) without any engine.

use crate::{client, config, connection, server, ssh_config, tunnel};

/// Something to be fed with bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is also its folder in the corpus.
    pub name: &'static str,
    /// Reads one input, and panics where a promise is broken.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 12] = [
    target("known_hosts", tunnel::known_hosts::fuzz::run),
    target("ssh_config", ssh_config::fuzz::run),
    target("ssh_target", tunnel::target::fuzz::run),
    target("gateway_url", config::gateway_url::fuzz::run),
    target("invitation", config::invitation::fuzz::run),
    target("state_machine", connection::state::fuzz::run),
    target("connection", connection::run_schedule),
    target("http_head", tunnel::http_head::fuzz::run),
    target("official_config", config::openclaw_json::fuzz::run),
    target("key_file", tunnel::auth::keys::fuzz::run),
    target("frame_from_client", server::fuzz::run),
    target("frame_from_gateway", client::fuzz::run),
];

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

#[cfg(test)]
mod tests;
