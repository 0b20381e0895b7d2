//! A stream of "the network changed", as each system tells it.
//!
//! What changed is not read: a path that stands is asked whether it lives, whatever it was.

#[cfg(not(target_os = "linux"))]
mod addresses;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub(super) use addresses::Changes;
#[cfg(target_os = "linux")]
pub(super) use linux::Changes;
