//! Servers that mean ill: what they get to see of us, and what they can make us do.

use crate::odd_server::{OddServer, hex};
use crate::support::{Home, PATIENCE, dial, whoami};
use gateway_core::credentials::secret::{AccountPassword, PromptAnswer};
use gateway_core::tunnel::{
    CertificateFault, Outcome, Question, SignInMemory, TunnelConfig, TunnelError,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PASSWORD: &str = "canary password of the account";

/// A user with a key, a password and an answer ready for whoever asks.
struct User {
    home: Home,
    key: std::path::PathBuf,
}

impl User {
    fn new() -> Self {
        let home = Home::new();
        let key = home.key("id", "");
        Self { home, key }
    }

    /// The settings of a server that would let this user in.
    fn settings(&self) -> Value {
        json!({ "authorized_keys": format!("{}.pub", self.key.display()), "password": PASSWORD })
    }

    fn knows(&self, lines: &str) {
        std::fs::write(self.home.path("known_hosts"), lines).unwrap();
    }

    fn config(&self, server: &OddServer) -> TunnelConfig {
        self.home.config(server.port, Some(&self.key))
    }

    fn memory() -> SignInMemory {
        let mut memory = SignInMemory::default();
        memory.remember_password(AccountPassword::new(PASSWORD));
        memory
    }

    async fn refuses(&self, server: &OddServer) -> TunnelError {
        let error = dial(&self.config(server), &mut Self::memory())
            .await
            .unwrap_err();
        server.says("closed").await;
        error
    }

    /// Fails if the server has seen anything of the user: a packet about signing in, their name, their
    /// password, or their key.
    fn showed_nothing(&self, server: &OddServer) {
        assert_eq!(server.sign_in_packets(), 0, "{:?}", server.said("packet"));
        let received = server.received();
        assert!(!received.is_empty(), "nothing was recorded");
        let public = std::fs::read_to_string(format!("{}.pub", self.key.display())).unwrap();
        let public = russh::keys::PublicKey::from_openssh(&public).unwrap();
        let secrets = [
            whoami().into_bytes(),
            PASSWORD.as_bytes().to_vec(),
            public.to_bytes().unwrap(),
        ];
        for secret in secrets {
            assert!(!received.contains(&hex(&secret)), "{secret:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_would_be_let_in_is_recorded_signing_the_user_in() {
    // Without this, the zeroes of the other tests could come from a recorder that hears nothing.
    let user = User::new();
    let server = OddServer::start(&["ed25519"], user.settings()).await;
    user.knows(&server.known_hosts_line("ed25519"));

    let tunnel = dial(&user.config(&server), &mut User::memory())
        .await
        .unwrap();
    server.says("signed_in").await;
    tunnel.close().await;

    assert!(server.sign_in_packets() >= 3);
    assert!(server.received().contains(&hex(whoami().as_bytes())));
    assert_eq!(server.offers("publickey"), 2, "once to ask, once to sign");
}

#[tokio::test]
async fn whoever_comes_back_with_another_key_or_type_of_key_learns_nothing() {
    let user = User::new();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let server = OddServer::start(&["ed25519"], user.settings()).await;
        user.knows(&server.known_hosts_line("ed25519"));
        dial(&user.config(&server), &mut User::memory())
            .await
            .unwrap()
            .close()
            .await;

        let impostor = server.replaced_by(&[kind], user.settings()).await;
        let error = user.refuses(&impostor).await;

        assert!(
            matches!(error, TunnelError::HostKeyChanged { .. }),
            "{kind}: {error:?}"
        );
        user.showed_nothing(&impostor);
    }
}

#[tokio::test]
async fn an_unknown_or_revoked_key_or_a_stranger_s_certificate_learns_nothing() {
    let user = User::new();
    let unknown = OddServer::start(&["ed25519"], user.settings()).await;
    let error = user.refuses(&unknown).await;
    assert!(matches!(error, TunnelError::HostKeyUnknown(_)), "{error:?}");
    user.showed_nothing(&unknown);

    let revoked = OddServer::start(&["ed25519"], user.settings()).await;
    user.knows(&format!(
        "{}@revoked * {}\n",
        revoked.known_hosts_line("ed25519"),
        revoked.host_key("ed25519")
    ));
    let error = user.refuses(&revoked).await;
    assert!(
        matches!(error, TunnelError::HostKeyRevoked { .. }),
        "{error:?}"
    );
    user.showed_nothing(&revoked);

    let stranger = user.home.key("stranger", "");
    let ours = user.home.key("ca", "");
    let ours = std::fs::read_to_string(format!("{}.pub", ours.display())).unwrap();
    let certified = OddServer::start_certified(&stranger, user.settings()).await;
    user.knows(&format!("@cert-authority * {ours}"));
    let error = user.refuses(&certified).await;
    assert!(
        matches!(
            error,
            TunnelError::HostKeyNeedsAuthority {
                fault: CertificateFault::OtherAuthority,
                ..
            }
        ),
        "{error:?}"
    );
    user.showed_nothing(&certified);
}

#[tokio::test]
async fn a_server_that_offers_only_what_is_outdated_learns_nothing() {
    let user = User::new();
    let ctr = |mac: &str| json!({ "encryption_algs": ["aes256-ctr"], "mac_algs": [mac] });
    let offers = [
        json!({ "kex_algs": ["diffie-hellman-group1-sha1"] }),
        json!({ "kex_algs": ["diffie-hellman-group14-sha1"] }),
        json!({ "kex_algs": ["diffie-hellman-group-exchange-sha1"] }),
        json!({ "encryption_algs": ["3des-cbc"] }),
        json!({ "encryption_algs": ["aes256-cbc"] }),
        json!({ "encryption_algs": ["arcfour256"] }),
        ctr("hmac-md5"),
        ctr("hmac-sha1"),
        ctr("hmac-sha1-96"),
        ctr("umac-64@openssh.com"),
        json!({ "host_key_algs": ["ssh-rsa"] }),
    ];

    for offer in offers {
        let mut settings = user.settings();
        for (name, value) in offer.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let server = OddServer::start(&["rsa"], settings).await;
        user.knows(&server.known_hosts_line("rsa"));

        let error = user.refuses(&server).await;

        assert!(
            matches!(error, TunnelError::KeyExchange { .. }),
            "{offer}: {error:?}"
        );
        user.showed_nothing(&server);
    }
}

#[tokio::test]
async fn without_strict_key_exchange_only_ciphers_that_terrapin_cannot_attack_are_used() {
    let user = User::new();
    let with = |ciphers: Value| {
        let mut settings = user.settings();
        settings["no_strict_kex"] = json!(true);
        settings["encryption_algs"] = ciphers;
        settings
    };
    let weak = OddServer::start(&["ed25519"], with(json!(["chacha20-poly1305@openssh.com"]))).await;
    user.knows(&weak.known_hosts_line("ed25519"));
    let error = user.refuses(&weak).await;
    assert!(
        matches!(error, TunnelError::WeakEncryption { .. }),
        "{error:?}"
    );
    assert!(error.stops_retrying());
    user.showed_nothing(&weak);

    let fine = OddServer::start(
        &["ed25519"],
        with(json!([
            "chacha20-poly1305@openssh.com",
            "aes256-gcm@openssh.com"
        ])),
    )
    .await;
    user.knows(&fine.known_hosts_line("ed25519"));
    dial(&user.config(&fine), &mut User::memory())
        .await
        .unwrap()
        .close()
        .await;

    let mut strict = with(json!(["chacha20-poly1305@openssh.com"]));
    strict["no_strict_kex"] = json!(false);
    let strict = OddServer::start(&["ed25519"], strict).await;
    user.knows(&strict.known_hosts_line("ed25519"));
    dial(&user.config(&strict), &mut User::memory())
        .await
        .unwrap()
        .close()
        .await;
}

#[tokio::test]
async fn a_server_that_asks_for_ever_is_left_for_good() {
    let user = User::new();
    for (endless, most_answers) in [(json!("silent"), 16), (json!(17), 0), (json!(1000), 0)] {
        let server = OddServer::start(&["ed25519"], json!({ "endless": endless })).await;
        user.knows(&server.known_hosts_line("ed25519"));

        let started = Instant::now();
        let error = user.refuses(&server).await;

        assert!(started.elapsed() < Duration::from_secs(30));
        assert!(error.stops_retrying(), "{error:?}");
        let TunnelError::AuthRefused { tried, .. } = error else {
            panic!("{error:?}")
        };
        let why = tried.last().map(|tried| tried.outcome.clone());
        assert!(
            matches!(&why, Some(Outcome::Unusable(why)) if why.contains("asks more")),
            "{why:?}"
        );
        assert!(server.said("answers").len() <= most_answers);
        assert!(!server.received().contains(&hex(PASSWORD.as_bytes())));
    }
}

#[tokio::test]
async fn an_endless_row_of_questions_gets_the_password_once() {
    let user = User::new();
    let prompt = json!({ "prompts": [["Password: ", false]], "answers": [PASSWORD] });
    let rounds = vec![prompt; 12];
    let server = OddServer::start(&["ed25519"], json!({ "rounds": rounds })).await;
    user.knows(&server.known_hosts_line("ed25519"));

    let error = user.refuses(&server).await;

    assert!(
        matches!(error, TunnelError::NeedsAnswer(Question::Password { .. })),
        "{error:?}"
    );
    assert_eq!(server.said("answers").len(), 1);
}

#[tokio::test]
async fn huge_and_disguised_questions_are_shown_short_and_plain() {
    let user = User::new();
    let long = "x".repeat(100_000);
    let disguised = "\u{1b}]0;owned\u{7}\u{1b}[2JPass\u{202e}word\r\n";
    let rounds = json!([{
        "title": long, "instruction": disguised,
        "prompts": [[long, false], [disguised, true]], "answers": ["1", "2"]
    }]);
    let server = OddServer::start(&["ed25519"], json!({ "rounds": rounds })).await;
    user.knows(&server.known_hosts_line("ed25519"));

    let error = user.refuses(&server).await;

    let TunnelError::NeedsAnswer(Question::Prompts {
        title,
        instruction,
        prompts,
        ..
    }) = error
    else {
        panic!("{error:?}")
    };
    assert!(title.len() <= 300 && prompts[0].label.len() <= 300);
    for text in [&title, &instruction, &prompts[0].label, &prompts[1].label] {
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(!text.contains('\u{202e}'), "{text:?}");
    }
}

#[tokio::test]
async fn a_flood_of_banners_full_of_control_characters_does_no_harm() {
    let user = User::new();
    let mut settings = user.settings();
    settings["banner"] = json!("\u{1b}[2J\u{1b}]0;owned\u{7} and more\r\n".repeat(200));
    settings["banners"] = json!(500);
    let server = OddServer::start(&["ed25519"], settings).await;
    user.knows(&server.known_hosts_line("ed25519"));

    let tunnel = dial(&user.config(&server), &mut User::memory())
        .await
        .unwrap();

    tunnel.ping().await.unwrap();
    tunnel.close().await;
}

#[tokio::test]
async fn announced_keys_are_taken_over_only_with_a_proof_for_this_session() {
    let user = User::new();
    for lies in [true, false] {
        let mut settings = user.settings();
        settings["announces"] = json!(true);
        settings["lies_in_proof"] = json!(lies);
        let server = OddServer::start(&["ed25519", "ecdsa"], settings).await;
        let known = server.known_hosts_line("ed25519");
        user.knows(&known);

        let tunnel = dial(&user.config(&server), &mut User::memory())
            .await
            .unwrap();
        // The proof is asked for with SSH_MSG_GLOBAL_REQUEST; the answer to a ping comes behind it.
        let asked_for = hex(b"hostkeys-prove-00@openssh.com");
        let started = Instant::now();
        while !server.received().contains(&asked_for) {
            assert!(started.elapsed() < PATIENCE);
            tunnel.ping().await.unwrap();
        }
        tunnel.ping().await.unwrap();
        let file = user.home.path("known_hosts");
        let both = format!("{known}{}", server.known_hosts_line("ecdsa"));
        if lies {
            tunnel.close().await;
            assert_eq!(std::fs::read_to_string(&file).unwrap(), known);
        } else {
            while std::fs::read_to_string(&file).unwrap() != both {
                assert!(started.elapsed() < PATIENCE);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tunnel.close().await;
        }
    }
}

#[tokio::test]
async fn a_code_is_sent_once_even_where_the_server_asks_for_more() {
    let user = User::new();
    let code = json!({ "prompts": [["Code: ", true]], "answers": ["123456"] });
    let pin = json!({ "prompts": [["PIN: ", false]], "answers": ["0000"] });
    let server = OddServer::start(&["ed25519"], json!({ "rounds": [code, pin] })).await;
    user.knows(&server.known_hosts_line("ed25519"));
    let config = user.config(&server);
    let mut memory = SignInMemory::default();

    // Code, then PIN, then a fresh code: the first one is spent.
    let mut asked = Vec::new();
    let tunnel = loop {
        match dial(&config, &mut memory).await {
            Ok(tunnel) => break tunnel,
            Err(TunnelError::NeedsAnswer(Question::Prompts { prompts, .. })) => {
                assert!(asked.len() < 5, "{asked:?}");
                let label = prompts[0].label.clone();
                let answer = if label == "PIN:" { "0000" } else { "123456" };
                memory.remember_answers(prompts, vec![PromptAnswer::new(answer)]);
                asked.push(label);
            }
            Err(error) => panic!("{error:?}"),
        }
    };
    tunnel.close().await;

    assert_eq!(asked, ["Code:", "PIN:", "Code:"]);
    assert_eq!(server.said("answers").len(), 3);
}
