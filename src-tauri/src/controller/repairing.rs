//! What is done on the home server by a command: shown first, run when a person says so, checked after.

use super::{Controller, Next, Order, RepairRequest, Reply, now_ms, ports::RepairNews, respond};
use super::{Outcome, problems::call_error};
use crate::{
    events::WindowEvent,
    view_model::{LogView, RepairKind, RepairStep, RepairView, UiError},
};
use futures_util::FutureExt as _;
use gateway_core::{
    connection::phase::Phase,
    home_server::{
        gateway_service::{ApprovableRequest, Repair},
        repair::Stage,
    },
    protocol::PairingRequestId,
};
use std::time::Duration;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// How often news of what runs are shown, at most.
const BETWEEN_NEWS: Duration = Duration::from_millis(100);

/// What is known and shown of it.
#[derive(Debug)]
pub(super) struct Repairing {
    view: Option<RepairView>,
    /// What the shown commands do.
    repair: Option<Repair>,
    run: Option<watch::Receiver<RepairNews>>,
    /// When the next news of it are taken.
    not_before: Instant,
    /// The request that the gateway named last when it wanted this device approved, and the one before it
    /// that the connection named.
    pairing: Option<PairingRequestId>,
    named_by_connection: Option<PairingRequestId>,
}

impl Default for Repairing {
    fn default() -> Self {
        Self {
            view: None,
            repair: None,
            run: None,
            not_before: Instant::now(),
            pairing: None,
            named_by_connection: None,
        }
    }
}

impl Repairing {
    /// Notes which request a refusal named. A later one replaces it at the gateway, too.
    pub(super) fn pairing_required(&mut self, request: PairingRequestId) {
        self.pairing = Some(request);
    }

    /// Waits for news of what runs, for ever while nothing does; `None` when it went away.
    pub(super) async fn next(&mut self) -> Option<RepairNews> {
        match &mut self.run {
            Some(run) => {
                // A command may print faster than anybody reads.
                sleep_until(self.not_before).await;
                let news = match run.changed().await {
                    Ok(()) => Some(run.borrow_and_update().clone()),
                    Err(_) => None,
                };
                self.not_before = Instant::now() + BETWEEN_NEWS;
                news
            }
            None => std::future::pending().await,
        }
    }

    fn offer(&mut self, kind: RepairKind, server: String) {
        let repair = match kind {
            RepairKind::StartGateway => Some(Repair::StartGateway),
            RepairKind::RestartGateway => Some(Repair::RestartGateway),
            RepairKind::ApproveDevice => {
                let request = self.pairing.as_ref().and_then(ApprovableRequest::new);
                request.map(Repair::ApproveDevice)
            }
        };
        let commands = repair.iter().flat_map(Repair::commands);
        let commands: Vec<String> = commands.map(|command| command.to_string()).collect();
        let (step, problem) = match commands.is_empty() {
            false => (RepairStep::Offered, None),
            true => (RepairStep::Failed, Some(nothing_to_approve())),
        };
        self.repair = repair;
        self.view = Some(RepairView {
            kind,
            step,
            server,
            commands,
            command: None,
            output: String::new(),
            since_ms: None,
            problem,
        });
    }
}

impl Controller {
    pub(super) fn repair_asked(&mut self, request: RepairRequest) {
        match request {
            RepairRequest::Offer(kind) => {
                // What runs is shown until it has ended.
                if self.repairing.run.is_none() {
                    self.repairing.offer(kind, self.settings.server_name());
                }
            }
            RepairRequest::Run => self.run_repair(),
            RepairRequest::Stop => {
                // Dropping the receiver stops what runs.
                let was_running = self.repairing.run.take().is_some();
                match &mut self.repairing.view {
                    Some(view) if was_running => {
                        view.step = RepairStep::Failed;
                        view.since_ms = None;
                        view.problem = Some(was_stopped());
                    }
                    Some(_) | None => self.repairing.view = None,
                }
            }
        }
        self.send_repair();
    }

    fn run_repair(&mut self) {
        let repairing = &mut self.repairing;
        let (Some(view), Some(repair)) = (&mut repairing.view, &repairing.repair) else {
            return;
        };
        if view.step != RepairStep::Offered {
            return;
        }
        view.step = RepairStep::SigningIn;
        view.since_ms = Some(now_ms());
        repairing.run = Some(self.home_server.repair(repair.clone()));
    }

    pub(super) fn repair_news(&mut self, news: Option<RepairNews>) -> Next {
        let Some(view) = &mut self.repairing.view else {
            self.repairing.run = None;
            return Next::Continue;
        };
        let Some(RepairNews { progress, ended }) = news else {
            self.repair_failed(was_stopped());
            return Next::Continue;
        };
        view.step = match progress.stage {
            Stage::Asking => RepairStep::SigningIn,
            Stage::Running => RepairStep::Running,
            Stage::Waiting => RepairStep::Waiting,
        };
        view.command = progress.command;
        view.output = progress.output.text();
        match ended {
            None => self.send_repair(),
            Some(Err(problem)) => self.repair_failed(problem),
            Some(Ok(())) => self.repair_did_well(),
        }
        Next::Continue
    }

    /// What was done is followed by the check, which says whether it helped.
    fn repair_did_well(&mut self) {
        self.repairing.run = None;
        if let Some(view) = &mut self.repairing.view {
            view.step = RepairStep::Checking;
        }
        // Who has disconnected stays so.
        if self.connection.snapshots.borrow().phase != Phase::Off {
            self.order(Order::ReconnectNow);
        }
        // One that runs began before it was mended.
        self.check_run = None;
        self.run_check();
        self.send_repair();
    }

    fn repair_failed(&mut self, problem: UiError) {
        self.repairing.run = None;
        if let Some(view) = &mut self.repairing.view {
            view.step = RepairStep::Failed;
            view.since_ms = None;
            view.problem = Some(problem);
        }
        self.send_repair();
    }

    /// What it came to is known once the check that follows has ended.
    pub(super) fn repair_may_be_done(&mut self) {
        let is_checking = self.check_run.is_some();
        if let Some(view) = &mut self.repairing.view
            && view.step == RepairStep::Checking
            && !is_checking
        {
            view.step = RepairStep::Done;
            view.since_ms = None;
            self.send_repair();
        }
    }

    /// Notes which request the connection's own refusal named, once for each.
    pub(super) fn note_pairing_request(&mut self) {
        let snapshot = self.connection.snapshots.borrow();
        let problem = snapshot.problem.as_ref();
        let named = problem.and_then(|problem| problem.pairing_request.clone());
        drop(snapshot);
        if self.repairing.named_by_connection != named {
            self.repairing.named_by_connection.clone_from(&named);
            self.repairing.pairing = named.or(self.repairing.pairing.take());
        }
    }

    /// Another server has nothing to do with it.
    pub(super) fn forget_repair(&mut self) {
        self.repairing = Repairing::default();
        self.send_repair();
    }

    pub(super) fn send_repair(&self) {
        self.desktop
            .send(WindowEvent::Repair(self.repairing.view.clone()));
    }

    /// Reads the gateway's log: over the gateway while there is a session, else in its files.
    pub(super) fn read_log(&mut self, reply: Reply<LogView, UiError>) {
        let reading = match self.session() {
            Some(gateway) => {
                let told = gateway.log();
                async move { told.await.map_err(|error| call_error(&error)) }.boxed()
            }
            None => self.home_server.log(),
        };
        self.work.spawn(async move {
            respond(reply, reading.await);
            Outcome::Nothing
        });
    }
}

fn nothing_to_approve() -> UiError {
    UiError {
        code: "nothingToApprove".to_owned(),
        message: "The gateway has named no request of this device that could be approved. Try to \
                  connect again."
            .to_owned(),
        action: None,
    }
}

fn was_stopped() -> UiError {
    UiError {
        code: "repairStopped".to_owned(),
        message: "It was stopped. What had been done by then stays done.".to_owned(),
        action: None,
    }
}
