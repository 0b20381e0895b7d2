//! A wrong gateway token is refused once, and the text says which credential was used.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::app::{AppUser, first_run, shows_phase};
use e2e::canaries::{Canary, Search};
use e2e::cli::{CommandLine, cause};
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::{HomeServer, ssh_flags, trust};
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::throughout;

const WRONG: &str = "not-the-token-of-this-gateway";

#[tokio::test]
async fn it_is_refused_once_and_the_right_one_connects() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = CommandLine::new()?;
    trust(&home.ssh, user.known_hosts())?;
    let wrong = user.home().write_private("wrong-token", WRONG)?;
    let mut flags = ssh_flags(&home.ssh, home.gateway.port())?;
    flags.extend(["--token-file".to_owned(), wrong.display().to_string()]);
    let wrong_flags: Vec<&str> = flags.iter().map(String::as_str).collect();

    let mut connecting = user.connect(&wrong_flags)?;
    let paused = connecting
        .reaches("paused", Duration::from_secs(20))
        .await?;

    ensure!(cause(&paused) == "token", "{paused}");
    let text = paused["problem"]["message"].as_str().unwrap_or_default();
    ensure!(text.contains("token"), "{text}");
    ensure!(paused["problem"]["action"] == "enterToken", "{paused}");
    throughout("one login", Duration::from_secs(3), async || {
        Ok(home.ssh.logins() == 1)
    })
    .await?;
    ensure!(connecting.ended(Duration::from_secs(5)).await?.code() == Some(3));

    let right = home.flags()?;
    let right: Vec<&str> = right.iter().map(String::as_str).collect();
    let mut connecting = user.connect(&right)?;
    connecting.reaches("up", Duration::from_secs(20)).await?;
    Ok(())
}

#[tokio::test]
async fn in_the_window_the_right_one_is_pasted_and_kept_in_the_keychain_only() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let user = AppUser::new(DesktopParts::default()).await?.at_trace();
    let window = user.open("wrong-token").await?;
    first_run(&window, &home.ssh, home.gateway.port(), WRONG).await?;
    window.click("trust").await?;
    shows_phase(&window, "paused", Duration::from_secs(20)).await?;
    window
        .shows("problem", Duration::from_secs(10), |text| {
            text.contains("token")
        })
        .await?;
    window.picture("refused").await?;

    window.click("problem-action").await?;
    window.click("token-replace").await?;
    window.fill("token", home.gateway.token()).await?;
    window.picture("pasted").await?;
    window.click("first-run-next").await?;
    shows_phase(&window, "up", Duration::from_secs(20)).await?;
    window.picture("connected").await?;

    let canaries = vec![
        Canary::new("gateway token", home.gateway.token())?,
        Canary::new("refused token", WRONG)?,
    ];
    let search = Search::new(canaries, Vec::new());
    search.window_leaves_nothing(window, user.home()).await
}
