//! `ProxyJump`: the servers to go through, one after another.

use crate::tunnel::target::{SshTarget, TargetError};

/// The value of `ProxyJump` as written, but for a comment: entries that may hold tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JumpSpec(Vec<String>);

impl JumpSpec {
    /// Reads a value; `None` when an entry names no host.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        // What follows a blank does not count.
        let text = text.split_whitespace().next().unwrap_or_default();
        let entries: Vec<String> = text.split(',').map(str::to_owned).collect();
        let all_name_a_host = entries.iter().all(|entry| {
            let place = entry.strip_prefix("ssh://").unwrap_or(entry);
            let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
            !host.is_empty() && !host.starts_with('-')
        });
        all_name_a_host.then_some(Self(entries))
    }

    pub(super) fn entries(&self) -> &[String] {
        &self.0
    }
}

/// Reads one server to jump through, once its tokens are replaced.
pub(super) fn target(entry: &str) -> Result<SshTarget, TargetError> {
    entry.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_servers_is_read_and_an_entry_without_one_is_not() {
        let entries = |text| JumpSpec::parse(text).map(|spec| spec.0.join(" "));

        assert_eq!(entries("edge"), Some("edge".to_owned()));
        assert_eq!(
            entries("a@b:22,ssh://c:2 # comment"),
            Some("a@b:22 ssh://c:2".to_owned())
        );
        assert_eq!(entries("edge other"), Some("edge".to_owned()));
        for text in ["a,,b", "", "a@", "a, b", ",", "-x"] {
            assert_eq!(entries(text), None, "{text:?}");
        }
    }
}
