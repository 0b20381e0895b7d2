//! What must hold of any text as a list of host keys. The first line of the input is the server's
//! name, with a port after a blank; the rest is the file.

use super::line::{Hosts, Line, Marker, is_plain_name};
use super::*;
use crate::tunnel::target::SshTarget;
use russh::keys::PublicKey;

/// The key the server shows; the corpus has lines with it.
const SHOWN: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

pub(crate) fn run(data: &[u8]) {
    let (first, file) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &data[data.len()..]),
    };
    let first = String::from_utf8_lossy(first);
    let (host, port) = match first.split_once(' ') {
        Some((host, port)) => (host, port.parse().unwrap_or(2222)),
        None => (&*first, DEFAULT_PORT),
    };
    let Ok(shown) = PublicKey::from_openssh(SHOWN) else {
        unreachable!("the key above is one");
    };
    let Some(key) = PresentedKey::new(host, port, &shown) else {
        unreachable!("the key above can be encoded");
    };
    let name = lookup_name(host, port);
    each_line_is_read_as_the_manual_says(file, &name);
    trust_has_a_line_of_its_own(file, &key);
    rewriting_leaves_other_lines_alone(file, &key, &name);
}

fn known(file: &[u8]) -> KnownHosts {
    let path = PathBuf::from("known_hosts");
    KnownHosts {
        lines: placed_lines(&path, file),
        files: KnownHostsFiles {
            own: path,
            also_read: Vec::new(),
            hashes_names: false,
        },
    }
}

fn each_line_is_read_as_the_manual_says(file: &[u8], name: &str) {
    for text in String::from_utf8_lossy(file).lines() {
        let Some(line) = Line::parse(text) else {
            continue;
        };
        assert!(
            !text.trim_start_matches([' ', '\t']).starts_with('#'),
            "a comment was read"
        );
        let Hosts::Patterns(patterns) = &line.hosts else {
            continue;
        };
        let fits = |pattern: &str| slowly_fits(pattern, name);
        let expected = patterns.iter().any(|p| !p.starts_with('!') && fits(p))
            && !patterns
                .iter()
                .any(|p| p.strip_prefix('!').is_some_and(fits));
        assert_eq!(line.hosts.matches(name), expected, "{patterns:?}: {name}");
    }
}

/// Wildcards by the book: row after row of which beginnings of the name are matched.
fn slowly_fits(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let mut row = vec![false; name.len() + 1];
    row[0] = true;
    for c in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match c {
                '*' => row[at] || (at > 0 && next[at - 1]),
                _ => at > 0 && row[at - 1] && (c == '?' || c == name[at - 1]),
            };
        }
        row = next;
    }
    row[name.len()]
}

fn trust_has_a_line_of_its_own(file: &[u8], key: &PresentedKey) {
    let read = known(file);
    let verdict = read.verdict(key);
    let name = lookup_name(key.host(), key.port());
    let plain_name = lookup_name(key.host(), DEFAULT_PORT);
    let about_us = |placed: &&Placed| {
        placed.line.hosts.matches(&name) || placed.line.hosts.matches(&plain_name)
    };
    let ours: Vec<&Placed> = read.lines.iter().filter(about_us).collect();
    let says = |marker| ours.iter().any(|placed| placed.is(marker, key));
    match &verdict {
        Verdict::Trusted => assert!(says(Marker::Plain), "trusted without a line"),
        Verdict::Revoked { by } => {
            assert!(says(Marker::Revoked));
            assert_eq!(by.fingerprint, Some(key.fingerprint()));
        }
        Verdict::Changed { known } => assert!(!known.is_empty()),
        Verdict::AuthorityOnly { .. } => {}
        Verdict::Unknown => {
            let is_known = |placed: &Placed| {
                placed.line.marker != Marker::Revoked && placed.line.hosts.matches(&name)
            };
            assert!(!read.lines.iter().any(is_known), "a line was passed over");
        }
    }
    // Whatever else stands there: a revocation wins, and trust comes only with a line.
    if !is_plain_name(&name) {
        return;
    }
    let with = |line: String| {
        let mut more = file.to_vec();
        more.extend_from_slice(line.as_bytes());
        known(&more).verdict(key)
    };
    let fields = key.as_fields();
    let revoked = with(format!("\n@revoked {name} {fields}\n"));
    assert!(matches!(revoked, Verdict::Revoked { .. }), "{revoked:?}");
    let added = with(format!("\n{name} {fields}\n"));
    let was_revoked = read
        .matching(&name)
        .iter()
        .any(|placed| placed.is(Marker::Revoked, key));
    assert_eq!(added == Verdict::Trusted, !was_revoked, "{added:?}");
}

fn rewriting_leaves_other_lines_alone(file: &[u8], key: &PresentedKey, name: &str) {
    let Some(entry) = entry(key, false) else {
        // A name that could be taken for a pattern or for two is never written.
        let is_a_target = key.host().parse::<SshTarget>().is_ok_and(|target| {
            target.host == key.host() && target.user.is_none() && target.port.is_none()
        });
        assert!(!is_a_target, "{name:?} is a name, and cannot be stored");
        return;
    };
    let entries = [entry];
    let is_other = |line: &Line| !(line.marker == Marker::Plain && line.hosts.names_only(name));
    let new = rewritten(file, &entries, is_other);

    // Line for line: what is gone spoke of this host alone, and the rest has not a byte changed.
    let mut rest = new.as_slice();
    for old in file.split_inclusive(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(old);
        let gone = Line::parse(&text).is_some_and(|line| !is_other(&line));
        if gone {
            let patterns = text.to_lowercase();
            assert!(
                patterns.contains(name) || patterns.contains("|1|"),
                "{text:?}"
            );
            continue;
        }
        assert!(rest.starts_with(old), "{text:?} was changed");
        rest = &rest[old.len()..];
    }
    let rest = String::from_utf8_lossy(rest);
    assert_eq!(
        rest.trim_start_matches('\n').trim_end(),
        entries[0].trim_end()
    );
    assert_eq!(
        rewritten(&new, &entries, is_other),
        new,
        "twice is not once"
    );
    let before = known(file)
        .matching(name)
        .iter()
        .any(|p| p.is(Marker::Revoked, key));
    let after = known(&new).verdict(key);
    assert_eq!(after == Verdict::Trusted, !before, "{after:?}");

    // Hashed, it says the same and shows no name.
    if let Some(hashed) = super::entry(key, true) {
        let read = known(hashed.as_bytes());
        assert_eq!(read.verdict(key), Verdict::Trusted);
        assert!(
            read.lines
                .iter()
                .all(|placed| matches!(placed.line.hosts, Hosts::Hashed { .. }))
        );
    }
}
