//! A gateway that somebody invites us to: setup codes, `openclaw://` links, and messages that hold one.
//!
//! Three forms are read, all of the official programs' making. A setup code is base64url of a JSON object
//! with `url` (or `host`, `port`, `tls`) and one of `bootstrapToken`, `token` and `password`; it is also taken
//! bare, behind `oc-pair://`, and out of a message around it. `openclaw://gateway?host=…` names the same by
//! parameters. `openclaw://gateway/add?url=…` names a place and may carry nothing that lets anybody in.
//! Beyond those, a URL may begin with `ssh://`, because ours reaches gateways that way.
//!
//! Whoever sent an invitation is a stranger: this file only reads it. Nothing is saved or dialled before
//! a person has seen where it leads (`controller::invitation` in the desktop). No error repeats any of it,
//! because it may hold a secret.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;

use super::{GatewayUrl, TlsFingerprint};
use crate::credentials::secret::{GatewayPassword, GatewayToken, SingleUseCode};
use crate::tunnel::SshTarget;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use std::collections::BTreeMap;

/// More than any gateway or person writes; the system hands links over by command lines.
pub const LONGEST: usize = 16 * 1024;

/// Longer secrets than this are none.
const LONGEST_SECRET: usize = 4096;

/// The port of a gateway whose invitation names none, where nothing encrypts the way to it.
const USUAL_GATEWAY_PORT: u16 = 18789;

/// Shorter words in a message are no setup codes.
const SHORTEST_CODE: usize = 24;

/// How a JSON object begins in base64.
const CODE_BEGINS: &str = "eyJ";

const LINK: &str = "openclaw:";
const PAIR_LINK: &str = "oc-pair://";

/// What an invitation says.
#[derive(Debug)]
pub struct Invitation {
    /// Where it leads.
    pub place: InvitedTo,
    /// What its sender calls that gateway; empty when nothing was said. Text of a stranger.
    pub name: String,
    /// The certificate that alone is to be accepted there.
    pub tls_fingerprint: Option<TlsFingerprint>,
    /// What lets us in there, if it carries anything.
    pub secret: Option<InvitedSecret>,
}

/// Where an invitation leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvitedTo {
    /// To a gateway by its URL.
    Gateway(GatewayUrl),
    /// To a server, and over SSH to the gateway on it.
    Server {
        /// The server.
        target: SshTarget,
        /// The gateway's port there, where it is said.
        gateway_port: Option<u16>,
    },
}

/// What an invitation brings to be let in with.
#[derive(Debug, Clone)]
pub enum InvitedSecret {
    /// The gateway's shared token.
    Token(GatewayToken),
    /// The gateway's shared password.
    Password(GatewayPassword),
    /// A code that is good once and not for long.
    SetupCode(SingleUseCode),
}

/// Why a text is no invitation that can be used. Never repeats any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// It is longer than [`LONGEST`].
    #[error("this is too long for a setup code or link")]
    TooLong,
    /// It is neither a code nor a link of ours.
    #[error(
        "this is no setup code or openclaw:// link; it may be incomplete: copy all of it again"
    )]
    Unreadable,
    /// It is a link for something else, such as a message to an agent.
    #[error("this openclaw:// link does not lead to a gateway, so nothing was done")]
    AnotherLink,
    /// A link that may carry no secret carries one.
    #[error("a link of this form must not carry a token or password; ask for a setup code")]
    SecretInAddLink,
    /// It says the same thing twice.
    #[error("this link names something twice, so it is not clear where it leads")]
    Ambiguous,
    /// It names no place that can be dialled.
    #[error("this setup code or link names no address that can be used")]
    BadPlace,
    /// It leads over an open network without encryption.
    #[error(
        "this setup code or link leads over ws:// to a host that is not private, where anybody could listen; ask for one with wss://"
    )]
    PlainToPublic,
    /// What it brings is empty or far too long.
    #[error(
        "what this setup code or link brings to sign in with cannot be used; ask for a new one"
    )]
    BadSecret,
}

impl Invitation {
    /// Returns whether a text is meant as an invitation, readable or not: then it goes into no
    /// other field, for it may hold a secret.
    pub fn looks_like_one(text: &str) -> bool {
        let text = text.trim();
        let begins = |with: &str| {
            text.get(..with.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(with))
        };
        begins(LINK) || begins(PAIR_LINK) || text.starts_with('{') || words(text).next().is_some()
    }

    /// Reads an invitation as people paste it, or as the system hands it over.
    ///
    /// # Errors
    ///
    /// [`InvitationError`].
    pub fn read(text: &str) -> Result<Self, InvitationError> {
        if text.len() > LONGEST {
            return Err(InvitationError::TooLong);
        }
        let text = text.trim();
        if let Some(rest) = after(text, LINK) {
            return read_link(rest);
        }
        if let Some(code) = after(text, PAIR_LINK) {
            return read_code(code.trim_end_matches('/')).ok_or(InvitationError::Unreadable)?;
        }
        if text.starts_with('{') {
            return Payload::parse(text.as_bytes())
                .ok_or(InvitationError::Unreadable)?
                .read();
        }
        let mut codes = words(text).filter_map(read_code);
        let first = codes.next().ok_or(InvitationError::Unreadable)?;
        match codes.next() {
            Some(_) => Err(InvitationError::Ambiguous),
            None => first,
        }
    }
}

/// Returns what comes after the beginning of a link, which may be spelled in any case.
fn after<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    let head = text.get(..beginning.len())?;
    head.eq_ignore_ascii_case(beginning)
        .then(|| &text[beginning.len()..])
}

/// The words of a message that may be setup codes, without the marks people put around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_of_a_code = |sign: char| sign.is_ascii_alphanumeric() || "-_+/=".contains(sign);
    text.split_whitespace()
        .map(move |word| word.trim_matches(|sign| !is_of_a_code(sign)))
        .map(|word| match word.get(..PAIR_LINK.len()) {
            Some(head) if head.eq_ignore_ascii_case(PAIR_LINK) => &word[PAIR_LINK.len()..],
            Some(_) | None => word,
        })
        .filter(move |word| {
            word.len() >= SHORTEST_CODE
                && word.starts_with(CODE_BEGINS)
                && word.chars().all(is_of_a_code)
        })
}

/// Reads a setup code; `None` when it is none.
fn read_code(code: &str) -> Option<Result<Invitation, InvitationError>> {
    // Both alphabets are about, with and without padding.
    let plain: String = code
        .trim_end_matches('=')
        .chars()
        .map(|sign| match sign {
            '+' => '-',
            '/' => '_',
            sign => sign,
        })
        .collect();
    let bytes = URL_SAFE_NO_PAD.decode(plain).ok()?;
    Some(Payload::parse(&bytes)?.read())
}

/// The JSON object inside a setup code. Further members are for other programs.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Payload {
    url: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    tls: Option<bool>,
    name: Option<String>,
    tls_fingerprint: Option<String>,
    bootstrap_token: Option<String>,
    token: Option<String>,
    password: Option<String>,
}

impl Payload {
    fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    fn read(self) -> Result<Invitation, InvitationError> {
        let place = match (self.url, self.host) {
            (Some(url), _) => place(&url, None)?,
            (None, Some(host)) => by_host(&host, self.port, self.tls.unwrap_or(true), None)?,
            (None, None) => return Err(InvitationError::BadPlace),
        };
        let secret = secret(self.token, self.password, self.bootstrap_token)?;
        invitation(place, self.name, self.tls_fingerprint, secret)
    }
}

/// Reads what comes after `openclaw:`.
fn read_link(rest: &str) -> Result<Invitation, InvitationError> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let rest = rest.split_once('#').map_or(rest, |(link, _)| link);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.trim_end_matches('/').to_ascii_lowercase();
    let mut said = Parameters::parse(query)?;
    match path.as_str() {
        "gateway" => {
            let place = match said.take("url") {
                Some(url) => place(&url, said.port("remotePort")?)?,
                None => {
                    let host = said.take("host").ok_or(InvitationError::BadPlace)?;
                    let tls = said.take("tls");
                    let tls = tls.is_some_and(|tls| matches!(tls.as_str(), "1" | "true" | "yes"));
                    by_host(&host, said.port("port")?, tls, said.take("path").as_deref())?
                }
            };
            let secret = secret(
                said.take("token"),
                said.take("password"),
                said.take("bootstrapToken"),
            )?;
            invitation(
                place,
                said.take("name"),
                said.take("tlsFingerprint"),
                secret,
            )
        }
        "gateway/add" => {
            if ["token", "password", "bootstrapToken"]
                .iter()
                .any(|name| said.take(name).is_some())
            {
                return Err(InvitationError::SecretInAddLink);
            }
            let url = said.take("url").ok_or(InvitationError::BadPlace)?;
            let place = place(&url, said.port("remotePort")?)?;
            invitation(place, said.take("name"), None, None)
        }
        "" => Err(InvitationError::Unreadable),
        _ => Err(InvitationError::AnotherLink),
    }
}

/// The parameters of a link, each at most once.
struct Parameters(BTreeMap<String, String>);

impl Parameters {
    fn parse(query: &str) -> Result<Self, InvitationError> {
        let mut said = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if said.insert(name, value).is_some() {
                return Err(InvitationError::Ambiguous);
            }
        }
        Ok(Self(said))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn port(&mut self, name: &str) -> Result<Option<u16>, InvitationError> {
        let Some(port) = self.take(name) else {
            return Ok(None);
        };
        let port = port.parse().ok().filter(|port| *port != 0);
        port.map(Some).ok_or(InvitationError::BadPlace)
    }
}

/// Takes the percent signs out of a parameter; a plus stays one, as the official programs read it.
fn decoded(text: &str) -> Result<String, InvitationError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut left = text.bytes();
    while let Some(byte) = left.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = char::from(left.next()?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let (high, low) = (digit(), digit());
        let (Some(high), Some(low)) = (high, low) else {
            return Err(InvitationError::Unreadable);
        };
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).map_err(|_| InvitationError::Unreadable)
}

/// Reads the place a URL names: `ssh://`, or a gateway's.
fn place(url: &str, gateway_port: Option<u16>) -> Result<InvitedTo, InvitationError> {
    let url = url.trim();
    if after(url, "ssh://").is_some() {
        let target: SshTarget = format!("ssh://{}", &url[6..])
            .parse()
            .map_err(|_| InvitationError::BadPlace)?;
        return Ok(InvitedTo::Server {
            target,
            gateway_port,
        });
    }
    if gateway_port.is_some() {
        return Err(InvitationError::BadPlace);
    }
    let read = GatewayUrl::pasted(url).map_err(|_| InvitationError::BadPlace)?;
    if read.is_encrypted() || names_a_port(url) {
        return checked(read);
    }
    let path = read.path().to_owned();
    by_host(&read.host(), Some(USUAL_GATEWAY_PORT), false, Some(&path))
}

fn names_a_port(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    let after_address = authority.rsplit_once(']').map_or(authority, |(_, end)| end);
    after_address.contains(':')
}

fn by_host(
    host: &str,
    port: Option<u16>,
    tls: bool,
    path: Option<&str>,
) -> Result<InvitedTo, InvitationError> {
    let scheme = if tls { "wss" } else { "ws" };
    let host = host.trim();
    let host = match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    // A host with more in it than a host would be read as something else than it says.
    if host.contains(['/', '@', '?', '#']) {
        return Err(InvitationError::BadPlace);
    }
    let port = port.unwrap_or(USUAL_GATEWAY_PORT);
    let path = path.unwrap_or_default().trim_start_matches('/');
    let url = format!("{scheme}://{host}:{port}/{path}");
    checked(url.parse().map_err(|_| InvitationError::BadPlace)?)
}

fn checked(url: GatewayUrl) -> Result<InvitedTo, InvitationError> {
    if url.path().split('/').any(|part| matches!(part, "." | "..")) {
        return Err(InvitationError::BadPlace);
    }
    url.check_plain()
        .map_err(|_| InvitationError::PlainToPublic)?;
    Ok(InvitedTo::Gateway(url))
}

/// Chooses what is used of what an invitation brings, as the official client does: a shared token, else
/// a password, else a code.
fn secret(
    token: Option<String>,
    password: Option<String>,
    code: Option<String>,
) -> Result<Option<InvitedSecret>, InvitationError> {
    let usable = |text: String| {
        let text = text.trim();
        let is_sound =
            !text.is_empty() && text.len() <= LONGEST_SECRET && !text.chars().any(char::is_control);
        is_sound
            .then(|| text.to_owned())
            .ok_or(InvitationError::BadSecret)
    };
    if let Some(token) = token {
        let token = GatewayToken::new(usable(token)?);
        return Ok(Some(InvitedSecret::Token(token)));
    }
    if let Some(password) = password {
        let password = GatewayPassword::new(usable(password)?);
        return Ok(Some(InvitedSecret::Password(password)));
    }
    let code = code.map(usable).transpose()?;
    Ok(code.map(|code| InvitedSecret::SetupCode(SingleUseCode::new(code))))
}

fn invitation(
    place: InvitedTo,
    name: Option<String>,
    pin: Option<String>,
    secret: Option<InvitedSecret>,
) -> Result<Invitation, InvitationError> {
    let tls_fingerprint = match pin.filter(|pin| !pin.trim().is_empty()) {
        Some(pin) => Some(pin.parse().map_err(|_| InvitationError::BadPlace)?),
        None => None,
    };
    // A pin that could never be looked at would only seem to protect.
    let is_encrypted = matches!(&place, InvitedTo::Gateway(url) if url.is_encrypted());
    if tls_fingerprint.is_some() && !is_encrypted {
        return Err(InvitationError::BadPlace);
    }
    Ok(Invitation {
        place,
        name: tidy(&name.unwrap_or_default()),
        tls_fingerprint,
        secret,
    })
}

/// A stranger's name for a gateway, as far as it can be shown in one line.
fn tidy(name: &str) -> String {
    // What turns the direction of writing, or is not seen, could make one name look like another.
    let seen = |sign: &char| {
        !sign.is_control()
            && !matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let words: Vec<_> = name.split_whitespace().collect();
    words.join(" ").chars().filter(seen).take(60).collect()
}

#[cfg(test)]
mod tests;
