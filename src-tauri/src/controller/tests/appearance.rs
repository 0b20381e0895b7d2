//! The language and theme a person chooses: taken over at once, outside the window too.

use super::{fakes::Fakes, *};
use crate::tray::MenuItem;

#[tokio::test(start_paused = true)]
async fn a_theme_holds_from_the_start_and_from_each_save() {
    let mut fakes =
        Fakes::with_settings("{ version: 1, theme: 'dark', profiles: [ { id: 'home' } ] }");
    assert_eq!(fakes.desktop.theme().await, Theme::Dark);

    let saved = fakes
        .ask(|reply| Request::SaveSettings {
            form: SettingsForm {
                theme: Theme::Light,
                ..form()
            },
            reply,
        })
        .await;

    assert!(saved.is_ok());
    assert_eq!(fakes.desktop.theme().await, Theme::Light);
    assert!(fakes.file().contains("light"), "{}", fakes.file());
}

#[tokio::test(start_paused = true)]
async fn the_tray_speaks_the_chosen_language_at_once() {
    let mut fakes = Fakes::start();
    fakes.tell(Request::TrayHost(true));
    let says = |tray: &Tray, words: &str| tray.menu.rows[0] == MenuItem::Text(words.to_owned());
    fakes
        .desktop
        .tray_where(|tray| says(tray, "Not connected"))
        .await;

    let saved = fakes
        .ask(|reply| Request::SaveSettings {
            form: SettingsForm {
                language: Language::Danish,
                ..form()
            },
            reply,
        })
        .await;

    assert!(saved.is_ok());
    fakes
        .desktop
        .tray_where(|tray| says(tray, "Ikke forbundet"))
        .await;
    let shown = fakes
        .desktop
        .settings_where(|view| view.language == Language::Danish)
        .await;
    assert_eq!(shown.theme, Theme::System);
}
