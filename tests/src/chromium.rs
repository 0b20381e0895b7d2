//! Chromium without a screen, for pages that a gateway serves: driven like our window, with what its
//! console said.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fantoccini::ClientBuilder;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::ports;
use crate::process::Program;
use crate::temp_home::TempHome;
use crate::tools;
use crate::wait::until;
use crate::webdriver::Window;

/// How long the driver may take to listen.
const START: Duration = Duration::from_secs(30);
/// From the driver's start of the browser to its first page, on a loaded machine.
const SESSION: Duration = Duration::from_secs(90);

/// A name that leads the browser to this computer, as a hostile name server could make any.
pub const FOREIGN_NAME: &str = "rebound.example";

/// A browser with a profile of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Browser {
    window: Window,
    driver: String,
}

impl Browser {
    /// Starts a browser that lives in `home`; pictures are named after `scenario`.
    ///
    /// # Errors
    ///
    /// When the driver or the browser does not start.
    pub async fn open(scenario: &str, home: &TempHome) -> Result<Self> {
        let binary = tools::system("/usr/lib/chromium/chromium")?;
        let (port, driver) = ports::on_a_free_port(async |port| {
            let driver = Program::new(tools::system("/usr/bin/chromedriver")?)
                .arg(format!("--port={port}"))
                .envs(home.env())
                .start()?;
            until("the driver's port", START, async || {
                ensure!(driver.has_ended()?.is_none(), "the driver ended early");
                Ok(tokio::net::TcpStream::connect(("127.0.0.1", port))
                    .await
                    .ok())
            })
            .await?;
            Ok(driver)
        })
        .await?;
        let profile = home.root().join("chromium");
        let capabilities: Map<String, Value> = [
            (
                "goog:chromeOptions".to_owned(),
                json!({"binary": binary, "args": [
                    "--headless=new",
                    // The tests may run as root, for whom Chromium has no sandbox.
                    "--no-sandbox",
                    "--disable-dev-shm-usage",
                    "--disable-gpu",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--lang=en",
                    format!("--host-resolver-rules=MAP {FOREIGN_NAME} 127.0.0.1"),
                    "--window-size=980,740",
                    format!("--user-data-dir={}", profile.display()),
                ]}),
            ),
            ("goog:loggingPrefs".to_owned(), json!({"browser": "ALL"})),
        ]
        .into_iter()
        .collect();
        let address = format!("http://127.0.0.1:{port}");
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client = timeout(SESSION, builder.connect(&address))
            .await
            .with_context(|| format!("the browser did not start\n{}", driver.last_lines(40)))?
            .with_context(|| format!("no session\n{}", driver.last_lines(40)))?;
        Ok(Self {
            window: Window::of(client, driver, scenario),
            driver: address,
        })
    }

    /// The page, for looking at and clicking.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Opens an address, as if it were typed.
    ///
    /// # Errors
    ///
    /// When the browser does not take it.
    pub async fn go(&self, address: &str) -> Result<()> {
        // A mere change of the fragment loads nothing.
        self.window.client().goto("about:blank").await?;
        Ok(self.window.client().goto(address).await?)
    }

    /// Prefers a light or a dark page from now on.
    ///
    /// # Errors
    ///
    /// When the browser does not answer.
    pub async fn prefers(&self, scheme: &str) -> Result<()> {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let params = json!({"features": features});
        let command = json!({"cmd": "Emulation.setEmulatedMedia", "params": params});
        self.ask("goog/cdp/execute", &command).await?;
        Ok(())
    }

    /// Takes what the console has complained of since the last time: errors, warnings, and what the
    /// content policy refused.
    ///
    /// # Errors
    ///
    /// When the browser does not answer.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let log = self.ask("se/log", &json!({"type": "browser"})).await?;
        let lines = log.as_array().context("no list of lines")?;
        Ok(lines
            .iter()
            .filter(|line| matches!(line["level"].as_str(), Some("SEVERE" | "WARNING")))
            .map(|line| line["message"].as_str().unwrap_or_default().to_owned())
            .collect())
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// When the driver does not answer.
    pub async fn close(self) -> Result<()> {
        self.window.close().await
    }

    /// Sends a command that only this driver knows.
    async fn ask(&self, command: &str, body: &Value) -> Result<Value> {
        let session = self.window.client().session_id().await?;
        let session = session.context("the session has ended")?;
        let request = Request::post(format!("{}/session/{session}/{command}", self.driver))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(request).await?.into_body().collect().await?;
        let mut answer: Value = serde_json::from_slice(&answer.to_bytes())?;
        ensure!(answer["value"]["error"].is_null(), "{command}: {answer}");
        Ok(answer["value"].take())
    }
}
