//! Who answers on this computer.
//!
//! The seam exists because the desktop runs a gateway of its own where none is running, and the
//! command line only dials what is there.

use super::problem::Problem;
use crate::credentials::secret::{GatewayPassword, GatewayToken};
use futures_util::future::BoxFuture;
use std::fmt;

/// Sees to it that a gateway answers on this computer.
pub trait LocalHost: fmt::Debug + Send + Sync + 'static {
    /// Called before every attempt to open a session. Starts a gateway on `port` if none answers
    /// there.
    fn ensure(&self, port: u16) -> BoxFuture<'_, Result<Hosted, Problem>>;
}

/// Which gateway answers.
#[derive(Debug, Clone)]
pub enum Hosted {
    /// One that somebody else runs; it is used as it is.
    Found,
    /// Ours, and what it lets us in with.
    Ours {
        /// Its token, in token mode.
        token: Option<GatewayToken>,
        /// Its password, in password mode.
        password: Option<GatewayPassword>,
    },
}
