//! New host keys that a trusted sshd announces and proves.

use crate::support::{Home, PATIENCE, SshServer, dial};
use gateway_core::tunnel::{SignInMemory, TunnelConfig, TunnelError};
use std::path::Path;
use std::time::Instant;

/// Waits until known_hosts is as expected, which happens beside the connection.
async fn becomes(file: &Path, expected: &[String]) {
    let started = Instant::now();
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let mut lines: Vec<&str> = text.lines().collect();
        let mut wanted: Vec<&str> = expected.iter().map(String::as_str).collect();
        lines.sort_unstable();
        wanted.sort_unstable();
        if lines == wanted {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{lines:#?}\n{wanted:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Stays long enough for an announcement and its proof.
async fn connect_and_leave(config: &TunnelConfig) {
    let tunnel = dial(config, &mut SignInMemory::default()).await.unwrap();
    for _ in 0..3 {
        tunnel.ping().await.unwrap();
    }
    tunnel.close().await;
}

#[tokio::test]
async fn a_key_that_a_trusted_server_proves_is_taken_over_and_one_given_up_is_dropped() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let key = home.key("id", "");
    server.authorize(&key);
    let own = home.path("known_hosts");
    let line = |server: &SshServer, kind: &str| {
        format!("[127.0.0.1]:{} {}", server.port, server.host_key(kind))
    };
    let other_host = format!("other {}", server.host_key("ed25519"));
    let pattern = format!("[127.0.0.*]:1 {}", server.host_key("ed25519"));
    let mut text = std::fs::read_to_string(&own).unwrap();
    text.push_str(&format!("{other_host}\n{pattern}\n"));
    std::fs::write(&own, text).unwrap();

    let server = server.with_another_host_key("ecdsa").await;
    let config = home.config(server.port, Some(&key));
    let tunnel = dial(&config, &mut SignInMemory::default()).await.unwrap();
    let ed25519 = line(&server, "ed25519");
    let ecdsa = line(&server, "ecdsa");
    becomes(
        &own,
        &[ed25519, ecdsa.clone(), other_host.clone(), pattern.clone()],
    )
    .await;
    tunnel.close().await;

    // The server gives its first key up; the second is known by now, so nobody is asked.
    let server = server.without_host_key("ed25519").await;
    let tunnel = dial(&config, &mut SignInMemory::default()).await.unwrap();
    becomes(&own, &[ecdsa, other_host, pattern]).await;
    tunnel.close().await;
    drop(server);
}

#[tokio::test]
async fn nothing_is_taken_over_where_it_is_switched_off_or_the_name_is_a_pattern() {
    let server = SshServer::start()
        .await
        .with_another_host_key("ecdsa")
        .await;
    let home = Home::new();
    let key = home.key("id", "");
    server.authorize(&key);
    let own = home.path("known_hosts");
    let pattern = format!(
        "[127.0.0.*]:{} {}\n",
        server.port,
        server.host_key("ed25519")
    );
    let exact = format!(
        "[127.0.0.1]:{} {}\n",
        server.port,
        server.host_key("ed25519")
    );

    for (text, update_host_keys) in [(pattern, true), (exact, false)] {
        std::fs::write(&own, &text).unwrap();
        let config = TunnelConfig {
            update_host_keys,
            ..home.config(server.port, Some(&key))
        };
        connect_and_leave(&config).await;
        assert_eq!(std::fs::read_to_string(&own).unwrap(), text);
    }
}

#[tokio::test]
async fn a_revoked_key_is_not_taken_over() {
    let server = SshServer::start()
        .await
        .with_another_host_key("ecdsa")
        .await;
    let server = server.with_another_host_key("rsa").await;
    let home = Home::new();
    home.trust(&server);
    let key = home.key("id", "");
    server.authorize(&key);
    std::fs::write(
        home.path("also_known_hosts"),
        format!("@revoked * {}\n", server.host_key("ecdsa")),
    )
    .unwrap();

    let tunnel = dial(
        &home.config(server.port, Some(&key)),
        &mut SignInMemory::default(),
    )
    .await
    .unwrap();
    let line = |kind| format!("[127.0.0.1]:{} {}", server.port, server.host_key(kind));
    becomes(&home.path("known_hosts"), &[line("ed25519"), line("rsa")]).await;
    tunnel.close().await;
}

#[tokio::test]
async fn a_list_that_cannot_be_written_stops_nobody_and_stays_as_it_is() {
    let server = SshServer::start()
        .await
        .with_another_host_key("ecdsa")
        .await;
    let home = Home::new();
    home.trust(&server);
    let key = home.key("id", "");
    server.authorize(&key);
    let own = home.path("known_hosts");
    let before = std::fs::read_to_string(&own).unwrap();
    let mut permissions = std::fs::metadata(&own).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&own, permissions).unwrap();

    connect_and_leave(&home.config(server.port, Some(&key))).await;

    assert_eq!(std::fs::read_to_string(&own).unwrap(), before);
}

#[tokio::test]
async fn whoever_accepts_a_key_is_told_that_it_cannot_be_written_down() {
    let server = SshServer::start().await;
    let home = Home::new();
    let key = home.key("id", "");
    server.authorize(&key);
    let own = home.path("known_hosts");
    std::fs::write(&own, "").unwrap();
    let mut permissions = std::fs::metadata(&own).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&own, permissions).unwrap();
    let mut config = home.config(server.port, Some(&key));
    let unknown = dial(&config, &mut SignInMemory::default())
        .await
        .unwrap_err();
    let TunnelError::HostKeyUnknown(presented) = unknown else {
        panic!("{unknown:?}")
    };

    config.demanded_host_key = Some(presented.fingerprint());
    let error = dial(&config, &mut SignInMemory::default())
        .await
        .unwrap_err();
    let TunnelError::KnownHosts(source) = error else {
        panic!("{error:?}")
    };
    assert!(source.to_string().contains("known_hosts"), "{source}");
}
