//! The server end of a remote route: what is known of it, what a person answered, and the listener.
//!
//! Everything here outlives a single attempt: answers are given on the next dial, and the loopback
//! listener stays bound across reconnects so that its port never changes.

use super::access::GatewayAccess;
use super::explain;
use super::listener_slot::ListenerSlot;
use super::listener_tunnel::{Again, ListenerTunnel};
use super::problem::Problem;
use super::question::{Answer, Question};
use super::route::{Failure, Progress, ProgressReporter};
use super::state::Step;
use crate::credentials::secret::KeyPassphrase;
use crate::tunnel::forward::Lead;
use crate::tunnel::{
    self, Credential, ForwardError, HostKeyFingerprint, KnownHosts, PresentedKey, SignIn,
    SignInMemory, Tunnel, TunnelClosed, TunnelConfig, TunnelError, TunnelStep, TunnelStream,
};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

/// The host the gateway listens on, as the server sees it.
const GATEWAY_HOST: &str = "127.0.0.1";

/// A server reached over SSH, with a gateway behind it.
#[derive(Debug)]
pub struct SshServer {
    config: TunnelConfig,
    gateway_port: u16,
    listener: ListenerSlot,
    memory: Arc<AsyncMutex<SignInMemory>>,
    asked: Mutex<AskedAbout>,
}

/// What the last attempt asked about, and what was answered.
#[derive(Debug, Default)]
struct AskedAbout {
    key: Option<PresentedKey>,
    sign_in: Option<tunnel::Question>,
    trusted: Option<HostKeyFingerprint>,
    to_remember: Option<(PathBuf, KeyPassphrase)>,
}

impl SshServer {
    /// Returns a server that nothing was asked about yet.
    pub fn new(config: TunnelConfig, gateway_port: u16, listener: ListenerSlot) -> Self {
        Self {
            config,
            gateway_port,
            listener,
            memory: Arc::default(),
            asked: Mutex::default(),
        }
    }

    pub(super) fn target(&self) -> String {
        self.config.target.to_string()
    }

    /// Opens the tunnel and leads the listener into it.
    pub(super) async fn open(
        &self,
        access: &dyn GatewayAccess,
        progress: &ProgressReporter,
    ) -> Result<SshPath, Failure> {
        progress.report(Progress::Reached(Step::Resolving));
        // Bind first, dial second: whoever uses the port may already wait there.
        if let Some(port) = self.listener.bind().await? {
            progress.report(Progress::Listening(port));
        }
        let mut memory = self.memory.lock().await;
        self.recall_passphrase(&mut memory, access).await;
        let mut config = self.config.clone();
        if let Some(trusted) = self.asked().trusted {
            config.demanded_host_key = Some(trusted);
        }
        let mut began = Instant::now();
        let mut signed_in = (Credential::Nothing, Duration::ZERO);
        let mut on_step = |step| match step {
            TunnelStep::Resolved { .. } => progress.report(Progress::Reached(Step::Connecting)),
            TunnelStep::HostKeyAccepted { .. } => {
                progress.report(Progress::Reached(Step::Authenticating));
                began = Instant::now();
            }
            TunnelStep::SignedIn { method } => signed_in = (method, began.elapsed()),
            TunnelStep::TcpConnected => {}
        };
        let tunnel = match tunnel::open(&config, &mut memory, &mut on_step).await {
            Ok(tunnel) => tunnel,
            Err(error) => return Err(self.note_what_is_asked(&error)),
        };
        drop(memory);
        self.after_signing_in(access).await;
        let again = Again {
            config: self.config.clone(),
            memory: Arc::clone(&self.memory),
        };
        let local = Arc::new(ListenerTunnel::new(tunnel.clone(), &signed_in, again));
        let lead: Arc<dyn Lead> = local.clone();
        self.listener.attach(&lead, self.gateway_port);
        Ok(SshPath {
            tunnel,
            local,
            gateway_port: self.gateway_port,
            listener: self.listener.clone(),
        })
    }

    pub(super) async fn take_answer(
        &self,
        question: &Question,
        answer: Answer,
    ) -> Result<(), Problem> {
        match (question, answer) {
            (Question::HostKeyUnknown { .. }, Answer::Trust) => {
                let mut asked = self.asked();
                let key = asked.key.take().ok_or_else(Problem::answer_does_not_fit)?;
                asked.trusted = Some(key.fingerprint());
                Ok(())
            }
            (Question::HostKeyChanged { host, .. }, Answer::Replace { typed_host }) => {
                if typed_host.trim() != host {
                    return Err(Problem::host_name_differs(host));
                }
                let key = self
                    .asked()
                    .key
                    .clone()
                    .ok_or_else(Problem::answer_does_not_fit)?;
                self.replace_key(&key).await
            }
            (
                Question::Passphrase { key_file, .. },
                Answer::Passphrase {
                    passphrase,
                    remember,
                },
            ) => {
                if remember {
                    self.asked().to_remember = Some((key_file.clone(), passphrase.clone()));
                }
                self.memory
                    .lock()
                    .await
                    .remember_passphrase(key_file, passphrase);
                Ok(())
            }
            (Question::Password { .. }, Answer::Password(password)) => {
                self.memory.lock().await.remember_password(password);
                Ok(())
            }
            (Question::Prompts { .. }, Answer::Prompts(answers)) => {
                let asked = self.asked().sign_in.take();
                let Some(tunnel::Question::Prompts { prompts, .. }) = asked else {
                    return Err(Problem::answer_does_not_fit());
                };
                if prompts.len() != answers.len() {
                    return Err(Problem::answer_does_not_fit());
                }
                self.memory.lock().await.remember_answers(prompts, answers);
                Ok(())
            }
            (
                Question::HostKeyUnknown { .. }
                | Question::HostKeyChanged { .. }
                | Question::CertificateUnknown { .. }
                | Question::CertificateChanged { .. }
                | Question::Passphrase { .. }
                | Question::Password { .. }
                | Question::Prompts { .. },
                _,
            ) => Err(Problem::answer_does_not_fit()),
        }
    }

    /// A person asked to try again: what was refused before may be tried once more.
    pub(super) fn forget_refusals(&self) {
        // While an attempt holds the memory nothing has been refused yet.
        if let Ok(mut memory) = self.memory.try_lock() {
            memory.forget_refusals();
        }
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, AskedAbout> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A passphrase kept in the keychain is given as if it had just been typed.
    async fn recall_passphrase(&self, memory: &mut SignInMemory, access: &dyn GatewayAccess) {
        if self.config.sign_in == SignIn::Password {
            return;
        }
        if let Some((key_file, passphrase)) = access.passphrase().await
            && memory.passphrase(&key_file).is_none()
        {
            memory.remember_passphrase(key_file, passphrase);
        }
    }

    fn note_what_is_asked(&self, error: &TunnelError) -> Failure {
        let mut asked = self.asked();
        if let TunnelError::HostKeyUnknown(key)
        | TunnelError::HostKeyChanged { presented: key, .. } = error
        {
            asked.key = Some((**key).clone());
        }
        if let TunnelError::NeedsAnswer(question) = error {
            asked.sign_in = Some(question.clone());
        }
        // Trust was given to one key; another one starts the question over.
        if matches!(error, TunnelError::HostKeyNotDemanded { .. }) {
            asked.trusted = None;
        }
        explain::tunnel_failure(error)
    }

    async fn after_signing_in(&self, access: &dyn GatewayAccess) {
        let to_remember = {
            let mut asked = self.asked();
            asked.trusted = None;
            asked.to_remember.take()
        };
        if let Some((key_file, passphrase)) = to_remember {
            access.keep_passphrase(key_file, passphrase).await;
        }
    }

    async fn replace_key(&self, key: &PresentedKey) -> Result<(), Problem> {
        let files = self.config.known_hosts.clone();
        let key = key.clone();
        let replacing = tokio::task::spawn_blocking(move || {
            KnownHosts::read(&files).and_then(|mut known| known.replace(&key))
        });
        match replacing.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(explain::tunnel_problem(&TunnelError::KnownHosts(error))),
            Err(error) => Err(Problem::without_action(
                "internal",
                format!("Replacing the stored key failed: {error}."),
            )),
        }
    }
}

/// A signed-in SSH connection, with the listener led into it.
#[derive(Debug)]
pub(super) struct SshPath {
    tunnel: Tunnel,
    local: Arc<ListenerTunnel>,
    gateway_port: u16,
    listener: ListenerSlot,
}

impl SshPath {
    /// Measures a round trip, and has the connection of local programs looked after beside it.
    pub(super) async fn ping(&self) -> Option<Duration> {
        self.local.look_after();
        self.tunnel.ping().await.ok()
    }

    /// Returns how many bytes have come over both connections.
    pub(super) fn received(&self) -> u64 {
        self.tunnel.received() + self.local.received()
    }

    pub(super) fn gateway_port(&self) -> u16 {
        self.gateway_port
    }

    pub(super) async fn open_channel(&self) -> Result<TunnelStream, ForwardError> {
        self.tunnel
            .open_channel(GATEWAY_HOST, self.gateway_port)
            .await
    }

    /// Returns once the tunnel has ended, without keeping it alive.
    pub(super) fn closed(&self) -> impl Future<Output = TunnelClosed> + Send + use<> {
        self.tunnel.closed()
    }

    /// Leads the listener away first, so that nobody new enters a closing tunnel.
    pub(super) async fn close(&self) {
        self.listener.detach();
        tokio::join!(self.local.close(), self.tunnel.clone().close());
    }
}

impl Drop for SshPath {
    /// The listener holds the tunnel too; without this a path that is given up would live on there.
    fn drop(&mut self) {
        self.listener.detach();
    }
}
