//! The core as a program of ours holds it, without a window: the supervised connection and the
//! courier that sends over it. For tests that cut the connection more often than its rules allow.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gateway_core::chat::{Courier, CourierNews, DeliveryState};
use gateway_core::client::Session;
use gateway_core::config::ProfileId;
use gateway_core::connection::access::StoredAccess;
use gateway_core::connection::backoff::RetryPolicy;
use gateway_core::connection::computer::Computer;
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

use crate::fault_proxy::FaultProxy;
use crate::home_server::HomeServer;
use crate::ports;
use crate::ssh_server::TestSshServer;
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
    /// Each state the connection came to, and when.
    phases: Vec<(Instant, Snapshot)>,
}

/// Whom a [`CoreUser`] reaches, and how patiently.
#[derive(Debug, Clone)]
pub struct Reach {
    /// What a person would type as the address.
    pub target: String,
    /// The line of a known-hosts file that trusts it.
    pub known_hosts: String,
    /// The private key to sign in with.
    pub identity: PathBuf,
    /// The gateway's port behind it.
    pub gateway_port: u16,
    /// The gateway's token.
    pub token: String,
    /// When it tries again.
    pub policy: RetryPolicy,
}

impl Reach {
    /// The way to a server through a proxy that spoils it.
    ///
    /// # Errors
    ///
    /// When the server's key cannot be read.
    pub fn through(
        ssh: &TestSshServer,
        proxy: &FaultProxy,
        gateway_port: u16,
        token: &str,
        policy: RetryPolicy,
    ) -> Result<Self> {
        let key = ssh.known_hosts_line()?;
        let (_, key) = key.split_once(' ').context("no key")?;
        let port = proxy.port();
        Ok(Self {
            target: format!("{}@127.0.0.1:{port}", ssh.user()),
            known_hosts: format!("[127.0.0.1]:{port} {key}"),
            identity: ssh.identity().to_path_buf(),
            gateway_port,
            token: token.to_owned(),
            policy,
        })
    }
}

/// A connection to a home server with its courier.
pub struct CoreUser {
    connection: Connection<GatewayRoute>,
    snapshots: watch::Receiver<Snapshot>,
    courier: Courier,
    seen: Arc<Mutex<Seen>>,
    tasks: Vec<JoinHandle<()>>,
    home: TempHome,
}

impl CoreUser {
    /// Connects, with retries that are neither delayed nor capped.
    ///
    /// # Errors
    ///
    /// When the connection is not up within `limit`.
    pub async fn connect(server: &HomeServer, limit: Duration) -> Result<Self> {
        let user = Self::start(&Reach {
            target: server.ssh.target(),
            known_hosts: server.ssh.known_hosts_line()?,
            identity: server.ssh.identity().to_path_buf(),
            gateway_port: server.gateway.port(),
            token: server.gateway.token().to_owned(),
            policy: RetryPolicy::uncapped(),
        })?;
        user.command(Command::Connect).await;
        user.is_up(limit).await?;
        Ok(user)
    }

    /// Has a connection that is off; see [`CoreUser::command`].
    ///
    /// # Errors
    ///
    /// When there is no home or no port for it.
    pub fn start(reach: &Reach) -> Result<Self> {
        let home = TempHome::new()?;
        fs::write(known_hosts(&home), &reach.known_hosts)?;
        let route = route(reach, &home)?;
        let mut connection = Connection::start(route, reach.policy);
        connection.heed(Computer::watch());
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
            tokio::spawn(watch_states(connection.transitions(), Arc::clone(&seen))),
        ];
        Ok(Self {
            connection,
            snapshots,
            courier,
            seen,
            tasks,
            home,
        })
    }

    /// The list of trusted host keys.
    pub fn known_hosts(&self) -> PathBuf {
        known_hosts(&self.home)
    }

    /// Asks the connection for something.
    pub async fn command(&self, command: Command<GatewayRoute>) {
        self.connection.command(command).await;
    }

    /// Reaches something else from now on.
    ///
    /// # Errors
    ///
    /// When the address is none, or no local port is free.
    pub async fn reroute(&self, reach: &Reach) -> Result<()> {
        let route = route(reach, &self.home)?;
        self.command(Command::Reconfigure(Box::new(route))).await;
        Ok(())
    }

    /// The live session, while there is one.
    pub fn session(&self) -> Option<Session> {
        self.connection.session().borrow().clone()
    }

    /// The connection as it is.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshots.borrow().clone()
    }

    /// Waits for the first state since `since` for which `wanted` holds, and returns it and when it
    /// came.
    ///
    /// # Errors
    ///
    /// When there is none within `limit`.
    pub async fn came_to(
        &self,
        since: Instant,
        limit: Duration,
        wanted: impl Fn(&Snapshot) -> bool,
    ) -> Result<(Instant, Snapshot)> {
        until("a state of the connection", limit, async || {
            let seen = self.seen();
            let mut later = seen.phases.iter().filter(|(at, _)| *at >= since);
            Ok(later.find(|(_, snapshot)| wanted(snapshot)).cloned())
        })
        .await
        .with_context(|| format!("{:?}", self.phases_since(since)))
    }

    /// The phases the connection came to since then, the same one in a row told once.
    pub fn phases_since(&self, since: Instant) -> Vec<Phase> {
        let seen = self.seen();
        let later = seen.phases.iter().filter(|(at, _)| *at >= since);
        let mut phases: Vec<Phase> = later.map(|(_, snapshot)| snapshot.phase).collect();
        phases.dedup();
        phases
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

    /// When each attempt to reach the server began since then.
    pub fn attempts_since(&self, since: Instant) -> Vec<Instant> {
        let seen = self.seen();
        let later = seen.phases.iter().filter(|(at, _)| *at >= since);
        let mut attempts = Vec::new();
        let mut is_attempting = false;
        for (at, snapshot) in later {
            if snapshot.phase.is_attempting() && !is_attempting {
                attempts.push(*at);
            }
            is_attempting = snapshot.phase.is_attempting();
        }
        attempts
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

    /// Waits until the connection is in a state for which `wanted` holds.
    ///
    /// # Errors
    ///
    /// When it is not within `limit`.
    pub async fn reaches(&self, limit: Duration, wanted: impl Fn(&Snapshot) -> bool) -> Result<()> {
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

fn known_hosts(home: &TempHome) -> PathBuf {
    home.root().join("known_hosts")
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

async fn watch_states(mut transitions: Receiver<Snapshot>, seen: Arc<Mutex<Seen>>) {
    loop {
        match transitions.recv().await {
            Ok(snapshot) => {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                let port = snapshot.local_port.as_ref().map(|port| port.port);
                seen.local_ports.extend(port);
                seen.phases.push((Instant::now(), snapshot));
            }
            Err(RecvError::Lagged(_)) => (),
            Err(RecvError::Closed) => return,
        }
    }
}

/// The way to what is to be reached, with a listener of its own.
fn route(reach: &Reach, home: &TempHome) -> Result<GatewayRoute> {
    let known_hosts = KnownHostsFiles {
        own: known_hosts(home),
        also_read: Vec::new(),
        hashes_names: false,
    };
    let mut config = TunnelConfig::new(reach.target.parse()?, "nobody", known_hosts);
    config.sign_in = SignIn::KeyFile(reach.identity.clone());
    let listener = ListenerSlot::on_port(ports::free_port()?);
    let way = SshServer::new(config, reach.gateway_port, listener);
    let given = Candidates {
        given_token: Some((GatewayToken::new(&reach.token), "the test")),
        ..Candidates::default()
    };
    let access = StoredAccess::new(
        Arc::new(DeviceIdentity::generate(&mut rand::rng())),
        Arc::new(MemoryStore::new("a test")),
        ProfileId::generate(),
        given,
    );
    Ok(GatewayRoute::over_ssh(way, Arc::new(access)))
}
