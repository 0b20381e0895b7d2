//! Who answers on this computer.
//!
//! The seam exists because the desktop runs a gateway of its own where none is running, and the
//! command line only dials what is there.

use super::problem::Problem;
use crate::credentials::secret::{GatewayPassword, GatewayToken};
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::fmt;

/// Sees to it that a gateway answers on this computer.
pub trait LocalHost: fmt::Debug + Send + Sync + 'static {
    /// Called before every attempt to open a session. Starts a gateway on `port` if none answers
    /// there.
    fn ensure(&self, port: u16) -> BoxFuture<'_, Result<Hosted, Problem>>;
}

/// The gateway on this computer, as people are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum GatewayHere {
    /// It was started by us, and ends with us.
    Ours {
        /// Where it answers.
        port: u16,
    },
    /// It ran already and is used as it is.
    Found {
        /// Where it answers.
        port: u16,
    },
    /// It is wanted beside another computer's, and does not run.
    Failed {
        /// Where it was to answer.
        port: u16,
        /// Why.
        problem: Problem,
    },
}

impl GatewayHere {
    /// Returns what came of seeing to a gateway on `port`.
    pub(super) fn of(port: u16, outcome: Result<&Hosted, &Problem>) -> Self {
        match outcome {
            Ok(Hosted::Ours { .. }) => Self::Ours { port },
            Ok(Hosted::Found) => Self::Found { port },
            Err(problem) => Self::Failed {
                port,
                problem: problem.clone(),
            },
        }
    }
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
