//! One line that is being followed: what its value says, or what is wrong with it.

use super::arguments::Statement;
use super::error::{Place, SshConfigError};
use super::host_config::{AddressFamily, StrictHostKeyChecking};
use super::values::Placed;
use std::time::Duration;

/// A line that is being followed.
pub(super) struct OneLine<'a> {
    pub(super) statement: Statement<'a>,
    pub(super) place: &'a Place,
}

impl OneLine<'_> {
    pub(super) fn bad(&self, why: &'static str) -> SshConfigError {
        SshConfigError::BadValue {
            option: self.statement.keyword.to_owned(),
            place: self.place.clone(),
            why,
        }
    }

    pub(super) fn placed<T>(&self, value: T) -> Placed<T> {
        Placed {
            value,
            place: self.place.clone(),
        }
    }

    pub(super) fn flag(&self, word: &str) -> Result<bool, SshConfigError> {
        match word.to_ascii_lowercase().as_str() {
            "yes" | "true" => Ok(true),
            "no" | "false" => Ok(false),
            _ => Err(self.bad("must be yes or no")),
        }
    }

    pub(super) fn port(&self, word: &str) -> Result<u16, SshConfigError> {
        // The names of services that people tunnel SSH through; a list of them all is the system's.
        let number = match word {
            "ssh" => Some(22),
            "http" => Some(80),
            "https" => Some(443),
            word => word.parse().ok().filter(|port| *port != 0),
        };
        number.ok_or_else(|| self.bad("must be a port from 1 to 65535"))
    }

    pub(super) fn strictness(&self, word: &str) -> Result<StrictHostKeyChecking, SshConfigError> {
        match word.to_ascii_lowercase().as_str() {
            "yes" | "true" => Ok(StrictHostKeyChecking::Yes),
            "ask" => Ok(StrictHostKeyChecking::Ask),
            "accept-new" => Ok(StrictHostKeyChecking::AcceptNew),
            "no" | "false" | "off" => Ok(StrictHostKeyChecking::Off),
            _ => Err(self.bad("must be yes, no, ask or accept-new")),
        }
    }

    pub(super) fn family(&self, word: &str) -> Result<AddressFamily, SshConfigError> {
        match word.to_ascii_lowercase().as_str() {
            "any" => Ok(AddressFamily::Any),
            "inet" => Ok(AddressFamily::Inet),
            "inet6" => Ok(AddressFamily::Inet6),
            _ => Err(self.bad("must be any, inet or inet6")),
        }
    }

    /// Reads seconds, or `1h30m` and the like (sshd_config(5), "TIME FORMATS").
    pub(super) fn duration(&self, word: &str) -> Result<Duration, SshConfigError> {
        let fault = || self.bad("must be a time such as 30 or 5m");
        let mut total: u64 = 0;
        let mut rest = word;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at(digits);
            let number: u64 = number.parse().map_err(|_| fault())?;
            let mut letters = after.chars();
            let unit = match letters.next() {
                None | Some('s' | 'S') => 1,
                Some('m' | 'M') => 60,
                Some('h' | 'H') => 3_600,
                Some('d' | 'D') => 86_400,
                Some('w' | 'W') => 604_800,
                Some(_) => return Err(fault()),
            };
            total = number
                .checked_mul(unit)
                .and_then(|seconds| total.checked_add(seconds))
                .filter(|seconds| *seconds <= u64::from(u32::MAX >> 1))
                .ok_or_else(fault)?;
            rest = letters.as_str();
        }
        Ok(Duration::from_secs(total))
    }
}
