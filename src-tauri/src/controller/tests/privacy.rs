//! What is kept: listed by kind, deleted one by one, forgotten, or all put back.

use super::{fakes::Fakes, *};
use crate::view_model::{PrivacyView, StoredKind};
use gateway_core::{
    config::ProfileId,
    credentials::{
        Kind,
        secret::{GatewayPassword, GatewayToken},
    },
};

const TWO: &str = "{ version: 1, activeProfile: 'home', firstRunDone: true, profiles: [
    { id: 'home', name: 'Home', runs: 'anotherComputer', address: 'me@home' },
    { id: 'here', runs: 'thisComputer' } ] }";

fn id(text: &str) -> ProfileId {
    ProfileId::parse(text).unwrap()
}

async fn listed(fakes: &mut Fakes) -> PrivacyView {
    fakes.ask(|reply| Request::Privacy { reply }).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_listed_by_gateway_and_kind_and_never_by_value() {
    let mut fakes = Fakes::with_settings(TWO);
    fakes
        .keep(&id("home"), &GatewayToken::new("canary-token"))
        .await;
    fakes
        .keep(&ProfileId::this_computer(), &GatewayPassword::new("canary"))
        .await;

    let view = listed(&mut fakes).await;

    let found: Vec<_> = view
        .items
        .iter()
        .map(|item| (item.name.as_str(), item.kind))
        .collect();
    assert_eq!(
        found,
        [
            ("Home", StoredKind::GatewayToken),
            ("This computer", StoredKind::GatewayPassword)
        ]
    );
    assert!(!format!("{view:?}").contains("canary"));
    assert!(view.settings_folder.contains("config"));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_deleted_is_gone_and_the_settings_say_so() {
    let mut fakes = Fakes::with_settings(TWO);
    fakes.keep(&id("home"), &GatewayToken::new("t")).await;
    fakes.keep(&id("home"), &GatewayPassword::new("p")).await;

    let deleted = fakes
        .ask(|reply| Request::DeleteStored {
            owner: Some("home".to_owned()),
            kind: StoredKind::GatewayToken,
            reply,
        })
        .await;

    assert_eq!(deleted, Ok(()));
    assert!(!fakes.keeps(&id("home"), Kind::GatewayToken).await);
    assert!(fakes.keeps(&id("home"), Kind::GatewayPassword).await);
    fakes
        .desktop
        .settings_where(|view| !view.has_gateway_token)
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_history_is_forgotten_where_it_is_written_down() {
    let mut fakes = Fakes::with_settings(TWO);

    let forgotten = fakes.ask(|reply| Request::ForgetHistory { reply }).await;

    assert_eq!(forgotten, Ok(()));
    fakes.next_order("ForgetHistory").await;
}

#[tokio::test(start_paused = true)]
async fn the_app_is_put_back_to_its_first_start_and_what_gateways_keep_stays() {
    let mut fakes = Fakes::with_settings(TWO);
    fakes.keep(&id("home"), &GatewayToken::new("t")).await;
    fakes
        .keep(&ProfileId::this_computer(), &GatewayToken::new("own"))
        .await;
    let database = fakes.data_file("gateway/gateway.sqlite", "conversations");
    let known_hosts = fakes.data_file("known_hosts", "home ssh-ed25519 AAAA");

    let reset: Result<(), UiError> = fakes.ask(|reply| Request::ResetApp { reply }).await;

    assert_eq!(reset, Ok(()));
    assert!(!fakes.keeps(&id("home"), Kind::GatewayToken).await);
    // It lets in at what stays.
    assert!(
        fakes
            .keeps(&ProfileId::this_computer(), Kind::GatewayToken)
            .await
    );
    assert!(database.exists() && !known_hosts.exists());
    assert!(!fakes.file().contains("me@home"));
    fakes.next_order("ForgetHistory").await;
    let view = fakes
        .desktop
        .settings_where(|view| view.runs == RunsWhere::NotConfigured)
        .await;
    assert!(!view.first_run_done);
}
