//! Keys that only the SSH agent holds: one without any file, and one of eight that a `.pub` file picks.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::cli::{CommandLine, cause};
use e2e::gateway::Release;
use e2e::home_server::{HomeServer, trust};
use e2e::ports;
use e2e::ssh_server::agent::TestAgent;
use e2e::ssh_server::config::SshServerConfig;
use e2e::ssh_server::keys::KeyFile;

const UP: Duration = Duration::from_secs(60);

/// The flags that reach the server with no key named.
fn flags(home: &HomeServer) -> Result<Vec<String>> {
    Ok(vec![
        "--ssh-target".to_owned(),
        home.ssh.target(),
        "--remote-port".to_owned(),
        home.gateway.port().to_string(),
        "--local-port".to_owned(),
        ports::free_port()?.to_string(),
        "--token-file".to_owned(),
        home.gateway.token_file().display().to_string(),
    ])
}

async fn is_up(user: &CommandLine, flags: &[String]) -> Result<()> {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut connecting = user.connect(&flags)?;
    connecting
        .reaches("up", UP)
        .await
        .with_context(|| connecting.log())?;
    connecting.interrupt(Duration::from_secs(10)).await?;
    Ok(())
}

#[tokio::test]
async fn a_key_in_the_agent_alone_connects() -> Result<()> {
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let agent = TestAgent::start().await?;
    agent.add(home.ssh.identity()).await?;
    let user = CommandLine::new()?.with_agent(agent.socket());
    trust(&home.ssh, user.known_hosts())?;

    is_up(&user, &flags(&home)?).await?;

    ensure!(home.ssh.logins() == 1, "{}", home.ssh.log());
    Ok(())
}

#[tokio::test]
async fn a_pub_file_picks_the_one_right_key_of_eight() -> Result<()> {
    let config = SshServerConfig {
        max_auth_tries: 3,
        ..SshServerConfig::default()
    };
    let home = HomeServer::with_shared_gateway(Release::V4, config).await?;
    let agent = TestAgent::start().await?;
    let user = CommandLine::new()?.with_agent(agent.socket());
    trust(&home.ssh, user.known_hosts())?;
    for number in 0..7 {
        let path = user.home().root().join(format!("other{number}"));
        let other = KeyFile::generate(&path, "ed25519", "").await?;
        agent.add(other.path()).await?;
    }
    agent.add(home.ssh.identity()).await?;

    // Without the file four keys are offered, and the third refusal ends it: no loop, and in words.
    let plain = flags(&home)?;
    let words: Vec<&str> = plain.iter().map(String::as_str).collect();
    let mut refused = user.connect(&words)?;
    let paused = refused.reaches("paused", UP).await?;
    ensure!(cause(&paused) == "authRefused", "{paused}");
    ensure!(home.ssh.logins() == 0);

    let public = user.home().root().join("work.pub");
    fs::copy(home.ssh.identity().with_extension("pub"), &public)?;
    let before = home.ssh.sign_in_attempts();
    let mut picked = plain;
    picked.extend(["--identity".to_owned(), public.display().to_string()]);
    is_up(&user, &picked).await?;

    // "none", the offer, the signature.
    ensure!(
        home.ssh.sign_in_attempts() - before == 3,
        "{}",
        home.ssh.log()
    );
    ensure!(home.ssh.logins() == 1);
    Ok(())
}
