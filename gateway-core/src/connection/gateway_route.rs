//! The real routes to a gateway: through our own SSH tunnel, by its URL, or on this computer.
//!
//! They all end in the same way: a stream to the gateway's port, and a session over it.

use super::access::GatewayAccess;
use super::clock::epoch_ms;
use super::direct::GatewayStream;
use super::direct::server::{DirectPath, DirectServer};
use super::explain;
use super::local_host::{GatewayHere, Hosted, LocalHost};
use super::phase::Cause;
use super::problem::{Problem, UserAction};
use super::question::{Answer, Question};
use super::route::{
    CredentialKind, Failure, GatewayFacts, Opened, Path, Progress, ProgressReporter, Route,
    SessionNews,
};
use super::ssh_server::{SshPath, SshServer};
use super::state::{Step, Verdict};
use super::timeline::Stage;
use crate::client::{
    self, AcceptedCredential, ClientLimits, Endpoint, Established, HelloRequest, Session,
    SessionEvent,
};
use crate::protocol::event::Event;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

/// The limit on reaching a port of this computer; only a wedged system needs longer.
const LOOPBACK_LIMIT: Duration = Duration::from_secs(2);

/// How to reach one gateway.
#[derive(Debug)]
pub struct GatewayRoute {
    server: Server,
    /// A gateway that is to run on this computer beside the one that is reached.
    also: Option<Also>,
    access: Arc<dyn GatewayAccess>,
}

#[derive(Debug)]
struct Also {
    port: u16,
    host: Arc<dyn LocalHost>,
}

#[derive(Debug)]
enum Server {
    Ssh(Arc<SshServer>),
    Direct(Arc<DirectServer>),
    ThisComputer(Here),
}

/// The port a gateway on this computer answers on, and who sees to it that one does.
#[derive(Debug, Clone)]
struct Here {
    port: u16,
    host: Option<Arc<dyn LocalHost>>,
}

impl GatewayRoute {
    /// Returns the route through an SSH server to the gateway's port there.
    pub fn over_ssh(server: impl Into<Arc<SshServer>>, access: Arc<dyn GatewayAccess>) -> Self {
        Self {
            server: Server::Ssh(server.into()),
            also: None,
            access,
        }
    }

    /// Returns the route to a gateway by its URL.
    pub fn direct(server: DirectServer, access: Arc<dyn GatewayAccess>) -> Self {
        Self {
            server: Server::Direct(Arc::new(server)),
            also: None,
            access,
        }
    }

    /// Returns the route to a gateway that runs on this computer.
    pub fn on_this_computer(port: u16, access: Arc<dyn GatewayAccess>) -> Self {
        Self {
            server: Server::ThisComputer(Here { port, host: None }),
            also: None,
            access,
        }
    }

    /// Returns the route to a gateway on this computer that `host` starts where none runs.
    pub fn hosted_here(
        port: u16,
        host: Arc<dyn LocalHost>,
        access: Arc<dyn GatewayAccess>,
    ) -> Self {
        let host = Some(host);
        Self {
            server: Server::ThisComputer(Here { port, host }),
            also: None,
            access,
        }
    }

    /// Has a gateway on this computer answer as well. It is seen to before the local listener asks
    /// for a port, so that the gateway keeps `port` and the listener moves on.
    #[must_use]
    pub fn and_here(mut self, port: u16, host: Arc<dyn LocalHost>) -> Self {
        self.also = Some(Also { port, host });
        self
    }
}

impl Route for GatewayRoute {
    type Path = GatewayPath;

    fn target(&self) -> String {
        match &self.server {
            Server::Ssh(server) => server.target(),
            Server::Direct(server) => server.target(),
            Server::ThisComputer(here) => format!("127.0.0.1:{}", here.port),
        }
    }

    async fn open_path(
        self: Arc<Self>,
        progress: ProgressReporter,
    ) -> Result<GatewayPath, Failure> {
        if let Some(Also { port, host }) = &self.also {
            // Whether it runs is told and stops nobody: the other computer is what was asked for.
            let outcome = host.ensure(*port).await;
            let here = GatewayHere::of(*port, outcome.as_ref());
            progress.report(Progress::Here(here));
        }
        let way = match &self.server {
            Server::Ssh(server) => Way::Ssh(Arc::new(server.open(&*self.access, &progress).await?)),
            Server::Direct(server) => Way::Direct(Arc::new(server.open(&progress).await?)),
            Server::ThisComputer(here) => {
                progress.report(Progress::Reached(Step::Connecting));
                Way::ThisComputer(here.clone())
            }
        };
        Ok(GatewayPath {
            way,
            access: Arc::clone(&self.access),
        })
    }

    async fn take_answer(&self, question: &Question, answer: Answer) -> Result<(), Problem> {
        match &self.server {
            Server::Ssh(server) => server.take_answer(question, answer).await,
            Server::Direct(server) => server.take_answer(question, &answer),
            Server::ThisComputer(_) => Err(Problem::answer_does_not_fit()),
        }
    }

    fn forget_refusals(&self) {
        match &self.server {
            Server::Ssh(server) => server.forget_refusals(),
            Server::Direct(_) | Server::ThisComputer(_) => {}
        }
    }
}

/// A standing path to a gateway's host.
#[derive(Debug, Clone)]
pub struct GatewayPath {
    way: Way,
    access: Arc<dyn GatewayAccess>,
}

#[derive(Debug, Clone)]
enum Way {
    Ssh(Arc<SshPath>),
    Direct(Arc<DirectPath>),
    ThisComputer(Here),
}

impl Path for GatewayPath {
    type Session = Session;
    type Events = mpsc::Receiver<SessionEvent>;
    type Event = Event;

    fn open_session(
        &self,
        progress: ProgressReporter,
    ) -> impl Future<Output = Result<Opened<Self>, Failure>> + Send + 'static {
        let path = self.clone();
        async move {
            let established = path
                .sign_in(&progress)
                .await
                .map_err(|failure| path.told(failure))?;
            if let Way::Direct(direct) = &path.way {
                direct.ask_over(established.session.pinger());
            }
            let facts = GatewayFacts {
                version: established.hello.server.version.clone(),
                protocol: established.hello.protocol,
                credential: credential_kind(established.accepted),
                running_since: established
                    .hello
                    .snapshot
                    .uptime_ms
                    .map(|uptime| epoch_ms(Duration::ZERO).saturating_sub(uptime)),
            };
            if let Some(token) = established.issued {
                path.access.keep_device_token(token).await;
            }
            Ok(Opened {
                session: established.session,
                events: established.events,
                facts,
            })
        }
    }

    async fn next_event(events: &mut Self::Events) -> SessionNews<Event> {
        match events.recv().await {
            Some(SessionEvent::Event(event)) => SessionNews::Event(event),
            Some(SessionEvent::Gap { expected, got }) => {
                tracing::debug!(expected, got, "events of the gateway are missing");
                SessionNews::Gap
            }
            Some(SessionEvent::Closed(reason)) => SessionNews::Lost(explain::session_lost(&reason)),
            None => SessionNews::Lost(explain::session_lost(&client::CloseReason::Lost {
                kind: None,
            })),
        }
    }

    fn owed(session: &Session) -> watch::Receiver<usize> {
        session.owed()
    }

    fn heard(&self) -> u64 {
        match &self.way {
            Way::Ssh(path) => path.carried().0,
            Way::Direct(path) => path.heard(),
            // A port of this computer answers at once or not at all.
            Way::ThisComputer(_) => 0,
        }
    }

    fn said(&self) -> u64 {
        match &self.way {
            Way::Ssh(path) => path.carried().1,
            Way::Direct(path) => path.said(),
            Way::ThisComputer(_) => 0,
        }
    }

    fn ping(&self) -> impl Future<Output = Option<Duration>> + Send + 'static {
        let way = self.way.clone();
        async move {
            match way {
                Way::Ssh(path) => path.ping().await,
                Way::Direct(path) => Some(path.ping().await),
                Way::ThisComputer(here) => {
                    let sent = Instant::now();
                    match TcpStream::connect(("127.0.0.1", here.port)).await {
                        Ok(_) => Some(sent.elapsed()),
                        // This computer answers; that no gateway does is the session's news.
                        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                            Some(sent.elapsed())
                        }
                        Err(_) => None,
                    }
                }
            }
        }
    }

    fn lost(&self) -> impl Future<Output = Failure> + Send + 'static {
        // Only a weak hold: waiting for the end of a path must not keep it alive.
        let closed = match &self.way {
            Way::Ssh(path) => Some(path.closed()),
            Way::Direct(_) | Way::ThisComputer(_) => None,
        };
        async move {
            match closed {
                Some(closed) => explain::path_lost(&closed.await),
                // There is no path beside the session, which tells by itself when it ends.
                None => std::future::pending().await,
            }
        }
    }

    async fn close(self) {
        match self.way {
            Way::Ssh(path) => path.close().await,
            Way::Direct(_) | Way::ThisComputer(_) => {}
        }
    }
}

impl GatewayPath {
    /// Signs in to the gateway, with the one further try its refusal may allow.
    async fn sign_in(&self, progress: &ProgressReporter) -> Result<Established, Failure> {
        let hosted = self.hosted(progress).await?;
        let mut hello = self
            .access
            .hello()
            .await
            .map_err(|problem| Failure::new(Verdict::Pause(Cause::Token), problem))?;
        if let Way::Direct(direct) = &self.way {
            hello.trusted_endpoint = direct.is_trusted();
        }
        if let Some(Hosted::Ours { token, password }) = hosted {
            // What our own gateway was started with is right, whatever else is stored.
            hello.credentials.token = token;
            hello.credentials.password = password;
        }
        let error = match self.try_hello(hello.clone(), progress).await? {
            Ok(established) => return Ok(established),
            Err(error) => error,
        };
        let second = if error.may_retry_with_device_token() {
            let prefer_device_token = true;
            HelloRequest {
                prefer_device_token,
                ..hello
            }
        } else if error.forget_device_token() {
            self.access.forget_device_token().await;
            let mut hello = hello;
            hello.credentials.device_token = None;
            if hello.credentials.token.is_none() && hello.credentials.password.is_none() {
                return Err(explain::connect_failure(&error, self.port()));
            }
            hello
        } else {
            return Err(explain::connect_failure(&error, self.port()));
        };
        match self.try_hello(second, progress).await? {
            Ok(established) => Ok(established),
            Err(error) => {
                if error.forget_device_token() {
                    self.access.forget_device_token().await;
                }
                Err(explain::connect_failure(&error, self.port()))
            }
        }
    }

    /// Has a gateway answer on this computer, where that is ours to see to.
    async fn hosted(&self, progress: &ProgressReporter) -> Result<Option<Hosted>, Failure> {
        let Way::ThisComputer(Here {
            port,
            host: Some(host),
        }) = &self.way
        else {
            return Ok(None);
        };
        let hosted = host.ensure(*port).await;
        if let Ok(hosted) = &hosted {
            progress.report(Progress::Here(GatewayHere::of(*port, Ok(hosted))));
        }
        hosted
            .map(Some)
            .map_err(|problem| Failure::new(Verdict::GatewayDown(Cause::Network), problem))
    }

    async fn try_hello(
        &self,
        hello: HelloRequest,
        progress: &ProgressReporter,
    ) -> Result<Result<Established, client::ConnectError>, Failure> {
        let stream = self.dial().await?;
        progress.passed(Stage::GatewayPort, 0);
        progress.report(Progress::Reached(Step::GatewayCheck));
        let answered =
            client::connect(stream, self.endpoint(), hello, ClientLimits::default()).await;
        if answered.is_ok() {
            progress.passed(Stage::Hello, 0);
        }
        Ok(answered)
    }

    fn endpoint(&self) -> Endpoint {
        match &self.way {
            Way::Direct(path) => path.endpoint(),
            Way::Ssh(_) | Way::ThisComputer(_) => (&format!("127.0.0.1:{}", self.port())).into(),
        }
    }

    /// Names the fields of the way that was taken.
    fn told(&self, failure: Failure) -> Failure {
        match &self.way {
            Way::Direct(_) => explain::told_directly(failure),
            Way::Ssh(_) | Way::ThisComputer(_) => failure,
        }
    }

    async fn dial(&self) -> Result<Box<dyn GatewayStream>, Failure> {
        match &self.way {
            Way::Ssh(path) => match path.open_channel().await {
                Ok(stream) => Ok(Box::new(stream)),
                Err(error) => Err(explain::forward_failure(&error, path.gateway_port())),
            },
            Way::Direct(path) => path.dial().await,
            Way::ThisComputer(here) => {
                let dialling = TcpStream::connect(("127.0.0.1", here.port));
                match timeout(LOOPBACK_LIMIT, dialling).await {
                    Ok(Ok(stream)) => Ok(Box::new(stream)),
                    Ok(Err(_)) | Err(_) => Err(nothing_here(here.port)),
                }
            }
        }
    }

    fn port(&self) -> u16 {
        match &self.way {
            Way::Ssh(path) => path.gateway_port(),
            Way::Direct(path) => path.port(),
            Way::ThisComputer(here) => here.port,
        }
    }
}

fn nothing_here(port: u16) -> Failure {
    Failure::new(
        Verdict::GatewayDown(Cause::Network),
        Problem::new(
            "noLocalGateway",
            format!(
                "No gateway runs on this computer (port {port}). Start one with openclaw gateway \
                 run, or choose another computer."
            ),
            UserAction::EditAddress,
        ),
    )
}

fn credential_kind(accepted: AcceptedCredential) -> CredentialKind {
    match accepted {
        AcceptedCredential::DeviceToken => CredentialKind::DeviceToken,
        AcceptedCredential::GatewayToken => CredentialKind::GatewayToken,
        AcceptedCredential::GatewayPassword => CredentialKind::GatewayPassword,
        AcceptedCredential::None => CredentialKind::None,
    }
}
