//! The embedded gateway: what "This computer" and a headless box run.
//!
//! Who gets in, and how far:
//!
//! - [`exposure`]: where it listens and with which authentication, or why it refuses to start.
//! - [`request_head`]: the fields of a request as the rules below look at them.
//! - [`origin`]: Host and Origin, on every route and upgrade.
//! - [`peer_address`]: who is really calling, through proxies and Tailscale.
//! - [`network`]: ranges of addresses, as `gateway.trustedProxies` lists them.
//! - [`limiter`]: failed sign-ins, counted and locked.
//! - [`shared_secret`]: comparing the gateway's token or password.
//! - [`scopes`]: what a connection is granted.

pub mod exposure;
pub mod limiter;
pub mod network;
pub mod origin;
pub mod peer_address;
pub mod request_head;
pub mod scopes;
pub mod shared_secret;
