//! A stand-in server that asks questions. sshd asks none without PAM modules of its own, so these
//! rounds are played by a small russh server; it is no proof of how any real server words them.

use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, Config, Handle, Handler, Response, VerifiedPublicKey, run_stream};
use russh::{MethodKind, MethodSet};
use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// One round: what is asked, and which answers are right.
#[derive(Clone)]
pub(crate) struct Round {
    pub(crate) title: &'static str,
    pub(crate) instruction: &'static str,
    /// Each prompt, and whether its answer may be seen.
    pub(crate) prompts: Vec<(&'static str, bool)>,
    pub(crate) right: Vec<&'static str>,
}

/// A server that lets in whoever answers all rounds, after a key if it wants one.
#[derive(Clone)]
pub(crate) struct PromptingServer {
    pub(crate) port: u16,
    host_key: PrivateKey,
    /// What was answered in each round that was answered.
    pub(crate) answered: Arc<Mutex<Vec<Vec<String>>>>,
    /// What came of each channel that the server opened towards its client.
    pub(crate) intrusions: Arc<Mutex<Vec<String>>>,
}

impl PromptingServer {
    pub(crate) async fn start(wants_key_first: bool, rounds: Vec<Round>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host_key =
            PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            host_key: host_key.clone(),
            answered: Arc::default(),
            intrusions: Arc::default(),
        };
        let first = if wants_key_first {
            MethodKind::PublicKey
        } else {
            MethodKind::KeyboardInteractive
        };
        let config = Arc::new(Config {
            keys: vec![host_key],
            methods: MethodSet::from([first].as_slice()),
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            ..Config::default()
        });
        let answered = Arc::clone(&server.answered);
        let intrusions = Arc::clone(&server.intrusions);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (signed_in, has_signed_in) = oneshot::channel();
                let session = Session {
                    rounds: rounds.clone(),
                    at: 0,
                    answered: Arc::clone(&answered),
                    signed_in: Some(signed_in),
                };
                let intrusions = Arc::clone(&intrusions);
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    if let Ok(session) = run_stream(config, socket, session).await {
                        tokio::spawn(intrude(session.handle(), has_signed_in, intrusions));
                        // Clients leave in the middle of questions; that is what these tests do.
                        drop(session.await);
                    }
                });
            }
        });
        server
    }

    /// Returns the line that makes known_hosts trust the server.
    pub(crate) fn known_hosts_line(&self) -> String {
        format!(
            "[127.0.0.1]:{} {}\n",
            self.port,
            self.host_key.public_key().to_openssh().unwrap()
        )
    }
}

struct Session {
    rounds: Vec<Round>,
    at: usize,
    answered: Arc<Mutex<Vec<Vec<String>>>>,
    signed_in: Option<oneshot::Sender<()>>,
}

/// Opens every kind of channel that a server may open, once somebody has signed in.
async fn intrude(
    handle: Handle,
    has_signed_in: oneshot::Receiver<()>,
    intrusions: Arc<Mutex<Vec<String>>>,
) {
    if has_signed_in.await.is_err() {
        return;
    }
    let opened = [
        handle.channel_open_agent().await.map(drop),
        handle.channel_open_x11("127.0.0.1", 1).await.map(drop),
        handle.channel_open_session().await.map(drop),
        handle
            .channel_open_forwarded_tcpip("127.0.0.1", 1, "127.0.0.1", 1)
            .await
            .map(drop),
        handle
            .channel_open_forwarded_streamlocal("/tmp/socket")
            .await
            .map(drop),
        handle
            .channel_open_direct_tcpip("127.0.0.1", 1, "127.0.0.1", 1)
            .await
            .map(drop),
        handle
            .channel_open_direct_streamlocal("/tmp/socket")
            .await
            .map(drop),
    ];
    intrusions
        .lock()
        .unwrap()
        .extend(opened.iter().map(|opened| format!("{opened:?}")));
}

impl Session {
    fn ask(&self) -> Auth {
        let Some(round) = self.rounds.get(self.at) else {
            return Auth::Accept;
        };
        Auth::Partial {
            name: Cow::Borrowed(round.title),
            instructions: Cow::Borrowed(round.instruction),
            prompts: round
                .prompts
                .iter()
                .map(|(label, echo)| (Cow::Borrowed(*label), *echo))
                .collect(),
        }
    }
}

impl Handler for Session {
    type Error = russh::Error;

    async fn auth_succeeded(&mut self, _: &mut russh::server::Session) -> Result<(), russh::Error> {
        if let Some(signed_in) = self.signed_in.take() {
            // The channels are only opened where a test waits for them.
            signed_in.send(()).ok();
        }
        Ok(())
    }

    async fn auth_publickey(
        &mut self,
        _: &str,
        _: VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        Ok(Auth::Reject {
            proceed_with_methods: Some(MethodSet::from(
                [MethodKind::KeyboardInteractive].as_slice(),
            )),
            partial_success: true,
        })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let Some(response) = response else {
            self.at = 0;
            return Ok(self.ask());
        };
        let answers: Vec<String> = response
            .map(|a| String::from_utf8_lossy(&a).into_owned())
            .collect();
        let is_right = self
            .rounds
            .get(self.at)
            .is_some_and(|round| answers == round.right);
        self.answered.lock().unwrap().push(answers);
        if !is_right {
            return Ok(Auth::reject());
        }
        self.at += 1;
        Ok(self.ask())
    }
}
