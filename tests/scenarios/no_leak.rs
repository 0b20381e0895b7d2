//! With everything logged that can be logged, no secret is in a log, a file, an argument or an
//! environment; and a secret that was put there on purpose is found.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::app::AppUser;
use e2e::canaries::{Canary, Leak, Search};
use e2e::cli::CommandLine;
use e2e::desktop::DesktopParts;
use e2e::gateway::{PROVIDER_KEY, Release};
use e2e::home_server::{HomeServer, trust};
use e2e::ssh_server::config::SshServerConfig;

/// What a whole session of the command line left, at the level where everything is logged.
struct Traces {
    user: CommandLine,
    canaries: Vec<Canary>,
    rightful: Vec<PathBuf>,
    logged: Vec<(&'static str, String)>,
    leaks_while_running: Vec<Leak>,
}

impl Traces {
    fn search(&self) -> Result<(Vec<Leak>, usize)> {
        let mut search = Search::new(self.canaries.clone(), self.rightful.clone());
        search.folder(self.user.home().root())?;
        for (place, text) in &self.logged {
            search.text(place, text.as_bytes());
        }
        Ok(search.finish())
    }
}

/// What a user would type, were the account theirs.
const ACCOUNT_PASSWORD: &str = "canary of an account password";
const ONE_TIME_CODE: &str = "canary of a one-time code";
const GATEWAY_PASSWORD: &str = "canary of a gateway password";
const ASKED: Duration = Duration::from_secs(60);

/// Connects, checks and calls with every secret the command line can be given as a file.
async fn a_session_of_everything(release: Release) -> Result<Traces> {
    let home = HomeServer::with_shared_gateway(release, SshServerConfig::default()).await?;
    let user = CommandLine::new()?.at_trace();
    trust(&home.ssh, user.known_hosts())?;
    let device_key = user.home().root().join("device-key");
    let mut flags = home.flags()?;
    flags.extend([
        "--device-key-file".to_owned(),
        device_key.display().to_string(),
    ]);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let mut connecting = user.connect(&flags)?;
    connecting.reaches("up", Duration::from_secs(20)).await?;
    let mut canaries = vec![
        Canary::new("gateway token", home.gateway.token())?,
        Canary::new("gateway password", GATEWAY_PASSWORD)?,
        Canary::new("device key", fs::read_to_string(&device_key)?.trim())?,
        Canary::new("provider key", PROVIDER_KEY)?,
    ];
    if release == Release::V3 {
        for token in home.gateway.device_tokens()? {
            canaries.push(Canary::new("device token", &token)?);
        }
        ensure!(
            canaries.len() > 4,
            "the gateway has given out no device token"
        );
    }
    let mut running = Search::new(canaries.clone(), Vec::new());
    running.process(connecting.process().pid())?;
    let (leaks_while_running, _) = running.finish();
    let ended = connecting.interrupt(Duration::from_secs(2)).await?;

    let check = user.check(&flags).await?;
    let url = home.gateway.url();
    let token = home.gateway.token_file().display().to_string();
    let call = user
        .run(&["health", "--json", "--url", &url, "--token-file", &token])
        .await?;
    let password_file = user.home().root().join("gateway-password");
    write_private(&password_file, GATEWAY_PASSWORD)?;
    let with_password = password_file.display().to_string();
    // The gateway wants a token: the password is sent and refused.
    let refused = user
        .run(&["health", "--url", &url, "--password-file", &with_password])
        .await?;
    ensure!(refused.code() != Some(0), "any password is good enough");
    let params = ["--url", &url, "--token-file", &token];
    let config = user
        .run(&[&["gateway", "call", "config.get"], &params[..]].concat())
        .await?;
    let logged = vec![
        ("what a refused call said", refused.stdout),
        ("the log of a refused call", refused.stderr),
        ("the gateway's settings", config.stdout),
        ("the log of reading them", config.stderr),
        ("the states", ended.stdout),
        ("the log of connect", ended.stderr),
        ("the check's report", check.report.to_string()),
        ("the log of check", check.log),
        ("the log of a call", call.stderr),
    ];
    ensure!(
        logged
            .iter()
            .any(|(_, text)| text.contains("TRACE") || text.contains("DEBUG"))
    );
    Ok(Traces {
        user,
        canaries,
        rightful: vec![device_key, password_file],
        logged,
        leaks_while_running,
    })
}

/// As a user would leave it: nobody else may read it.
fn write_private(file: &Path, secret: &str) -> Result<()> {
    fs::write(file, secret)?;
    Ok(fs::set_permissions(file, Permissions::from_mode(0o600))?)
}

/// Types `secret` into the window's question, which the server refuses, and looks everywhere.
async fn a_typed_secret_is_left_nowhere(slot: &str, methods: &str, secret: &str) -> Result<()> {
    let config = SshServerConfig {
        authentication_methods: methods.to_owned(),
        asks: true,
        ..SshServerConfig::default()
    };
    let home = HomeServer::with_shared_gateway(Release::V4, config).await?;
    let user = AppUser::new(DesktopParts::default()).await?.at_trace();
    user.has_met(&home.ssh, &home.gateway)?;
    let window = user.open(&slot.replace(' ', "-")).await?;
    window.element_within("answer-field", ASKED).await?;
    window.fill("answer-field", secret).await?;
    window.click("dialog-confirm").await?;
    window.element_within("dialog-error", ASKED).await?;
    window.picture("refused").await?;

    let canaries = vec![
        Canary::new(slot, secret)?,
        Canary::new("gateway token", home.gateway.token())?,
    ];
    // OpenClaw's own settings hold the token: the user, not we, put it there.
    let official = user.home().home().join(".openclaw/openclaw.json");
    let search = Search::new(canaries, vec![official]);
    search.window_leaves_nothing(window, user.home()).await
}

#[tokio::test]
async fn a_typed_password_is_left_nowhere() -> Result<()> {
    a_typed_secret_is_left_nowhere("account password", "publickey,password", ACCOUNT_PASSWORD).await
}

#[tokio::test]
async fn a_typed_code_is_left_nowhere() -> Result<()> {
    a_typed_secret_is_left_nowhere(
        "one-time code",
        "publickey,keyboard-interactive",
        ONE_TIME_CODE,
    )
    .await
}

#[tokio::test]
async fn no_secret_is_left_anywhere_by_the_older_release() -> Result<()> {
    let (leaks, bytes) = a_session_of_everything(Release::V3).await?.search()?;
    ensure!(leaks.is_empty(), "{leaks:?}");
    ensure!(bytes > 2_000, "only {bytes} bytes were looked at");
    Ok(())
}

#[tokio::test]
async fn no_secret_is_left_anywhere_and_a_planted_one_is_found() -> Result<()> {
    let mut traces = a_session_of_everything(Release::V4).await?;

    let (leaks, bytes) = traces.search()?;
    ensure!(
        leaks.is_empty() && traces.leaks_while_running.is_empty(),
        "{leaks:?}"
    );
    ensure!(bytes > 2_000, "only {bytes} bytes were looked at");

    // The control: the same search over the same places, with one secret in one of them.
    let secret = traces
        .canaries
        .first()
        .map(|canary| canary.value.clone())
        .unwrap_or_default();
    fs::write(
        traces.user.home().home().join("notes.txt"),
        format!("remember {secret}"),
    )?;
    traces
        .logged
        .push(("a line of a log", format!("authorization: {secret}")));
    let (leaks, _) = traces.search()?;
    ensure!(
        leaks.iter().any(|leak| leak.place.ends_with("notes.txt")),
        "{leaks:?}"
    );
    ensure!(
        leaks.iter().any(|leak| leak.place == "a line of a log"),
        "{leaks:?}"
    );
    Ok(())
}
