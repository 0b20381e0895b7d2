//! A real node that wants to offer commands: its card waits in the window until somebody decides.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::{Release, TestGateway};
use e2e::node_host::NodeHost;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;
use gateway_core::client::{self, ClientLimits, Credentials, HelloRequest};
use gateway_core::credentials::secret::GatewayToken;
use gateway_core::protocol::connect::Scope;
use serde_json::json;
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_secs(30);

/// From its start until the gateway knows what the node offers: a whole Node.js program with plugins.
const COMES: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_node_that_offers_commands_waits_for_a_word_and_is_refused() -> Result<()> {
    let ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let gateway = TestGateway::start(Release::V4).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&ssh, &gateway)?;
    let window = user.open("pairing-card").await?;
    shows_phase(&window, "up", SOON).await?;
    window.click("nav-server").await?;
    ensure!(!window.has("pairing").await?);

    let node = NodeHost::start(gateway.port(), gateway.token(), "Bench")?;
    window
        .shows("pairing", COMES, |text| {
            text.contains("Bench offers to run commands") && text.contains("system.run")
        })
        .await?;
    window.picture("card").await?;

    // What runs programs is an administrator's to allow, which the window is not: so it is refused.
    window.click("pairing-approve").await?;
    window.element_within("pairing-needs-admin", SOON).await?;
    window.picture("administrator").await?;
    window.click("pairing-deny").await?;
    until("the card to go", SOON, async || {
        Ok((!window.has("pairing").await?).then_some(()))
    })
    .await?;
    drop(node);
    window.close().await
}

#[tokio::test]
async fn it_is_allowed_with_an_administrators_rights_for_that_one_moment() -> Result<()> {
    let ssh = TestSshServer::start(SshServerConfig::default()).await?;
    let gateway = TestGateway::start(Release::V4).await?;
    let user = AppUser::new(DesktopParts::default()).await?;
    user.has_met(&ssh, &gateway)?;
    let window = user.open("pairing-admin").await?;
    shows_phase(&window, "up", SOON).await?;
    window.click("nav-server").await?;
    let mut node = NodeHost::start(gateway.port(), gateway.token(), "Bench")?;
    window
        .shows("pairing", COMES, |text| text.contains("system.run"))
        .await?;
    let logins = ssh.logins();
    window.click("pairing-approve").await?;
    window.element_within("pairing-needs-admin", SOON).await?;

    window.click("pairing-approve").await?;

    until("the card to go", SOON, async || {
        Ok((!window.has("pairing").await?).then_some(()))
    })
    .await?;
    ensure!(ssh.logins() == logins, "it went another way");
    let listed = gateway.official(&["nodes", "list", "--json"]).await?.ok()?;
    ensure!(listed.contains("system.run"), "{listed}");
    // Nothing of it is left: no device may administer the gateway.
    let devices = gateway
        .official(&["devices", "list", "--json"])
        .await?
        .ok()?;
    let devices: serde_json::Value = serde_json::from_str(&devices)?;
    let ours: Vec<_> = devices["paired"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|device| device["clientMode"] == "ui")
        .collect();
    ensure!(!ours.is_empty(), "{devices}");
    ensure!(
        !json!(ours).to_string().contains("operator.admin"),
        "{devices}"
    );
    node.stop().await?;
    window.close().await
}

/// How long a gateway may take to answer.
const ANSWER: Duration = Duration::from_secs(15);

#[tokio::test]
async fn both_releases_make_an_administrator_for_a_moment_and_remember_nobody() -> Result<()> {
    for release in [Release::V3, Release::V4] {
        let gateway = TestGateway::shared(release).await?;
        let credentials = Credentials {
            token: Some(GatewayToken::new(gateway.token())),
            ..Credentials::default()
        };
        let mut paired = Vec::new();
        for _ in 0..2 {
            let hello = HelloRequest::for_a_moment_as_administrator(credentials.clone());
            let stream = TcpStream::connect(("127.0.0.1", gateway.port())).await?;
            let authority = format!("127.0.0.1:{}", gateway.port());
            let hello = hello.ok_or_else(|| anyhow!("no request"))?;
            let opened =
                client::connect(stream, &authority, hello, ClientLimits::default()).await?;
            let scopes = opened.hello.auth.as_ref().map(|auth| auth.scopes.clone());
            ensure!(
                scopes.is_some_and(|scopes| scopes.contains(&Scope::Admin)),
                "{release:?}: {:?}",
                opened.hello.auth
            );
            ensure!(opened.issued.is_none(), "{release:?} issued a token");
            let listed = opened
                .session
                .call_raw("device.pair.list", json!({}), ANSWER)
                .await?;
            paired.push(listed["paired"].to_string().matches("\"backend\"").count());
            opened.session.close().await;
        }
        ensure!(paired == [0, 0], "{release:?} paired it: {paired:?}");
    }
    Ok(())
}
