//! Thousands of messages that try to become a part of the page, said by a person and repeated by the
//! agent, in the real window and in a browser: they stay words.
//!
//! `ui/tests/hostile.mjs` makes them; every third of them is said here, and all of them where `E2E_HOSTILE_EVERY`
//! is 1, as in `make soak`. (The pages' own tests draw all of them, in no real browser.) The page is watched from before the first of them: what they call,
//! what the content policy had to refuse, what was asked of the app or of the network, where the page is.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::chromium::Browser;
use e2e::desktop::DesktopParts;
use e2e::gateway::model_config;
use e2e::long_runs::from_env;
use e2e::model_provider::ModelProvider;
use e2e::our_gateway::OurGateway;
use e2e::process::Program;
use e2e::temp_home::TempHome;
use e2e::tools;
use e2e::wait::until;
use e2e::webdriver::Window;
use serde_json::{Value, json};

/// From the start of the program or the address to a connected chat.
const UP: Duration = Duration::from_secs(90);
/// One message and its answer, on a loaded machine.
const TURN: Duration = Duration::from_secs(60);
/// How long making the messages may take.
const MADE: Duration = Duration::from_secs(60);
/// How many go into one text: the page shows the last 200 messages of a conversation.
const TOGETHER: &str = "90";
/// Which of them are said, unless told otherwise: every third.
const EVERY: u64 = 3;
/// How many there are at least.
const IN_ALL: u64 = 2_000;

/// Watches the page; has to run before anything hostile is drawn.
const WATCH: &str = r#"
    const seen = { pwned: [], reports: [], asked: [], left: [] };
    window.seen = seen;
    for (const name of ["pwned", "alert", "confirm", "prompt", "open", "eval"]) {
        window[name] = (...told) => void seen.pwned.push(`${name}(${told})`);
    }
    document.addEventListener("securitypolicyviolation", (event) =>
        seen.reports.push(`${event.violatedDirective} ${event.blockedURI}`));
    window.addEventListener("beforeunload", () => seen.left.push("beforeunload"));
    document.addEventListener("submit", (event) =>
        event.target.closest("[data-testid=chat-log]") && seen.left.push("submit"), true);
    new PerformanceObserver((list) => {
        for (const { name } of list.getEntries()) seen.asked.push(name);
    }).observe({ type: "resource", buffered: false });
    return true;
"#;

/// Does to everything in the conversation what a person might, short of clicking what asks or sends, and
/// tells what the page has become.
const LOOK: &str = r##"
    const done = arguments[arguments.length - 1];
    const TAGS = new Set(["A", "BLOCKQUOTE", "BR", "BUTTON", "CODE", "DEL", "DETAILS", "DIV", "EM",
        "FIGCAPTION", "FIGURE", "HR", "I", "IMG", "LI", "OL", "P", "PRE", "SPAN", "STRONG", "SUMMARY", "SUP",
        "TABLE", "TBODY", "TD", "TH", "THEAD", "TIME", "TR", "UL", "path", "svg"]);
    const ATTRIBUTES = /^(class|role|tabindex|title|dir|start|scope|alt|type|id|open|datetime|viewBox|width|height|fill|stroke|stroke-\w+|d|(data|aria)-[\w-]+)$/;
    const log = document.querySelector("[data-testid=chat-log]");
    const elements = [...log.querySelectorAll("*")];
    const strange = [];
    for (const element of elements) {
        if (!TAGS.has(element.tagName)) strange.push(`<${element.tagName}>`);
        for (const { name, value } of element.attributes) {
            const isPicture = element.tagName === "IMG" && name === "src" && value.startsWith("data:image/");
            if (!ATTRIBUTES.test(name) && !isPicture) strange.push(`${element.tagName} ${name}=${value}`);
        }
    }
    const askedBefore = window.seen.asked.length;
    const pokes = ["mouseover", "mouseenter", "mousemove", "pointerover", "focus", "focusin", "dblclick",
        "dragstart", "load", "error", "toggle", "animationstart", "transitionend", "begin", "auxclick"];
    for (const element of elements) {
        for (const poke of pokes) element.dispatchEvent(new Event(poke, { bubbles: true }));
    }
    const links = [...log.querySelectorAll("[data-testid=chat-link]")];
    const refused = links.map((link) => link.title)
        .filter((address) => !/^(https?:\/\/[^/]|mailto:[^?])/.test(address));
    setTimeout(() => done({
        ...window.seen, strange: [...new Set(strange)].slice(0, 20), refused: refused.slice(0, 20),
        elements: elements.length, links: links.length, askedBefore,
        words: log.textContent.length, at: location.href, title: document.title,
        names: ["app", "x", "e"].filter((name) => document.querySelectorAll(`#${name}`).length > 1),
    }), 1500);
"##;

struct Hostile {
    count: u64,
    /// Every how many-th of all there are it is.
    every: u64,
    texts: Vec<String>,
}

async fn hostile() -> Result<Hostile> {
    let every = from_env("E2E_HOSTILE_EVERY", EVERY)?;
    let printed = Program::new(tools::node()?)
        .arg(tools::checkout().join("ui/tests/hostile.mjs"))
        .arg(TOGETHER)
        .arg(every.to_string())
        .run(MADE)
        .await?
        .ok()?;
    let made: Value = serde_json::from_str(&printed)?;
    let texts = made["texts"].as_array().context("no texts")?;
    Ok(Hostile {
        count: made["count"].as_u64().context("no count")?,
        every,
        texts: texts
            .iter()
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect(),
    })
}

/// A model that repeats what it is told, as the agent's only one.
fn use_provider(home: &Path, provider: &ModelProvider) -> Result<()> {
    let mut config = model_config(provider);
    // All of it has to fit.
    config["models"]["providers"]["offline"]["models"][0]["contextWindow"] = json!(100_000_000);
    config["gateway"] = json!({"mode": "local"});
    let folder = home.join(".openclaw");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("openclaw.json"), config.to_string())?;
    Ok(())
}

async fn counted(window: &Window, testid: &str) -> Result<u64> {
    let script = "return document.querySelectorAll(`[data-testid=${arguments[0]}]`).length";
    let count = window.client().execute(script, vec![testid.into()]).await?;
    count.as_u64().context("no count")
}

/// Says all of it, waits for the answers, and returns what the page has become.
async fn talk(window: &Window, hostile: &Hostile) -> Result<Value> {
    const SAY: &str = r#"
        const field = document.querySelector("[data-testid=chat-input]");
        field.value = arguments[0];
        field.dispatchEvent(new Event("input", { bubbles: true }));
        requestAnimationFrame(() => document.querySelector("[data-testid=chat-send]").click());
    "#;
    window.client().execute(WATCH, Vec::new()).await?;
    for (before, text) in hostile.texts.iter().enumerate() {
        let said = json!(format!("REPEAT\n\n{text}"));
        window.client().execute(SAY, vec![said]).await?;
        until("the answer", TURN, async || {
            let answers = counted(window, "chat-assistant").await?;
            let running = counted(window, "chat-running").await?;
            Ok((answers > before as u64 && running == 0).then_some(()))
        })
        .await
        .with_context(|| format!("text {before}"))?;
    }
    let seen = window.client().execute_async(LOOK, Vec::new()).await?;
    window.picture("hostile").await?;
    Ok(seen)
}

#[expect(clippy::print_stdout, reason = "the figures are what this is for")]
fn judge(hostile: &Hostile, seen: &Value, origin: &str) -> Result<()> {
    println!(
        "{} hostile messages, said and repeated, in {} elements with {} links: called {}, refused by the \
         content policy {}",
        hostile.count, seen["elements"], seen["links"], seen["pwned"], seen["reports"],
    );
    ensure!(
        hostile.count * hostile.every >= IN_ALL,
        "only {} messages",
        hostile.count
    );
    // They are all there, said by two: nothing was swallowed.
    let words: usize = hostile.texts.iter().map(String::len).sum();
    ensure!(
        seen["words"].as_u64().unwrap_or(0) as usize > words,
        "{} of {words} letters are shown: {seen}",
        seen["words"]
    );
    ensure!(
        seen["links"].as_u64() > Some(100),
        "no links are left: {seen}"
    );
    for empty in ["pwned", "reports", "left", "strange", "refused", "names"] {
        ensure!(seen[empty] == json!([]), "{empty}: {seen}");
    }
    let asked = seen["asked"].as_array().context("no list")?;
    for address in asked.iter().filter_map(Value::as_str) {
        let is_ours = address.starts_with(origin) || address.starts_with("data:image/");
        let is_app = ["ipc://localhost/", "tauri://localhost/"];
        ensure!(
            is_ours || is_app.iter().any(|begin| address.starts_with(begin)),
            "{address} was asked for"
        );
    }
    // Looking at it, pointing at it and all that: nothing was asked of anybody.
    let since = asked.len() as u64 - seen["askedBefore"].as_u64().unwrap_or(0);
    ensure!(
        since == 0,
        "{since} requests since it was looked at: {seen}"
    );
    let at = seen["at"].as_str().unwrap_or_default();
    ensure!(at.starts_with(origin), "the page is at {at}");
    Ok(())
}

/// A link is not followed: a person sees first where it leads.
async fn asks_before_it_leaves(window: &Window) -> Result<()> {
    let click = "document.querySelector(`[data-testid=chat-link][title^='https://localhost@pwned.invalid']`).click()";
    window.client().execute(click, Vec::new()).await?;
    window
        .shows("link-host", UP, |host| host == "pwned.invalid")
        .await?;
    window.picture("asks").await?;
    Ok(())
}

#[tokio::test]
async fn hostile_messages_stay_words_in_the_window() -> Result<()> {
    let hostile = hostile().await?;
    let provider = ModelProvider::start()?;
    let user = AppUser::new(DesktopParts::default()).await?;
    use_provider(&user.home().home(), &provider)?;
    user.has_chosen_this_computer()?;
    let window = user.open("hostile-window").await?;
    shows_phase(&window, "up", UP).await?;
    let seen = talk(&window, &hostile).await?;
    judge(&hostile, &seen, "tauri://localhost")?;
    asks_before_it_leaves(&window).await?;
    window.close().await
}

#[tokio::test]
async fn hostile_messages_stay_words_in_a_browser() -> Result<()> {
    let hostile = hostile().await?;
    let provider = ModelProvider::start()?;
    let mut gateway = OurGateway::prepare()?;
    use_provider(&gateway.home().home(), &provider)?;
    gateway.start_again().await?;
    let home = TempHome::new()?;
    let browser = Browser::open("hostile-browser", &home).await?;
    browser.go(&gateway.link().await?).await?;
    let window = browser.window();
    window
        .attribute(&["rail-state", "state"], "data-phase", UP, |phase| {
            phase == "up"
        })
        .await?;
    let seen = talk(window, &hostile).await?;
    judge(&hostile, &seen, &gateway.page())?;
    asks_before_it_leaves(window).await?;
    let complaints = browser.complaints().await?;
    ensure!(complaints.is_empty(), "{complaints:#?}");
    browser.close().await
}
