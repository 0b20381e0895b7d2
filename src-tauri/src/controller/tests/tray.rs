//! What the tray's rows do, and that what it says does not grow old.

use super::{fakes::Fakes, *};
use crate::tray::MenuItem;
use gateway_core::connection::route::LocalPort;

fn up() -> Snapshot {
    Snapshot {
        phase: Phase::Up,
        local_port: Some(LocalPort {
            port: 18_809,
            wanted: None,
            holder: None,
            beside: Vec::new(),
        }),
        ..Snapshot::off("me@home".to_owned())
    }
}

fn says(tray: &Tray, wanted: &str) -> bool {
    tray.menu
        .rows
        .iter()
        .any(|row| matches!(row, MenuItem::Text(text) if text.contains(wanted)))
}

#[tokio::test(start_paused = true)]
async fn the_local_address_is_copied_while_there_is_one() {
    let mut fakes = Fakes::start();
    fakes.tell(Request::TrayHost(true));
    fakes.connection_is(up());
    fakes
        .desktop
        .tray_where(|tray| {
            tray.menu
                .rows
                .contains(&MenuItem::Action(MenuAction::CopyLocalAddress))
        })
        .await;

    fakes.tell(Request::MenuClicked(MenuAction::CopyLocalAddress));

    assert_eq!(fakes.desktop.copied().await, "ws://127.0.0.1:18809");
}

#[tokio::test(start_paused = true)]
async fn the_folders_of_logs_and_settings_are_shown() {
    let mut fakes = Fakes::start();

    fakes.tell(Request::MenuClicked(MenuAction::OpenLogs));
    fakes.tell(Request::MenuClicked(MenuAction::OpenConfig));

    let home = fakes.home().to_owned();
    assert_eq!(fakes.desktop.folder().await, home.join("data").join("logs"));
    assert_eq!(fakes.desktop.folder().await, home.join("config"));
}

#[tokio::test(start_paused = true)]
async fn a_reset_takes_the_connection_down_and_makes_it_anew() {
    let mut fakes = Fakes::start();

    fakes.tell(Request::MenuClicked(MenuAction::ResetTunnel));

    fakes.next_order("Disconnect").await;
    fakes.next_order("Connect").await;
}

#[tokio::test(start_paused = true)]
async fn the_gateways_health_is_in_the_menu_while_it_is_reached() {
    let mut fakes = Fakes::start();
    fakes.tell(Request::TrayHost(true));
    let gateway = fakes.session_is_up();
    gateway.says_of_its_health(json!({"ok": false}));
    fakes.connection_is(up());

    fakes.gateway_tells(GatewayEvent::SessionUp);
    fakes
        .desktop
        .tray_where(|tray| says(tray, "Not quite well · checked"))
        .await;

    fakes.connection_is(Snapshot::off("me@home".to_owned()));
    fakes
        .desktop
        .tray_where(|tray| !says(tray, "checked"))
        .await;
}
