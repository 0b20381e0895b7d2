//! One of the two windows that show the same conversations: ours (WebKitGTK) or the official gateway's own
//! page (Chromium), and what can be done in either.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::chromium::Browser;
use e2e::desktop::DesktopParts;
use e2e::gateway::TestGateway;
use e2e::temp_home::TempHome;
use e2e::wait::until;
use e2e::webdriver::Window;
use fantoccini::Locator;
use fantoccini::key::Key;
use fantoccini::wd::TimeoutConfiguration;
use serde_json::{Value, json};

use crate::conversations::{ALL, CONVERSATIONS, last_words, name};

/// From the start of a window to a connected one.
const UP: Duration = Duration::from_secs(90);
/// What a busy gateway does at last.
const SOON: Duration = Duration::from_secs(60);

/// How long a page that hardly moves may take over what takes seconds.
const SCRIPT: Duration = Duration::from_secs(200);

/// The functions that measure, for every page.
const PAGE: &str = include_str!("page.js");

/// How large the page of our window is, in pixels.
const PAGE_SIZE: [u32; 2] = [980, 700];

/// Which window it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Official,
    Ours,
}

/// What holds a window while it is open.
enum Holder {
    Ours(Box<(Window, AppUser)>),
    Official(Box<(Browser, TempHome)>),
}

/// An open window.
pub(crate) struct Side {
    pub(crate) kind: Kind,
    holder: Holder,
}

impl Side {
    /// Opens a window that has never shown anything, and waits until all conversations are listed.
    pub(crate) async fn open(kind: Kind, gateway: &TestGateway) -> Result<Self> {
        let holder = match kind {
            Kind::Ours => ours(gateway).await?,
            Kind::Official => official(gateway).await?,
        };
        let side = Self { kind, holder };
        let client = side.window().client();
        let patient = TimeoutConfiguration::new(Some(SCRIPT), None, None);
        client.update_timeouts(patient).await?;
        client.execute(PAGE, Vec::new()).await?;
        for index in 0..ALL {
            let link = side.link(index);
            let listed = until("a conversation in the list", UP, async || {
                let script = "return document.querySelector(arguments[0]) !== null";
                let found = side.window().client();
                let found = found.execute(script, vec![link.clone().into()]).await?;
                Ok((found == Value::Bool(true)).then_some(()))
            });
            if listed.await.is_err() {
                let picture = side.window().picture("not-listed").await?;
                anyhow::bail!("{link} is not listed, see {}", picture.display());
            }
        }
        Ok(side)
    }

    pub(crate) fn window(&self) -> &Window {
        match &self.holder {
            Holder::Ours(ours) => &ours.0,
            Holder::Official(official) => official.0.window(),
        }
    }

    /// Where its page has what is looked at.
    fn selectors(&self) -> Value {
        match self.kind {
            Kind::Ours => json!({
                "scroller": "[data-testid=chat-scroller]",
                "message": "[data-testid=chat-user], [data-testid=chat-assistant]",
                "field": "[data-testid=chat-input]",
            }),
            Kind::Official => json!({
                "scroller": ".chat-pane-cache__pane--active .chat-thread",
                "message": ".chat-bubble",
                "field": ".chat-pane-cache__pane--active textarea[aria-label=\"Chat composer\"]",
            }),
        }
    }

    fn link(&self, index: usize) -> String {
        let name = name(index);
        match self.kind {
            Kind::Ours => {
                format!(
                    "[data-testid=session][data-key=\"agent:main:{name}\"] [data-testid=session-open]"
                )
            }
            Kind::Official => format!("a.sidebar-recent-session__link[href=\"/chat/main/{name}\"]"),
        }
    }

    /// Calls a function of `page.js`, whose first argument is where things are.
    async fn ask(&self, function: &str, arguments: &[Value]) -> Result<Value> {
        const CALL: &str = "const [name, given, done] = arguments; \
            (async () => window.bench[name](...given))() \
            .then((told) => done({ told }), (error) => done({ failed: String(error) }));";
        let given: Vec<Value> = [&[self.selectors()], arguments].concat();
        let call = vec![function.into(), given.into()];
        let mut answer = self.window().client().execute_async(CALL, call).await?;
        if !answer["failed"].is_null() {
            let picture = self.window().picture(function).await?;
            anyhow::bail!(
                "{function}: {}, see {}",
                answer["failed"],
                picture.display()
            );
        }
        Ok(answer["told"].take())
    }

    async fn figures(&self, function: &str, arguments: &[Value]) -> Result<Vec<f64>> {
        let told = self.ask(function, arguments).await?;
        let figures = told.as_array().context("no list of figures")?;
        ensure!(!figures.is_empty(), "{function} told no figures");
        figures
            .iter()
            .map(|figure| figure.as_f64().context("not a figure"))
            .collect()
    }

    /// Clicks a conversation; tells how long it took until its last message was drawn, in ms.
    pub(crate) async fn click(&self, index: usize) -> Result<f64> {
        let given = [self.link(index).into(), last_words(index).into()];
        let took = self.ask("open", &given).await?;
        took.as_f64().context("not a figure")
    }

    /// Opens a conversation without timing it.
    pub(crate) async fn show(&self, index: usize) -> Result<()> {
        let script = "document.querySelector(arguments[0]).click()";
        let link = vec![self.link(index).into()];
        self.window().client().execute(script, link).await?;
        self.shows(&last_words(index)).await
    }

    /// Scrolls up and down again; tells how long each frame took, in ms.
    pub(crate) async fn scroll(&self, seconds: f64, pixels_a_second: f64) -> Result<Vec<f64>> {
        let given = [seconds.into(), pixels_a_second.into()];
        self.figures("scroll", &given).await
    }

    /// Types into the composer; tells how long each letter took to be drawn, in ms.
    pub(crate) async fn letters(&self, seconds: f64, every_ms: f64) -> Result<Vec<f64>> {
        let given = [seconds.into(), every_ms.into()];
        self.figures("type", &given).await
    }

    /// How many letters and elements of the conversation are drawn.
    pub(crate) async fn drawn(&self) -> Result<[f64; 2]> {
        let drawn = self.figures("drawn", &[]).await?;
        Ok([drawn[0], drawn[1]])
    }

    /// Sends words by typing them and pressing Enter.
    pub(crate) async fn say(&self, words: &str) -> Result<()> {
        let field = self.selectors()["field"].as_str().map(str::to_owned);
        let field = field.context("no field")?;
        let client = self.window().client();
        let field = client.find(Locator::Css(&field)).await?;
        field
            .send_keys(&format!("{words}{}", char::from(Key::Enter)))
            .await?;
        Ok(())
    }

    /// Waits until words are drawn somewhere in the conversation.
    pub(crate) async fn shows(&self, words: &str) -> Result<()> {
        let shown = until("words in the conversation", SOON, async || {
            let shown = self.ask("shows", &[words.into()]).await?;
            Ok((shown == Value::Bool(true)).then_some(()))
        });
        if shown.await.is_err() {
            let picture = self.window().picture("not-shown").await?;
            anyhow::bail!("{words:?} is not shown, see {}", picture.display());
        }
        Ok(())
    }

    /// What all of its processes hold, each page of memory counted once, in MiB.
    pub(crate) fn memory(&self) -> Result<f64> {
        let mut kib = 0.0;
        for pid in self.window().pids() {
            // A helper may end while the others are read.
            let Ok(rollup) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else {
                continue;
            };
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
            let told = line.context("no Pss")?.trim().trim_end_matches(" kB");
            kib += told.trim().parse::<f64>()?;
        }
        Ok(kib / 1024.0)
    }

    pub(crate) async fn close(self) -> Result<()> {
        match self.holder {
            Holder::Ours(ours) => {
                let (window, _user) = *ours;
                window.close().await
            }
            Holder::Official(official) => {
                let (browser, _home) = *official;
                browser.close().await
            }
        }
    }
}

/// Our window over the direct connection, as if it had been set up before.
async fn ours(gateway: &TestGateway) -> Result<Holder> {
    let parts = DesktopParts {
        keychain: true,
        tray_host: false,
    };
    let user = AppUser::new(parts).await?;
    let settings = json!({
        "version": 1, "activeProfile": "bench", "firstRunDone": true,
        "profiles": [{
            "id": "bench", "runs": "anotherComputer", "transport": "direct",
            "url": gateway.url(), "connectOnLaunch": true,
        }],
    });
    let theirs = json!({"gateway": {"mode": "remote", "remote": {
        "transport": "direct", "url": gateway.url(), "token": gateway.token(),
    }}});
    let official = user.home().home().join(".openclaw/openclaw.json");
    for (file, text) in [(user.settings_file(), settings), (official, theirs)] {
        fs::create_dir_all(file.parent().context("no folder")?)?;
        fs::write(file, text.to_string())?;
    }
    let window = user.open("bench-chat-ours").await?;
    shows_phase(&window, "up", UP).await?;
    Ok(Holder::Ours(Box::new((window, user))))
}

/// The official page, in a browser of its own.
async fn official(gateway: &TestGateway) -> Result<Holder> {
    let home = TempHome::new()?;
    let browser = Browser::open("bench-chat-official", &home).await?;
    let address = format!(
        "http://127.0.0.1:{}/chat#token={}",
        gateway.port(),
        gateway.token()
    );
    browser.go(&address).await?;
    // The page is as large as ours: what is around it in this browser takes the rest.
    let around = "return [outerWidth - innerWidth, outerHeight - innerHeight]";
    let client = browser.window().client();
    let around = client.execute(around, Vec::new()).await?;
    let size = |at: usize, page: u32| {
        let around = around[at].as_u64().unwrap_or_default();
        u32::try_from(around).unwrap_or_default() + page
    };
    client
        .set_window_size(size(0, PAGE_SIZE[0]), size(1, PAGE_SIZE[1]))
        .await?;
    Ok(Holder::Official(Box::new((browser, home))))
}

/// How many conversations are opened, for counting with.
pub(crate) fn each() -> std::ops::Range<usize> {
    0..CONVERSATIONS
}
