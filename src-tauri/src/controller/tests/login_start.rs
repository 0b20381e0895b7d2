//! Starting at login: off until it is asked for, and shown as the system has it.

use super::{fakes::Fakes, *};

async fn save(fakes: &mut Fakes, start_at_login: bool) -> Result<(), Vec<FieldError>> {
    fakes
        .ask(|reply| Request::SaveSettings {
            form: SettingsForm {
                start_at_login,
                ..form()
            },
            reply,
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn it_is_off_until_asked_for_and_gone_when_it_is_taken_back() {
    let mut fakes = Fakes::start();
    let entry = fakes
        .home()
        .join(".config/autostart/dev.openclawtray.desktop.desktop");
    fakes.tell(Request::ResendAll);
    assert!(!fakes.desktop.settings().await.start_at_login);

    assert_eq!(save(&mut fakes, true).await, Ok(()));
    assert!(fakes.desktop.settings().await.start_at_login);
    assert!(entry.exists());

    assert_eq!(save(&mut fakes, false).await, Ok(()));
    assert!(!fakes.desktop.settings().await.start_at_login);
    assert!(!entry.exists());
}

#[tokio::test(start_paused = true)]
async fn what_the_system_does_not_take_is_said_and_nothing_is_saved() {
    let mut fakes = Fakes::start();
    std::fs::create_dir_all(fakes.home().join(".config")).unwrap();
    std::fs::write(fakes.home().join(".config/autostart"), "in the way").unwrap();

    let refused = save(&mut fakes, true).await.unwrap_err();

    assert_eq!(refused[0].field, "startAtLogin");
    assert_eq!(fakes.file(), FIRST_START);
}
