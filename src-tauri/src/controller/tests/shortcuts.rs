//! Keys that work everywhere: asked for as they are set, and what a press does.

use super::{fakes::Fakes, *};
use crate::{
    shortcuts::{Granted, GrantedKeys, ShortcutUse},
    view_model::{ShortcutKind, ShortcutProblem},
};
use ::voice::{lifecycle::Input, station};

fn press(what: ShortcutUse, down: bool) -> Request {
    Request::KeysPressed { what, down }
}

async fn sets(fakes: &mut Fakes, kind: ShortcutKind, keys: &str) -> Result<(), UiError> {
    let keys = keys.to_owned();
    fakes
        .ask(|reply| Request::SetShortcut { kind, keys, reply })
        .await
}

#[tokio::test(start_paused = true)]
async fn what_is_set_is_asked_for_and_kept() {
    let mut fakes = Fakes::start();
    let at_first = fakes.desktop.keys().await;
    assert_eq!(at_first.quick_chat, "Ctrl+Alt+Space".parse().ok());

    sets(&mut fakes, ShortcutKind::QuickChat, "super+f7")
        .await
        .unwrap();

    assert_eq!(
        fakes.desktop.keys().await.quick_chat,
        "Super+F7".parse().ok()
    );
    let shown = fakes
        .desktop
        .settings_where(|view| view.shortcuts.quick_chat.keys == "Super+F7")
        .await;
    assert!(shown.shortcuts.possible);

    sets(&mut fakes, ShortcutKind::QuickChat, " ")
        .await
        .unwrap();

    assert_eq!(fakes.desktop.keys().await.quick_chat, None);
}

#[tokio::test(start_paused = true)]
async fn keys_for_writing_and_keys_that_are_used_are_refused() {
    let mut fakes = Fakes::start();

    let for_writing = sets(&mut fakes, ShortcutKind::PushToTalk, "t").await;
    assert_eq!(for_writing.unwrap_err().code, "noShortcut");

    let twice = sets(&mut fakes, ShortcutKind::PushToTalk, "Alt+Ctrl+Space").await;
    assert_eq!(twice.unwrap_err().code, "shortcutTwice");
}

#[tokio::test(start_paused = true)]
async fn keys_that_another_program_has_are_told() {
    let mut fakes = Fakes::start();
    let mut granted = GrantedKeys::default();
    granted.note(ShortcutUse::QuickChat, Granted::Taken);

    fakes.tell(Request::KeysGranted(granted));

    let shown = fakes
        .desktop
        .settings_where(|view| view.shortcuts.quick_chat.problem.is_some())
        .await;
    assert_eq!(
        shown.shortcuts.quick_chat.problem,
        Some(ShortcutProblem::Taken)
    );

    fakes.tell(Request::KeysGranted(GrantedKeys::all(Granted::Impossible)));

    fakes
        .desktop
        .settings_where(|view| !view.shortcuts.possible)
        .await;
}

#[tokio::test(start_paused = true)]
async fn its_keys_bring_quick_chat_and_take_it_away_where_it_has_the_keyboard() {
    let mut fakes = Fakes::hidden();
    fakes.tell(Request::TrayHost(true));
    fakes.desktop.tray().await;

    fakes.tell(press(ShortcutUse::QuickChat, true));
    fakes.tell(press(ShortcutUse::QuickChat, false));
    assert!(fakes.desktop.quick_chat().await);

    // Behind another window it is brought to the front.
    fakes.tell(press(ShortcutUse::QuickChat, true));
    assert!(fakes.desktop.quick_chat().await);

    fakes.tell(Request::QuickChatFocused(true));
    fakes.tell(press(ShortcutUse::QuickChat, true));
    assert!(!fakes.desktop.quick_chat().await);
}

#[tokio::test(start_paused = true)]
async fn push_to_talks_keys_are_asked_for_while_it_is_on_and_held_for_talking() {
    let mut fakes = Fakes::with_settings(
        "{ voicePushToTalk: true, pushToTalkShortcut: 'F9', quickChatShortcut: '' }",
    );
    assert_eq!(fakes.desktop.keys().await.push_to_talk, "F9".parse().ok());

    fakes.tell(press(ShortcutUse::PushToTalk, true));
    while fakes.voice.station().await != station::Order::Input(Input::KeyDown) {}
    fakes.tell(press(ShortcutUse::PushToTalk, false));
    while fakes.voice.station().await != station::Order::Input(Input::KeyUp) {}

    let mut off = Fakes::with_settings("{ pushToTalkShortcut: 'F9' }");
    assert_eq!(off.desktop.keys().await.push_to_talk, None);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_takes_the_keyboard_from_quick_chat_before_it_is_told_takes_it_away_all_the_same()
 {
    let mut fakes = Fakes::hidden();
    fakes.tell(Request::TrayHost(true));
    fakes.desktop.tray().await;
    fakes.tell(press(ShortcutUse::QuickChat, true));
    assert!(fakes.desktop.quick_chat().await);
    fakes.tell(Request::QuickChatFocused(true));

    fakes.tell(Request::QuickChatFocused(false));
    fakes.tell(press(ShortcutUse::QuickChat, true));
    assert!(!fakes.desktop.quick_chat().await);
}
