//! Texts nobody would write: whatever they are, the reader ends with an answer.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Files that are only texts; every folder holds them all.
struct Texts(BTreeMap<PathBuf, String>);

impl ConfigFiles for Texts {
    fn read(&self, path: &Path, _: bool) -> Result<String, ReadError> {
        self.0.get(path).cloned().ok_or(ReadError::Missing)
    }

    fn names(&self, _: &Path) -> Vec<String> {
        let names = self.0.keys().filter_map(|path| path.file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }
}

fn read_both(host: &str, user: &str, system: &str) {
    let files = Texts(BTreeMap::from([
        (PathBuf::from("/home/me/.ssh/config"), user.to_owned()),
        (PathBuf::from("/etc/ssh/ssh_config"), system.to_owned()),
    ]));
    let surroundings = at_home(
        Path::new("/home/me"),
        Sources::Usual {
            user: Some("/home/me/.ssh/config".into()),
            system: Some("/etc/ssh/ssh_config".into()),
        },
    );
    drop(look_up(asked(host), true, &surroundings, &files));
}

/// Something like a line: a word that matters with something after it.
fn line() -> impl Strategy<Value = String> {
    let keyword = prop_oneof![
        Just("Host"),
        Just("Match"),
        Just("Include"),
        Just("HostName"),
        Just("Port"),
        Just("IdentityFile"),
        Just("ProxyJump"),
        Just("UserKnownHostsFile"),
        Just("ServerAliveInterval"),
        Just("IdentityAgent"),
        Just("IgnoreUnknown"),
        Just("StrictHostKeyChecking"),
    ];
    let value = prop_oneof!["\\PC{0,24}", "[-*?!,%$~{}\"'\\\\#=@:\\[\\] a-z0-9/é]{0,24}"];
    (keyword, "[ \t=]{1,2}", value).prop_map(|(k, s, v)| format!("{k}{s}{v}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_text_makes_the_reader_panic(
        host in "\\PC{0,12}",
        user in "(?s).{0,200}",
        system in "(?s).{0,200}",
    ) {
        read_both(&host, &user, &system);
    }

    #[test]
    fn no_lines_make_the_reader_panic(
        host in "[a-z%*.]{0,6}",
        user in proptest::collection::vec(line(), 0..12),
        system in proptest::collection::vec(line(), 0..6),
    ) {
        read_both(&host, &user.join("\n"), &system.join("\n"));
    }
}
