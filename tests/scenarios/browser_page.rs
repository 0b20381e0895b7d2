//! The same UI in a browser, served by our own gateway: signed in by a link once, and by what the
//! browser keeps from then on.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::chromium::{Browser, FOREIGN_NAME};
use e2e::our_gateway::OurGateway;
use e2e::plain_http::PlainHttpServer;
use e2e::temp_home::TempHome;
use e2e::wait::until;
use e2e::webdriver::Window;
use fantoccini::Locator;
use serde_json::json;

/// From the address to the drawn page, on a loaded machine.
const DRAWN: Duration = Duration::from_secs(60);
/// How long the helper may take: it asks no model.
const ANSWER: Duration = Duration::from_secs(30);
/// The longest delay before an attempt, and the attempt.
const BACK: Duration = Duration::from_secs(45);

async fn is_up(window: &Window, limit: Duration) -> Result<()> {
    let marks = ["rail-state", "state"];
    window
        .attribute(&marks, "data-phase", limit, |phase| phase == "up")
        .await?;
    Ok(())
}

async fn say(window: &Window, text: &str) -> Result<()> {
    window.fill("chat-input", text).await?;
    window.click("chat-send").await
}

/// Waits until some reply holds `text`: the page may show several.
async fn replies(window: &Window, text: &str, limit: Duration) -> Result<()> {
    until(&format!("a reply with {text:?}"), limit, async || {
        for reply in of(window, "chat-assistant").await? {
            if reply.contains(text) {
                return Ok(Some(()));
            }
        }
        Ok(None)
    })
    .await
}

async fn of(window: &Window, testid: &str) -> Result<Vec<String>> {
    let selector = format!("[data-testid=\"{testid}\"]");
    let mut texts = Vec::new();
    for element in window.client().find_all(Locator::Css(&selector)).await? {
        // The page may redraw between finding an element and reading it.
        texts.extend(element.text().await.ok());
    }
    Ok(texts)
}

async fn refused_as(window: &Window, code: &str) -> Result<String> {
    window.element_within("sign-in-page", DRAWN).await?;
    window
        .attribute(&["problem"], "data-code", DRAWN, |shown| shown == code)
        .await?;
    window.text("problem").await
}

#[tokio::test]
async fn a_link_signs_a_browser_in_which_then_comes_back_by_itself() -> Result<()> {
    let mut gateway = OurGateway::prepare()?.logging_everything();
    gateway.start_again().await?;
    let home = TempHome::new()?;
    let browser = Browser::open("browser-page", &home).await?;
    let window = browser.window();
    let link = gateway.link().await?;
    browser.go(&link).await?;
    window.element_within("chat-page", DRAWN).await?;
    is_up(window, DRAWN).await?;
    let shown = window.client().current_url().await?;
    ensure!(
        shown.as_str() == gateway.page(),
        "the code is still in {shown}"
    );

    say(window, "status").await?;
    replies(window, "the built-in helper", ANSWER).await?;
    window.picture("chat-light").await?;
    browser.prefers("dark").await?;
    window.picture("chat-dark").await?;
    window.click("nav-server").await?;
    window.click("run-check").await?;
    window
        .shows("check-summary", ANSWER, |text| {
            text.contains("Every step is well")
        })
        .await?;
    let version = window.text("gateway-version").await?;
    ensure!(!version.is_empty(), "no version is shown");
    ensure!(
        !window.has("nav-settings").await?,
        "settings of the desktop are shown"
    );
    window.picture("server-dark").await?;
    browser.prefers("light").await?;
    window.picture("server-light").await?;
    let complaints = browser.complaints().await?;
    ensure!(complaints.is_empty(), "{complaints:#?}");

    // What is written while the gateway is away goes out once when it is back.
    window.click("nav-chat").await?;
    let mut logged = gateway.stop_and_read().await?;
    window
        .attribute(&["rail-state"], "data-phase", DRAWN, |phase| phase != "up")
        .await?;
    say(window, "what can you do?").await?;
    until("the message to wait", DRAWN, async || {
        let states = of(window, "chat-send-state").await?;
        Ok(states
            .iter()
            .any(|state| state.contains("Waits"))
            .then_some(()))
    })
    .await?;
    window.picture("away").await?;
    gateway.start_again().await?;
    is_up(window, BACK).await?;
    replies(window, "models.providers", ANSWER).await?;
    let sent = of(window, "chat-user").await?;
    ensure!(sent.len() == 2, "{sent:#?}");

    // The browser has a token of its own by now; the link would not be taken again.
    window.client().refresh().await?;
    is_up(window, DRAWN).await?;
    replies(window, "models.providers", ANSWER).await?;
    let refused: Vec<String> = browser
        .complaints()
        .await?
        .into_iter()
        // A socket that finds nobody is told to the console by the browser itself.
        .filter(|line| !line.contains("WebSocket connection to"))
        .collect();
    ensure!(refused.is_empty(), "{refused:#?}");
    browser.close().await?;

    let code = link.rsplit('=').next().unwrap_or_default();
    logged += &gateway.stop_and_read().await?;
    ensure!(!logged.contains(code), "the code is in the log");
    Ok(())
}

#[tokio::test]
async fn a_link_that_was_used_says_so_and_the_token_signs_in_instead() -> Result<()> {
    let mut gateway = OurGateway::start().await?;
    let (first_home, home) = (TempHome::new()?, TempHome::new()?);
    let link = gateway.link().await?;
    let first = Browser::open("browser-page-first", &first_home).await?;
    first.go(&link).await?;
    is_up(first.window(), DRAWN).await?;
    first.close().await?;

    let browser = Browser::open("browser-page-refused", &home).await?;
    let window = browser.window();
    browser.go(&link).await?;
    let why = refused_as(window, "browserCodeUsed").await?;
    ensure!(
        why.contains("signed somebody in already") && why.contains("openclaw dashboard"),
        "{why}"
    );
    window.picture("used-light").await?;
    browser.prefers("dark").await?;
    window.picture("used-dark").await?;

    browser.go(&gateway.page()).await?;
    window.element_within("sign-in-page", DRAWN).await?;
    ensure!(
        !window.has("problem").await?,
        "coming with nothing is no fault"
    );
    window.picture("nothing-dark").await?;
    window.fill("sign-in-token", "not the token").await?;
    window.click("sign-in-submit").await?;
    refused_as(window, "browserTokenRefused").await?;
    window.fill("sign-in-token", gateway.token()).await?;
    window.click("sign-in-submit").await?;
    is_up(window, DRAWN).await?;
    let complaints = browser.complaints().await?;
    ensure!(complaints.is_empty(), "{complaints:#?}");

    // The token itself is kept nowhere: a token of this browser's own takes its place.
    browser.go(&gateway.page()).await?;
    is_up(window, DRAWN).await?;
    window.click("nav-server").await?;
    window
        .shows("credential", DRAWN, |text| {
            text.contains("this device's token")
        })
        .await?;
    window.click("sign-out").await?;
    window.element_within("sign-in-page", DRAWN).await?;
    browser.go(&gateway.page()).await?;
    window.element_within("sign-in-page", DRAWN).await?;
    browser.close().await?;
    gateway.stop().await
}

/// What a page of somebody else can try from a browser on this computer. It answers with what it got.
const FOREIGN_PAGE: &str = r#"
    const [port, token, done] = arguments;
    const client = {id: "webchat-ui", version: "1", platform: "web", mode: "webchat"};
    const params = {minProtocol: 4, maxProtocol: 4, client, auth: {token}};
    const read = fetch(`http://127.0.0.1:${port}/`).then(() => "read", () => "refused");
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    const told = new Promise((resolve) => {
        socket.onmessage = ({data}) => {
            const frame = JSON.parse(data);
            if (frame.event === "connect.challenge") {
                socket.send(JSON.stringify({type: "req", id: "1", method: "connect", params}));
            } else resolve(frame.error?.details?.code ?? "let in");
        };
        socket.onclose = () => resolve("closed");
    });
    Promise.all([read, told]).then(done);
"#;

#[tokio::test]
async fn pages_and_names_of_others_get_nothing() -> Result<()> {
    let mut gateway = OurGateway::start().await?;
    let other = PlainHttpServer::start()?;
    let home = TempHome::new()?;
    let browser = Browser::open("browser-page-foreign", &home).await?;
    browser
        .go(&format!("http://127.0.0.1:{}/", other.port()))
        .await?;
    let got = browser
        .window()
        .client()
        .execute_async(
            FOREIGN_PAGE,
            vec![json!(gateway.port()), json!(gateway.token())],
        )
        .await?;
    ensure!(
        got == json!(["refused", "CONTROL_UI_ORIGIN_NOT_ALLOWED"]),
        "{got}"
    );

    // A name of somebody else that leads here.
    browser
        .go(&format!("http://{FOREIGN_NAME}:{}/", gateway.port()))
        .await?;
    let got = browser.window().client().source().await?;
    ensure!(got.contains("does not belong to this host name"), "{got}");
    browser.close().await?;

    let (status, page) = e2e::http::get(gateway.port(), "/").await?;
    let head = page.to_ascii_lowercase();
    ensure!(status == 200, "{page}");
    for field in [
        "content-security-policy: default-src 'none';",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
    ] {
        ensure!(head.contains(field), "no {field} in {head}");
    }
    ensure!(
        !head.contains("<script>") && !head.contains("unsafe-"),
        "{head}"
    );
    gateway.stop().await
}
