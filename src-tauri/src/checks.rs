//! "Check my server" behind the controller's port.

use crate::{
    access::KeychainAccess,
    controller::{CheckPort, ports::CheckNews, problems::user_action},
    home_server::{Current, CurrentServer},
    surroundings::Surroundings,
    view_model::{CheckStatus, CheckStepId, CheckStepView},
};
use gateway_core::{
    check::{self, Check, CheckRoute, StepId, StepResult, StepStatus},
    config::{GatewayUrl, Profile, RunsWhere},
    connection::direct::Dialer,
    tunnel::{SignInMemory, TunnelError},
};
use tokio::sync::mpsc;

/// Nine steps, each begun and ended, a request to pair, and the end; the controller reads them at once.
const NEWS: usize = 32;

/// Runs checks with what the app is set up with.
#[derive(Debug)]
pub struct Checks {
    surroundings: Surroundings,
    current: CurrentServer,
}

impl Checks {
    /// Returns the checks of this installation, which sign in with what was answered for the connection.
    pub fn new(surroundings: Surroundings, current: CurrentServer) -> Self {
        Self {
            surroundings,
            current,
        }
    }
}

impl CheckPort for Checks {
    fn run(&self, profile: Profile) -> mpsc::Receiver<CheckNews> {
        let (news, reader) = mpsc::channel(NEWS);
        let surroundings = self.surroundings.clone();
        let current = self.current.get().ok();
        drop(tokio::spawn(async move {
            tokio::select! {
                () = news.closed() => tracing::debug!("a check was stopped"),
                () = run(&surroundings, current.as_ref(), &profile, &news) => {}
            }
        }));
        reader
    }
}

async fn run(
    surroundings: &Surroundings,
    current: Option<&Current>,
    profile: &Profile,
    news: &mpsc::Sender<CheckNews>,
) {
    let access = KeychainAccess::new(surroundings.clone(), profile.clone());
    let mut memory = match (current, surroundings.plan(profile)) {
        (Some(current), Ok(plan)) => current.server.answered_so_far(&plan, &access).await,
        (Some(_) | None, _) => SignInMemory::default(),
    };
    let check = Check {
        route: match profile.runs {
            RunsWhere::AnotherComputer if profile.is_direct() => {
                let settled = profile.direct();
                CheckRoute::Direct(settled.map(|(url, pin)| Box::new(Dialer::new(url, pin))))
            }
            RunsWhere::AnotherComputer => CheckRoute::Ssh {
                server: surroundings
                    .plan(profile)
                    .map_err(TunnelError::from)
                    .and_then(|plan| plan.tunnel())
                    .map(Box::new),
                gateway_port: profile.remote_port,
            },
            RunsWhere::ThisComputer | RunsWhere::NotConfigured => {
                let url = GatewayUrl::loopback(profile.local_port);
                CheckRoute::Direct(Ok(Box::new(Dialer::new(url, None))))
            }
        },
        hello: access.hello_beside().await,
    };
    tell(news, running(StepId::Address));
    let mut on_step = |step: &StepResult| {
        tell(news, view(step));
        if let Some(request) = &step.pairing_request {
            tell_all(news, CheckNews::PairingRequired(request.clone()));
        }
        let next = StepId::ALL.into_iter().find(|id| *id > step.id);
        if let (Some(next), StepStatus::Ok | StepStatus::NotNeeded | StepStatus::Degraded) =
            (next, step.status)
        {
            tell(news, running(next));
        }
    };
    let report = check::run(check, &mut memory, &mut on_step).await;
    tell_all(news, CheckNews::Finished { ok: report.ok });
}

fn tell(news: &mpsc::Sender<CheckNews>, step: CheckStepView) {
    tell_all(news, CheckNews::Step(step));
}

/// Nobody listens any more once the check has been stopped.
fn tell_all(news: &mpsc::Sender<CheckNews>, told: CheckNews) {
    if let Err(refused) = news.try_send(told) {
        tracing::debug!(%refused, "a step was not shown");
    }
}

fn running(id: StepId) -> CheckStepView {
    CheckStepView {
        status: CheckStatus::Running,
        ..CheckStepView::pending(step_id(id))
    }
}

fn view(step: &StepResult) -> CheckStepView {
    CheckStepView {
        id: step_id(step.id),
        status: match step.status {
            StepStatus::Ok => CheckStatus::Ok,
            StepStatus::Degraded => CheckStatus::Degraded,
            StepStatus::Failed => CheckStatus::Failed,
            StepStatus::NeedsUser => CheckStatus::NeedsUser,
            StepStatus::NotReached => CheckStatus::NotReached,
            StepStatus::NotNeeded => CheckStatus::NotNeeded,
        },
        ms: step.ms,
        summary: step.summary.clone(),
        finding: step.finding.clone(),
        action: step.action.map(user_action),
    }
}

fn step_id(id: StepId) -> CheckStepId {
    match id {
        StepId::Address => CheckStepId::Address,
        StepId::Resolve => CheckStepId::Resolve,
        StepId::Tcp => CheckStepId::Tcp,
        StepId::HostKey => CheckStepId::HostKey,
        StepId::Login => CheckStepId::Login,
        StepId::Forward => CheckStepId::Forward,
        StepId::Gateway => CheckStepId::Gateway,
        StepId::Access => CheckStepId::Access,
        StepId::Health => CheckStepId::Health,
    }
}
