//! The server that something is done on: found, signed in to, and asked about before.

use crate::access;
use crate::args::ServerArgs;
use crate::output::{self, Exit, Stop};
use crate::questions;
use crate::secrets::Given;
use crate::target::{self, Own};
use gateway_core::config::Environment;
use gateway_core::connection::access::GatewayAccess;
use gateway_core::connection::explain;
use gateway_core::connection::listener_slot::ListenerSlot;
use gateway_core::connection::question::Asked;
use gateway_core::connection::route::Failure;
use gateway_core::connection::ssh_plan::SshPlan;
use gateway_core::connection::ssh_server::SshServer;
use gateway_core::connection::state::Verdict;
use gateway_core::tunnel::{Tunnel, TunnelError};
use std::sync::Arc;

/// A server, and what it is signed in to with.
pub(super) struct There {
    pub(super) plan: SshPlan,
    pub(super) server: SshServer,
    pub(super) access: Arc<dyn GatewayAccess>,
    pub(super) name: String,
}

impl There {
    pub(super) async fn find(
        args: &ServerArgs,
        given: Given,
        own: &Own,
        environment: &Environment,
    ) -> Result<Self, Stop> {
        let plan = target::plan(args, own, environment)?.map_err(|error| {
            let problem = explain::tunnel_problem(&TunnelError::from(error));
            Stop::new(Exit::Usage, problem.message)
        })?;
        let access = access::behind(plan.target(), given, own, environment).await?;
        let port = own.settled.remote_port.value;
        Ok(Self {
            name: plan.target().to_string(),
            server: SshServer::planned(plan.clone(), port, ListenerSlot::disabled()),
            plan,
            access,
        })
    }

    /// Signs in, asking whoever sits at the terminal.
    pub(super) async fn sign_in(&self) -> Result<Tunnel, Stop> {
        let mut id = 0;
        loop {
            let failure = match self.server.reach(&*self.access).await {
                Ok(tunnel) => return Ok(tunnel),
                Err(failure) => failure,
            };
            let Some(question) = failure.question.clone() else {
                return Err(not_reached(&failure));
            };
            id += 1;
            let asked = Asked { id, question };
            let mut asking = questions::ask(&asked);
            if asking.is_none() {
                let message = format!(
                    "{} Run this in a terminal to be asked.",
                    failure.problem.message
                );
                return Err(Stop::new(Exit::NeedsUser, message));
            }
            let (_, answer) = questions::answered(&mut asking).await;
            let Some(answer) = answer else {
                return Err(Stop::new(Exit::NeedsUser, "it was not answered"));
            };
            if let Err(problem) = self.server.take_answer(&asked.question, answer).await {
                output::remark(problem.message);
            }
        }
    }
}

/// Asks whether to go on, unless that was said already.
pub(super) async fn confirm(is_agreed: bool) -> Result<(), Stop> {
    if is_agreed {
        return Ok(());
    }
    let why = match questions::agrees("Type yes to go on: ").await {
        Some(true) => return Ok(()),
        Some(false) => "nothing was changed",
        None => "nothing was changed; say --yes, or run this in a terminal to be asked",
    };
    Err(Stop::new(Exit::NeedsUser, why))
}

pub(super) fn not_reached(failure: &Failure) -> Stop {
    let exit = match failure.verdict {
        Verdict::Ask(_) | Verdict::Pause(_) => Exit::NeedsUser,
        Verdict::Retry(_) | Verdict::GatewayDown(_) | Verdict::Stop(_) => Exit::Unreachable,
    };
    Stop::new(exit, failure.problem.message.clone())
}
