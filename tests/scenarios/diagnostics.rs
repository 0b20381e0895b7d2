//! The report for whoever helps: what is shown is what is saved, and nobody and nothing secret is in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, official_config, shows_phase};
use e2e::canaries::{Canary, Search};
use e2e::cli::CommandLine;
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::ports;
use e2e::process::{Finished, Program};
use e2e::ssh_server::account::{self, Account};
use e2e::ssh_server::config::SshServerConfig;
use e2e::tools;
use e2e::wait::until;
use e2e::webdriver::Window;
use serde_json::{Value, json};

const PASSWORD: &str = "canary of the account 9204";
const WRONG_TOKEN: &str = "not-the-token-of-this-gateway-either";
/// What its owner calls the server.
const HOST: &str = "canary-home-server-4711";
const SOON: Duration = Duration::from_secs(30);

/// Reads an archive with a reader that is not ours.
const UNZIP: &str = "import json,sys,zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    print(json.dumps({name: archive.read(name).decode() for name in archive.namelist()}))";

async fn unzipped(path: &Path) -> Result<BTreeMap<String, String>> {
    let printed = Program::new(tools::system("/usr/bin/python3")?)
        .args(["-c", UNZIP])
        .arg(path)
        .run(SOON)
        .await?
        .ok()?;
    Ok(serde_json::from_str(&printed)?)
}

fn is_private(path: &Path) -> Result<()> {
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "{} has mode {mode:o}", path.display());
    Ok(())
}

/// Writes a file, making its folder.
fn write(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("no folder")?)?;
    Ok(fs::write(path, text)?)
}

/// A server with a password account, which its owner reaches by a name of their own, and a user whose
/// token for its gateway is wrong.
async fn known_by_name() -> Result<(HomeServer, AppUser)> {
    let config = SshServerConfig {
        knows_client_key: false,
        account: Some(Account::with_password(PASSWORD)),
        ..SshServerConfig::default()
    };
    let home = HomeServer::with_shared_gateway(Release::V4, config).await?;
    let user = AppUser::new(DesktopParts::default()).await?.at_trace();
    let address = format!("{}@{HOST}", account::NAME);
    let settings = json!({
        "version": 1,
        "activeProfile": "home",
        "firstRunDone": true,
        "profiles": [{
            "id": "home",
            "runs": "anotherComputer",
            "address": address,
            "signIn": "password",
            "localPort": ports::free_port()?,
            "remotePort": home.gateway.port(),
            "connectOnLaunch": true,
        }],
    });
    let mut official = official_config(&home.ssh, &home.gateway);
    official["gateway"]["remote"]["sshTarget"] = address.as_str().into();
    official["gateway"]["remote"]["token"] = WRONG_TOKEN.into();
    let ssh = format!(
        "Host {HOST}\n  HostName 127.0.0.1\n  Port {}\n",
        home.ssh.port()
    );
    let folder = user.home().home();
    write(&user.settings_file(), &settings.to_string())?;
    write(&user.known_hosts(), &home.ssh.known_hosts_line()?)?;
    write(
        &folder.join(".openclaw/openclaw.json"),
        &official.to_string(),
    )?;
    write(&folder.join(".ssh/config"), &ssh)?;
    write(
        &user.home().config_home().join("user-dirs.dirs"),
        "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n",
    )?;
    fs::create_dir(folder.join("Downloads"))?;
    Ok((home, user))
}

/// Every file of the report that the window shows, as it shows it.
async fn shown(window: &Window) -> Result<BTreeMap<String, String>> {
    const READ: &str = "
        const text = document.querySelector('[data-testid=\"report-text\"]');
        const shown = {};
        const tabs = [...document.querySelectorAll('[data-testid=\"report-file\"]')];
        const done = arguments[arguments.length - 1];
        (async () => {
          for (const tab of tabs) {
            tab.click();
            await new Promise((drawn) => requestAnimationFrame(drawn));
            shown[tab.dataset.name] = text.textContent;
          }
          done(shown);
        })();";
    let shown = window.client().execute_async(READ, Vec::new()).await?;
    Ok(serde_json::from_value(shown)?)
}

/// Runs `openclaw diagnose` in the user's desktop session.
async fn diagnose(user: &AppUser, args: &[&str]) -> Result<Finished> {
    Program::new(tools::openclaw()?)
        .envs(user.home().env())
        .envs(user.desktop().env())
        .arg("diagnose")
        .args(args)
        .run(SOON)
        .await
}

#[tokio::test]
async fn after_a_whole_session_it_holds_no_secret_and_no_name_and_is_saved_as_shown() -> Result<()>
{
    let (home, user) = known_by_name().await?;
    let window = user.open("diagnostics").await?;
    window.element_within("answer-field", SOON).await?;
    window.fill("answer-field", PASSWORD).await?;
    window.click("dialog-confirm").await?;
    shows_phase(&window, "paused", SOON).await?;
    window.click("problem-action").await?;
    window.fill("token", home.gateway.token()).await?;
    window.click("save").await?;
    window.element_within("answer-field", SOON).await?;
    window.fill("answer-field", PASSWORD).await?;
    window.click("dialog-confirm").await?;
    shows_phase(&window, "up", SOON)
        .await
        .with_context(|| home.ssh.log())?;

    window.click("nav-settings").await?;
    window.click("report-make").await?;
    window.element_within("report-text", SOON).await?;
    window.picture("shown").await?;
    let shown = shown(&window).await?;
    window.click("report-save").await?;
    let saved = window
        .shows("report-saved", SOON, |text| text.contains(".zip"))
        .await?;
    window.picture("saved").await?;
    let folder = user.home().home().join("Downloads");
    let path = saved
        .split_whitespace()
        .find(|word| word.ends_with(".zip"))
        .context("no path is shown")?;
    ensure!(Path::new(path).parent() == Some(&folder), "{saved}");
    is_private(Path::new(path))?;
    ensure!(
        unzipped(Path::new(path)).await? == shown,
        "another report was saved"
    );
    ensure!(fs::metadata(path)?.len() <= 1_000_000);

    ensure!(shown["log.txt"].contains("TRACE"), "{}", shown["log.txt"]);
    ensure!(shown["timeline.jsonl"].contains("\"signedIn\""));
    ensure!(shown["connection.json"].contains("\"up\""));
    let secrets = vec![
        Canary::new("account password", PASSWORD)?,
        Canary::new("gateway token", home.gateway.token())?,
        Canary::new("refused token", WRONG_TOKEN)?,
    ];
    let names = [
        ("host name", HOST.to_owned()),
        ("home folder", user.home().home().display().to_string()),
    ];
    let mut canaries = secrets.clone();
    for (slot, name) in names {
        canaries.push(Canary::new(slot, &name)?);
    }
    let whole = serde_json::to_string(&shown)?;
    let mut search = Search::new(canaries.clone(), Vec::new());
    search.text("the report", whole.as_bytes());
    search.found_nothing(10_000)?;
    // Too short to be a canary, and no other word.
    ensure!(!whole.contains(account::NAME), "the account is named");
    // The control: what was taken out is there to be found.
    let log = fs::read_to_string(user.log_file())?;
    ensure!(log.contains(account::NAME), "{log}");
    let address = format!("\"{}@{HOST}\"", account::NAME);
    ensure!(fs::read_to_string(user.settings_file())?.contains(&address));
    let settings: Value = serde_json::from_str(&shown["settings.json"])?;
    let shown_address = &settings["profiles"][0]["address"];
    ensure!(shown_address == "user-1@host-1", "{settings}");
    is_private(&user.log_file())?;

    window.click("dialog-cancel").await?;
    // OpenClaw's own settings hold the wrong token: the user, not we, put it there.
    let official = user.home().home().join(".openclaw/openclaw.json");
    let search = Search::new(secrets, vec![official]);
    search.window_leaves_nothing(window, user.home()).await?;

    // With no app to ask, the events are those that it wrote down.
    let done = diagnose(&user, &["--json"]).await?;
    let told: Value = serde_json::from_str(&done.ok()?)?;
    let text = |name: &str| {
        let files = told["files"].as_array().into_iter().flatten();
        let mut files = files.filter(|file| file["name"] == name);
        files.next().and_then(|file| file["text"].as_str())
    };
    let timeline = text("timeline.jsonl").context("no timeline")?;
    ensure!(timeline.contains("\"connected\""), "{timeline}");
    ensure!(text("connection.json").is_some_and(|text| text.contains("not known")));
    let mut search = Search::new(canaries, Vec::new());
    search.text(
        "the report of the command line",
        told.to_string().as_bytes(),
    );
    search.found_nothing(10_000)
}

#[tokio::test]
async fn the_command_line_saves_what_it_prints_and_replaces_nothing() -> Result<()> {
    let user = CommandLine::new()?;
    let logs = user.home().data_home().join("openclaw-tray/logs");
    let mut log = String::new();
    for number in 0..60_000 {
        log.push_str(&format!(
            "2026-11-24T02:30:00Z  INFO host=\"{HOST}\" line {number} of a log far too long\n"
        ));
    }
    log.push_str("password=canary of a hand-made log\n-----BEGIN OPENSSH PRIVATE KEY-----\n");
    log.push_str(
        "Y2FuYXJ5IG9mIGEgaGFuZC1tYWRlIGxvZw\n-----END OPENSSH PRIVATE KEY-----\nlast line\n",
    );
    write(&logs.join("openclaw-tray.log"), &log)?;
    let output = user.home().root().join("report.zip");
    let flag = output.display().to_string();

    let done = user.run(&["diagnose", "--json", "--output", &flag]).await?;
    let told: Value = serde_json::from_str(&done.ok()?)?;

    ensure!(told["savedTo"] == flag.as_str(), "{}", told["savedTo"]);
    let files = told["files"].as_array().context("no files")?;
    let printed: BTreeMap<String, String> = files
        .iter()
        .map(|file| {
            let text = |key: &str| file[key].as_str().map(str::to_owned);
            Some((text("name")?, text("text")?))
        })
        .collect::<Option<_>>()
        .context("a file without name or text")?;
    ensure!(
        unzipped(&output).await? == printed,
        "another report was saved"
    );
    is_private(&output)?;
    ensure!(fs::metadata(&output)?.len() <= 1_000_000);
    ensure!(printed["log.txt"].ends_with("password=***\n***\nlast line\n"));
    ensure!(printed["log.txt"].contains("line 59999 of"));
    ensure!(printed["timeline.jsonl"] == "no event is known\n");
    let mut search = Search::new(
        vec![
            Canary::new("a secret in a log", "canary of a hand-made log")?,
            Canary::new("host name", HOST)?,
        ],
        Vec::new(),
    );
    search.text("what is printed", told.to_string().as_bytes());
    search.found_nothing(100_000)?;

    let before = fs::read(&output)?;
    let again = user.run(&["diagnose", "--output", &flag]).await?;
    ensure!(again.code() == Some(64), "{}", again.stderr);
    ensure!(
        fs::read(&output)? == before,
        "the first report was replaced"
    );
    Ok(())
}

#[tokio::test]
async fn how_much_is_logged_changes_at_once() -> Result<()> {
    let parts = DesktopParts::default();
    let user = AppUser::new(parts).await?.logging_by_settings();
    user.has_chosen_this_computer()?;
    let window = user.open("log-level").await?;
    shows_phase(&window, "up", SOON).await?;
    let details = || Ok::<_, anyhow::Error>(fs::read_to_string(user.log_file())?.contains("DEBUG"));
    ensure!(!details()?, "details are logged before anybody asked");

    window.click("nav-settings").await?;
    window.click("log-level-debug").await?;
    window.click("save").await?;
    window
        .shows("save-state", SOON, |text| text.contains("Saved"))
        .await?;
    window.click("disconnect").await?;
    until("a detail in the log", SOON, async || {
        Ok(details()?.then_some(()))
    })
    .await?;
    window.close().await
}
