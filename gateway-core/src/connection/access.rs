//! What a session is opened with: the device's identity and the gateway's credentials.
//!
//! The seam exists because the desktop keeps secrets in the keychain and the command line takes them
//! from flags. Either way they are read when they are needed and never travel through a snapshot.

use super::problem::{Problem, UserAction};
use crate::client::{Credentials, HelloRequest, StoredDeviceToken};
use crate::config::ProfileId;
use crate::credentials::secret::{
    DeviceToken, GatewayPassword, GatewayToken, KeyPassphrase, SingleUseCode, SshPrivateKey,
};
use crate::credentials::{Account, Candidates, CredentialStore, Kind, StoreError, slots};
use crate::device_identity::DeviceIdentity;
use crate::protocol::connect::Scope;
use crate::tunnel::OwnKey;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What a session is opened with, and where what the gateway issues is kept.
pub trait GatewayAccess: fmt::Debug + Send + Sync + 'static {
    /// Returns the request to open a session with.
    fn hello(&self) -> BoxFuture<'_, Result<HelloRequest, Problem>>;

    /// Keeps a device token the gateway has just issued.
    fn keep_device_token(&self, token: StoredDeviceToken) -> BoxFuture<'_, ()>;

    /// Forgets a device token the gateway no longer knows.
    fn forget_device_token(&self) -> BoxFuture<'_, ()>;

    /// Returns the remembered passphrase and the key file it unlocks, if there is one.
    fn passphrase(&self) -> BoxFuture<'_, Option<(PathBuf, KeyPassphrase)>>;

    /// Returns the key this app made for the server, if there is one.
    fn own_key(&self) -> BoxFuture<'_, Option<OwnKey>>;

    /// Keeps the passphrase of a key file, because the user asked for it and it worked.
    fn keep_passphrase(&self, key_file: PathBuf, passphrase: KeyPassphrase) -> BoxFuture<'_, ()>;
}

/// Access by what one profile has stored.
#[derive(Debug)]
pub struct StoredAccess {
    identity: Arc<DeviceIdentity>,
    store: Arc<dyn CredentialStore>,
    profile: ProfileId,
    /// Given for this run, such as by flags or from the official config; the store's own are added.
    given: Candidates,
}

impl StoredAccess {
    /// Returns the access of `profile`.
    pub fn new(
        identity: Arc<DeviceIdentity>,
        store: Arc<dyn CredentialStore>,
        profile: ProfileId,
        given: Candidates,
    ) -> Self {
        Self {
            identity,
            store,
            profile,
            given,
        }
    }

    /// Returns the request of a session beside the connection, such as the check's. A setup code is good once and
    /// is the connection's, which keeps what it is issued for it: that is waited for.
    ///
    /// # Errors
    ///
    /// As [`GatewayAccess::hello`].
    pub async fn hello_beside(&self) -> Result<HelloRequest, Problem> {
        self.read_hello(false).await
    }

    async fn read_hello(&self, spends_code: bool) -> Result<HelloRequest, Problem> {
        let mut candidates = self.given.clone();
        candidates.stored_token = slots::read::<GatewayToken>(&*self.store, &self.profile)
            .await
            .map_err(|error| keychain_problem(&error))?;
        candidates.stored_password = slots::read::<GatewayPassword>(&*self.store, &self.profile)
            .await
            .map_err(|error| keychain_problem(&error))?;
        let mut device_token = self.device_token().await;
        let mut setup_code = self.setup_code().await;
        if !spends_code && setup_code.take().is_some() && device_token.is_none() {
            device_token = self.issued_to_another().await;
        }
        let chosen = candidates.choose().map_err(|error| {
            Problem::new("nothingGiven", error.to_string(), UserAction::EnterToken)
        })?;
        let credentials = Credentials {
            token: chosen.token.map(|(token, _)| token),
            password: chosen.password.map(|(password, _)| password),
            device_token,
            setup_code,
        };
        let mut hello = HelloRequest::operator(Arc::clone(&self.identity), credentials);
        hello.trusted_endpoint = true;
        hello.label = Some(self.profile.to_string().into());
        Ok(hello)
    }

    async fn setup_code(&self) -> Option<SingleUseCode> {
        match slots::read::<SingleUseCode>(&*self.store, &self.profile).await {
            Ok(code) => code,
            Err(error) => {
                tracing::debug!(%error, "whether there is a setup code is not known");
                None
            }
        }
    }

    /// Waits for the token that whoever uses the setup code is issued, for as long as that may take.
    async fn issued_to_another(&self) -> Option<StoredDeviceToken> {
        let until = Instant::now() + CODE_IN_USE;
        while Instant::now() < until {
            sleep(LOOK_AGAIN).await;
            let issued = self.device_token().await;
            if issued.is_some() || self.setup_code().await.is_none() {
                return issued;
            }
        }
        None
    }

    async fn device_token(&self) -> Option<StoredDeviceToken> {
        let kept: KeptDeviceToken = self.read(Kind::DeviceToken).await?;
        // A token issued to another key of ours opens nothing.
        (kept.device == self.identity.device_id().to_string()).then(|| StoredDeviceToken {
            token: DeviceToken::new(kept.token),
            scopes: kept.scopes,
        })
    }

    /// Reads a convenience: one that cannot be read is as good as none.
    async fn read<T: DeserializeOwned>(&self, kind: Kind) -> Option<T> {
        match self.store.get(&Account::of(&self.profile, kind)).await {
            Ok(entry) => serde_json::from_str(entry?.expose_secret()).ok(),
            Err(error) => {
                tracing::debug!(%error, kind = kind.name(), "a secret was not read");
                None
            }
        }
    }

    /// Keeps a convenience: without it the person, or the shared token, is asked again.
    async fn keep<T: Serialize>(&self, kind: Kind, kept: &T) {
        let text = match serde_json::to_string(kept) {
            Ok(text) => SecretString::from(text),
            Err(error) => {
                tracing::warn!(%error, kind = kind.name(), "a secret could not be written down");
                return;
            }
        };
        if let Err(error) = self
            .store
            .set(&Account::of(&self.profile, kind), text)
            .await
        {
            tracing::warn!(%error, kind = kind.name(), "a secret was not kept");
        }
    }
}

/// How long whoever uses a setup code is waited for.
const CODE_IN_USE: Duration = Duration::from_secs(6);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl GatewayAccess for StoredAccess {
    fn hello(&self) -> BoxFuture<'_, Result<HelloRequest, Problem>> {
        self.read_hello(true).boxed()
    }

    fn keep_device_token(&self, token: StoredDeviceToken) -> BoxFuture<'_, ()> {
        async move {
            let kept = KeptDeviceToken {
                device: self.identity.device_id().to_string(),
                token: token.token.expose().to_owned(),
                scopes: token.scopes,
            };
            self.keep(Kind::DeviceToken, &kept).await;
            // It has done what it was for, and is good no second time.
            let code = Account::of(&self.profile, Kind::SingleUseCode);
            if let Err(error) = self.store.delete(&code).await {
                tracing::warn!(%error, "a used setup code was not removed");
            }
        }
        .boxed()
    }

    fn forget_device_token(&self) -> BoxFuture<'_, ()> {
        async move {
            let account = Account::of(&self.profile, Kind::DeviceToken);
            if let Err(error) = self.store.delete(&account).await {
                tracing::warn!(%error, "a dead device token was not removed");
            }
        }
        .boxed()
    }

    fn passphrase(&self) -> BoxFuture<'_, Option<(PathBuf, KeyPassphrase)>> {
        async move {
            let kept: KeptPassphrase = self.read(Kind::KeyPassphrase).await?;
            Some((kept.key_file, KeyPassphrase::new(kept.passphrase)))
        }
        .boxed()
    }

    fn own_key(&self) -> BoxFuture<'_, Option<OwnKey>> {
        own_key(&*self.store, &self.profile).boxed()
    }

    fn keep_passphrase(&self, key_file: PathBuf, passphrase: KeyPassphrase) -> BoxFuture<'_, ()> {
        async move {
            let passphrase = passphrase.expose().to_owned();
            let kept = KeptPassphrase {
                key_file,
                passphrase,
            };
            self.keep(Kind::KeyPassphrase, &kept).await;
        }
        .boxed()
    }
}

/// Reads the key this app made for a profile's server. Without it another way to sign in is tried.
pub async fn own_key(store: &dyn CredentialStore, profile: &ProfileId) -> Option<OwnKey> {
    let kept = match slots::read::<SshPrivateKey>(store, profile).await {
        Ok(kept) => kept?,
        Err(error) => {
            tracing::warn!(%error, "the key for the server was not read");
            return None;
        }
    };
    match OwnKey::from_secret(&kept) {
        Ok(key) => Some(key),
        Err(error) => {
            tracing::warn!(%error, "the key for the server cannot be used");
            None
        }
    }
}

/// A device token as it lies in the store; it never leaves this file in this shape.
#[derive(Serialize, Deserialize)]
struct KeptDeviceToken {
    device: String,
    token: String,
    scopes: Vec<Scope>,
}

/// A passphrase as it lies in the store.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptPassphrase {
    key_file: PathBuf,
    passphrase: String,
}

fn keychain_problem(error: &StoreError) -> Problem {
    Problem::new(
        "keychainUnusable",
        format!("The gateway's token could not be read: {error}."),
        UserAction::TryAgain,
    )
}
