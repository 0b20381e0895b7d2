mod hashed;

use super::*;
use crate::tunnel::host_key::HostKeyFingerprint;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use russh::keys::PublicKey;
use sha1::Sha1;
use tempfile::TempDir;

const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const OTHER_ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILIG2T/B0l0gaqj3puu510tu9N1OkQ4znY3LYuEm5zCF";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwf2HMM5TRXvo2SQJjsNkiDD5KqiiNjrGVv3UUh+mMT5RHxiRtOnlqvjhQtBq0VpmpCV/PwUdhOig4vkbqAcEc=";

/// Our own file with this content, and its directory.
fn known(content: &str) -> (KnownHosts, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("known_hosts");
    std::fs::write(&own, content).unwrap();
    (
        KnownHosts::read(&KnownHostsFiles {
            own,
            also_read: Vec::new(),
            hashes_names: false,
        })
        .unwrap(),
        dir,
    )
}

fn presented(host: &str, port: u16, key: &str) -> PresentedKey {
    PresentedKey::new(host, port, &PublicKey::from_openssh(key).unwrap()).unwrap()
}

/// The verdict in one word.
fn verdict(content: &str, host: &str, port: u16, key: &str) -> &'static str {
    match known(content).0.verdict(&presented(host, port, key)) {
        Verdict::Trusted => "trusted",
        Verdict::Unknown => "unknown",
        Verdict::Changed { .. } => "changed",
        Verdict::Revoked { .. } => "revoked",
        Verdict::AuthorityOnly { .. } => "authority",
    }
}

fn hashed(name: &str) -> String {
    let salt = [7u8; 20];
    let mut mac = Hmac::<Sha1>::new_from_slice(&salt).unwrap();
    mac.update(name.as_bytes());
    format!(
        "|1|{}|{}",
        STANDARD.encode(salt),
        STANDARD.encode(mac.finalize().into_bytes())
    )
}

#[test]
fn every_kind_of_line_leads_to_its_verdict() {
    let e = ED25519;
    let o = OTHER_ED25519;
    let table: Vec<(String, &str, u16, &str)> = vec![
        (String::new(), "box", 22, "unknown"),
        (format!("box {e}"), "box", 22, "trusted"),
        (format!("box {e} me@box"), "BOX", 22, "trusted"),
        (format!("other {e}"), "box", 22, "unknown"),
        (format!("box {o}"), "box", 22, "changed"),
        // Known under another type only: an impostor picks the type.
        (format!("box {ECDSA}"), "box", 22, "changed"),
        // A second key of the same type, as after a rotation.
        (format!("box {o}\nbox {e}"), "box", 22, "trusted"),
        (format!("box {ECDSA}\nbox {e}"), "box", 22, "trusted"),
        (
            format!("box\t{}\n", e.replace(' ', "\t")),
            "box",
            22,
            "trusted",
        ),
        (
            format!("  box   {}  \r\n", e.replace(' ', "   ")),
            "box",
            22,
            "trusted",
        ),
        (format!("# box {o}\n\nbox {e}"), "box", 22, "trusted"),
        (format!("a,box,b {e}"), "box", 22, "trusted"),
        (format!("*.example {e}"), "a.example", 22, "trusted"),
        (format!("*.example {o}"), "a.example", 22, "changed"),
        (
            format!("*.example,!bad.example {e}"),
            "bad.example",
            22,
            "unknown",
        ),
        (format!("b?x {e}"), "box", 22, "trusted"),
        (format!("{} {e}", hashed("box")), "box", 22, "trusted"),
        (format!("{} {o}", hashed("box")), "box", 22, "changed"),
        (format!("{} {e}", hashed("other")), "box", 22, "unknown"),
        (format!("[box]:2222 {e}"), "box", 2222, "trusted"),
        (format!("[box]:2222 {o}"), "box", 2222, "changed"),
        (format!("[box]:2222 {e}"), "box", 22, "unknown"),
        (format!("[box]:2222 {e}"), "box", 2223, "unknown"),
        (
            format!("{} {e}", hashed("[box]:2222")),
            "box",
            2222,
            "trusted",
        ),
        // The same key under the plain name is the same machine; another key proves nothing.
        (format!("box {e}"), "box", 2222, "trusted"),
        (format!("box {o}"), "box", 2222, "unknown"),
        (format!("@revoked box {e}\nbox {o}"), "box", 2222, "revoked"),
        (format!("fd00::1 {e}"), "fd00::1", 22, "trusted"),
        (format!("[fd00::1]:2222 {e}"), "fd00::1", 2222, "trusted"),
        (format!("@revoked box {e}"), "box", 22, "revoked"),
        (format!("@revoked * {e}"), "box", 22, "revoked"),
        (format!("@revoked\tbox\t{e}"), "box", 22, "revoked"),
        // A revocation wins whatever else is written, and wherever.
        (format!("box {e}\n@revoked box {e}"), "box", 22, "revoked"),
        (format!("@revoked box {o}"), "box", 22, "unknown"),
        (format!("@revoked box {o}\nbox {e}"), "box", 22, "trusted"),
        (format!("@revoked other {e}\nbox {e}"), "box", 22, "trusted"),
        (
            format!("@cert-authority *.example {e}"),
            "a.example",
            22,
            "authority",
        ),
        (
            format!("@cert-authority *.example {o}"),
            "a.example",
            22,
            "authority",
        ),
        (
            format!("@cert-authority box {o}\nbox {e}"),
            "box",
            22,
            "trusted",
        ),
        (
            format!("@cert-authority box {e}\nbox {o}"),
            "box",
            22,
            "changed",
        ),
        // A key nobody can decode breaks nothing, yields no trust, and is not as good as no line.
        (
            format!("box ssh-ed25519 not-base64!\nbox {e}"),
            "box",
            22,
            "trusted",
        ),
        (
            "box ssh-ed25519 not-base64!".to_owned(),
            "box",
            22,
            "changed",
        ),
        ("box ssh-ed25519".to_owned(), "box", 22, "changed"),
        (
            "box ssh-unheard-of AAAAEnNzaC11bmhlYXJkLW9m".to_owned(),
            "box",
            22,
            "changed",
        ),
        (
            format!("other ssh-ed25519 not-base64!\nbox {e}"),
            "box",
            22,
            "trusted",
        ),
        (format!("@unheard-of box {e}"), "box", 22, "unknown"),
        (
            format!("\u{0}\u{1f600} garbage\nbox {e}"),
            "box",
            22,
            "trusted",
        ),
    ];

    for (content, host, port, expected) in table {
        assert_eq!(
            verdict(&content, host, port, ED25519),
            expected,
            "{host}:{port} in {content:?}"
        );
    }
}

#[test]
fn a_changed_key_names_every_line_it_contradicts() {
    let (known, dir) = known(&format!(
        "# first\nbox {OTHER_ED25519}\nbox {ECDSA}\nbox x ?\n"
    ));

    let Verdict::Changed { known } = known.verdict(&presented("box", 22, ED25519)) else {
        panic!()
    };

    let file = dir.path().join("known_hosts");
    let blob = STANDARD
        .decode(OTHER_ED25519.split(' ').nth(1).unwrap())
        .unwrap();
    assert_eq!(
        known[0],
        KnownKey {
            file,
            line: 2,
            key_type: "ssh-ed25519".to_owned(),
            fingerprint: Some(HostKeyFingerprint::of(&blob)),
        }
    );
    assert_eq!(
        (known[1].line, known[1].key_type.as_str()),
        (3, "ecdsa-sha2-nistp256")
    );
    assert_eq!((known[2].line, known[2].fingerprint), (4, None));
}

#[test]
fn other_files_count_as_ours_does_and_are_never_written() {
    let dir = tempfile::tempdir().unwrap();
    let also = dir.path().join("also");
    std::fs::write(&also, format!("old {ED25519}\nbox {OTHER_ED25519}\n")).unwrap();
    let files = KnownHostsFiles {
        own: dir.path().join("new/known_hosts"),
        also_read: vec![also.clone(), dir.path().join("missing")],
        hashes_names: false,
    };
    let mut known = KnownHosts::read(&files).unwrap();

    assert_eq!(
        known.verdict(&presented("old", 22, ED25519)),
        Verdict::Trusted
    );
    assert!(matches!(
        known.verdict(&presented("box", 22, ED25519)),
        Verdict::Changed { .. }
    ));
    known.replace(&presented("box", 22, ED25519)).unwrap();

    assert_eq!(
        known.verdict(&presented("box", 22, ED25519)),
        Verdict::Trusted
    );
    assert_eq!(
        std::fs::read_to_string(also).unwrap(),
        format!("old {ED25519}\nbox {OTHER_ED25519}\n")
    );
    assert_eq!(
        std::fs::read_to_string(files.own).unwrap(),
        format!("box {ED25519}\n")
    );
}

#[test]
fn adding_keeps_every_byte_that_was_there() {
    let (mut known, dir) = known(&format!("# mine\n\nbad line\nother {ECDSA}"));

    known.add(&presented("Box", 2222, ED25519)).unwrap();
    known.add(&presented("box", 2222, ED25519)).unwrap();

    assert_eq!(
        std::fs::read_to_string(dir.path().join("known_hosts")).unwrap(),
        format!("# mine\n\nbad line\nother {ECDSA}\n[box]:2222 {ED25519}\n")
    );
}

#[test]
fn replacing_removes_only_the_lines_of_exactly_this_host() {
    let h = hashed("box");
    let (mut known, dir) = known(&format!(
        "box {OTHER_ED25519}\nbox,b {ECDSA}\n{h} {ECDSA}\n[box]:2222 {ECDSA}\n@revoked box {ECDSA}\n"
    ));

    known.replace(&presented("box", 22, ED25519)).unwrap();

    assert_eq!(
        std::fs::read_to_string(dir.path().join("known_hosts")).unwrap(),
        format!("box,b {ECDSA}\n[box]:2222 {ECDSA}\n@revoked box {ECDSA}\nbox {ED25519}\n")
    );
    assert_eq!(
        known.verdict(&presented("box", 22, ED25519)),
        Verdict::Trusted
    );
}

#[test]
fn a_key_added_by_somebody_else_meanwhile_is_kept() {
    let (mut known, dir) = known("");
    let file = dir.path().join("known_hosts");
    std::fs::write(&file, format!("other {ECDSA}\n")).unwrap();

    known.add(&presented("box", 22, ED25519)).unwrap();

    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        format!("other {ECDSA}\nbox {ED25519}\n")
    );
}

#[test]
fn a_file_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    // A directory in its place, because permissions do not stop root.
    let files = KnownHostsFiles {
        own: dir.path().to_owned(),
        also_read: Vec::new(),
        hashes_names: false,
    };
    let also = KnownHostsFiles {
        own: dir.path().join("none"),
        also_read: vec![dir.path().to_owned()],
        hashes_names: false,
    };

    for files in [files, also] {
        assert!(matches!(
            KnownHosts::read(&files),
            Err(KnownHostsError::Unreadable { .. })
        ));
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_what_is_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("data/known_hosts");
    let files = KnownHostsFiles {
        own: own.clone(),
        also_read: Vec::new(),
        hashes_names: false,
    };

    KnownHosts::read(&files)
        .unwrap()
        .add(&presented("box", 22, ED25519))
        .unwrap();

    assert_eq!(
        std::fs::metadata(&own).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        std::fs::metadata(own.parent().unwrap())
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o700
    );
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_is_not_written_through() {
    let dir = tempfile::tempdir().unwrap();
    let theirs = dir.path().join("theirs");
    std::fs::write(&theirs, "").unwrap();
    let own = dir.path().join("known_hosts");
    std::os::unix::fs::symlink(&theirs, &own).unwrap();
    let files = KnownHostsFiles {
        own,
        also_read: Vec::new(),
        hashes_names: false,
    };

    let result = KnownHosts::read(&files)
        .unwrap()
        .add(&presented("box", 22, ED25519));

    assert!(
        matches!(result, Err(KnownHostsError::Symlink { .. })),
        "{result:?}"
    );
    assert_eq!(std::fs::read_to_string(theirs).unwrap(), "");
}

#[test]
fn a_file_that_cannot_be_written_leaves_everything_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let files = KnownHostsFiles {
        own: dir.path().join("file/known_hosts"),
        also_read: Vec::new(),
        hashes_names: false,
    };
    let known = KnownHosts::read(&files);

    // Below a plain file there can be no directory; reading says so too, in its own way.
    let is_refused = match known {
        Ok(mut known) => matches!(
            known.add(&presented("box", 22, ED25519)),
            Err(KnownHostsError::NotWritten { .. })
        ),
        Err(error) => matches!(error, KnownHostsError::Unreadable { .. }),
    };
    assert!(is_refused);
}

#[test]
fn the_types_known_for_a_host_are_offered_first() {
    let (known, _dir) = known(&format!(
        "box {ECDSA}\n[box]:2222 ssh-rsa AAAA\n@cert-authority ca {ECDSA}\n"
    ));
    let first = |host: &str, port: u16| {
        let offered = known.algorithms_known_for(host, port);
        assert_eq!(offered.len(), HOST_KEY_ALGORITHMS.len());
        offered[0].to_string()
    };

    assert_eq!(first("box", 22), "ecdsa-sha2-nistp256");
    assert_eq!(first("box", 2222), "rsa-sha2-512");
    assert_eq!(first("box", 2223), "ecdsa-sha2-nistp256");
    assert_eq!(first("ca", 22), "ssh-ed25519");
    assert_eq!(first("nobody", 22), "ssh-ed25519");
    assert!(
        known
            .algorithms_known_for("box", 2222)
            .iter()
            .all(|a| a.as_str() != "ssh-rsa")
    );
}

#[test]
fn ssh_keygen_finds_the_same_hosts() {
    let e = ED25519;
    let content = format!(
        "box {e}\n*.example,!bad.example {e}\n{} {e}\n[box]:2222\t{e}\n@revoked gone {e}\n{} {e}\n",
        hashed("secret"),
        hashed("[secret]:2222")
    );
    let (known, dir) = known(&content);
    let names = [
        "box",
        "BOX",
        "a.example",
        "bad.example",
        "example",
        "secret",
        "[secret]:2222",
        "[box]:2222",
        "[box]:22",
        "[a.example]:2222",
        "gone",
        "other",
        "*.example",
    ];

    for name in names {
        let output = std::process::Command::new("ssh-keygen")
            .args(["-F", name, "-f"])
            .arg(dir.path().join("known_hosts"))
            .output()
            .unwrap();
        let found_by_ssh = output.status.success();
        let found_by_us = !known.matching(&name.to_lowercase()).is_empty();
        // ssh-keygen takes the name as it is spelled; ssh itself, like us, in lower case.
        if name == name.to_lowercase() {
            assert_eq!(found_by_us, found_by_ssh, "{name}");
        }
    }
}
