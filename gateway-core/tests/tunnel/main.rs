//! The tunnel against a real sshd: every test starts its own and kills it by its process id.
//!
//! Linux only: processes are found in `/proc`, and some tests need a mount namespace of their own.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up must fail"
)]

mod certificates;
mod dropbear;
mod forward;
mod full_disk;
mod hops;
mod host_certificates;
mod host_keys;
mod key_formats;
mod matrix;
mod odd_server;
mod path;
mod prompting_server;
mod prompts;
mod rogue;
mod rotation;
mod sign_in;
mod support;
