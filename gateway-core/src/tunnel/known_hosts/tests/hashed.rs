//! `HashKnownHosts`: what we write hides whom it is about, and OpenSSH's own tools read it.

use super::*;
use std::process::Command;

fn hashing(dir: &TempDir) -> KnownHosts {
    KnownHosts::read(&KnownHostsFiles {
        own: dir.path().join("known_hosts"),
        also_read: Vec::new(),
        hashes_names: true,
    })
    .unwrap()
}

/// The line of the file in which `ssh-keygen -F` finds this name.
fn line_found(dir: &TempDir, name: &str) -> Option<usize> {
    let output = Command::new("ssh-keygen")
        .args(["-F", name, "-f"])
        .arg(dir.path().join("known_hosts"))
        .output()
        .expect("ssh-keygen is needed");
    let text = String::from_utf8(output.stdout).unwrap();
    let place = text.split("line ").nth(1)?;
    place.split_whitespace().next()?.parse().ok()
}

#[test]
fn a_host_that_is_stored_hashed_is_found_by_ssh_keygen_and_by_us_and_shows_no_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut known = hashing(&dir);

    known.add(&presented("Box.example", 22, ED25519)).unwrap();
    known.add(&presented("box.example", 2222, ECDSA)).unwrap();

    let text = std::fs::read_to_string(dir.path().join("known_hosts")).unwrap();
    assert!(text.lines().all(|line| line.starts_with("|1|")), "{text}");
    assert!(!text.contains("example"), "{text}");
    assert_eq!(line_found(&dir, "box.example"), Some(1));
    assert_eq!(line_found(&dir, "[box.example]:2222"), Some(2));
    assert_eq!(line_found(&dir, "other.example"), None);
    for (port, key) in [(22, ED25519), (2222, ECDSA)] {
        let verdict = hashing(&dir).verdict(&presented("box.example", port, key));
        assert_eq!(verdict, Verdict::Trusted, "{port}");
    }
}

#[test]
fn the_same_name_is_hidden_differently_each_time_and_replaced_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut known = hashing(&dir);
    known.add(&presented("box", 22, ED25519)).unwrap();
    known.add(&presented("other", 22, ED25519)).unwrap();
    let first = std::fs::read_to_string(dir.path().join("known_hosts")).unwrap();

    known.replace(&presented("box", 22, OTHER_ED25519)).unwrap();

    let second = std::fs::read_to_string(dir.path().join("known_hosts")).unwrap();
    let lines: Vec<&str> = second.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines.first().copied(),
        first.lines().nth(1),
        "the other's line"
    );
    assert_eq!(
        known.verdict(&presented("box", 22, OTHER_ED25519)),
        Verdict::Trusted
    );
    assert!(matches!(
        known.verdict(&presented("box", 22, ED25519)),
        Verdict::Changed { .. }
    ));
}

#[test]
fn a_name_that_could_be_taken_for_a_pattern_is_never_stored() {
    for name in [
        "*", "a,b", "!a", "a?", "a b", "@revoked", "|1|a|b", "#a", "a\nb", "",
    ] {
        for hashes_names in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let own = dir.path().join("known_hosts");
            let files = KnownHostsFiles {
                own: own.clone(),
                also_read: Vec::new(),
                hashes_names,
            };
            let mut known = KnownHosts::read(&files).unwrap();

            let refused = known.add(&presented(name, 22, ED25519));

            assert!(
                matches!(refused, Err(KnownHostsError::NotWritten { .. })),
                "{name:?}"
            );
            assert!(!own.exists(), "{name:?}");
        }
    }
}
