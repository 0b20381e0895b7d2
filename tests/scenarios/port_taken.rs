//! Another program holds the usual local port: another is used and said, and nothing is saved.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::cli::CommandLine;
use e2e::gateway::{Release, TURN};
use e2e::home_server::{HomeServer, trust};
use e2e::http;
use e2e::network::in_own_network;
use e2e::process::Program;
use e2e::ssh_server::config::SshServerConfig;
use e2e::tools;
use e2e::wait::until;
use uuid::Uuid;

const SETTINGS: &str = "// mine\n{ \"version\": 1 }\n";

#[tokio::test]
async fn the_next_port_is_used_and_its_holder_is_named() -> Result<()> {
    if !in_own_network("port_taken::the_next_port_is_used_and_its_holder_is_named").await? {
        return Ok(());
    }
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let holder = Program::new(tools::node()?)
        .args([
            "-e",
            "require('net').createServer().listen(18789, '127.0.0.1', () => console.log('held'))",
        ])
        .start()?;
    holder
        .says("the port", Duration::from_secs(30), |told| {
            told.contains("held").then_some(())
        })
        .await?;
    let user = CommandLine::new()?;
    trust(&home.ssh, user.known_hosts())?;
    let settings = user
        .home()
        .config_home()
        .join("openclaw-tray/settings.json5");
    fs::create_dir_all(settings.parent().context("no folder")?)?;
    fs::write(&settings, SETTINGS)?;
    let flags = home.flags()?;
    // Everything but the local port, which is what nobody chose here.
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let at = flags
        .iter()
        .position(|flag| *flag == "--local-port")
        .context("no local port")?;
    let flags: Vec<&str> = [
        flags.get(..at).context("cut")?,
        flags.get(at + 2..).context("cut")?,
    ]
    .concat();

    let mut connecting = user.connect(&flags)?;
    let up = connecting.reaches("up", Duration::from_secs(20)).await?;

    ensure!(up["localPort"] == 18_809, "{up}");
    ensure!(up["localPortWanted"] == 18_789, "{up}");
    let named = up["localPortHolder"].as_str().unwrap_or_default();
    ensure!(
        named.contains(&holder.pid().to_string()),
        "{} is not named: {up}",
        holder.pid()
    );
    let (status, _) = http::get(18_809, "/healthz").await?;
    ensure!(status == 200, "the gateway is not at the port: {status}");
    let said = format!("through the other port {}", Uuid::new_v4());
    let params = serde_json::json!({
        "sessionKey": "port-taken", "message": said, "idempotencyKey": Uuid::new_v4().to_string(),
    });
    let token = home.gateway.token_file().display().to_string();
    user.run(&[
        "gateway",
        "call",
        "chat.send",
        "--url",
        "ws://127.0.0.1:18809",
        "--token-file",
        &token,
        "--params",
        &params.to_string(),
        "--timeout",
        "30000",
    ])
    .await?
    .ok()?;
    until("the model's turn", TURN, async || {
        Ok((home.gateway.provider().times_asked(&said) > 0).then_some(()))
    })
    .await?;
    ensure!(connecting.interrupt(Duration::from_secs(2)).await?.code() == Some(0));
    ensure!(
        fs::read_to_string(&settings)? == SETTINGS,
        "the settings were changed"
    );
    Ok(())
}
