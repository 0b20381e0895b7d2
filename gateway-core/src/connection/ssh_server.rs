//! The server end of a remote route: what is known of it, what a person answered, and the listener.
//!
//! Everything here outlives a single attempt: answers are given on the next dial, to the server of the
//! way that asked, and the loopback listener stays bound across reconnects so that its port never
//! changes. The way itself is worked out anew for each attempt.

mod at_work;

use super::access::GatewayAccess;
use super::explain;
use super::listener_slot::ListenerSlot;
use super::listener_tunnel::{Again, ListenerTunnel};
use super::phase::Cause;
use super::problem::Problem;
use super::question::{Answer, Question};
use super::route::{Failure, Progress, ProgressReporter};
use super::ssh_plan::{self, SshPlan};
use super::state::{Step, Verdict};
use super::timeline::{Happening, Stage};
use crate::credentials::secret::KeyPassphrase;
use crate::tunnel::forward::Lead;
use crate::tunnel::{
    self, Credential, ForwardError, HostKeyFingerprint, KnownHosts, KnownHostsFiles, PresentedKey,
    SignIn, SignInMemory, Tunnel, TunnelClosed, TunnelConfig, TunnelError, TunnelStep,
    TunnelStream,
};
use at_work::Standing;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// The host the gateway listens on, as the server sees it.
const GATEWAY_HOST: &str = "127.0.0.1";

/// What may be under way to a local program on the connection that the app uses too, in bytes. Until there is a second
/// one, and where there is none, what such a program fetches stands in front of the app's own words: on a line of
/// 512 kbit/s for four seconds, and not for the half minute that OpenSSH's usual window comes to.
const SHARED_WINDOW: u32 = 256 * 1024;

/// A web page that tries again and again is told of so often.
const BETWEEN_REFUSALS: Duration = Duration::from_secs(10);

/// A server reached over SSH, with a gateway behind it.
#[derive(Debug)]
pub struct SshServer {
    way: Way,
    gateway_port: u16,
    listener: ListenerSlot,
    memory: Arc<AsyncMutex<SignInMemory>>,
    asked: Mutex<AskedAbout>,
    standing: Mutex<Standing>,
}

/// How it is found out what to dial.
#[derive(Debug)]
enum Way {
    /// It is known.
    Known(Box<TunnelConfig>),
    /// It is worked out for each attempt, so that a corrected configuration counts.
    Planned(Box<SshPlan>),
}

/// What the last attempt asked about, and what was answered.
#[derive(Debug, Default)]
struct AskedAbout {
    /// The server that asked.
    server: Option<TunnelConfig>,
    /// Which server of the way that is; `None` for the last one.
    hop: Option<usize>,
    key: Option<PresentedKey>,
    sign_in: Option<tunnel::Question>,
    trusted: Option<HostKeyFingerprint>,
    to_remember: Option<(PathBuf, KeyPassphrase)>,
}

impl SshServer {
    /// Returns a server that nothing was asked about yet.
    pub fn new(config: TunnelConfig, gateway_port: u16, listener: ListenerSlot) -> Self {
        Self::reached(Way::Known(Box::new(config)), gateway_port, listener)
    }

    /// Returns a server whose way is worked out for each attempt.
    pub fn planned(plan: SshPlan, gateway_port: u16, listener: ListenerSlot) -> Self {
        Self::reached(Way::Planned(Box::new(plan)), gateway_port, listener)
    }

    fn reached(way: Way, gateway_port: u16, listener: ListenerSlot) -> Self {
        Self {
            way,
            gateway_port,
            listener,
            memory: Arc::default(),
            asked: Mutex::default(),
            standing: Mutex::default(),
        }
    }

    pub(super) fn target(&self) -> String {
        match &self.way {
            Way::Known(config) => config.target.to_string(),
            Way::Planned(plan) => plan.target().to_string(),
        }
    }

    /// Says what to dial. The configuration's files are read where nobody waits for the disk.
    async fn config(&self) -> Result<TunnelConfig, Failure> {
        let plan = match &self.way {
            Way::Known(config) => return Ok((**config).clone()),
            Way::Planned(plan) => plan.clone(),
        };
        match tokio::task::spawn_blocking(move || plan.tunnel()).await {
            Ok(planned) => planned.map_err(|error| explain::tunnel_failure(&error)),
            Err(error) => Err(Failure::new(
                Verdict::Retry(Cause::Network),
                Problem::without_action(
                    "internal",
                    format!("Reading the SSH configuration failed: {error}."),
                ),
            )),
        }
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
        let mut config = self.config().await?;
        progress.report(Progress::Way(ssh_plan::in_words(&config)));
        let mut memory = self.memory.lock().await;
        memory.set_own_key(access.own_key().await);
        self.recall_passphrase(&config, &mut memory, access).await;
        self.demand_what_is_trusted(&mut config);
        let own_window = std::mem::replace(&mut config.window, SHARED_WINDOW);
        let mut began = Instant::now();
        let mut signed_in = (Credential::Nothing, Duration::ZERO);
        let mut on_step = |step| match step {
            TunnelStep::Resolved { .. } => {
                progress.passed(Stage::Name, 0);
                progress.report(Progress::Reached(Step::Connecting));
            }
            TunnelStep::TcpConnected => progress.passed(Stage::Reached, 0),
            TunnelStep::HostKeyAccepted { is_new, .. } => {
                tell_host_key(progress, 0, is_new);
                progress.report(Progress::Reached(Step::Authenticating));
                began = Instant::now();
            }
            TunnelStep::SignedIn { method } => {
                progress.report(Progress::Passed(Happening::SignedIn {
                    hop: 0,
                    by: (&method).into(),
                }));
                signed_in = (method, began.elapsed());
            }
            TunnelStep::OnTheWay { index, step } => {
                let hop = u16::try_from(index + 1).unwrap_or(u16::MAX);
                tell_on_the_way(progress, hop, &step);
            }
        };
        let tunnel = match tunnel::open(&config, &mut memory, &mut on_step).await {
            Ok(tunnel) => tunnel,
            Err(error) => return Err(self.note_what_is_asked(&error, &config)),
        };
        let may_sign_in_again = memory.for_another_connection();
        drop(memory);
        self.after_signing_in(access).await;
        // A way through other servers is not gone twice: each of them might ask somebody again.
        let again = config.via.is_empty().then(|| Again {
            config: TunnelConfig {
                demanded_host_key: None,
                window: own_window,
                ..config
            },
            memory: may_sign_in_again,
        });
        let reporter = progress.clone();
        let local = ListenerTunnel::new(tunnel.clone(), &signed_in, again, reporter);
        let local = Arc::new(local);
        *self.standing() = Standing::new(&tunnel, Arc::downgrade(&local));
        let lead: Arc<dyn Lead> = local.clone();
        self.listener.attach(&lead, self.gateway_port);
        let mut telling = JoinSet::new();
        for refusals in self.listener.refusals() {
            telling.spawn(tell_refusals(refusals, progress.clone()));
        }
        telling.spawn(tell_renewals(tunnel.host_keys_renewed(), progress.clone()));
        Ok(SshPath {
            _telling: telling,
            tunnel,
            local,
            gateway_port: self.gateway_port,
            listener: self.listener.clone(),
        })
    }

    /// Takes a person's answer, so that the next connection gives it.
    ///
    /// # Errors
    /// When it is no answer to that question, or could not be kept.
    pub async fn take_answer(&self, question: &Question, answer: Answer) -> Result<(), Problem> {
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
                let (key, server) = {
                    let asked = self.asked();
                    (asked.key.clone(), asked.server.clone())
                };
                let (Some(key), Some(server)) = (key, server) else {
                    return Err(Problem::answer_does_not_fit());
                };
                self.replace_key(key, server.known_hosts).await
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
                let mut memory = self.memory.lock().await;
                self.of_who_asked(&mut memory).remember_password(password);
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
                let mut memory = self.memory.lock().await;
                self.of_who_asked(&mut memory)
                    .remember_answers(prompts, answers);
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

    /// Returns what is remembered of the server that asked.
    fn of_who_asked<'a>(&self, memory: &'a mut SignInMemory) -> &'a mut SignInMemory {
        let asked = self.asked();
        match (&asked.server, asked.hop) {
            (Some(server), Some(_)) => memory.at_hop(server),
            (Some(_) | None, None) | (None, Some(_)) => memory,
        }
    }

    /// A person's trust was in one key of one server.
    fn demand_what_is_trusted(&self, config: &mut TunnelConfig) {
        let asked = self.asked();
        let Some(trusted) = asked.trusted else {
            return;
        };
        let server = match asked.hop {
            Some(index) => config.via.get_mut(index),
            None => Some(config),
        };
        // The configuration may have changed since: then the question is asked again.
        if let Some(server) = server
            && asked
                .server
                .as_ref()
                .is_some_and(|asked| asked.target == server.target)
        {
            server.demanded_host_key = Some(trusted);
        }
    }

    /// A passphrase kept in the keychain is given as if it had just been typed.
    async fn recall_passphrase(
        &self,
        config: &TunnelConfig,
        memory: &mut SignInMemory,
        access: &dyn GatewayAccess,
    ) {
        if config.sign_in == SignIn::Password && config.via.is_empty() {
            return;
        }
        if let Some((key_file, passphrase)) = access.passphrase().await
            && memory.passphrase(&key_file).is_none()
        {
            memory.remember_passphrase(key_file, passphrase);
        }
    }

    fn note_what_is_asked(&self, error: &TunnelError, config: &TunnelConfig) -> Failure {
        let failure = explain::tunnel_failure(error);
        let (hop, error) = error.at_hop();
        let mut asked = self.asked();
        let server = match hop {
            Some(index) => config.via.get(index),
            None => Some(config),
        };
        let target = |server: &TunnelConfig| server.target.clone();
        // Whoever let us pass has their key stored by now, and it is no other server's.
        if asked.server.as_ref().map(target) != server.map(target) {
            asked.trusted = None;
        }
        asked.hop = hop;
        asked.server = server.cloned();
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
        failure
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

    async fn replace_key(&self, key: PresentedKey, files: KnownHostsFiles) -> Result<(), Problem> {
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
    /// Tells of what happens beside the session, as long as the path stands.
    _telling: JoinSet<()>,
}

impl SshPath {
    /// Measures a round trip, and has the connection of local programs looked after beside it.
    pub(super) async fn ping(&self) -> Option<Duration> {
        self.local.look_after();
        self.tunnel.ping().await.ok()
    }

    /// Returns how many bytes have come and gone over both connections.
    pub(super) fn carried(&self) -> (u64, u64) {
        let (came, went) = self.local.carried();
        let traffic = self.tunnel.traffic();
        (traffic.received() + came, traffic.sent() + went)
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

fn tell_on_the_way(progress: &ProgressReporter, hop: u16, step: &TunnelStep) {
    match step {
        TunnelStep::Resolved { .. } => progress.passed(Stage::Name, hop),
        TunnelStep::TcpConnected => progress.passed(Stage::Reached, hop),
        TunnelStep::HostKeyAccepted { is_new, .. } => tell_host_key(progress, hop, *is_new),
        TunnelStep::SignedIn { method } => progress.report(Progress::Passed(Happening::SignedIn {
            hop,
            by: method.into(),
        })),
        TunnelStep::OnTheWay { .. } => {}
    }
}

fn tell_host_key(progress: &ProgressReporter, hop: u16, is_new: bool) {
    progress.passed(Stage::HostKey, hop);
    if is_new {
        progress.report(Progress::Aside(Happening::HostKeyLearned { hop }, None));
    }
}

async fn tell_refusals(mut refusals: watch::Receiver<u64>, progress: ProgressReporter) {
    let mut told = *refusals.borrow_and_update();
    while refusals.changed().await.is_ok() {
        let so_far = *refusals.borrow_and_update();
        let count = u32::try_from(so_far - told).unwrap_or(u32::MAX);
        progress.report(Progress::Aside(Happening::RequestsRefused { count }, None));
        told = so_far;
        sleep(BETWEEN_REFUSALS).await;
    }
}

async fn tell_renewals(mut renewed: watch::Receiver<u32>, progress: ProgressReporter) {
    while renewed.changed().await.is_ok() {
        let count = *renewed.borrow_and_update();
        progress.report(Progress::Aside(Happening::HostKeysRenewed { count }, None));
    }
}
