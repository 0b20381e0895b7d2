//! Voice as window and tray see it: what is wanted of the thread, and what its news become.

use super::{fakes::Fakes, *};
use crate::{
    notices::Topic,
    tray::{MenuItem, Shape},
    view_model::{
        VoiceAct, VoiceForm, VoiceHindrance, VoiceKept, VoiceLook, VoiceModelEdit,
        VoiceOverlayState, VoiceState,
    },
};
use ::voice::{
    engine::Choice,
    lifecycle::{Chime, Input, Kept, Overlay, OverlayState, UtteranceId},
    microphone::MicrophoneError,
    models::Progress,
    station::{self, EngineStatus, MicrophoneStatus, ShownOverlay},
};
use gateway_core::{
    config::voice::VoiceEngine,
    protocol::{RunId, SessionKey},
    voice_forward::Forwarded,
    voice_link::{News, Order as LinkOrder},
};

const WAKE: &str = "{ voiceWake: true, profiles: [ { id: 'home' } ] }";

fn off() -> VoiceForm {
    VoiceForm {
        wake: false,
        push_to_talk: false,
        engine: VoiceEngine::PocketSphinx,
        model: String::new(),
        language: String::new(),
        microphone: String::new(),
        microphone_name: String::new(),
        chimes: true,
    }
}

fn overlay(state: OverlayState) -> Option<ShownOverlay> {
    let waits = matches!(state, OverlayState::Waiting { .. });
    let ends_at = waits.then(|| std::time::Instant::now() + Duration::from_secs(60));
    Some(ShownOverlay {
        overlay: Overlay {
            id: UtteranceId(7),
            text: "turn on the light".to_owned(),
            trigger: Some("computer".to_owned()),
            state,
            behind: 0,
        },
        ends_at,
    })
}

async fn set(fakes: &mut Fakes, form: VoiceForm) -> Result<(), UiError> {
    fakes
        .ask(|reply| Request::Voice(VoiceRequest::Set { form, reply }))
        .await
}

#[tokio::test(start_paused = true)]
async fn it_is_off_until_it_is_turned_on_and_stays_on_after_a_restart() {
    let mut fakes = Fakes::start();
    assert!(!fakes.voice.wanted().await.wake);

    let form = VoiceForm {
        wake: true,
        microphone: "alsa:desk".to_owned(),
        ..off()
    };
    assert_eq!(set(&mut fakes, form).await, Ok(()));

    let wanted = fakes.voice.wanted().await;
    assert!(wanted.wake && !wanted.key);
    assert_eq!(wanted.microphone.as_deref(), Some("alsa:desk"));
    assert_eq!(wanted.engine, Some(Choice::PocketSphinx(None)));
    let file = fakes.file();
    assert!(file.contains("voiceWake: true"), "{file}");
    assert!(Fakes::with_settings(&file).voice.wanted().await.wake);
}

#[tokio::test(start_paused = true)]
async fn without_an_engine_it_says_why_and_cannot_be_turned_on() {
    let mut fakes = Fakes::start();
    fakes.voice.tools.has_no_engine();
    fakes.tell(Request::TrayHost(true));
    fakes.tell(Request::Voice(VoiceRequest::Look(VoiceLook {
        page: true,
        tester: false,
    })));

    let view = fakes.desktop.voice_where(|view| !view.can_listen).await;
    assert!(matches!(
        view.hindrance,
        Some(VoiceHindrance::NoLibrary { .. })
    ));
    assert_eq!(view.state, VoiceState::Off);
    let refused = set(
        &mut fakes,
        VoiceForm {
            wake: true,
            ..off()
        },
    )
    .await;
    assert_eq!(refused.unwrap_err().code, "voiceUnavailable");
    fakes
        .desktop
        .tray_where(|tray| {
            let greyed = |row: &MenuItem| {
                matches!(
                    row,
                    MenuItem::Switch {
                        why_not: Some(_),
                        ..
                    }
                )
            };
            tray.menu.rows.iter().any(greyed)
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_trays_row_switches_it_and_its_icon_says_that_it_listens() {
    let mut fakes = Fakes::start();
    fakes.tell(Request::TrayHost(true));
    fakes.connection_is(Snapshot {
        phase: Phase::Up,
        ..Snapshot::off(String::new())
    });
    fakes.tell(Request::MenuClicked(MenuAction::VoiceWake));
    fakes
        .desktop
        .tray_where(|tray| {
            let on = |row: &MenuItem| matches!(row, MenuItem::Switch { is_on: true, .. });
            tray.menu.rows.iter().any(on)
        })
        .await;

    fakes.voice.shows(|_| ());
    fakes
        .desktop
        .tray_where(|tray| tray.shape == Shape::Listening)
        .await;
    fakes.voice.shows(|shown| shown.capturing = true);
    fakes
        .desktop
        .tray_where(|tray| tray.shape == Shape::Capturing)
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_said_goes_to_the_conversation_that_is_shown() {
    let mut fakes = Fakes::with_settings(WAKE);
    fakes.tell(Request::ResendAll);
    fakes.desktop.voice_where(|_| true).await;
    assert_eq!(
        *fakes.voice.conversation.borrow(),
        None,
        "only the gateway knows which"
    );

    let key = "agent:main:plans".to_owned();
    fakes.tell(Request::ChooseSession { key: key.clone() });

    let wanted = Some(SessionKey::from(key.as_str()));
    let shown = fakes.voice.conversation.wait_for(|shown| *shown == wanted);
    timeout(Duration::from_secs(5), shown)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_is_shown_with_its_text_and_told_when_nobody_looks() {
    let mut fakes = Fakes::with_settings(WAKE);
    fakes.voice.shows(|shown| {
        shown.overlay = overlay(OverlayState::Waiting {
            until: Duration::from_secs(60),
        });
    });
    let waiting = fakes
        .desktop
        .voice_where(|view| view.overlay.is_some())
        .await;
    let waiting = waiting.overlay.unwrap();
    assert_eq!(waiting.state, VoiceOverlayState::Waiting);
    let left = waiting.ends_at_ms.unwrap() - now_ms();
    assert!((50_000.0..=60_000.0).contains(&left), "{left}");
    assert_eq!(fakes.desktop.notices_waiting(), 0);

    fakes
        .voice
        .shows(|shown| shown.overlay = overlay(OverlayState::Kept(Kept::Outage)));
    let kept = fakes
        .desktop
        .voice_where(|view| {
            view.overlay
                .as_ref()
                .is_some_and(|overlay| overlay.ends_at_ms.is_none())
        })
        .await;
    let kept = kept.overlay.unwrap();
    assert_eq!(kept.text, "turn on the light");
    let (why, detail) = (VoiceKept::Outage, None);
    assert_eq!(kept.state, VoiceOverlayState::Kept { why, detail });
    let notice = fakes.desktop.notice().await;
    assert_eq!(notice.topic, Topic::Voice);
    assert!(!format!("{notice:?}").contains("light"));

    fakes.tell(Request::Voice(VoiceRequest::Act(VoiceAct::Retry { id: 7 })));
    while fakes.voice.station().await != station::Order::Input(Input::Retry(UtteranceId(7))) {}
}

#[tokio::test(start_paused = true)]
async fn what_is_said_has_a_small_window_while_the_main_one_has_no_keyboard() {
    let mut fakes = Fakes::with_settings(WAKE);
    let listening = |shown: &mut station::Shown| {
        shown.overlay = overlay(OverlayState::Listening { ends_at: None });
    };
    fakes.voice.shows(listening);
    assert!(fakes.desktop.spoken().await);
    fakes.tell(Request::WindowFocused(true));
    assert!(!fakes.desktop.spoken().await, "the main one shows it");
    fakes.tell(Request::WindowFocused(false));
    assert!(fakes.desktop.spoken().await);

    fakes.voice.shows(|shown| shown.overlay = None);
    assert!(!fakes.desktop.spoken().await, "nothing is said any more");
}

#[tokio::test(start_paused = true)]
async fn put_away_it_stays_away_until_something_else_is_said() {
    let mut fakes = Fakes::with_settings(WAKE);
    let listening = |shown: &mut station::Shown| {
        shown.overlay = overlay(OverlayState::Listening { ends_at: None });
    };
    fakes.voice.shows(listening);
    assert!(fakes.desktop.spoken().await);

    fakes.tell(Request::SmallWindowClosed(SmallWindow::Spoken));
    assert!(!fakes.desktop.spoken().await);
    fakes
        .voice
        .shows(|shown| shown.overlay = overlay(OverlayState::Sending));
    let sending = |view: &VoiceOverlayState| *view == VoiceOverlayState::Sending;
    fakes
        .desktop
        .voice_where(|view| {
            let overlay = view.overlay.as_ref();
            overlay.is_some_and(|overlay| sending(&overlay.state))
        })
        .await;
    assert!(fakes.desktop.spoken_stays());

    fakes.voice.shows(|shown| {
        shown.overlay = overlay(OverlayState::Listening { ends_at: None });
        if let Some(shown) = &mut shown.overlay {
            shown.overlay.id = UtteranceId(8);
        }
    });
    assert!(fakes.desktop.spoken().await);
}

#[tokio::test(start_paused = true)]
async fn its_window_is_told_what_it_draws_and_turns_no_page() {
    let mut fakes = Fakes::with_settings(WAKE);
    fakes
        .voice
        .shows(|shown| shown.overlay = overlay(OverlayState::Sending));
    assert!(fakes.desktop.spoken().await);
    fakes
        .desktop
        .voice_where(|view| view.overlay.is_some())
        .await;

    fakes.tell(Request::ResendSpoken);

    fakes.desktop.settings().await;
    fakes
        .desktop
        .voice_where(|view| view.overlay.is_some())
        .await;
    assert!(fakes.desktop.no_page());
}

#[tokio::test(start_paused = true)]
async fn what_has_arrived_is_shown_in_its_conversation() {
    let mut fakes = Fakes::with_settings(WAKE);
    fakes.voice.tells(News::Sent {
        id: UtteranceId(7),
        key: RunId::from("key"),
        message: "User talked\n\nturn on the light".to_owned(),
        forwarded: Forwarded {
            session_key: SessionKey::from("agent:main:plans"),
            route: None,
        },
    });

    let sent = fakes.desktop.chat().await;

    assert_eq!(sent.session_key, "agent:main:plans");
    let (key, text) = (
        "key".to_owned(),
        "User talked\n\nturn on the light".to_owned(),
    );
    assert_eq!(
        sent.change,
        ChatChange::Queued {
            key,
            text,
            files: Vec::new()
        }
    );
    let key = "key".to_owned();
    assert_eq!(
        fakes.desktop.chat().await.change,
        ChatChange::Accepted { key }
    );
}

#[tokio::test(start_paused = true)]
async fn a_microphone_that_is_gone_is_a_state_with_its_reason() {
    let mut fakes = Fakes::with_settings(WAKE);
    fakes.voice.shows(|shown| {
        shown.listening = false;
        shown.microphone = MicrophoneStatus::Missing(MicrophoneError::Gone("Desk".to_owned()));
    });

    let view = fakes
        .desktop
        .voice_where(|view| view.state == VoiceState::Hindered)
        .await;

    let name = "Desk".to_owned();
    assert_eq!(
        view.hindrance,
        Some(VoiceHindrance::MicrophoneGone { name })
    );
    assert!(view.can_listen, "it can be turned off and on");
}

#[tokio::test(start_paused = true)]
async fn the_tester_and_the_level_end_with_the_window() {
    let mut fakes = Fakes::start();
    fakes.tell(Request::TrayHost(true));
    fakes.tell(Request::Voice(VoiceRequest::Look(VoiceLook {
        page: true,
        tester: true,
    })));
    while fakes.voice.station().await != station::Order::Practise(true) {}
    while fakes.voice.station().await != station::Order::Watch(true) {}
    fakes.voice.tells(News::Level(0.5));
    assert_eq!(fakes.desktop.level().await, 0.5);
    fakes.voice.shows(|shown| {
        shown.testing = true;
        shown.overlay = overlay(OverlayState::Listening { ends_at: None });
    });
    let view = fakes
        .desktop
        .voice_where(|view| {
            let tester = view.tester.as_ref();
            tester.is_some_and(|tester| tester.hears.is_some())
        })
        .await;
    assert_eq!(
        view.overlay, None,
        "nothing that is tried out lies over the window"
    );
    fakes.voice.tells(News::Practised {
        text: "turn on the light".to_owned(),
        trigger: Some("computer".to_owned()),
    });
    fakes
        .desktop
        .voice_where(|view| {
            let tester = view.tester.as_ref();
            tester.is_some_and(|tester| tester.understood.is_some())
        })
        .await;

    fakes.tell(Request::WindowClosed);

    while fakes.voice.station().await != station::Order::Practise(false) {}
    while fakes.voice.station().await != station::Order::Watch(false) {}
    while fakes.voice.station().await != station::Order::Input(Input::KeyUp) {}
}

#[tokio::test(start_paused = true)]
async fn a_window_that_was_out_of_sight_is_told_the_level_again() {
    let mut fakes = Fakes::start();
    fakes.tell(Request::TrayHost(true));
    fakes.tell(Request::Voice(VoiceRequest::Look(VoiceLook {
        page: true,
        tester: true,
    })));
    while fakes.voice.station().await != station::Order::Watch(true) {}
    fakes.tell(Request::Unsaved(true));
    fakes.tell(Request::WindowClosed);
    while fakes.voice.station().await != station::Order::Watch(false) {}

    fakes.tell(Request::LaunchedAgain);

    while fakes.voice.station().await != station::Order::Practise(true) {}
    while fakes.voice.station().await != station::Order::Watch(true) {}
}

#[tokio::test(start_paused = true)]
async fn triggers_are_the_gateways_and_gone_with_it() {
    let mut fakes = Fakes::with_settings(
        "{ voiceWake: true, profiles: [ { id: 'home', runs: 'anotherComputer', address: 'me@home' }, \
         { id: 'office', runs: 'anotherComputer', address: 'me@office' } ] }",
    );
    fakes.voice.tells(News::Triggers(vec![
        "computer".to_owned(),
        "zyx".to_owned(),
    ]));
    fakes.voice.tells(News::Routing(json!({
        "defaultTarget": {"mode": "current"},
        "routes": [{"trigger": "zyx", "target": {"agentId": "work"}}],
    })));
    fakes
        .voice
        .shows(|shown| shown.unknown = vec!["zyx".to_owned()]);
    let view = fakes
        .desktop
        .voice_where(|view| view.state == VoiceState::Listening)
        .await;
    let triggers = view.triggers.unwrap();
    let unknown = triggers
        .iter()
        .map(|one| one.is_unknown)
        .collect::<Vec<_>>();
    assert_eq!(unknown, [false, true]);
    assert!(!view.can_edit_triggers, "there is no session");
    let routes = view.routes.unwrap();
    let targets = routes.iter().map(|route| route.target.as_deref());
    assert_eq!(targets.collect::<Vec<_>>(), [Some("work"), None]);

    let handle = fakes.handle();
    let words = vec!["hey computer".to_owned()];
    let asked = words.clone();
    let setting = tokio::spawn(async move {
        let set = |reply| {
            Request::Voice(VoiceRequest::SetTriggers {
                words: asked,
                reply,
            })
        };
        handle.ask(set).await
    });
    let given = fakes
        .voice
        .order_where(|order| match order {
            LinkOrder::SetTriggers { words, reply } => {
                reply.send(Ok(())).unwrap();
                Some(words)
            }
            LinkOrder::Station(_) => None,
        })
        .await;
    assert_eq!(given, words);
    assert_eq!(setting.await.unwrap(), Ok(()));

    fakes.tell(Request::GatewayChosen(ProfileId::parse("office").unwrap()));
    let view = fakes
        .desktop
        .voice_where(|view| view.triggers.is_none())
        .await;
    assert_eq!(view.routes, None);
}

#[tokio::test(start_paused = true)]
async fn sounds_are_played_only_where_they_are_wanted() {
    let mut fakes = Fakes::with_settings(WAKE);
    fakes.voice.tells(News::Chime(Chime::Start));
    fakes
        .voice
        .shows(|shown| shown.engine = EngineStatus::Loading);
    fakes
        .desktop
        .voice_where(|view| view.state == VoiceState::Starting)
        .await;
    let mut form = VoiceForm {
        wake: true,
        ..off()
    };
    form.chimes = false;
    assert_eq!(set(&mut fakes, form).await, Ok(()));
    fakes.voice.tells(News::Chime(Chime::Send));
    fakes.voice.shows(|_| ());
    fakes
        .desktop
        .voice_where(|view| view.state == VoiceState::Listening)
        .await;

    assert_eq!(fakes.voice.tools.played(), [Chime::Start]);
}

#[tokio::test(start_paused = true)]
async fn a_model_is_downloaded_on_a_click_shows_how_far_it_is_and_is_used_if_it_is_the_first() {
    let mut fakes = Fakes::start();
    let form = VoiceForm {
        engine: VoiceEngine::Whisper,
        ..off()
    };
    assert_eq!(set(&mut fakes, form).await, Ok(()));
    assert!(fakes.voice.tools.downloads().is_empty());
    let id = "base.en".to_owned();
    let edit = |edit| |reply| Request::Voice(VoiceRequest::EditModels { edit, reply });
    fakes.ask(edit(VoiceModelEdit::Get { id })).await.unwrap();

    let (of, news) = fakes.voice.tools.downloads().remove(0);
    assert_eq!(of, "base.en");
    let progress = Progress {
        have: 71 << 20,
        total: Some(142 << 20),
    };
    news.send(DownloadNews::Progress(progress)).await.unwrap();
    let base = |view: &crate::view_model::VoiceView| {
        let model = view.models.iter().find(|model| model.id == "base.en");
        model.cloned().unwrap()
    };
    fakes
        .desktop
        .voice_where(|view| !view.models.is_empty() && base(view).progress == Some(0.5))
        .await;

    fakes.voice.tools.has_model("base.en");
    news.send(DownloadNews::Ended(Ok(()))).await.unwrap();
    let view = fakes
        .desktop
        .voice_where(|view| view.form.model == "base.en")
        .await;
    assert!(base(&view).is_installed && base(&view).progress.is_none());
    let engine = fakes
        .voice
        .order_where(|order| match order {
            LinkOrder::Station(station::Order::Want(wanted)) => match wanted.engine {
                Some(Choice::Whisper { model, .. }) if model.ends_with("base.en.bin") => Some(()),
                _ => None,
            },
            LinkOrder::Station(_) | LinkOrder::SetTriggers { .. } => None,
        })
        .await;
    assert_eq!(engine, ());

    // Stopping one ends it: nobody hears of it any more.
    let id = "small".to_owned();
    fakes.ask(edit(VoiceModelEdit::Get { id })).await.unwrap();
    let (_, news) = fakes.voice.tools.downloads().remove(1);
    fakes.ask(edit(VoiceModelEdit::Stop)).await.unwrap();
    news.closed().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_a_language_is_refused() {
    let mut fakes = Fakes::start();
    let form = VoiceForm {
        language: "../en".to_owned(),
        ..off()
    };

    assert_eq!(set(&mut fakes, form).await.unwrap_err().code, "noLanguage");
    fakes
        .voice
        .shows(|shown| shown.engine = EngineStatus::Resting);
    let view = fakes.desktop.voice_where(|_| true).await;
    assert_eq!(view.form, off());
}
