//! The conversations of the gateway in use: listed, told of, chosen and changed.

use super::{
    fakes::{Fakes, HOME},
    *,
};
use crate::{
    controller::{SessionChanged, SessionOrder},
    view_model::{Ability, SessionEdit, SessionsView},
};
use gateway_core::{
    client::CallError,
    protocol::{connect::Scope, event::SessionsChanged},
};

const MAIN: &str = "agent:main:main";
const OTHER: &str = "agent:main:dashboard:7";

fn row(key: &str, title: &str) -> serde_json::Value {
    json!({"key": key, "label": title, "updatedAt": 5, "unread": false})
}

fn told(event: serde_json::Value) -> GatewayEvent<Event> {
    let changed: SessionsChanged = serde_json::from_value(event).unwrap();
    GatewayEvent::Event(Event::SessionsChanged(Box::new(changed)))
}

fn titles(view: &SessionsView) -> Vec<&str> {
    let titles = view.rows.iter().map(|row| row.title.as_deref());
    titles.map(Option::unwrap_or_default).collect()
}

fn refused(message: &str) -> CallError {
    CallError::Refused {
        method: "sessions.patch".to_owned(),
        error: serde_json::from_value(json!({"code": "INVALID_REQUEST", "message": message}))
            .unwrap(),
    }
}

/// A gateway with two conversations, listed.
async fn listed() -> (Fakes, Arc<fakes::FakeGateway>) {
    let mut fakes = Fakes::start();
    let gateway = fakes.session_is_up();
    gateway
        .sessions
        .are(json!([row(OTHER, "Backups"), row(MAIN, "Home")]));
    fakes.gateway_tells(GatewayEvent::SessionUp);
    fakes
        .desktop
        .sessions_where(|view| titles(view) == ["Backups", "Home"])
        .await;
    (fakes, gateway)
}

fn edit(fakes: &Fakes, edit: SessionEdit) -> oneshot::Receiver<Result<(), UiError>> {
    let (reply, answer) = oneshot::channel();
    fakes.tell(Request::EditSession {
        gateway: HOME.to_owned(),
        key: OTHER.to_owned(),
        edit,
        reply,
    });
    answer
}

#[tokio::test(start_paused = true)]
async fn the_list_comes_with_the_connection_and_stays_without_it() {
    let (mut fakes, gateway) = listed().await;
    assert_eq!(gateway.sessions.times_listed(), 1);

    fakes.gateway_tells(GatewayEvent::SessionDown);
    fakes.tell(Request::ResendAll);
    let view = fakes.desktop.sessions_where(|_| true).await;
    assert_eq!(titles(&view), ["Backups", "Home"]);
    assert!(view.as_of_ms.is_some());
    assert_eq!(view.active, MAIN);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_news_is_shown_at_once_and_read_again_once() {
    let (mut fakes, gateway) = listed().await;
    for unread in [true, false, true] {
        fakes.gateway_tells(told(json!({
            "sessionKey": OTHER, "reason": "send",
            "session": {"key": OTHER, "label": "Backups", "unread": unread},
        })));
    }
    fakes
        .desktop
        .sessions_where(|view| view.rows[0].unread)
        .await;
    assert_eq!(gateway.sessions.times_listed(), 1);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(gateway.sessions.times_listed(), 2);

    // However long it goes on, the list is read every other second at most.
    for _ in 0..100 {
        fakes.gateway_tells(told(json!({"sessionKey": OTHER, "phase": "model"})));
        sleep(Duration::from_millis(100)).await;
    }
    sleep(Duration::from_secs(5)).await;
    assert!(
        (3..=8).contains(&gateway.sessions.times_listed()),
        "{}",
        gateway.sessions.times_listed()
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_window_nothing_is_listed_until_one_opens() {
    let mut fakes = Fakes::hidden();
    fakes.tell(Request::TrayHost(true));
    let gateway = fakes.session_is_up();
    gateway.sessions.are(json!([row(OTHER, "Backups")]));
    fakes.gateway_tells(GatewayEvent::SessionUp);
    fakes.gateway_tells(told(json!({"sessionKey": OTHER, "reason": "send"})));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(gateway.sessions.times_listed(), 0);

    fakes.tell(Request::ResendAll);
    fakes
        .desktop
        .sessions_where(|view| titles(view).contains(&"Backups"))
        .await;
    assert_eq!(gateway.sessions.times_listed(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_chosen_one_is_shown_and_remembered() {
    let (mut fakes, _gateway) = listed().await;
    fakes.tell(Request::ChooseSession {
        key: OTHER.to_owned(),
    });
    fakes
        .desktop
        .sessions_where(|view| view.active == OTHER)
        .await;
    let file = std::fs::read_to_string(fakes.home().join("data/sessions.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&file).unwrap();
    assert_eq!(kept, json!({"active": {"home": OTHER}}));

    // Removed elsewhere: there is always the one everybody has.
    fakes.gateway_tells(told(json!({"sessionKey": OTHER, "reason": "delete"})));
    let view = fakes
        .desktop
        .sessions_where(|view| view.active == MAIN)
        .await;
    assert_eq!(titles(&view), ["Home"]);
}

#[tokio::test(start_paused = true)]
async fn an_edit_is_shown_at_once_and_taken_back_where_it_is_refused() {
    let (mut fakes, gateway) = listed().await;
    let rename = SessionEdit::Rename {
        title: Some("Disks".to_owned()),
    };
    let answer = edit(&fakes, rename.clone());
    fakes
        .desktop
        .sessions_where(|view| titles(view) == ["Disks", "Home"])
        .await;
    let (order, reply) = gateway.sessions.ordered().await;
    let SessionOrder::Patch(patch) = order else {
        panic!("{order:?}");
    };
    assert_eq!(patch.label, Some(Some("Disks".to_owned())));
    reply.send(Err(refused("label already in use"))).unwrap();
    fakes
        .desktop
        .sessions_where(|view| titles(view) == ["Backups", "Home"])
        .await;
    assert_eq!(answer.await.unwrap().unwrap_err().code, "gatewayRefused");

    // Done: it stays, and no older list takes it away.
    let answer = edit(&fakes, rename);
    let (_, reply) = gateway.sessions.ordered().await;
    gateway
        .sessions
        .are(json!([row(OTHER, "Disks"), row(MAIN, "Home")]));
    reply.send(Ok(SessionChanged::Done)).unwrap();
    assert_eq!(answer.await.unwrap(), Ok(()));
    sleep(Duration::from_secs(5)).await;
    fakes.tell(Request::ResendAll);
    let view = fakes
        .desktop
        .sessions_where(|view| titles(view)[0] == "Disks")
        .await;
    assert_eq!(titles(&view), ["Disks", "Home"]);
}

#[tokio::test(start_paused = true)]
async fn what_takes_an_administrator_says_so_and_is_not_asked() {
    let (mut fakes, gateway) = listed().await;
    let answer = edit(&fakes, SessionEdit::Compact);
    assert_eq!(answer.await.unwrap().unwrap_err().code, "needsAdmin");
    assert!(gateway.sessions.nothing_is_ordered().await);

    // The gateway has the last word.
    let answer = edit(&fakes, SessionEdit::Pin { pinned: true });
    let (_, reply) = gateway.sessions.ordered().await;
    reply
        .send(Err(refused("missing scope: operator.admin")))
        .unwrap();
    assert_eq!(answer.await.unwrap().unwrap_err().code, "needsAdmin");

    gateway.sessions.offer(|offers| {
        offers.scopes.push(Scope::Admin);
        offers.methods.remove("sessions.reset");
    });
    fakes.gateway_tells(GatewayEvent::SessionUp);
    fakes
        .desktop
        .sessions_where(|view| view.can.compact == Ability::Yes)
        .await;
    let answer = edit(&fakes, SessionEdit::Reset);
    assert_eq!(answer.await.unwrap().unwrap_err().code, "notServed");
}

#[tokio::test(start_paused = true)]
async fn a_removed_one_goes_by_way_of_the_archive_where_that_takes_fewer_rights() {
    let (mut fakes, gateway) = listed().await;
    fakes.tell(Request::ChooseSession {
        key: OTHER.to_owned(),
    });
    let answer = edit(&fakes, SessionEdit::Delete);
    let (order, reply) = gateway.sessions.ordered().await;
    assert_eq!(
        order,
        SessionOrder::Delete {
            key: OTHER.into(),
            archive_first: true,
        }
    );
    gateway.sessions.are(json!([row(MAIN, "Home")]));
    reply.send(Ok(SessionChanged::Done)).unwrap();
    assert_eq!(answer.await.unwrap(), Ok(()));
    fakes
        .desktop
        .sessions_where(|view| view.active == MAIN && titles(view) == ["Home"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_new_one_is_shown_and_an_empty_one_does_for_the_next_wish() {
    let (mut fakes, gateway) = listed().await;
    let key = "agent:main:dashboard:8";
    let (reply, answer) = oneshot::channel();
    fakes.tell(Request::CreateSession { agent: None, reply });
    let (order, created) = gateway.sessions.ordered().await;
    assert!(matches!(order, SessionOrder::Create(_)), "{order:?}");
    gateway.sessions.are(json!([
        {"key": key, "updatedAt": 9}, row(OTHER, "Backups"), row(MAIN, "Home"),
    ]));
    created
        .send(Ok(SessionChanged::Created(key.into())))
        .unwrap();
    assert_eq!(answer.await.unwrap(), Ok(()));
    fakes
        .desktop
        .sessions_where(|view| view.active == key)
        .await;

    fakes.tell(Request::ChooseSession {
        key: MAIN.to_owned(),
    });
    let again = fakes
        .ask(|reply| Request::CreateSession { agent: None, reply })
        .await;
    assert_eq!(again, Ok(()));
    assert!(gateway.sessions.nothing_is_ordered().await);
    fakes
        .desktop
        .sessions_where(|view| view.active == MAIN)
        .await;
    fakes
        .desktop
        .sessions_where(|view| view.active == key)
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_meant_for_another_gateway_is_not_carried_out() {
    let (mut fakes, gateway) = listed().await;
    let answer = fakes
        .ask(|reply| Request::EditSession {
            gateway: "office".to_owned(),
            key: OTHER.to_owned(),
            edit: SessionEdit::Delete,
            reply,
        })
        .await;
    assert_eq!(answer.unwrap_err().code, "notConnected");
    assert!(gateway.sessions.nothing_is_ordered().await);
}
