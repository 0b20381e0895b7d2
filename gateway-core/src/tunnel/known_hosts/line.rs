//! One line of a known_hosts file, and whom it speaks of.

use crate::tunnel::host_key::HostKeyFingerprint;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

/// What a line says of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// No marker: the key is the host's.
    Plain,
    /// `@revoked`: the key must never be accepted.
    Revoked,
    /// `@cert-authority`: the key signs certificates of hosts.
    Authority,
}

/// A line that is neither blank, comment nor beyond reading.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) marker: Marker,
    pub(super) hosts: Hosts,
    pub(super) key_type: String,
    /// The key's encoded bytes; `None` when they are not base64, which never yields trust.
    pub(super) blob: Option<Vec<u8>>,
}

/// Whom a line speaks of.
#[derive(Debug, Clone)]
pub(super) enum Hosts {
    /// `|1|salt|hash`: the HMAC-SHA1 of one name.
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
    /// Names with `*`, `?` and `!`, separated by commas.
    Patterns(Vec<String>),
}

impl Line {
    /// Parses a line; `None` for blanks, comments and lines that speak of nobody.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut fields = text
            .split([' ', '\t', '\r', '\n'])
            .filter(|field| !field.is_empty());
        let first = fields.next()?;
        if first.starts_with('#') {
            return None;
        }
        let (marker, hosts) = match first {
            "@revoked" => (Marker::Revoked, fields.next()?),
            "@cert-authority" => (Marker::Authority, fields.next()?),
            // OpenSSH too skips lines whose marker it does not know.
            other if other.starts_with('@') => return None,
            hosts => (Marker::Plain, hosts),
        };
        let hosts = Hosts::parse(hosts)?;
        let key_type = fields.next()?.to_owned();
        let blob = fields.next().and_then(|key| STANDARD.decode(key).ok());
        Some(Self {
            marker,
            hosts,
            key_type,
            blob,
        })
    }

    pub(super) fn fingerprint(&self) -> Option<HostKeyFingerprint> {
        self.blob.as_deref().map(HostKeyFingerprint::of)
    }
}

impl Hosts {
    fn parse(field: &str) -> Option<Self> {
        let Some(rest) = field.strip_prefix('|') else {
            return Some(Self::Patterns(
                field.split(',').map(str::to_lowercase).collect(),
            ));
        };
        let (salt, hash) = rest.strip_prefix("1|")?.split_once('|')?;
        Some(Self::Hashed {
            salt: STANDARD.decode(salt).ok()?,
            hash: STANDARD.decode(hash).ok()?,
        })
    }

    /// Returns whether the line speaks of `name`, which is lower case already.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Hashed { salt, hash } => {
                // HMAC takes a key of any length, so this cannot fail.
                Hmac::<Sha1>::new_from_slice(salt).is_ok_and(|mut mac| {
                    mac.update(name.as_bytes());
                    mac.verify_slice(hash).is_ok()
                })
            }
            Self::Patterns(patterns) => {
                let is_excluded = patterns
                    .iter()
                    .filter_map(|pattern| pattern.strip_prefix('!'))
                    .any(|pattern| glob(pattern, name));
                !is_excluded
                    && patterns
                        .iter()
                        .any(|pattern| !pattern.starts_with('!') && glob(pattern, name))
            }
        }
    }

    /// Returns whether the line speaks of `name` and of no other.
    pub(super) fn names_only(&self, name: &str) -> bool {
        match self {
            Self::Hashed { .. } => self.matches(name),
            Self::Patterns(patterns) => {
                patterns.len() == 1 && patterns.iter().all(|only| only == name)
            }
        }
    }
}

/// Returns whether a name, written into a line, stands for itself and nothing else.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(['#', '@', '|', '!'])
        && !name.contains([',', '*', '?'])
        && !name.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Returns a name as OpenSSH hides it: `|1|salt|hash` with a salt of its own.
pub(super) fn hashed(name: &str) -> Option<String> {
    // As long as the hash itself, as in OpenSSH.
    let salt: [u8; 20] = rand::random();
    let mut mac = Hmac::<Sha1>::new_from_slice(&salt).ok()?;
    mac.update(name.as_bytes());
    let hash = mac.finalize().into_bytes();
    Some(format!(
        "|1|{}|{}",
        STANDARD.encode(salt),
        STANDARD.encode(hash)
    ))
}

/// Matches `*` (any run) and `?` (any one character); every other character stands for itself.
fn glob(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on from when the last star has to swallow one more character.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == name.get(n) => {
                p += 1;
                n += 1;
            }
            Some(_) | None => match retry {
                Some((after_star, swallowed)) => {
                    retry = Some((after_star, swallowed + 1));
                    p = after_star;
                    n = swallowed + 1;
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .is_none_or(|rest| rest.iter().all(|c| *c == '*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wildcards_match_as_in_openssh() {
        let table = [
            ("box", "box", true),
            ("box", "boxx", false),
            ("*", "anything", true),
            ("*", "", true),
            ("*.example", "a.example", true),
            ("*.example", "example", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("10.0.0.?", "10.0.0.7", true),
            ("10.0.0.?", "10.0.0.77", false),
            // A bracket is a plain character.
            ("[*.example]:2222", "[a.example]:2222", true),
            ("*.example", "[a.example]:2222", false),
        ];

        for (pattern, name, expected) in table {
            assert_eq!(glob(pattern, name), expected, "{pattern} against {name}");
        }
    }

    #[test]
    fn an_excluded_host_does_not_match_however_wide_the_rest_is() {
        let line = Line::parse("*.example,!bad.example,other ssh-ed25519 AAAA").unwrap();

        assert!(line.hosts.matches("good.example"));
        assert!(line.hosts.matches("other"));
        assert!(!line.hosts.matches("bad.example"));
    }

    #[test]
    fn lines_that_speak_of_nobody_are_passed_over() {
        for text in [
            "",
            "  \t ",
            "# box ssh-ed25519 AAAA",
            "@unheard-of box ssh-ed25519 AAAA",
            "box",
            "|1|x box k",
            "|2|a|b t k",
        ] {
            assert!(Line::parse(text).is_none(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_parsing_panic(text in "\\PC{0,80}", name in "\\PC{0,20}") {
            if let Some(line) = Line::parse(&text) {
                let matched = line.hosts.matches(&name);
                prop_assert!(!line.hosts.names_only(&name) || matched || name.contains(['*', '?', '!']));
            }
        }
    }
}
