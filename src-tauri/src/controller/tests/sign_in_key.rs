//! A key in place of the password: when it is offered, and what a click does.

use super::fakes::Asked;
use super::*;
use crate::view_model::{SignInKeyStep, SignInKeyView};
use gateway_core::connection::timeline::{Happening, SignedInBy};

const LINE: &str = "ssh-ed25519 AAAA openclaw-tray@laptop";

fn up() -> Snapshot {
    Snapshot {
        phase: Phase::Up,
        ..Snapshot::off("me@home".to_owned())
    }
}

fn signed_in(by: SignedInBy, hop: u16) -> Happening {
    Happening::SignedIn { hop, by }
}

fn failed() -> UiError {
    UiError {
        code: "serverDiskFull".to_owned(),
        message: "The disk is full.".to_owned(),
        action: None,
    }
}

async fn shown(fakes: &mut Fakes, step: SignInKeyStep) -> SignInKeyView {
    let is_it = |view: &Option<SignInKeyView>| view.as_ref().is_some_and(|view| view.step == step);
    fakes.desktop.sign_in_key_where(is_it).await.unwrap()
}

/// A password has let us in, and the key is on offer.
async fn offered() -> Fakes {
    let mut fakes = Fakes::start();
    fakes.happened(signed_in(SignedInBy::Password, 0));
    fakes.connection_is(up());
    let Asked::PrepareKey(reply) = fakes.asked_of_home_server().await else {
        panic!("something else is asked");
    };
    reply.send(Ok(LINE.to_owned())).unwrap();
    let view = shown(&mut fakes, SignInKeyStep::Offered).await;
    assert_eq!((view.line.as_str(), view.problem), (LINE, None));
    fakes
}

#[tokio::test(start_paused = true)]
async fn a_password_is_what_a_key_is_offered_for_and_only_once() {
    let mut fakes = offered().await;

    fakes.tell(Request::SignInKey(SignInKeyRequest::Close));
    fakes.desktop.sign_in_key_where(Option::is_none).await;
    fakes.happened(signed_in(SignedInBy::Password, 0));
    fakes.connection_is(up());

    fakes
        .desktop
        .connection_where(|view| view.phase == Phase::Up)
        .await;
    assert!(fakes.home_server_is_left_alone());
}

#[tokio::test(start_paused = true)]
async fn keys_and_passwords_of_servers_on_the_way_lead_to_no_offer() {
    let mut fakes = Fakes::start();
    fakes.happened(signed_in(SignedInBy::Password, 1));
    fakes.happened(signed_in(SignedInBy::AgentKey, 0));

    fakes.connection_is(up());

    fakes
        .desktop
        .connection_where(|view| view.phase == Phase::Up)
        .await;
    assert!(fakes.home_server_is_left_alone());
}

#[tokio::test(start_paused = true)]
async fn adding_and_taking_back_each_take_one_click_and_say_what_came_of_it() {
    let mut fakes = offered().await;

    fakes.tell(Request::SignInKey(SignInKeyRequest::Add));
    shown(&mut fakes, SignInKeyStep::Adding).await;
    // Neither a second click nor closing does anything while it goes on.
    fakes.tell(Request::SignInKey(SignInKeyRequest::Add));
    fakes.tell(Request::SignInKey(SignInKeyRequest::Close));
    let Asked::AddKey(reply) = fakes.asked_of_home_server().await else {
        panic!("something else is asked");
    };
    reply.send(Err(failed())).unwrap();
    let view = shown(&mut fakes, SignInKeyStep::Offered).await;
    assert_eq!(view.problem, Some(failed()));
    assert!(fakes.home_server_is_left_alone());

    fakes.tell(Request::SignInKey(SignInKeyRequest::Add));
    let Asked::AddKey(reply) = fakes.asked_of_home_server().await else {
        panic!("something else is asked");
    };
    reply.send(Ok(())).unwrap();
    let view = shown(&mut fakes, SignInKeyStep::Added).await;
    assert_eq!(view.problem, None);

    fakes.tell(Request::SignInKey(SignInKeyRequest::Undo));
    let Asked::RemoveKey(reply) = fakes.asked_of_home_server().await else {
        panic!("something else is asked");
    };
    reply.send(Ok(())).unwrap();
    shown(&mut fakes, SignInKeyStep::Removed).await;
}

#[tokio::test(start_paused = true)]
async fn another_server_begins_anew() {
    let mut fakes = offered().await;
    fakes.tell(Request::SignInKey(SignInKeyRequest::Add));
    let Asked::AddKey(late) = fakes.asked_of_home_server().await else {
        panic!("something else is asked");
    };

    let form = form();
    fakes
        .ask(|reply| Request::SaveSettings { form, reply })
        .await
        .unwrap();
    fakes.desktop.sign_in_key_where(Option::is_none).await;
    late.send(Ok(())).unwrap();
    fakes.connection_is(up());

    let Asked::PrepareKey(_) = fakes.asked_of_home_server().await else {
        panic!("something else is asked");
    };
}
