//! Certificates for people, and which of the agent's keys may be used with `IdentitiesOnly`.

use crate::support::{Agent, Home, SshServer, dial, dial_with_steps, run, whoami};
use gateway_core::credentials::secret::KeyPassphrase;
use gateway_core::tunnel::{
    Credential, Outcome, Question, SignIn, SignInMemory, TunnelConfig, TunnelError, TunnelStep,
};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Neither a password nor questions.
const KEYS_ONLY: &str = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n";

/// A server that lets in whoever has a certificate of `ca`, and no bare key.
async fn server_trusting(ca: &Path) -> SshServer {
    SshServer::start_with(&format!(
        "TrustedUserCAKeys {}.pub\n{KEYS_ONLY}",
        ca.display()
    ))
    .await
}

/// Signs `key` for our own account and returns the certificate beside it.
fn certify(ca: &Path, key: &Path, options: &[&str]) -> PathBuf {
    run(Command::new("ssh-keygen")
        .args(["-q", "-I", "test", "-n", &whoami()])
        .args(options)
        .arg("-s")
        .arg(ca)
        .arg(key));
    PathBuf::from(format!("{}-cert.pub", key.display()))
}

fn keygen(path: &Path, options: &[&str]) {
    run(Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-C", "test key"])
        .args(options)
        .arg("-f")
        .arg(path));
}

async fn method(config: &TunnelConfig) -> Credential {
    let (tunnel, steps) = dial_with_steps(config).await;
    tunnel.unwrap().close().await;
    match steps.into_iter().next_back() {
        Some(TunnelStep::SignedIn { method }) => method,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_certificate_beside_a_key_of_any_type_signs_in() {
    let home = Home::new();
    let ca = home.key("ca", "");
    let server = server_trusting(&ca).await;
    home.trust(&server);
    let types: [(&str, &[&str], &str); 3] = [
        ("ed25519", &["-t", "ed25519"], "ED25519-CERT"),
        ("ecdsa", &["-t", "ecdsa"], "ECDSA-CERT"),
        ("rsa", &["-t", "rsa", "-b", "2048"], "RSA-CERT"),
    ];

    for (name, options, logged) in types {
        let key = home.path(name);
        keygen(&key, options);
        let certificate = certify(&ca, &key, &[]);

        let method = method(&home.config(server.port, Some(&key))).await;

        assert_eq!(method, Credential::Certificate { path: certificate });
        server.logs(logged).await;
    }
    // The certificate goes first, so no bare key was ever refused.
    assert_eq!(server.log().matches("Failed publickey").count(), 0);
}

#[tokio::test]
async fn a_named_certificate_is_signed_for_by_a_key_that_only_the_agent_holds() {
    let home = Home::new();
    let ca = home.key("ca", "");
    let server = server_trusting(&ca).await;
    home.trust(&server);
    let agent = Agent::start().await;
    for (name, options) in [
        ("id", &["-t", "ed25519"][..]),
        ("rsa", &["-t", "rsa", "-b", "2048"][..]),
    ] {
        let key = home.path(name);
        keygen(&key, options);
        // The agent gets the bare key: the certificate is made later, and lies elsewhere.
        agent.add(&key, &[]);
        let made = certify(&ca, &key, &[]);
        let certificate = home.path(&format!("{name}-work.pub"));
        std::fs::rename(made, &certificate).unwrap();
        std::fs::remove_file(&key).unwrap();
        let config = TunnelConfig {
            agent_socket: Some(agent.socket()),
            certificate_files: vec![certificate.clone()],
            identities_only: true,
            ..home.config(server.port, None)
        };

        let method = method(&config).await;

        assert_eq!(method, Credential::Certificate { path: certificate });
    }
    assert_eq!(server.log().matches("Failed publickey").count(), 0);
}

#[tokio::test]
async fn a_locked_key_is_asked_for_only_where_its_certificate_would_do() {
    let home = Home::new();
    let ca = home.key("ca", "");
    let server = server_trusting(&ca).await;
    home.trust(&server);
    let key = home.key("id", "open sesame");
    let certificate = certify(&ca, &key, &[]);
    let config = home.config(server.port, Some(&key));
    let mut memory = SignInMemory::default();

    match dial(&config, &mut memory).await {
        Err(TunnelError::NeedsAnswer(Question::Passphrase { key_file, .. })) => {
            assert_eq!(key_file, key);
        }
        other => panic!("{other:?}"),
    }
    memory.remember_passphrase(&key, KeyPassphrase::new("open sesame"));
    dial(&config, &mut memory).await.unwrap().close().await;

    // A certificate of nobody's is refused, and then nobody is asked for the passphrase.
    std::fs::remove_file(&certificate).unwrap();
    let stranger = home.key("stranger", "");
    certify(&stranger, &key, &[]);
    let error = dial(&config, &mut SignInMemory::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, TunnelError::AuthRefused { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_certificate_that_cannot_serve_is_named_with_its_reason() {
    let home = Home::new();
    let ca = home.key("ca", "");
    let server = server_trusting(&ca).await;
    home.trust(&server);
    let for_hosts = home.key("host", "");
    let orphan = home.key("orphan", "");
    std::fs::write(home.path("letter"), "Dear reader").unwrap();
    let certificate_files = vec![
        certify(&ca, &for_hosts, &["-h"]),
        certify(&ca, &orphan, &[]),
        home.path("letter"),
        home.path("missing"),
    ];
    let config = TunnelConfig {
        certificate_files,
        ..home.config(server.port, None)
    };

    let error = dial(&config, &mut SignInMemory::default())
        .await
        .unwrap_err();

    let TunnelError::AuthRefused { tried, .. } = error else {
        panic!("{error:?}")
    };
    let reasons: Vec<String> = tried
        .into_iter()
        .map(|tried| {
            let Outcome::Unusable(why) = tried.outcome else {
                panic!("{tried:?}")
            };
            why
        })
        .collect();
    assert_eq!(
        reasons,
        [
            "it is a certificate for a server, not for a person",
            "nobody has the private key it was made for",
            "it holds no OpenSSH certificate",
            "it cannot be read",
        ]
    );
}

#[tokio::test]
async fn a_refused_certificate_is_not_sent_again_and_says_nothing_of_its_key() {
    let home = Home::new();
    let ca = home.key("ca", "");
    let server = SshServer::start_with(KEYS_ONLY).await;
    home.trust(&server);
    let key = home.key("id", "");
    let certificate = certify(&ca, &key, &[]);
    let config = home.config(server.port, Some(&key));
    let mut memory = SignInMemory::default();

    let mut seen = Vec::new();
    for _ in 0..2 {
        let TunnelError::AuthRefused { tried, .. } = dial(&config, &mut memory).await.unwrap_err()
        else {
            panic!()
        };
        assert_eq!(
            tried[0].credential,
            Credential::Certificate {
                path: certificate.clone()
            }
        );
        assert_eq!(
            tried[1].credential,
            Credential::KeyFile { path: key.clone() }
        );
        seen.push((tried[0].outcome.clone(), tried[1].outcome.clone()));
    }
    assert_eq!(
        seen,
        [
            (Outcome::Refused, Outcome::Refused),
            (Outcome::RefusedBefore, Outcome::RefusedBefore)
        ]
    );
    assert_eq!(server.log().matches("Failed publickey").count(), 2);
}

#[tokio::test]
async fn with_identities_only_the_agent_s_other_keys_stay_at_home() {
    let server = SshServer::start_with(&format!("MaxAuthTries 2\n{KEYS_ONLY}")).await;
    let home = Home::new();
    home.trust(&server);
    let agent = Agent::start().await;
    for number in 0..3 {
        let other = home.key(&format!("other{number}"), "");
        agent.add(&other, &[]);
    }
    let key = home.key("id", "");
    server.authorize(&key);
    agent.add(&key, &[]);
    std::fs::remove_file(&key).unwrap();
    let config = |identity_files: Vec<PathBuf>| TunnelConfig {
        agent_socket: Some(agent.socket()),
        identities_only: true,
        sign_in: SignIn::Automatic { identity_files },
        ..home.config(server.port, None)
    };

    let used = method(&config(vec![key.clone()])).await;
    assert!(matches!(used, Credential::AgentKey { .. }), "{used:?}");
    assert_eq!(server.log().matches("Failed publickey").count(), 0);

    let error = dial(&config(Vec::new()), &mut SignInMemory::default())
        .await
        .unwrap_err();
    let TunnelError::AuthRefused { tried, .. } = error else {
        panic!("{error:?}")
    };
    assert!(tried.is_empty(), "{tried:?}");
    assert_eq!(server.log().matches("Failed publickey").count(), 0);
}

#[tokio::test]
async fn with_identities_only_a_certificate_of_the_agent_s_has_to_be_in_a_file_too() {
    let home = Home::new();
    let ca = home.key("ca", "");
    let server = server_trusting(&ca).await;
    home.trust(&server);
    let agent = Agent::start().await;
    let key = home.key("id", "");
    let certificate = certify(&ca, &key, &[]);
    // ssh-add takes the certificate beside the key along.
    agent.add(&key, &[]);
    std::fs::remove_file(&key).unwrap();
    let elsewhere = home.path("kept.pub");
    std::fs::rename(&certificate, &elsewhere).unwrap();
    let config = |certificate_files| TunnelConfig {
        agent_socket: Some(agent.socket()),
        identities_only: true,
        certificate_files,
        ..home.config(server.port, Some(&key))
    };

    let error = dial(&config(Vec::new()), &mut SignInMemory::default())
        .await
        .unwrap_err();
    let TunnelError::AuthRefused { tried, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(tried.len(), 1, "only the bare key: {tried:?}");
    method(&config(vec![elsewhere])).await;
}
