//! What the outside sees: the machine's state, and the facts that it does not hold.

use super::super::local_host::GatewayHere;
use super::super::problem::Problem;
use super::super::question::Asked;
use super::super::route::{GatewayFacts, LocalPort, Route};
use super::super::snapshot::Snapshot;
use super::super::state::State;
use super::super::timeline::in_ms;
use super::Supervisor;
use std::time::Duration;

/// The facts of a snapshot that the machine's state does not hold.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) next_attempt_at: Option<u64>,
    pub(super) up_since: Option<u64>,
    pub(super) local_port: Option<LocalPort>,
    pub(super) ping: Option<Duration>,
    pub(super) gateway: Option<GatewayFacts>,
    pub(super) gateway_here: Option<GatewayHere>,
    pub(super) way: Option<String>,
    pub(super) problem: Option<Problem>,
    pub(super) question: Option<Asked>,
    pub(super) retry_after: Option<Duration>,
}

impl<R: Route> Supervisor<R> {
    pub(super) fn publish(&mut self) {
        let state = self.machine.state();
        if state == State::Off {
            self.shown.problem = None;
        }
        let snapshot = Snapshot {
            phase: state.phase(),
            target: self.route.target(),
            way: self.shown.way.clone(),
            attempt: state.attempt(),
            cause: state.cause(),
            next_attempt_at: self.shown.next_attempt_at,
            up_since: self.shown.up_since,
            local_port: self.shown.local_port.clone(),
            ping_ms: self.shown.ping.map(in_ms),
            figures: self.chronicle.figures(),
            gateway: self.shown.gateway.clone(),
            gateway_here: self.shown.gateway_here.clone(),
            problem: self.shown.problem.clone(),
            question: self.shown.question.clone(),
        };
        let changed = self.outlets.snapshot.send_if_modified(|shown| {
            let differs = *shown != snapshot;
            if differs {
                shown.clone_from(&snapshot);
            }
            differs
        });
        if changed && self.outlets.transitions.send(snapshot).is_err() {
            tracing::trace!("nobody follows the transitions");
        }
    }
}
