//! The connection for the `openclaw` command: shown first, and written once.

use super::*;
use std::fs;

#[tokio::test(start_paused = true)]
async fn what_was_shown_is_written_once() {
    let mut fakes = Fakes::start();
    let form = form();
    fakes
        .ask(|reply| Request::SaveSettings { form, reply })
        .await
        .unwrap();

    let view = fakes
        .ask(|reply| Request::ShowOpenclawChange { reply })
        .await
        .unwrap();
    let file = fakes.home().join(".openclaw/openclaw.json");
    assert_eq!(view.path, file.display().to_string());
    assert!(!file.exists(), "it was written before anybody said so");

    let number = view.number;
    let write = |reply| Request::WriteOpenclawChange { number, reply };
    fakes.ask(write).await.unwrap();
    assert!(fs::read_to_string(file).unwrap().contains("me@home"));
    fakes
        .desktop
        .settings_where(|view| view.found.is_some())
        .await;
    let again = fakes.ask(write).await.unwrap_err();
    assert_eq!(again.code, "changeGone");

    let view = fakes.ask(|reply| Request::ShowOpenclawChange { reply });
    assert!(view.await.unwrap().is_none);
}

#[tokio::test(start_paused = true)]
async fn without_a_gateway_elsewhere_there_is_nothing_to_write() {
    let mut fakes = Fakes::start();

    let refused = fakes.ask(|reply| Request::ShowOpenclawChange { reply });

    assert_eq!(refused.await.unwrap_err().code, "openclawNothingToWrite");
}
