//! A server that wants a key and then a code that is good once: the code is typed unseen, and after a
//! cut the program waits for the next one rather than trying the old one.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::cli::CommandLine;
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::{HomeServer, trust};
use e2e::ssh_server::config::SshServerConfig;
use e2e::ssh_server::one_time_codes::CODES;
use e2e::terminal::Terminal;
use e2e::tools;
use e2e::wait::throughout;
use e2e::webdriver::Window;

const SHOWN: Duration = Duration::from_secs(60);
const PROMPT: &str = "One-time password";

/// How many codes the server has judged wrong.
fn refused(home: &HomeServer) -> usize {
    let log = home.ssh.log();
    log.matches("Failed keyboard-interactive").count()
}

/// Waits until the screen asks for a code for the `nth` time and nothing comes after the question.
async fn asks(terminal: &Terminal, nth: usize) -> Result<()> {
    let what = format!("question {nth}");
    terminal
        .shows(&what, SHOWN, |screen| {
            let last = screen.trim_end().lines().last().unwrap_or_default();
            screen.matches(PROMPT).count() >= nth && last.contains(PROMPT)
        })
        .await
        .map(drop)
}

#[tokio::test]
async fn each_code_is_sent_once_and_a_cut_waits_for_the_next() -> Result<()> {
    let config = SshServerConfig {
        codes: true,
        ..SshServerConfig::default()
    };
    let home = HomeServer::with_shared_gateway(Release::V4, config).await?;
    let user = CommandLine::new()?;
    trust(&home.ssh, user.known_hosts())?;
    let mut argv: Vec<OsString> = vec![tools::openclaw()?.into(), "connect".into()];
    argv.extend(["--known-hosts".into(), user.known_hosts().into()]);
    argv.extend(home.flags()?.into_iter().map(OsString::from));
    let terminal = Terminal::open(user.home(), user.home().env(), argv).await?;

    asks(&terminal, 1).await.with_context(|| home.ssh.log())?;
    terminal.says("000000").await?;
    asks(&terminal, 2).await.with_context(|| home.ssh.log())?;
    ensure!(refused(&home) == 1, "{}", home.ssh.log());
    terminal.says(CODES[0]).await?;
    let connected = |screen: &str| screen.contains("Connected to");
    terminal
        .shows("the connection", SHOWN, connected)
        .await
        .with_context(|| home.ssh.log())?;
    ensure!(home.ssh.logins() == 1, "{}", home.ssh.log());

    ensure!(home.ssh.kill_sessions() >= 1);
    asks(&terminal, 3).await.with_context(|| home.ssh.log())?;
    let connections = home.ssh.connections();
    throughout("waiting for a person", Duration::from_secs(5), async || {
        Ok(home.ssh.connections() == connections)
    })
    .await
    .with_context(|| home.ssh.log())?;
    ensure!(
        refused(&home) == 1,
        "an old code was tried: {}",
        home.ssh.log()
    );

    terminal.says(CODES[1]).await?;
    let again = |screen: &str| screen.matches("Connected to").count() >= 2;
    let screen = terminal
        .shows("the connection again", SHOWN, again)
        .await
        .with_context(|| home.ssh.log())?;
    ensure!(
        (home.ssh.logins(), refused(&home)) == (2, 1),
        "{}",
        home.ssh.log()
    );
    for code in ["000000", CODES[0], CODES[1]] {
        ensure!(!screen.contains(code), "a code is on the screen:\n{screen}");
    }
    Ok(())
}

#[tokio::test]
async fn in_the_window_the_code_is_typed_unseen_and_a_cut_waits_for_a_person() -> Result<()> {
    let config = SshServerConfig {
        codes: true,
        ..SshServerConfig::default()
    };
    let home = HomeServer::with_shared_gateway(Release::V4, config).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&home.ssh, &home.gateway)?;
    let window = user.open("one-time-code").await?;
    is_typed_unseen(&window, CODES[0]).await?;
    shows_phase(&window, "up", SHOWN).await?;

    ensure!(home.ssh.kill_sessions() >= 1);
    shows_phase(&window, "auth_prompt", SHOWN).await?;
    let connections = home.ssh.connections();
    throughout("waiting for a person", Duration::from_secs(5), async || {
        Ok(home.ssh.connections() == connections)
    })
    .await
    .with_context(|| home.ssh.log())?;
    is_typed_unseen(&window, CODES[1]).await?;
    shows_phase(&window, "up", SHOWN).await?;
    ensure!(
        (home.ssh.logins(), refused(&home)) == (2, 0),
        "{}",
        home.ssh.log()
    );
    window.close().await
}

/// Answers the window's question, whose field shows no letter of it.
async fn is_typed_unseen(window: &Window, code: &str) -> Result<()> {
    window.element_within("answer-field", SHOWN).await?;
    window
        .attribute(&["answer-field"], "type", SHOWN, |kind| kind == "password")
        .await?;
    window.fill("answer-field", code).await?;
    window.click("dialog-confirm").await
}
