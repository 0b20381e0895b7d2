//! The address a person types or pastes: who to reach by SSH, and as whom.
//!
//! Understands `user@host`, `host:port`, `[v6]:port`, a bare IPv6 address, `ssh://user@host:port` and
//! a pasted `ssh` command line. The parts are data: nothing here is ever handed to a shell, but the
//! same settings may be read by programs that do, so what would be an option or two words there is
//! refused here. Knows no files and no defaults: a missing user or port stays missing.

mod command_line;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;

/// The port of SSH (RFC 4253 §4.1).
pub const DEFAULT_SSH_PORT: u16 = 22;

/// Where the SSH server is, and whom to sign in as there.
///
/// `Display` gives the canonical spelling, which parses back to the same user, host and port; the
/// identity file is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SshTarget {
    /// The account on the server; `None` means the local user's name.
    pub user: Option<String>,
    /// A host name, an alias or an address; IPv6 without brackets.
    pub host: String,
    /// The port; `None` means [`DEFAULT_SSH_PORT`] or what an alias says.
    pub port: Option<u16>,
    /// The private key a pasted `ssh -i` named, exactly as written (a leading `~` is not expanded).
    pub identity_file: Option<PathBuf>,
}

/// Why an address cannot be used.
///
/// No variant holds the text itself: people paste passwords into address fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// There is nothing but blanks.
    #[error("the address is empty")]
    Empty,
    /// The host or user begins with a dash, so that another program would take it for an option.
    #[error("the address begins with a dash")]
    LeadingDash,
    /// There is a blank inside.
    #[error("the address contains a space")]
    Whitespace,
    /// There is a character nobody can see.
    #[error("the address contains a control character")]
    ControlCharacter,
    /// A colon with no port after it.
    #[error("the address ends in a colon without a port")]
    DanglingColon,
    /// The port is not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    PortOutOfRange,
    /// An `@` with no user name before it.
    #[error("there is no user name before the @")]
    EmptyUser,
    /// A user or port, but no host.
    #[error("there is no host name")]
    EmptyHost,
    /// A character that no host name has.
    #[error("a host name cannot contain {0:?}")]
    BadHost(char),
    /// Square brackets that do not enclose one host.
    #[error("the square brackets do not enclose one address")]
    BadBrackets,
    /// `user:password@host`, or a user name with a colon.
    #[error("the address contains a password; leave it out, it is asked for when needed")]
    PasswordInAddress,
    /// An `ssh://` address with more than user, host and port.
    #[error("an ssh:// address may only name user, host and port")]
    BadUri,
    /// A pasted command uses an option that would change what is reached or done.
    #[error("the ssh option {0} is not supported here")]
    UnsupportedOption(String),
    /// A pasted command ends where an option needs a value.
    #[error("the ssh option -{0} lacks its value")]
    MissingOptionValue(char),
    /// A pasted command goes on with a command for the server.
    #[error("the ssh command line runs a command on the server")]
    RemoteCommand,
    /// A pasted command has a quotation mark without its counterpart.
    #[error("a quotation mark is not closed")]
    UnclosedQuote,
    /// Two different users are named.
    #[error("two different user names are given")]
    UserTwice,
    /// Two different ports are named.
    #[error("two different ports are given")]
    PortTwice,
}

impl SshTarget {
    /// Returns the port to dial.
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(DEFAULT_SSH_PORT)
    }

    /// Checks a target that was put together by hand rather than parsed.
    ///
    /// # Errors
    /// The same ones parsing its canonical spelling would give.
    pub fn check(&self) -> Result<(), TargetError> {
        if let Some(user) = &self.user {
            check_user(user)?;
        }
        if self.port == Some(0) {
            return Err(TargetError::PortOutOfRange);
        }
        check_host(&self.host)
    }
}

impl FromStr for SshTarget {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        // A tab between the words of a pasted command is only a blank.
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(TargetError::ControlCharacter);
        }
        if let Some(rest) = text
            .strip_prefix("ssh")
            .filter(|rest| rest.starts_with([' ', '\t']))
        {
            return command_line::parse(rest);
        }
        if text.contains(char::is_whitespace) {
            return Err(if text.starts_with('-') {
                TargetError::LeadingDash
            } else {
                TargetError::Whitespace
            });
        }
        destination(text)
    }
}

impl fmt::Display for SshTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match self.port {
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// Parses one word: `[user@]host[:port]` or `ssh://…`.
fn destination(word: &str) -> Result<SshTarget, TargetError> {
    let (word, is_uri) = match word.strip_prefix("ssh://") {
        Some(rest) => (rest.strip_suffix('/').unwrap_or(rest), true),
        None => (word, false),
    };
    if word.starts_with('-') {
        return Err(TargetError::LeadingDash);
    }
    // OpenSSH too splits at the last @, so that `me@example.org@host` signs in as `me@example.org`.
    let (user, place) = match word.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, word),
    };
    if is_uri
        && (place.contains(['/', '?', '#', '%'])
            || user.is_some_and(|u| u.contains([';', '%', '/'])))
    {
        return Err(TargetError::BadUri);
    }
    if let Some(user) = user {
        check_user(user)?;
    }
    let (host, port) = host_and_port(place)?;
    Ok(SshTarget {
        user: user.map(str::to_owned),
        host,
        port,
        identity_file: None,
    })
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), TargetError> {
    // Says of a pasted web address what is odd about it, rather than blame the part after its colon.
    if place.contains('/') {
        return Err(TargetError::BadHost('/'));
    }
    if let Some(rest) = place.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(TargetError::BadBrackets)?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(parse_port(port)?),
            None if after.is_empty() => None,
            None => return Err(TargetError::BadBrackets),
        };
        return Ok((canonical_host(host)?, port));
    }
    match place.split_once(':') {
        // More than one colon can only be an IPv6 address: a port needs brackets then.
        Some((_, rest)) if rest.contains(':') => Ok((canonical_host(place)?, None)),
        Some((host, port)) => {
            let host = canonical_host(host)?;
            Ok((host, Some(parse_port(port)?)))
        }
        None => Ok((canonical_host(place)?, None)),
    }
}

fn parse_port(text: &str) -> Result<u16, TargetError> {
    if text.is_empty() {
        return Err(TargetError::DanglingColon);
    }
    // `u16::from_str` alone would let a plus sign pass.
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(TargetError::PortOutOfRange);
    }
    match text.parse() {
        Ok(port) if port != 0 => Ok(port),
        Ok(_) | Err(_) => Err(TargetError::PortOutOfRange),
    }
}

fn canonical_host(host: &str) -> Result<String, TargetError> {
    check_host(host)?;
    Ok(match ipv6_with_zone(host) {
        Some((address, Some(zone))) => format!("{address}%{zone}"),
        Some((address, None)) => address.to_string(),
        None => host.to_owned(),
    })
}

fn check_host(host: &str) -> Result<(), TargetError> {
    if host.is_empty() {
        return Err(TargetError::EmptyHost);
    }
    if host.starts_with('-') {
        return Err(TargetError::LeadingDash);
    }
    if ipv6_with_zone(host).is_some() {
        return Ok(());
    }
    match host
        .chars()
        .find(|c| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_')))
    {
        None => Ok(()),
        Some(':') if host.ends_with(':') && !host.ends_with("::") => {
            Err(TargetError::DanglingColon)
        }
        Some(c) if c.is_control() => Err(TargetError::ControlCharacter),
        Some(c) if c.is_whitespace() => Err(TargetError::Whitespace),
        Some('[' | ']') => Err(TargetError::BadBrackets),
        Some(c) => Err(TargetError::BadHost(c)),
    }
}

fn check_user(user: &str) -> Result<(), TargetError> {
    if user.is_empty() {
        return Err(TargetError::EmptyUser);
    }
    if user.starts_with('-') {
        return Err(TargetError::LeadingDash);
    }
    match user
        .chars()
        .find(|c| *c == ':' || c.is_control() || c.is_whitespace())
    {
        None => Ok(()),
        Some(':') => Err(TargetError::PasswordInAddress),
        Some(c) if c.is_control() => Err(TargetError::ControlCharacter),
        Some(_) => Err(TargetError::Whitespace),
    }
}

/// Splits `fe80::1%eth0`; the zone names a network interface.
fn ipv6_with_zone(host: &str) -> Option<(Ipv6Addr, Option<&str>)> {
    let (address, zone) = match host.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (host, None),
    };
    let zone_is_plain = |zone: &str| {
        !zone.is_empty()
            && zone
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    if zone.is_some_and(|zone| !zone_is_plain(zone)) {
        return None;
    }
    Some((address.parse().ok()?, zone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn target(user: Option<&str>, host: &str, port: Option<u16>) -> SshTarget {
        SshTarget {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
            identity_file: None,
        }
    }

    #[test]
    fn every_spelling_of_an_address_is_understood() {
        let table = [
            ("box", target(None, "box", None)),
            ("  me@box\t", target(Some("me"), "box", None)),
            ("me@box:2222", target(Some("me"), "box", Some(2222))),
            (
                "box.example.org:1",
                target(None, "box.example.org", Some(1)),
            ),
            ("192.0.2.7:65535", target(None, "192.0.2.7", Some(65535))),
            ("::1", target(None, "::1", None)),
            ("me@::1", target(Some("me"), "::1", None)),
            ("fd00:0:0::1", target(None, "fd00::1", None)),
            (
                "me@[fd00::1]:2222",
                target(Some("me"), "fd00::1", Some(2222)),
            ),
            ("[fd00::1]", target(None, "fd00::1", None)),
            ("[box]:2222", target(None, "box", Some(2222))),
            ("fe80::1%eth0", target(None, "fe80::1%eth0", None)),
            (
                "me@example.org@box",
                target(Some("me@example.org"), "box", None),
            ),
            (r"CORP\me@box", target(Some(r"CORP\me"), "box", None)),
            ("ssh://box", target(None, "box", None)),
            ("ssh://me@box:2222/", target(Some("me"), "box", Some(2222))),
            ("ssh://me@[::1]:2222", target(Some("me"), "::1", Some(2222))),
            ("ssh", target(None, "ssh", None)),
        ];

        for (text, expected) in table {
            assert_eq!(text.parse(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn every_refusal_says_what_is_wrong() {
        let table = [
            ("", TargetError::Empty),
            (" \t ", TargetError::Empty),
            ("-oProxyCommand=x", TargetError::LeadingDash),
            ("-p 22 box", TargetError::LeadingDash),
            ("me@-box", TargetError::LeadingDash),
            ("-me@box", TargetError::LeadingDash),
            ("my box", TargetError::Whitespace),
            ("me@my\u{a0}box", TargetError::Whitespace),
            ("me@bo\u{7}x", TargetError::ControlCharacter),
            ("me@box\nyou@box", TargetError::ControlCharacter),
            ("box:", TargetError::DanglingColon),
            ("me@[::1]:", TargetError::DanglingColon),
            ("box:0", TargetError::PortOutOfRange),
            ("box:65536", TargetError::PortOutOfRange),
            ("box:+22", TargetError::PortOutOfRange),
            ("box:ssh", TargetError::PortOutOfRange),
            ("@box", TargetError::EmptyUser),
            ("me@", TargetError::EmptyHost),
            ("me@:22", TargetError::EmptyHost),
            ("me@[]:22", TargetError::EmptyHost),
            ("bo$x", TargetError::BadHost('$')),
            ("box;id", TargetError::BadHost(';')),
            ("http://box", TargetError::BadHost('/')),
            ("[::1", TargetError::BadBrackets),
            ("[::1]22", TargetError::BadBrackets),
            ("a:b:c", TargetError::BadHost(':')),
            ("me:hunter2@box", TargetError::PasswordInAddress),
            ("ssh://me:hunter2@box", TargetError::PasswordInAddress),
            ("ssh://box/path", TargetError::BadUri),
            ("ssh://me;fingerprint=x@box", TargetError::BadUri),
        ];

        for (text, expected) in table {
            assert_eq!(text.parse::<SshTarget>(), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn a_refusal_never_repeats_what_was_typed() {
        let error = "me:canary-password@box".parse::<SshTarget>().unwrap_err();

        assert!(!format!("{error} {error:?}").contains("canary"));
    }

    proptest! {
        #[test]
        fn the_canonical_spelling_parses_back_to_the_same_target(
            user in proptest::option::of("[a-z_][a-z0-9_.@-]{0,12}"),
            host in prop_oneof![
                "[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}",
                any::<std::net::Ipv4Addr>().prop_map(|a| a.to_string()),
                any::<Ipv6Addr>().prop_map(|a| a.to_string()),
            ],
            port in proptest::option::of(1u16..),
        ) {
            let target = SshTarget { user, host, port, identity_file: None };

            prop_assert_eq!(target.check(), Ok(()));
            prop_assert_eq!(target.to_string().parse(), Ok(target));
        }

        #[test]
        fn no_text_makes_parsing_panic_and_what_passes_is_canonical_at_once(text in "\\PC{0,40}") {
            if let Ok(target) = text.parse::<SshTarget>() {
                prop_assert_eq!(target.check(), Ok(()));
                let again: SshTarget = target.to_string().parse().unwrap();
                prop_assert_eq!(again.to_string(), target.to_string());
            }
        }
    }
}
