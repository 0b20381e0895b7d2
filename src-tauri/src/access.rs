//! What a session is opened with: device key and credentials, read from the keychain when needed.
//!
//! The keychain may be locked when the app starts; nothing is asked of it before a session is
//! wanted, and a failure then is the connection's to show.

use crate::surroundings::Surroundings;
use futures_util::{FutureExt as _, future::BoxFuture};
use gateway_core::{
    client::{HelloRequest, StoredDeviceToken},
    config::{
        Places, Profile, RunsWhere,
        openclaw_json::{OfficialConfig, credentials::OfficialCredentials},
    },
    connection::{
        access::{GatewayAccess, StoredAccess, own_key},
        problem::{Problem, UserAction},
    },
    credentials::{
        Candidates, CredentialStore,
        secret::{DeviceKey, KeyPassphrase},
        slots::{self, DeviceKeyError},
    },
    device_identity::DeviceIdentity,
    tunnel::{OwnKey, SshTarget},
};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::OnceCell;

/// The access of one profile, opened on first use.
#[derive(Debug)]
pub struct KeychainAccess {
    surroundings: Surroundings,
    profile: Profile,
    opened: OnceCell<StoredAccess>,
}

impl KeychainAccess {
    /// Returns the access of a profile; nothing is read yet.
    pub fn new(surroundings: Surroundings, profile: Profile) -> Self {
        Self {
            surroundings,
            profile,
            opened: OnceCell::new(),
        }
    }

    /// Returns the request of a session beside the connection, which never uses up a setup code.
    ///
    /// # Errors
    ///
    /// As [`GatewayAccess::hello`].
    pub(crate) async fn hello_beside(&self) -> Result<HelloRequest, Problem> {
        self.open().await?.hello_beside().await
    }

    async fn open(&self) -> Result<&StoredAccess, Problem> {
        self.opened
            .get_or_try_init(|| async {
                let store = &self.surroundings.store;
                let key = device_key(&**store, &self.surroundings.places)
                    .await
                    .map_err(|error| key_problem(&error))?;
                let identity =
                    DeviceIdentity::from_key(&key).map_err(|error| key_problem(&error))?;
                Ok(StoredAccess::new(
                    Arc::new(identity),
                    Arc::clone(store),
                    self.profile.secrets(),
                    Candidates {
                        official: self.official(),
                        ..Candidates::default()
                    },
                ))
            })
            .await
    }

    /// Returns what the official config holds for this very gateway, and nothing for any other: a
    /// credential must not reach a server it was not meant for.
    fn official(&self) -> OfficialCredentials {
        let environment = &self.surroundings.environment;
        let config = OfficialConfig::read(environment).unwrap_or_else(|problem| {
            tracing::info!(%problem, "the OpenClaw config cannot be used");
            None
        });
        if !config
            .as_ref()
            .is_some_and(|config| self.is_meant_by(config))
        {
            return OfficialCredentials::default();
        }
        OfficialCredentials::find(config.as_ref(), environment).unwrap_or_else(|problem| {
            tracing::warn!(%problem, "the OpenClaw config's credentials cannot be used");
            OfficialCredentials::default()
        })
    }

    fn is_meant_by(&self, config: &OfficialConfig) -> bool {
        let prefill = config.prefill();
        let same_host = || {
            let ours: SshTarget = self.profile.address.parse().ok()?;
            let theirs: SshTarget = prefill.address.as_deref()?.parse().ok()?;
            Some(ours.host == theirs.host && ours.port_or_default() == theirs.port_or_default())
        };
        match self.profile.runs {
            RunsWhere::ThisComputer => prefill.runs != RunsWhere::AnotherComputer,
            RunsWhere::AnotherComputer if self.profile.is_direct() => {
                prefill.names(&self.profile.url)
            }
            RunsWhere::AnotherComputer => {
                prefill.runs == RunsWhere::AnotherComputer && same_host() == Some(true)
            }
            RunsWhere::NotConfigured => false,
        }
    }
}

/// Reads this installation's device key, making it on first use.
///
/// # Errors
///
/// As [`slots::device_key`].
pub(crate) async fn device_key(
    store: &dyn CredentialStore,
    places: &Places,
) -> Result<DeviceKey, DeviceKeyError> {
    let make = || DeviceIdentity::generate(&mut rand::rng()).key();
    slots::device_key(store, places, make).await
}

/// Says why there is no device key, down to the last cause: that is where the next step stands.
fn key_problem(error: &dyn std::error::Error) -> Problem {
    let causes: Vec<String> = std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect();
    Problem::new(
        "deviceKeyUnusable",
        format!("This device's key cannot be had: {}.", causes.join(": ")),
        UserAction::TryAgain,
    )
}

impl GatewayAccess for KeychainAccess {
    fn hello(&self) -> BoxFuture<'_, Result<HelloRequest, Problem>> {
        async move { self.open().await?.hello().await }.boxed()
    }

    fn keep_device_token(&self, token: StoredDeviceToken) -> BoxFuture<'_, ()> {
        async move {
            if let Some(access) = self.opened.get() {
                access.keep_device_token(token).await;
            }
        }
        .boxed()
    }

    fn forget_device_token(&self) -> BoxFuture<'_, ()> {
        async move {
            if let Some(access) = self.opened.get() {
                access.forget_device_token().await;
            }
        }
        .boxed()
    }

    fn passphrase(&self) -> BoxFuture<'_, Option<(PathBuf, KeyPassphrase)>> {
        async move { self.open().await.ok()?.passphrase().await }.boxed()
    }

    fn own_key(&self) -> BoxFuture<'_, Option<OwnKey>> {
        // It needs no identity of this device.
        async move { own_key(&*self.surroundings.store, &self.profile.secrets()).await }.boxed()
    }

    fn keep_passphrase(&self, key_file: PathBuf, passphrase: KeyPassphrase) -> BoxFuture<'_, ()> {
        async move {
            if let Some(access) = self.opened.get() {
                access.keep_passphrase(key_file, passphrase).await;
            }
        }
        .boxed()
    }
}
