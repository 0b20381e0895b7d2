//! A real node that wants to offer commands: its card waits in the window until somebody decides.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::desktop::DesktopParts;
use e2e::gateway::{Release, TestGateway};
use e2e::node_host::NodeHost;
use e2e::ssh_server::TestSshServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::wait::until;

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

    // What runs programs is an administrator's to allow, which the window is not.
    window.click("pairing-approve").await?;
    window
        .shows("request-problem", SOON, |text| {
            text.contains("administrator")
        })
        .await?;
    window.click("pairing-deny").await?;
    until("the card to go", SOON, async || {
        Ok((!window.has("pairing").await?).then_some(()))
    })
    .await?;
    drop(node);
    window.close().await
}
