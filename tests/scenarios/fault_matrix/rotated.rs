//! Row 12: the gateway's shared token is another one from now on.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::core::CoreUser;
use e2e::wait::throughout;
use gateway_core::connection::Command;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::phase::{Cause, Phase};
use gateway_core::connection::route::CredentialKind;

use super::site::{Site, UP, row};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_token_is_answered_with_one_try_of_the_device_token_and_then_a_person()
-> Result<()> {
    let mut site = Site::start().await?;
    let user = site.user(RetryPolicy::default()).await?;

    // The gateway knows the device, whatever the shared token is now.
    let known = meets_another_token(&mut site, &user, false).await?;
    user.is_up(UP).await?;
    let facts = user.snapshot().gateway.context("it is up")?;
    ensure!(facts.credential == CredentialKind::DeviceToken, "{facts:?}");
    stays(&user, Phase::Up).await?;
    let known = site.ssh.channels() - known;
    ensure!(known == 2, "{known} sessions, of which one was refused");

    // It knows neither: its state is a new one.
    let unknown = meets_another_token(&mut site, &user, true).await?;
    user.reaches(UP, |s| s.phase == Phase::Paused).await?;
    stays(&user, Phase::Paused).await?;
    ensure!(
        user.snapshot().cause == Some(Cause::Token),
        "{:?}",
        user.snapshot()
    );
    let unknown = site.ssh.channels() - unknown;
    ensure!(unknown == 2, "{unknown} sessions, all refused");
    user.shut_down().await;
    row(
        "12",
        &format!(
            "device known: up with its own token after {} retry; unknown: asked for after {unknown} refusals, not tried again",
            known - 1
        ),
    );
    Ok(())
}

/// Has the gateway start afresh with another token, and the user come to it. Returns how many
/// sessions there had been before.
async fn meets_another_token(site: &mut Site, user: &CoreUser, forgets: bool) -> Result<usize> {
    user.command(Command::Disconnect).await;
    user.reaches(UP, |s| s.phase == Phase::Off).await?;
    site.gateway.stop().await?;
    if forgets {
        std::fs::remove_dir_all(site.gateway.state_dir())?;
    }
    site.gateway.take_another_token()?;
    site.gateway.start_again().await?;
    // Every session has a channel of its own.
    let before = site.ssh.channels();
    user.command(Command::Connect).await;
    Ok(before)
}

async fn stays(user: &CoreUser, phase: Phase) -> Result<()> {
    throughout("it stays as it is", Duration::from_secs(3), async || {
        Ok(user.snapshot().phase == phase)
    })
    .await
}
