//! An encrypted key: a wrong phrase is asked again, the right one is remembered in the keychain and
//! nowhere else, and the next start asks nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::app::{AppUser, shows_phase};
use e2e::canaries::{Canary, Search};
use e2e::desktop::DesktopParts;
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::ssh_server::config::SshServerConfig;

const PASSPHRASE: &str = "canary phrase of an encrypted key";
const ASKED: Duration = Duration::from_secs(30);

#[tokio::test]
async fn it_is_asked_for_until_it_is_right_and_then_remembered() -> Result<()> {
    let config = SshServerConfig {
        key_passphrase: PASSPHRASE.to_owned(),
        ..SshServerConfig::default()
    };
    let home = HomeServer::with_shared_gateway(Release::V4, config).await?;
    let user = AppUser::new(DesktopParts::default()).await?.at_trace();
    user.has_met(&home.ssh, &home.gateway)?;

    let window = user.open("passphrase").await?;
    window.element_within("answer-field", ASKED).await?;
    window.picture("asked").await?;
    window
        .fill("answer-field", "not the phrase of this key")
        .await?;
    window.click("dialog-confirm").await?;
    window.element_within("dialog-error", ASKED).await?;
    window.picture("asked-again").await?;
    window.fill("answer-field", PASSPHRASE).await?;
    window.click("remember").await?;
    window.click("dialog-confirm").await?;
    shows_phase(&window, "up", ASKED).await?;
    window.picture("connected").await?;
    let mut search = Search::new(vec![Canary::new("key passphrase", PASSPHRASE)?], Vec::new());
    search.window(&window)?;
    window.close().await?;

    let window = user.open("passphrase-again").await?;
    shows_phase(&window, "up", ASKED).await?;
    ensure!(!window.has("answer-field").await?, "it was asked for again");
    window.close().await?;

    search.home_holds_nothing(user.home())
}
