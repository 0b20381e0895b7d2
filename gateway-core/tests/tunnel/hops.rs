//! Servers behind others: each of the way is judged and signed in to in its turn.

use crate::support::{
    Home, PATIENCE, SshServer, dial, dial_with_steps, echo_service, free_port, whoami,
};
use gateway_core::connection::phase::Cause;
use gateway_core::credentials::secret::AccountPassword;
use gateway_core::tunnel::{
    ForwardError, NextStep, SignIn, SignInMemory, Step, Tunnel, TunnelConfig, TunnelError,
    TunnelStep, UnknownHostKey,
};
use rustix::process::Signal;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

/// Two servers, and a user who has a key for each: `edge` leads to `inner`.
struct Scene {
    edge: SshServer,
    inner: SshServer,
    home: Home,
    edge_key: PathBuf,
    inner_key: PathBuf,
}

impl Scene {
    async fn new(edge_settings: &str) -> Self {
        let home = Home::new();
        let (edge, inner) = (
            SshServer::start_with(edge_settings).await,
            SshServer::start().await,
        );
        let (edge_key, inner_key) = (home.key("edge_id", ""), home.key("inner_id", ""));
        edge.authorize(&edge_key);
        inner.authorize(&inner_key);
        Self {
            edge,
            inner,
            home,
            edge_key,
            inner_key,
        }
    }

    /// As [`Scene::new`], with both host keys known.
    async fn trusted(edge_settings: &str) -> Self {
        let scene = Self::new(edge_settings).await;
        let line = |server: &SshServer| {
            format!(
                "[127.0.0.1]:{} {}\n",
                server.port,
                server.host_key("ed25519")
            )
        };
        let known = line(&scene.edge) + &line(&scene.inner);
        std::fs::write(scene.home.path("known_hosts"), known).unwrap();
        scene
    }

    fn config(&self) -> TunnelConfig {
        let hop = TunnelConfig {
            name: Some("edge".to_owned()),
            ..self.home.config(self.edge.port, Some(&self.edge_key))
        };
        TunnelConfig {
            via: vec![hop],
            ..self.home.config(self.inner.port, Some(&self.inner_key))
        }
    }

    async fn open(&self) -> Tunnel {
        dial(&self.config(), &mut SignInMemory::default())
            .await
            .unwrap()
    }

    async fn refusal(&self, config: &TunnelConfig) -> TunnelError {
        dial(config, &mut SignInMemory::default())
            .await
            .unwrap_err()
    }

    /// Waits until neither server serves anybody.
    async fn is_left_alone(&self) {
        let left = async {
            while !(self.edge.sessions().is_empty() && self.inner.sessions().is_empty()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, left).await.unwrap();
    }
}

#[tokio::test]
async fn the_far_server_is_reached_through_the_near_one_and_both_are_left_politely() {
    let scene = Scene::trusted("").await;

    let (tunnel, steps) = dial_with_steps(&scene.config()).await;
    let tunnel = tunnel.unwrap();
    let service = echo_service().await;
    let mut stream = tunnel.open_channel("127.0.0.1", service).await.unwrap();
    stream.write_all(b"through both").await.unwrap();
    let mut back = [0; 12];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"through both");
    tunnel.ping().await.unwrap();
    drop(stream);
    tunnel.close().await;

    // Each server's steps are told apart.
    let (mut edge, mut last) = (Vec::new(), Vec::new());
    for step in &steps {
        if let TunnelStep::OnTheWay { index: 0, step } = step {
            edge.push(&**step);
        } else {
            last.push(step);
        }
    }
    assert!(
        matches!(
            last.as_slice(),
            [
                TunnelStep::Resolved { .. },
                TunnelStep::TcpConnected,
                TunnelStep::HostKeyAccepted { .. },
                TunnelStep::SignedIn { .. },
            ]
        ),
        "{steps:?}"
    );
    assert!(
        matches!(
            edge.as_slice(),
            [
                TunnelStep::TcpConnected,
                TunnelStep::HostKeyAccepted { .. },
                TunnelStep::SignedIn { .. },
            ]
        ),
        "{steps:?}"
    );
    for server in [&scene.edge, &scene.inner] {
        let log = server.logs("Received disconnect").await;
        assert_eq!(log.matches("Connection from ").count(), 1, "{log}");
    }
    scene.is_left_alone().await;
}

#[tokio::test]
async fn dropping_the_last_of_it_ends_every_connection() {
    let scene = Scene::trusted("").await;

    drop(scene.open().await);

    scene.is_left_alone().await;
}

#[tokio::test]
async fn megabytes_pass_both_ways_with_a_reader_that_dawdles() {
    const LENGTH: usize = 24 * 1024 * 1024;
    let scene = Scene::trusted("").await;
    let tunnel = scene.open().await;
    let service = echo_service().await;
    let stream = tunnel.open_channel("127.0.0.1", service).await.unwrap();
    let (mut read, mut write) = tokio::io::split(stream);
    let sent: Vec<u8> = (0..LENGTH).map(|index| (index * 7 / 5) as u8).collect();
    let expected = sent.clone();

    let sending = tokio::spawn(async move {
        write.write_all(&sent).await.unwrap();
        write.shutdown().await.unwrap();
    });
    let mut received = Vec::with_capacity(LENGTH);
    let mut block = vec![0; 256 * 1024];
    loop {
        let length = read.read(&mut block).await.unwrap();
        if length == 0 {
            break;
        }
        received.extend_from_slice(&block[..length]);
        // Slower than the servers are, so that what is on the way piles up.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    sending.await.unwrap();

    assert!(received == expected, "{} bytes", received.len());
    assert_eq!(tunnel.overruns(), 0);
    tunnel.close().await;
}

#[tokio::test]
async fn a_near_server_nobody_knows_is_asked_about_before_anything_else_happens() {
    let scene = Scene::new("").await;

    let error = scene.refusal(&scene.config()).await;

    let (hop, here) = error.at_hop();
    assert_eq!(hop, Some(0));
    assert!(
        matches!(here, TunnelError::HostKeyUnknown(key) if key.port() == scene.edge.port),
        "{error:?}"
    );
    assert!(error.to_string().contains("edge"), "{error}");
    assert_eq!(error.step(), Step::Tcp);
    assert_eq!(error.cause(), Cause::HostKeyUnknown);
    assert!(
        !scene.edge.log().contains("userauth"),
        "{}",
        scene.edge.log()
    );
    assert!(!scene.inner.log().contains("Connection from"));
}

#[tokio::test]
async fn keys_accepted_beforehand_are_kept_for_the_server_that_shows_them() {
    let scene = Scene::new("").await;
    let mut config = scene.config();
    let refusal = scene.refusal(&config).await;
    let TunnelError::HostKeyUnknown(key) = refusal.at_hop().1 else {
        panic!("{refusal}");
    };
    let key = key.fingerprint();
    config.accepted_host_keys.push(key);
    config.via[0].accepted_host_keys.push(key);

    // The near one's is accepted, and the far one is still asked about.
    let error = scene.refusal(&config).await;
    assert_eq!(error.at_hop().0, None);
    assert!(matches!(error, TunnelError::HostKeyUnknown(key) if key.port() == scene.inner.port));
    let known = std::fs::read_to_string(scene.home.path("known_hosts")).unwrap();
    assert_eq!(known.lines().count(), 1, "{known}");
}

#[tokio::test]
async fn a_host_key_is_kept_under_its_alias() {
    let scene = Scene::new("").await;
    let mut config = scene.home.config(scene.inner.port, Some(&scene.inner_key));
    config.host_key_alias = Some("kept".to_owned());
    config.unknown_host_key = UnknownHostKey::Accept;

    dial(&config, &mut SignInMemory::default())
        .await
        .unwrap()
        .close()
        .await;

    let known = std::fs::read_to_string(scene.home.path("known_hosts")).unwrap();
    assert!(known.starts_with("kept ssh-ed25519 "), "{known}");
    config.unknown_host_key = UnknownHostKey::Refuse;
    dial(&config, &mut SignInMemory::default())
        .await
        .unwrap()
        .close()
        .await;
}

#[tokio::test]
async fn unknown_keys_can_be_refused_without_asking() {
    let scene = Scene::new("").await;
    let mut config = scene.home.config(scene.inner.port, Some(&scene.inner_key));
    config.unknown_host_key = UnknownHostKey::Refuse;

    let error = scene.refusal(&config).await;

    assert!(
        matches!(error, TunnelError::HostKeyNotListed(_)),
        "{error:?}"
    );
    assert!(error.stops_retrying());
    assert!(!scene.home.path("known_hosts").exists());
}

#[tokio::test]
async fn a_refused_sign_in_names_the_server_of_the_way_it_was_refused_by() {
    let scene = Scene::trusted("").await;
    let mut config = scene.config();
    // The far server's key, which the near one does not know.
    config.via[0].sign_in = SignIn::KeyFile(scene.inner_key.clone());

    let error = scene.refusal(&config).await;

    assert!(error.to_string().contains("edge"), "{error}");
    let (hop, here) = error.at_hop();
    assert_eq!(hop, Some(0));
    assert!(matches!(here, TunnelError::AuthRefused { .. }), "{here}");
    assert_eq!(error.cause(), Cause::AuthRefused);
    assert!(error.stops_retrying());
    scene.is_left_alone().await;
}

#[tokio::test]
async fn what_one_server_is_told_the_other_does_not_hear() {
    let scene = Scene::trusted("").await;
    let mut memory = SignInMemory::default();
    let config = scene.config();
    memory
        .at_hop(&config.via[0])
        .remember_password(AccountPassword::new("for edge"));

    assert!(memory.password().is_none());
    assert!(memory.at_hop(&config.via[0]).password().is_some());
}

#[tokio::test]
async fn a_near_server_that_forbids_forwarding_is_blamed_for_it() {
    let scene = Scene::trusted("AllowTcpForwarding no\n").await;

    let error = scene.refusal(&scene.config()).await;

    assert!(
        matches!(
            &error,
            TunnelError::NotForwarded {
                source: ForwardError::Prohibited,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.cause(), Cause::ForwardProhibited);
    assert_eq!(error.next_step(), NextStep::AllowForwarding);
    assert!(error.stops_retrying());
    scene.is_left_alone().await;
}

#[tokio::test]
async fn a_far_server_that_is_off_is_tried_again() {
    let scene = Scene::trusted("").await;
    let mut config = scene.config();
    config.target.port = Some(free_port());

    let error = scene.refusal(&config).await;

    assert!(
        matches!(error, TunnelError::NotForwarded { .. }),
        "{error:?}"
    );
    assert_eq!(error.step(), Step::Tcp);
    assert!(!error.stops_retrying());
}

#[tokio::test]
async fn the_end_of_the_near_connection_is_noticed_at_once_at_the_far_end_of_it() {
    let scene = Scene::trusted("").await;
    let tunnel = scene.open().await;

    scene.edge.signal_sessions(Signal::KILL);

    timeout(Duration::from_secs(10), tunnel.closed())
        .await
        .unwrap();
    assert!(tunnel.is_closed());
}

#[tokio::test]
async fn a_server_on_the_ipv6_loopback_is_reached() {
    let server = SshServer::start_with("ListenAddress ::1\n").await;
    server.logs("Server listening on ::1").await;
    let home = Home::new();
    let key = home.key("id", "");
    server.authorize(&key);
    let line = format!("[::1]:{} {}\n", server.port, server.host_key("ed25519"));
    std::fs::write(home.path("known_hosts"), line).unwrap();
    let mut config = home.config(server.port, Some(&key));
    config.target = format!("{}@[::1]:{}", whoami(), server.port)
        .parse()
        .unwrap();

    let tunnel = dial(&config, &mut SignInMemory::default()).await.unwrap();

    tunnel.ping().await.unwrap();
    tunnel.close().await;
}
