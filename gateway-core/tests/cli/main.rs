//! The built `openclaw` as scripts use it: arguments, exit codes, what goes to which stream, and what
//! never leaves the machine.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it stands"
)]

mod arguments;
mod connecting;
mod fake_gateway;
mod gateway;
mod gateway_run;
mod over_ssh;
#[expect(dead_code, reason = "the tunnel's tests use the rest of it")]
#[path = "../tunnel/support.rs"]
mod ssh_server;
mod support;
mod voice;
