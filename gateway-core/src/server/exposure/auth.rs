//! Which authentication goes with a place to listen.

use super::listen::{Place, first};
use super::secret_text;
use super::{
    ConfigSecret, ExposureInput, LocalAuth, Note, ProxyInput, Refusal, SecretSources, SetBy,
    TailscaleMode, TrustedProxyAuth,
};
use crate::credentials::secret::{GatewayPassword, GatewayToken};
use crate::server::network::Network;

const AUTH: [SetBy; 3] = [
    SetBy::Flag("--auth"),
    SetBy::Default, // No variable sets it.
    SetBy::Config("gateway.auth.mode"),
];
/// Flag, config, environment, keychain: the order in which the first one counts.
const TOKEN: [SetBy; 4] = [
    SetBy::Flag("--token"),
    SetBy::Config("gateway.auth.token"),
    SetBy::Variable("OPENCLAW_GATEWAY_TOKEN"),
    SetBy::Keychain,
];
const PASSWORD: [SetBy; 4] = [
    SetBy::Flag("--password"),
    SetBy::Config("gateway.auth.password"),
    SetBy::Variable("OPENCLAW_GATEWAY_PASSWORD"),
    SetBy::Keychain,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Token,
    Password,
    None,
    TrustedProxy,
}

/// The place that speaks of a secret first.
enum Found<'a, T> {
    Nowhere,
    At {
        /// `None` where the place points to a secret that is not there.
        secret: Option<&'a T>,
        rank: usize,
        set_by: SetBy,
    },
}

fn find<T>(sources: &SecretSources<T>, places: [SetBy; 4]) -> Found<'_, T> {
    let config = match &sources.config {
        ConfigSecret::Absent => None,
        ConfigSecret::Text(secret) => Some(Some(secret)),
        ConfigSecret::Unresolved => Some(None),
    };
    [
        sources.flag.as_ref().map(Some),
        config,
        sources.environment.as_ref().map(Some),
        sources.keychain.as_ref().map(Some),
    ]
    .into_iter()
    .zip(places)
    .enumerate()
    .find_map(|(rank, (secret, set_by))| {
        secret.map(|secret| Found::At {
            secret,
            rank,
            set_by,
        })
    })
    .unwrap_or(Found::Nowhere)
}

/// Reads `gateway.trustedProxies`.
pub(super) fn proxies(input: &ProxyInput) -> Result<Vec<Network>, Refusal> {
    input
        .trusted_proxies
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let network: Network = text
                .trim()
                .parse()
                .map_err(|_| Refusal::ProxyUnreadable { index })?;
            if network.is_everything() {
                return Err(Refusal::ProxyTrustsAll { index });
            }
            Ok(network)
        })
        .collect()
}

pub(super) fn settle(
    input: &ExposureInput,
    place: &Place,
    proxies: &[Network],
) -> Result<(LocalAuth, Vec<Note>), Refusal> {
    if input.tailscale != TailscaleMode::Off && place.leaves_loopback {
        return Err(Refusal::TailscaleBeyondLoopback {
            bind: place.bind,
            set_by: place.set_by,
        });
    }
    let token = find(&input.token, TOKEN);
    let password = find(&input.password, PASSWORD);
    let (mode, mode_set_by) = mode(input, &token, &password)?;
    if input.tailscale == TailscaleMode::Funnel && mode != Mode::Password {
        return Err(Refusal::FunnelWithoutPassword);
    }
    let is_exposed = place.leaves_loopback || input.tailscale != TailscaleMode::Off;
    let auth = match mode {
        Mode::Token => token_auth(input, place, &token, is_exposed)?,
        Mode::Password => match usable("password", &password, is_exposed, GatewayPassword::expose)?
        {
            Some(password) => LocalAuth::Password(password.clone()),
            None => {
                return Err(Refusal::PasswordMissing {
                    set_by: mode_set_by,
                });
            }
        },
        Mode::None => {
            refuse_none(input, place, proxies, mode_set_by)?;
            LocalAuth::None
        }
        Mode::TrustedProxy => proxy_auth(input, proxies, mode_set_by)?,
    };
    let mut notes = Vec::new();
    if mode == Mode::None {
        notes.push(Note::OpenOnLoopback);
    }
    if mode != Mode::Token {
        notes.extend(unused(&token));
    }
    if mode != Mode::Password {
        notes.extend(unused(&password));
    }
    Ok((auth, notes))
}

/// A mode that is said counts; else the kind of secret that was given first.
fn mode(
    input: &ExposureInput,
    token: &Found<'_, GatewayToken>,
    password: &Found<'_, GatewayPassword>,
) -> Result<(Mode, SetBy), Refusal> {
    if let Some((text, set_by)) = first(&input.auth, AUTH) {
        let mode = match text {
            "token" => Mode::Token,
            "password" => Mode::Password,
            "none" => Mode::None,
            "trusted-proxy" => Mode::TrustedProxy,
            _ => return Err(Refusal::AuthUnknown { set_by }),
        };
        return Ok((mode, set_by));
    }
    match (token, password) {
        (
            Found::At {
                rank: token_rank,
                set_by: token,
                ..
            },
            Found::At {
                rank: password_rank,
                set_by: password,
                ..
            },
        ) => match token_rank.cmp(password_rank) {
            std::cmp::Ordering::Less => Ok((Mode::Token, *token)),
            std::cmp::Ordering::Greater => Ok((Mode::Password, *password)),
            std::cmp::Ordering::Equal => Err(Refusal::Ambiguous {
                token: *token,
                password: *password,
            }),
        },
        (Found::Nowhere, Found::At { set_by, .. }) => Ok((Mode::Password, *set_by)),
        (Found::At { .. } | Found::Nowhere, Found::Nowhere) => Ok((Mode::Token, SetBy::Default)),
    }
}

/// Returns the secret of the first place that speaks of one. A bad one is refused, not passed over.
fn usable<'a, T>(
    kind: &'static str,
    found: &Found<'a, T>,
    is_exposed: bool,
    expose: impl Fn(&T) -> &str,
) -> Result<Option<&'a T>, Refusal> {
    match found {
        Found::Nowhere => Ok(None),
        Found::At {
            secret: None,
            set_by,
            ..
        } => Err(Refusal::SecretUnresolved { set_by: *set_by }),
        Found::At {
            secret: Some(secret),
            set_by,
            ..
        } => match secret_text::judge(expose(secret), is_exposed) {
            Ok(()) => Ok(Some(secret)),
            Err(flaw) => Err(Refusal::Secret {
                kind,
                set_by: *set_by,
                flaw,
            }),
        },
    }
}

fn token_auth(
    input: &ExposureInput,
    place: &Place,
    token: &Found<'_, GatewayToken>,
    is_exposed: bool,
) -> Result<LocalAuth, Refusal> {
    match usable("token", token, is_exposed, GatewayToken::expose)? {
        Some(token) => Ok(LocalAuth::Token(token.clone())),
        // A token nobody was told would only seem to protect what others are meant to reach.
        None if place.leaves_loopback => Err(Refusal::ExposedWithoutAuth {
            bind: place.bind,
            set_by: place.set_by,
            has_remote_secret: input.has_remote_secret,
        }),
        None if is_exposed => Err(Refusal::TailscaleWithoutAuth),
        None => Ok(LocalAuth::GenerateToken),
    }
}

fn refuse_none(
    input: &ExposureInput,
    place: &Place,
    proxies: &[Network],
    auth_set_by: SetBy,
) -> Result<(), Refusal> {
    if place.leaves_loopback {
        return Err(Refusal::NoneBeyondLoopback {
            bind: place.bind,
            bind_set_by: place.set_by,
            auth_set_by,
        });
    }
    let what = if input.tailscale != TailscaleMode::Off {
        "gateway.tailscale.mode"
    } else if !proxies.is_empty() {
        "gateway.trustedProxies"
    } else {
        return Ok(());
    };
    Err(Refusal::NoneBehindProxy { auth_set_by, what })
}

fn proxy_auth(
    input: &ExposureInput,
    proxies: &[Network],
    set_by: SetBy,
) -> Result<LocalAuth, Refusal> {
    let refused = |what| Err(Refusal::ProxyAuth { set_by, what });
    if input.tailscale != TailscaleMode::Off {
        return refused("does not go with gateway.tailscale.mode; turn one of them off");
    }
    if proxies.is_empty() {
        return refused("needs the proxy's address in gateway.trustedProxies");
    }
    // Every program on this computer could be that proxy.
    if !input.proxy.allow_loopback && proxies.iter().any(Network::touches_loopback) {
        return refused(
            "trusts loopback in gateway.trustedProxies; set gateway.auth.trustedProxy.allowLoopback if you mean it",
        );
    }
    let is_field_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let lower = |name: &String| name.trim().to_ascii_lowercase();
    let user_header = input
        .proxy
        .user_header
        .as_ref()
        .map(lower)
        .unwrap_or_default();
    let required_headers: Vec<String> = input.proxy.required_headers.iter().map(lower).collect();
    if !is_field_name(&user_header) || !required_headers.iter().all(|name| is_field_name(name)) {
        return refused(
            "needs gateway.auth.trustedProxy.userHeader, the name of the field with the user",
        );
    }
    Ok(LocalAuth::TrustedProxy(TrustedProxyAuth {
        user_header,
        required_headers,
        allow_users: input.proxy.allow_users.clone(),
    }))
}

/// A secret that a person gave and that does nothing; the keychain's own is nobody's news.
fn unused<T>(found: &Found<'_, T>) -> Option<Note> {
    match found {
        Found::At { set_by, .. } if *set_by != SetBy::Keychain => {
            Some(Note::UnusedSecret { set_by: *set_by })
        }
        Found::At { .. } | Found::Nowhere => None,
    }
}
