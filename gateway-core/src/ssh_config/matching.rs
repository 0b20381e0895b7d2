//! The conditions of a `Match` line.

use super::Asked;
use super::arguments::next_word;
use super::error::SshConfigError;
use super::host_config;
use super::pattern::{host_list_fits, list_fits};
use super::values::Values;

/// What the conditions are held against.
pub(super) struct Candidate<'a> {
    pub(super) asked: Asked<'a>,
    /// The name that `Host` lines see: the one dialled, in the last pass.
    pub(super) name: &'a str,
    pub(super) values: &'a Values,
    pub(super) local_user: &'a str,
    /// Whether this is the second pass over the files.
    pub(super) is_final: bool,
}

/// What a `Match` line comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Matched {
    pub(super) holds: bool,
    /// A condition that only something we do not do could decide, where nothing else decided.
    pub(super) undecided: Option<&'static str>,
    /// Whether the line asks for a second pass over the files.
    pub(super) wants_final_pass: bool,
}

/// Why a `Match` line cannot be read, as the end of a sentence.
pub(super) type Fault = &'static str;

/// Conditions of ssh_config(5) that take something from outside the files to decide.
const UNDECIDABLE: [(&str, &str); 4] = [
    ("exec", "Match exec"),
    ("localnetwork", "Match localnetwork"),
    ("version", "Match version"),
    ("localaddress", "Match localaddress"),
];

impl Candidate<'_> {
    /// Reads the conditions and holds them against the candidate; the inner error is the line's.
    pub(super) fn matches(
        &self,
        conditions: &str,
    ) -> Result<Result<Matched, Fault>, SshConfigError> {
        let mut rest = conditions;
        let mut matched = Matched {
            holds: true,
            undecided: None,
            wants_final_pass: false,
        };
        let mut count = 0;
        while let Some((word, after)) = next_word(rest) {
            rest = after;
            if word.is_empty() || word.starts_with('#') {
                break;
            }
            let (negated, name) = match word.strip_prefix('!') {
                Some(name) => (true, name),
                None => (false, word),
            };
            let name = name.to_ascii_lowercase();
            if name == "all" {
                let more = next_word(rest).map_or("", |(word, _)| word);
                if count > 1 || !(more.is_empty() || more.starts_with('#')) {
                    return Ok(Err("combines all with other conditions"));
                }
                matched.holds &= !negated;
                return Ok(Ok(matched));
            }
            count += 1;
            if name == "canonical" || name == "final" {
                matched.wants_final_pass |= name == "final";
                matched.holds &= self.is_final != negated;
                continue;
            }
            let Some((argument, after)) = next_word(rest)
                .filter(|(argument, _)| !argument.is_empty() && !argument.starts_with('#'))
            else {
                return Ok(Err("lacks the value of a condition"));
            };
            rest = after;
            if let Some((_, shown)) = UNDECIDABLE.iter().find(|(known, _)| *known == name) {
                matched.undecided = matched.undecided.or(Some(shown));
                continue;
            }
            let Some(holds) = self.condition(&name, argument)? else {
                return Ok(Err("has a condition that does not exist"));
            };
            matched.holds &= holds != negated;
        }
        if count == 0 {
            return Ok(Err("lacks a condition"));
        }
        Ok(Ok(matched))
    }

    /// Decides one condition; `None` when there is none of this name.
    fn condition(&self, name: &str, list: &str) -> Result<Option<bool>, SshConfigError> {
        Ok(Some(match name {
            "host" => host_list_fits(&host_config::dialled(self.values, self.name)?, list),
            "originalhost" => host_list_fits(self.asked.host, list),
            "user" => list_fits(self.values.user.as_deref().unwrap_or(self.local_user), list),
            "localuser" => list_fits(self.local_user, list),
            "tagged" => list_fits(self.values.tag.as_deref().unwrap_or_default(), list),
            // We open no session on the server, as `ssh -N` does not.
            "sessiontype" => list_fits("none", list),
            "command" => list_fits("", list),
            _ => return Ok(None),
        }))
    }
}
