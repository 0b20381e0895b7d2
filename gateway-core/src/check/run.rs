//! Runs the steps in order and stops at the first that fails.

use super::health::judge;
use super::{CheckReport, Finding, StepId, StepResult, StepStatus};
use crate::client::{
    self, ClientLimits, ConnectError, Endpoint, Established, HelloRequest, NotAGateway, Session,
};
use crate::config::settings::DirectSettingsError;
use crate::connection::direct::Dialer;
use crate::connection::direct::error::{DirectError, DirectStep};
use crate::connection::explain;
use crate::connection::phase::Cause;
use crate::connection::problem::{Problem, UserAction};
use crate::connection::ssh_plan;
use crate::connection::state::Verdict;
use crate::protocol::method::health::{Health, HealthParams};
use crate::tunnel::{
    self, ForwardError, SignInMemory, Tunnel, TunnelConfig, TunnelError, TunnelStep,
};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

/// The longest a check takes; nobody is asked anything meanwhile.
const IN_ALL: Duration = Duration::from_secs(20);

/// How long the gateway may take to say that it lives.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// How long the gateway may take to say how it is.
const HEALTH_LIMIT: Duration = Duration::from_secs(5);

/// How long leaving politely may take.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);

/// The host the gateway listens on, as the server sees it.
const GATEWAY_HOST: &str = "127.0.0.1";

/// What is checked.
#[derive(Debug)]
pub struct Check {
    /// The way to the gateway.
    pub route: CheckRoute,
    /// What the session would be opened with; a problem with it shows at the step that needs it.
    pub hello: Result<HelloRequest, Problem>,
}

/// The way to a gateway that is checked.
#[derive(Debug)]
pub enum CheckRoute {
    /// Through an SSH server, to a port there. The address may be one that cannot be used.
    Ssh {
        /// How to reach the server, or why the address cannot be used.
        server: Result<Box<TunnelConfig>, TunnelError>,
        /// The gateway's port on the server.
        gateway_port: u16,
    },
    /// By its URL, with no SSH in between. The address may be one that cannot be used.
    Direct(Result<Box<Dialer>, DirectSettingsError>),
}

/// Runs a check; `on_step` hears of each of the nine steps as soon as it is decided.
///
/// `memory` holds what a person answered for this server before.
pub async fn run(
    check: Check,
    memory: &mut SignInMemory,
    on_step: &mut (dyn FnMut(&StepResult) + Send),
) -> CheckReport {
    let mut log = Log {
        steps: Vec::with_capacity(StepId::ALL.len()),
        on_step,
        lap: Instant::now(),
        is_direct: matches!(check.route, CheckRoute::Direct(_)),
    };
    let until = Instant::now() + IN_ALL;
    // Every step ends the run by an error; the log knows which one it was.
    let end = match check.route {
        CheckRoute::Ssh {
            server,
            gateway_port,
        } => over_ssh(server, gateway_port, check.hello, memory, &mut log, until).await,
        CheckRoute::Direct(dialer) => direct(dialer, check.hello, &mut log, until).await,
    };
    if let Err(Ended) = end {
        log.fill(StepStatus::NotReached);
    }
    CheckReport::of(log.steps)
}

/// A step failed and was noted.
struct Ended;

/// The results so far, and the clock of the step that runs.
struct Log<'a> {
    steps: Vec<StepResult>,
    on_step: &'a mut (dyn FnMut(&StepResult) + Send),
    lap: Instant,
    /// Whether there is no SSH server on the way.
    is_direct: bool,
}

impl Log<'_> {
    fn note(&mut self, step: StepResult) {
        (self.on_step)(&step);
        self.steps.push(step);
    }

    fn next(&self) -> Option<StepId> {
        StepId::ALL.get(self.steps.len()).copied()
    }

    /// Notes every step before `id`, or all that are left.
    fn fill_before(&mut self, id: Option<StepId>, status: StepStatus) {
        while let Some(next) = self.next().filter(|next| id.is_none_or(|id| *next < id)) {
            self.note(StepResult::without_running(next, status));
        }
    }

    fn fill(&mut self, status: StepStatus) {
        self.fill_before(None, status);
    }

    /// Returns the time since the last step, which becomes this step's.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let took = now - self.lap;
        self.lap = now;
        took
    }

    fn ok(&mut self, id: StepId, finding: Finding) {
        let took = self.lap();
        self.note(StepResult::ok(id, took, finding));
    }

    fn fail(&mut self, id: StepId, status: StepStatus, problem: Problem) -> Ended {
        let took = self.lap();
        let problem = match self.is_direct {
            true => explain::problem_directly(problem),
            false => problem,
        };
        self.fill_before(Some(id), StepStatus::NotReached);
        self.note(StepResult::not_ok(id, took, status, problem));
        Ended
    }

    /// Runs a step within what is left of the whole check's time.
    async fn within<T>(
        &mut self,
        id: StepId,
        until: Instant,
        work: impl Future<Output = T>,
    ) -> Result<T, Ended> {
        match tokio::time::timeout_at(until, work).await {
            Ok(done) => Ok(done),
            Err(_) => Err(self.fail(
                id,
                StepStatus::Failed,
                Problem::new(
                    "checkTimeout",
                    format!("The check was stopped after {} s.", IN_ALL.as_secs()),
                    UserAction::TryAgain,
                )
                .about("seconds", IN_ALL.as_secs()),
            )),
        }
    }
}

async fn over_ssh(
    server: Result<Box<TunnelConfig>, TunnelError>,
    gateway_port: u16,
    hello: Result<HelloRequest, Problem>,
    memory: &mut SignInMemory,
    log: &mut Log<'_>,
    until: Instant,
) -> Result<(), Ended> {
    let config = match server.and_then(|config| Ok(config.target.check().map(|()| config)?)) {
        Ok(config) => config,
        Err(error) => {
            let problem = explain::tunnel_problem(&error);
            return Err(log.fail(StepId::Address, StepStatus::Failed, problem));
        }
    };
    let address = match ssh_plan::in_words(&config) {
        Some(way) => Finding::WayLed { way },
        None => Finding::AddressRead {
            address: config
                .name
                .clone()
                .unwrap_or_else(|| config.target.to_string()),
        },
    };
    log.ok(StepId::Address, address);

    let port = config.target.port_or_default();
    let mut note = |step| note_tunnel_step(log, step, port);
    let opening = tunnel::open(&config, memory, &mut note);
    let opened = tokio::time::timeout_at(until, opening).await;
    let tunnel = match opened {
        Ok(Ok(tunnel)) => tunnel,
        Ok(Err(error)) => {
            let id = failed_step(error.step());
            let mut problem = explain::tunnel_problem(&error);
            // A check asks nobody, so what there is to compare must stand in its one sentence.
            if let TunnelError::HostKeyUnknown(key) = error.at_hop().1 {
                problem.message = format!("{} It is {}.", problem.message, key.fingerprint());
                problem = problem.about("fingerprint", key.fingerprint());
            }
            return Err(log.fail(id, tunnel_status(&error), problem));
        }
        Err(_) => {
            let id = log.next().unwrap_or(StepId::Login);
            return log.within(id, until, std::future::pending()).await;
        }
    };
    let outcome = behind(&tunnel, gateway_port, hello, log, until).await;
    if timeout(CLOSE_LIMIT, tunnel.close()).await.is_err() {
        tracing::debug!("the check's SSH connection was cut");
    }
    outcome
}

fn note_tunnel_step(log: &mut Log<'_>, step: TunnelStep, port: u16) {
    match step {
        TunnelStep::Resolved { addresses } => {
            let first = addresses
                .first()
                .map_or_else(String::new, |first| first.ip().to_string());
            let count = u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
            let address = first;
            log.ok(StepId::Resolve, Finding::NameResolved { address, count });
        }
        TunnelStep::TcpConnected => log.ok(StepId::Tcp, Finding::PortAnswers { port }),
        TunnelStep::HostKeyAccepted { fingerprint, .. } => {
            let fingerprint = fingerprint.to_string();
            log.ok(StepId::HostKey, Finding::HostKeyTrusted { fingerprint });
        }
        TunnelStep::SignedIn { method } => {
            log.ok(StepId::Login, Finding::signed_in(&method));
        }
        // The steps shown are those of the server that a person knows of.
        TunnelStep::OnTheWay { .. } => {}
    }
}

fn failed_step(step: tunnel::Step) -> StepId {
    match step {
        tunnel::Step::Address => StepId::Address,
        tunnel::Step::Resolve => StepId::Resolve,
        tunnel::Step::Tcp => StepId::Tcp,
        tunnel::Step::HostKey => StepId::HostKey,
        tunnel::Step::Login => StepId::Login,
    }
}

/// Where waiting cannot heal it, a person has to.
fn tunnel_status(error: &TunnelError) -> StepStatus {
    let beyond_the_address = error.step() != tunnel::Step::Address;
    if error.stops_retrying() && beyond_the_address {
        StepStatus::NeedsUser
    } else {
        StepStatus::Failed
    }
}

/// The steps behind a standing SSH connection.
async fn behind(
    tunnel: &Tunnel,
    port: u16,
    hello: Result<HelloRequest, Problem>,
    log: &mut Log<'_>,
    until: Instant,
) -> Result<(), Ended> {
    let opened = log
        .within(
            StepId::Forward,
            until,
            tunnel.open_channel(GATEWAY_HOST, port),
        )
        .await?;
    let stream = match opened {
        Ok(stream) => stream,
        // The server was willing; it is the gateway that is missing.
        Err(error @ ForwardError::ConnectFailed) => {
            log.ok(StepId::Forward, Finding::ForwardingAllowed);
            let problem = explain::forward_problem(&error, port);
            return Err(log.fail(StepId::Gateway, StepStatus::Failed, problem));
        }
        Err(error) => {
            let problem = explain::forward_problem(&error, port);
            return Err(log.fail(StepId::Forward, StepStatus::Failed, problem));
        }
    };
    log.ok(StepId::Forward, Finding::ForwardOpen { port });

    let endpoint = Endpoint::from(&format!("{GATEWAY_HOST}:{port}"));
    gateway_lives(stream, &endpoint, port, log, until).await?;
    let open = || async {
        tunnel
            .open_channel(GATEWAY_HOST, port)
            .await
            .map_err(|error| explain::forward_problem(&error, port))
    };
    access_and_health(open, &endpoint, port, hello, log, until).await
}

async fn direct(
    dialer: Result<Box<Dialer>, DirectSettingsError>,
    hello: Result<HelloRequest, Problem>,
    log: &mut Log<'_>,
    until: Instant,
) -> Result<(), Ended> {
    let dialer = match dialer {
        Ok(dialer) => dialer,
        Err(error) => {
            let problem = explain::direct_settings_problem(&error);
            return Err(log.fail(StepId::Address, StepStatus::Failed, problem));
        }
    };
    let url = dialer.url();
    if let Err(refused) = url.check_plain() {
        let problem = explain::direct_problem(&refused.into());
        return Err(log.fail(StepId::Address, StepStatus::Failed, problem));
    }
    let address = url.to_string();
    log.ok(StepId::Address, Finding::AddressRead { address });

    let resolving = log.within(StepId::Resolve, until, dialer.resolve()).await?;
    let addresses = resolving.map_err(|error| direct_ended(&error, log))?;
    if let Some(first) = addresses.first() {
        let address = first.ip().to_string();
        log.ok(StepId::Resolve, Finding::NameResolved { address, count: 1 });
    }
    let reaching = async { dialer.secure(dialer.connect(addresses).await?).await };
    // The certificate stands where the server's key stands on the way through SSH.
    let reached = log.within(StepId::HostKey, until, reaching).await?;
    let stream = reached.map_err(|error| direct_ended(&error, log))?;
    log.fill_before(Some(StepId::HostKey), StepStatus::NotNeeded);
    if url.is_encrypted() {
        log.ok(StepId::HostKey, certificate_accepted(&dialer));
    }
    log.fill_before(Some(StepId::Gateway), StepStatus::NotNeeded);

    let endpoint = Endpoint::from(url);
    let port = url.port();
    gateway_lives(stream, &endpoint, port, log, until).await?;
    let open = || async {
        let dialled = dialer.dial().await;
        dialled.map_err(|error| explain::direct_problem(&error))
    };
    let hello = hello.map(|mut hello| {
        hello.trusted_endpoint = dialer.is_trusted();
        hello
    });
    access_and_health(open, &endpoint, port, hello, log, until).await
}

fn certificate_accepted(dialer: &Dialer) -> Finding {
    match dialer.pin() {
        Some(_) => Finding::CertificatePinned,
        None => Finding::CertificateVouched,
    }
}

/// Notes why the gateway's port was not reached, at the step it was.
fn direct_ended(error: &DirectError, log: &mut Log<'_>) -> Ended {
    let problem = explain::direct_problem(error);
    let status = match explain::direct_failure(error).verdict {
        Verdict::Ask(_) | Verdict::Pause(Cause::TlsPin) => StepStatus::NeedsUser,
        Verdict::Retry(_) | Verdict::GatewayDown(_) | Verdict::Pause(_) | Verdict::Stop(_) => {
            StepStatus::Failed
        }
    };
    let id = match error.step() {
        DirectStep::Address => StepId::Address,
        DirectStep::Resolve => StepId::Resolve,
        DirectStep::Tcp => StepId::Gateway,
        DirectStep::Tls => StepId::HostKey,
    };
    log.fill_before(Some(id), StepStatus::NotNeeded);
    log.fail(id, status, problem)
}

async fn gateway_lives<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    endpoint: &Endpoint,
    port: u16,
    log: &mut Log<'_>,
    until: Instant,
) -> Result<(), Ended> {
    let probe = client::probe_healthz(stream, endpoint.clone(), PROBE_LIMIT);
    match log.within(StepId::Gateway, until, probe).await? {
        Ok(_) => {
            log.ok(StepId::Gateway, Finding::GatewayAnswers { port });
            Ok(())
        }
        Err(why) => Err(not_a_gateway(why, port, log)),
    }
}

fn not_a_gateway(why: NotAGateway, port: u16, log: &mut Log<'_>) -> Ended {
    let problem = explain::connect_problem(&ConnectError::NotAGateway(why), port);
    log.fail(StepId::Gateway, StepStatus::Failed, problem)
}

async fn access_and_health<S, F>(
    open: impl Fn() -> F,
    endpoint: &Endpoint,
    port: u16,
    hello: Result<HelloRequest, Problem>,
    log: &mut Log<'_>,
    until: Instant,
) -> Result<(), Ended>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Result<S, Problem>>,
{
    let mut hello = match hello {
        Ok(hello) => hello,
        Err(problem) => return Err(log.fail(StepId::Access, StepStatus::NeedsUser, problem)),
    };
    loop {
        let attempt = async {
            match open().await {
                Ok(stream) => {
                    let (endpoint, hello) = (endpoint.clone(), hello.clone());
                    Ok(client::connect(stream, endpoint, hello, ClientLimits::default()).await)
                }
                Err(problem) => Err(problem),
            }
        };
        match log.within(StepId::Access, until, attempt).await? {
            Ok(Ok(established)) => return admitted(established, log, until).await,
            // A shared token may be outdated while this device is still welcome.
            Ok(Err(error)) if error.may_retry_with_device_token() && !hello.prefer_device_token => {
                hello.prefer_device_token = true;
            }
            Ok(Err(error)) => {
                let needs_user = matches!(error.cause(), Cause::Token | Cause::Pairing);
                let status = if needs_user {
                    StepStatus::NeedsUser
                } else {
                    StepStatus::Failed
                };
                return Err(log.fail(
                    StepId::Access,
                    status,
                    explain::connect_problem(&error, port),
                ));
            }
            Err(problem) => return Err(log.fail(StepId::Access, StepStatus::Failed, problem)),
        }
    }
}

async fn admitted(
    established: Established,
    log: &mut Log<'_>,
    until: Instant,
) -> Result<(), Ended> {
    let server = &established.hello.server;
    log.ok(
        StepId::Access,
        Finding::let_in(
            &server.version,
            established.accepted,
            established.clock_ahead_s,
        ),
    );
    let outcome = health(&established.session, log, until).await;
    if timeout(CLOSE_LIMIT, established.session.close())
        .await
        .is_err()
    {
        tracing::debug!("the check's session was cut");
    }
    outcome
}

async fn health(session: &Session, log: &mut Log<'_>, until: Instant) -> Result<(), Ended> {
    let call = session.call::<Health>(HealthParams::default(), HEALTH_LIMIT);
    match log.within(StepId::Health, until, call).await? {
        Ok(payload) => match judge(&payload) {
            Ok(finding) => {
                log.ok(StepId::Health, finding);
                Ok(())
            }
            Err(problem) => Err(log.fail(StepId::Health, StepStatus::Degraded, problem)),
        },
        Err(error) => Err(log.fail(
            StepId::Health,
            StepStatus::Failed,
            Problem::new(
                "healthUnknown",
                format!("The gateway did not say how it is: {error}."),
                UserAction::TryAgain,
            ),
        )),
    }
}
