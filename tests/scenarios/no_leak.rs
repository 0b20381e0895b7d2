//! With everything logged that can be logged, no secret is in a log, a file, an argument or an
//! environment; and a secret that was put there on purpose is found.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::canaries::{Canary, Leak, Search};
use e2e::cli::CommandLine;
use e2e::gateway::Release;
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

/// Connects, checks and calls with every secret the command line can be given as a file.
async fn a_session_of_everything() -> Result<Traces> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
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
    let canaries = vec![
        Canary::new("gateway token", home.gateway.token())?,
        Canary::new("device key", fs::read_to_string(&device_key)?.trim())?,
    ];
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
    let logged = vec![
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
        rightful: vec![device_key],
        logged,
        leaks_while_running,
    })
}

#[tokio::test]
async fn no_secret_is_left_anywhere_and_a_planted_one_is_found() -> Result<()> {
    let mut traces = a_session_of_everything().await?;

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
