//! `~`, `%` tokens and `${VARIABLE}` in values (ssh_config(5), "TOKENS").

use super::Surroundings;
use super::error::SshConfigError;
use super::values::Placed;
use sha1::{Digest as _, Sha1};
use std::fmt::Write as _;
use std::path::PathBuf;

/// What the tokens stand for.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    pub(super) surroundings: &'a Surroundings,
    /// `%n`: the name that was asked for.
    pub(super) asked: &'a str,
    /// `%h`: the name or address that is dialled.
    pub(super) host: &'a str,
    pub(super) port: u16,
    /// `%r`.
    pub(super) remote_user: &'a str,
    /// `%k`, where it is not `%n`.
    pub(super) host_key_alias: Option<&'a str>,
    /// `%j`.
    pub(super) jump: &'a str,
}

impl Tokens<'_> {
    /// Expands a path: `~`, every token and variables.
    pub(super) fn path(
        &self,
        option: &'static str,
        value: &Placed<String>,
    ) -> Result<PathBuf, SshConfigError> {
        let text = self.replace(option, value, "Cdhijklnpru%L", true)?;
        let path = self.surroundings.environment.expand(&PathBuf::from(text));
        Ok(path)
    }

    /// Expands what `ProxyJump` allows.
    pub(super) fn jump(&self, value: &Placed<String>) -> Result<String, SshConfigError> {
        self.replace("ProxyJump", value, "hnpr%", false)
    }

    fn replace(
        &self,
        option: &'static str,
        value: &Placed<String>,
        allowed: &str,
        variables: bool,
    ) -> Result<String, SshConfigError> {
        let missing = |token: String| SshConfigError::NoValue {
            option,
            place: value.place.clone(),
            token,
        };
        let mut expanded = String::with_capacity(value.value.len());
        let mut rest = value.value.as_str();
        while let Some(at) = rest.find(['%', '$']) {
            let (before, from) = rest.split_at(at);
            expanded.push_str(before);
            if let Some(after) = from.strip_prefix("${").filter(|_| variables) {
                let (name, after) = after
                    .split_once('}')
                    .ok_or_else(|| missing("${".to_owned()))?;
                let text = self.surroundings.environment.text(name);
                expanded.push_str(text.ok_or_else(|| missing(format!("${{{name}}}")))?);
                rest = after;
                continue;
            }
            let mut letters = from.chars();
            if letters.next() == Some('$') {
                expanded.push('$');
                rest = letters.as_str();
                continue;
            }
            let token = letters.next();
            let token = token.ok_or_else(|| missing("%".to_owned()))?;
            let text = Some(token)
                .filter(|token| allowed.contains(*token))
                .and_then(|token| self.token(token))
                .ok_or_else(|| missing(format!("%{token}")))?;
            expanded.push_str(&text);
            rest = letters.as_str();
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    fn token(&self, token: char) -> Option<String> {
        let around = self.surroundings;
        let machine = || around.environment.host_name();
        Some(match token {
            '%' => "%".to_owned(),
            'C' => self.hash(machine()?),
            'd' => around.environment.home()?.to_str()?.to_owned(),
            'h' => self.host.to_owned(),
            'i' => around.environment.uid()?.to_string(),
            'j' => self.jump.to_owned(),
            'k' => self.host_key_alias.unwrap_or(self.asked).to_owned(),
            'L' => machine()?.split('.').next()?.to_owned(),
            'l' => machine()?.to_owned(),
            'n' => self.asked.to_owned(),
            'p' => self.port.to_string(),
            'r' => self.remote_user.to_owned(),
            'u' => around.local_user.clone(),
            _ => return None,
        })
    }

    /// `%C`: a name for this way to the server that is short and has no odd characters.
    fn hash(&self, machine: &str) -> String {
        let way = format!(
            "{machine}{}{}{}{}",
            self.host, self.port, self.remote_user, self.jump
        );
        let mut hex = String::with_capacity(40);
        for byte in Sha1::digest(way) {
            // Writing to a string cannot fail.
            if write!(hex, "{byte:02x}").is_err() {
                break;
            }
        }
        hex
    }
}

/// Expands what `HostName` allows: `%h` is the name that was asked for.
pub(super) fn host_name(asked: &str, value: &Placed<String>) -> Result<String, SshConfigError> {
    let mut expanded = String::new();
    let mut letters = value.value.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            expanded.push(letter);
            continue;
        }
        match letters.next() {
            Some('%') => expanded.push('%'),
            Some('h') => expanded.push_str(asked),
            other => {
                return Err(SshConfigError::NoValue {
                    option: "HostName",
                    place: value.place.clone(),
                    token: other.map_or_else(|| "%".to_owned(), |c| format!("%{c}")),
                });
            }
        }
    }
    Ok(expanded)
}
