//! The core as a program of ours holds it, without a window: the supervised connection and the
//! courier that sends over it. For tests that cut the connection more often than its rules allow.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gateway_core::chat::{Courier, CourierNews, DeliveryState};
use gateway_core::client::Session;
use gateway_core::config::ProfileId;
use gateway_core::connection::access::StoredAccess;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::gateway_route::GatewayRoute;
use gateway_core::connection::listener_slot::ListenerSlot;
use gateway_core::connection::phase::Phase;
use gateway_core::connection::snapshot::Snapshot;
use gateway_core::connection::ssh_server::SshServer;
use gateway_core::connection::{Command, Connection, GatewayEvent};
use gateway_core::credentials::secret::GatewayToken;
use gateway_core::credentials::{Candidates, MemoryStore};
use gateway_core::device_identity::DeviceIdentity;
use gateway_core::protocol::event::Event;
use gateway_core::protocol::{RunId, SessionKey};
use gateway_core::tunnel::{KnownHostsFiles, SignIn, TunnelConfig};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::home_server::{HomeServer, trust};
use crate::ports;
use crate::temp_home::TempHome;
use crate::wait::until;

/// The conversation messages are sent to.
#[derive(Debug, Clone)]
pub struct Conversation(pub String);

/// What has been seen of the connection and of the messages.
#[derive(Debug, Default)]
struct Seen {
    states: HashMap<String, DeliveryState>,
    local_ports: HashSet<u16>,
}

/// A connection to a home server with its courier.
pub struct CoreUser {
    connection: Connection<GatewayRoute>,
    snapshots: watch::Receiver<Snapshot>,
    courier: Courier,
    seen: Arc<Mutex<Seen>>,
    tasks: Vec<JoinHandle<()>>,
    _home: TempHome,
}

impl CoreUser {
    /// Connects, with retries that are neither delayed nor capped.
    ///
    /// # Errors
    ///
    /// When the connection is not up within `limit`.
    pub async fn connect(server: &HomeServer, limit: Duration) -> Result<Self> {
        let home = TempHome::new()?;
        let own = home.root().join("known_hosts");
        trust(&server.ssh, &own)?;
        let known_hosts = KnownHostsFiles {
            own,
            also_read: Vec::new(),
        };
        let mut config = TunnelConfig::new(server.ssh.target().parse()?, "nobody", known_hosts);
        config.sign_in = SignIn::KeyFile(server.ssh.identity().to_path_buf());
        let listener = ListenerSlot::on_port(ports::free_port()?);
        let way = SshServer::new(config, server.gateway.port(), listener);
        let given = Candidates {
            given_token: Some((GatewayToken::new(server.gateway.token()), "the test")),
            ..Candidates::default()
        };
        let access = StoredAccess::new(
            Arc::new(DeviceIdentity::generate(&mut rand::rng())),
            Arc::new(MemoryStore::new("a test")),
            ProfileId::generate(),
            given,
        );
        let route = GatewayRoute::over_ssh(way, Arc::new(access));
        let connection = Connection::start(route, RetryPolicy::uncapped());
        let snapshots = connection.snapshots();
        let (courier, news) = Courier::start();
        let seen = Arc::<Mutex<Seen>>::default();
        let tasks = vec![
            tokio::spawn(feed(
                courier.clone(),
                connection.events(),
                connection.session(),
                snapshots.clone(),
            )),
            tokio::spawn(hear(news, Arc::clone(&seen))),
            tokio::spawn(watch_port(connection.transitions(), Arc::clone(&seen))),
        ];
        connection.command(Command::Connect).await;
        let user = Self {
            connection,
            snapshots,
            courier,
            seen,
            tasks,
            _home: home,
        };
        user.is_up(limit).await?;
        Ok(user)
    }

    /// Waits until the connection is up.
    ///
    /// # Errors
    ///
    /// When it is not within `limit`.
    pub async fn is_up(&self, limit: Duration) -> Result<()> {
        self.reaches(limit, |snapshot| snapshot.phase == Phase::Up)
            .await
    }

    /// Waits until the connection is not up, and then until it is: one whole outage.
    ///
    /// # Errors
    ///
    /// When either does not come within `limit`.
    pub async fn comes_back(&self, since: Option<u64>, limit: Duration) -> Result<()> {
        self.reaches(limit, |snapshot| {
            snapshot.phase == Phase::Up && snapshot.up_since != since
        })
        .await
    }

    /// Since when the connection is up, which tells one outage from the next.
    pub fn up_since(&self) -> Option<u64> {
        self.snapshots.borrow().up_since
    }

    /// Hands a message over and returns; nobody waits for its delivery here.
    ///
    /// # Errors
    ///
    /// When the courier does not take it.
    pub async fn send(&self, conversation: &Conversation, text: String) -> Result<()> {
        let key = Uuid::new_v4().to_string();
        self.seen()
            .states
            .insert(key.clone(), DeliveryState::Waiting);
        let session = SessionKey::from(conversation.0.as_str());
        Ok(self
            .courier
            .send(RunId::from(key.as_str()), session, text)
            .await?)
    }

    /// Waits until every message handed over is delivered.
    ///
    /// # Errors
    ///
    /// When one is refused, or some still wait after `limit`.
    pub async fn all_delivered(&self, limit: Duration) -> Result<()> {
        until("every delivery", limit, async || {
            let seen = self.seen();
            let refused = seen
                .states
                .values()
                .find(|state| matches!(state, DeliveryState::Failed { .. }));
            ensure!(refused.is_none(), "a message was refused: {refused:?}");
            Ok(seen
                .states
                .values()
                .all(|s| *s == DeliveryState::Delivered)
                .then_some(()))
        })
        .await
        .with_context(|| format!("{:?}", self.seen().states))
    }

    /// Every local port the connection ever named.
    pub fn local_ports(&self) -> HashSet<u16> {
        self.seen().local_ports.clone()
    }

    /// Ends the connection in order.
    pub async fn shut_down(self) {
        self.connection.shut_down().await;
        for task in self.tasks {
            task.abort();
        }
    }

    async fn reaches(&self, limit: Duration, wanted: impl Fn(&Snapshot) -> bool) -> Result<()> {
        let mut snapshots = self.snapshots.clone();
        let reached = tokio::time::timeout(limit, snapshots.wait_for(|s| wanted(s))).await;
        match reached {
            Ok(outcome) => drop(outcome.context("the connection ended")?),
            Err(_) => anyhow::bail!("not within {limit:?}: {:?}", *self.snapshots.borrow()),
        }
        Ok(())
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the courier of every session and every event, as the window program does.
async fn feed(
    courier: Courier,
    mut events: Receiver<GatewayEvent<Event>>,
    session: watch::Receiver<Option<Session>>,
    snapshots: watch::Receiver<Snapshot>,
) {
    loop {
        match events.recv().await {
            Ok(GatewayEvent::SessionUp) => {
                let live = session.borrow().clone();
                let protocol = snapshots
                    .borrow()
                    .gateway
                    .as_ref()
                    .map(|facts| facts.protocol);
                if let (Some(live), Some(protocol)) = (live, protocol) {
                    courier.session_up(live, protocol).await;
                }
            }
            Ok(GatewayEvent::Event(event)) => courier.observe(&event).await,
            Ok(GatewayEvent::Missed | GatewayEvent::SessionDown) | Err(RecvError::Lagged(_)) => (),
            Err(RecvError::Closed) => return,
        }
    }
}

async fn hear(mut news: CourierNews, seen: Arc<Mutex<Seen>>) {
    while let Some(delivery) = news.recv().await {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.states.insert(delivery.key.to_string(), delivery.state);
    }
}

async fn watch_port(mut transitions: Receiver<Snapshot>, seen: Arc<Mutex<Seen>>) {
    loop {
        match transitions.recv().await {
            Ok(snapshot) => {
                let port = snapshot.local_port.map(|port| port.port);
                seen.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .local_ports
                    .extend(port);
            }
            Err(RecvError::Lagged(_)) => (),
            Err(RecvError::Closed) => return,
        }
    }
}
