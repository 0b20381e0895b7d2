//! The small window: shown from the tray, told what it draws, gone when it is left, and leading to the main one.

use super::{fakes::Fakes, *};

#[tokio::test(start_paused = true)]
async fn the_tray_shows_the_small_window_which_somebody_watches() {
    let mut fakes = Fakes::hidden();
    fakes.tell(Request::TrayHost(true));
    fakes.desktop.tray().await;

    fakes.tell(Request::MenuClicked(MenuAction::QuickChat));
    assert!(fakes.desktop.quick_chat().await);
    fakes.next_order("SetWatched(true)").await;

    fakes.tell(Request::SmallWindowClosed(SmallWindow::QuickChat));
    assert!(!fakes.desktop.quick_chat().await);
    fakes.next_order("SetWatched(false)").await;
}

#[tokio::test(start_paused = true)]
async fn it_leads_to_the_main_window() {
    let mut fakes = Fakes::hidden();
    fakes.tell(Request::TrayHost(true));
    fakes.desktop.tray().await;
    fakes.tell(Request::MenuClicked(MenuAction::QuickChat));
    assert!(fakes.desktop.quick_chat().await);

    fakes.tell(Request::LeaveQuickChat);

    assert!(!fakes.desktop.quick_chat().await);
    fakes.desktop.shows_window().await;
}
