//! The controller's decisions, with fakes on every side and the clock standing still.

use super::{tray::TRAY_RETURNS, *};
use crate::desktop::SmallWindow;
use crate::tray::MenuAction;
use crate::view_model::{
    ChatChange, ChatDraft, ChatHistoryView, CheckStatus, CheckStepId, CheckStepView, FieldError,
    HostKeyPolicy, NotificationSwitches, QuestionView, RunsWhere, SecretText, SettingsForm,
    SettingsView, SignInChoice, Transport,
};
use fakes::{FIRST_START, Fakes, HOME};
use gateway_core::config::{
    LogLevel,
    settings::{Language, Theme},
};
use gateway_core::connection::{
    phase::Cause,
    problem::Problem,
    question::{Asked, Question},
    snapshot::Snapshot,
};
use serde_json::json;
use tokio::time::sleep;

mod agent_requests;
mod appearance;
mod attachments;
mod direct;
mod fakes;
mod fetching;
mod gateway_report;
mod gateways;
mod invitation;
mod kept_chats;
mod login_start;
mod notices;
mod openclaw_change;
mod pairing;
mod privacy;
mod quick_chat;
mod repairing;
mod report;
mod sessions;
mod shortcuts;
mod sign_in_key;
mod tray;
mod voice;

/// What the form of a first start holds once an address is typed.
fn form() -> SettingsForm {
    SettingsForm {
        profile: HOME.to_owned(),
        runs: RunsWhere::AnotherComputer,
        transport: Transport::Ssh,
        url: String::new(),
        tls_fingerprint: String::new(),
        address: "me@home".to_owned(),
        sign_in: SignInChoice::Automatic,
        identity_file: String::new(),
        host_key_policy: HostKeyPolicy::Strict,
        gateway_token: None,
        local_port: 18_789,
        remote_port: 18_789,
        connect_on_launch: true,
        listener_enabled: true,
        also_run_here: false,
        notifications: NotificationSwitches {
            needs_you: true,
            lost: true,
            restored: true,
            requests: true,
            replies: true,
        },
        start_at_login: false,
        language: Language::System,
        theme: Theme::System,
        log_level: LogLevel::Info,
    }
}

fn chat_event(payload: serde_json::Value) -> GatewayEvent<Event> {
    let event = serde_json::from_value(payload).unwrap();
    GatewayEvent::Event(Event::Chat(Box::new(event)))
}

fn delta(run: &str, text: &str) -> GatewayEvent<Event> {
    chat_event(json!({
        "runId": run, "sessionKey": "agent:main:main", "state": "delta",
        "message": {"role": "assistant", "content": [{"type": "text", "text": text}]},
    }))
}

#[tokio::test(start_paused = true)]
async fn it_opens_the_window_at_once_and_leaves_an_undescribed_gateway_alone() {
    let mut fakes = Fakes::start();

    fakes.desktop.shows_window().await;

    fakes.tell(Request::ResendAll);
    fakes.desktop.is_ready(true).await;
    assert!(
        fakes
            .orders_so_far()
            .iter()
            .all(|order| order == "SetWatched(true)")
    );
}

#[tokio::test(start_paused = true)]
async fn a_window_that_loads_is_told_everything() {
    let mut fakes = Fakes::start();

    fakes.tell(Request::ResendAll);

    assert_eq!(fakes.desktop.connection().await.phase, Phase::Off);
    let check = fakes.desktop.check().await;
    assert_eq!((check.steps.len(), check.running), (9, false));
    assert_eq!(
        fakes.desktop.settings().await.runs,
        RunsWhere::NotConfigured
    );
    assert_eq!(fakes.desktop.page().await, Page::Chat);
}

#[tokio::test(start_paused = true)]
async fn saved_settings_reach_the_file_the_keychain_and_the_connection() {
    let mut fakes = Fakes::start();

    let saved = fakes
        .ask(|reply| Request::SaveSettings {
            form: SettingsForm {
                gateway_token: Some(SecretText::new(" canary-token ")),
                ..form()
            },
            reply,
        })
        .await;

    assert_eq!(saved, Ok(()));
    let view: SettingsView = fakes
        .desktop
        .settings_where(|view| view.has_gateway_token)
        .await;
    assert_eq!(view.address, "me@home");
    assert!(fakes.file().contains("me@home"));
    assert!(!fakes.file().contains("canary-token"));
    assert_eq!(fakes.stored_token().await.as_deref(), Some("canary-token"));
    assert_eq!(fakes.next_reconfigured().await.address, "me@home");
}

#[tokio::test(start_paused = true)]
async fn a_form_with_faults_saves_nothing_and_names_each_field() {
    let mut fakes = Fakes::start();

    let refused = fakes
        .ask(|reply| Request::SaveSettings {
            form: SettingsForm {
                address: "-oProxyCommand=x".to_owned(),
                sign_in: SignInChoice::KeyFile,
                local_port: 0,
                gateway_token: Some(SecretText::new("canary-token")),
                ..form()
            },
            reply,
        })
        .await
        .unwrap_err();

    let fields: Vec<&str> = refused.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["localPort", "address", "identityFile"]);
    assert_eq!(fakes.file(), FIRST_START);
    assert_eq!(fakes.stored_token().await, None);
}

#[tokio::test(start_paused = true)]
async fn an_address_is_told_apart_from_its_three_usual_mistakes() {
    let mut fakes = Fakes::start();
    let mut messages = Vec::new();
    for text in ["-box", "me @box", "me@box:"] {
        let text = text.to_owned();
        let refused = fakes
            .ask(|reply| Request::CheckAddress { text, reply })
            .await;
        messages.push(refused.unwrap_err().message);
    }
    messages.dedup();
    assert_eq!(messages.len(), 3, "{messages:?}");

    let text = "ssh -p 2222 me@box".to_owned();
    let read = fakes
        .ask(|reply| Request::CheckAddress { text, reply })
        .await;
    assert_eq!(read.as_deref(), Ok("me@box:2222"));
}

#[tokio::test(start_paused = true)]
async fn it_connects_on_launch_when_the_settings_say_so() {
    let mut fakes = Fakes::with_settings(
        "{ profiles: [ { id: 'a', runs: 'anotherComputer', address: 'me@home' } ] }",
    );

    assert_eq!(fakes.next_reconfigured().await.address, "me@home");
    fakes.next_order("Connect").await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_settings_file_is_shown_and_left_alone() {
    let broken = "{ profiles: [ { id: 'a', localPort: 'x' } ] }";
    let mut fakes = Fakes::with_settings(broken);

    fakes.tell(Request::ResendAll);
    let shown = fakes.desktop.settings().await;
    let problem = shown.file_problem.unwrap();
    assert_eq!(problem.key.as_deref(), Some("profiles[0].localPort"));

    let refused = fakes
        .ask(|reply| Request::SaveSettings {
            form: SettingsForm {
                profile: shown.profile,
                ..form()
            },
            reply,
        })
        .await
        .unwrap_err();
    assert_eq!(refused[0].field, "settingsFile");
    assert_eq!(fakes.file(), broken);
}

#[tokio::test(start_paused = true)]
async fn closing_the_window_quits_where_nothing_shows_a_tray() {
    let mut fakes = Fakes::start();

    fakes.tell(Request::WindowClosed);

    fakes.shuts_down().await;
    fakes.desktop.exits().await;
}

#[tokio::test(start_paused = true)]
async fn closing_the_window_keeps_running_where_a_tray_shows_it() {
    let mut fakes = Fakes::start();
    fakes.tell(Request::TrayHost(true));
    fakes.desktop.tray().await;

    fakes.tell(Request::WindowClosed);
    fakes.desktop.closes_window().await;
    fakes.next_order("SetWatched(false)").await;

    fakes.tell(Request::MenuClicked(MenuAction::OpenChat));
    fakes.desktop.shows_window().await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_window_with_unsaved_settings_is_only_out_of_sight() {
    let mut fakes = Fakes::start();
    fakes.tell(Request::TrayHost(true));
    fakes.desktop.tray().await;

    fakes.tell(Request::Unsaved(true));
    fakes.tell(Request::WindowClosed);
    fakes.desktop.hides_window().await;
    fakes.next_order("SetWatched(false)").await;

    fakes.tell(Request::MenuClicked(MenuAction::OpenChat));
    fakes.desktop.shows_window().await;
    fakes.tell(Request::Unsaved(false));
    fakes.tell(Request::WindowClosed);
    fakes.desktop.closes_window().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_launch_shows_the_window_of_the_first() {
    let mut fakes = Fakes::start();
    fakes.desktop.shows_window().await;

    fakes.tell(Request::LaunchedAgain);

    fakes.desktop.shows_window().await;
}

#[tokio::test(start_paused = true)]
async fn a_hidden_start_stays_hidden_only_under_a_tray() {
    let mut with_tray = Fakes::hidden();
    with_tray.tell(Request::TrayHost(true));
    with_tray.desktop.is_ready(false).await;
    assert!(!with_tray.desktop.has_shown_window());

    let mut without = Fakes::hidden();
    without.tell(Request::TrayHost(false));
    without.desktop.shows_window().await;
}

#[tokio::test(start_paused = true)]
async fn an_app_in_the_tray_shows_its_window_when_the_panel_goes_away_for_good() {
    let mut fakes = Fakes::start();
    fakes.desktop.shows_window().await;
    fakes.tell(Request::TrayHost(true));
    fakes.tell(Request::WindowClosed);
    fakes.desktop.closes_window().await;

    fakes.tell(Request::TrayHost(false));
    fakes.tell(Request::TrayHost(true));
    sleep(TRAY_RETURNS * 2).await;
    assert!(!fakes.desktop.shows_window_again());

    fakes.tell(Request::TrayHost(false));
    fakes.desktop.shows_window().await;
}

#[tokio::test(start_paused = true)]
async fn quitting_takes_less_than_two_seconds_even_when_the_connection_hangs() {
    let mut fakes = Fakes::start();
    let asked = Instant::now();

    fakes.tell(Request::MenuClicked(MenuAction::Quit));
    fakes.desktop.exits().await;

    assert!(asked.elapsed() < Duration::from_secs(2));
    assert!(fakes.desktop.has_left());
}

#[tokio::test(start_paused = true)]
async fn the_tray_counts_down_by_itself_and_is_drawn_only_when_it_changes() {
    let mut fakes = Fakes::start();
    fakes.tell(Request::TrayHost(true));
    fakes.desktop.tray().await;

    fakes.connection_is(Snapshot {
        phase: Phase::Connecting,
        ..Snapshot::off("me@home".to_owned())
    });
    let first = fakes.desktop.tray().await;
    let second = fakes.desktop.tray().await;
    assert_ne!(first.shape, second.shape);

    fakes.connection_is(Snapshot {
        phase: Phase::Up,
        ..Snapshot::off("me@home".to_owned())
    });
    fakes
        .desktop
        .tray_where(|tray| tray.shape == crate::tray::Shape::Disc)
        .await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(fakes.desktop.trays_waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_host_key_that_cannot_be_kept_says_so_beside_the_question() {
    let mut fakes = Fakes::start();
    fakes.connection_is(Snapshot {
        phase: Phase::HostKey,
        cause: Some(Cause::HostKeyUnknown),
        question: Some(Asked {
            id: 4,
            question: Question::HostKeyUnknown {
                host: "home".to_owned(),
                port: 22,
                key_type: "Ed25519".to_owned(),
                fingerprint: "SHA256:x".to_owned(),
            },
        }),
        ..Snapshot::off("me@home".to_owned())
    });
    let shown = fakes
        .desktop
        .connection_where(|view| view.question.is_some())
        .await;
    let Some(QuestionView::HostKeyUnknown { id, .. }) = shown.question else {
        panic!("another question");
    };

    fakes.tell(Request::TrustHostKey { id });
    let reply = fakes.next_answer(4).await;
    reply
        .send(Err(Problem::without_action(
            "diskFull",
            "The disk is full.",
        )))
        .unwrap();

    let shown = fakes
        .desktop
        .connection_where(|view| view.problem.is_some())
        .await;
    assert_eq!(shown.problem.unwrap().code, "diskFull");
    assert!(shown.question.is_some());
}

#[tokio::test(start_paused = true)]
async fn chat_updates_are_numbered_without_holes_and_a_history_says_how_far_it_goes() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    fakes.gateway_tells(GatewayEvent::SessionUp);
    fakes.gateway_tells(delta("run-1", "Hel"));
    fakes.gateway_tells(delta("run-1", "Hello"));
    for number in 1..=3 {
        assert_eq!(fakes.desktop.chat().await.number, number);
    }

    gateway.answers_history(json!({
        "sessionKey": "main",
        "messages": [
            {"role": "user", "content": "hi", "timestamp": 1, "idempotencyKey": "run-1:user"},
        ],
        "inFlightRun": {"runId": "run-1", "text": "Hel"},
    }));
    let history: ChatHistoryView = fakes
        .ask(|reply| Request::ChatHistory {
            session_key: "main".to_owned(),
            reply,
        })
        .await
        .unwrap();

    assert_eq!(history.as_of, 3);
    assert_eq!(history.messages[0].key.as_deref(), Some("run-1"));
    let in_flight = history.in_flight.unwrap();
    assert_eq!(
        (in_flight.run_id.as_str(), in_flight.text.as_str()),
        ("run-1", "Hello")
    );
}

#[tokio::test(start_paused = true)]
async fn only_the_first_end_of_a_run_counts() {
    let mut fakes = Fakes::start();
    let ended = |state: &str| {
        chat_event(json!({
            "runId": "r", "sessionKey": "agent:main:main", "state": state, "errorMessage": "no",
        }))
    };

    fakes.gateway_tells(ended("error"));
    fakes.gateway_tells(ended("error"));
    fakes.gateway_tells(delta("other", "x"));

    assert!(matches!(
        fakes.desktop.chat().await.change,
        ChatChange::Failed { .. }
    ));
    assert!(matches!(
        fakes.desktop.chat().await.change,
        ChatChange::Delta { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn a_new_session_means_that_histories_are_fetched_again() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    gateway.answers_history(json!({"sessionKey": "agent:main:side", "messages": []}));
    fakes
        .ask(|reply| Request::ChatHistory {
            session_key: "side".to_owned(),
            reply,
        })
        .await
        .unwrap();

    fakes.gateway_tells(GatewayEvent::SessionUp);

    let update = fakes.desktop.chat().await;
    assert_eq!(
        (update.session_key.as_str(), update.change),
        ("side", ChatChange::Refetch)
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_session_a_history_is_refused_and_a_message_waits() {
    let mut fakes = Fakes::start();

    let refused = fakes
        .ask(|reply| Request::ChatHistory {
            session_key: "main".to_owned(),
            reply,
        })
        .await
        .unwrap_err();
    assert_eq!(refused.code, "notConnected");

    let gateway = fakes.profile().secrets();
    let draft = ChatDraft {
        gateway: gateway.to_string(),
        session_key: "main".to_owned(),
        text: "hi".to_owned(),
        key: "k".to_owned(),
        attachments: Vec::new(),
    };
    let taken = fakes.ask(|reply| Request::SendChat { draft, reply }).await;
    assert_eq!(taken, Ok(()));
    assert!(matches!(
        fakes.desktop.chat().await.change,
        ChatChange::Queued { .. }
    ));
    assert_eq!(fakes.next_draft().await.key, "k");
    fakes.tell(Request::KeepDraft {
        gateway: gateway.to_string(),
        session_key: "main".to_owned(),
        text: "half a".to_owned(),
    });
    let kept = fakes
        .ask(|reply| Request::Unsent {
            session_key: "main".to_owned(),
            reply,
        })
        .await
        .unwrap();
    assert_eq!((kept.draft.as_str(), kept.messages.len()), ("half a", 1));

    fakes.courier_says(CourierNews::Accepted {
        gateway,
        session_key: "main".to_owned(),
        key: "k".to_owned(),
    });
    assert!(matches!(
        fakes.desktop.chat().await.change,
        ChatChange::Accepted { .. }
    ));
    let kept = fakes
        .ask(|reply| Request::Unsent {
            session_key: "main".to_owned(),
            reply,
        })
        .await
        .unwrap();
    assert!(kept.messages.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_running_reply_keeps_the_connection_watched_after_the_window_has_gone() {
    let mut fakes = Fakes::start();
    fakes.next_order("SetWatched(true)").await;
    fakes.tell(Request::TrayHost(true));
    fakes.gateway_tells(delta("r", "x"));
    fakes.desktop.chat().await;

    fakes.tell(Request::WindowClosed);
    fakes.desktop.closes_window().await;
    assert!(fakes.orders_so_far().is_empty());

    fakes.gateway_tells(chat_event(json!({
        "runId": "r", "sessionKey": "agent:main:main", "state": "final",
    })));
    fakes.next_order("SetWatched(false)").await;
}

#[tokio::test(start_paused = true)]
async fn a_check_is_shown_step_by_step_and_can_be_stopped() {
    let mut fakes = Fakes::start();
    fakes.tell(Request::RunCheck);
    assert!(fakes.desktop.check().await.running);
    let run = fakes.next_check().await;
    run.send(CheckNews::Step(CheckStepView {
        status: CheckStatus::Ok,
        ..CheckStepView::pending(CheckStepId::Address)
    }))
    .await
    .unwrap();
    assert_eq!(fakes.desktop.check().await.steps[0].status, CheckStatus::Ok);

    fakes.tell(Request::CancelCheck);

    let stopped = fakes.desktop.check().await;
    assert_eq!((stopped.running, stopped.ok), (false, None));
    assert_eq!(stopped.steps[1].status, CheckStatus::NotReached);
    run.closed().await;
}

fn agent_event(payload: serde_json::Value) -> GatewayEvent<Event> {
    let event = serde_json::from_value(payload).unwrap();
    GatewayEvent::Event(Event::Agent(Box::new(event)))
}

#[tokio::test(start_paused = true)]
async fn tools_thoughts_and_retries_of_a_run_are_shown_and_survive_a_new_window() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    let told = |stream: &str, data: serde_json::Value| {
        agent_event(json!({"runId": "r", "stream": stream, "data": data}))
    };
    fakes.gateway_tells(delta("r", "Hm"));
    fakes.gateway_tells(told("thinking", json!({"text": "Let me look."})));
    fakes.gateway_tells(told(
        "tool",
        json!({"phase": "start", "toolCallId": "c", "name": "exec", "args": {"command": "ls"}}),
    ));
    fakes.gateway_tells(told("usage", json!({"outputTokens": 3})));
    fakes.gateway_tells(told(
        "run_status",
        json!({"phase": "retrying", "retryAttempt": 2, "maxRetries": 8, "delayMs": 4000}),
    ));

    assert!(matches!(
        fakes.desktop.chat().await.change,
        ChatChange::Delta { .. }
    ));
    assert!(matches!(
        fakes.desktop.chat().await.change,
        ChatChange::Reasoning { text, .. } if text == "Let me look."
    ));
    assert!(matches!(
        fakes.desktop.chat().await.change,
        ChatChange::Tool { tool, .. } if tool.name == "exec" && tool.arguments.contains("ls")
    ));
    assert!(matches!(
        fakes.desktop.chat().await.change,
        ChatChange::Retrying {
            attempt: 2,
            most: 8,
            ..
        }
    ));

    gateway.answers_history(json!({"sessionKey": "main", "messages": [
        {"role": "assistant", "content": [
            {"type": "toolCall", "id": "b", "name": "read", "arguments": {"path": "x"}}]},
        {"role": "toolResult", "toolCallId": "b", "toolName": "read", "isError": true,
            "content": [{"type": "text", "text": "no such file"}]},
    ]}));
    let history: ChatHistoryView = fakes
        .ask(|reply| Request::ChatHistory {
            session_key: "main".to_owned(),
            reply,
        })
        .await
        .unwrap();
    assert_eq!(history.messages[0].tools[0].name, "read");
    let answers = history.messages[1].answers.as_ref().unwrap();
    assert_eq!((answers.call_id.as_str(), answers.failed), ("b", true));
    let in_flight = history.in_flight.unwrap();
    assert_eq!(in_flight.reasoning.as_deref(), Some("Let me look."));
    assert_eq!(in_flight.tools[0].id, "c");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_cut_is_fetched_whole_or_said_to_be_gone() {
    let mut fakes = Fakes::start();
    fakes.session_is_up();
    let ask = |id: &str| {
        let id = id.to_owned();
        move |reply| Request::ChatMessage {
            session_key: "main".to_owned(),
            id,
            reply,
        }
    };

    assert_eq!(fakes.ask(ask("1")).await.unwrap().text, "all of it");
    assert_eq!(
        fakes.ask(ask("gone")).await.unwrap_err().code,
        "messageNotWhole"
    );
}

#[tokio::test(start_paused = true)]
async fn a_link_is_judged_again_before_it_is_opened() {
    let mut fakes = Fakes::start();
    let ask = |address: &str| {
        let address = address.to_owned();
        move |reply| Request::OpenLink { address, reply }
    };

    let refused = fakes.ask(ask("file:///etc/passwd")).await.unwrap_err();
    assert_eq!(refused.code, "linkRefused");
    fakes.ask(ask("https://example.org/a")).await.unwrap();

    assert_eq!(fakes.desktop.link().await, "https://example.org/a");
}

#[tokio::test(start_paused = true)]
async fn a_name_from_the_ssh_configuration_needs_no_account_of_this_computer() {
    let mut fakes = Fakes::start();
    let bare = || SettingsForm {
        address: "box".to_owned(),
        ..form()
    };

    let refused = fakes
        .ask(|reply| Request::SaveSettings {
            form: bare(),
            reply,
        })
        .await
        .unwrap_err();
    assert_eq!(refused[0].field, "address");

    let folder = fakes.home().join(".ssh");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config"), "Host box\n  User me\n").unwrap();
    let saved = fakes
        .ask(|reply| Request::SaveSettings {
            form: bare(),
            reply,
        })
        .await;
    assert_eq!(saved, Ok(()));
}
