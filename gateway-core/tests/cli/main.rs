//! The built `openclaw` as scripts use it: arguments, exit codes, what goes to which stream, and what
//! never leaves the machine.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it stands"
)]

mod arguments;
mod connecting;
mod fake_gateway;
mod gateway;
mod support;
