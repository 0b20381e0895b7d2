//! Notifications as the controller comes to them: by its own clock, and never under somebody's eyes.

use super::{fakes::Fakes, *};
use crate::notices::{LOST_AFTER, Topic};
use tokio::time::advance;

const ELSEWHERE: &str =
    "{ profiles: [ { id: 'home', runs: 'anotherComputer', address: 'me@home' } ] }";

fn phase(phase: Phase) -> Snapshot {
    let mut snapshot = Snapshot::off(String::new());
    snapshot.phase = phase;
    snapshot
}

fn ended(run: &str) -> GatewayEvent<Event> {
    chat_event(json!({
        "runId": run, "sessionKey": "agent:main:main", "state": "final",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "canary answer"}]},
    }))
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_told_after_half_a_minute_without_anything_else_happening() {
    let mut fakes = Fakes::with_settings(ELSEWHERE);
    fakes.connection_is(phase(Phase::Up));
    fakes
        .desktop
        .connection_where(|view| view.phase == Phase::Up)
        .await;
    fakes.connection_is(phase(Phase::UpGatewayDown));
    let began = Instant::now();
    fakes
        .desktop
        .connection_where(|view| view.phase == Phase::UpGatewayDown)
        .await;
    advance(LOST_AFTER / 2).await;

    let lost = fakes.desktop.notice().await;

    assert_eq!(lost.topic, Topic::Lost);
    assert_eq!(lost.title, "Not connected to home");
    assert_eq!(began.elapsed().as_secs(), LOST_AFTER.as_secs());
    fakes.connection_is(phase(Phase::Up));
    assert_eq!(fakes.desktop.notice().await.topic, Topic::Restored);
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_told_without_its_text_and_only_when_nobody_looks() {
    let mut fakes = Fakes::with_settings(ELSEWHERE);
    fakes.tell(Request::WindowFocused(true));
    fakes.gateway_tells(ended("one"));
    fakes.desktop.chat().await;
    assert_eq!(fakes.desktop.notices_waiting(), 0);
    fakes.tell(Request::WindowFocused(false));
    fakes.tell(Request::ResendAll);
    fakes.desktop.settings().await;

    fakes.gateway_tells(ended("two"));

    let notice = fakes.desktop.notice().await;
    assert_eq!(notice.topic, Topic::Replies);
    assert!(!format!("{notice:?}").contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_not_told_to_whoever_reads_it_in_quick_chat() {
    let mut fakes = Fakes::with_settings(ELSEWHERE);
    fakes.tell(Request::WindowFocused(false));
    fakes.tell(Request::MenuClicked(MenuAction::QuickChat));
    fakes.tell(Request::QuickChatFocused(true));
    fakes.gateway_tells(ended("one"));
    fakes.desktop.chat().await;
    assert_eq!(fakes.desktop.notices_waiting(), 0);
    fakes.tell(Request::SmallWindowClosed(SmallWindow::QuickChat));
    fakes.tell(Request::ResendAll);
    fakes.desktop.settings().await;

    fakes.gateway_tells(ended("two"));

    assert_eq!(fakes.desktop.notice().await.topic, Topic::Replies);
}

#[tokio::test(start_paused = true)]
async fn a_click_on_a_notification_opens_the_window_at_its_page() {
    let mut fakes = Fakes::hidden();
    fakes.tell(Request::TrayHost(true));
    fakes.desktop.is_ready(false).await;

    fakes.tell(Request::NoticeClicked(Page::Server));

    fakes.desktop.shows_window().await;
    assert_eq!(fakes.desktop.page().await, Page::Server);
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_is_turned_off_is_kept_in_the_file_and_obeyed() {
    let mut fakes = Fakes::with_settings(ELSEWHERE);
    let mut switched = form();
    switched.notifications.needs_you = false;
    let saved = fakes
        .ask(|reply| Request::SaveSettings {
            form: switched,
            reply,
        })
        .await;
    assert_eq!(saved, Ok(()));
    assert!(
        fakes.file().contains("notifyNeedsYou: false"),
        "{}",
        fakes.file()
    );

    let mut paused = phase(Phase::Paused);
    paused.cause = Some(Cause::Token);
    fakes.connection_is(paused);
    fakes
        .desktop
        .connection_where(|view| view.phase == Phase::Paused)
        .await;
    advance(Duration::from_secs(1)).await;

    assert_eq!(fakes.desktop.notices_waiting(), 0);
}
