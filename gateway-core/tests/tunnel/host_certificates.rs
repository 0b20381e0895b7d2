//! Servers that prove themselves by a certificate, judged beside the system's own ssh.

use crate::support::{Home, SshServer, dial, keygen};
use gateway_core::connection::phase::Cause;
use gateway_core::tunnel::{CertificateFault, SignInMemory, TunnelError};
use std::path::Path;
use std::process::Command;

fn public(path: &Path) -> String {
    let text = std::fs::read_to_string(format!("{}.pub", path.display())).unwrap();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// Returns whether the system's ssh gets as far as signing in, which it cannot do without a key.
fn ssh_trusts(known_hosts: &Path, port: u16) -> bool {
    let options = [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "GlobalKnownHostsFile=none",
        "IdentityFile=none",
        "IdentityAgent=none",
        "UpdateHostKeys=no",
    ];
    let ssh = Command::new("ssh")
        .args(["-F", "none"])
        .args(options.iter().flat_map(|option| ["-o", option]))
        .arg("-o")
        .arg(format!("UserKnownHostsFile={}", known_hosts.display()))
        .args(["-p", &port.to_string(), "127.0.0.1", "true"])
        .output()
        .unwrap();
    String::from_utf8_lossy(&ssh.stderr).contains("Permission denied")
}

async fn error(home: &Home, server: &SshServer) -> TunnelError {
    dial(
        &home.config(server.port, None),
        &mut SignInMemory::default(),
    )
    .await
    .unwrap_err()
}

#[tokio::test]
async fn ssh_agrees_on_which_lines_make_a_certificate_good() {
    let home = Home::new();
    let ca = home.key("ca", "");
    let stranger = home.key("stranger", "");
    let server = SshServer::start_certified(&ca, "ed25519", &["-n", "127.0.0.1,box.example"]).await;
    let name = format!("[127.0.0.1]:{}", server.port);
    let (ca, stranger, own) = (public(&ca), public(&stranger), server.host_key("ed25519"));
    let table = [
        (format!("@cert-authority {name} {ca}\n"), true),
        (
            format!("@cert-authority\t{name}\t{}\n", ca.replace(' ', "\t")),
            true,
        ),
        (format!("@cert-authority * {ca}\n"), true),
        (format!("@cert-authority 127.0.0.1 {ca}\n"), true),
        (
            format!("@cert-authority {name} {stranger}\n@cert-authority {name} {ca}\n"),
            true,
        ),
        (format!("@cert-authority {name} {stranger}\n"), false),
        (format!("@cert-authority other {ca}\n"), false),
        (
            format!("@cert-authority *,!127.0.0.1,!{name} {ca}\n"),
            false,
        ),
        // Not marked, the authority's key is only a key of the server's.
        (format!("{name} {ca}\n"), false),
        (
            format!("@cert-authority {name} {ca}\n@revoked * {ca}\n"),
            false,
        ),
        (
            format!("@cert-authority {name} {ca}\n@revoked {name} {own}\n"),
            false,
        ),
        // A certificate that is not trusted leaves the question whether the key is known.
        (
            format!("@cert-authority {name} {stranger}\n{name} {own}\n"),
            true,
        ),
        (format!("{name} {own}\n"), true),
    ];

    for (known_hosts, is_trusted) in table {
        let file = home.path("known_hosts");
        std::fs::write(&file, &known_hosts).unwrap();

        let error = error(&home, &server).await;

        let got_to_sign_in = error.step() == gateway_core::tunnel::Step::Login;
        assert_eq!(got_to_sign_in, is_trusted, "ours: {error:?}\n{known_hosts}");
        assert_eq!(
            ssh_trusts(&file, server.port),
            is_trusted,
            "ssh: {known_hosts}"
        );
        // Nothing is written for a server whose authority is trusted.
        assert_eq!(std::fs::read_to_string(&file).unwrap(), known_hosts);
    }
}

#[tokio::test]
async fn authorities_and_servers_may_have_keys_of_any_type() {
    let home = Home::new();
    for (authority, server) in [("ecdsa", "rsa"), ("rsa", "ecdsa"), ("ed25519", "rsa")] {
        let ca = home.path(&format!("ca-{authority}"));
        keygen(&ca, authority, "");
        let server = SshServer::start_certified(&ca, server, &["-n", "127.0.0.1"]).await;
        let line = format!("@cert-authority 127.0.0.* {}\n", public(&ca));
        std::fs::write(home.path("known_hosts"), line).unwrap();
        let key = home.key(&format!("id-{authority}"), "");
        server.authorize(&key);

        dial(
            &home.config(server.port, Some(&key)),
            &mut SignInMemory::default(),
        )
        .await
        .unwrap()
        .close()
        .await;
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_good_is_named_with_its_fault_before_anything_is_sent() {
    let home = Home::new();
    let ca = home.key("ca", "");
    let stranger = home.key("stranger", "");
    let table: [(&Path, &[&str], CertificateFault); 4] = [
        (&ca, &["-n", "box.example"], CertificateFault::OtherName),
        (
            &ca,
            &["-n", "127.0.0.1", "-V", "-2d:-1d"],
            CertificateFault::Expired,
        ),
        (
            &ca,
            &["-n", "127.0.0.1", "-V", "+1d:+2d"],
            CertificateFault::NotYet,
        ),
        (
            &stranger,
            &["-n", "127.0.0.1"],
            CertificateFault::OtherAuthority,
        ),
    ];

    for (signer, options, expected) in table {
        let server = SshServer::start_certified(signer, "ed25519", options).await;
        let file = home.path("known_hosts");
        std::fs::write(&file, format!("@cert-authority * {}\n", public(&ca))).unwrap();

        let error = error(&home, &server).await;

        assert_eq!(error.cause(), Cause::HostKeyUnknown);
        assert!(error.stops_retrying());
        let TunnelError::HostKeyNeedsAuthority {
            fault, authority, ..
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!((fault, authority.line), (expected, 1));
        assert!(!ssh_trusts(&file, server.port), "{expected:?}");
        server.logs("Connection closed").await;
        assert!(!server.log().contains("user"), "{}", server.log());
    }
}

#[tokio::test]
async fn a_server_without_a_certificate_is_not_asked_about_where_one_is_due() {
    let home = Home::new();
    let ca = home.key("ca", "");
    let server = SshServer::start().await;
    std::fs::write(
        home.path("known_hosts"),
        format!("@cert-authority * {}\n", public(&ca)),
    )
    .unwrap();

    let error = error(&home, &server).await;

    assert!(
        matches!(
            error,
            TunnelError::HostKeyNeedsAuthority {
                fault: CertificateFault::Missing,
                ..
            }
        ),
        "{error:?}"
    );
}
