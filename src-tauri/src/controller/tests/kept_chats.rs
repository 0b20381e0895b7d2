//! What outlives the app of conversations: what was left is taken over, what waits can be taken back, and the
//! last word of a gateway is read while it is out of reach.

use super::{
    fakes::{Fakes, HOME, KEPT_AT_MS},
    *,
};
use crate::{
    controller::ports::{CourierNews, CourierOrder, LeftChats},
    view_model::{ChatDraft, ChatHistoryView, NotKept, SettingsView, UiError, UnsentView},
};
use gateway_core::chat::{
    Attachments,
    kept::{KeptDraft, UnsentMessage, UnsentState},
};

fn left(key: &str, state: UnsentState) -> UnsentMessage {
    UnsentMessage {
        gateway: HOME.to_owned(),
        session_key: "main".to_owned(),
        key: key.to_owned(),
        text: format!("text of {key}"),
        files: Attachments::default(),
        state,
    }
}

async fn unsent(fakes: &mut Fakes) -> UnsentView {
    let session_key = "main".to_owned();
    fakes
        .ask(|reply| Request::Unsent { session_key, reply })
        .await
        .unwrap()
}

async fn waiting(fakes: &mut Fakes) -> Vec<String> {
    let messages = unsent(fakes).await.messages;
    messages.into_iter().map(|message| message.key).collect()
}

async fn history(fakes: &mut Fakes) -> Result<ChatHistoryView, UiError> {
    let session_key = "main".to_owned();
    fakes
        .ask(|reply| Request::ChatHistory { session_key, reply })
        .await
}

async fn says(fakes: &mut Fakes, key: &str) {
    let draft = ChatDraft {
        gateway: HOME.to_owned(),
        session_key: "main".to_owned(),
        text: format!("text of {key}"),
        key: key.to_owned(),
        attachments: Vec::new(),
    };
    let sent = fakes.ask(|reply| Request::SendChat { draft, reply }).await;
    assert!(sent.is_ok());
    fakes.next_draft().await;
}

/// Takes a message back while the courier says whether it still waits.
async fn cancel(fakes: &mut Fakes, key: &str, waits: bool) -> Result<(), UiError> {
    let (handle, asked) = (fakes.handle(), key.to_owned());
    let cancelling = tokio::spawn(async move {
        handle
            .ask(|reply| Request::CancelMessage { key: asked, reply })
            .await
    });
    match fakes.next_courier_order().await {
        CourierOrder::Withdraw {
            key: told, reply, ..
        } => {
            assert_eq!(told, key);
            reply.send(waits).unwrap();
        }
        order @ (CourierOrder::Send(..) | CourierOrder::Forget(_)) => panic!("{order:?}"),
    }
    cancelling.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_left_is_shown_and_what_it_delivered_may_still_fail() {
    let refused = UnsentState::Refused {
        problem: "the disk is full".to_owned(),
    };
    let mut fakes = Fakes::with_left(LeftChats {
        messages: vec![
            left("a", UnsentState::Waits),
            left("b", refused),
            left("c", UnsentState::Taken),
        ],
        drafts: vec![KeptDraft {
            gateway: HOME.to_owned(),
            session_key: "main".to_owned(),
            text: "Dear".to_owned(),
        }],
    });

    let shown = unsent(&mut fakes).await;
    assert_eq!(shown.draft, "Dear");
    assert_eq!(waiting(&mut fakes).await, ["a", "b"]);
    assert!(shown.messages[0].problem.is_none());
    assert!(shown.messages[1].problem.is_some());

    fakes.courier_says(CourierNews::Accepted {
        gateway: ProfileId::parse(HOME).unwrap(),
        session_key: "main".to_owned(),
        key: "a".to_owned(),
    });
    fakes.courier_says(CourierNews::Refused {
        gateway: ProfileId::parse(HOME).unwrap(),
        session_key: "main".to_owned(),
        key: "c".to_owned(),
        problem: shown.messages[1].problem.clone().unwrap(),
    });
    // The courier's news come behind what was asked before them.
    while waiting(&mut fakes).await != ["b", "c"] {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_can_be_taken_back_and_one_on_its_way_cannot() {
    let mut fakes = Fakes::start();
    says(&mut fakes, "a").await;
    says(&mut fakes, "b").await;

    assert!(cancel(&mut fakes, "a", true).await.is_ok());
    let refused = cancel(&mut fakes, "b", false).await.unwrap_err();
    assert_eq!(refused.code, "underWay");
    assert_eq!(waiting(&mut fakes).await, ["b"]);

    let key = "unknown".to_owned();
    let unknown = fakes
        .ask(|reply| Request::CancelMessage { key, reply })
        .await;
    assert_eq!(unknown.unwrap_err().code, "underWay");
}

#[tokio::test(start_paused = true)]
async fn a_decision_about_a_refused_message_reaches_the_disk() {
    let refused = UnsentState::Refused {
        problem: "no".to_owned(),
    };
    let mut fakes = Fakes::with_left(LeftChats {
        messages: vec![left("a", refused)],
        drafts: Vec::new(),
    });
    fakes.tell(Request::ForgetMessage {
        key: "a".to_owned(),
    });
    assert_eq!(waiting(&mut fakes).await, [""; 0]);
    assert_eq!(*fakes.kept.forgotten.lock().unwrap(), ["a"]);

    fakes.tell(Request::KeepDraft {
        gateway: HOME.to_owned(),
        session_key: "main".to_owned(),
        text: "Dear".to_owned(),
    });
    assert_eq!(unsent(&mut fakes).await.draft, "Dear");
    let drafts = fakes.kept.drafts.lock().unwrap();
    assert_eq!(*drafts, [(HOME.to_owned(), "Dear".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn the_last_word_of_a_gateway_is_read_while_it_is_out_of_reach() {
    let mut fakes = Fakes::start();
    assert_eq!(
        history(&mut fakes).await.unwrap_err().code,
        "notConnected",
        "nothing is kept yet"
    );
    let gateway = fakes.session_is_up();
    gateway.answers_history(serde_json::json!({
        "sessionKey": "main",
        "messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}],
        "inFlightRun": {"runId": "r", "text": "so f"},
    }));
    let live = history(&mut fakes).await.unwrap();
    assert_eq!(live.kept_at_ms, None);
    assert!(live.in_flight.is_some());
    fakes.session_is_down();

    let kept = history(&mut fakes).await.unwrap();

    assert_eq!(kept.kept_at_ms, Some(KEPT_AT_MS as f64));
    assert_eq!(kept.messages, live.messages);
    assert_eq!(kept.in_flight, None, "nothing of it goes on");

    let forgotten = fakes.ask(|reply| Request::ForgetHistories { reply }).await;
    assert!(forgotten.is_ok());
    assert!(history(&mut fakes).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_kept_once_a_reply_has_ended() {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    gateway.answers_history(serde_json::json!({
        "sessionKey": "main",
        "messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}],
    }));
    for run in ["r", "s"] {
        let event = serde_json::json!({
            "runId": run, "sessionKey": "agent:main:main", "seq": 1, "state": "final",
        });
        let event = Event::Chat(serde_json::from_value(event).unwrap());
        fakes.gateway_tells(GatewayEvent::Event(event));
    }
    while fakes.kept.count() == 0 {
        sleep(Duration::from_secs(1)).await;
    }
    sleep(Duration::from_secs(10)).await;
    assert_eq!(
        fakes.kept.count(),
        1,
        "two that ended together are kept once"
    );

    fakes.session_is_down();
    let session_key = "agent:main:main".to_owned();
    let kept = fakes
        .ask(|reply| Request::ChatHistory { session_key, reply })
        .await;
    assert_eq!(kept.unwrap().messages.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_keeps_nothing_is_told_until_it_does() {
    let mut fakes = Fakes::start();
    let not_kept = |why| move |view: &SettingsView| view.not_kept == why;

    *fakes.kept.not_kept.lock().unwrap() = Some(NotKept::DiskFull);
    fakes.tell(Request::WindowFocused(true));
    fakes
        .desktop
        .settings_where(not_kept(Some(NotKept::DiskFull)))
        .await;

    *fakes.kept.not_kept.lock().unwrap() = None;
    fakes.tell(Request::WindowFocused(false));
    fakes.desktop.settings_where(not_kept(None)).await;
}
