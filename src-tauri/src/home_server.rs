//! What is done on the home server, behind the controller's port.

use crate::{
    access::KeychainAccess,
    controller::{HomeServerPort, ports::RepairNews, problems::ui_error},
    gateway_calls::log_view,
    surroundings::Surroundings,
    view_model::{FetchedKind, FetchedView, LogView, UiError},
};
use futures_util::{FutureExt as _, future::BoxFuture};
use gateway_core::{
    config::ProfileId,
    connection::ssh_server::SshServer,
    home_server::{
        gateway_log, gateway_secret,
        gateway_service::Repair,
        repair::{self, Progress},
        sign_in_key::{self, KeyPlace, SignInKeyError},
    },
    tunnel::OwnKey,
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The server that the connection leads to, and what it is signed in to with.
#[derive(Debug, Clone)]
pub struct Current {
    /// The server.
    pub server: Arc<SshServer>,
    /// What it is signed in to with.
    pub access: Arc<KeychainAccess>,
    /// Whose secrets those are.
    pub profile: ProfileId,
}

/// Where the connection says which server it leads to; `None` while that is none over SSH.
#[derive(Debug, Clone, Default)]
pub struct CurrentServer(Arc<Mutex<Option<Current>>>);

impl CurrentServer {
    /// Says which one it is from now on.
    pub fn set(&self, current: Option<Current>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = current;
    }

    /// Returns which one it is.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn get(&self) -> Result<Current, UiError> {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.clone().ok_or_else(|| UiError {
            code: "noServer".to_owned(),
            message: "There is no server that is reached over SSH.".to_owned(),
            action: None,
        })
    }
}

/// The home server of this installation.
#[derive(Debug, Clone)]
pub struct HomeServer {
    surroundings: Surroundings,
    current: CurrentServer,
    /// The key whose line was shown, and for whom.
    prepared: Arc<Mutex<Option<(ProfileId, OwnKey)>>>,
}

impl HomeServer {
    /// Returns the server that the connection leads to.
    pub fn new(surroundings: Surroundings, current: CurrentServer) -> Self {
        Self {
            surroundings,
            current,
            prepared: Arc::default(),
        }
    }

    fn place<'a>(&'a self, current: &'a Current) -> KeyPlace<'a> {
        KeyPlace {
            server: &current.server,
            access: &*current.access,
            store: &*self.surroundings.store,
            profile: &current.profile,
        }
    }

    fn prepared(&self) -> std::sync::MutexGuard<'_, Option<(ProfileId, OwnKey)>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self) -> Result<FetchedView, UiError> {
        let current = self.current.get()?;
        let store = &*self.surroundings.store;
        let fetching =
            gateway_secret::fetch(&current.server, &*current.access, store, &current.profile);
        let fetched = fetching
            .await
            .map_err(|error| ui_error(&gateway_secret::problem(&error)))?;
        let kind = match &fetched.found {
            None => FetchedKind::Nothing,
            Some(found) if found.is_password => FetchedKind::Password,
            Some(_) => FetchedKind::Token,
        };
        Ok(FetchedView {
            kind,
            found_at: fetched.found.map(|found| found.at),
            port: fetched.port,
        })
    }

    async fn prepare(&self) -> Result<String, UiError> {
        let profile = self.current.get()?.profile;
        let store = &*self.surroundings.store;
        let computer = self.surroundings.environment.host_name();
        let key = sign_in_key::prepare(store, &profile, computer);
        let key = key.await.map_err(|error| told(&error))?;
        let line = key.line().map_err(|error| told(&error.into()))?;
        *self.prepared() = Some((profile, key));
        Ok(line)
    }

    async fn add(&self) -> Result<(), UiError> {
        let current = self.current.get()?;
        let prepared = self.prepared().clone();
        let key = prepared.filter(|(profile, _)| *profile == current.profile);
        let (_, key) = key.ok_or_else(|| told(&SignInKeyError::NoKey))?;
        let added = sign_in_key::add(self.place(&current), &key).await;
        added.map(drop).map_err(|error| told(&error))
    }

    async fn repair_now(&self, repair: &Repair, news: &watch::Sender<RepairNews>) {
        let mut tell = |progress: &Progress| {
            news.send_modify(|news| news.progress.clone_from(progress));
        };
        let done = match self.current.get() {
            Ok(Current { server, access, .. }) => {
                let done = repair::run(&server, &*access, repair, &mut tell).await;
                done.map(drop)
                    .map_err(|error| ui_error(&repair::problem(&error)))
            }
            Err(error) => Err(error),
        };
        news.send_modify(|news| news.ended = Some(done));
    }

    async fn read_log(&self) -> Result<LogView, UiError> {
        let Current { server, access, .. } = self.current.get()?;
        let read = gateway_log::read(&server, &*access).await;
        read.map(log_view)
            .map_err(|error| ui_error(&gateway_log::problem(&error)))
    }

    async fn remove(&self) -> Result<(), UiError> {
        let current = self.current.get()?;
        let removed = sign_in_key::remove(self.place(&current)).await;
        removed.map(drop).map_err(|error| told(&error))
    }
}

impl HomeServerPort for HomeServer {
    fn fetch_secret(&self) -> BoxFuture<'static, Result<FetchedView, UiError>> {
        let this = self.clone();
        async move { this.fetch().await }.boxed()
    }

    fn prepare_key(&self) -> BoxFuture<'static, Result<String, UiError>> {
        let this = self.clone();
        async move { this.prepare().await }.boxed()
    }

    fn add_key(&self) -> BoxFuture<'static, Result<(), UiError>> {
        let this = self.clone();
        async move { this.add().await }.boxed()
    }

    fn remove_key(&self) -> BoxFuture<'static, Result<(), UiError>> {
        let this = self.clone();
        async move { this.remove().await }.boxed()
    }

    fn repair(&self, repair: Repair) -> watch::Receiver<RepairNews> {
        let (news, reader) = watch::channel(RepairNews::default());
        let this = self.clone();
        drop(tokio::spawn(async move {
            tokio::select! {
                () = news.closed() => tracing::debug!("a repair was stopped"),
                () = this.repair_now(&repair, &news) => {}
            }
        }));
        reader
    }

    fn log(&self) -> BoxFuture<'static, Result<LogView, UiError>> {
        let this = self.clone();
        async move { this.read_log().await }.boxed()
    }
}

fn told(error: &SignInKeyError) -> UiError {
    ui_error(&sign_in_key::problem(error))
}
