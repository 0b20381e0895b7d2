//! Secrets, the store that keeps them, and which one wins.

pub mod secret;
