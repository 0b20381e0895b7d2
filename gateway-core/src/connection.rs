//! What the app holds: one supervised path to one gateway.
//!
//! [`phase`] is the one table of states for machine, JSON, UI and icon; [`state`] is the pure machine;
//! [`backoff`] says when the next attempt may start.

pub mod backoff;
pub mod phase;
pub mod state;
