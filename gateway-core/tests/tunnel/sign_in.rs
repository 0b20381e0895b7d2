//! Signing in to a real sshd: keys, the agent, and passwords.

use crate::support::{Agent, Home, SshServer, dial, dial_with_steps, open_tunnel, run, whoami};
use gateway_core::connection::phase::Cause;
use gateway_core::credentials::secret::{AccountPassword, KeyPassphrase};
use gateway_core::tunnel::auth::keys::KeyFileError;
use gateway_core::tunnel::{
    Credential, Outcome, Question, SignIn, SignInMemory, TunnelConfig, TunnelError, TunnelStep,
    open,
};
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Neither a password nor questions: what these tests' servers offer unless they say otherwise.
const KEYS_ONLY: &str = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n";

/// How often a server has refused a key.
fn refused_keys(log: &str) -> usize {
    log.matches("Failed publickey").count()
}

async fn question(config: &TunnelConfig, memory: &mut SignInMemory) -> Question {
    match dial(config, memory).await {
        Err(TunnelError::NeedsAnswer(question)) => question,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_key_file_signs_in_and_every_step_is_told_in_order() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let key = home.key("id", "");
    server.authorize(&key);

    let (tunnel, steps) = dial_with_steps(&home.config(server.port, Some(&key))).await;

    tunnel.unwrap().close().await;
    let [
        TunnelStep::Resolved { addresses },
        TunnelStep::TcpConnected,
        TunnelStep::HostKeyAccepted { .. },
        TunnelStep::SignedIn { method },
    ] = steps.as_slice()
    else {
        panic!("{steps:?}");
    };
    assert_eq!(addresses, &[([127, 0, 0, 1], server.port).into()]);
    assert_eq!(method, &Credential::KeyFile { path: key });
}

/// How often a client asked which methods there are.
fn questions_for_methods(log: &str) -> usize {
    log.matches("method none").count()
}

#[tokio::test]
async fn a_key_that_was_accepted_is_offered_at_once_the_next_time() {
    let server = SshServer::start_with("LogLevel DEBUG1").await;
    let home = Home::new();
    home.trust(&server);
    let other = home.key("other", "");
    let key = home.key("id", "");
    server.authorize(&key);
    let mut config = home.config(server.port, None);
    config.sign_in = SignIn::Automatic {
        identity_files: vec![other, key],
    };
    let mut memory = SignInMemory::default();
    dial(&config, &mut memory).await.unwrap().close().await;
    let first = server.logs("Accepted publickey").await;
    assert_eq!(questions_for_methods(&first), 1);
    assert_eq!(refused_keys(&first), 1);

    dial(&config, &mut memory).await.unwrap().close().await;

    let both = server.logs_times("Accepted publickey", 2).await;
    assert_eq!(questions_for_methods(&both), 1);
    assert_eq!(refused_keys(&both), 1);
}

#[tokio::test]
async fn a_key_that_is_no_longer_accepted_is_offered_once_and_then_the_others() {
    let server = SshServer::start_with("LogLevel DEBUG1").await;
    let home = Home::new();
    home.trust(&server);
    let before = home.key("before", "");
    let after = home.key("after", "");
    server.authorize(&before);
    let mut config = home.config(server.port, None);
    config.sign_in = SignIn::Automatic {
        identity_files: vec![before.clone(), after.clone()],
    };
    let mut memory = SignInMemory::default();
    dial(&config, &mut memory).await.unwrap().close().await;
    server.authorize_only(&after);

    for times in 2..=3 {
        dial(&config, &mut memory).await.unwrap().close().await;
        let log = server.logs_times("Accepted publickey", times).await;
        assert_eq!(refused_keys(&log), 1);
        assert_eq!(questions_for_methods(&log), 1);
    }
}

#[tokio::test]
async fn a_channel_carries_bytes_both_ways() {
    let server = SshServer::start().await;
    let home = Home::new();
    let tunnel = open_tunnel(&server, &home).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();

    let mut stream = tunnel.open_channel("127.0.0.1", port).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    stream.write_all(b"ping").await.unwrap();
    let mut received = [0; 4];
    far.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"ping");
    far.write_all(b"pong").await.unwrap();
    stream.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"pong");

    assert!(tunnel.ping().await.unwrap() < std::time::Duration::from_secs(10));
    tunnel.close().await;
}

#[tokio::test]
async fn every_format_of_key_file_is_understood() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let formats: [(&str, &[&str], &str); 9] = [
        ("ed25519", &["-t", "ed25519"], ""),
        ("ed25519-locked", &["-t", "ed25519"], "open sesame"),
        ("rsa", &["-t", "rsa", "-b", "2048"], ""),
        ("rsa-pem", &["-t", "rsa", "-b", "2048", "-m", "PEM"], ""),
        (
            "rsa-pem-locked",
            &["-t", "rsa", "-b", "2048", "-m", "PEM"],
            "open sesame",
        ),
        ("rsa-pkcs8", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"], ""),
        (
            "rsa-pkcs8-locked",
            &["-t", "rsa", "-b", "2048", "-m", "PKCS8"],
            "open sesame",
        ),
        ("ecdsa-pem", &["-t", "ecdsa", "-m", "PEM"], ""),
        ("ecdsa-pkcs8", &["-t", "ecdsa", "-m", "PKCS8"], ""),
    ];

    for (name, options, passphrase) in formats {
        let key = home.path(name);
        run(Command::new("ssh-keygen")
            .args(options)
            .args(["-q", "-a", "1", "-N", passphrase, "-f"])
            .arg(&key));
        server.authorize(&key);
        let mut memory = SignInMemory::default();
        if !passphrase.is_empty() {
            memory.remember_passphrase(&key, KeyPassphrase::new(passphrase));
        }

        let tunnel = dial(&home.config(server.port, Some(&key)), &mut memory).await;

        match tunnel {
            Ok(tunnel) => tunnel.close().await,
            Err(error) => panic!("{name}: {error:?}\n{}", server.log()),
        }
    }
    assert_eq!(refused_keys(&server.log()), 0);
}

#[tokio::test]
async fn a_locked_key_asks_for_its_passphrase_until_it_is_right() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let key = home.key("id", "open sesame");
    server.authorize(&key);
    let config = home.config(server.port, Some(&key));
    let mut memory = SignInMemory::default();

    let asked = |was_wrong| Question::Passphrase {
        key_file: key.clone(),
        was_wrong,
    };
    assert_eq!(question(&config, &mut memory).await, asked(false));
    memory.remember_passphrase(&key, KeyPassphrase::new("open barley"));
    assert_eq!(question(&config, &mut memory).await, asked(true));
    assert!(memory.passphrase(&key).is_none());
    memory.remember_passphrase(&key, KeyPassphrase::new("open sesame"));
    dial(&config, &mut memory).await.unwrap().close().await;

    assert_eq!(memory.passphrase(&key).unwrap().expose(), "open sesame");
    assert_eq!(refused_keys(&server.log()), 0);
}

#[tokio::test]
async fn nobody_is_asked_to_unlock_a_key_that_the_server_would_refuse() {
    let server = SshServer::start_with(KEYS_ONLY).await;
    let home = Home::new();
    home.trust(&server);
    let key = home.key("id", "open sesame");

    let error = dial(
        &home.config(server.port, Some(&key)),
        &mut SignInMemory::default(),
    )
    .await
    .unwrap_err();

    assert!(
        matches!(error, TunnelError::AuthRefused { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refused_key_is_reported_and_not_sent_again_by_itself() {
    let server = SshServer::start_with(KEYS_ONLY).await;
    let home = Home::new();
    home.trust(&server);
    let key = home.key("id", "");
    let config = home.config(server.port, Some(&key));
    let mut memory = SignInMemory::default();

    let mut outcomes = Vec::new();
    for _ in 0..3 {
        let error = dial(&config, &mut memory).await.unwrap_err();
        assert_eq!(error.cause(), Cause::AuthRefused);
        let TunnelError::AuthRefused {
            tried,
            offered,
            user,
            ..
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!((user, offered), (whoami(), vec!["publickey".to_owned()]));
        assert_eq!(
            tried[0].credential,
            Credential::KeyFile { path: key.clone() }
        );
        outcomes.push(tried[0].outcome.clone());
    }

    assert_eq!(
        outcomes,
        [
            Outcome::Refused,
            Outcome::RefusedBefore,
            Outcome::RefusedBefore
        ]
    );
    assert_eq!(refused_keys(&server.logs("Failed publickey").await), 1);
    // A person may ask for it once more, for example after having added the key on the server.
    server.authorize(&key);
    memory.forget_refusals();
    dial(&config, &mut memory).await.unwrap().close().await;
}

#[tokio::test]
async fn a_key_that_only_the_agent_holds_signs_in() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let key = home.key("id", "");
    let rsa = home.path("rsa");
    run(Command::new("ssh-keygen")
        .args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f"])
        .arg(&rsa));
    let agent = Agent::start().await;

    for key in [key, rsa] {
        server.authorize(&key);
        agent.add(&key, &[]);
        std::fs::remove_file(&key).unwrap();
        let config = TunnelConfig {
            agent_socket: Some(agent.socket()),
            ..home.config(server.port, None)
        };
        let mut methods = Vec::new();

        let tunnel = open(&config, &mut SignInMemory::default(), &mut |step| {
            if let TunnelStep::SignedIn { method } = step {
                methods.push(method);
            }
        })
        .await
        .unwrap();

        tunnel.close().await;
        assert!(
            matches!(&methods[0], Credential::AgentKey { .. }),
            "{methods:?}"
        );
        run(Command::new("ssh-add")
            .arg("-qD")
            .env("SSH_AUTH_SOCK", agent.socket()));
    }
}

#[tokio::test]
async fn a_public_key_file_picks_one_of_many_agent_keys() {
    let server = SshServer::start_with("MaxAuthTries 3\n").await;
    let home = Home::new();
    home.trust(&server);
    let agent = Agent::start().await;
    for number in 0..8 {
        agent.add(&home.key(&format!("other{number}"), ""), &[]);
    }
    let key = home.key("id", "");
    server.authorize(&key);
    agent.add(&key, &[]);
    std::fs::remove_file(&key).unwrap();

    for sign_in in [
        SignIn::Automatic {
            identity_files: vec![key.clone()],
        },
        SignIn::KeyFile(key.clone()),
        SignIn::KeyFile(PathBuf::from(format!("{}.pub", key.display()))),
    ] {
        let config = TunnelConfig {
            agent_socket: Some(agent.socket()),
            sign_in,
            ..home.config(server.port, None)
        };
        dial(&config, &mut SignInMemory::default())
            .await
            .unwrap()
            .close()
            .await;
    }
    assert_eq!(refused_keys(&server.log()), 0);
}

#[tokio::test]
async fn at_most_four_keys_are_sent_and_the_rest_is_named() {
    let server = SshServer::start_with(KEYS_ONLY).await;
    let home = Home::new();
    home.trust(&server);
    let agent = Agent::start().await;
    for number in 0..6 {
        agent.add(&home.key(&format!("other{number}"), ""), &[]);
    }
    let config = TunnelConfig {
        agent_socket: Some(agent.socket()),
        ..home.config(server.port, None)
    };

    let error = dial(&config, &mut SignInMemory::default())
        .await
        .unwrap_err();

    let TunnelError::AuthRefused { tried, .. } = error else {
        panic!("{error:?}")
    };
    let outcomes: Vec<_> = tried.into_iter().map(|tried| tried.outcome).collect();
    assert_eq!(outcomes[..4], [const { Outcome::Refused }; 4]);
    assert_eq!(outcomes[4..], [const { Outcome::OverLimit }; 2]);
    assert_eq!(refused_keys(&server.logs("Disconnected").await), 4);
}

#[tokio::test]
async fn an_agent_that_will_not_sign_does_not_stop_the_next_key() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let agent = Agent::start().await;
    let guarded = home.key("guarded", "");
    let plain = home.key("plain", "");
    server.authorize(&guarded);
    server.authorize(&plain);
    // The agent would have to ask first, and has nobody to ask.
    agent.add(&guarded, &["-c"]);

    // The file may hold another key, or the very one that the agent did not sign with.
    for file in [plain, guarded] {
        let config = TunnelConfig {
            agent_socket: Some(agent.socket()),
            ..home.config(server.port, Some(&file))
        };
        let (tunnel, steps) = dial_with_steps(&config).await;
        tunnel.unwrap().close().await;
        let method = Credential::KeyFile { path: file };
        assert_eq!(steps.last(), Some(&TunnelStep::SignedIn { method }));
    }
}

#[tokio::test]
async fn a_certificate_and_keys_of_odd_types_in_the_agent_are_no_obstacle() {
    let home = Home::new();
    let ca = home.key("ca", "");
    let server = SshServer::start_with(&format!("TrustedUserCAKeys {}.pub\n", ca.display())).await;
    home.trust(&server);
    let agent = Agent::start().await;
    let odd = home.path("dsa");
    run(Command::new("ssh-keygen")
        .args(["-q", "-t", "dsa", "-N", "", "-f"])
        .arg(&odd));
    agent.add(&odd, &[]);
    let key = home.key("id", "");
    run(Command::new("ssh-keygen")
        .args(["-q", "-I", "test", "-n", &whoami(), "-s"])
        .arg(&ca)
        .arg(&key));
    // ssh-add takes the certificate beside the key along.
    agent.add(&key, &[]);
    let config = TunnelConfig {
        agent_socket: Some(agent.socket()),
        ..home.config(server.port, None)
    };

    dial(&config, &mut SignInMemory::default())
        .await
        .unwrap()
        .close()
        .await;

    let log = server.logs("Accepted publickey").await;
    assert!(log.contains("ED25519-CERT"), "{log}");
}

#[tokio::test]
async fn a_key_that_is_ready_goes_before_one_that_needs_unlocking() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    let locked = home.key("locked", "open sesame");
    let ready = home.key("ready", "");
    server.authorize(&locked);
    server.authorize(&ready);
    let config = TunnelConfig {
        sign_in: SignIn::Automatic {
            identity_files: vec![locked, ready],
        },
        ..home.config(server.port, None)
    };

    dial(&config, &mut SignInMemory::default())
        .await
        .unwrap()
        .close()
        .await;
}

#[tokio::test]
async fn a_chosen_key_file_that_is_none_is_named() {
    let server = SshServer::start().await;
    let home = Home::new();
    home.trust(&server);
    std::fs::write(home.path("letter"), "Dear reader").unwrap();
    home.key("id", "");

    for (name, is_expected) in [
        (
            "missing",
            (|e| matches!(e, KeyFileError::Unreadable(_))) as fn(&KeyFileError) -> bool,
        ),
        ("letter", |e| matches!(e, KeyFileError::NotAKey)),
        ("id.pub", |e| matches!(e, KeyFileError::OnlyPublic)),
    ] {
        let config = TunnelConfig {
            sign_in: SignIn::KeyFile(home.path(name)),
            ..home.config(server.port, None)
        };
        let error = dial(&config, &mut SignInMemory::default())
            .await
            .unwrap_err();
        let TunnelError::KeyFile { path, source } = error else {
            panic!("{error:?}")
        };
        assert_eq!(path, home.path(name));
        assert!(is_expected(&source), "{source:?}");
    }
}

#[tokio::test]
async fn a_password_is_asked_for_and_a_wrong_one_is_sent_once() {
    let server = SshServer::start_with_password("correct horse").await;
    let home = Home::new();
    home.trust(&server);
    let config = home.config(server.port, Some(Path::new("/nonexistent/id")));
    let mut memory = SignInMemory::default();
    let asked = |was_wrong| Question::Password {
        user: whoami(),
        host: "127.0.0.1".to_owned(),
        was_wrong,
    };

    assert_eq!(question(&config, &mut memory).await, asked(false));
    memory.remember_password(AccountPassword::new("battery staple"));
    assert_eq!(question(&config, &mut memory).await, asked(true));
    // Asked again without a new answer, nothing is sent.
    assert_eq!(question(&config, &mut memory).await, asked(true));
    memory.remember_password(AccountPassword::new("correct horse"));
    dial(&config, &mut memory).await.unwrap().close().await;
    // A reconnect needs nobody.
    dial(&config, &mut memory).await.unwrap().close().await;

    let log = server.logs_times("Accepted password", 2).await;
    assert_eq!(log.matches("Failed password").count(), 1, "{log}");
}

#[tokio::test]
async fn a_key_whose_refusal_ends_the_connection_counts_as_refused() {
    let server = SshServer::start_with(&format!("MaxAuthTries 1\n{KEYS_ONLY}")).await;
    let home = Home::new();
    home.trust(&server);
    let key = home.key("id", "");
    let config = home.config(server.port, Some(&key));
    let mut memory = SignInMemory::default();

    for outcome in [Outcome::Refused, Outcome::RefusedBefore] {
        let error = dial(&config, &mut memory).await.unwrap_err();
        let TunnelError::AuthRefused { tried, offered, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(tried[0].outcome, outcome);
        assert_eq!(offered, ["publickey"]);
    }
}
