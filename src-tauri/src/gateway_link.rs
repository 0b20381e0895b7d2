//! The real connection behind the controller's port: settings become a route, orders become
//! commands.

use crate::{
    access::KeychainAccess,
    controller::{ConnectionPort, CourierPort, GatewayPort, Order},
    courier::{self, Heard},
    local_gateway::{self, LocalGateway},
};
use futures_util::{FutureExt as _, future::BoxFuture};
use gateway_core::{
    client::{CallError, Session},
    config::{Environment, Places, Profile, RunsWhere, SignInChoice, paths::SshSurroundings},
    connection::{
        Command, Connection, backoff::RetryPolicy, gateway_route::GatewayRoute,
        listener_slot::ListenerSlot, local_host::LocalHost as _, ssh_server::SshServer,
    },
    credentials::CredentialStore,
    protocol::{
        RunId, SessionKey,
        id::{ApprovalId, QuestionSetId},
        method::{
            approvals::{
                ApprovalRequest, ApprovalResolveParams, Decision, ExecApprovalList,
                ExecApprovalResolve,
            },
            chat::{
                ChatAbort, ChatAbortParams, ChatAbortPayload, ChatHistory, ChatHistoryParams,
                ChatHistoryPayload,
            },
            questions::{
                Answers, QuestionList, QuestionResolve, QuestionResolveParams, QuestionSet,
            },
        },
    },
    server::logbook::Logbook,
    tunnel::{KnownHostsFiles, SignIn, SshTarget, TargetError, TunnelConfig},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Orders that wait for the supervisor; people give few.
const WAITING_ORDERS: usize = 64;

/// How much of a conversation is fetched: what a person scrolls back through without asking.
const HISTORY_MESSAGES: u32 = 200;

/// How long a gateway may take to answer a call (the reference client's limit is 15 s).
const ANSWER: Duration = Duration::from_secs(15);

/// Everything a route is made of, beside the profile.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Where our files are.
    pub places: Places,
    /// What the process was started with.
    pub environment: Environment,
    /// Where secrets are kept.
    pub store: Arc<dyn CredentialStore>,
    /// The log of the gateway on this computer, once it runs.
    pub logbook: Logbook,
    /// Whether a link for browsers is printed once the gateway on this computer runs.
    pub prints_link: bool,
}

impl Surroundings {
    /// Returns how to reach the profile's server over SSH.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be used.
    pub fn tunnel(&self, profile: &Profile) -> Result<TunnelConfig, TargetError> {
        let ssh = SshSurroundings::find(&self.environment);
        let target: SshTarget = profile.address.parse()?;
        let known_hosts = KnownHostsFiles {
            own: self.places.known_hosts(),
            also_read: ssh.known_hosts,
        };
        let local_user = ssh.local_user.unwrap_or_default();
        if target.user.is_none() && local_user.is_empty() {
            return Err(TargetError::EmptyUser);
        }
        let mut config = TunnelConfig::new(target, local_user, known_hosts);
        config.agent_socket = ssh.agent_socket;
        config.sign_in = match profile.sign_in {
            SignInChoice::Automatic => SignIn::Automatic {
                identity_files: ssh.identity_files,
            },
            SignInChoice::KeyFile => SignIn::KeyFile(profile.identity_file.clone()),
            SignInChoice::Password => SignIn::Password,
        };
        Ok(config)
    }

    /// Returns what a session of the profile is opened with.
    pub fn access(&self, profile: &Profile) -> Arc<KeychainAccess> {
        Arc::new(KeychainAccess::new(self.clone(), profile.clone()))
    }

    fn host(&self, here: &local_gateway::Kept) -> Arc<LocalGateway> {
        Arc::new(LocalGateway::new(self.clone(), Arc::clone(here)))
    }

    fn route(
        &self,
        profile: &Profile,
        listener: &ListenerSlot,
        here: &local_gateway::Kept,
    ) -> Result<GatewayRoute, TargetError> {
        let access = self.access(profile);
        match profile.runs {
            RunsWhere::AnotherComputer => {
                let server =
                    SshServer::new(self.tunnel(profile)?, profile.remote_port, listener.clone());
                let route = GatewayRoute::over_ssh(server, access);
                Ok(if profile.also_run_here {
                    route.and_here(profile.local_port, self.host(here))
                } else {
                    route
                })
            }
            RunsWhere::ThisComputer => Ok(GatewayRoute::hosted_here(
                profile.local_port,
                self.host(here),
                access,
            )),
            RunsWhere::NotConfigured => {
                Ok(GatewayRoute::on_this_computer(profile.local_port, access))
            }
        }
    }
}

/// Starts the connection, off, and the courier that sends over it; returns the controller's ends.
///
/// # Panics
///
/// Outside an async runtime.
pub fn start(surroundings: Surroundings, profile: &Profile) -> (ConnectionPort, CourierPort) {
    let listener = listener(profile);
    let here = local_gateway::Kept::default();
    let route = surroundings
        .route(profile, &listener, &here)
        .unwrap_or_else(|_| {
            // The address is said to be unusable when somebody connects.
            GatewayRoute::on_this_computer(profile.local_port, surroundings.access(profile))
        });
    let connection = Connection::start(route, RetryPolicy::default());
    let courier = courier::start(Heard {
        events: connection.events(),
        session: connection.session(),
        snapshots: connection.snapshots(),
    });
    let session = connection.session();
    let (orders, inbox) = mpsc::channel(WAITING_ORDERS);
    let port = ConnectionPort {
        snapshots: connection.snapshots(),
        events: connection.events(),
        session: Box::new(move || {
            let session = session.borrow().clone()?;
            Some(Arc::new(LiveGateway(session)) as Arc<dyn GatewayPort>)
        }),
        orders,
    };
    let link = Link {
        surroundings,
        connection,
        listener,
        also_here: also_here(profile),
        here,
    };
    // It ends when the controller drops its end or orders it to shut down.
    drop(tokio::spawn(link.run(inbox)));
    (port, courier)
}

struct Link {
    surroundings: Surroundings,
    connection: Connection<GatewayRoute>,
    listener: ListenerSlot,
    /// Whether the listener gives way to a gateway on this computer.
    also_here: bool,
    /// The gateway on this computer, while it is ours.
    here: local_gateway::Kept,
}

impl Link {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(order) = orders.recv().await {
            let command = match order {
                Order::Connect => Command::Connect,
                Order::Disconnect => Command::Disconnect,
                Order::ReconnectNow => Command::ReconnectNow,
                Order::SetWatched(watched) => Command::SetWatched(watched),
                Order::Reconfigure(profile) => match self.reroute(&profile).await {
                    Ok(route) => {
                        if profile.runs == RunsWhere::AnotherComputer && !also_here(&profile) {
                            local_gateway::stop(&self.here).await;
                        }
                        Command::Reconfigure(Box::new(route))
                    }
                    Err(problem) => {
                        tracing::warn!(%problem, "the address cannot be used");
                        Command::Disconnect
                    }
                },
                Order::Answer { id, answer, reply } => Command::Answer { id, answer, reply },
                Order::Cancel { id } => Command::Cancel { id },
                Order::ShutDown { done } => {
                    self.connection.shut_down().await;
                    local_gateway::stop(&self.here).await;
                    if done.send(()).is_err() {
                        tracing::debug!("nobody waited for the connection to close");
                    }
                    return;
                }
            };
            self.connection.command(command).await;
        }
    }

    async fn reroute(&mut self, profile: &Profile) -> Result<GatewayRoute, TargetError> {
        let also_here = also_here(profile);
        // The same port keeps the same socket, so that local programs notice nothing; unless a
        // gateway on this computer is to have the port, or has left it.
        if self.listener.preferred() != listener_port(profile) || self.also_here != also_here {
            self.listener.close().await;
            self.listener = listener(profile);
            self.also_here = also_here;
        }
        let route = self
            .surroundings
            .route(profile, &self.listener, &self.here)?;
        if also_here {
            // It runs whether or not anybody connects to the other computer. What comes of it is
            // told when somebody does.
            let host = self.surroundings.host(&self.here);
            drop(host.ensure(profile.local_port));
        }
        Ok(route)
    }
}

/// Whether a gateway on this computer has the local port, beside another computer's.
fn also_here(profile: &Profile) -> bool {
    profile.runs == RunsWhere::AnotherComputer && profile.also_run_here
}

/// Where local programs reach another computer's gateway; on this computer they need no way there.
fn listener_port(profile: &Profile) -> Option<u16> {
    (profile.runs == RunsWhere::AnotherComputer && profile.listener_enabled)
        .then_some(profile.local_port)
}

fn listener(profile: &Profile) -> ListenerSlot {
    listener_port(profile).map_or_else(ListenerSlot::disabled, ListenerSlot::on_port)
}

/// A live session as the controller uses it.
struct LiveGateway(Session);

impl GatewayPort for LiveGateway {
    fn history(
        &self,
        session_key: String,
    ) -> BoxFuture<'static, Result<ChatHistoryPayload, CallError>> {
        let session = self.0.clone();
        async move {
            let mut params = ChatHistoryParams::new(SessionKey::from(session_key));
            params.limit = Some(HISTORY_MESSAGES);
            session.call::<ChatHistory>(params, ANSWER).await
        }
        .boxed()
    }

    fn abort(
        &self,
        session_key: String,
        run_id: Option<String>,
    ) -> BoxFuture<'static, Result<ChatAbortPayload, CallError>> {
        let session = self.0.clone();
        async move {
            let mut params = ChatAbortParams::new(SessionKey::from(session_key));
            params.run_id = run_id.map(RunId::from);
            session.call::<ChatAbort>(params, ANSWER).await
        }
        .boxed()
    }

    fn approvals(&self) -> BoxFuture<'static, Result<Vec<ApprovalRequest>, CallError>> {
        let session = self.0.clone();
        async move {
            session
                .call::<ExecApprovalList>(Default::default(), ANSWER)
                .await
        }
        .boxed()
    }

    fn questions(&self) -> BoxFuture<'static, Result<Vec<QuestionSet>, CallError>> {
        let session = self.0.clone();
        async move {
            let listed = session
                .call::<QuestionList>(Default::default(), ANSWER)
                .await?;
            Ok(listed.questions)
        }
        .boxed()
    }

    fn decide(
        &self,
        id: ApprovalId,
        decision: Decision,
    ) -> BoxFuture<'static, Result<(), CallError>> {
        let session = self.0.clone();
        async move {
            let params = ApprovalResolveParams::new(id, decision);
            let done = session.call::<ExecApprovalResolve>(params, ANSWER).await;
            done.map(drop)
        }
        .boxed()
    }

    fn answer_questions(
        &self,
        id: QuestionSetId,
        answers: Option<Answers>,
    ) -> BoxFuture<'static, Result<(), CallError>> {
        let session = self.0.clone();
        async move {
            let mut params = QuestionResolveParams::new(id);
            params.cancel = answers.is_none().then_some(true);
            params.answers = answers;
            let done = session.call::<QuestionResolve>(params, ANSWER).await;
            done.map(drop)
        }
        .boxed()
    }
}
