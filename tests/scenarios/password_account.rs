//! A home server that somebody set up with nothing but a password: one sign-in with it in the window,
//! one click, and from then on the app connects by itself.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{
    AppUser, checks_well, first_message, first_run_with_a_password, official_config,
    only_web_processes, shows_phase,
};
use e2e::canaries::{Canary, Search};
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::ports;
use e2e::process::{Finished, Program};
use e2e::ssh_server::account::{Account, own};
use e2e::ssh_server::config::SshServerConfig;
use e2e::tools;
use serde_json::{Value, json};

const PASSWORD: &str = "canary of the account 7151";
const ASKED: Duration = Duration::from_secs(30);

async fn password_only() -> Result<HomeServer> {
    let config = SshServerConfig {
        knows_client_key: false,
        account: Some(Account::with_password(PASSWORD)),
        ..SshServerConfig::default()
    };
    HomeServer::with_shared_gateway(Release::V4, config).await
}

/// A server with a password account and a gateway, and a user who has met its host key.
async fn met() -> Result<(HomeServer, AppUser)> {
    let home = password_only().await?;
    let user = AppUser::new(DesktopParts::default()).await?.at_trace();
    let settings = json!({
        "version": 1,
        "activeProfile": "home",
        "firstRunDone": true,
        "profiles": [{
            "id": "home",
            "runs": "anotherComputer",
            "address": home.ssh.target(),
            "localPort": ports::free_port()?,
            "remotePort": home.gateway.port(),
            "connectOnLaunch": true,
        }],
    });
    for (file, text) in [
        (user.settings_file(), settings.to_string()),
        (user.known_hosts(), home.ssh.known_hosts_line()?),
    ] {
        fs::create_dir_all(file.parent().context("no folder")?)?;
        fs::write(file, text)?;
    }
    Ok((home, user))
}

#[tokio::test]
async fn a_click_puts_a_key_in_its_place_and_the_next_start_asks_nothing() -> Result<()> {
    let (home, user) = met().await?;
    let official = user.home().home().join(".openclaw/openclaw.json");
    fs::create_dir_all(official.parent().context("no folder")?)?;
    let config = official_config(&home.ssh, &home.gateway);
    fs::write(official, config.to_string())?;

    let window = user.open("password-account").await?;
    window.element_within("answer-field", ASKED).await?;
    window.fill("answer-field", PASSWORD).await?;
    window.click("dialog-confirm").await?;
    shows_phase(&window, "up", ASKED).await?;
    let is = |wanted: &'static str| move |shown: &str| shown == wanted;
    window
        .attribute(&["sign-in-key"], "data-step", ASKED, is("offered"))
        .await?;
    window.picture("offered").await?;
    let list = home.ssh.account_home()?.join(".ssh/authorized_keys");
    ensure!(!list.exists(), "it was written before anybody agreed");
    let shown = window.text("sign-in-key-line").await?;
    window.click("sign-in-key-add").await?;
    window
        .attribute(&["sign-in-key"], "data-step", ASKED, is("added"))
        .await
        .with_context(|| home.ssh.log())?;
    window.picture("added").await?;
    let written = fs::read_to_string(&list)?;
    ensure!(written.trim_end() == shown.trim(), "{written}{shown}");

    let mut search = Search::new(vec![Canary::new("account password", PASSWORD)?], Vec::new());
    search.window(&window)?;
    window.close().await?;

    let window = user.open("password-account-again").await?;
    shows_phase(&window, "up", ASKED).await?;
    ensure!(!window.has("answer-field").await?, "it was asked for again");
    ensure!(!window.has("sign-in-key").await?, "a key was offered again");
    checks_well(&window, ASKED).await?;
    search.text("what was logged then", window.log().as_bytes());
    window.close().await?;
    let log = home.ssh.log();
    ensure!(log.matches("Accepted password").count() == 1, "{log}");

    search.home_holds_nothing(user.home())?;

    // The command line has the same keychain: it signs in with the key, and takes it back.
    let done = command(&user, &["fetch-token"]).await?;
    ensure!(done.code() == Some(1), "{}{}", done.stdout, done.stderr);
    ensure!(done.stderr.contains("openclaw.json"), "{}", done.stderr);
    let done = command(&user, &["add-key", "--undo", "--json"]).await?;
    ensure!(done.code() == Some(0), "{}{}", done.stdout, done.stderr);
    let told: Value = serde_json::from_str(&done.stdout)?;
    ensure!(told["outcome"] == "removed", "{told}");
    ensure!(fs::read_to_string(&list)?.is_empty());
    let done = command(&user, &["add-key", "--yes"]).await?;
    ensure!(done.code() == Some(3), "{}{}", done.stdout, done.stderr);
    ensure!(fs::read_to_string(&list)?.is_empty());
    Ok(())
}

/// Runs `openclaw server …` in the user's desktop session, with nobody at a terminal.
async fn command(user: &AppUser, args: &[&str]) -> Result<Finished> {
    Program::new(tools::openclaw()?)
        .envs(user.home().env())
        .envs(user.desktop().env())
        .arg("server")
        .args(args)
        .run(ASKED)
        .await
}

/// From an empty home to an answer in the chat, and from then on without a question.
async fn from_an_empty_home(locale: &'static str, connected: &str) -> Result<()> {
    let home = password_only().await?;
    let user = AppUser::new(DesktopParts::default())
        .await?
        .speaks(locale)
        .at_trace();
    let window = user.open(&format!("empty-home-{}", &locale[..2])).await?;

    first_run_with_a_password(
        &window,
        &home.ssh,
        home.gateway.port(),
        home.gateway.token(),
    )
    .await?;
    window.element_within("trust", ASKED).await?;
    window.picture("trust").await?;
    window.click("trust").await?;
    window.element_within("answer-field", ASKED).await?;
    window.picture("password").await?;
    window.fill("answer-field", PASSWORD).await?;
    window.click("dialog-confirm").await?;
    shows_phase(&window, "up", ASKED).await?;
    window.picture("checked").await?;
    ensure!(window.text("state-word").await? == connected);
    first_message(&window).await?;

    window.click("nav-server").await?;
    window.click("sign-in-key-add").await?;
    window
        .attribute(&["sign-in-key"], "data-step", ASKED, |step| step == "added")
        .await
        .with_context(|| home.ssh.log())?;
    window.picture("key").await?;
    let mut search = Search::new(vec![Canary::new("account password", PASSWORD)?], Vec::new());
    search.window(&window)?;
    only_web_processes(&window)?;
    window.close().await?;

    let window = user
        .open(&format!("empty-home-{}-again", &locale[..2]))
        .await?;
    shows_phase(&window, "up", ASKED).await?;
    ensure!(!window.has("answer-field").await?, "it was asked for again");
    window.picture("again").await?;
    search.window_leaves_nothing(window, user.home()).await
}

#[tokio::test]
async fn from_an_empty_home_two_fields_and_a_password_lead_to_an_answer() -> Result<()> {
    from_an_empty_home("en_GB.UTF-8", "Connected").await
}

#[tokio::test]
async fn from_an_empty_home_in_danish() -> Result<()> {
    from_an_empty_home("da_DK.UTF-8", "Forbundet").await
}

#[tokio::test]
async fn a_missing_token_is_fetched_by_a_click_and_nothing_is_asked_again() -> Result<()> {
    let (home, user) = met().await?;
    let folder = home.ssh.account_home()?.join(".openclaw");
    fs::create_dir(&folder)?;
    own(&folder, 0o700)?;
    fs::copy(home.gateway.config_file(), folder.join("openclaw.json"))?;
    own(&folder.join("openclaw.json"), 0o600)?;

    let window = user.open("token-fetched").await?;
    window.element_within("answer-field", ASKED).await?;
    window.fill("answer-field", PASSWORD).await?;
    window.click("dialog-confirm").await?;
    shows_phase(&window, "paused", ASKED).await?;
    window.element_within("fetch-secret-button", ASKED).await?;
    window.picture("missing").await?;
    window.click("fetch-secret-button").await?;
    shows_phase(&window, "up", ASKED)
        .await
        .with_context(|| home.ssh.log())?;
    ensure!(!window.has("answer-field").await?, "it was asked for again");
    window.picture("fetched").await?;
    checks_well(&window, ASKED).await?;
    let log = home.ssh.log();
    let sessions = log.matches("Starting session: ").count();
    let transfers = log.matches("Starting session: subsystem 'sftp'").count();
    ensure!(transfers == 1 && sessions == 1, "{log}");

    let canaries = vec![
        Canary::new("account password", PASSWORD)?,
        Canary::new("gateway token", home.gateway.token())?,
    ];
    let search = Search::new(canaries, Vec::new());
    search.window_leaves_nothing(window, user.home()).await
}
