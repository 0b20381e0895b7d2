//! Setup codes and `openclaw://` links: shown with where they lead, and used only when a person says so.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::app::{AppUser, shows_phase};
use e2e::canaries::{Canary, Search};
use e2e::desktop::DesktopParts;
use e2e::fault_proxy::FaultProxy;
use e2e::gateway::{Release, TestGateway};
use e2e::our_gateway::OurGateway;
use e2e::wait::{throughout, until};
use e2e::webdriver::Window;
use fantoccini::key::Key;

/// What needs no server.
const SOON: Duration = Duration::from_secs(20);
/// From a word to a connection.
const CONNECTED: Duration = Duration::from_secs(30);
/// Long enough to dial anything.
const WHILE: Duration = Duration::from_secs(3);

/// The words that differ between the languages of the window.
struct Words {
    locale: &'static str,
    title: &'static str,
    brings: &'static str,
    lets_in: &'static str,
}

const ENGLISH: Words = Words {
    locale: "C.UTF-8",
    title: "Use this gateway?",
    brings: "The gateway's token",
    lets_in: "let us in with: the gateway token",
};
const DANISH: Words = Words {
    locale: "da_DK.UTF-8",
    title: "Vil du bruge denne gateway?",
    brings: "Gatewayens token",
    lets_in: "lukkede os ind med: gatewayens token",
};

fn link(port: u16, token: &str) -> String {
    format!("openclaw://gateway?host=127.0.0.1&port={port}&tls=0&name=Home&token={token}")
}

/// The gateway with a door in front of it that counts who comes.
fn door_to(port: u16) -> Result<FaultProxy> {
    FaultProxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// Opens a link as the system does while the app runs.
async fn opens(user: &AppUser, link: &str) -> Result<()> {
    let again = user.launch_with(&[link], &[])?;
    let status = again.ended(SOON).await?;
    ensure!(status.success(), "{}{}", again.stdout(), again.stderr());
    Ok(())
}

async fn asks(window: &Window, words: &Words, parts: &[&str]) -> Result<()> {
    let shown = window
        .shows("dialog", SOON, |text| text.contains(words.title))
        .await?;
    for part in parts {
        ensure!(shown.contains(part), "{part:?} is not in {shown:?}");
    }
    Ok(())
}

async fn nobody_comes(door: &FaultProxy) -> Result<()> {
    throughout("nothing is dialled", WHILE, async || {
        Ok(door.accepted() == 0)
    })
    .await
}

async fn a_link_while_the_app_runs(words: &Words) -> Result<()> {
    let gateway = TestGateway::shared(Release::V4).await?;
    let door = door_to(gateway.port())?;
    let user = AppUser::new(DesktopParts::default())
        .await?
        .at_trace()
        .speaks(words.locale);
    let window = user
        .open(&format!("setup-link-{}", &words.locale[..2]))
        .await?;
    window.element("first-run").await?;
    let link = link(door.port(), gateway.token());

    // Cancel forgets it.
    opens(&user, &link).await?;
    let port = door.port().to_string();
    asks(&window, words, &["127.0.0.1", &port, words.brings, "Home"]).await?;
    window.picture("asked").await?;
    nobody_comes(&door).await?;
    window.click("dialog-cancel").await?;
    nobody_comes(&door).await?;
    ensure!(!window.has("dialog").await?, "the dialog is still there");
    let names = user.desktop().keychain_names().await?;
    ensure!(
        !names.iter().any(|name| name.contains("gatewayToken")),
        "{names:?}"
    );

    // A word is enough for everything else.
    opens(&user, &link).await?;
    asks(&window, words, &["127.0.0.1"]).await?;
    nobody_comes(&door).await?;
    window.click("invitation-accept").await?;
    window
        .attribute(&["first-run"], "data-step", SOON, |step| step == "check")
        .await?;
    window
        .shows("first-run", CONNECTED, |text| text.contains(words.lets_in))
        .await?;
    shows_phase(&window, "up", CONNECTED).await?;
    window.picture("checked").await?;
    let names = user.desktop().keychain_names().await?;
    ensure!(
        names.iter().any(|name| name.contains("gatewayToken")),
        "{names:?}"
    );

    let canaries = vec![Canary::new("gateway token", gateway.token())?];
    let search = Search::new(canaries, Vec::new());
    search.window_leaves_nothing(window, user.home()).await
}

#[tokio::test]
async fn a_link_is_asked_about_and_then_checked() -> Result<()> {
    a_link_while_the_app_runs(&ENGLISH).await
}

#[tokio::test]
async fn a_link_is_asked_about_in_danish_too() -> Result<()> {
    a_link_while_the_app_runs(&DANISH).await
}

#[tokio::test]
async fn a_link_that_starts_the_app_is_in_nobodys_sight() -> Result<()> {
    let token = "canary-token-of-a-link-0123456789";
    let door = door_to(9)?;
    let user = AppUser::new(DesktopParts::default()).await?.at_trace();
    let running = user.launch_with(&[&link(door.port(), token)], &[])?;
    let command_line = format!("/proc/{}/cmdline", running.pid());
    until("a command line without the link", SOON, async || {
        let arguments = std::fs::read_to_string(&command_line)?;
        Ok(arguments.contains("--link-on-stdin").then_some(()))
    })
    .await?;
    until("the window", SOON, async || {
        let log = std::fs::read_to_string(user.log_file()).unwrap_or_default();
        Ok(log.contains("the window has loaded").then_some(()))
    })
    .await
    .with_context(|| running.last_lines(20))?;
    nobody_comes(&door).await?;
    let mut search = Search::new(vec![Canary::new("token in a link", token)?], Vec::new());
    search.process(running.pid())?;
    search.text("what was printed", running.stderr().as_bytes());
    drop(running);
    search.home_holds_nothing(user.home())
}

#[tokio::test]
async fn a_setup_code_that_is_pasted_signs_in_once_and_is_gone_then() -> Result<()> {
    let gateway = OurGateway::start().await?;
    let user = AppUser::new(DesktopParts::default()).await?.at_trace();
    let window = user.open("setup-code").await?;
    window.element("first-run").await?;
    window.click("runs-another-computer").await?;
    window.click("first-run-next").await?;

    let made = gateway.link().await?;
    let (_, code) = made.split_once("#code=").context("no code")?;
    let json = format!(r#"{{"url":"{}","bootstrapToken":"{code}"}}"#, gateway.url());
    let setup_code = URL_SAFE_NO_PAD.encode(json);
    window.fill("address", &setup_code).await?;
    let field = window.element("address").await?;
    field.send_keys(&char::from(Key::Tab).to_string()).await?;
    let port = gateway.port().to_string();
    asks(
        &window,
        &ENGLISH,
        &["127.0.0.1", &port, "signs this device in once"],
    )
    .await?;
    window.picture("asked").await?;
    let left = window.element("address").await?.prop("value").await?;
    ensure!(
        left.as_deref() == Some(""),
        "something of it is left in the field"
    );
    window.click("invitation-accept").await?;
    shows_phase(&window, "up", CONNECTED).await?;
    window.picture("connected").await?;

    let names = user.desktop().keychain_names().await?;
    let kept = |kind: &str| names.iter().any(|name| name.contains(kind));
    ensure!(kept("deviceToken"), "{names:?}");
    ensure!(!kept("singleUseCode"), "{names:?}");
    let canaries = vec![
        Canary::new("code", code)?,
        Canary::new("setup code", &setup_code)?,
    ];
    let search = Search::new(canaries, Vec::new());
    search.window_leaves_nothing(window, user.home()).await
}
