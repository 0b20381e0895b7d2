//! What a real sshd sees of us, and we of it, while its host key is being judged.

use crate::support::{Home, SshServer, dial, run};
use gateway_core::connection::phase::Cause;
use gateway_core::tunnel::{HostKeyFingerprint, SignInMemory, TunnelError};
use std::process::Command;

/// Fails if the server learnt anything about us but that somebody connected and left.
async fn learnt_nothing(server: &SshServer) {
    server.logs("Connection closed").await;
    let log = server.log();
    for word in ["user", "publickey", "Accepted", "Failed"] {
        assert!(!log.contains(word), "sshd logged {word}:\n{log}");
    }
}

/// Returns the fingerprint of a server's host key as ssh-keygen shows it.
fn fingerprint_by_ssh_keygen(server: &SshServer, kind: &str) -> HostKeyFingerprint {
    let shown = run(Command::new("ssh-keygen")
        .arg("-lf")
        .arg(server.host_key_file(kind)));
    shown.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_unknown_host_key_is_asked_about_before_anything_about_the_user_is_sent() {
    let server = SshServer::start().await;
    let home = Home::new();
    let key = home.key("id", "");
    server.authorize(&key);

    let error = dial(
        &home.config(server.port, Some(&key)),
        &mut SignInMemory::default(),
    )
    .await
    .unwrap_err();

    let TunnelError::HostKeyUnknown(presented) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (presented.host(), presented.port()),
        ("127.0.0.1", server.port)
    );
    assert_eq!(presented.key_type(), "ssh-ed25519");
    assert_eq!(
        presented.fingerprint(),
        fingerprint_by_ssh_keygen(&server, "ed25519")
    );
    learnt_nothing(&server).await;
    assert!(!home.path("known_hosts").exists());
}

#[tokio::test]
async fn a_key_that_was_trusted_lets_the_next_dial_through() {
    let server = SshServer::start().await;
    let home = Home::new();
    let key = home.key("id", "");
    server.authorize(&key);
    let config = home.config(server.port, Some(&key));
    let error = dial(&config, &mut SignInMemory::default())
        .await
        .unwrap_err();
    let TunnelError::HostKeyUnknown(presented) = error else {
        panic!("{error:?}")
    };

    home.store(&presented);

    dial(&config, &mut SignInMemory::default())
        .await
        .unwrap()
        .close()
        .await;
}

#[tokio::test]
async fn a_demanded_key_is_stored_and_any_other_is_refused() {
    let server = SshServer::start().await;
    let home = Home::new();
    let key = home.key("id", "");
    server.authorize(&key);
    let mut config = home.config(server.port, Some(&key));

    config.demanded_host_key = Some(HostKeyFingerprint::of(b"another key"));
    let error = dial(&config, &mut SignInMemory::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, TunnelError::HostKeyNotDemanded { .. }),
        "{error:?}"
    );
    learnt_nothing(&server).await;
    assert!(!home.path("known_hosts").exists());

    config.demanded_host_key = Some(fingerprint_by_ssh_keygen(&server, "ed25519"));
    dial(&config, &mut SignInMemory::default())
        .await
        .unwrap()
        .close()
        .await;
    let stored = std::fs::read_to_string(home.path("known_hosts")).unwrap();
    assert_eq!(
        stored,
        format!(
            "[127.0.0.1]:{} {}\n",
            server.port,
            server.host_key("ed25519")
        )
    );
}

#[tokio::test]
async fn a_server_that_comes_back_with_another_type_of_key_is_stopped_at() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let key = home.key("id", "");
    server.authorize(&key);
    let server = server.restart_with_host_key("ecdsa").await;

    let error = dial(
        &home.config(server.port, Some(&key)),
        &mut SignInMemory::default(),
    )
    .await
    .unwrap_err();

    assert_eq!(error.cause(), Cause::HostKeyChanged);
    assert!(error.stops_retrying());
    let TunnelError::HostKeyChanged { presented, known } = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        presented.fingerprint(),
        fingerprint_by_ssh_keygen(&server, "ecdsa")
    );
    assert_eq!(
        (known[0].line, known[0].key_type.as_str()),
        (1, "ssh-ed25519")
    );
    learnt_nothing(&server).await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_even_if_it_is_trusted_and_demanded() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let revoked = format!("@revoked * {}\n", server.host_key("ed25519"));
    std::fs::write(home.path("also_known_hosts"), revoked).unwrap();
    let mut config = home.config(server.port, None);
    config.demanded_host_key = Some(fingerprint_by_ssh_keygen(&server, "ed25519"));

    let error = dial(&config, &mut SignInMemory::default())
        .await
        .unwrap_err();

    assert_eq!(error.cause(), Cause::HostKeyRevoked);
    let TunnelError::HostKeyRevoked { by, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!((by.file, by.line), (home.path("also_known_hosts"), 1));
    learnt_nothing(&server).await;
}

#[tokio::test]
async fn a_server_with_several_keys_shows_the_one_we_know() {
    let server = SshServer::start().await.restart_with_host_key("rsa").await;
    let server = server.with_another_host_key("ecdsa").await;
    let home = Home::new();
    let line = format!("[127.0.0.1]:{} {}\n", server.port, server.host_key("rsa"));
    std::fs::write(home.path("known_hosts"), line).unwrap();
    let key = home.key("id", "");
    server.authorize(&key);

    // ECDSA comes first in our own order; asking for it would make the server look changed.
    dial(
        &home.config(server.port, Some(&key)),
        &mut SignInMemory::default(),
    )
    .await
    .unwrap()
    .close()
    .await;
}

#[tokio::test]
async fn ssh_agrees_with_our_verdicts() {
    let server = SshServer::start().await;
    let home = Home::new();
    let own = server.host_key("ed25519");
    let stranger = {
        crate::support::keygen(&home.path("stranger"), "ed25519", "");
        let text = std::fs::read_to_string(home.path("stranger.pub")).unwrap();
        text.split(' ').take(2).collect::<Vec<_>>().join(" ")
    };
    let name = format!("[127.0.0.1]:{}", server.port);
    let table = [
        (format!("{name} {own}\n"), true),
        (format!("[127.0.0.*]:{} {own}\n", server.port), true),
        (format!("127.0.0.1 {own}\n"), true),
        (format!("{name} {stranger}\n{name} {own}\n"), true),
        (format!("{name}\t{}\n", own.replace(' ', "\t")), true),
        (String::new(), false),
        (format!("{name} {stranger}\n"), false),
        (format!("{name} {own}\n@revoked {name} {own}\n"), false),
        (
            format!("[127.0.0.*]:{},!{name} {own}\n", server.port),
            false,
        ),
        (format!("@cert-authority {name} {own}\n"), false),
        (format!("{name} ssh-ed25519 not-base64\n"), false),
    ];

    for (known_hosts, is_trusted) in table {
        let file = home.path("known_hosts");
        std::fs::write(&file, &known_hosts).unwrap();
        // Without a key to sign in with, ssh fails either way; its words tell how far it came.
        let ssh = Command::new("ssh")
            .args([
                "-F",
                "none",
                "-o",
                "BatchMode=yes",
                "-o",
                "StrictHostKeyChecking=yes",
                "-o",
                "GlobalKnownHostsFile=none",
            ])
            .args([
                "-o",
                "IdentityFile=none",
                "-o",
                "IdentityAgent=none",
                "-o",
                "UpdateHostKeys=no",
            ])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", file.display()))
            .args(["-p", &server.port.to_string(), "127.0.0.1", "true"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ssh.stderr).into_owned();
        assert_eq!(
            said.contains("Permission denied"),
            is_trusted,
            "ssh: {said}\n{known_hosts}"
        );

        let error = dial(
            &home.config(server.port, None),
            &mut SignInMemory::default(),
        )
        .await
        .unwrap_err();
        let got_to_sign_in = error.step() == gateway_core::tunnel::Step::Login;
        assert_eq!(got_to_sign_in, is_trusted, "ours: {error:?}\n{known_hosts}");
    }
}
