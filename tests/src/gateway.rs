//! The official gateway from npm, for one test or shared by several: own port, own home, own token.
//!
//! It takes 6–10 seconds to start, 14 of computing, and about 900 MB. So no more than two live at once that tests
//! have for themselves; a test that does not need that shares one with all others ([`TestGateway::shared`]).

mod stored;
pub mod witness;

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use gateway_core::client::probe_healthz;
use gateway_core::config::{GatewayUrl, TlsFingerprint};
use gateway_core::connection::direct::Dialer;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::http;
use crate::kept;
use crate::model_provider::{MODEL, ModelProvider};
use crate::ports;
use crate::process::{Finished, Program, Running};
use crate::temp_home::TempHome;
use crate::tools;
use crate::wait::until;
use witness::Witness;

/// From start to `/readyz`, on a loaded machine of two cores.
const START: Duration = Duration::from_secs(180);
/// From SIGTERM to its end.
const STOP: Duration = Duration::from_secs(30);
/// How long a turn of the agent may take. A gateway's first one loads its plugins: over a minute with
/// several gateways on two cores.
pub const TURN: Duration = Duration::from_secs(240);
/// One call of the official command line: a whole Node.js start each.
const OFFICIAL_CALL: Duration = Duration::from_secs(90);

/// Which release of the official gateway, by the wire protocol it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Release {
    /// 2026.9.6.
    V4,
    /// 2026.5.7.
    V3,
}

impl Release {
    /// The folder of `.tools` it is installed in.
    pub fn tree(self) -> &'static str {
        match self {
            Self::V4 => "openclaw-v4",
            Self::V3 => "openclaw-v3",
        }
    }

    /// Its version.
    pub fn version(self) -> &'static str {
        match self {
            Self::V4 => "2026.9.6",
            Self::V3 => "2026.5.7",
        }
    }
}

/// How a gateway's port is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Front {
    Plain,
    Tls,
    /// It takes a proxy on loopback at its word about where clients come from.
    Proxied,
}

/// A gateway in a home of its own, with an offline model behind it.
#[derive(Debug)]
pub struct TestGateway {
    process: Option<Running>,
    release: Release,
    front: Front,
    port: u16,
    token: String,
    token_file: PathBuf,
    provider: ModelProvider,
    home: TempHome,
    /// `None` for one that is shared: it never ends while tests run, so it may not take a seat.
    _seat: Option<OwnedSemaphorePermit>,
}

impl TestGateway {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not get ready.
    pub async fn start(release: Release) -> Result<Self> {
        Self::start_by(release, Front::Plain).await
    }

    /// Starts one that speaks TLS by itself, with the certificate it makes when it has none.
    ///
    /// # Errors
    ///
    /// As [`TestGateway::start`].
    pub async fn start_with_tls(release: Release) -> Result<Self> {
        Self::start_by(release, Front::Tls).await
    }

    /// Starts one that believes a proxy on loopback (see [`crate::forwarding_proxy`]).
    ///
    /// # Errors
    ///
    /// As [`TestGateway::start`].
    pub async fn start_proxied(release: Release) -> Result<Self> {
        Self::start_by(release, Front::Proxied).await
    }

    async fn start_by(release: Release, front: Front) -> Result<Self> {
        let seat = seats().acquire_owned().await?;
        Self::start_seated(release, front, Some(seat)).await
    }

    async fn start_seated(
        release: Release,
        front: Front,
        seat: Option<OwnedSemaphorePermit>,
    ) -> Result<Self> {
        let home = TempHome::new()?;
        let provider = ModelProvider::start()?;
        let token = format!("gw-{}", Uuid::new_v4().simple());
        let token_file = home.write_private("gateway-token", &token)?;
        let (port, process) = ports::on_a_free_port(async |port| {
            write_config(&home, port, &token, &provider)?;
            match front {
                Front::Plain => {}
                Front::Tls => set(&home, "tls", &json!({"enabled": true}))?,
                Front::Proxied => set(&home, "trustedProxies", &json!(["127.0.0.1"]))?,
            }
            launch(release, &home, port, front).await
        })
        .await?;
        Ok(Self {
            process: Some(process),
            release,
            front,
            port,
            token,
            token_file,
            provider,
            home,
            _seat: seat,
        })
    }

    /// Returns the gateway of `release` that other tests use too, starting it for the first of them.
    ///
    /// It runs until the last test has ended: a start costs more than most tests do. Whoever shares it leaves its
    /// process and its configuration alone and keeps to a session key of its own.
    ///
    /// # Errors
    ///
    /// As [`TestGateway::start`].
    pub async fn shared(release: Release) -> Result<Arc<Self>> {
        static V4: Mutex<Option<Arc<TestGateway>>> = Mutex::const_new(None);
        static V3: Mutex<Option<Arc<TestGateway>>> = Mutex::const_new(None);
        let mut slot = match release {
            Release::V4 => V4.lock().await,
            Release::V3 => V3.lock().await,
        };
        if let Some(running) = slot.as_ref() {
            return Ok(Arc::clone(running));
        }
        let started = Arc::new(Self::start_seated(release, Front::Plain, None).await?);
        if let Some(process) = &started.process {
            kept::until_the_end(
                process.pid(),
                &[started.home.root(), process.output_folder()],
            )?;
        }
        *slot = Some(Arc::clone(&started));
        Ok(started)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The shared token it wants.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A file with that token, readable by its owner only.
    pub fn token_file(&self) -> &PathBuf {
        &self.token_file
    }

    /// What the official programs of its own user see.
    ///
    /// # Errors
    ///
    /// When Node.js is not installed.
    pub fn official_env(&self) -> Result<Vec<(&'static str, OsString)>> {
        official_env(&self.home)
    }

    /// The configuration it was started with.
    pub fn config_file(&self) -> PathBuf {
        self.home.home().join(".openclaw/openclaw.json")
    }

    /// Its WebSocket address on this machine.
    pub fn url(&self) -> String {
        let scheme = match self.front {
            Front::Plain | Front::Proxied => "ws",
            Front::Tls => "wss",
        };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The fingerprint of the certificate it made for itself, as `openssl` prints it.
    ///
    /// # Errors
    ///
    /// When it speaks no TLS, or its certificate cannot be read.
    pub async fn printed_fingerprint(&self) -> Result<String> {
        let printed = Program::new(tools::system("/usr/bin/openssl")?)
            .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
            .arg(certificate_file(&self.home))
            .run(Duration::from_secs(20))
            .await?;
        ensure!(printed.status.success(), "{}", printed.stderr);
        Ok(printed.stdout.trim().to_owned())
    }

    /// The model behind it.
    pub fn provider(&self) -> &ModelProvider {
        &self.provider
    }

    /// What it printed so far, both outputs.
    pub fn log(&self) -> String {
        self.process
            .as_ref()
            .map(|p| format!("{}{}", p.stdout(), p.stderr()))
            .unwrap_or_default()
    }

    /// Stops it as an administrator would.
    ///
    /// # Errors
    ///
    /// When it has not ended in time; it is killed then.
    pub async fn stop(&mut self) -> Result<()> {
        let Some(process) = self.process.take() else {
            return Ok(());
        };
        process.signal(Signal::TERM);
        process.ended(STOP).await?;
        Ok(())
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        drop(self.process.take());
    }

    /// Starts it again on the same port and in the same home.
    ///
    /// # Errors
    ///
    /// When it still runs, or does not get ready.
    pub async fn start_again(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("the gateway still runs");
        }
        self.process = Some(launch(self.release, &self.home, self.port, self.front).await?);
        Ok(())
    }

    /// Runs the official command line against this gateway.
    ///
    /// # Errors
    ///
    /// When it cannot be started or does not end in time.
    pub async fn official(&self, args: &[&str]) -> Result<Finished> {
        official_program(self.release, &self.home)?
            .args(args)
            .args(["--url", &self.url(), "--token", &self.token])
            .run(OFFICIAL_CALL)
            .await
    }

    /// Every device token the gateway has given out, as the older release keeps them: in a file. The
    /// current one keeps no token that could be read again.
    ///
    /// # Errors
    ///
    /// When no device is paired.
    pub fn device_tokens(&self) -> Result<Vec<String>> {
        let paired = self.home.home().join(".openclaw/devices/paired.json");
        let paired: Value = serde_json::from_slice(&fs::read(paired)?)?;
        let devices = paired.as_object().context("no devices")?;
        Ok(devices
            .values()
            .filter_map(|device| device.pointer("/tokens/operator/token")?.as_str())
            .map(str::to_owned)
            .collect())
    }

    /// What the gateway says of a session beside its stored messages: for telling why one is missing.
    ///
    /// # Errors
    ///
    /// When the history cannot be read.
    pub async fn session_state(&self, session_key: &str) -> Result<Value> {
        let params = json!({"sessionKey": session_key, "limit": 1000});
        let mut history = Witness::connect(self)
            .await?
            .call("chat.history", params)
            .await?;
        if let Some(members) = history.as_object_mut() {
            members.remove("defaults");
        }
        Ok(history)
    }

    /// The texts the user said in a session, in order, as the gateway has stored them.
    ///
    /// # Errors
    ///
    /// When the history cannot be read.
    pub async fn user_texts(&self, session_key: &str) -> Result<Vec<String>> {
        let params = json!({"sessionKey": session_key, "limit": 1000});
        // On a busy machine a gateway may put a history together anew, and ask to be asked again.
        let history = until("a history the gateway has at hand", REBUILT, async || {
            let mut witness = Witness::connect(self).await?;
            match witness.call("chat.history", params.clone()).await {
                Ok(history) => Ok(Some(history)),
                Err(refused) if refused.to_string().contains("\"retryable\":true") => Ok(None),
                Err(refused) => Err(refused),
            }
        })
        .await?;
        let messages = history
            .get("messages")
            .and_then(Value::as_array)
            .context("no messages")?;
        ensure!(
            messages.len() < 1000,
            "more messages than one history holds"
        );
        Ok(messages
            .iter()
            .filter(|message| message.get("role").and_then(Value::as_str) == Some("user"))
            .map(message_text)
            .collect())
    }
}

/// How long a gateway may put a history together.
const REBUILT: Duration = Duration::from_secs(60);

/// The main conversation of the gateways that tests share, for one at a time: two that have runs in it at once were
/// seen to make a gateway's run fail on a busy machine.
pub async fn main_conversation() -> MutexGuard<'static, ()> {
    static TAKEN: Mutex<()> = Mutex::const_new(());
    TAKEN.lock().await
}

/// The text of a stored message, whose content is a string or a list of parts.
fn message_text(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .collect::<Vec<_>>()
            .join("\n"),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            String::new()
        }
    }
}

/// Two gateways at once are what a machine of two cores carries.
fn seats() -> Arc<Semaphore> {
    static SEATS: std::sync::OnceLock<Arc<Semaphore>> = std::sync::OnceLock::new();
    Arc::clone(SEATS.get_or_init(|| Arc::new(Semaphore::new(2))))
}

/// What the gateway shows its model provider. No client has any business with it.
pub const PROVIDER_KEY: &str = "canary-of-an-offline-provider-key";

/// Writes the `openclaw.json` of a gateway on loopback whose agent asks the offline model.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_config(
    home: &TempHome,
    port: u16,
    token: &str,
    provider: &ModelProvider,
) -> Result<()> {
    let gateway = json!({
        "mode": "local", "port": port, "bind": "loopback",
        "auth": {"mode": "token", "token": token},
    });
    let settings = [
        ("gateway".to_owned(), gateway),
        ("update".to_owned(), json!({"checkOnStart": false})),
        (
            "logging".to_owned(),
            json!({"file": home.root().join("gateway.log")}),
        ),
    ];
    let mut config = model_config(provider);
    if let Some(members) = config.as_object_mut() {
        members.extend(settings);
    }
    let folder = home.home().join(".openclaw");
    fs::create_dir_all(&folder)?;
    fs::write(
        folder.join("openclaw.json"),
        serde_json::to_vec_pretty(&config)?,
    )?;
    Ok(())
}

/// The part of an `openclaw.json` that names the offline provider as the default model.
pub fn model_config(provider: &ModelProvider) -> Value {
    json!({
        "models": {"providers": {"offline": {
            "baseUrl": provider.base_url(),
            "apiKey": PROVIDER_KEY,
            "api": "openai-completions",
            "models": [{"id": MODEL, "name": "Echo", "contextWindow": 128_000, "maxTokens": 4096,
                // Without a price the official gateway tells of no costs at all.
                "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}}],
        }}},
        "agents": {"defaults": {"model": {"primary": format!("offline/{MODEL}")}}},
    })
}

/// The official program of a release, for a user who lives in this home.
///
/// # Errors
///
/// When it is not installed.
pub fn official_program(release: Release, home: &TempHome) -> Result<Program> {
    let [node, program] = official_argv(release)?;
    Ok(Program::new(&node)
        .arg(program)
        .envs(official_env(home)?)
        .current_dir(home.home()))
}

/// How the official program of a release is started.
///
/// # Errors
///
/// When it is not installed.
pub fn official_argv(release: Release) -> Result<[PathBuf; 2]> {
    Ok([tools::node()?, tools::official_openclaw(release.tree())?])
}

/// What the official programs of a user who lives in this home see.
///
/// # Errors
///
/// When Node.js is not installed.
pub fn official_env(home: &TempHome) -> Result<Vec<(&'static str, OsString)>> {
    let node = tools::node()?;
    let node_dir = node.parent().context("node has no folder")?;
    let mut env = home.env();
    env.extend([
        (
            "PATH",
            format!("{}:/usr/bin:/bin", node_dir.display()).into(),
        ),
        ("OPENCLAW_DISABLE_BONJOUR", "1".into()),
        ("NO_COLOR", "1".into()),
    ]);
    Ok(env)
}

/// Makes the home of a user of the official program whose gateway is elsewhere, as it calls that:
/// remote. Its token stands in the configuration, not on a command line.
///
/// # Errors
///
/// When the home cannot be made.
pub fn official_user(url: &str, token: &str) -> Result<TempHome> {
    let home = TempHome::new()?;
    let folder = home.home().join(".openclaw");
    fs::create_dir_all(&folder)?;
    let config = json!({
        "gateway": {"mode": "remote", "remote": {"url": url, "token": token}},
        "update": {"checkOnStart": false},
    });
    fs::write(folder.join("openclaw.json"), config.to_string())?;
    Ok(home)
}

/// Sets something more of a gateway that is configured already.
fn set(home: &TempHome, member: &str, value: &Value) -> Result<()> {
    let file = home.home().join(".openclaw/openclaw.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&file)?)?;
    config["gateway"][member] = value.clone();
    Ok(fs::write(file, config.to_string())?)
}

/// Where the official gateway keeps the certificate that it makes.
fn certificate_file(home: &TempHome) -> PathBuf {
    home.home().join(".openclaw/gateway/tls/gateway-cert.pem")
}

/// Returns whether the gateway says that it lives, over TLS with the certificate it has made.
async fn lives_behind_tls(home: &TempHome, port: u16) -> Result<bool> {
    let Ok(text) = fs::read_to_string(certificate_file(home)) else {
        return Ok(false);
    };
    let certificate: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let Ok(certificate) = BASE64.decode(certificate) else {
        return Ok(false); // It is still being written.
    };
    let url: GatewayUrl = format!("wss://127.0.0.1:{port}").parse()?;
    let dialer = Dialer::new(url, Some(TlsFingerprint::of(&certificate)));
    let Ok(stream) = dialer.dial().await else {
        return Ok(false);
    };
    let probed = probe_healthz(stream, dialer.url(), Duration::from_secs(5)).await;
    Ok(probed.is_ok_and(|liveness| liveness.ok))
}

async fn launch(release: Release, home: &TempHome, port: u16, front: Front) -> Result<Running> {
    let process = official_program(release, home)?
        .args(["gateway", "run", "--port", &port.to_string()])
        .start()?;
    until("the gateway's /readyz", START, async || {
        if let Some(status) = process.has_ended()? {
            bail!("the gateway ended early: {status}");
        }
        if front == Front::Tls {
            return Ok(lives_behind_tls(home, port).await?.then_some(()));
        }
        // Refused and 503 both mean: not yet.
        Ok(http::get(port, "/readyz")
            .await
            .is_ok_and(|(status, _)| status == 200)
            .then_some(()))
    })
    .await
    .with_context(|| format!("{}{}", process.stdout(), process.stderr()))?;
    Ok(process)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A whole turn by the official command line: provider, gateway and harness hold together.
    async fn a_turn_is_echoed_and_stored(release: Release) -> Result<()> {
        let gateway = TestGateway::start(release).await?;
        let said = format!("marker {}", Uuid::new_v4());
        let params = json!({
            "sessionKey": "harness", "message": said, "idempotencyKey": Uuid::new_v4().to_string(),
        });
        Witness::connect(&gateway)
            .await?
            .call("chat.send", params)
            .await?;
        until("the model's turn", TURN, async || {
            Ok((gateway.provider().times_asked(&said) == 1).then_some(()))
        })
        .await
        .with_context(|| format!("{}\n{:?}", gateway.log(), gateway.provider().last_texts()))?;
        // The older release stores what was said when the turn has ended.
        until("the stored text", TURN, async || {
            let stored = gateway.user_texts("harness").await?;
            Ok((stored.iter().filter(|text| text.contains(&said)).count() == 1).then_some(()))
        })
        .await?;
        // The official command line agrees that this is a gateway.
        gateway
            .official(&["gateway", "call", "health", "--json"])
            .await?
            .ok()?;
        Ok(())
    }

    #[tokio::test]
    async fn the_current_release_answers_and_stores() {
        a_turn_is_echoed_and_stored(Release::V4).await.unwrap();
    }

    #[tokio::test]
    async fn the_older_release_answers_and_stores() {
        a_turn_is_echoed_and_stored(Release::V3).await.unwrap();
    }
}
