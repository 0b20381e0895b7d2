//! The embedded gateway: what "This computer" and a headless box run.
//!
//! Who gets in, and how far:
//!
//! - [`request_head`]: the fields of a request as the rules below look at them.
//! - [`origin`]: Host and Origin, on every route and upgrade.

pub mod origin;
pub mod request_head;
