//! The SSH connection to the server, in this process: open it, watch it, forward through it.
//!
//! [`open`] dials, judges the host key by our own reading of known_hosts, signs in, and returns a
//! [`Tunnel`]. Before the host key is accepted nothing about the user leaves this machine. No person
//! is ever waited for: what only they can answer comes back as an error, and the next [`open`] takes
//! the answer along. Nothing here retries, reads the environment or knows what a gateway is.
//!
//! A server may be reached through others: each is judged and signed in to in its turn, and carries
//! the connection to the next in a channel of its own.
//!
//! - [`target`]: the address as people type it.
//! - [`host_key`], [`known_hosts`]: whom we trust.
//! - [`auth`]: signing in.
//! - [`own_key`]: the key this app makes for itself.
//! - [`stream`]: one forwarded connection.
//! - [`forward`]: the loopback listener for other programs.
//! - [`error`]: what went wrong, where, and what helps.

mod agent;
pub mod auth;
mod channel;
pub mod credential;
mod dial;
pub mod error;
pub mod forward;
mod heap;
mod host_certificate;
pub mod host_key;
pub(crate) mod http_head;
pub mod known_hosts;
mod limits;
mod opening;
pub mod own_key;
pub mod question;
mod readiness;
mod rotation;
mod running_command;
mod server_text;
mod session;
mod session_channel;
mod socket;
mod spill;
pub mod stream;
pub mod target;
mod tcp_wire;
mod way;

pub use auth::{SignIn, SignInMemory};
pub use credential::{Credential, Outcome, Tried};
pub use error::{ForwardError, NextStep, Step, TunnelClosed, TunnelError};
pub use forward::{BindError, BoundPort, Holder, LoopbackListener, Traffic};
pub use host_certificate::CertificateFault;
pub use host_key::{HostKeyFingerprint, KnownKey, PresentedKey};
pub use known_hosts::{KnownHosts, KnownHostsFiles, Verdict};
pub use limits::TunnelLimits;
pub use own_key::OwnKey;
pub use question::{Prompt, Question};
pub(crate) use running_command::CommandNews;
pub(crate) use server_text::{printable, printable_lines};
pub use session::UnknownHostKey;
pub use session_channel::SessionChannelError;
pub use socket::WireTraffic;
pub use stream::TunnelStream;
pub use target::{SshTarget, TargetError};
pub use way::open;

use crate::ssh_config::AddressFamily;
use auth::SignInRequest;
use rotation::Rotation;
use russh::Disconnect;
use russh::client::{self, Handle};
use session::{Accepted, HandlerError, SessionEnd, SessionHandler, Trust};
use socket::SshSocket;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a goodbye may take before the connection is cut.
const CLOSE_LIMIT: Duration = Duration::from_millis(1500);

/// How long a server on the way may take to lead our goodbye on.
const LED_ON_LIMIT: Duration = Duration::from_millis(400);

/// What may be under way of one channel where nothing else is said, as OpenSSH has it.
const WINDOW: u32 = 2 * 1024 * 1024;

/// What it takes to open a tunnel.
#[derive(Debug, Clone)]
pub struct TunnelConfig {
    /// The server. Its user and port win over the defaults here.
    pub target: SshTarget,
    /// What people call the server, where that is not its address.
    pub name: Option<String>,
    /// The servers to go through, the first to dial first. What they hold in turn is not followed.
    pub via: Vec<TunnelConfig>,
    /// The account to use when the target names none.
    pub local_user: String,
    /// Which host keys are trusted.
    pub known_hosts: KnownHostsFiles,
    /// The name under which the server's key is kept, instead of its address and port.
    pub host_key_alias: Option<String>,
    /// What becomes of a host key that no list has.
    pub unknown_host_key: UnknownHostKey,
    /// How to sign in.
    pub sign_in: SignIn,
    /// Where the SSH agent listens; `None` asks no agent.
    pub agent_socket: Option<PathBuf>,
    /// Certificates to sign in with. Where none is named, `<key>-cert.pub` beside each key file counts.
    pub certificate_files: Vec<PathBuf>,
    /// Whether the agent's keys count only where a key or certificate file selects them.
    pub identities_only: bool,
    /// The only host key to accept. One that known_hosts does not hold yet is stored in our own file
    /// before signing in; changed and revoked keys are refused all the same.
    pub demanded_host_key: Option<HostKeyFingerprint>,
    /// Host keys to store where known_hosts has none, accepted without knowing whose they are.
    pub accepted_host_keys: Vec<HostKeyFingerprint>,
    /// Which kind of address is dialled.
    pub address_family: AddressFamily,
    /// The local address to dial from.
    pub bind_address: Option<String>,
    /// Whether host keys that a trusted server announces and proves are taken over.
    pub update_host_keys: bool,
    /// The limits of the steps.
    pub limits: TunnelLimits,
    /// After how much silence the server is asked whether it is still there.
    pub keepalive: Duration,
    /// How many of those questions may stay unanswered: the end comes after
    /// `keepalive` × (`keepalive_max` + 1).
    pub keepalive_max: usize,
    /// How many bytes of one channel may be under way to us. On a thin line they stand in front of everything else
    /// that the connection carries.
    pub window: u32,
}

impl TunnelConfig {
    /// Starts from a target and known_hosts files: automatic sign-in without agent or key files.
    pub fn new(
        target: SshTarget,
        local_user: impl Into<String>,
        known_hosts: KnownHostsFiles,
    ) -> Self {
        Self {
            target,
            name: None,
            via: Vec::new(),
            local_user: local_user.into(),
            known_hosts,
            host_key_alias: None,
            unknown_host_key: UnknownHostKey::default(),
            sign_in: SignIn::Automatic {
                identity_files: Vec::new(),
            },
            agent_socket: None,
            certificate_files: Vec::new(),
            identities_only: false,
            demanded_host_key: None,
            accepted_host_keys: Vec::new(),
            address_family: AddressFamily::default(),
            bind_address: None,
            update_host_keys: true,
            limits: TunnelLimits::default(),
            keepalive: Duration::from_secs(15),
            keepalive_max: 3,
            window: WINDOW,
        }
    }

    /// Returns what people call the server.
    pub fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.target.host)
    }

    /// Returns the name and port under which the server's key is kept, as OpenSSH keeps it.
    fn host_key_name(&self) -> (&str, u16) {
        match &self.host_key_alias {
            Some(alias) => (alias, target::DEFAULT_SSH_PORT),
            None => (&self.target.host, self.target.port_or_default()),
        }
    }

    fn user(&self) -> &str {
        self.target.user.as_deref().unwrap_or(&self.local_user)
    }

    fn key_files(&self) -> Vec<PathBuf> {
        match &self.sign_in {
            SignIn::Automatic { identity_files } => identity_files.clone(),
            SignIn::KeyFile(path) => vec![path.clone()],
            SignIn::Password | SignIn::OwnKey => Vec::new(),
        }
    }
}

/// A step that has just succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TunnelStep {
    /// The name has these addresses, in the order they are dialled.
    Resolved {
        /// The addresses.
        addresses: Vec<SocketAddr>,
    },
    /// The SSH port accepted a connection.
    TcpConnected,
    /// The server proved a host key that is trusted.
    HostKeyAccepted {
        /// Its fingerprint.
        fingerprint: HostKeyFingerprint,
        /// Whether known_hosts did not have it, and has it now.
        is_new: bool,
    },
    /// The server let us in.
    SignedIn {
        /// What did it.
        method: Credential,
    },
    /// A step of a server on the way.
    OnTheWay {
        /// Which, from 0.
        index: usize,
        /// Its step.
        step: Box<TunnelStep>,
    },
}

/// Opens the connection to one server, over TCP or at the end of a way.
async fn open_one(
    config: &TunnelConfig,
    way: Option<Tunnel>,
    memory: &mut SignInMemory,
    on_step: &mut (dyn FnMut(TunnelStep) + Send),
) -> Result<Tunnel, TunnelError> {
    config.target.check()?;
    heap::keep_freed_memory();
    let host = config.target.host.as_str();
    let port = config.target.port_or_default();
    let (key_host, key_port) = config.host_key_name();
    let mut known_hosts = KnownHosts::read(&config.known_hosts)?;
    let (wire, took) = way::reach(config, way.as_ref(), on_step).await?;
    let limits = config.limits.so_far_away(took);

    // Whatever goes wrong from here on, dropping the guard ends the session's task.
    let cut = CancellationToken::new();
    let cut_on_drop = cut.clone().drop_guard();
    let end = SessionEnd::default();
    let stall_limit =
        config.keepalive * u32::try_from(config.keepalive_max + 1).unwrap_or(u32::MAX);
    let traffic = WireTraffic::default();
    let socket = SshSocket::new(wire, cut.clone(), stall_limit, traffic.clone());
    let (announced, announcements) = rotation::channel();
    let handler = SessionHandler::new(
        key_host,
        key_port,
        known_hosts.clone(),
        Trust {
            demanded: config.demanded_host_key,
            accepted: config.accepted_host_keys.clone(),
            unknown: config.unknown_host_key,
        },
        announced,
        end.clone(),
    );
    let accepted = Arc::clone(&handler.accepted);
    let ssh = session::config(
        known_hosts.algorithms_known_for(key_host, key_port),
        known_hosts.certificate_algorithms_for(key_host, key_port),
        config.keepalive,
        config.keepalive_max,
        config.window,
    );
    let exchange = client::connect_stream(Arc::new(ssh), socket, handler);
    let mut handle = timeout(limits.key_exchange, exchange)
        .await
        .map_err(|_| TunnelError::Timeout {
            step: Step::HostKey,
            waited: limits.key_exchange,
        })?
        .map_err(|error| match error {
            HandlerError::HostKey(refusal) => *refusal,
            HandlerError::Ssh(source) => TunnelError::KeyExchange {
                host: host.to_owned(),
                port,
                source,
            },
        })?;

    let accepted = accepted
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let mut rotation = None;
    if let Some((how, key)) = accepted {
        if how == Accepted::Demanded {
            known_hosts.add(&key)?;
        }
        rotation = Rotation::after(&key, known_hosts);
        on_step(TunnelStep::HostKeyAccepted {
            fingerprint: key.fingerprint(),
            is_new: how == Accepted::Demanded,
        });
    }

    let certificates = match config.sign_in {
        SignIn::Password | SignIn::OwnKey => Vec::new(),
        SignIn::Automatic { .. } | SignIn::KeyFile(_) => config.certificate_files.clone(),
    };
    let files = auth::keys::load(config.key_files(), certificates, memory).await;
    let request = SignInRequest {
        user: config.user(),
        host,
        sign_in: &config.sign_in,
        agent_socket: config.agent_socket.as_deref(),
        identities_only: config.identities_only,
        limit: limits.sign_in,
    };
    let method = match auth::sign_in(&mut handle, &end, request, files, memory).await {
        Ok(method) => method,
        Err(error) => {
            // Under a question of the server's own, russh hears nothing but the answer; dropping
            // the handle is then what ends the session.
            let is_asking = matches!(
                error,
                TunnelError::NeedsAnswer(Question::Prompts { .. } | Question::Password { .. })
            );
            if !is_asking {
                say_goodbye(&handle, &end).await;
            }
            return Err(error);
        }
    };
    tracing::info!(host, user = config.user(), %method, "signed in");
    on_step(TunnelStep::SignedIn { method });

    let session = Arc::new(handle);
    let (renewed, host_keys_renewed) = watch::channel(0);
    if let Some(rotation) = rotation.filter(|_| config.update_host_keys) {
        rotation.listen(announcements, &session, end.clone(), renewed);
    }
    let connection = Arc::new(Connection {
        session,
        end,
        way,
        forward_limit: limits.forward,
        overruns: Arc::new(AtomicU64::new(0)),
        traffic,
        host_keys_renewed,
        cut,
        _cut_on_drop: cut_on_drop,
    });
    Ok(Tunnel { connection })
}

/// Tells the server that we leave, so that its log does not speak of a lost connection.
async fn say_goodbye(handle: &Handle<SessionHandler>, end: &SessionEnd) {
    end.because(TunnelClosed::ByUs);
    let goodbye = async {
        match handle.disconnect(Disconnect::ByApplication, "", "en").await {
            Ok(()) => {
                end.ended().await;
            }
            Err(error) => tracing::trace!(%error, "the session was over already"),
        }
    };
    if timeout(CLOSE_LIMIT, goodbye).await.is_err() {
        tracing::debug!("the server did not take our goodbye");
    }
}

/// An open SSH connection. Clones share it; it ends when the last clone and stream are dropped.
#[derive(Clone)]
pub struct Tunnel {
    connection: Arc<Connection>,
}

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tunnel")
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// Finds a tunnel again without keeping it alive.
#[derive(Clone, Default)]
pub struct WeakTunnel {
    connection: Weak<Connection>,
}

impl WeakTunnel {
    /// Returns the tunnel, as long as it stands.
    pub fn get(&self) -> Option<Tunnel> {
        let connection = self.connection.upgrade()?;
        Some(Tunnel { connection }).filter(|tunnel| !tunnel.is_closed())
    }
}

impl std::fmt::Debug for WeakTunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeakTunnel").finish_non_exhaustive()
    }
}

/// What the clones of a tunnel and its streams share.
struct Connection {
    session: Arc<Handle<SessionHandler>>,
    end: SessionEnd,
    /// What carries this connection, where other servers do.
    way: Option<Tunnel>,
    forward_limit: Duration,
    overruns: Arc<AtomicU64>,
    traffic: WireTraffic,
    host_keys_renewed: watch::Receiver<u32>,
    cut: CancellationToken,
    _cut_on_drop: DropGuard,
}

impl Tunnel {
    /// Measures one round trip to the server. Waits as long as the connection lives.
    ///
    /// # Errors
    /// [`TunnelClosed`] when the connection ends before the answer comes.
    pub async fn ping(&self) -> Result<Duration, TunnelClosed> {
        let started = Instant::now();
        tokio::select! {
            biased;
            reason = self.connection.end.ended() => Err(reason),
            answered = self.connection.session.send_ping() => match answered {
                // russh gives the same answer when the session ends under the question.
                Ok(()) if !self.connection.session.is_closed() => Ok(started.elapsed()),
                Ok(()) | Err(_) => Err(self.connection.end.ended().await),
            },
        }
    }

    /// Returns what finds this tunnel again as long as others keep it alive.
    pub fn downgrade(&self) -> WeakTunnel {
        WeakTunnel {
            connection: Arc::downgrade(&self.connection),
        }
    }

    /// Returns how many bytes the server has sent, encrypted as they came.
    pub fn received(&self) -> u64 {
        self.connection.traffic.received()
    }

    /// Returns the counters of what goes over the wire, encrypted as it is.
    pub fn traffic(&self) -> WireTraffic {
        self.connection.traffic.clone()
    }

    /// Tells how many new host keys the server has proved and had stored; it ends when none can come.
    pub fn host_keys_renewed(&self) -> watch::Receiver<u32> {
        self.connection.host_keys_renewed.clone()
    }

    /// Returns whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.connection.end.is_ended()
    }

    /// Completes when the connection ends, with the reason; waiting does not keep it alive.
    pub fn closed(&self) -> impl Future<Output = TunnelClosed> + Send + use<> {
        let end = self.connection.end.clone();
        async move { end.ended().await }
    }

    /// Returns how many channels were reset because their local reader was too slow.
    pub fn overruns(&self) -> u64 {
        self.connection.overruns.load(Ordering::Relaxed)
    }

    /// Ends the connection for every clone and stream, within two seconds; then those that carry it.
    pub async fn close(self) {
        self.close_this().await;
        let mut way = self.connection.way.clone();
        while let Some(tunnel) = way {
            // A server that is told to end does so at once, and what it had still to lead on is lost: the
            // goodbye to the next one. Its answer to this comes after that has gone out.
            let led_on = timeout(LED_ON_LIMIT, tunnel.ping()).await;
            tracing::trace!(?led_on, "our goodbye to the server behind");
            tunnel.close_this().await;
            way = tunnel.connection.way.clone();
        }
    }

    async fn close_this(&self) {
        say_goodbye(&self.connection.session, &self.connection.end).await;
        self.connection.cut.cancel();
        // Cutting makes the session's task fail its next read or write, so its end is near.
        if timeout(Duration::from_millis(400), self.connection.end.ended())
            .await
            .is_err()
        {
            tracing::warn!("the SSH session did not end when cut");
        }
    }
}
