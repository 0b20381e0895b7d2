//! Row 13: after a cut the server shows another host key, of the same type or of another one, or the
//! key it has was revoked meanwhile.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::core::CoreUser;
use e2e::long_runs::from_env;
use e2e::network::in_own_network;
use e2e::wait::throughout;
use gateway_core::connection::Command;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::phase::{Cause, Phase};

use super::leaks::Held;
use super::site::{Site, Talk, Times, UP, row};

/// What is different after the cut.
#[derive(Debug, Clone, Copy)]
enum Difference {
    /// The key, which is now one of this kind; the server had an `ed25519` one.
    Key(&'static str),
    /// What we know of the key: it is revoked.
    Revoked,
}

impl Difference {
    fn cause(self) -> Cause {
        match self {
            Self::Key(_) => Cause::HostKeyChanged,
            Self::Revoked => Cause::HostKeyRevoked,
        }
    }

    /// Cuts the connection and makes the difference.
    async fn make(self, site: &mut Site, user: &CoreUser) -> Result<()> {
        match self {
            Self::Key(kind) => {
                site.ssh.stop();
                site.ssh.replace_host_key_by(kind).await?;
                site.ssh.start_again().await
            }
            Self::Revoked => {
                let known = fs::read_to_string(user.known_hosts())?;
                let (_, key) = known.split_once(' ').context("no key")?;
                fs::write(user.known_hosts(), format!("{known}@revoked * {key}"))?;
                ensure!(site.ssh.kill_sessions() > 0, "there was no session to kill");
                Ok(())
            }
        }
    }

    /// Has everything as it was.
    async fn undo(self, site: &mut Site, user: &CoreUser, known: &[u8]) -> Result<()> {
        match self {
            Self::Key(_) => {
                site.ssh.stop();
                site.ssh.host_key_as_before()?;
                site.ssh.start_again().await
            }
            Self::Revoked => Ok(fs::write(user.known_hosts(), known)?),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_host_key_after_a_cut_ends_every_attempt_and_is_sent_nothing() -> Result<()> {
    let name = "fault_matrix::other_keys::another_host_key_after_a_cut_ends_every_attempt_and_is_sent_nothing";
    if !in_own_network(name).await? {
        return Ok(());
    }
    let calm = Duration::from_secs(from_env("E2E_CALM_SECONDS", 3)?);
    let mut site = Site::start().await?;
    let before = Held::now()?;
    let mut stopped = Times::default();
    let (mut refused, mut sent) = (0, 0);
    for difference in [
        Difference::Key("ed25519"),
        Difference::Key("ecdsa"),
        Difference::Key("rsa"),
        Difference::Revoked,
    ] {
        // Nothing but the key could keep it from trying again at once, and as often as it likes.
        let user = site.user(RetryPolicy::uncapped()).await?;
        let known = fs::read(user.known_hosts())?;
        let mut talk = Talk::new();
        talk.say(&user).await?;
        user.all_delivered(UP).await?;
        let told = |site: &Site| {
            (
                site.ssh.sign_in_attempts(),
                site.ssh.channels(),
                site.ssh.logins(),
            )
        };
        let (cut, so_far, log) = (Instant::now(), told(&site), site.ssh.log().len());
        difference.make(&mut site, &user).await?;
        let as_it_is_now = fs::read(user.known_hosts())?;
        // It waits for the server that is not there.
        talk.say(&user).await?;

        let (at, _) = user
            .came_to(cut, UP, |s| s.phase == Phase::Paused)
            .await
            .with_context(|| format!("{difference:?}"))?;
        stopped.since(cut, at);
        stays_stopped(&site, &user, difference, calm).await?;
        let by_hand = Instant::now();
        user.command(Command::ReconnectNow).await;
        let (tries, _) = user
            .came_to(by_hand, UP, |s| s.phase.is_attempting())
            .await?;
        user.came_to(tries, UP, |s| s.phase == Phase::Paused)
            .await?;
        stays_stopped(&site, &user, difference, Duration::from_secs(1)).await?;

        ensure!(told(&site) == so_far, "{difference:?}:\n{}", site.ssh.log());
        let since = site.ssh.log().split_off(log);
        ensure!(!since.contains("userauth"), "{difference:?}:\n{since}");
        refused += since.matches("Connection from ").count();
        ensure!(
            fs::read(user.known_hosts())? == as_it_is_now,
            "{difference:?}: the list of trusted keys was changed"
        );

        difference.undo(&mut site, &user, &known).await?;
        user.command(Command::ReconnectNow).await;
        user.is_up(UP).await?;
        user.all_delivered(UP).await?;
        talk.arrived_once_in_order(&site).await?;
        sent += talk.len();
        user.shut_down().await;
    }
    before.is_all_again().await?;
    row(
        "13",
        &format!(
            "another key, ECDSA, RSA, revoked: stopped {stopped} after the cut, {refused} connections (by \
             itself and by hand): 0 authentication packets, 0 channels, 0 attempts later; with the key as \
             before {sent} messages once each, 0 leaked"
        ),
    );
    // Each difference is met twice: by itself and by hand.
    ensure!(refused == 8, "{refused} connections");
    Ok(())
}

/// Nobody tries anything while the cause stands.
async fn stays_stopped(
    site: &Site,
    user: &CoreUser,
    difference: Difference,
    calm: Duration,
) -> Result<()> {
    let accepted = site.proxy.accepted();
    throughout("it is stopped", calm, async || {
        let now = user.snapshot();
        Ok(now.phase == Phase::Paused
            && now.cause == Some(difference.cause())
            && site.proxy.accepted() == accepted)
    })
    .await
    .with_context(|| format!("{difference:?}: {:?}", user.snapshot()))
}
