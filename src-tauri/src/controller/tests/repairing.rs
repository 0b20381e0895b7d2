//! A repair is shown before it is done, and only what was shown is done; what it came to is the check's to say.

use super::fakes::{Asked, Fakes, gateway_log};
use super::*;
use crate::{
    controller::ports::RepairNews,
    view_model::{CheckStepId, CheckStepView, LogView, RepairKind, RepairStep, RepairView},
};
use gateway_core::{
    connection::{phase::Cause, problem::Problem},
    home_server::{gateway_service::Repair, repair::Stage},
    protocol::PairingRequestId,
};
use tokio::sync::watch;

const REQUEST: &str = "cf7f2adb-5db9-4a62-996c-de43c3430a77";
const LATER: &str = "501c3e0f-6eec-4248-8af5-540e71263bc3";

async fn shown(fakes: &mut Fakes, step: RepairStep) -> RepairView {
    let is_it = |view: &Option<RepairView>| view.as_ref().is_some_and(|view| view.step == step);
    fakes.desktop.repair_where(is_it).await.unwrap()
}

fn asks(fakes: &Fakes, request: RepairRequest) {
    fakes.tell(Request::Repair(request));
}

async fn begun(fakes: &mut Fakes, kind: RepairKind) -> (Repair, watch::Sender<RepairNews>) {
    asks(fakes, RepairRequest::Offer(kind));
    shown(fakes, RepairStep::Offered).await;
    asks(fakes, RepairRequest::Run);
    let Asked::Repair(repair, news) = fakes.asked_of_home_server().await else {
        panic!("something else is asked");
    };
    (repair, news)
}

fn comes_to(news: &watch::Sender<RepairNews>, stage: Stage) {
    news.send_modify(|news| {
        news.progress.stage = stage;
        news.progress.command = Some("openclaw gateway start".to_owned());
    });
}

fn ends(news: &watch::Sender<RepairNews>, how: Result<(), UiError>) {
    news.send_modify(|news| news.ended = Some(how));
}

fn refused(request: &str) -> Snapshot {
    let problem = Problem {
        pairing_request: Some(PairingRequestId::from(request)),
        ..Problem::without_action("pairingRequired", "Not yet.")
    };
    Snapshot {
        phase: Phase::Paused,
        cause: Some(Cause::Pairing),
        problem: Some(problem),
        ..Snapshot::off("me@home".to_owned())
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_offered_is_not_run_until_somebody_says_so() {
    let mut fakes = Fakes::start();

    asks(&fakes, RepairRequest::Offer(RepairKind::StartGateway));
    let view = shown(&mut fakes, RepairStep::Offered).await;
    assert_eq!(view.commands[0], "openclaw gateway start");
    assert_eq!((view.command, view.since_ms), (None, None));
    asks(&fakes, RepairRequest::Stop);
    fakes.desktop.repair_where(Option::is_none).await;
    asks(&fakes, RepairRequest::Run);
    asks(&fakes, RepairRequest::Offer(RepairKind::RestartGateway));

    shown(&mut fakes, RepairStep::Offered).await;
    assert!(fakes.home_server_is_left_alone());
}

#[tokio::test(start_paused = true)]
async fn it_is_followed_to_its_end_and_the_check_is_run_after_it() {
    let mut fakes = Fakes::start();
    let (repair, news) = begun(&mut fakes, RepairKind::StartGateway).await;
    assert_eq!(repair, Repair::StartGateway);

    // A second click does nothing, and nothing else is offered meanwhile.
    asks(&fakes, RepairRequest::Run);
    asks(&fakes, RepairRequest::Offer(RepairKind::RestartGateway));
    comes_to(&news, Stage::Running);
    let view = shown(&mut fakes, RepairStep::Running).await;
    assert_eq!(view.kind, RepairKind::StartGateway);
    assert_eq!(view.command.as_deref(), Some("openclaw gateway start"));
    comes_to(&news, Stage::Waiting);
    shown(&mut fakes, RepairStep::Waiting).await;
    ends(&news, Ok(()));
    shown(&mut fakes, RepairStep::Checking).await;
    assert!(fakes.home_server_is_left_alone());

    let check = fakes.next_check().await;
    check.send(CheckNews::Finished { ok: true }).await.unwrap();
    let view = shown(&mut fakes, RepairStep::Done).await;
    assert_eq!(view.problem, None);
}

#[tokio::test(start_paused = true)]
async fn why_it_was_not_done_is_shown_and_it_can_be_offered_again() {
    let mut fakes = Fakes::start();
    let (_, news) = begun(&mut fakes, RepairKind::RestartGateway).await;
    let failed = UiError {
        code: "serverCommandFailed".to_owned(),
        message: "It failed.".to_owned(),
        action: None,
    };
    comes_to(&news, Stage::Running);
    ends(&news, Err(failed.clone()));
    let view = shown(&mut fakes, RepairStep::Failed).await;
    assert_eq!(view.problem, Some(failed));
    // What came last with it is not lost.
    assert_eq!(view.command.as_deref(), Some("openclaw gateway start"));
    drop(news);

    begun(&mut fakes, RepairKind::RestartGateway).await;
}

#[tokio::test(start_paused = true)]
async fn stopping_it_lets_go_of_what_runs() {
    let mut fakes = Fakes::start();
    let (_, news) = begun(&mut fakes, RepairKind::StartGateway).await;
    comes_to(&news, Stage::Running);
    shown(&mut fakes, RepairStep::Running).await;

    asks(&fakes, RepairRequest::Stop);

    let view = shown(&mut fakes, RepairStep::Failed).await;
    assert_eq!(view.problem.unwrap().code, "repairStopped");
    news.closed().await;
    // The second time it is put away.
    asks(&fakes, RepairRequest::Stop);
    fakes.desktop.repair_where(Option::is_none).await;
}

#[tokio::test(start_paused = true)]
async fn the_request_that_was_named_last_is_the_one_that_is_approved() {
    let mut fakes = Fakes::start();
    asks(&fakes, RepairRequest::Offer(RepairKind::ApproveDevice));
    let view = shown(&mut fakes, RepairStep::Failed).await;
    assert_eq!(view.problem.unwrap().code, "nothingToApprove");

    fakes.connection_is(refused(REQUEST));
    fakes
        .desktop
        .connection_where(|view| view.phase == Phase::Paused)
        .await;
    asks(&fakes, RepairRequest::Offer(RepairKind::ApproveDevice));
    let view = shown(&mut fakes, RepairStep::Offered).await;
    assert_eq!(
        view.commands[0],
        format!("openclaw devices approve {REQUEST}")
    );

    fakes.tell(Request::RunCheck);
    let check = fakes.next_check().await;
    let id = PairingRequestId::from(LATER);
    check.send(CheckNews::PairingRequired(id)).await.unwrap();
    let step = CheckStepView::pending(CheckStepId::Access);
    check.send(CheckNews::Step(step)).await.unwrap();
    check.send(CheckNews::Finished { ok: false }).await.unwrap();
    while fakes.desktop.check().await.ok != Some(false) {}
    asks(&fakes, RepairRequest::Offer(RepairKind::ApproveDevice));
    let later = format!("openclaw devices approve {LATER}");
    let is_later =
        |view: &Option<RepairView>| view.as_ref().is_some_and(|view| view.commands[0] == later);
    fakes.desktop.repair_where(is_later).await;
}

#[tokio::test(start_paused = true)]
async fn the_log_comes_over_the_gateway_while_there_is_one() {
    let mut fakes = Fakes::start();
    let of_files = LogView {
        file: "elsewhere".to_owned(),
        ..gateway_log()
    };
    let (reply, told) = oneshot::channel();
    fakes.tell(Request::GatewayLog { reply });
    let Asked::Log(answer) = fakes.asked_of_home_server().await else {
        panic!("something else is asked");
    };
    answer.send(Ok(of_files.clone())).unwrap();
    assert_eq!(told.await.unwrap(), Ok(of_files));

    fakes.session_is_up();
    let told = fakes.ask(|reply| Request::GatewayLog { reply }).await;
    assert_eq!(told, Ok(gateway_log()));
    assert!(fakes.home_server_is_left_alone());
}
