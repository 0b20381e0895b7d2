//! Several gateways: what is said to one, typed for one and kept for one is not the other's.

use super::{
    fakes::{Fakes, HOME},
    *,
};
use crate::{
    controller::ports::{CourierNews, CourierOrder},
    tray::MenuItem,
    view_model::{ChatDraft, GatewayEdit, UiError, UnsentView},
};
use gateway_core::config::ProfileId;

const TWO: &str = "{ version: 1, activeProfile: 'home', firstRunDone: true, profiles: [
    { id: 'home', runs: 'anotherComputer', address: 'me@home' },
    { id: 'office', name: 'Work', runs: 'anotherComputer', address: 'me@office' } ] }";

async fn edit(fakes: &mut Fakes, edit: GatewayEdit) -> Result<(), UiError> {
    fakes
        .ask(|reply| Request::EditGateways { edit, reply })
        .await
}

fn choose(id: &str) -> GatewayEdit {
    GatewayEdit::Use { id: id.to_owned() }
}

/// Waits until the connection is told to lead there; what it was told at the start comes before.
async fn leads_to(fakes: &mut Fakes, address: &str) {
    while fakes.next_reconfigured().await.address != address {}
}

async fn says(fakes: &mut Fakes, gateway: &str, key: &str) {
    let draft = ChatDraft {
        gateway: gateway.to_owned(),
        session_key: "main".to_owned(),
        text: format!("text of {key}"),
        key: key.to_owned(),
        attachments: Vec::new(),
    };
    let sent = fakes.ask(|reply| Request::SendChat { draft, reply }).await;
    assert!(sent.is_ok());
    let handed_on = fakes.next_draft().await;
    assert_eq!(
        (handed_on.gateway.as_str(), handed_on.key),
        (gateway, key.to_owned())
    );
}

async fn unsent(fakes: &mut Fakes) -> UnsentView {
    fakes
        .ask(|reply| Request::Unsent {
            session_key: "main".to_owned(),
            reply,
        })
        .await
        .unwrap()
}

fn nothing() -> UnsentView {
    UnsentView {
        draft: String::new(),
        messages: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_one_is_not_shown_at_the_other_and_is_there_again_afterwards() {
    let mut fakes = Fakes::with_settings(TWO);
    says(&mut fakes, HOME, "a").await;
    fakes.tell(Request::KeepDraft {
        gateway: HOME.to_owned(),
        session_key: "main".to_owned(),
        text: "half a".to_owned(),
    });

    edit(&mut fakes, choose("office")).await.unwrap();
    leads_to(&mut fakes, "me@office").await;
    fakes.next_order("Connect").await;
    fakes
        .desktop
        .connection_where(|view| view.gateway_id == "office")
        .await;
    assert_eq!(unsent(&mut fakes).await, nothing());
    fakes.tell(Request::ResendAll);
    let listed = fakes
        .desktop
        .settings_where(|view| view.profile == "office")
        .await;
    let waiting: Vec<_> = listed
        .gateways
        .iter()
        .map(|entry| (entry.id.as_str(), entry.server.as_str(), entry.waiting))
        .collect();
    assert_eq!(waiting, [("home", "home", 1), ("office", "office", 0)]);

    // News of the one before reaches what is kept for it, and not the window.
    fakes.courier_says(CourierNews::Refused {
        gateway: ProfileId::parse(HOME).unwrap(),
        session_key: "main".to_owned(),
        key: "a".to_owned(),
        problem: UiError {
            code: "refused".to_owned(),
            message: "No.".to_owned(),
            action: None,
        },
    });
    edit(&mut fakes, choose(HOME)).await.unwrap();
    let kept = unsent(&mut fakes).await;
    assert_eq!(kept.draft, "half a");
    assert_eq!(kept.messages[0].text, "text of a");
    assert!(kept.messages[0].problem.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_message_belongs_to_the_gateway_it_was_written_for_whichever_is_in_use() {
    let mut fakes = Fakes::with_settings(TWO);
    edit(&mut fakes, choose("office")).await.unwrap();

    says(&mut fakes, HOME, "late").await;

    assert_eq!(unsent(&mut fakes).await, nothing());
}

#[tokio::test(start_paused = true)]
async fn a_form_is_saved_where_it_belongs_though_another_is_in_use_by_then() {
    let mut fakes = Fakes::with_settings(TWO);
    edit(&mut fakes, choose("office")).await.unwrap();
    fakes.orders_so_far();

    let saved = fakes
        .ask(|reply| Request::SaveSettings {
            form: SettingsForm {
                address: "me@cellar".to_owned(),
                gateway_token: Some(SecretText::new("canary-token")),
                ..form()
            },
            reply,
        })
        .await;

    assert_eq!(saved, Ok(()));
    let shown = fakes
        .desktop
        .settings_where(|view| view.gateways[0].server == "cellar")
        .await;
    assert_eq!(
        (shown.profile.as_str(), shown.address.as_str()),
        ("office", "me@office")
    );
    assert!(
        !fakes
            .orders_so_far()
            .iter()
            .any(|it| it.starts_with("Reconfigure"))
    );
    let home = ProfileId::parse(HOME).unwrap();
    assert_eq!(fakes.token_of(&home).await.as_deref(), Some("canary-token"));
}

#[tokio::test(start_paused = true)]
async fn an_added_one_is_connected_to_once_it_is_described() {
    let mut fakes = Fakes::with_settings(TWO);
    edit(&mut fakes, GatewayEdit::Add { like: None })
        .await
        .unwrap();
    let added = fakes
        .desktop
        .settings_where(|view| view.gateways.len() == 3)
        .await;
    assert_eq!(added.runs, RunsWhere::NotConfigured);
    fakes.next_order("Disconnect").await;
    assert!(!fakes.orders_so_far().contains(&"Connect".to_owned()));

    let saved = fakes
        .ask(|reply| Request::SaveSettings {
            form: SettingsForm {
                profile: added.profile,
                address: "me@cellar".to_owned(),
                ..form()
            },
            reply,
        })
        .await;

    assert_eq!(saved, Ok(()));
    assert_eq!(fakes.next_reconfigured().await.address, "me@cellar");
    fakes.next_order("Connect").await;
}

#[tokio::test(start_paused = true)]
async fn one_like_another_has_its_settings_and_neither_its_name_nor_its_secrets() {
    let mut fakes = Fakes::with_settings(TWO);
    let like = Some("office".to_owned());

    edit(&mut fakes, GatewayEdit::Add { like }).await.unwrap();

    let view = fakes
        .desktop
        .settings_where(|view| view.gateways.len() == 3)
        .await;
    assert_eq!(view.address, "me@office");
    assert!(!view.has_gateway_token);
    let added = view.gateways.iter().find(|entry| entry.id == view.profile);
    assert_eq!(added.map(|entry| entry.name.as_str()), Some(""));
}

#[tokio::test(start_paused = true)]
async fn a_name_is_one_line_that_fits_a_menu() {
    let mut fakes = Fakes::with_settings(TWO);
    for (typed, kept) in [
        ("  The\n cellar ", "The cellar".to_owned()),
        (&"x".repeat(300), "x".repeat(60)),
        (" ", String::new()),
    ] {
        let rename = GatewayEdit::Rename {
            id: HOME.to_owned(),
            name: typed.to_owned(),
        };
        edit(&mut fakes, rename).await.unwrap();
        fakes
            .desktop
            .settings_where(|view| view.gateways[0].name == kept)
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_removed_leaves_no_secret_and_nothing_that_waits() {
    let mut fakes = Fakes::with_settings(TWO);
    let home = ProfileId::parse(HOME).unwrap();
    let saved = fakes
        .ask(|reply| Request::SaveSettings {
            form: SettingsForm {
                gateway_token: Some(SecretText::new("canary-token")),
                ..form()
            },
            reply,
        })
        .await;
    assert_eq!(saved, Ok(()));
    assert!(fakes.token_of(&home).await.is_some());
    says(&mut fakes, HOME, "a").await;

    let id = HOME.to_owned();
    edit(&mut fakes, GatewayEdit::Remove { id: id.clone() })
        .await
        .unwrap();

    let left = fakes
        .desktop
        .settings_where(|view| view.gateways.len() == 1)
        .await;
    assert_eq!(left.profile, "office");
    assert!(matches!(fakes.next_courier_order().await, CourierOrder::Forget(gone) if gone == home));
    while fakes.token_of(&home).await.is_some() {
        tokio::task::yield_now().await;
    }
    let again = edit(&mut fakes, choose(&id)).await;
    assert_eq!(again.unwrap_err().code, "gatewayGone");
}

#[tokio::test(start_paused = true)]
async fn after_the_last_one_there_is_one_of_which_nothing_is_decided() {
    let mut fakes = Fakes::with_settings(TWO);
    for id in ["office", HOME] {
        let id = id.to_owned();
        edit(&mut fakes, GatewayEdit::Remove { id }).await.unwrap();
    }

    let left = fakes
        .desktop
        .settings_where(|view| view.runs == RunsWhere::NotConfigured)
        .await;
    assert_eq!(left.gateways.len(), 1);
    assert!(!["office", HOME].contains(&left.profile.as_str()));
}

#[tokio::test(start_paused = true)]
async fn the_tray_offers_them_where_there_are_several() {
    let mut fakes = Fakes::with_settings(TWO);
    fakes.tell(Request::TrayHost(true));
    let names = |tray: &Tray| {
        let mut rows = tray.menu.rows.iter();
        rows.find_map(|row| match row {
            MenuItem::Gateways(gateways) => Some(
                gateways
                    .iter()
                    .map(|gateway| (gateway.name.clone(), gateway.in_use))
                    .collect::<Vec<_>>(),
            ),
            MenuItem::Action(_)
            | MenuItem::Switch { .. }
            | MenuItem::Text(_)
            | MenuItem::Group(..)
            | MenuItem::Separator => None,
        })
    };
    let rows = [("home".to_owned(), true), ("Work".to_owned(), false)];
    fakes
        .desktop
        .tray_where(|tray| names(tray).as_deref() == Some(&rows))
        .await;

    fakes.tell(Request::GatewayChosen(ProfileId::parse("office").unwrap()));

    leads_to(&mut fakes, "me@office").await;
    fakes.next_order("Connect").await;
    let id = HOME.to_owned();
    edit(&mut fakes, GatewayEdit::Remove { id }).await.unwrap();
    fakes.desktop.tray_where(|tray| names(tray).is_none()).await;
}
