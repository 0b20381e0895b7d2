//! A second session with the gateway, with an administrator's rights and for one thing, behind the
//! controller's port.
//!
//! It signs in with the gateway's token or password and without this device, as gateways let local
//! programs do: nothing is paired, so that no right outlives the session. It goes the same way as the
//! app's own, through the SSH connection that stands.

use crate::{
    access::KeychainAccess,
    controller::{AdministratorPort, GatewayPort, problems::ui_error},
    gateway_calls::LiveGateway,
    home_server::CurrentServer,
    surroundings::Surroundings,
    view_model::UiError,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use gateway_core::{
    client::{self, ClientLimits, ConnectError, Endpoint, Established, HelloRequest},
    config::{GatewayUrl, Profile, RunsWhere},
    connection::{access::GatewayAccess as _, direct::Dialer, explain},
};
use std::sync::Arc;

/// The host the gateway listens on, as its server sees it.
const GATEWAY_HOST: &str = "127.0.0.1";

/// Opens sessions with an administrator's rights.
#[derive(Debug)]
pub struct Administrator {
    surroundings: Surroundings,
    current: CurrentServer,
}

impl Administrator {
    /// Returns one for the gateways of this installation.
    pub fn new(surroundings: Surroundings, current: CurrentServer) -> Self {
        Self {
            surroundings,
            current,
        }
    }
}

impl AdministratorPort for Administrator {
    fn session(
        &self,
        profile: Profile,
    ) -> BoxFuture<'static, Result<Arc<dyn GatewayPort>, UiError>> {
        let (surroundings, current) = (self.surroundings.clone(), self.current.clone());
        async move {
            let established = open(&surroundings, &current, &profile).await?;
            Ok(Arc::new(LiveGateway(established.session)) as Arc<dyn GatewayPort>)
        }
        .boxed()
    }
}

async fn open(
    surroundings: &Surroundings,
    current: &CurrentServer,
    profile: &Profile,
) -> Result<Established, UiError> {
    let access = KeychainAccess::new(surroundings.clone(), profile.clone());
    let hello = access.hello().await.map_err(|problem| ui_error(&problem))?;
    let hello = HelloRequest::for_a_moment_as_administrator(hello.credentials);
    let hello = hello.ok_or_else(needs_secret)?;
    if profile.runs == RunsWhere::AnotherComputer && !profile.is_direct() {
        let server = current.get()?;
        let reached = server.server.reach(&*server.access).await;
        let tunnel = reached.map_err(|failure| ui_error(&failure.problem))?;
        let port = server.server.gateway_port();
        let stream = tunnel.open_channel(GATEWAY_HOST, port).await;
        let stream = stream.map_err(|error| ui_error(&explain::forward_problem(&error, port)))?;
        let endpoint = format!("{GATEWAY_HOST}:{port}");
        let opened = client::connect(stream, &endpoint, hello, ClientLimits::default()).await;
        return opened.map_err(|error| refused(&error, port));
    }
    let dialer = match profile.runs {
        RunsWhere::AnotherComputer => {
            let (url, pin) = profile
                .direct()
                .map_err(|error| ui_error(&explain::direct_settings_problem(&error)))?;
            Dialer::new(url, pin)
        }
        RunsWhere::ThisComputer | RunsWhere::NotConfigured => {
            Dialer::new(GatewayUrl::loopback(profile.local_port), None)
        }
    };
    let dialled = dialer.dial().await;
    let stream = dialled.map_err(|error| ui_error(&explain::direct_problem(&error)))?;
    let (endpoint, port) = (Endpoint::from(dialer.url()), dialer.url().port());
    let opened = client::connect(stream, endpoint, hello, ClientLimits::default()).await;
    opened.map_err(|error| refused(&error, port))
}

fn needs_secret() -> UiError {
    UiError {
        code: "administratorNeedsToken".to_owned(),
        message:
            "Only the gateway's token or password makes somebody its administrator, and the app \
                  has neither. Fetch or enter the token, or allow it on the server itself."
                .to_owned(),
        action: Some(crate::view_model::UserAction::EnterToken),
    }
}

/// A gateway makes an administrator only of programs that reach it over its own computer.
fn refused(error: &ConnectError, port: u16) -> UiError {
    if error.refusal().is_none() {
        return ui_error(&explain::connect_problem(error, port));
    }
    tracing::info!(%error, "no administrator's rights were given");
    UiError {
        code: "administratorRefused".to_owned(),
        message:
            "The gateway gave this app no administrator's rights. Allow it on the server itself, \
                  or from a device that may administer it."
                .to_owned(),
        action: None,
    }
}
