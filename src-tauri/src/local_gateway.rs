//! "OpenClaw runs: This computer": the embedded gateway, started where none answers.
//!
//! It runs on threads of its own, so that a busy window holds up nobody who talks to it. A gateway
//! that runs here already is used as it is: two on one computer would be two memories.

use crate::{page, surroundings::Surroundings};
use futures_util::{FutureExt as _, future::BoxFuture};
use gateway_core::{
    client::probe_healthz,
    config::{
        ProfileId,
        gateway_here::{self, Machine, NotHere, Wishes},
    },
    connection::{
        local_host::{Hosted, LocalHost},
        problem::{Problem, UserAction},
    },
    credentials::{secret::GatewayToken, slots},
    server::{Gateway, StartError, exposure::LocalAuth, new_token},
    store::Unwritable,
    tunnel::Holder,
};
use std::{
    io::{self, Write as _},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
    sync::Mutex,
    time::timeout,
};

/// How long a program on the port may take to show that it is a gateway.
const PROBE: Duration = Duration::from_secs(2);

/// How long the gateway's threads may take to end after it has stopped.
const THREADS: Duration = Duration::from_millis(200);

/// The gateway on this computer, as far as it is ours.
#[derive(Debug, Clone)]
pub struct LocalGateway {
    surroundings: Surroundings,
    running: Arc<Mutex<Option<Running>>>,
}

/// A gateway of ours that runs.
#[derive(Debug)]
pub struct Running {
    gateway: Gateway,
    auth: LocalAuth,
    port: u16,
    threads: Threads,
}

/// The threads of a gateway. Dropping them lets them end by themselves: waiting for that would
/// block whoever drops them.
#[derive(Debug)]
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Where a running gateway of ours is kept: it outlives the profile's routes.
pub type Kept = Arc<Mutex<Option<Running>>>;

impl LocalGateway {
    /// Returns the gateway on this computer; nothing is started yet.
    pub fn new(surroundings: Surroundings, running: Kept) -> Self {
        Self {
            surroundings,
            running,
        }
    }

    async fn start(&self, port: u16) -> Result<Running, Problem> {
        let store = &*self.surroundings.store;
        let kept = slots::read::<GatewayToken>(store, &ProfileId::this_computer()).await;
        let wishes = Wishes {
            port: Some(port.to_string()),
            kept_token: kept.unwrap_or_else(|problem| {
                tracing::warn!(%problem, "the gateway's token cannot be read");
                None
            }),
            runs_here: true,
            ..Wishes::default()
        };
        let Surroundings {
            environment,
            places,
            ..
        } = &self.surroundings;
        let mut config =
            gateway_here::configure(wishes, environment, places, Machine::this(environment))
                .map_err(|refused| configuration_problem(&refused))?;
        if matches!(config.exposure.auth, LocalAuth::GenerateToken) {
            let token = new_token();
            if let Err(problem) = slots::write(store, &ProfileId::this_computer(), &token).await {
                tracing::warn!(%problem, "the gateway's token is kept until the app quits");
            }
            config.exposure.auth = LocalAuth::Token(token);
        }
        if let Err(problem) = self.surroundings.logbook.keep_in(&config.state_dir) {
            tracing::warn!(%problem, "the gateway keeps no log of its own");
        }
        config.page = page::files();
        let state_dir = config.state_dir.clone();
        let auth = config.exposure.auth.clone();
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("local-gateway")
            .enable_all()
            .build()
            .map_err(|problem| start_problem(port, &problem.to_string()))?;
        // On its own threads from the first task on.
        let starting = runtime.spawn(Gateway::start(config));
        let threads = Threads(Some(runtime));
        match starting.await {
            Ok(Ok(gateway)) => Ok(Running {
                gateway,
                auth,
                port,
                threads,
            }),
            Ok(Err(problem)) => Err(not_started(port, &state_dir, &problem)),
            Err(crashed) => Err(start_problem(port, &crashed.to_string())),
        }
    }

    async fn answer_on(&self, port: u16) -> Result<Hosted, Problem> {
        let mut running = self.running.lock().await;
        if let Some(ours) = running.as_ref().filter(|ours| ours.port == port) {
            return Ok(hosted(&ours.auth));
        }
        if let Some(elsewhere) = running.take() {
            end(elsewhere).await;
        }
        if is_gateway(port).await {
            tracing::info!(port, "a gateway runs here already");
            return Ok(Hosted::Found);
        }
        let started = self.start(port).await?;
        tracing::info!(port, "the gateway on this computer runs");
        if self.surroundings.prints_link {
            print_link(&started.gateway);
        }
        let auth = hosted(&started.auth);
        *running = Some(started);
        Ok(auth)
    }
}

impl LocalHost for LocalGateway {
    fn ensure(&self, port: u16) -> BoxFuture<'_, Result<Hosted, Problem>> {
        let this = self.clone();
        // Whoever waits for it may give up; what has begun to start is kept all the same.
        let answering = tokio::spawn(async move { this.answer_on(port).await });
        async move {
            answering
                .await
                .unwrap_or_else(|crashed| Err(start_problem(port, &crashed.to_string())))
        }
        .boxed()
    }
}

/// Stops a gateway of ours, if one runs.
pub async fn stop(kept: &Kept) {
    let running = kept.lock().await.take();
    if let Some(running) = running {
        end(running).await;
        tracing::info!("the gateway on this computer has stopped");
    }
}

async fn end(running: Running) {
    let Running {
        gateway,
        mut threads,
        ..
    } = running;
    let Some(runtime) = threads.0.take() else {
        return;
    };
    // Where its tasks are; they end before their threads do.
    if let Err(crashed) = runtime.spawn(gateway.stop()).await {
        tracing::error!(%crashed, "the gateway did not stop in order");
    }
    // Ending a runtime waits, which a task must not.
    let ended = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(THREADS));
    drop(ended.await);
}

fn hosted(auth: &LocalAuth) -> Hosted {
    let (token, password) = match auth {
        LocalAuth::Token(token) => (Some(token.clone()), None),
        LocalAuth::Password(password) => (None, Some(password.clone())),
        LocalAuth::GenerateToken | LocalAuth::None | LocalAuth::TrustedProxy(_) => (None, None),
    };
    Hosted::Ours { token, password }
}

/// Prints a link for browsers to the terminal the app was started from, and nowhere else.
fn print_link(gateway: &Gateway) {
    let line = match gateway.browser_link() {
        Ok(link) => format!(
            "In a browser on this computer, once and within a minute: {}",
            link.expose().as_str()
        ),
        Err(why) => format!("No page for browsers: {why}."),
    };
    // Whoever started the app may have closed the pipe; the gateway runs all the same.
    drop(writeln!(io::stdout(), "{line}"));
}

async fn is_gateway(port: u16) -> bool {
    let dialling = TcpStream::connect(("127.0.0.1", port));
    let Ok(Ok(stream)) = timeout(PROBE, dialling).await else {
        return false;
    };
    probe_healthz(stream, &format!("127.0.0.1:{port}"), PROBE)
        .await
        .is_ok()
}

fn configuration_problem(refused: &NotHere) -> Problem {
    Problem::new(
        "localGatewayRefused",
        format!("The gateway on this computer cannot be started: {refused}."),
        UserAction::TryAgain,
    )
}

fn not_started(port: u16, state_dir: &Path, problem: &StartError) -> Problem {
    match problem {
        StartError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
            let holder = Holder::of(port).map_or_else(
                || "another program".to_owned(),
                |holder| format!("{} (pid {})", holder.name, holder.pid),
            );
            Problem::new(
                "localPortTaken",
                format!(
                    "Port {port} is held by {holder}, which is no gateway. End it, or choose \
                     another port."
                ),
                UserAction::EditPorts,
            )
        }
        StartError::State(problem) => Problem::new(
            match problem.unwritable() {
                Some(Unwritable::Full) => "localStateDiskFull",
                Some(Unwritable::ReadOnly) => "localStateReadOnly",
                Some(Unwritable::Failing) | None => "localStateUnusable",
            },
            format!(
                "The gateway on this computer did not start; it keeps its state in {}: {}.",
                state_dir.display(),
                with_causes(problem)
            ),
            UserAction::TryAgain,
        ),
        StartError::Listen { .. } | StartError::NoToken | StartError::Secret(_) => {
            start_problem(port, &with_causes(problem))
        }
    }
}

fn start_problem(port: u16, why: &str) -> Problem {
    Problem::new(
        "localGatewayFailed",
        format!("The gateway on this computer (port {port}) did not start: {why}."),
        UserAction::TryAgain,
    )
}

/// The last cause is where the next step stands.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes: Vec<String> = std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect();
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::store::StoreError;

    #[test]
    fn a_disk_in_trouble_is_named_with_the_folder_and_what_to_do() {
        let folder = Path::new("/home/user/state");
        let said = |problem| {
            let problem = not_started(18_789, folder, &StartError::State(problem));
            (problem.code, problem.message)
        };

        let (code, words) = said(StoreError::Full);
        assert_eq!(code, "localStateDiskFull");
        assert!(words.contains("/home/user/state") && words.contains("free some space"));
        let (code, words) = said(StoreError::ReadOnly);
        assert_eq!(code, "localStateReadOnly");
        assert!(words.contains("not mounted read-only"), "{words}");
    }
}
