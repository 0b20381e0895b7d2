//! What the commands that keep a connection open a session with.
//!
//! A server named on the command line is only sent what is stored or configured for that very
//! server: nobody may lure a stored token elsewhere by naming an address.

use crate::output::{self, Stop};
use crate::secrets::Given;
use crate::target::{self, Own};
use futures_util::future::BoxFuture;
use gateway_core::client::{Credentials, HelloRequest, StoredDeviceToken};
use gateway_core::config::openclaw_json::OfficialConfig;
use gateway_core::config::{Environment, Origin, ProfileId};
use gateway_core::connection::access::{GatewayAccess, StoredAccess};
use gateway_core::connection::problem::Problem;
use gateway_core::credentials::secret::KeyPassphrase;
use gateway_core::credentials::{
    self, Candidates, Chosen, CredentialStore, Keeping, MemoryStore, slots,
};
use gateway_core::device_identity::DeviceIdentity;
use gateway_core::tunnel::{OwnKey, SshTarget};
use std::path::PathBuf;
use std::sync::Arc;

/// Whom a session is opened with.
enum Whom<'a> {
    /// The gateway behind an SSH server.
    Behind(&'a SshTarget),
    /// The gateway at a URL, which was given by hand or is the profile's.
    At { by_hand: bool },
}

/// Finds what a session behind `server` may be opened with.
pub(crate) async fn behind(
    server: &SshTarget,
    given: Given,
    own: &Own,
    environment: &Environment,
) -> Result<Arc<dyn GatewayAccess>, Stop> {
    find(Whom::Behind(server), given, own, environment).await
}

/// Finds what a session with a gateway at its URL may be opened with. One given by hand is sent
/// nothing that was not; this is settled before any socket opens.
pub(crate) async fn straight(
    by_hand: bool,
    given: Given,
    own: &Own,
    environment: &Environment,
) -> Result<Arc<dyn GatewayAccess>, Stop> {
    find(Whom::At { by_hand }, given, own, environment).await
}

async fn find(
    whom: Whom<'_>,
    given: Given,
    own: &Own,
    environment: &Environment,
) -> Result<Arc<dyn GatewayAccess>, Stop> {
    let mut candidates = Candidates {
        given_token: given.token,
        given_password: given.password,
        explicit_url: matches!(whom, Whom::At { by_hand: true }),
        ..Candidates::default()
    };
    if candidates.explicit_url {
        candidates
            .clone()
            .choose()
            .map_err(|error| Stop::because(output::Exit::Failed, &error))?;
    }
    let by_hand = candidates.given_token.is_some() || candidates.given_password.is_some();
    let profile = own.file.settings().active();
    let (by_name, is_profiles) = match whom {
        Whom::Behind(server) => (
            matches!(own.settled.address.origin, Origin::CommandLine { .. }),
            profile.is_some_and(|profile| names(&profile.address, server)),
        ),
        Whom::At { by_hand } => (by_hand, !by_hand),
    };
    if !by_hand {
        let config = OfficialConfig::read(environment)
            .map_err(|problem| Stop::because(output::Exit::Configuration, &problem))?;
        let may_use_official = match whom {
            Whom::Behind(server) => {
                let is_official = config
                    .as_ref()
                    .and_then(|config| config.prefill().address)
                    .is_some_and(|address| names(&address, server));
                is_official || !by_name
            }
            // What the official config holds is for its own gateway, not for any URL of ours.
            Whom::At { .. } => {
                profile.is_some_and(|profile| target::is_official_url(config.as_ref(), profile))
            }
        };
        if may_use_official {
            candidates.official = target::official(config.as_ref(), environment)?;
        }
    }

    let session_only = || {
        Arc::new(MemoryStore::new("not used with secrets given by hand"))
            as Arc<dyn CredentialStore>
    };
    // With everything given by hand the keychain is not even opened: it may ask to be unlocked.
    let keychain = match by_hand && given.device.is_some() {
        true => session_only(),
        false => credentials::open_store().await,
    };
    let device = match given.device {
        Some(device) => Some(device),
        None => stored_device(keychain.as_ref(), own).await,
    };
    let (store, profile) = match profile.filter(|_| is_profiles || !by_name) {
        Some(profile) => (keychain, profile.secrets()),
        None => (session_only(), ProfileId::generate()),
    };
    Ok(match device {
        Some(device) => Arc::new(StoredAccess::new(device, store, profile, candidates)),
        None => {
            candidates.stored_token = slots::read(store.as_ref(), &profile)
                .await
                .map_err(|error| Stop::because(output::Exit::NeedsUser, &error))?;
            let chosen = candidates
                .choose()
                .map_err(|error| Stop::because(output::Exit::Failed, &error))?;
            Arc::new(WithoutDevice { chosen })
        }
    })
}

/// Returns whether an address leads to the same server.
pub(crate) fn names(address: &str, server: &SshTarget) -> bool {
    address.parse::<SshTarget>().is_ok_and(|target| {
        target.host.eq_ignore_ascii_case(&server.host)
            && target.port_or_default() == server.port_or_default()
    })
}

/// Returns this installation's identity; `None` where it could not be kept.
///
/// A key that would be forgotten at the end of the run is not made: each new key silently retires
/// the one before it on the gateway.
async fn stored_device(store: &dyn CredentialStore, own: &Own) -> Option<Arc<DeviceIdentity>> {
    match store.keeping() {
        Keeping::SessionOnly { reason } => {
            tracing::info!(reason, "going on without a device identity");
            return None;
        }
        Keeping::Keychain => {}
    }
    let make = || DeviceIdentity::generate(&mut rand::rng()).key();
    let key = match slots::device_key(store, &own.places, make).await {
        Ok(key) => key,
        Err(error) => {
            let why = Stop::because(output::Exit::NeedsUser, &error).message;
            output::remark(format_args!("going on without a device identity: {why}"));
            return None;
        }
    };
    match DeviceIdentity::from_key(&key) {
        Ok(identity) => Some(Arc::new(identity)),
        Err(error) => {
            output::remark(format_args!("going on without a device identity: {error}"));
            None
        }
    }
}

/// Access where this device has no identity: the gateway knows us by the secret alone.
#[derive(Debug)]
struct WithoutDevice {
    chosen: Chosen,
}

impl GatewayAccess for WithoutDevice {
    fn hello(&self) -> BoxFuture<'_, Result<HelloRequest, Problem>> {
        let Chosen { token, password } = self.chosen.clone();
        let credentials = Credentials {
            token: token.map(|(token, _)| token),
            password: password.map(|(password, _)| password),
            device_token: None,
            setup_code: None,
        };
        Box::pin(std::future::ready(Ok(target::hello(None, credentials))))
    }

    fn keep_device_token(&self, _: StoredDeviceToken) -> BoxFuture<'_, ()> {
        // No device, so none is issued.
        Box::pin(std::future::ready(()))
    }

    fn forget_device_token(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn passphrase(&self) -> BoxFuture<'_, Option<(PathBuf, KeyPassphrase)>> {
        Box::pin(std::future::ready(None))
    }

    fn own_key(&self) -> BoxFuture<'_, Option<OwnKey>> {
        Box::pin(std::future::ready(None))
    }

    fn keep_passphrase(&self, _: PathBuf, _: KeyPassphrase) -> BoxFuture<'_, ()> {
        // Where no device key can be kept, no passphrase can either; it is asked for again.
        Box::pin(std::future::ready(()))
    }
}
