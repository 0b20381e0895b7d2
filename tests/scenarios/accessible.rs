//! axe looks at every screen of the real window, in both languages, light and dark, with the contrast rule on.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::ports;
use e2e::ssh_server::config::SshServerConfig;
use e2e::webdriver::Window;
use serde_json::{Value, json};

/// What needs no server.
const SOON: Duration = Duration::from_secs(20);
/// From a word to a connection.
const CONNECTED: Duration = Duration::from_secs(30);

/// What a check that found nothing says.
const WELL: [&str; 2] = ["Every step is well", "Alle trin"];

/// Looks at what is shown once it stands still; what turns for ever never does.
const LOOK: &str = r#"
const tell = arguments[arguments.length - 1];
const still = document.getAnimations()
  .filter((it) => it.effect?.getComputedTiming().iterations !== Infinity)
  .map((it) => it.finished.catch(() => undefined));
Promise.all(still)
  .then(() => window.axe.run(document, { resultTypes: ["violations", "passes"] }))
  .then(({ violations, passes }) => tell({
    faults: violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.target.join(" ")} ${node.failureSummary}`)),
    contrasts: passes.find(({ id }) => id === "color-contrast")?.nodes.length ?? 0,
  }), (problem) => tell({ faults: [String(problem)], contrasts: 0 }));
"#;

/// A window that is looked at, and what was found so far.
struct Looking {
    window: Window,
    axe: String,
    contrasts: u64,
    screens: usize,
    faults: Vec<String>,
}

impl Looking {
    fn new(window: Window) -> Result<Self> {
        let axe =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js");
        let axe = fs::read_to_string(&axe).with_context(|| axe.display().to_string())?;
        Ok(Self {
            window,
            axe,
            contrasts: 0,
            screens: 0,
            faults: Vec::new(),
        })
    }

    async fn at(&mut self, screen: &str) -> Result<()> {
        let client = self.window.client();
        let loaded = client
            .execute("return typeof window.axe", Vec::new())
            .await?;
        if loaded != json!("object") {
            client.execute(&self.axe, Vec::new()).await?;
        }
        let found: Value = client.execute_async(LOOK, Vec::new()).await?;
        let faults = found["faults"].as_array().context("axe said nothing")?;
        if !faults.is_empty() {
            self.window.picture(&format!("faulty-{screen}")).await?;
        }
        self.faults
            .extend(faults.iter().map(|fault| format!("{screen}: {fault}")));
        self.contrasts += found["contrasts"].as_u64().unwrap_or_default();
        self.screens += 1;
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "the figures are what this is for")]
async fn every_screen(locale: &'static str, theme: &str) -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?.speaks(locale);
    let settings = json!({"version": 1, "theme": theme, "profiles": [{"id": "home"}]});
    let file = user.settings_file();
    fs::create_dir_all(file.parent().context("no folder")?)?;
    fs::write(&file, settings.to_string())?;
    let name = format!("accessible-{}-{theme}", &locale[..2]);
    let mut looking = Looking::new(user.open(&name).await?)?;

    looking.window.element("first-run").await?;
    looking.at("where").await?;
    looking.window.click("runs-another-computer").await?;
    looking.window.click("first-run-next").await?;
    looking.window.fill("address", &home.ssh.target()).await?;
    looking.window.click("sign-in-key-file").await?;
    looking.at("how").await?;
    let identity = home.ssh.identity().display().to_string();
    looking.window.fill("identity-file", &identity).await?;
    looking.window.fill("token", home.gateway.token()).await?;
    looking.window.unfold("advanced").await?;
    for (field, port) in [
        ("remote-port", home.gateway.port()),
        ("local-port", ports::free_port()?),
    ] {
        looking.window.fill(field, &port.to_string()).await?;
    }
    looking.at("advanced").await?;
    looking.window.click("first-run-next").await?;
    looking.window.element_within("trust", SOON).await?;
    looking.at("trust").await?;
    looking.window.click("trust").await?;
    shows_phase(&looking.window, "up", CONNECTED).await?;
    // The check that begins then has ended, too, and nothing is half drawn.
    looking
        .window
        .shows("check-summary", CONNECTED, |text| {
            WELL.iter().any(|well| text.contains(well))
        })
        .await?;
    looking.at("check").await?;
    looking.window.click("first-run-open-chat").await?;
    looking.window.element("chat-page").await?;
    looking.at("chat").await?;
    looking.window.click("nav-server").await?;
    looking.window.element("check-summary").await?;
    looking.at("server").await?;
    looking.window.click("nav-voice").await?;
    looking.window.element("voice-microphone").await?;
    looking.at("voice").await?;
    looking.window.click("nav-settings").await?;
    looking.window.element("settings-page").await?;
    looking.at("settings").await?;
    looking.window.click("report-make").await?;
    looking.window.element("dialog").await?;
    looking.at("report").await?;
    looking.window.click("dialog-cancel").await?;
    let link = "openclaw://gateway?host=box.local&port=18790&tls=1&token=t&name=Box";
    let again = user.launch_with(&[link], &[])?;
    again.ended(SOON).await?;
    looking.window.element_within("invitation", SOON).await?;
    looking.at("invitation").await?;
    looking.window.click("dialog-cancel").await?;

    let Looking {
        window,
        contrasts,
        screens,
        faults,
        ..
    } = looking;
    ensure!(faults.is_empty(), "{name}: {}", faults.join("\n"));
    // A rule that looked at nothing would find nothing.
    ensure!(
        contrasts > 100,
        "{name}: only {contrasts} texts were looked at"
    );
    println!("{name}: {screens} screens, {contrasts} texts with enough contrast, 0 faults");
    window.close().await
}

#[tokio::test]
async fn every_screen_is_without_fault_in_english_and_light() -> Result<()> {
    every_screen("C.UTF-8", "light").await
}

#[tokio::test]
async fn every_screen_is_without_fault_in_english_and_dark() -> Result<()> {
    every_screen("C.UTF-8", "dark").await
}

#[tokio::test]
async fn every_screen_is_without_fault_in_danish_and_light() -> Result<()> {
    every_screen("da_DK.UTF-8", "light").await
}

#[tokio::test]
async fn every_screen_is_without_fault_in_danish_and_dark() -> Result<()> {
    every_screen("da_DK.UTF-8", "dark").await
}
