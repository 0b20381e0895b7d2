//! By the command line, with a real gateway: each fault is found by the check, mended by one command, and
//! the next check is well.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::canaries::{Canary, Search};
use e2e::cli::{CommandLine, cause};
use e2e::forwarding_proxy::ForwardingProxy;
use e2e::gateway::{Release, TestGateway};
use e2e::home_server::{ssh_flags, trust};
use e2e::process::Finished;
use e2e::server_account::ServerAccount;
use serde_json::Value;

/// A gateway's start, or the official program's call to it, and a check after it.
const LONG: Duration = Duration::from_secs(300);

/// A user at a terminal who knows the server.
struct User {
    line: CommandLine,
    flags: Vec<String>,
}

impl User {
    fn of(server: &ServerAccount, gateway: &TestGateway, port: u16) -> Result<Self> {
        let line = CommandLine::new()?.at_trace();
        trust(&server.ssh, line.known_hosts())?;
        let mut flags = ssh_flags(&server.ssh, port)?;
        let device_key = line.home().root().join("device-key");
        let known_hosts = line.known_hosts().clone();
        for (flag, file) in [
            ("--token-file", gateway.token_file()),
            ("--device-key-file", &device_key),
            ("--known-hosts", &known_hosts),
        ] {
            flags.extend([flag.to_owned(), file.display().to_string()]);
        }
        Ok(Self { line, flags })
    }

    async fn check(&self) -> Result<(Option<i32>, Value)> {
        let done = self.runs(&["check", "--json"]).await?;
        Ok((done.code(), serde_json::from_str(&done.stdout)?))
    }

    /// Connects until a phase is reached, and returns the state.
    async fn connects(&self, phase: &str) -> Result<Value> {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let mut connecting = self.line.connect_by_url(&flags)?;
        connecting.reaches(phase, Duration::from_secs(30)).await
    }

    async fn runs(&self, words: &[&str]) -> Result<Finished> {
        let flags = self.flags.iter().map(String::as_str);
        let all: Vec<&str> = words.iter().copied().chain(flags).collect();
        self.line.run_for(LONG, &all).await
    }
}

fn step<'a>(report: &'a Value, id: &str) -> Result<&'a Value> {
    let steps = report["steps"].as_array().context("no steps")?;
    let found = steps.iter().find(|step| step["id"] == id);
    found.with_context(|| format!("no {id} in {report}"))
}

/// Neither what was run on the server nor its log holds the token.
fn no_secret_left(server: &ServerAccount, gateway: &TestGateway, said: &Finished) -> Result<()> {
    let token = Canary::new("gateway token", gateway.token())?;
    let mut search = Search::new(vec![token], Vec::<std::path::PathBuf>::new());
    search.text("what was run", server.ran()?.join("\n").as_bytes());
    search.text("the server's log", server.ssh.log().as_bytes());
    search.text("what was said", said.stdout.as_bytes());
    search.text("what was logged", said.stderr.as_bytes());
    let (leaks, bytes) = search.finish();
    ensure!(leaks.is_empty() && bytes > 2_000, "{leaks:?} {bytes}");
    Ok(())
}

#[tokio::test]
async fn a_stopped_gateway_is_started_and_the_check_is_well() -> Result<()> {
    let server = ServerAccount::start().await?;
    let manager = server.has_service_manager().await?;
    let mut gateway = TestGateway::start(Release::V4).await?;
    gateway.stop().await?;
    let user = User::of(&server, &gateway, gateway.port())?;
    let (code, report) = user.check().await?;
    ensure!(code == Some(2), "{report}");
    ensure!(
        step(&report, "gateway")?["action"] == "startGateway",
        "{report}"
    );

    // Nobody is at a terminal, and nobody said yes.
    let asked = user.runs(&["server", "start-gateway"]).await?;
    ensure!(
        asked.code() == Some(3) && server.ran()?.is_empty(),
        "{asked:?}"
    );
    ensure!(
        asked.stderr.contains("  openclaw gateway start\n"),
        "{asked:?}"
    );

    let start = ["server", "start-gateway", "--yes", "--json"];
    let (done, started) = tokio::join!(user.runs(&start), manager.starts(&mut gateway));
    started?;
    let done = done?;
    ensure!(done.code() == Some(0), "{done:?}");
    let outcome: Value = serde_json::from_str(&done.stdout)?;
    let unit = "systemctl --user start openclaw-gateway.service";
    ensure!(outcome["command"] == unit, "{outcome}");
    ensure!(outcome["check"]["ok"] == true, "{outcome}");
    ensure!(server.ran()? == [unit], "{:?}", server.ran()?);
    no_secret_left(&server, &gateway, &done)
}

/// The gateway takes everybody for a stranger, and the official program on the server lets this one in.
async fn a_device_is_approved(release: Release) -> Result<()> {
    let gateway = TestGateway::start_proxied(release).await?;
    let server = ServerAccount::of_gateway(release, &gateway).await?;
    let proxy = ForwardingProxy::start(gateway.port()).await?;
    let user = User::of(&server, &gateway, proxy.port())?;
    let (code, report) = user.check().await?;
    ensure!(code == Some(3), "{report}");
    ensure!(
        step(&report, "access")?["action"] == "approveDevice",
        "{report}"
    );
    // What a connection asks for is more than what a check does.
    let paused = user.connects("paused").await?;
    ensure!(cause(&paused) == "pairing", "{paused}");
    let problem = &paused["problem"];
    ensure!(problem["action"] == "approveDevice", "{paused}");
    let request = problem["pairingRequest"].as_str().context("no request")?;

    let done = user
        .runs(&["server", "approve", request, "--yes", "--json"])
        .await?;

    ensure!(done.code() == Some(0), "{done:?}\n{}", gateway.log());
    let outcome: Value = serde_json::from_str(&done.stdout)?;
    let approve = format!("openclaw devices approve {request}");
    ensure!(outcome["command"] == *approve, "{outcome}");
    ensure!(outcome["check"]["ok"] == true, "{outcome}");
    ensure!(server.ran()? == [approve], "{:?}", server.ran()?);
    user.connects("up").await?;
    no_secret_left(&server, &gateway, &done)
}

#[tokio::test]
async fn a_device_that_waits_is_approved_by_the_official_program() -> Result<()> {
    a_device_is_approved(Release::V4).await
}

#[tokio::test]
async fn a_device_that_waits_is_approved_by_the_older_official_program() -> Result<()> {
    a_device_is_approved(Release::V3).await
}

#[tokio::test]
async fn what_is_no_request_never_gets_as_far_as_the_server() -> Result<()> {
    let server = ServerAccount::start().await?;
    server.has_program("openclaw", "exit 0")?;
    let user = CommandLine::new()?;
    trust(&server.ssh, user.known_hosts())?;
    let target = server.ssh.target();
    for id in ["$(reboot)", "--latest", "latest; id", "CF7F2ADB"] {
        let words = [
            "server",
            "approve",
            "--yes",
            "--ssh-target",
            &target,
            "--",
            id,
        ];
        let refused = user.run(&words).await?;
        ensure!(refused.code() == Some(64), "{id}: {refused:?}");
    }
    ensure!(server.ssh.connections() == 0 && server.ran()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn the_log_of_a_gateway_that_was_killed_is_printed() -> Result<()> {
    let server = ServerAccount::start().await?;
    let home = server.ssh.account_home()?;
    let lines = "{\"time\":\"then\",\"message\":\"EADDRINUSE\"}\n";
    let file = e2e::ssh_server::account::write(&home, "claw.log", lines)?;
    let name = Path::new("~").join(file.file_name().context("no name")?);
    let config = format!("{{ logging: {{ file: '{}' }} }}", name.display());
    e2e::ssh_server::account::write(&home, ".openclaw/openclaw.json", &config)?;
    let user = CommandLine::new()?;
    trust(&server.ssh, user.known_hosts())?;
    let mut flags = ssh_flags(&server.ssh, 18_789)?;
    flags.extend([
        "--known-hosts".to_owned(),
        user.known_hosts().display().to_string(),
    ]);
    let flags = flags.iter().map(String::as_str);
    let words: Vec<&str> = ["server", "log"].into_iter().chain(flags).collect();

    let printed = user.run(&words).await?;

    ensure!(printed.code() == Some(0), "{printed:?}");
    ensure!(printed.stdout == "then  EADDRINUSE\n", "{printed:?}");
    ensure!(printed.stderr.contains("claw.log"), "{printed:?}");
    Ok(())
}
