//! Voice in the window: turned on by a person, it hears the trigger from a virtual microphone, shows what is
//! being said above everything, and the gateway gets it once, in the conversation that is shown.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::witness::Witness;
use e2e::gateway::{Release, TestGateway};
use e2e::home_server::HomeServer;
use e2e::keyboard::F9;
use e2e::microphone::VirtualMicrophone;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use e2e::webdriver::Window;
use fantoccini::key::Key;
use serde_json::json;

/// From the start of the program to a connection.
const CONNECTED: Duration = Duration::from_secs(30);
/// What is heard or sent within a moment, on a loaded machine.
const SOON: Duration = Duration::from_secs(60);

fn message(words: &str) -> Result<String> {
    let machine = rustix::system::uname();
    let machine = machine.nodename().to_str()?.to_owned();
    Ok(format!(
        "User talked via voice recognition on {machine} - repeat prompt first + remember some words might be incorrectly transcribed.\n\n{words}"
    ))
}

async fn stands(window: &Window, id: &str, state: &str) -> Result<()> {
    let shown = window
        .attribute(&[id], "data-state", SOON, |shown| shown == state)
        .await;
    if shown.is_err() {
        window.picture(&format!("not-{state}")).await?;
    }
    shown.map(drop)
}

/// The key of the conversation that is shown, once it is another one than before.
async fn begins(window: &Window) -> Result<String> {
    let script = "return document.querySelector('[data-testid=session][data-active=true]')\
                  ?.dataset.key ?? null";
    let client = window.client();
    let active = async || -> Result<Option<String>> {
        let key = client.execute(script, vec![]).await?;
        Ok(key.as_str().map(str::to_owned))
    };
    let before = active().await?;
    window.click("sessions-new").await?;
    until("another conversation is shown", SOON, async || {
        Ok(active().await?.filter(|key| Some(key) != before.as_ref()))
    })
    .await
}

/// Waits until the conversation has a message, and returns how often.
async fn arrives(home: &HomeServer, key: &str, message: &str) -> Result<usize> {
    // A gateway may put its own note of the time before what was sent.
    let count = async || -> Result<usize> {
        let texts = home.gateway.user_texts(key).await?;
        Ok(texts.iter().filter(|text| text.ends_with(message)).count())
    };
    let arrived = until("the message", SOON, async || {
        Ok((count().await? > 0).then_some(()))
    })
    .await;
    if let Err(late) = arrived {
        // What was understood instead, if anything was.
        return Err(late.context(format!("{:?}", home.gateway.user_texts(key).await?)));
    }
    count().await
}

#[tokio::test]
async fn what_is_said_to_the_app_is_shown_above_everything_and_arrives_once_where_one_looks()
-> Result<()> {
    // A gateway of its own: triggers are the same for everybody.
    let (ssh, gateway) = tokio::try_join!(
        TestSshServer::start(SshServerConfig::default()),
        TestGateway::start(Release::V4)
    )?;
    let mut home = HomeServer {
        ssh,
        gateway: Arc::new(gateway),
    };
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let microphone = VirtualMicrophone::start(user.home()).await?;
    let mut witness = Witness::connect(&home.gateway).await?;
    let triggers = json!({"triggers": ["hey openclaw"]});
    witness.call("voicewake.set", triggers).await?;
    let window = user.open("voice-window").await?;
    shows_phase(&window, "up", CONNECTED).await?;
    let conversation = begins(&window).await?;

    // Off until a person turns it on; the sounds would come out of the same speaker.
    window.click("nav-voice").await?;
    stands(&window, "voice-state", "off").await?;
    window.click("voice-chimes").await?;
    window.click("voice-wake").await?;
    stands(&window, "voice-state", "listening")
        .await
        .with_context(|| microphone.log())?;
    window.element("voice-level").await?;
    window.picture("listening").await?;

    window.click("nav-chat").await?;
    let said = async {
        microphone
            .say(&["hey open claw", "what is the weather today"])
            .await
    };
    let seen = async {
        stands(&window, "voice-overlay", "listening").await?;
        window.picture("overlay").await
    };
    let (said, seen) = tokio::join!(said, seen);
    said?;
    seen?;
    let spoken = message("what is the weather today")?;
    ensure!(arrives(&home, &conversation, &spoken).await? == 1);
    window
        .shows("chat-page", SOON, |shown| {
            shown.contains("what is the weather today") && shown.contains("Echo: ")
        })
        .await?;
    window.picture("said").await?;

    // While another program has the keyboard, a small window in front of it shows the words.
    let elsewhere = user.desktop().keyboard()?;
    elsewhere.turns_to_another_program()?;
    let said = async { microphone.say(&["hey open claw", "what time is it"]).await };
    let seen = async {
        let main = window.enter_second(SOON).await?;
        window
            .shows("spoken", SOON, |shown| shown.contains("Listening"))
            .await?;
        window.picture("spoken").await?;
        window.back_in(main, SOON).await
    };
    let (said, seen) = tokio::join!(said, seen);
    said?;
    seen?;
    let spoken = message("what time is it")?;
    ensure!(arrives(&home, &conversation, &spoken).await? == 1);

    // The server goes away meanwhile: it waits, with a countdown, and arrives once all the same.
    let said = async {
        microphone
            .say(&["hey open claw", "turn on the light"])
            .await
    };
    let cut = async {
        stands(&window, "voice-overlay", "listening").await?;
        home.ssh.stop();
        stands(&window, "voice-overlay", "waiting").await?;
        window.picture("waiting").await
    };
    let (said, waits) = tokio::join!(said, cut);
    said?;
    waits?;
    let shown = window.element("voice-overlay-text").await?.text().await?;
    ensure!(shown == "turn on the light", "{shown:?}");
    home.ssh.start_again().await?;
    let spoken = message("turn on the light")?;
    ensure!(arrives(&home, &conversation, &spoken).await? == 1);

    // Turned off again, nothing is heard any more.
    window.click("nav-voice").await?;
    stands(&window, "voice-state", "listening").await?;
    window.click("voice-wake").await?;
    stands(&window, "voice-state", "off").await?;

    // Push-to-talk by a key, while another program could have the keyboard.
    window.click("voice-push-to-talk").await?;
    stands(&window, "voice-state", "ready").await?;
    window.click("shortcut-keys").await?;
    let button = window.element("shortcut-keys").await?;
    button.send_keys(&char::from(Key::F9).to_string()).await?;
    window
        .shows("shortcut-keys", SOON, |shown| shown == "F9")
        .await?;
    window.picture("push-to-talk").await?;
    shows_phase(&window, "up", CONNECTED).await?;
    let keyboard = user.desktop().keyboard()?;
    until("the app has the key", SOON, async || {
        Ok(keyboard.is_taken(F9)?.then_some(()))
    })
    .await?;
    keyboard.goes(F9, true)?;
    stands(&window, "voice-state", "capturing").await?;
    microphone.say(&["what is the weather today"]).await?;
    keyboard.goes(F9, false)?;
    until("the second of the same words", SOON, async || {
        let texts = home.gateway.user_texts(&conversation).await?;
        let heard = texts.iter().filter(|text| text.contains("weather")).count();
        Ok((heard == 2).then_some(()))
    })
    .await?;
    stands(&window, "voice-state", "ready").await?;
    Ok(())
}
