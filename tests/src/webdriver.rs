//! Our window, driven as a person would: pages are read and clicked through WebKitWebDriver.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::desktop::DesktopSession;
use crate::ports;
use crate::process::{Program, Running, is_running};
use crate::temp_home::TempHome;
use crate::tools;
use crate::wait::until;

/// How long the driver may take to listen.
const START: Duration = Duration::from_secs(30);
/// From the driver's start of the program to its first window, on a loaded machine.
const SESSION: Duration = Duration::from_secs(90);
/// One picture of the window.
const PICTURE: Duration = Duration::from_secs(20);
/// How long an element may take to appear unless a test says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// Done when what the page holds now has been drawn: a picture shows the last frame, not the page.
const DRAWN: &str = "const done = arguments[0]; setTimeout(done, 1000); \
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0)));";

/// A window under automation. Dropping it kills the driver and with it the program.
#[derive(Debug)]
pub struct Window {
    client: Client,
    driver: Running,
    scenario: String,
    pictures: std::cell::Cell<u32>,
}

/// Starts the driver on a port of its own.
async fn start_driver(
    home: &TempHome,
    desktop: &DesktopSession,
    env: &[(&str, &str)],
) -> Result<(u16, Running)> {
    ports::on_a_free_port(async |port| {
        let driver = Program::new(tools::system("/usr/bin/WebKitWebDriver")?)
            .args(["--host=127.0.0.1", &format!("--port={port}")])
            .envs(home.env())
            .envs(desktop.env())
            .envs(env.iter().copied())
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .start()?;
        until("the driver's port", START, async || {
            anyhow::ensure!(driver.has_ended()?.is_none(), "the driver ended early");
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .ok())
        })
        .await?;
        Ok(driver)
    })
    .await
}

/// Returns when the program found the port taken that the driver has picked for it: between picking and
/// using it anybody may come, and the driver waits for ever then.
async fn loses_its_port(driver: &Running) {
    let lost = until("the inspector's port to be taken", SESSION, async || {
        let taken = driver.stderr().contains("Failed to start remote inspector");
        Ok(taken.then_some(()))
    });
    if lost.await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl Window {
    /// Starts `binary` in a home and a desktop session; pictures are named after `scenario`.
    ///
    /// # Errors
    ///
    /// When the driver or the program does not start.
    pub async fn open(
        scenario: &str,
        binary: &PathBuf,
        home: &TempHome,
        desktop: &DesktopSession,
        env: &[(&str, &str)],
    ) -> Result<Self> {
        Self::open_with(scenario, binary, &[], home, desktop, env).await
    }

    /// As [`Window::open`], with arguments for the program.
    ///
    /// # Errors
    ///
    /// As [`Window::open`].
    pub async fn open_with(
        scenario: &str,
        binary: &PathBuf,
        args: &[&str],
        home: &TempHome,
        desktop: &DesktopSession,
        env: &[(&str, &str)],
    ) -> Result<Self> {
        let capabilities: serde_json::Map<String, Value> = [(
            "webkitgtk:browserOptions".to_owned(),
            json!({"binary": binary, "args": args}),
        )]
        .into_iter()
        .collect();
        loop {
            let (port, driver) = start_driver(home, desktop, env).await?;
            let url = format!("http://127.0.0.1:{port}");
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities.clone());
            let client = tokio::select! {
                client = timeout(SESSION, builder.connect(&url)) => client,
                () = loses_its_port(&driver) => {
                    let started = driver.descendants();
                    driver.kill();
                    until("the end of what the driver started", START, async || {
                        Ok(started.iter().all(|pid| !is_running(*pid)).then_some(()))
                    })
                    .await?;
                    continue;
                }
            };
            let client = client
                .with_context(|| {
                    format!(
                        "the program did not open its window to the driver\n{}",
                        driver.last_lines(40)
                    )
                })?
                .with_context(|| format!("no session\n{}\n{}", driver.stdout(), driver.stderr()))?;
            return Ok(Self::of(client, driver, scenario));
        }
    }

    /// What a driver shows, whichever it is.
    pub(crate) fn of(client: Client, driver: Running, scenario: &str) -> Self {
        Self {
            client,
            driver,
            scenario: scenario.to_owned(),
            pictures: std::cell::Cell::new(0),
        }
    }

    /// The element with a `data-testid`, once it is there.
    ///
    /// # Errors
    ///
    /// When it does not appear.
    pub async fn element(&self, testid: &str) -> Result<Element> {
        self.element_within(testid, PATIENCE).await
    }

    /// As [`Window::element`], with a limit of its own.
    ///
    /// # Errors
    ///
    /// When it does not appear within `limit`.
    pub async fn element_within(&self, testid: &str, limit: Duration) -> Result<Element> {
        let selector = format!("[data-testid=\"{testid}\"]");
        match self
            .client
            .wait()
            .at_most(limit)
            .for_element(Locator::Css(&selector))
            .await
        {
            Ok(element) => Ok(element),
            Err(error) => {
                self.picture(&format!("missing-{testid}")).await?;
                Err(error).with_context(|| format!("{testid} did not appear"))
            }
        }
    }

    /// Whether an element with a `data-testid` is there now.
    ///
    /// # Errors
    ///
    /// When the page cannot be asked.
    pub async fn has(&self, testid: &str) -> Result<bool> {
        // Asked in the page: an element that goes while WebKit hands it out is an error there.
        let selector = format!("[data-testid=\"{testid}\"]");
        let script = "return document.querySelector(arguments[0]) !== null";
        let found = self.client.execute(script, vec![selector.into()]).await?;
        Ok(found == Value::Bool(true))
    }

    /// Clicks an element.
    ///
    /// # Errors
    ///
    /// When it does not appear or cannot be clicked.
    pub async fn click(&self, testid: &str) -> Result<()> {
        let element = self.element(testid).await?;
        element
            .click()
            .await
            .with_context(|| format!("{testid} cannot be clicked"))
    }

    /// Clicks the last of the elements with a `data-testid`.
    ///
    /// # Errors
    ///
    /// When there is none, or it cannot be clicked.
    pub async fn click_last(&self, testid: &str) -> Result<()> {
        self.element(testid).await?;
        let selector = format!("[data-testid=\"{testid}\"]");
        let all = self.client.find_all(Locator::Css(&selector)).await?;
        let last = all
            .last()
            .with_context(|| format!("there is no {testid}"))?;
        self.scroll_to(last).await?;
        last.click()
            .await
            .with_context(|| format!("the last {testid} cannot be clicked"))
    }

    /// Clicks an element of a page that has to be scrolled to it first.
    ///
    /// # Errors
    ///
    /// When it does not appear or cannot be clicked.
    pub async fn click_below(&self, testid: &str) -> Result<()> {
        let element = self.element(testid).await?;
        self.scroll_to(&element).await?;
        self.click(testid).await
    }

    /// What lies under the bar with the buttons has to be scrolled to first, as a person would.
    async fn scroll_to(&self, element: &Element) -> Result<()> {
        let to_the_middle = "arguments[0].scrollIntoView({ block: 'center' })";
        let element = serde_json::to_value(element)?;
        self.client.execute(to_the_middle, vec![element]).await?;
        Ok(())
    }

    /// Opens what an element hides until asked.
    ///
    /// # Errors
    ///
    /// When it does not appear or cannot be opened.
    pub async fn unfold(&self, testid: &str) -> Result<()> {
        let summary = self
            .element(testid)
            .await?
            .find(Locator::Css("summary"))
            .await?;
        self.scroll_to(&summary).await?;
        let opened = summary.click().await;
        if opened.is_err() {
            self.picture(&format!("unopened-{testid}")).await?;
        }
        opened.with_context(|| format!("{testid} cannot be opened"))
    }

    /// Replaces what is in a field.
    ///
    /// # Errors
    ///
    /// When it does not appear or cannot be typed into.
    pub async fn fill(&self, testid: &str, text: &str) -> Result<()> {
        // Selected and typed over, as a person does: clearing alone tells the page nothing.
        let select_all = format!("{}a", char::from(Key::Control));
        let field = self.element(testid).await?;
        let typing = async {
            field.send_keys(&select_all).await?;
            field.send_keys(text).await?;
            anyhow::Ok(field.prop("value").await?)
        };
        let held = typing.await;
        if !matches!(&held, Ok(Some(value)) if value == text) {
            self.picture(&format!("untyped-{testid}")).await?;
        }
        let held = held.with_context(|| format!("{testid} cannot be typed into"))?;
        // The text itself may be a secret: only its absence is told.
        anyhow::ensure!(
            held.as_deref() == Some(text),
            "{testid} does not hold what was typed"
        );
        Ok(())
    }

    /// The text an element shows.
    ///
    /// # Errors
    ///
    /// When it does not appear.
    pub async fn text(&self, testid: &str) -> Result<String> {
        Ok(self.element(testid).await?.text().await?)
    }

    /// Waits until an element's text is as `holds` wants it, and returns it.
    ///
    /// # Errors
    ///
    /// When it does not within `limit`; a picture is kept.
    pub async fn shows(
        &self,
        testid: &str,
        limit: Duration,
        holds: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let selector = format!("[data-testid=\"{testid}\"]");
        let mut last = None;
        let outcome = until(&format!("the text of {testid}"), limit, async || {
            // The page may redraw between finding an element and reading it.
            let Ok(element) = self.client.find(Locator::Css(&selector)).await else {
                return Ok(None);
            };
            let Ok(text) = element.text().await else {
                return Ok(None);
            };
            last = Some(text.clone());
            Ok(holds(&text).then_some(text))
        })
        .await;
        if outcome.is_err() {
            self.picture(&format!("unexpected-{testid}")).await?;
        }
        outcome.with_context(|| format!("it showed {last:?}"))
    }

    /// Waits until an attribute of one of the elements named is as `holds` wants it.
    ///
    /// # Errors
    ///
    /// When it does not within `limit`; a picture is kept.
    pub async fn attribute(
        &self,
        testids: &[&str],
        name: &str,
        limit: Duration,
        holds: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let selectors: Vec<String> = testids
            .iter()
            .map(|testid| format!("[data-testid=\"{testid}\"]"))
            .collect();
        let selector = selectors.join(",");
        let mut last = None;
        let outcome = until(&format!("{name} of {testids:?}"), limit, async || {
            let Ok(element) = self.client.find(Locator::Css(&selector)).await else {
                return Ok(None);
            };
            let Ok(Some(value)) = element.attr(name).await else {
                return Ok(None);
            };
            last = Some(value.clone());
            Ok(holds(&value).then_some(value))
        })
        .await;
        if outcome.is_err() {
            self.picture(&format!("unexpected-{name}")).await?;
        }
        outcome.with_context(|| format!("it was {last:?}"))
    }

    /// Keeps a picture of the window in `target/screenshots/<scenario>/<number>-<name>.png`.
    ///
    /// # Errors
    ///
    /// When the window cannot be drawn or the file not be written.
    pub async fn picture(&self, name: &str) -> Result<PathBuf> {
        let folder = tools::checkout()
            .join("target/screenshots")
            .join(&self.scenario);
        fs::create_dir_all(&folder)?;
        self.pictures.set(self.pictures.get() + 1);
        let path = folder.join(format!("{:02}-{name}.png", self.pictures.get()));
        self.client.execute_async(DRAWN, Vec::new()).await?;
        let taken = match timeout(PICTURE, self.client.screenshot()).await {
            Ok(taken) => taken?,
            // The driver sometimes loses a request for a picture when the machine is busy.
            Err(_) => timeout(PICTURE, self.client.screenshot())
                .await
                .context("the driver took no picture")??,
        };
        fs::write(&path, taken)?;
        Ok(path)
    }

    /// The driver's own client, for what has no word here.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until the program has a second window, and talks to that one from here on. Returns the first one.
    ///
    /// # Errors
    ///
    /// When none comes within `limit`.
    pub async fn enter_second(&self, limit: Duration) -> Result<WindowHandle> {
        let first = self.client.window().await?;
        let second = until("a second window", limit, async || {
            let there = self.client.windows().await?;
            Ok(there.into_iter().find(|handle| *handle != first))
        })
        .await?;
        self.client.switch_to_window(second).await?;
        Ok(first)
    }

    /// Waits until `remaining` is the only window that the program has, and talks to that one.
    ///
    /// # Errors
    ///
    /// When another is still there after `limit`.
    pub async fn back_in(&self, remaining: WindowHandle, limit: Duration) -> Result<()> {
        until("the end of the second window", limit, async || {
            let there = self.client.windows().await?;
            Ok((there == [remaining.clone()]).then_some(()))
        })
        .await?;
        self.client.switch_to_window(remaining).await?;
        Ok(())
    }

    /// Every process of the program: its own and those of its web view.
    pub fn pids(&self) -> Vec<u32> {
        self.driver.descendants()
    }

    /// What the program and its driver logged.
    pub fn log(&self) -> String {
        format!("{}{}", self.driver.stdout(), self.driver.stderr())
    }

    /// The program's own process.
    ///
    /// # Errors
    ///
    /// When it no longer runs.
    pub fn pid(&self) -> Result<u32> {
        self.pids()
            .first()
            .copied()
            .context("the program no longer runs")
    }

    /// Ends the session and the program with it.
    ///
    /// # Errors
    ///
    /// When the driver does not answer.
    pub async fn close(self) -> Result<()> {
        // Asked before: the driver may end first and leave what it started to another parent.
        let pids = self.pids();
        self.client.clone().close().await?;
        until("the program to end", START, async || {
            Ok((!pids.iter().any(|pid| is_running(*pid))).then_some(()))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::{DesktopParts, DesktopSession};

    /// The browser that comes with the driver stands in for our program.
    #[tokio::test]
    async fn a_page_is_read_and_clicked() {
        let home = TempHome::new().unwrap();
        let parts = DesktopParts {
            keychain: false,
            tray_host: false,
        };
        let desktop = DesktopSession::start(&home, parts).await.unwrap();
        let browser =
            tools::system("/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser").unwrap();
        let window =
            Window::open_with("harness", &browser, &["--automation"], &home, &desktop, &[])
                .await
                .unwrap();
        let page =
            "data:text/html,<button data-testid=b onclick=\"this.innerText='done'\">go</button>";
        window.client().goto(page).await.unwrap();
        window.click("b").await.unwrap();
        window
            .shows("b", Duration::from_secs(10), |text| text == "done")
            .await
            .unwrap();
        assert!(window.picture("clicked").await.unwrap().exists());
        window.close().await.unwrap();
    }
}
