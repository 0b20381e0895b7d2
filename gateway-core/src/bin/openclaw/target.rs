//! Which gateway or server a command is about, and which credentials it may be sent.

use crate::args::ServerArgs;
use crate::output::{Exit, Stop};
use crate::secrets::Given;
use gateway_core::client::{Credentials, HelloRequest};
use gateway_core::config::openclaw_json::OfficialConfig;
use gateway_core::config::openclaw_json::credentials::OfficialCredentials;
use gateway_core::config::{
    Environment, GatewayUrl, Origin, Overrides, Places, Profile, RunsWhere, SettingsFile, Settled,
    SignInChoice, TlsFingerprint, layer,
};
use gateway_core::connection::direct::Dialer;
use gateway_core::connection::ssh_plan::SshPlan;
use gateway_core::credentials::{self, Candidates, slots};
use gateway_core::device_identity::DeviceIdentity;
use gateway_core::protocol::Extra;
use gateway_core::protocol::connect::{ClientInfo, Role, Scope};
use gateway_core::ssh_config::Sources;
use gateway_core::tunnel::{HostKeyFingerprint, SignIn, SshTarget, TargetError};
use std::sync::Arc;

/// A gateway to dial, and what it may be sent.
pub(crate) struct Gateway {
    pub(crate) dialer: Dialer,
    pub(crate) chosen: credentials::Chosen,
    pub(crate) given: Given,
}

/// Our settings with everything that may override them.
pub(crate) struct Own {
    pub(crate) file: SettingsFile,
    pub(crate) settled: Settled,
    pub(crate) places: Places,
}

/// Reads our settings; a broken file is reported, not passed over.
pub(crate) fn own(environment: &Environment, overrides: &Overrides) -> Result<Own, Stop> {
    let places =
        Places::find(environment).map_err(|error| Stop::because(Exit::Configuration, &error))?;
    let mut file = SettingsFile::new(places.settings_file());
    if let Err(problem) = file.load() {
        return Err(Stop::because(Exit::Configuration, &problem));
    }
    let settled = layer::settle(&file, environment, overrides)
        .map_err(|error| Stop::because(Exit::Configuration, &error))?;
    Ok(Own {
        file,
        settled,
        places,
    })
}

/// Finds the gateway for the commands that dial one directly.
///
/// An address given by hand is sent nothing that was not given by hand, and no socket is opened
/// before that is settled.
pub(crate) async fn gateway(
    url: Option<&str>,
    pin: Option<&str>,
    given: Given,
    environment: &Environment,
) -> Result<Gateway, Stop> {
    let by_hand = Candidates {
        explicit_url: url.is_some(),
        given_token: given.token.clone(),
        given_password: given.password.clone(),
        ..Candidates::default()
    };
    let (dialer, candidates) = match url {
        Some(url) => (
            Dialer::new(parse(url, "--url", Exit::Usage)?, None),
            by_hand,
        ),
        None => implied(by_hand, environment).await?,
    };
    let dialer = pinned(dialer, pin)?;
    let chosen = candidates
        .choose()
        .map_err(|error| Stop::because(Exit::Failed, &error))?;
    check_dialable(&dialer)?;
    if chosen.token.is_none() && chosen.password.is_none() {
        return Err(Stop::new(
            Exit::NeedsUser,
            format!(
                "no gateway token or password is known for {}; give one with --token-file, or set gateway.auth.token in openclaw.json",
                dialer.url()
            ),
        ));
    }
    Ok(Gateway {
        dialer,
        chosen,
        given,
    })
}

/// Refuses what would be sent in the clear.
pub(crate) fn check_dialable(dialer: &Dialer) -> Result<(), Stop> {
    dialer
        .url()
        .check_plain()
        .map_err(|error| Stop::because(Exit::Failed, &error))
}

/// Applies `--tls-fingerprint`; a certificate can only be pinned where one is shown.
pub(crate) fn pinned(dialer: Dialer, pin: Option<&str>) -> Result<Dialer, Stop> {
    let Some(pin) = pin else {
        return Ok(dialer);
    };
    let pin = fingerprint(pin, "--tls-fingerprint", Exit::Usage)?;
    if !dialer.url().is_encrypted() {
        return Err(Stop::new(
            Exit::Usage,
            format!(
                "--tls-fingerprint: {} shows no certificate; it needs a wss:// address",
                dialer.url()
            ),
        ));
    }
    Ok(dialer.pinned(Some(pin)))
}

fn fingerprint(text: &str, named_by: &str, exit: Exit) -> Result<TlsFingerprint, Stop> {
    text.parse()
        .map_err(|error| Stop::new(exit, format!("{named_by}: {error}")))
}

/// Returns the profile in use where it is reached by its URL and no SSH address was named over it.
pub(crate) fn direct_profile(own: &Own) -> Option<&Profile> {
    let named = matches!(
        own.settled.address.origin,
        Origin::CommandLine { .. } | Origin::Environment { .. }
    );
    let profile = own.file.settings().active();
    profile.filter(|profile| profile.is_direct() && !named)
}

/// Returns the way to the gateway of a profile that is reached by its URL.
pub(crate) fn of_profile(profile: &Profile) -> Result<Dialer, Stop> {
    let (url, pin) = profile
        .direct()
        .map_err(|error| Stop::new(Exit::Configuration, format!("the settings: {error}")))?;
    Ok(Dialer::new(url, pin))
}

pub(crate) fn parse(url: &str, named_by: &str, exit: Exit) -> Result<GatewayUrl, Stop> {
    url.parse()
        .map_err(|error| Stop::new(exit, format!("{named_by}: {error}")))
}

/// Finds the gateway when no address is given by hand: `OPENCLAW_GATEWAY_URL`, else the local port
/// of our own connection, else what the official config says.
async fn implied(
    by_hand: Candidates,
    environment: &Environment,
) -> Result<(Dialer, Candidates), Stop> {
    if let Some(url) = environment.text("OPENCLAW_GATEWAY_URL") {
        let url = parse(
            url,
            "the variable OPENCLAW_GATEWAY_URL",
            Exit::Configuration,
        )?;
        // An address from the environment is only sent credentials from there.
        let official = official(None, environment)?;
        return Ok((
            Dialer::new(url, None),
            Candidates {
                official,
                ..by_hand
            },
        ));
    }
    let own = own(environment, &Overrides::default())?;
    let config = OfficialConfig::read(environment)
        .map_err(|problem| Stop::because(Exit::Configuration, &problem))?;
    let profile = own
        .file
        .settings()
        .active()
        .filter(|profile| profile.runs != RunsWhere::NotConfigured);
    if let Some(profile) = profile {
        let mut candidates = by_hand;
        let wanted = candidates.given_token.is_none() && candidates.given_password.is_none();
        if wanted {
            let store = credentials::open_store().await;
            let locked = |error| Stop::because(Exit::NeedsUser, &error);
            let secrets = profile.secrets();
            candidates.stored_token = slots::read(store.as_ref(), &secrets)
                .await
                .map_err(locked)?;
            candidates.stored_password = slots::read(store.as_ref(), &secrets)
                .await
                .map_err(locked)?;
            // What the official config holds is for its own gateway, not for any URL of ours.
            let is_official = !profile.is_direct() || is_official_url(config.as_ref(), profile);
            if candidates.stored_token.is_none()
                && candidates.stored_password.is_none()
                && is_official
            {
                candidates.official = official(config.as_ref(), environment)?;
            }
        }
        let dialer = match profile.is_direct() {
            true => of_profile(profile)?,
            false => Dialer::new(GatewayUrl::loopback(own.settled.local_port.value), None),
        };
        return Ok((dialer, candidates));
    }
    let dialer = match &config {
        Some(config) => {
            let url = parse(
                &config.gateway_url(),
                "gateway.remote.url in openclaw.json",
                Exit::Configuration,
            )?;
            let named_by = "gateway.remote.tlsFingerprint in openclaw.json";
            let pin = config
                .gateway_pin()
                .map(|pin| fingerprint(pin, named_by, Exit::Configuration))
                .transpose()?;
            Dialer::new(url, pin)
        }
        None => Dialer::new(GatewayUrl::loopback(own.settled.local_port.value), None),
    };
    let official = match by_hand.given_token.is_none() && by_hand.given_password.is_none() {
        true => official(config.as_ref(), environment)?,
        false => OfficialCredentials::default(),
    };
    Ok((
        dialer,
        Candidates {
            official,
            ..by_hand
        },
    ))
}

/// Returns whether the official config is about the very URL of a profile.
pub(crate) fn is_official_url(config: Option<&OfficialConfig>, profile: &Profile) -> bool {
    config.is_some_and(|config| config.prefill().names(&profile.url))
}

pub(crate) fn official(
    config: Option<&OfficialConfig>,
    environment: &Environment,
) -> Result<OfficialCredentials, Stop> {
    OfficialCredentials::find(config, environment)
        .map_err(|problem| Stop::because(Exit::Configuration, &problem))
}

impl Gateway {
    /// Builds the request to open a session with the given scopes.
    ///
    pub(crate) fn hello(&self, scopes: Vec<Scope>) -> HelloRequest {
        let credentials = Credentials {
            token: self.chosen.token.clone().map(|(token, _)| token),
            password: self.chosen.password.clone().map(|(password, _)| password),
            device_token: None,
            setup_code: None,
        };
        let mut hello = hello(self.given.device.clone(), credentials);
        hello.scopes = scopes;
        hello.trusted_endpoint = self.dialer.is_trusted();
        hello
    }
}

/// Builds a request for this device, or for a client without one.
///
/// Without a device a gateway keeps the scopes of the mode `backend` alone, on its own loopback
/// only; of wire version 3 it takes them from every other client.
pub(crate) fn hello(device: Option<Arc<DeviceIdentity>>, credentials: Credentials) -> HelloRequest {
    match device {
        Some(device) => HelloRequest::operator(device, credentials),
        None => HelloRequest {
            client: ClientInfo {
                id: "gateway-client".to_owned(),
                mode: "backend".to_owned(),
                extra: Extra::new(),
                ..ClientInfo::default()
            },
            role: Role::Operator,
            scopes: vec![
                Scope::Read,
                Scope::Write,
                Scope::Approvals,
                Scope::Questions,
                Scope::Pairing,
            ],
            caps: Vec::new(),
            device: None,
            credentials,
            trusted_endpoint: false,
            prefer_device_token: false,
            label: None,
            extra: Extra::new(),
        },
    }
}

/// Returns what the flags say over the settings.
pub(crate) fn overrides(args: &ServerArgs) -> Overrides {
    Overrides {
        address: args.ssh_target.clone(),
        identity_file: args.identity.clone(),
        local_port: args.local_port,
        remote_port: args.remote_port,
    }
}

/// Plans the way to the server from flags and settings; the inner error is the address's.
pub(crate) fn plan(
    args: &ServerArgs,
    own: &Own,
    environment: &Environment,
) -> Result<Result<SshPlan, TargetError>, Stop> {
    let address = &own.settled.address.value;
    if address.trim().is_empty() {
        return Err(Stop::new(
            Exit::Usage,
            "no server is named; give one with --ssh-target user@host, or set its address in the settings",
        ));
    }
    let accepted = args
        .accept_host_key
        .as_deref()
        .map(str::parse::<HostKeyFingerprint>)
        .transpose()
        .map_err(|error| Stop::new(Exit::Usage, format!("--accept-host-key: {error}")))?;
    let target: SshTarget = match address.parse() {
        Ok(target) => target,
        Err(error) => return Ok(Err(error)),
    };
    let settled = &own.settled;
    let sign_in = match (settled.sign_in.value, settled.identity_file.value.clone()) {
        (SignInChoice::KeyFile, Some(file)) => Some(SignIn::KeyFile(file)),
        (SignInChoice::Password, _) => Some(SignIn::Password),
        (SignInChoice::Automatic | SignInChoice::KeyFile, _) => None,
    };
    let known_hosts = args.known_hosts.clone();
    let mut plan = SshPlan::new(
        target,
        known_hosts.unwrap_or_else(|| own.places.known_hosts()),
        environment,
    );
    plan.only_own_known_hosts = args.known_hosts.is_some();
    plan.sign_in = sign_in;
    plan.accepted_host_key = accepted;
    let profile = own.file.settings().active();
    plan.host_keys = profile.map_or_else(Default::default, |profile| profile.host_key_policy);
    if let Some(file) = &args.ssh_config {
        plan = plan.reading(match file.as_os_str() == "none" {
            true => Sources::Nothing,
            false => Sources::Only(environment.expand(file)),
        });
    }
    Ok(Ok(plan))
}
