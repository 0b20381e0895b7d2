//! A user of our window program: a home, a desktop session, and the window when it is open.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desktop::{DesktopParts, DesktopSession};
use crate::gateway::{TURN, TestGateway};
use crate::ports;
use crate::process::{Program, Running};
use crate::ssh_server::TestSshServer;
use crate::temp_home::TempHome;
use crate::tools;
use crate::webdriver::Window;

/// How long the window may take to show a phase beyond what the test promises: drawing, and asking.
const DRAWING: Duration = Duration::from_secs(5);

/// A user at a desktop.
#[derive(Debug)]
pub struct AppUser {
    desktop: DesktopSession,
    home: TempHome,
    locale: &'static str,
    /// `None` leaves it to the settings.
    log_level: Option<&'static str>,
}

impl AppUser {
    /// A user who has never started the program.
    ///
    /// # Errors
    ///
    /// When there is no desktop to be had.
    pub async fn new(parts: DesktopParts) -> Result<Self> {
        let home = TempHome::new()?;
        let desktop = DesktopSession::start(&home, parts).await?;
        Ok(Self {
            desktop,
            home,
            locale: "C.UTF-8",
            log_level: Some("info"),
        })
    }

    /// Logs everything there is to log: for looking whether a secret is among it.
    #[must_use]
    pub fn at_trace(self) -> Self {
        Self {
            log_level: Some("trace"),
            ..self
        }
    }

    /// Leaves it to the settings how much is logged.
    #[must_use]
    pub fn logging_by_settings(self) -> Self {
        Self {
            log_level: None,
            ..self
        }
    }

    /// Speaks the language of a locale, such as `da_DK.UTF-8`.
    #[must_use]
    pub fn speaks(self, locale: &'static str) -> Self {
        Self { locale, ..self }
    }

    /// Where the user lives.
    pub fn home(&self) -> &TempHome {
        &self.home
    }

    /// The desktop session.
    pub fn desktop(&self) -> &DesktopSession {
        &self.desktop
    }

    /// Our settings file.
    pub fn settings_file(&self) -> PathBuf {
        self.home.config_home().join("openclaw-tray/settings.json5")
    }

    /// The app's log.
    pub fn log_file(&self) -> PathBuf {
        self.home
            .data_home()
            .join("openclaw-tray/logs/openclaw-tray.log")
    }

    /// The list of host keys this user trusts.
    pub fn known_hosts(&self) -> PathBuf {
        self.home.data_home().join("openclaw-tray/known_hosts")
    }

    /// Leaves behind what an earlier first run would have: settings, the trusted key, and the token
    /// where OpenClaw itself keeps it.
    ///
    /// # Errors
    ///
    /// When the files cannot be written.
    pub fn has_met(&self, ssh: &TestSshServer, gateway: &TestGateway) -> Result<()> {
        let official = self.home.home().join(".openclaw/openclaw.json");
        for (file, text) in [
            (
                self.settings_file(),
                app_settings(ssh, gateway)?.to_string(),
            ),
            (self.known_hosts(), ssh.known_hosts_line()?),
            (official, official_config(ssh, gateway).to_string()),
        ] {
            fs::create_dir_all(file.parent().context("no folder")?)?;
            fs::write(file, text)?;
        }
        Ok(())
    }

    /// Leaves behind what choosing "This computer" would have, with a port that is free now.
    ///
    /// # Errors
    ///
    /// When the file cannot be written, or no port is free.
    pub fn has_chosen_this_computer(&self) -> Result<()> {
        let settings = json!({
            "version": 1,
            "activeProfile": "here",
            "firstRunDone": true,
            "profiles": [{
                "id": "here",
                "runs": "thisComputer",
                "localPort": ports::free_port()?,
                "connectOnLaunch": true,
            }],
        });
        let file = self.settings_file();
        fs::create_dir_all(file.parent().context("no folder")?)?;
        fs::write(file, settings.to_string())?;
        Ok(())
    }

    /// The local port the settings name.
    ///
    /// # Errors
    ///
    /// When there are no settings, or not those of [`AppUser::has_met`].
    pub fn local_port(&self) -> Result<u16> {
        let settings: Value = serde_json::from_slice(&fs::read(self.settings_file())?)?;
        let port = settings
            .pointer("/profiles/0/localPort")
            .and_then(Value::as_u64);
        Ok(u16::try_from(
            port.context("no local port in the settings")?,
        )?)
    }

    /// Opens the window under automation.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub async fn open(&self, scenario: &str) -> Result<Window> {
        let env: Vec<_> = self
            .log_env()
            .into_iter()
            .chain([("LANG", self.locale)])
            .collect();
        Window::open(
            scenario,
            &tools::openclaw_tray()?,
            &self.home,
            &self.desktop,
            &env,
        )
        .await
    }

    fn log_env(&self) -> Vec<(&'static str, &'static str)> {
        let level = self.log_level.map(|level| ("OPENCLAW_TRAY_LOG", level));
        level.into_iter().collect()
    }

    /// Starts the program as a click on its icon would.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn launch(&self) -> Result<Running> {
        self.launch_with(&[], &[])
    }

    /// Starts the program with arguments, and with variables beside the usual ones.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn launch_with(&self, arguments: &[&str], env: &[(&str, &str)]) -> Result<Running> {
        let mut program = Program::new(tools::openclaw_tray()?)
            .args(arguments)
            .envs(self.home.env())
            .envs(self.desktop.env())
            .envs(self.log_env())
            .env("LANG", self.locale);
        for (name, value) in env {
            program = program.env(name, value);
        }
        program.start()
    }
}

/// What `openclaw.json` says on a computer whose OpenClaw runs on this server.
pub fn official_config(ssh: &TestSshServer, gateway: &TestGateway) -> Value {
    json!({"gateway": {
        "mode": "remote",
        "remote": {
            "transport": "ssh",
            "sshTarget": ssh.target(),
            "sshIdentity": ssh.identity(),
            "remotePort": gateway.port(),
            "token": gateway.token(),
        },
    }})
}

/// What our settings say after a first run, with a local port that is free now.
///
/// # Errors
///
/// When no local port is free.
pub fn app_settings(ssh: &TestSshServer, gateway: &TestGateway) -> Result<Value> {
    Ok(json!({
        "version": 1,
        "activeProfile": "home",
        "firstRunDone": true,
        "profiles": [{
            "id": "home",
            "runs": "anotherComputer",
            "address": ssh.target(),
            "signIn": "keyFile",
            "identityFile": ssh.identity(),
            "localPort": ports::free_port()?,
            "remotePort": gateway.port(),
            "connectOnLaunch": true,
        }],
    }))
}

/// Goes through first run up to "Save and check": address, key file, token, ports.
///
/// # Errors
///
/// When a page is not as described.
pub async fn first_run(
    window: &Window,
    ssh: &TestSshServer,
    gateway_port: u16,
    token: &str,
) -> Result<()> {
    another_computer(window).await?;
    window.click("sign-in-key-file").await?;
    window
        .fill("identity-file", &ssh.identity().display().to_string())
        .await?;
    address_and_token(window, ssh, gateway_port, token).await
}

/// Goes through first run as somebody does who has nothing but an account's password: address and token,
/// and the ports, which are the usual ones everywhere but in tests.
///
/// # Errors
///
/// When a page is not as described.
pub async fn first_run_with_a_password(
    window: &Window,
    ssh: &TestSshServer,
    gateway_port: u16,
    token: &str,
) -> Result<()> {
    another_computer(window).await?;
    address_and_token(window, ssh, gateway_port, token).await
}

async fn another_computer(window: &Window) -> Result<()> {
    window.element("first-run").await?;
    window.click("runs-another-computer").await?;
    window.picture("where").await?;
    window.click("first-run-next").await
}

async fn address_and_token(
    window: &Window,
    ssh: &TestSshServer,
    gateway_port: u16,
    token: &str,
) -> Result<()> {
    window.fill("address", &ssh.target()).await?;
    window.fill("token", token).await?;
    window.picture("how").await?;
    window.unfold("advanced").await?;
    window
        .fill("remote-port", &gateway_port.to_string())
        .await?;
    window
        .fill("local-port", &ports::free_port()?.to_string())
        .await?;
    window.picture("ports").await?;
    window.click("first-run-next").await
}

/// Leaves first run for the chat and says something nobody said before, to which the agent of a real gateway
/// with the fake model answers.
///
/// # Errors
///
/// When the answer does not come; a picture is kept.
pub async fn first_message(window: &Window) -> Result<()> {
    window.click("first-run-open-chat").await?;
    let said = format!("good evening {}", Uuid::new_v4());
    window.fill("chat-input", &said).await?;
    window.click("chat-send").await?;
    window
        .shows("chat-page", TURN, |text| {
            text.contains(&format!("Echo: {said}"))
        })
        .await?;
    window.picture("chat").await?;
    Ok(())
}

/// Every program below ours draws the window; none is a shell or an `ssh`.
///
/// # Errors
///
/// When there is another.
pub fn only_web_processes(window: &Window) -> Result<()> {
    let own = window.pid()?;
    for pid in window.pids().into_iter().filter(|pid| *pid != own) {
        let name = fs::read_to_string(format!("/proc/{pid}/comm"))?;
        ensure!(name.starts_with("WebKit"), "{} was started", name.trim());
    }
    Ok(())
}

/// Has the window check the server, and waits until every step is well.
///
/// # Errors
///
/// When one is not within `limit`; a picture is kept.
pub async fn checks_well(window: &Window, limit: Duration) -> Result<()> {
    window.click("nav-server").await?;
    window.click("run-check").await?;
    window
        .shows("check-summary", limit, |text| {
            text.contains("Every step is well")
        })
        .await
        .map(drop)
}

/// Waits until the window shows a phase.
///
/// # Errors
///
/// When it does not within `limit`, drawing not counted; a picture is kept.
pub async fn shows_phase(window: &Window, phase: &str, limit: Duration) -> Result<()> {
    window
        .attribute(
            &["state", "rail-state"],
            "data-phase",
            limit + DRAWING,
            |shown| shown == phase,
        )
        .await?;
    Ok(())
}
