//! Connections are cut at random bytes while people chat with the official gateway: in the middle of a message, of
//! an answer that streams, or of the next sign-in. Every message arrives once, in order.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::core::{Conversation, CoreUser, Reach};
use e2e::delivery::{Delivery, message_id, message_text, out_of_order};
use e2e::fault_proxy::{End, FaultProxy, Plan};
use e2e::gateway::{Release, TURN};
use e2e::home_server::HomeServer;
use e2e::long_runs::from_env;
use e2e::ssh_server::config::SshServerConfig;
use gateway_core::connection::Command;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::phase::Phase;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

/// A twentieth of the long run (`scripts/soak` sets `E2E_CHAT_CUTS=1000`).
const CUTS: usize = 50;
/// The seed of the bytes and moments (`E2E_SEED` sets another).
const SEED: u64 = 20_261_201;
/// Within so many bytes of a connection its cut falls: some 20,000 pass until it is up, most of them what the gateway
/// tells of itself, and a long answer takes as many again.
const WITHIN: u64 = 40_000;
/// A connection whose byte does not come within this is cut all the same.
const PATIENCE_MS: u64 = 800;
/// After so many messages the agent may catch up: a gateway keeps at most 20 waiting.
const MESSAGES_TO_REST: usize = 8;
/// A conversation holds so many messages, fewer than one history tells with their answers.
const MESSAGES_EACH: usize = 200;
/// From nothing to connected, on a loaded machine.
const UP: Duration = Duration::from_secs(60);

/// What is said to one conversation.
struct Talk {
    run: String,
    conversation: Conversation,
    sent: Vec<String>,
}

impl Talk {
    fn new() -> Self {
        let run = Uuid::new_v4().simple().to_string();
        let conversation = Conversation(format!("cuts-{run}"));
        let sent = Vec::new();
        Self {
            run,
            conversation,
            sent,
        }
    }

    /// Says the next thing; some are answered at length.
    async fn say(&mut self, user: &CoreUser, at_length: bool) -> Result<()> {
        let id = message_id(&self.run, self.sent.len());
        let text = message_text(&id);
        let text = if at_length {
            format!("LONG {text}")
        } else {
            text
        };
        user.send(&self.conversation, text).await?;
        self.sent.push(id);
        Ok(())
    }

    /// Waits until all of it is stored, and says whether it is as it was sent.
    async fn is_stored(&self, home: &HomeServer) -> Result<()> {
        let stored = home
            .gateway
            .stores_all(&self.conversation.0, &self.sent)
            .await?;
        let judged = Delivery::judge(&self.sent, &stored);
        ensure!(judged.is_exact(), "{judged:?}");
        let misplaced = out_of_order(&self.sent, &stored);
        ensure!(misplaced.is_empty(), "out of order: {misplaced:?}");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_arrives_once_in_order_wherever_the_connection_is_cut() -> Result<()> {
    let cuts: usize = from_env("E2E_CHAT_CUTS", CUTS)?;
    let seed = from_env("E2E_SEED", SEED)?;
    let home = HomeServer::with_shared_gateway(Release::V4, SshServerConfig::default()).await?;
    let proxy = FaultProxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, home.ssh.port())))?;
    let reach = Reach::through(
        &home.ssh,
        &proxy,
        home.gateway.port(),
        home.gateway.token(),
        RetryPolicy::uncapped(),
    )?;
    let user = CoreUser::start(&reach)?;
    user.command(Command::Connect).await;
    user.is_up(UP).await?;
    let mut talk = Talk::new();
    // A gateway whose first turns begin together fails some of them; here the subject is what a cut does.
    talk.say(&user, true).await?;
    talk.is_stored(&home).await?;

    let mut planned = StdRng::seed_from_u64(seed);
    proxy.plan(move |_| Plan::drawn_cut(&mut planned, WITHIN));
    proxy.cut_all(End::Rst);
    let mut draw = StdRng::seed_from_u64(seed + 1);
    let (mut said, mut waited_for, mut while_up) = (talk.sent.len(), 0, 0);
    while proxy.cuts() < cuts {
        if talk.sent.len() >= MESSAGES_EACH {
            user.all_delivered(TURN).await?;
            talk.is_stored(&home).await?;
            talk = Talk::new();
        }
        talk.say(&user, draw.random_bool(0.5)).await?;
        said += 1;
        let (made, accepted) = (proxy.cuts(), proxy.accepted());
        let patience = Duration::from_millis(draw.random_range(PATIENCE_MS / 4..PATIENCE_MS));
        let deadline = Instant::now() + patience;
        let mut was_up = false;
        while proxy.cuts() == made && Instant::now() < deadline {
            was_up |= user.snapshot().phase == Phase::Up;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if proxy.cuts() == made && proxy.accepted() == accepted {
            proxy.cut_all(End::Fin);
            waited_for += 1;
        }
        while_up += usize::from(was_up);
        if talk.sent.len().is_multiple_of(MESSAGES_TO_REST) {
            user.all_delivered(TURN).await?;
            talk.is_stored(&home).await?;
        }
    }
    proxy.plan(|_| Plan::default());
    proxy.cut_all(End::Fin);
    user.all_delivered(TURN).await?;
    talk.is_stored(&home).await?;
    user.shut_down().await;
    println!(
        "{} cuts ({waited_for} between bytes, {while_up} after the gateway was reached), {said} messages to the \
         official gateway: 0 lost, 0 duplicated, 0 reordered",
        proxy.cuts()
    );
    Ok(())
}
