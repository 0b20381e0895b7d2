//! Devices and nodes that want in: shown with window and tray until somebody decides.

use super::{fakes::Fakes, *};
use crate::view_model::{AgentRequestsView, PairingKind};
use gateway_core::client::CallError;

fn phone() -> serde_json::Value {
    json!({
        "requestId": "r1", "deviceId": "23be7decaafdf510caab", "displayName": "phone",
        "platform": "android", "remoteIp": "192.0.2.7", "scopes": ["operator.read"], "ts": 5,
    })
}

fn studio() -> serde_json::Value {
    json!({"requestId": "r2", "nodeId": "813933a87a38171c", "commands": ["system.run"]})
}

async fn decide(
    fakes: &mut Fakes,
    id: &str,
    kind: PairingKind,
    approve: bool,
) -> Result<(), UiError> {
    fakes
        .ask(|reply| Request::DecidePairing {
            id: id.to_owned(),
            kind,
            approve,
            as_admin: false,
            reply,
        })
        .await
}

async fn waiting(fakes: &mut Fakes, count: usize) -> AgentRequestsView {
    fakes
        .desktop
        .agent_requests_where(|view| view.pairings.len() == count)
        .await
}

#[tokio::test(start_paused = true)]
async fn who_wants_in_is_shown_with_all_that_is_known_and_stays_until_somebody_decides() {
    let mut fakes = Fakes::start();
    fakes.tell(Request::TrayHost(true));
    let gateway = fakes.session_is_up();
    gateway.lists_who_wants_in(json!([phone()]), json!([studio()]));
    fakes.gateway_tells(GatewayEvent::SessionUp);

    let view = waiting(&mut fakes, 2).await;
    let [device, node] = &view.pairings[..] else {
        panic!("{view:?}");
    };
    assert_eq!(
        (device.kind, device.name.as_deref(), &*device.fingerprint),
        (PairingKind::Device, Some("phone"), "23be7decaafd")
    );
    assert_eq!(device.address.as_deref(), Some("192.0.2.7"));
    assert_eq!(device.asks_for, ["operator.read"]);
    assert_eq!((node.kind, node.name.as_deref()), (PairingKind::Node, None));
    assert_eq!(node.asks_for, ["system.run"]);
    fakes
        .desktop
        .tray_where(|tray| tray.tooltip.contains("2 requests wait"))
        .await;

    gateway.lists_who_wants_in(json!([]), json!([studio()]));
    assert_eq!(
        decide(&mut fakes, "r1", PairingKind::Device, true).await,
        Ok(())
    );
    waiting(&mut fakes, 1).await;
    gateway.lists_who_wants_in(json!([]), json!([]));
    assert_eq!(
        decide(&mut fakes, "r2", PairingKind::Node, false).await,
        Ok(())
    );
    waiting(&mut fakes, 0).await;
    assert_eq!(gateway.decided(), ["r1: Device true", "r2: Node false"]);
}

#[tokio::test(start_paused = true)]
async fn what_only_an_administrator_may_do_is_said_and_the_request_stays() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    gateway.lists_who_wants_in(json!([]), json!([studio()]));
    fakes.gateway_tells(GatewayEvent::SessionUp);
    waiting(&mut fakes, 1).await;
    gateway.refuses_the_next_decision(CallError::Refused {
        method: "node.pair.approve".to_owned(),
        error: serde_json::from_value(
            json!({"code": "FORBIDDEN", "message": "missing scope: operator.admin"}),
        )
        .unwrap(),
    });

    let refused = decide(&mut fakes, "r2", PairingKind::Node, true)
        .await
        .unwrap_err();

    assert_eq!(refused.code, "needsAdministrator");
    fakes.tell(Request::ResendAll);
    waiting(&mut fakes, 1).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_was_decided_elsewhere_goes_with_the_list() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    gateway.lists_who_wants_in(json!([phone()]), json!([]));
    fakes.gateway_tells(GatewayEvent::SessionUp);
    waiting(&mut fakes, 1).await;
    gateway.lists_who_wants_in(json!([]), json!([]));
    gateway.refuses_the_next_decision(CallError::Refused {
        method: "device.pair.approve".to_owned(),
        error: serde_json::from_value(
            json!({"code": "INVALID_REQUEST", "message": "unknown requestId"}),
        )
        .unwrap(),
    });

    assert!(
        decide(&mut fakes, "r1", PairingKind::Device, true)
            .await
            .is_err()
    );
    waiting(&mut fakes, 0).await;
}

async fn allow_as_administrator(fakes: &mut Fakes) -> Result<(), UiError> {
    fakes
        .ask(|reply| Request::DecidePairing {
            id: "r2".to_owned(),
            kind: PairingKind::Node,
            approve: true,
            as_admin: true,
            reply,
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn what_needs_an_administrator_is_done_by_a_session_of_its_own_which_ends_with_it() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    gateway.lists_who_wants_in(json!([]), json!([studio()]));
    fakes.gateway_tells(GatewayEvent::SessionUp);
    waiting(&mut fakes, 1).await;
    let administrator = fakes.administrator_is_let_in();
    gateway.lists_who_wants_in(json!([]), json!([]));

    assert_eq!(allow_as_administrator(&mut fakes).await, Ok(()));

    waiting(&mut fakes, 0).await;
    let done = administrator.upgrade();
    assert!(done.is_none(), "the session outlived what it was for");
    assert_eq!(fakes.done_as_administrator(), ["r2: Node true"]);
    assert!(
        gateway.decided().is_empty(),
        "the app's own session was used"
    );
}

#[tokio::test(start_paused = true)]
async fn rights_that_are_not_given_are_said_and_the_request_stays() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    gateway.lists_who_wants_in(json!([]), json!([studio()]));
    fakes.gateway_tells(GatewayEvent::SessionUp);
    waiting(&mut fakes, 1).await;

    let refused = allow_as_administrator(&mut fakes).await.unwrap_err();

    assert_eq!(refused.code, "administratorRefused");
    fakes.tell(Request::ResendAll);
    waiting(&mut fakes, 1).await;
}
