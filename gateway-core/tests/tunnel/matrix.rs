//! Every way to sign in, at three SSH servers that share no code: OpenSSH, dropbear and asyncssh.
//!
//! Each row is one way at one server; what a server does not offer is no row. The table is printed,
//! and a server that is not installed fails it.

use crate::dropbear::{Dropbear, public_line};
use crate::odd_server::OddServer;
use crate::support::{Agent, Home, SshServer, dial, echo_service, run, whoami};
use gateway_core::credentials::secret::{AccountPassword, PromptAnswer};
use gateway_core::tunnel::{
    Credential, Outcome, Question, SignIn, SignInMemory, Tunnel, TunnelConfig, TunnelError,
    TunnelStep, open,
};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const PASSWORD: &str = "correct horse";
const CODE: &str = "123456";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    OpenSsh,
    Dropbear,
    Asyncssh,
}

/// What a server wants of whoever signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Key,
    Password,
    /// keyboard-interactive: what it asks is the server's matter.
    Answers,
    KeyAndPassword,
    KeyAndAnswers,
}

/// Who comes: their keys, one for each type, a certificate and its authority.
struct User {
    home: Home,
    keys: Vec<PathBuf>,
    authority: PathBuf,
    certified: PathBuf,
    stranger: PathBuf,
}

impl User {
    fn new() -> Self {
        let home = Home::new();
        let mut keys = Vec::new();
        for (name, options) in [
            ("ed25519", &["-t", "ed25519"][..]),
            ("ecdsa", &["-t", "ecdsa"][..]),
            ("rsa", &["-t", "rsa", "-b", "2048"][..]),
        ] {
            let key = home.path(name);
            run(Command::new("ssh-keygen")
                .args(["-q", "-N", "", "-C", "test key"])
                .args(options)
                .arg("-f")
                .arg(&key));
            keys.push(key);
        }
        let authority = home.key("ca", "");
        let certified = home.key("certified", "");
        run(Command::new("ssh-keygen")
            .args(["-q", "-I", "test", "-n", &whoami(), "-s"])
            .arg(&authority)
            .arg(&certified));
        let stranger = home.key("stranger", "");
        Self {
            home,
            keys,
            authority,
            certified,
            stranger,
        }
    }

    fn authorized(&self) -> String {
        self.keys.iter().map(|key| public_line(key)).collect()
    }
}

enum Server {
    OpenSsh(SshServer),
    Dropbear(Dropbear),
    Asyncssh(OddServer),
}

impl Server {
    async fn start(kind: Kind, user: &User, wants: Wants) -> Self {
        let with_password = matches!(wants, Wants::Password | Wants::KeyAndPassword);
        match kind {
            Kind::OpenSsh => {
                let methods = match wants {
                    Wants::Key => "publickey",
                    Wants::Password => "password",
                    Wants::Answers => "keyboard-interactive",
                    Wants::KeyAndPassword => "publickey,password",
                    Wants::KeyAndAnswers => "publickey,keyboard-interactive",
                };
                let asks = matches!(wants, Wants::Answers | Wants::KeyAndAnswers);
                let yes_no = |on: bool| if on { "yes" } else { "no" };
                let settings = format!(
                    "AuthenticationMethods {methods}\nPasswordAuthentication {}\n\
                     KbdInteractiveAuthentication {}\nUsePAM {}\nTrustedUserCAKeys {}.pub\n",
                    yes_no(with_password),
                    yes_no(asks),
                    yes_no(asks),
                    user.authority.display()
                );
                let server = SshServer::start_with_password_and(PASSWORD, &settings).await;
                for key in &user.keys {
                    server.authorize(key);
                }
                Self::OpenSsh(server)
            }
            Kind::Dropbear => {
                let password = with_password.then_some(PASSWORD);
                let both = wants == Wants::KeyAndPassword;
                let authorized = user.authorized();
                Self::Dropbear(Dropbear::start(&authorized, password, both).await)
            }
            Kind::Asyncssh => {
                let authority = public_line(&user.authority);
                let list = user.home.path("asyncssh_keys");
                let all = format!("{}cert-authority {authority}", user.authorized());
                std::fs::write(&list, all).unwrap();
                let rounds = json!([
                    { "prompts": [["Password: ", false]], "answers": [PASSWORD] },
                    { "instruction": "Look at your token", "prompts": [], "answers": [] },
                    { "prompts": [["Code: ", true], ["Once more: ", false]], "answers": [CODE, CODE] },
                ]);
                let settings = match wants {
                    Wants::Key => json!({ "authorized_keys": list }),
                    Wants::Password => json!({ "password": PASSWORD }),
                    Wants::Answers => json!({ "rounds": rounds }),
                    Wants::KeyAndPassword => json!({
                        "authorized_keys": list, "password": PASSWORD,
                        "factors": ["publickey", "password"],
                    }),
                    Wants::KeyAndAnswers => json!({
                        "authorized_keys": list, "rounds": rounds,
                        "factors": ["publickey", "keyboard-interactive"],
                    }),
                };
                Self::Asyncssh(OddServer::start(&["ed25519"], settings).await)
            }
        }
    }

    fn port(&self) -> u16 {
        match self {
            Self::OpenSsh(server) => server.port,
            Self::Dropbear(server) => server.port,
            Self::Asyncssh(server) => server.port,
        }
    }

    fn host_key(&self) -> String {
        match self {
            Self::OpenSsh(server) => server.host_key("ed25519"),
            Self::Dropbear(server) => server.host_key().to_owned(),
            Self::Asyncssh(server) => server.host_key("ed25519"),
        }
    }

    /// Returns how many credentials the server says it refused over this many connections. dropbear
    /// does not count a key that was only asked about, which is how every key is offered first.
    async fn refusals(&self, method: &str, connections: usize) -> usize {
        match self {
            Self::Dropbear(server) if method == "publickey" => {
                assert_eq!(server.refusals(connections).await, 0);
                1
            }
            Self::OpenSsh(server) => server.log().matches(&format!("Failed {method}")).count(),
            Self::Dropbear(server) => server.refusals(connections).await,
            Self::Asyncssh(server) => server.offers(method),
        }
    }
}

/// A configuration for a user who has met the server.
fn config(user: &User, server: &Server, sign_in: SignIn) -> TunnelConfig {
    let line = format!("[127.0.0.1]:{} {}\n", server.port(), server.host_key());
    std::fs::write(user.home.path("known_hosts"), line).unwrap();
    TunnelConfig {
        sign_in,
        ..user.home.config(server.port(), None)
    }
}

fn key_files(files: &[&Path]) -> SignIn {
    SignIn::Automatic {
        identity_files: files.iter().map(|file| file.to_path_buf()).collect(),
    }
}

/// Signs in, answering what is asked each time it is; returns the last thing that was accepted.
async fn sign_in(config: &TunnelConfig) -> (Tunnel, Credential) {
    let mut memory = SignInMemory::default();
    for _ in 0..6 {
        let mut accepted = None;
        let mut on_step = |step| {
            if let TunnelStep::SignedIn { method } = step {
                accepted = Some(method);
            }
        };
        match open(config, &mut memory, &mut on_step).await {
            Ok(tunnel) => return (tunnel, accepted.unwrap()),
            Err(TunnelError::NeedsAnswer(Question::Password { was_wrong, .. })) => {
                assert!(!was_wrong);
                memory.remember_password(AccountPassword::new(PASSWORD));
            }
            Err(TunnelError::NeedsAnswer(Question::Prompts {
                prompts, was_wrong, ..
            })) => {
                assert!(!was_wrong);
                let answers = prompts.iter().map(|_| PromptAnswer::new(CODE)).collect();
                memory.remember_answers(prompts, answers);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("asked again and again");
}

async fn sign_in_and_leave(config: &TunnelConfig) -> Credential {
    let (tunnel, accepted) = sign_in(config).await;
    tunnel.close().await;
    accepted
}

/// Dials three times with what the server refuses, as reconnecting would.
async fn three_dials(config: &TunnelConfig, memory: &mut SignInMemory) {
    for number in 0..3 {
        let error = dial(config, memory).await.unwrap_err();
        assert!(error.stops_retrying(), "{error:?}");
        if let TunnelError::AuthRefused { tried, .. } = error {
            let expected = match number {
                0 => Outcome::Refused,
                _ => Outcome::RefusedBefore,
            };
            assert_eq!(tried[0].outcome, expected, "{tried:?}");
        }
    }
}

async fn rows(kind: Kind, user: &User, table: &mut Vec<(Kind, &'static str)>) {
    let mut passes = |row: &'static str| {
        table.push((kind, row));
        row
    };
    let server = Server::start(kind, user, Wants::Key).await;

    // The question about the host key, and the answer to it.
    let mut asked = config(user, &server, key_files(&[&user.keys[0]]));
    std::fs::remove_file(user.home.path("known_hosts")).unwrap();
    let error = dial(&asked, &mut SignInMemory::default())
        .await
        .unwrap_err();
    let TunnelError::HostKeyUnknown(presented) = error else {
        panic!("{kind:?}: {error:?}")
    };
    asked.demanded_host_key = Some(presented.fingerprint());
    sign_in_and_leave(&asked).await;
    passes("host key question");

    for (key, row) in user
        .keys
        .iter()
        .zip(["key ed25519", "key ecdsa", "key rsa"])
    {
        let used = sign_in_and_leave(&config(user, &server, key_files(&[key]))).await;
        assert_eq!(used, Credential::KeyFile { path: key.clone() }, "{kind:?}");
        passes(row);
    }

    let agent = Agent::start().await;
    agent.add(&user.keys[2], &[]);
    let held = TunnelConfig {
        agent_socket: Some(agent.socket()),
        ..config(user, &server, key_files(&[]))
    };
    let used = sign_in_and_leave(&held).await;
    assert!(matches!(used, Credential::AgentKey { .. }), "{used:?}");
    passes("agent");

    if kind != Kind::Dropbear {
        let used = sign_in_and_leave(&config(user, &server, key_files(&[&user.certified]))).await;
        assert!(
            matches!(used, Credential::Certificate { .. }),
            "{kind:?}: {used:?}"
        );
        passes("certificate");
    }

    let echo = echo_service().await;
    let (tunnel, _) = sign_in(&config(user, &server, key_files(&[&user.keys[0]]))).await;
    let mut stream = tunnel.open_channel("127.0.0.1", echo).await.unwrap();
    stream.write_all(b"through the tunnel").await.unwrap();
    let mut back = [0; 18];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"through the tunnel", "{kind:?}");
    drop(stream);
    tunnel.close().await;
    passes("forward");

    let server = Server::start(kind, user, Wants::Key).await;
    let wrong = config(user, &server, key_files(&[&user.stranger]));
    three_dials(&wrong, &mut SignInMemory::default()).await;
    assert_eq!(server.refusals("publickey", 3).await, 1, "{kind:?}");
    passes("wrong key: one attempt in three dials");

    let server = Server::start(kind, user, Wants::Password).await;
    let used = sign_in_and_leave(&config(user, &server, SignIn::Password)).await;
    assert_eq!(used, Credential::Password, "{kind:?}");
    passes("password");

    let server = Server::start(kind, user, Wants::Password).await;
    let wrong = config(user, &server, SignIn::Password);
    let mut memory = SignInMemory::default();
    memory.remember_password(AccountPassword::new("battery staple"));
    three_dials(&wrong, &mut memory).await;
    assert_eq!(server.refusals("password", 3).await, 1, "{kind:?}");
    passes("wrong password: one attempt in three dials");

    let server = Server::start(kind, user, Wants::KeyAndPassword).await;
    let used = sign_in_and_leave(&config(user, &server, key_files(&[&user.keys[0]]))).await;
    assert_eq!(used, Credential::Password, "{kind:?}");
    passes("key, then password");

    if kind != Kind::Dropbear {
        let server = Server::start(kind, user, Wants::Answers).await;
        let used = sign_in_and_leave(&config(user, &server, SignIn::Password)).await;
        assert_eq!(used, Credential::KeyboardInteractive, "{kind:?}");
        passes("keyboard-interactive");

        let server = Server::start(kind, user, Wants::KeyAndAnswers).await;
        let chosen = SignIn::KeyFile(user.keys[1].clone());
        let used = sign_in_and_leave(&config(user, &server, chosen)).await;
        assert_eq!(used, Credential::KeyboardInteractive, "{kind:?}");
        passes("key, then keyboard-interactive");
    }
}

#[tokio::test]
async fn every_way_to_sign_in_works_at_three_servers() {
    let user = User::new();
    let mut table = Vec::new();
    for kind in [Kind::OpenSsh, Kind::Dropbear, Kind::Asyncssh] {
        rows(kind, &user, &mut table).await;
    }

    let of = |kind| table.iter().filter(|(at, _)| *at == kind).count();
    let counts = [Kind::OpenSsh, Kind::Dropbear, Kind::Asyncssh].map(of);
    let text: String = table
        .iter()
        .map(|(kind, row)| format!("  {kind:?}: {row}\n"))
        .collect();
    eprintln!("{} ways to sign in:\n{text}", table.len());
    assert_eq!(counts, [13, 10, 13], "\n{text}");
}
