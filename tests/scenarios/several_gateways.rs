//! Two home servers, one app: each gateway gets what was said to it and nothing else, and one that is taken off
//! the list leaves nothing behind.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::{DesktopParts, TrayHost};
use e2e::gateway::{Release, TURN, main_conversation};
use e2e::home_server::HomeServer;
use e2e::ports;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use e2e::webdriver::Window;
use fantoccini::Locator;
use gateway_core::config::{Profile, SettingsFile};
use uuid::Uuid;

/// From a choice to a connection.
const CONNECTED: Duration = Duration::from_secs(30);
/// What needs no server.
const SOON: Duration = Duration::from_secs(20);
/// Where the app talks to a gateway unless told otherwise.
const CONVERSATION: &str = "main";

async fn says(window: &Window, text: &str) -> Result<()> {
    window.click("nav-chat").await?;
    window.fill("chat-input", text).await?;
    window.click("chat-send").await
}

async fn is_answered(window: &Window, text: &str) -> Result<()> {
    let answer = format!("Echo: {text}");
    window
        .shows("chat-page", TURN, |shown| shown.contains(&answer))
        .await
        .map(drop)
}

/// How often a gateway has been told something.
async fn told(home: &HomeServer, text: &str) -> Result<usize> {
    let stored = home.gateway.user_texts(CONVERSATION).await?;
    Ok(stored.iter().filter(|said| said.contains(text)).count())
}

/// Describes a further gateway in the settings, as a person does.
async fn adds(window: &Window, home: &HomeServer) -> Result<()> {
    window.click("nav-settings").await?;
    window.click("gateway-add").await?;
    // Until the new one's empty form is there, this is still the form of the one before.
    until("the form of the new gateway", SOON, async || {
        Ok((!window.has("address").await?).then_some(()))
    })
    .await?;
    window.click("runs-another-computer").await?;
    window.fill("address", &home.ssh.target()).await?;
    window.click("sign-in-key-file").await?;
    let identity = home.ssh.identity().display().to_string();
    window.fill("identity-file", &identity).await?;
    window.fill("token", home.gateway.token()).await?;
    window.unfold("advanced").await?;
    let ports = [
        ("remote-port", home.gateway.port()),
        ("local-port", ports::free_port()?),
    ];
    for (field, port) in ports {
        window.fill(field, &port.to_string()).await?;
    }
    window.picture("described").await?;
    window.click("save").await
}

/// The rows below "Gateways" in the tray's menu.
async fn offered(tray: &TrayHost, count: usize) -> Result<Vec<String>> {
    until("the gateways in the menu", SOON, async || {
        let labels = tray.menu().await?.into_iter().map(|line| line.label);
        let rows: Vec<_> = labels
            .skip_while(|label| label != "Gateways")
            .skip(1)
            .take(count)
            .collect();
        Ok((rows.len() == count).then_some(rows))
    })
    .await
}

fn profiles(user: &AppUser) -> Result<Vec<Profile>> {
    let mut file = SettingsFile::new(user.settings_file());
    file.load()?;
    Ok(file.settings().profiles.clone())
}

#[tokio::test]
async fn each_is_told_what_was_said_to_it_and_nothing_else() -> Result<()> {
    let _alone = main_conversation().await;
    let config = SshServerConfig::default;
    let (mut home, office) = tokio::try_join!(
        HomeServer::with_shared_gateway(Release::V4, config()),
        HomeServer::with_shared_gateway(Release::V3, config()),
    )?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let window = user.open("several-gateways").await?;
    shows_phase(&window, "up", CONNECTED).await?;

    // The home server is away while something is said to it.
    home.ssh.stop();
    shows_phase(&window, "retry_wait", CONNECTED).await?;
    let waits = format!("for home alone {}", Uuid::new_v4());
    says(&window, &waits).await?;
    let half_written = "to be finished at home";
    window.fill("chat-input", half_written).await?;

    adds(&window, &office).await?;
    let fingerprint = office.ssh.host_fingerprint().await?;
    window
        .attribute(&["fingerprint"], "data-value", CONNECTED, |shown| {
            shown == fingerprint
        })
        .await?;
    window.click("trust").await?;
    shows_phase(&window, "up", CONNECTED).await?;
    window.click("nav-settings").await?;
    window
        .shows("gateways", SOON, |text| text.contains("1 message waits"))
        .await?;
    window.picture("list").await?;

    let here = format!("for the office {}", Uuid::new_v4());
    says(&window, &here).await?;
    is_answered(&window, &here).await?;
    let shown = window.text("chat-page").await?;
    ensure!(!shown.contains(&waits), "it is in the wrong conversation");
    ensure!(told(&office, &waits).await? == 0, "the office was told it");

    // Back, from the tray: what waited goes, once, and to nobody else.
    home.ssh.start_again().await?;
    let tray = user.desktop().tray()?;
    let rows = offered(tray, 2).await?;
    tray.click(&rows[0]).await?;
    is_answered(&window, &waits).await?;
    let field = window.element("chat-input").await?;
    let held = field.prop("value").await?;
    ensure!(held.as_deref() == Some(half_written), "it held {held:?}");
    let shown = window.text("chat-page").await?;
    ensure!(!shown.contains(&here), "it is in the wrong conversation");
    for (at, text, times) in [
        (&home, &waits, 1),
        (&home, &here, 0),
        (&office, &waits, 0),
        (&office, &here, 1),
    ] {
        let heard = told(at, text).await?;
        ensure!(heard == times, "{text:?} was told {heard} times");
    }

    // The other one is taken off the list, and its secrets with it.
    let known = user.desktop().keychain_names().await?;
    let [kept, gone] = profiles(&user)?
        .try_into()
        .map_err(|others| anyhow!("{others:?}"))?;
    let gone = gone.id.to_string();
    ensure!(known.iter().any(|name| name.contains(&gone)), "{known:?}");
    window.click("nav-settings").await?;
    let remove = format!("[data-id=\"{gone}\"] [data-testid=\"gateway-remove\"]");
    window
        .client()
        .find(Locator::Css(&remove))
        .await?
        .click()
        .await?;
    window.picture("remove").await?;
    window.click("dialog-confirm").await?;
    until("a keychain without it", SOON, async || {
        let names = user.desktop().keychain_names().await?;
        Ok((!names.iter().any(|name| name.contains(&gone))).then_some(()))
    })
    .await?;
    ensure!(profiles(&user)? == [kept], "the other was changed");
    shows_phase(&window, "up", SOON).await?;
    window.close().await
}
