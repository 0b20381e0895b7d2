//! Each rule about authorities, certificates and announced keys, with a case that fails without it.

use super::*;
use crate::tunnel::known_hosts::{KnownHostsError, KnownHostsFiles};
use russh::keys::key::safe_rng;
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::{PrivateKey, PublicKey};
use std::time::Duration;
use tempfile::TempDir;

const BEGIN: u64 = 1_000_000;

/// A server with a certificate, its authority, and a stranger.
struct World {
    certificate: Certificate,
    server: PublicKey,
    authority: PublicKey,
    stranger: PublicKey,
}

impl World {
    fn new() -> Self {
        let mut rng = safe_rng();
        let key = || PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
        let (authority, server, stranger) = (key(), key(), key());
        let mut builder = Builder::new_with_random_nonce(
            &mut rng,
            server.public_key().clone(),
            BEGIN,
            BEGIN + 1000,
        )
        .unwrap();
        builder.cert_type(CertType::Host).unwrap();
        builder.valid_principal("box").unwrap();
        Self {
            certificate: builder.sign(&authority).unwrap(),
            server: server.public_key().clone(),
            authority: authority.public_key().clone(),
            stranger: stranger.public_key().clone(),
        }
    }

    /// Fills in the keys: `C` the authority's, `S` the server's, `X` a stranger's.
    fn text(&self, pattern: &str) -> String {
        let field = |key: &PublicKey| {
            let text = key.to_openssh().unwrap();
            text.split(' ').take(2).collect::<Vec<_>>().join(" ")
        };
        pattern
            .replace("<C>", &field(&self.authority))
            .replace("<S>", &field(&self.server))
            .replace("<X>", &field(&self.stranger))
    }

    fn verdict(&self, pattern: &str, host: &str, port: u16, after: u64) -> String {
        let (known, _dir) = known(&self.text(pattern));
        let key = PresentedKey::new(host, port, &self.server).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(BEGIN + after);
        match known.verdict_on_certificate(&key, &self.certificate, now) {
            Verdict::Trusted => "trusted".to_owned(),
            Verdict::Unknown => "unknown".to_owned(),
            Verdict::Changed { .. } => "changed".to_owned(),
            Verdict::Revoked { by } => format!("revoked by {}", by.line),
            Verdict::AuthorityOnly { authority, fault } => {
                format!("{fault:?} at {}", authority.line)
            }
        }
    }
}

fn known(content: &str) -> (KnownHosts, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("known_hosts");
    std::fs::write(&own, content).unwrap();
    let files = KnownHostsFiles {
        own,
        also_read: Vec::new(),
        hashes_names: false,
    };
    (KnownHosts::read(&files).unwrap(), dir)
}

fn presented(host: &str, port: u16, key: &PublicKey) -> PresentedKey {
    PresentedKey::new(host, port, key).unwrap()
}

#[test]
fn every_rule_about_certificates_has_its_verdict() {
    let world = World::new();
    let table = [
        ("@cert-authority box <C>", "box", 22, 0, "trusted"),
        ("@cert-authority *,!other <C>", "box", 22, 0, "trusted"),
        ("@cert-authority box <C>", "box", 2222, 0, "trusted"),
        ("@cert-authority [box]:2222 <C>", "box", 2222, 0, "trusted"),
        (
            "@cert-authority box <X>\n@cert-authority box <C>",
            "box",
            22,
            0,
            "trusted",
        ),
        // Another server's authority, another port's, or a key that is no authority.
        ("@cert-authority other <C>", "box", 22, 0, "unknown"),
        ("@cert-authority [box]:2222 <C>", "box", 22, 0, "unknown"),
        ("box <C>", "box", 22, 0, "changed"),
        ("", "box", 22, 0, "unknown"),
        (
            "@cert-authority box <X>",
            "box",
            22,
            0,
            "OtherAuthority at 1",
        ),
        // The server's own key is not its own authority.
        (
            "@cert-authority box <S>",
            "box",
            22,
            0,
            "OtherAuthority at 1",
        ),
        (
            "@cert-authority box <X>",
            "box",
            2222,
            0,
            "OtherAuthority at 1",
        ),
        ("@cert-authority * <C>", "other", 22, 0, "OtherName at 1"),
        ("\n@cert-authority box <C>", "box", 22, 1000, "Expired at 2"),
        // Revoked: the authority or the key, wherever it stands, for this server.
        (
            "@cert-authority box <C>\n@revoked * <C>",
            "box",
            22,
            0,
            "revoked by 2",
        ),
        (
            "@revoked box <S>\n@cert-authority box <C>",
            "box",
            22,
            0,
            "revoked by 1",
        ),
        (
            "@cert-authority box <C>\n@revoked box <C>",
            "box",
            2222,
            0,
            "revoked by 2",
        ),
        (
            "@cert-authority box <C>\n@revoked other <C>",
            "box",
            22,
            0,
            "trusted",
        ),
        (
            "@cert-authority box <C>\n@revoked * <X>",
            "box",
            22,
            0,
            "trusted",
        ),
        // A certificate that is not good leaves the question whether the key is known.
        ("@cert-authority box <X>\nbox <S>", "box", 22, 0, "trusted"),
        (
            "@cert-authority box <C>\nbox <S>",
            "box",
            22,
            1000,
            "trusted",
        ),
        ("@cert-authority box <X>\nbox <X>", "box", 22, 0, "changed"),
    ];

    for (pattern, host, port, after, expected) in table {
        assert_eq!(
            world.verdict(pattern, host, port, after),
            expected,
            "{host}:{port} in {pattern:?}"
        );
    }
}

#[test]
fn a_bare_key_does_not_do_where_an_authority_is_named_under_either_name() {
    let world = World::new();
    let table = [
        ("@cert-authority box <C>", 22, true),
        ("@cert-authority box <C>", 2222, true),
        ("@cert-authority [box]:2222 <C>", 2222, true),
        ("@cert-authority [box]:2222 <C>", 22, false),
        ("@cert-authority other <C>", 22, false),
    ];

    for (pattern, port, is_due) in table {
        let (known, _dir) = known(&world.text(pattern));
        let verdict = known.verdict(&presented("box", port, &world.server));
        let fault = match verdict {
            Verdict::AuthorityOnly { fault, .. } => Some(fault),
            Verdict::Trusted
            | Verdict::Unknown
            | Verdict::Changed { .. }
            | Verdict::Revoked { .. } => None,
        };
        let expected = is_due.then_some(CertificateFault::Missing);
        assert_eq!(fault, expected, "{pattern:?} {port}");
        // What is due is also what is offered.
        let offered = known.certificate_algorithms_for("box", port);
        assert_eq!(!offered.is_empty(), is_due, "{pattern:?} {port}");
    }
}

#[test]
fn no_certificate_is_asked_for_where_only_keys_are_known() {
    let world = World::new();
    for pattern in ["", "box <S>", "@revoked box <C>"] {
        let (known, _dir) = known(&world.text(pattern));
        assert_eq!(
            known.certificate_algorithms_for("box", 22),
            [],
            "{pattern:?}"
        );
    }
}

#[test]
fn only_a_line_with_the_server_s_own_name_and_key_lets_it_change_the_list() {
    let world = World::new();
    let table = [
        ("box <S>", 22, true),
        ("[box]:2222 <S>", 2222, true),
        ("box <S>", 2222, false),
        ("b?x <S>", 22, false),
        ("box,other <S>", 22, false),
        ("box <X>", 22, false),
        ("@cert-authority box <S>", 22, false),
        ("", 22, false),
    ];

    for (pattern, port, expected) in table {
        let (known, _dir) = known(&world.text(pattern));
        let key = presented("box", port, &world.server);
        assert_eq!(
            known.is_listed_by_name(&key),
            expected,
            "{pattern:?} {port}"
        );
    }
}

#[test]
fn a_rotation_adds_what_was_proven_and_drops_what_was_given_up() {
    let world = World::new();
    let before = "# mine\nbox <X>\nbox,other <X>\nb?x <X>\nother <X>\n[box]:2222 <X>\n@revoked box <X>\n@cert-authority box <X>\nbox ssh-unheard-of AAAA\nbox <S>\n";
    let (mut known, dir) = known(&world.text(before));
    let used = presented("box", 22, &world.server);
    let new = presented("box", 22, &world.authority);

    known
        .rotate("box", 22, &[used, new.clone()], std::slice::from_ref(&new))
        .unwrap();

    let after = before.replace("# mine\nbox <X>\n", "# mine\n") + "box <C>\n";
    let file = dir.path().join("known_hosts");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), world.text(&after));
    assert_eq!(known.verdict(&new), Verdict::Trusted);
}

#[test]
fn a_rotation_that_changes_nothing_writes_nothing() {
    let world = World::new();
    let (mut known, dir) = known(&world.text("box <S>\n"));
    let file = dir.path().join("known_hosts");
    let mut permissions = std::fs::metadata(&file).unwrap().permissions();
    let used = presented("box", 22, &world.server);
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();

    known
        .rotate("box", 22, std::slice::from_ref(&used), &[])
        .unwrap();
    assert_eq!(
        std::fs::metadata(&file).unwrap().modified().unwrap(),
        written
    );

    // And a file that somebody made read-only is not gone round by renaming.
    permissions.set_readonly(true);
    std::fs::set_permissions(&file, permissions).unwrap();
    let new = presented("box", 22, &world.stranger);
    let result = known.rotate("box", 22, &[used, new.clone()], &[new]);
    assert!(
        matches!(&result, Err(KnownHostsError::NotWritten { path, .. }) if *path == file),
        "{result:?}"
    );
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        world.text("box <S>\n")
    );
}
