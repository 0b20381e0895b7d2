//! Keys that work everywhere: pressed while the app has no window, they bring up Quick Chat, and pressed again they
//! take it away; keys that another program has are said to be, and others can be pressed in their place.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::AppUser;
use e2e::desktop::DesktopParts;
use e2e::keyboard::{ALT, CTRL, F9, SPACE};
use e2e::wait::until;
use fantoccini::key::Key;

const SOON: Duration = Duration::from_secs(60);

#[tokio::test]
async fn keys_bring_quick_chat_from_anywhere_and_say_when_another_program_has_them() -> Result<()> {
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_chosen_this_computer()?;
    let keyboard = user.desktop().keyboard()?;
    let rival = user.desktop().keyboard()?;
    rival.takes_with_ctrl_and_alt(SPACE)?;

    let window = user.open("shortcuts").await?;
    window.click("nav-settings").await?;
    window
        .shows("shortcut-problem", SOON, |shown| {
            shown.contains("Another program has these keys")
        })
        .await?;
    window.click("shortcut-keys").await?;
    window
        .shows("shortcut-keys", SOON, |shown| {
            shown.contains("Press the keys")
        })
        .await?;
    window.picture("pressing").await?;
    let button = window.element("shortcut-keys").await?;
    button.send_keys(&char::from(Key::F9).to_string()).await?;
    window
        .shows("shortcut-keys", SOON, |shown| shown == "F9")
        .await?;
    window.picture("chosen").await?;
    ensure!(!window.has("shortcut-problem").await?, "F9 is free");

    until("the app has the key", SOON, async || {
        Ok(rival.is_taken(F9)?.then_some(()))
    })
    .await?;
    keyboard.types(&[CTRL, ALT, SPACE])?;
    keyboard.types(&[F9])?;
    let main = window
        .enter_second(SOON)
        .await
        .context("the key brings no window")?;
    until("the small window has the keyboard", SOON, async || {
        let focused = window
            .client()
            .execute("return document.hasFocus()", vec![])
            .await?;
        Ok((focused == true).then_some(()))
    })
    .await?;
    keyboard.types(&[F9])?;
    window
        .back_in(main, SOON)
        .await
        .context("the key takes no window away")?;

    window.click("shortcut-remove").await?;
    window
        .shows("shortcut-keys", SOON, |shown| shown.contains("Choose keys"))
        .await?;
    // Nobody has it now: another program can.
    until("the key is free", SOON, async || {
        Ok((!rival.is_taken(F9)?).then_some(()))
    })
    .await?;
    window.close().await
}
