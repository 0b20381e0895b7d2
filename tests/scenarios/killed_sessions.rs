//! The server's session process is killed again and again while the user chats: every message
//! arrives once, and other programs keep finding the gateway at the same local port.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::core::{Conversation, CoreUser};
use e2e::delivery::{Delivery, message_id, message_text};
use e2e::gateway::{Release, TURN};
use e2e::home_server::HomeServer;
use e2e::long_runs::from_env;
use e2e::ssh_server::config::SshServerConfig;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

/// A twentieth of the long run (`scripts/soak` sets `E2E_KILLS=200`).
const KILLS: usize = 10;
/// After so many kills the agent may catch up. A gateway keeps at most 20 messages waiting for a
/// conversation's turn and marks what exceeds them as interrupted, which is its rule and no loss of
/// ours; this stays below it, two messages for each kill.
const KILLS_TO_REST: usize = 5;
/// Where in the life of a message a kill falls is drawn from this seed (`E2E_SEED` sets another).
const SEED: u64 = 20_261_122;

async fn nothing_is_lost(release: Release) -> Result<()> {
    let kills: usize = from_env("E2E_KILLS", KILLS)?;
    let mut draw = StdRng::seed_from_u64(from_env("E2E_SEED", SEED)?);
    let home = HomeServer::with_shared_gateway(release, SshServerConfig::default()).await?;
    let user = CoreUser::connect(&home, Duration::from_secs(30)).await?;
    let run = Uuid::new_v4().simple().to_string();
    let conversation = Conversation(format!("kills-{run}"));
    let mut sent = Vec::new();
    // A gateway whose first turns begin together, in a workspace it has never used, fails some of
    // them (seen on 2026.5.7). People are told so; here the subject is what a cut does.
    let first = message_id(&run, 0);
    user.send(&conversation, message_text(&first)).await?;
    sent.push(first);
    home.gateway.stores_all(&conversation.0, &sent).await?;
    for kill in 1..=kills {
        for _ in 0..draw.random_range(1..=2) {
            let id = message_id(&run, sent.len());
            user.send(&conversation, message_text(&id)).await?;
            sent.push(id);
        }
        // The kill falls anywhere from before the message leaves to after its answer began.
        tokio::time::sleep(Duration::from_millis(draw.random_range(0..400))).await;
        let since = user.up_since();
        ensure!(home.ssh.kill_sessions() > 0, "there was no session to kill");
        user.comes_back(since, Duration::from_secs(30)).await?;
        if kill % KILLS_TO_REST == 0 {
            home.gateway.stores_all(&conversation.0, &sent).await?;
        }
    }
    user.all_delivered(TURN).await?;
    let ports = user.local_ports();
    user.shut_down().await;

    let stored = home.gateway.stores_all(&conversation.0, &sent).await?;
    let judged = Delivery::judge(&sent, &stored);
    ensure!(judged.is_exact(), "{judged:?}");
    let different: HashSet<&String> = sent.iter().collect();
    ensure!(
        different.len() == sent.len() && sent.len() >= kills,
        "{} sent",
        sent.len()
    );
    ensure!(ports.len() == 1, "the local port moved: {ports:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_arrives_once_on_the_current_release() -> Result<()> {
    nothing_is_lost(Release::V4).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_arrives_once_on_the_older_release() -> Result<()> {
    nothing_is_lost(Release::V3).await
}
