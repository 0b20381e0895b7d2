//! Setup codes and links: nothing happens before a person says so, and then all of it.

use super::{
    fakes::{Fakes, HOME},
    *,
};
use crate::view_model::{BroughtView, InvitationView, InvitedView, InvitedWay};
use gateway_core::{config::ProfileId, credentials::Kind};

const LINK: &str = "openclaw://gateway?host=box.local&port=18790&tls=1&token=canary-token";
const SSH_LINK: &str =
    "openclaw://gateway?url=ssh%3A%2F%2Fme%40box%3A2222&bootstrapToken=canary-code";
const KNOWN: &str = "{ version: 1, activeProfile: 'home', firstRunDone: true, profiles: [
    { id: 'home', name: 'Home', runs: 'anotherComputer', address: 'me@home' } ] }";

async fn asked(fakes: &mut Fakes) -> InvitedView {
    let shown = fakes.desktop.invitation_where(Option::is_some).await;
    match shown {
        Some(InvitationView::Asked(view)) => view,
        other => panic!("{other:?}"),
    }
}

async fn accept(fakes: &mut Fakes, id: u32) -> Result<(), UiError> {
    fakes
        .ask(|reply| Request::AcceptInvitation { id, reply })
        .await
}

fn opened(link: &str) -> Request {
    Request::LinkOpened(SecretText::new(link))
}

#[tokio::test(start_paused = true)]
async fn a_link_is_shown_with_where_it_leads_and_changes_nothing_by_itself() {
    let mut fakes = Fakes::with_settings(KNOWN);
    let before = fakes.file();

    fakes.tell(opened(LINK));

    let view = asked(&mut fakes).await;
    assert_eq!((view.host.as_str(), view.port), ("box.local", 18_790));
    assert_eq!(view.way, InvitedWay::Encrypted);
    assert_eq!(view.brings, Some(BroughtView::Token));
    assert_eq!(view.listed, None);
    assert!(!format!("{view:?}").contains("canary"));
    assert_eq!(fakes.file(), before);
    let orders = fakes.orders_so_far();
    let ours = |order: &String| order.starts_with("Reconfigure") && order.contains("box.local");
    assert!(!orders.iter().any(ours), "{orders:?}");
    assert!(
        !fakes
            .keeps(&ProfileId::parse(HOME).unwrap(), Kind::GatewayToken)
            .await
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_is_accepted_becomes_a_gateway_of_the_list_and_is_checked() {
    let mut fakes = Fakes::with_settings(KNOWN);
    fakes.tell(opened(SSH_LINK));
    let view = asked(&mut fakes).await;
    assert_eq!(view.user.as_deref(), Some("me"));

    assert_eq!(accept(&mut fakes, view.id).await, Ok(()));

    let profile = loop {
        let profile = fakes.next_reconfigured().await;
        if profile.address == "me@box:2222" {
            break profile;
        }
    };
    fakes.next_order("Connect").await;
    fakes.next_check().await;
    assert!(fakes.keeps(&profile.id, Kind::SingleUseCode).await);
    let file = fakes.file();
    assert!(
        file.contains("me@home") && file.contains("me@box:2222"),
        "{file}"
    );
    assert!(!file.contains("canary"), "{file}");
    assert_eq!(fakes.desktop.invitation_where(Option::is_none).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_first_one_fills_in_what_nothing_was_said_about() {
    let mut fakes = Fakes::start();
    let text = SecretText::new(LINK);
    let read = fakes
        .ask(|reply| Request::ReadInvitation { text, reply })
        .await;
    assert_eq!(read, Ok(()));
    let view = asked(&mut fakes).await;

    assert_eq!(accept(&mut fakes, view.id).await, Ok(()));

    let profile = fakes.next_reconfigured().await;
    assert_eq!(profile.id.as_str(), HOME);
    assert_eq!(profile.url, "wss://box.local:18790");
    assert_eq!(fakes.stored_token().await.as_deref(), Some("canary-token"));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_known_is_used_as_it_is_and_what_comes_with_it_replaces_the_rest() {
    let mut fakes = Fakes::with_settings(
        "{ version: 1, activeProfile: 'home', firstRunDone: true, profiles: [
            { id: 'home', name: 'Home', runs: 'anotherComputer', address: 'me@home' },
            { id: 'box', name: 'Box', runs: 'anotherComputer', transport: 'direct',
              url: 'wss://box.local:18790' } ] }",
    );
    fakes.tell(opened(LINK));
    let view = asked(&mut fakes).await;
    assert_eq!(view.listed.as_deref(), Some("Box"));

    assert_eq!(accept(&mut fakes, view.id).await, Ok(()));

    let id = ProfileId::parse("box").unwrap();
    assert_eq!(fakes.token_of(&id).await.as_deref(), Some("canary-token"));
    assert_eq!(fakes.file().matches("box.local").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn cancel_forgets_it_and_it_cannot_be_accepted_any_more() {
    let mut fakes = Fakes::with_settings(KNOWN);
    let before = fakes.file();
    fakes.tell(opened(LINK));
    let view = asked(&mut fakes).await;

    fakes.tell(Request::ForgetInvitation);

    assert_eq!(fakes.desktop.invitation_where(Option::is_none).await, None);
    let gone = accept(&mut fakes, view.id).await.unwrap_err();
    assert_eq!(gone.code, "invitationGone");
    assert_eq!(fakes.file(), before);
}

#[tokio::test(start_paused = true)]
async fn another_one_never_takes_the_place_of_the_one_that_is_shown() {
    let mut fakes = Fakes::with_settings(KNOWN);
    fakes.tell(opened(LINK));
    let first = asked(&mut fakes).await;

    fakes.tell(opened(SSH_LINK));

    assert_eq!(asked(&mut fakes).await, first);
    fakes.tell(opened("openclaw://agent?message=rm"));
    assert_eq!(asked(&mut fakes).await, first);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_cannot_be_used_is_said_so_in_the_window() {
    let mut fakes = Fakes::with_settings(KNOWN);

    fakes.tell(opened("openclaw://agent?message=canary"));

    let shown = fakes.desktop.invitation_where(Option::is_some).await;
    let Some(InvitationView::Refused { problem }) = shown else {
        panic!("{shown:?}");
    };
    assert_eq!(problem.code, "invitationAnotherLink");
    assert!(!problem.message.contains("canary"));
    fakes.desktop.shows_window().await;
}

#[tokio::test(start_paused = true)]
async fn a_setup_code_in_an_address_field_is_never_written_into_the_settings() {
    let mut fakes = Fakes::start();
    let code = "eyJ1cmwiOiJ3c3M6Ly9ib3gubG9jYWwiLCJ0b2tlbiI6ImNhbmFyeSJ9";

    for (address, url) in [(code, ""), ("me@home", code)] {
        let form = SettingsForm {
            address: address.to_owned(),
            url: url.to_owned(),
            ..form()
        };
        let faults = fakes
            .ask(|reply| Request::SaveSettings { form, reply })
            .await
            .unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(!faults[0].message.contains(code));
    }
    assert!(!fakes.file().contains("eyJ"));
    let text = code.to_owned();
    let read: Result<String, FieldError> = fakes
        .ask(|reply| Request::CheckAddress { text, reply })
        .await;
    assert!(read.is_err());
}
