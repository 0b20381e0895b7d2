//! The real connection behind the controller's port: settings become a route, orders become
//! commands.

use crate::{
    access::KeychainAccess,
    controller::{ConnectionPort, CourierPort, GatewayPort, Order, VoicePort},
    courier::{self, Heard},
    day_recorder,
    gateway_calls::LiveGateway,
    home_server::{Current, CurrentServer},
    local_gateway::{self, LocalGateway},
    login_session,
    surroundings::Surroundings,
    voice_here,
};
use gateway_core::{
    chat::KeptChats,
    config::{Profile, RunsWhere, settings::DirectSettingsError},
    connection::{
        Command, Connection,
        backoff::RetryPolicy,
        computer::Computer,
        direct::{Dialer, server::DirectServer},
        gateway_route::GatewayRoute,
        listener_slot::ListenerSlot,
        local_host::LocalHost as _,
        ssh_server::SshServer,
    },
    tunnel::TargetError,
};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Orders that wait for the supervisor; people give few.
const WAITING_ORDERS: usize = 64;

/// Starts the connection, off, the courier that sends over it and what listens beside it; returns the controller's ends.
///
/// # Panics
///
/// Outside an async runtime.
pub fn start(
    surroundings: Surroundings,
    profile: &Profile,
    current: CurrentServer,
    kept: Option<KeptChats>,
) -> (ConnectionPort, CourierPort, VoicePort) {
    let listener = listener(profile);
    let here = local_gateway::Kept::default();
    let route = route(&surroundings, profile, &listener, &here, &current).unwrap_or_else(|_| {
        // The address is said to be unusable when somebody connects.
        GatewayRoute::on_this_computer(profile.local_port, access(&surroundings, profile))
    });
    let mut connection = Connection::start(route, RetryPolicy::default());
    let computer = Computer::watch();
    // It ends with the connection, which no longer takes its hints then.
    drop(tokio::spawn(login_session::tell_of_sleep(
        computer.teller(),
    )));
    connection.heed(computer);
    let heard = Heard {
        events: connection.events(),
        session: connection.session(),
        snapshots: connection.snapshots(),
    };
    let courier = courier::start(heard, kept);
    let voice = voice_here::start(
        connection.events(),
        connection.session(),
        surroundings.places.voice_models(),
    );
    let session = connection.session();
    let (forget_days, forget) = watch::channel(0);
    let days = surroundings.places.days();
    let day = day_recorder::start(connection.snapshots(), days, forget);
    let (orders, inbox) = mpsc::channel(WAITING_ORDERS);
    let port = ConnectionPort {
        snapshots: connection.snapshots(),
        timeline: connection.timeline(),
        day,
        events: connection.events(),
        session: Box::new(move |gateway| {
            let session = session.borrow().clone();
            let session = session.filter(|session| session.label() == Some(gateway.as_str()))?;
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
        current,
        forget_days,
    };
    // It ends when the controller drops its end or orders it to shut down.
    drop(tokio::spawn(link.run(inbox)));
    (port, courier, voice)
}

/// Why there is no way to a profile's gateway; saved forms never have such an address.
#[derive(Debug, thiserror::Error)]
enum AddressError {
    /// The SSH address.
    #[error(transparent)]
    Ssh(#[from] TargetError),
    /// The URL, or the fingerprint beside it.
    #[error(transparent)]
    Direct(#[from] DirectSettingsError),
}

struct Link {
    surroundings: Surroundings,
    connection: Connection<GatewayRoute>,
    listener: ListenerSlot,
    /// Whether the listener gives way to a gateway on this computer.
    also_here: bool,
    /// The gateway on this computer, while it is ours.
    here: local_gateway::Kept,
    /// Where it is said which server this leads to.
    current: CurrentServer,
    /// Counts how often the last 24 hours were to be forgotten.
    forget_days: watch::Sender<u32>,
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
                Order::ForgetHistory => {
                    self.forget_days.send_modify(|times| *times += 1);
                    Command::ForgetTimeline
                }
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

    async fn reroute(&mut self, profile: &Profile) -> Result<GatewayRoute, AddressError> {
        let also_here = also_here(profile);
        // The same port keeps the same socket, so that local programs notice nothing; unless a
        // gateway on this computer is to have the port, or has left it.
        if self.listener.preferred() != listener_port(profile) || self.also_here != also_here {
            self.listener.close().await;
            self.listener = listener(profile);
            self.also_here = also_here;
        }
        let route = route(
            &self.surroundings,
            profile,
            &self.listener,
            &self.here,
            &self.current,
        )?;
        if also_here {
            // It runs whether or not anybody connects to the other computer. What comes of it is
            // told when somebody does.
            let host = host(&self.surroundings, &self.here);
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
    // What is reached by its URL can be reached by that from any program.
    let through_ssh = profile.runs == RunsWhere::AnotherComputer && !profile.is_direct();
    (through_ssh && profile.listener_enabled).then_some(profile.local_port)
}

fn listener(profile: &Profile) -> ListenerSlot {
    listener_port(profile).map_or_else(ListenerSlot::disabled, ListenerSlot::on_port)
}

fn host(surroundings: &Surroundings, here: &local_gateway::Kept) -> Arc<LocalGateway> {
    Arc::new(LocalGateway::new(surroundings.clone(), Arc::clone(here)))
}

/// Returns the way to the gateway of a profile.
fn route(
    surroundings: &Surroundings,
    profile: &Profile,
    listener: &ListenerSlot,
    here: &local_gateway::Kept,
    current: &CurrentServer,
) -> Result<GatewayRoute, AddressError> {
    let access = access(surroundings, profile);
    current.set(None);
    match profile.runs {
        RunsWhere::AnotherComputer => {
            let route = if profile.is_direct() {
                let (url, pin) = profile.direct()?;
                GatewayRoute::direct(DirectServer::new(Dialer::new(url, pin)), access)
            } else {
                let server = Arc::new(SshServer::planned(
                    surroundings.plan(profile)?,
                    profile.remote_port,
                    listener.clone(),
                ));
                current.set(Some(Current {
                    server: Arc::clone(&server),
                    access: Arc::clone(&access),
                    profile: profile.secrets(),
                }));
                GatewayRoute::over_ssh(server, access)
            };
            Ok(if profile.also_run_here {
                route.and_here(profile.local_port, host(surroundings, here))
            } else {
                route
            })
        }
        RunsWhere::ThisComputer => Ok(GatewayRoute::hosted_here(
            profile.local_port,
            host(surroundings, here),
            access,
        )),
        RunsWhere::NotConfigured => Ok(GatewayRoute::on_this_computer(profile.local_port, access)),
    }
}

/// Returns what a session of the profile is opened with.
fn access(surroundings: &Surroundings, profile: &Profile) -> Arc<KeychainAccess> {
    Arc::new(KeychainAccess::new(surroundings.clone(), profile.clone()))
}
