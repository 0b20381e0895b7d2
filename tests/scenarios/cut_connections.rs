//! The SSH session is killed again and again while somebody chats: every message arrives once.
//!
//! The core itself is driven, with the retry cap lifted by an injected policy; what was sent and what
//! the gateway stored are compared afterwards by message id. `make soak` asks for 200 cuts.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::delivery::{Delivery, ids_in, message_id, message_text};
use e2e::gateway::Release;
use e2e::home_server::HomeServer;
use e2e::ssh_server::config::SshServerConfig;
use e2e::temp_home::TempHome;
use e2e::wait;
use gateway_core::chat::{Courier, DeliveryState};
use gateway_core::config::ProfileId;
use gateway_core::connection::access::StoredAccess;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::gateway_route::GatewayRoute;
use gateway_core::connection::listener_slot::ListenerSlot;
use gateway_core::connection::ssh_server::SshServer;
use gateway_core::connection::{Command, Connection, GatewayEvent};
use gateway_core::credentials::secret::GatewayToken;
use gateway_core::credentials::{Candidates, MemoryStore};
use gateway_core::device_identity::DeviceIdentity;
use gateway_core::protocol::{RunId, SessionKey};
use gateway_core::tunnel::{KnownHostsFiles, SignIn, TunnelConfig};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// A twentieth of the soak.
const CUTS: usize = 10;
/// One message, from its first try to the gateway's word for it, cuts and sign-ins included.
const DELIVERED: Duration = Duration::from_secs(60);

struct Chat {
    connection: Connection<GatewayRoute>,
    courier: Courier,
    delivered: watch::Receiver<usize>,
}

impl Chat {
    fn start(home: &HomeServer, folder: &TempHome) -> Result<Self> {
        let known_hosts = folder.root().join("known_hosts");
        std::fs::write(&known_hosts, home.ssh.known_hosts_line()?)?;
        let files = KnownHostsFiles {
            own: known_hosts,
            also_read: Vec::new(),
        };
        let mut config = TunnelConfig::new(home.ssh.target().parse()?, home.ssh.user(), files);
        config.sign_in = SignIn::KeyFile(home.ssh.identity().to_owned());
        let token = GatewayToken::new(home.gateway.token());
        let given = Candidates {
            given_token: Some((token, "the test")),
            ..Candidates::default()
        };
        let access = Arc::new(StoredAccess::new(
            Arc::new(DeviceIdentity::generate(&mut rand::rng())),
            Arc::new(MemoryStore::new("a test keeps nothing")),
            ProfileId::generate(),
            given,
        ));
        // Port 0 takes any free one; it must then stay the same throughout.
        let server = SshServer::new(config, home.gateway.port(), ListenerSlot::on_port(0));
        let route = GatewayRoute::over_ssh(server, access);
        let connection = Connection::start(route, RetryPolicy::uncapped());
        let (courier, delivered) = deliver_over(&connection);
        Ok(Self {
            connection,
            courier,
            delivered,
        })
    }

    fn local_port(&self) -> Option<u16> {
        let snapshots = self.connection.snapshots();
        let snapshot = snapshots.borrow();
        snapshot.local_port.as_ref().map(|port| port.port)
    }

    async fn has_delivered(&mut self, count: usize) -> Result<()> {
        let waiting = self.delivered.wait_for(|delivered| *delivered >= count);
        let waited = tokio::time::timeout(DELIVERED, waiting).await;
        waited.with_context(|| format!("message {count} was not delivered in time"))??;
        Ok(())
    }
}

/// Starts a courier that hears of every session, and counts what it delivers.
fn deliver_over(connection: &Connection<GatewayRoute>) -> (Courier, watch::Receiver<usize>) {
    let (courier, mut news) = Courier::start();
    let (mut events, session, snapshots) = (
        connection.events(),
        connection.session(),
        connection.snapshots(),
    );
    let fed = courier.clone();
    tokio::spawn(async move {
        loop {
            match events.recv().await {
                Ok(GatewayEvent::SessionUp) => {
                    let session = session.borrow().clone();
                    let protocol = snapshots
                        .borrow()
                        .gateway
                        .as_ref()
                        .map(|facts| facts.protocol);
                    if let (Some(session), Some(protocol)) = (session, protocol) {
                        fed.session_up(session, protocol).await;
                    }
                }
                Ok(GatewayEvent::Event(event)) => fed.observe(&event).await,
                Ok(GatewayEvent::Missed | GatewayEvent::SessionDown)
                | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
    let (count, delivered) = watch::channel(0);
    tokio::spawn(async move {
        while let Some(delivery) = news.recv().await {
            if delivery.state == DeliveryState::Delivered {
                count.send_modify(|count| *count += 1);
            }
        }
    });
    (courier, delivered)
}

async fn every_message_arrives_once(release: Release, cuts: usize, seed: u64) -> Result<()> {
    let home = HomeServer::with_shared_gateway(release, SshServerConfig::default()).await?;
    let folder = TempHome::new()?;
    let mut chat = Chat::start(&home, &folder)?;
    let run = uuid::Uuid::new_v4().simple().to_string();
    let session = format!("agent:main:cuts-{run}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut sent = Vec::new();
    chat.connection.command(Command::Connect).await;
    let port = wait::until("the local port", DELIVERED, async || Ok(chat.local_port())).await?;

    for cut in 0..cuts {
        let id = message_id(&run, cut);
        let key = uuid::Uuid::new_v4().to_string();
        chat.courier
            .send(
                RunId::from(key.as_str()),
                SessionKey::from(session.as_str()),
                message_text(&id),
            )
            .await?;
        sent.push(id);
        // The moment of the cut is the fault: before the send, in it, or in the reply to it.
        tokio::time::sleep(Duration::from_millis(random.random_range(0..400))).await;
        home.ssh.kill_sessions();
        chat.has_delivered(sent.len()).await?;
        ensure!(
            chat.local_port() == Some(port),
            "the local port moved at cut {cut}"
        );
    }

    let stored = wait::until("the gateway's store to settle", DELIVERED, async || {
        let stored = ids_in(&home.gateway.user_texts(&session).await?);
        Ok((stored.len() >= sent.len()).then_some(stored))
    })
    .await?;
    let verdict = Delivery::judge(&sent, &stored);
    ensure!(verdict.is_exact(), "{verdict:?}");
    chat.connection.shut_down().await;
    Ok(())
}

fn cuts() -> usize {
    std::env::var("E2E_CUTS")
        .ok()
        .and_then(|cuts| cuts.parse().ok())
        .unwrap_or(CUTS)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_arrives_once_on_the_current_release() -> Result<()> {
    every_message_arrives_once(Release::V4, cuts(), 20_261_122).await
}
