//! A gateway that is reached by its URL, with no SSH in between.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::canaries::{Canary, Search};
use e2e::cli::{CommandLine, cause};
use e2e::desktop::DesktopParts;
use e2e::gateway::{Release, TestGateway};
use e2e::home_server::HomeServer;
use e2e::network::in_own_network;
use e2e::process::Program;
use e2e::ssh_server::config::SshServerConfig;
use e2e::temp_home::TempHome;
use e2e::tls_front::TlsFront;
use e2e::tools;
use gateway_core::config::{Profile, SettingsFile};
use serde_json::json;

/// How long reaching a gateway may take on a busy machine.
const REACHED: Duration = Duration::from_secs(30);
/// How long a command may take to end by itself.
const ENDED: Duration = Duration::from_secs(10);

/// What an address of a network of the test's own is, and the token of the gateway there.
const PRIVATE: &str = "192.168.77.5";
const SECRET: &str = "a-secret-of-the-direct-test";

/// The steps that only the way through SSH has.
const OF_SSH: [&str; 3] = ["tcp", "login", "forward"];

#[tokio::test]
async fn over_wss_the_certificate_is_trusted_by_its_fingerprint_and_nobody_else_is_told_anything()
-> Result<()> {
    let gateway = TestGateway::shared(Release::V4).await?;
    let front = TlsFront::start(gateway.port()).await?;
    let user = CommandLine::new()?.at_trace();
    let token = gateway.token_file().display().to_string();
    let url = front.url();
    let unpinned = ["--url", &url, "--token-file", &token];

    let mut connecting = user.connect_by_url(&unpinned)?;
    let asking = connecting.reaches("host_key", REACHED).await?;
    ensure!(cause(&asking) == "tlsPin", "{asking}");
    let ended = connecting.ended(ENDED).await?;
    ensure!(ended.code() == Some(3), "{}", ended.stderr);
    let fingerprint = front.fingerprint();
    let advice = format!("--tls-fingerprint {fingerprint}");
    ensure!(ended.stderr.contains(&advice), "{}", ended.stderr);
    ensure!(front.bytes() == 0, "something was sent before the trust");
    let mut said = ended.stdout + &ended.stderr;

    let pinned = [&unpinned[..], &["--tls-fingerprint", &fingerprint]].concat();
    let mut connecting = user.connect_by_url(&pinned)?;
    let up = connecting.reaches("up", REACHED).await?;
    ensure!(up["target"] == url, "{up}");
    ensure!(up["localPort"].is_null(), "{up}");
    front.cut();
    connecting.reaches("up", REACHED).await?;

    let report = user.check_by_url(&pinned).await?;
    ensure!(
        report.code == 0 && report.report["ok"] == true,
        "{}",
        report.report
    );
    for (id, status) in report.statuses()? {
        let expected = match OF_SSH.contains(&id.as_str()) {
            true => "notNeeded",
            false => "ok",
        };
        ensure!(status == expected, "{id} is {status}: {}", report.report);
    }
    let health = user
        .run(&[&["health", "--json"], &pinned[..]].concat())
        .await?;
    ensure!(health.code() == Some(0), "{}", health.stderr);
    let health = user.run(&[&["health"], &unpinned[..]].concat()).await?;
    ensure!(health.code() == Some(3), "{}", health.stderr);
    ensure!(health.stderr.contains(&advice), "{}", health.stderr);
    said += &(health.stdout + &health.stderr + &report.log);

    // A renewed certificate leaves the session alone, and stops the next one before a byte.
    front.renew()?;
    front.cut();
    let bytes = front.bytes();
    let paused = connecting.reaches("paused", REACHED).await?;
    ensure!(cause(&paused) == "tlsPin", "{paused}");
    ensure!(paused["problem"]["action"] == "reviewHostKey", "{paused}");
    let text = paused["problem"]["message"].as_str().unwrap_or_default();
    let renewed = front.fingerprint();
    ensure!(
        text.contains(&fingerprint) && text.contains(&renewed),
        "{text}"
    );
    ensure!(
        front.bytes() == bytes,
        "something was sent to another certificate"
    );
    let ended = connecting.ended(ENDED).await?;
    ensure!(ended.code() == Some(3), "{}", ended.stderr);
    let report = user.check_by_url(&pinned).await?;
    let (step, status, _) = report.first_failing()?.context("all is well")?;
    ensure!(
        (step.as_str(), status.as_str(), report.code) == ("hostKey", "needsUser", 3),
        "{}",
        report.report
    );
    ensure!(
        front.bytes() == bytes,
        "something was sent to another certificate"
    );

    said += &(ended.stdout + &ended.stderr + &report.log);
    ensure!(said.contains("DEBUG") || said.contains("TRACE"));
    let mut search = Search::new(
        vec![Canary::new("gateway token", gateway.token())?],
        Vec::new(),
    );
    search.text("what was said and logged", said.as_bytes());
    search.found_nothing(1)
}

#[tokio::test]
async fn the_official_gateways_own_tls_is_reached_by_the_fingerprint_that_openssl_prints()
-> Result<()> {
    let mut gateway = TestGateway::start_with_tls(Release::V4).await?;
    let user = CommandLine::new()?;
    let token = gateway.token_file().display().to_string();
    let url = gateway.url();
    let printed = gateway.printed_fingerprint().await?;
    let pinned = [
        "--url",
        &url,
        "--tls-fingerprint",
        &printed,
        "--token-file",
        &token,
    ];

    let mut connecting = user.connect_by_url(&pinned)?;
    connecting.reaches("up", REACHED).await?;
    let report = user.check_by_url(&pinned).await?;
    ensure!(report.code == 0, "{}", report.report);
    let wrong = "00".repeat(32);
    let health = user
        .run(&[
            "health",
            "--url",
            &url,
            "--tls-fingerprint",
            &wrong,
            "--token-file",
            &token,
        ])
        .await?;
    ensure!(health.code() == Some(3), "{}", health.stderr);

    // The certificate is kept across a restart, and so is the way to it.
    gateway.stop().await?;
    connecting.reaches("up_gateway_down", REACHED).await?;
    gateway.start_again().await?;
    connecting.reaches("up", REACHED).await?;
    Ok(())
}

#[tokio::test]
async fn over_plain_ws_a_gateway_of_this_computer_is_reached_and_a_public_one_refused() -> Result<()>
{
    let gateway = TestGateway::shared(Release::V4).await?;
    let user = CommandLine::new()?;
    let token = gateway.token_file().display().to_string();
    let url = gateway.url();
    let given = ["--url", &url, "--token-file", &token];

    let mut connecting = user.connect_by_url(&given)?;
    let up = connecting.reaches("up", REACHED).await?;
    ensure!(up["target"] == url, "{up}");
    let report = user.check_by_url(&given).await?;
    ensure!(report.code == 0, "{}", report.report);
    for (id, status) in report.statuses()? {
        let expected = match OF_SSH.contains(&id.as_str()) || id == "hostKey" {
            true => "notNeeded",
            false => "ok",
        };
        ensure!(status == expected, "{id} is {status}: {}", report.report);
    }

    let ended = user.run(&["connect", "--url", &url]).await?;
    ensure!(ended.code() == Some(1), "{}", ended.stderr);
    ensure!(ended.stderr.contains("--token-file"), "{}", ended.stderr);
    for (flags, code, word) in [
        (&["--url", "ws://203.0.113.5:1"][..], 1, "wss://"),
        (&["--url", "http://127.0.0.1"], 64, "ws://"),
        (&["--url", &url, "--tls-fingerprint", "ab"], 64, "64"),
        (
            &["--url", &url, "--tls-fingerprint", &"ab".repeat(32)],
            64,
            "wss://",
        ),
        (
            &["--url", &url, "--ssh-target", "me@box"],
            64,
            "--ssh-target",
        ),
    ] {
        let all = [&["connect", "--token-file", &token], flags].concat();
        let ended = user.run(&all).await?;
        ensure!(ended.code() == Some(code), "{flags:?}: {}", ended.stderr);
        ensure!(ended.stderr.contains(word), "{flags:?}: {}", ended.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn in_a_private_network_plain_ws_reaches_a_gateway_once_it_has_approved_this_device()
-> Result<()> {
    let name = "direct::\
        in_a_private_network_plain_ws_reaches_a_gateway_once_it_has_approved_this_device";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let network = format!("{PRIVATE}/24");
    Program::new(tools::system("/usr/sbin/ip")?)
        .args(["address", "add", &network, "dev", "lo"])
        .run(ENDED)
        .await?
        .ok()?;
    let server = TempHome::new()?;
    let token = server.write_private("token", SECRET)?.display().to_string();
    let folder = server.home().join(".openclaw");
    std::fs::create_dir_all(&folder)?;
    let config = json!({"gateway": {"mode": "local", "bind": "custom", "customBindHost": PRIVATE}});
    std::fs::write(folder.join("openclaw.json"), config.to_string())?;
    let gateway = Program::new(tools::openclaw()?)
        .envs(server.env())
        .current_dir(server.home())
        .args(["gateway", "run", "--token-file", &token])
        .start()?;
    gateway
        .says("ready", REACHED, |told| {
            told.contains("Gateway ready").then_some(())
        })
        .await?;

    let user = CommandLine::new()?;
    let url = format!("ws://{PRIVATE}:18789");
    let device = user.home().root().join("device-key").display().to_string();
    let given = [
        "--url",
        &url,
        "--token-file",
        &token,
        "--device-key-file",
        &device,
    ];
    let mut connecting = user.connect_by_url(&given)?;
    let paused = connecting.reaches("paused", REACHED).await?;
    ensure!(cause(&paused) == "pairing", "{paused}");
    let text = paused["problem"]["message"].as_str().unwrap_or_default();
    let (_, rest) = text.split_once("approve ").context("no request is named")?;
    let request = rest.split(' ').next().unwrap_or_default();
    ensure!(connecting.ended(ENDED).await?.code() == Some(3));

    let params = json!({"requestId": request}).to_string();
    let approving = [
        "gateway",
        "call",
        "device.pair.approve",
        "--params",
        &params,
    ];
    let here = ["--url", "ws://127.0.0.1:18789", "--token-file", &token];
    user.run(&[&approving[..], &here].concat()).await?.ok()?;
    let mut connecting = user.connect_by_url(&given)?;
    let up = connecting.reaches("up", REACHED).await?;
    ensure!(up["target"] == url, "{up}");
    let report = user.check_by_url(&given).await?;
    ensure!(report.code == 0, "{}", report.report);
    Ok(())
}

#[tokio::test]
async fn in_the_window_the_settings_change_from_ssh_to_direct_and_a_certificate_is_trusted()
-> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let front = TlsFront::start(home.gateway.port()).await?;
    let user = AppUser::new(DesktopParts::default()).await?.at_trace();
    user.has_met(&home.ssh, &home.gateway)?;
    let window = user.open("direct").await?;
    shows_phase(&window, "up", REACHED).await?;

    window.click("nav-settings").await?;
    window.click("transport-direct").await?;
    window.fill("url", &front.url()).await?;
    window.fill("token", home.gateway.token()).await?;
    window.picture("settings").await?;
    window.click("save").await?;
    window.element_within("trust", REACHED).await?;
    let shown = front.fingerprint();
    window
        .attribute(&["fingerprint"], "data-value", REACHED, |value| {
            value == shown
        })
        .await?;
    ensure!(front.bytes() == 0, "something was sent before the trust");
    window.picture("certificate").await?;
    window.click("trust").await?;
    shows_phase(&window, "up", REACHED).await?;
    let profile = profile(&user)?;
    ensure!(profile.is_direct(), "{profile:?}");
    ensure!(
        profile.tls_fingerprint == front.fingerprint(),
        "{profile:?}"
    );

    window.click("nav-server").await?;
    window.click("run-check").await?;
    window
        .shows("check-summary", REACHED, |text| text.contains("well"))
        .await?;
    window.picture("checked").await?;
    let log = window.log();
    window.close().await?;

    // What was trusted is known the next time, and another certificate is not.
    let window = user.open("direct-again").await?;
    shows_phase(&window, "up", REACHED).await?;
    front.renew()?;
    front.cut();
    let bytes = front.bytes();
    shows_phase(&window, "paused", REACHED).await?;
    window.unfold("reinstalled").await?;
    window.fill("host-name", "localhost").await?;
    window.picture("renewed").await?;
    ensure!(
        front.bytes() == bytes,
        "something was sent to another certificate"
    );
    window.click("dialog-confirm").await?;
    shows_phase(&window, "up", REACHED).await?;

    let mut search = Search::new(
        vec![Canary::new("gateway token", home.gateway.token())?],
        Vec::new(),
    );
    search.text("what was logged", log.as_bytes());
    search.text("what was logged the second time", window.log().as_bytes());
    let settings = std::fs::read(user.settings_file())?;
    search.text("the settings", &settings);
    search.found_nothing(1)?;
    window.close().await
}

fn profile(user: &AppUser) -> Result<Profile> {
    let mut file = SettingsFile::new(user.settings_file());
    let settings = file.load()?;
    settings.active().cloned().context("no profile")
}
