//! What the app holds: one supervised path to one gateway.
//!
//! [`phase`] is the one table of states for machine, JSON, UI and icon.

pub mod phase;
