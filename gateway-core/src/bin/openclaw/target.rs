//! Which gateway or server a command is about, and which credentials it may be sent.

use crate::args::ServerArgs;
use crate::output::{Exit, Stop};
use crate::secrets::Given;
use gateway_core::client::{Credentials, HelloRequest};
use gateway_core::config::openclaw_json::OfficialConfig;
use gateway_core::config::openclaw_json::credentials::OfficialCredentials;
use gateway_core::config::{
    Environment, GatewayUrl, Overrides, Places, RunsWhere, SettingsFile, Settled, SignInChoice,
    layer,
};
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
    pub(crate) url: GatewayUrl,
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
    given: Given,
    environment: &Environment,
) -> Result<Gateway, Stop> {
    let by_hand = Candidates {
        explicit_url: url.is_some(),
        given_token: given.token.clone(),
        given_password: given.password.clone(),
        ..Candidates::default()
    };
    let (url, candidates) = match url {
        Some(url) => (parse(url, "--url", Exit::Usage)?, by_hand),
        None => implied(by_hand, environment).await?,
    };
    let chosen = candidates
        .choose()
        .map_err(|error| Stop::because(Exit::Failed, &error))?;
    check_dialable(&url)?;
    if chosen.token.is_none() && chosen.password.is_none() {
        return Err(Stop::new(
            Exit::NeedsUser,
            format!(
                "no gateway token or password is known for {url}; give one with --token-file, or set gateway.auth.token in openclaw.json"
            ),
        ));
    }
    Ok(Gateway { url, chosen, given })
}

/// Refuses what would be sent in the clear, and what we cannot encrypt yet.
pub(crate) fn check_dialable(url: &GatewayUrl) -> Result<(), Stop> {
    url.check_plain()
        .map_err(|error| Stop::because(Exit::Failed, &error))?;
    if url.is_encrypted() {
        return Err(Stop::new(
            Exit::Failed,
            "a direct wss:// connection is not available yet; reach the gateway with `openclaw connect --ssh-target`, or by a ws:// address on a private network",
        ));
    }
    Ok(())
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
) -> Result<(GatewayUrl, Candidates), Stop> {
    if let Some(url) = environment.text("OPENCLAW_GATEWAY_URL") {
        let url = parse(
            url,
            "the variable OPENCLAW_GATEWAY_URL",
            Exit::Configuration,
        )?;
        // An address from the environment is only sent credentials from there.
        let official = official(None, environment)?;
        return Ok((
            url,
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
            if candidates.stored_token.is_none() && candidates.stored_password.is_none() {
                candidates.official = official(config.as_ref(), environment)?;
            }
        }
        return Ok((
            GatewayUrl::loopback(own.settled.local_port.value),
            candidates,
        ));
    }
    let url = match &config {
        Some(config) => parse(
            &config.gateway_url(),
            "gateway.remote.url in openclaw.json",
            Exit::Configuration,
        )?,
        None => GatewayUrl::loopback(own.settled.local_port.value),
    };
    let official = match by_hand.given_token.is_none() && by_hand.given_password.is_none() {
        true => official(config.as_ref(), environment)?,
        false => OfficialCredentials::default(),
    };
    Ok((
        url,
        Candidates {
            official,
            ..by_hand
        },
    ))
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
        };
        let mut hello = hello(self.given.device.clone(), credentials);
        hello.scopes = scopes;
        hello.trusted_endpoint = self.url.is_loopback();
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
