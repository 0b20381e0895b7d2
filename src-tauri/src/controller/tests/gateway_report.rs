//! What the gateway says of itself: asked for while somebody looks, heard of otherwise.

use super::{fakes::Fakes, *};
use gateway_core::gateway_health::HealthState;

fn told(health: serde_json::Value) -> GatewayEvent<Event> {
    let health = serde_json::from_value(health).unwrap();
    GatewayEvent::Event(Event::Health(Box::new(health)))
}

async fn state_is(fakes: &mut Fakes, wanted: HealthState) {
    fakes
        .desktop
        .gateway_report_where(|view| {
            view.as_ref()
                .is_some_and(|view| view.health.state == wanted)
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn with_the_window_open_it_is_asked_for_at_once_and_every_minute() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    gateway.says_of_its_health(json!({"ok": true}));

    fakes.gateway_tells(GatewayEvent::SessionUp);
    state_is(&mut fakes, HealthState::Well).await;
    assert_eq!(gateway.times_asked_for_report(), 1);

    gateway.says_of_its_health(json!({"ok": false}));
    let asked = Instant::now();
    sleep(Duration::from_secs(61)).await;
    state_is(&mut fakes, HealthState::Degraded).await;
    assert_eq!(gateway.times_asked_for_report(), 2);
    assert!(asked.elapsed() < Duration::from_secs(62));
}

#[tokio::test(start_paused = true)]
async fn news_of_the_gateway_is_a_reason_to_ask_once_for_all_of_a_burst() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    fakes.gateway_tells(GatewayEvent::SessionUp);
    state_is(&mut fakes, HealthState::Well).await;

    gateway.says_of_its_health(json!({"ok": false}));
    for _ in 0..5 {
        fakes.gateway_tells(told(json!({"ok": true})));
    }

    state_is(&mut fakes, HealthState::Degraded).await;
    assert_eq!(gateway.times_asked_for_report(), 2);
}

#[tokio::test(start_paused = true)]
async fn in_the_tray_what_is_told_is_kept_and_nothing_is_asked() {
    let mut fakes = Fakes::hidden();
    fakes.tell(Request::TrayHost(true));
    let gateway = fakes.session_is_up();
    fakes.gateway_tells(GatewayEvent::SessionUp);
    sleep(Duration::from_secs(1)).await;
    let before = gateway.times_asked_for_report();

    for _ in 0..10 {
        fakes.gateway_tells(told(json!({"ok": false})));
        sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(gateway.times_asked_for_report(), before);

    fakes.tell(Request::ResendAll);
    state_is(&mut fakes, HealthState::Degraded).await;
}

#[tokio::test(start_paused = true)]
async fn another_gateway_does_not_inherit_what_one_said() {
    let mut fakes = Fakes::start();
    fakes.session_is_up();
    fakes.gateway_tells(GatewayEvent::SessionUp);
    state_is(&mut fakes, HealthState::Well).await;

    let saved = fakes
        .ask(|reply| Request::SaveSettings {
            form: SettingsForm {
                address: "me@elsewhere".to_owned(),
                ..form()
            },
            reply,
        })
        .await;

    assert!(saved.is_ok());
    fakes.desktop.gateway_report_where(Option::is_none).await;
}
