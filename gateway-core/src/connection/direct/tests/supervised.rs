//! The supervised connection over TLS: what a person is asked, and what a renewed certificate does.

use super::recorder::{Identity, Recorder};
use crate::client::HelloRequest;
use crate::client::StoredDeviceToken;
use crate::client::fake_gateway::{FakeGateway, TOKEN, hello_ok, hello_request};
use crate::connection::access::GatewayAccess;
use crate::connection::backoff::RetryPolicy;
use crate::connection::direct::GatewayStream;
use crate::connection::direct::server::DirectServer;
use crate::connection::gateway_route::GatewayRoute;
use crate::connection::phase::{Cause, Phase};
use crate::connection::problem::{Problem, UserAction};
use crate::connection::question::{Answer, Asked, Question};
use crate::connection::snapshot::Snapshot;
use crate::connection::{Command, Connection};
use crate::credentials::secret::KeyPassphrase;
use futures_util::future::BoxFuture;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long a busy machine may take for anything here.
const LIMIT: Duration = Duration::from_secs(30);

/// Gives the canary token to whoever is asked to be signed in to.
#[derive(Debug)]
struct Access;

impl GatewayAccess for Access {
    fn own_key(&self) -> BoxFuture<'_, Option<crate::tunnel::OwnKey>> {
        Box::pin(std::future::ready(None))
    }

    fn hello(&self) -> BoxFuture<'_, Result<HelloRequest, Problem>> {
        Box::pin(std::future::ready(Ok(hello_request())))
    }

    fn keep_device_token(&self, _: StoredDeviceToken) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn forget_device_token(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn passphrase(&self) -> BoxFuture<'_, Option<(PathBuf, KeyPassphrase)>> {
        Box::pin(std::future::ready(None))
    }

    fn keep_passphrase(&self, _: PathBuf, _: KeyPassphrase) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

struct User(Connection<GatewayRoute>);

impl User {
    async fn connects(server: DirectServer) -> Self {
        let route = GatewayRoute::direct(server, Arc::new(Access));
        let connection = Connection::start(route, RetryPolicy::default());
        connection.command(Command::Connect).await;
        Self(connection)
    }

    async fn sees(&self, wanted: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let mut snapshots = self.0.snapshots();
        let seen = timeout(LIMIT, snapshots.wait_for(|snapshot| wanted(snapshot))).await;
        match seen {
            Ok(snapshot) => snapshot.unwrap().clone(),
            Err(_) => panic!("{:?}", self.0.snapshots().borrow()),
        }
    }

    async fn reaches(&self, phase: Phase) -> Snapshot {
        self.sees(|snapshot| snapshot.phase == phase).await
    }

    /// Waits for a question in a phase, and returns it.
    async fn is_asked(&self, phase: Phase) -> (Snapshot, Asked) {
        let seen = self
            .sees(|snapshot| snapshot.phase == phase && snapshot.question.is_some())
            .await;
        let asked = seen.question.clone().unwrap();
        (seen, asked)
    }
}

type Streams = mpsc::UnboundedReceiver<Box<dyn GatewayStream>>;

/// Plays the gateway for the next connection, up to hello-ok.
async fn lets_in(streams: &mut Streams) -> FakeGateway<Box<dyn GatewayStream>> {
    let stream = timeout(LIMIT, streams.recv()).await.unwrap().unwrap();
    let (mut gateway, request) = FakeGateway::challenge(stream).await;
    let params = request.params.clone().unwrap();
    assert_eq!(params["auth"]["token"], TOKEN);
    gateway.answer(&request, hello_ok()).await;
    gateway
}

#[tokio::test]
async fn an_unknown_certificate_is_asked_about_and_trusted_by_a_person() {
    let identity = Identity::self_signed_as_an_authority("localhost");
    let shown = identity.fingerprint().to_string();
    let (server, mut streams) = Recorder::handing_out(identity).await;
    let user = User::connects(DirectServer::new(server.dialer("localhost", None))).await;

    let (asking, asked) = user.is_asked(Phase::HostKey).await;

    assert_eq!(asking.cause, Some(Cause::TlsPin));
    assert_eq!(asking.target, format!("wss://localhost:{}", server.port()));
    let Question::CertificateUnknown {
        host,
        port,
        fingerprint,
    } = &asked.question
    else {
        panic!("{asked:?}");
    };
    assert_eq!((host.as_str(), *port), ("localhost", server.port()));
    assert_eq!(*fingerprint, shown);
    server.is_done_with(1).await;
    assert!(streams.try_recv().is_err(), "nothing came through TLS");

    user.0.command(Command::Cancel { id: asked.id }).await;
    let paused = user.reaches(Phase::Paused).await;
    assert_eq!(paused.cause, Some(Cause::TlsPin));

    user.0.command(Command::ReconnectNow).await;
    let (_, asked) = user.is_asked(Phase::HostKey).await;
    let wrong = user.0.answer(
        asked.id,
        Answer::Replace {
            typed_host: "localhost".to_owned(),
        },
    );
    assert_eq!(wrong.await.unwrap_err().code, "answerDoesNotFit");
    user.0.answer(asked.id, Answer::Trust).await.unwrap();
    let _gateway = lets_in(&mut streams).await;
    user.reaches(Phase::Up).await;
    user.0.shut_down().await;
}

#[tokio::test]
async fn a_renewed_certificate_leaves_a_session_alone_and_stops_the_next_one_until_somebody_types()
{
    let first = Identity::self_signed("localhost");
    let pin = first.fingerprint();
    let (server, mut streams) = Recorder::handing_out(first).await;
    let user = User::connects(DirectServer::new(server.dialer("localhost", Some(pin)))).await;
    let gateway = lets_in(&mut streams).await;
    user.reaches(Phase::Up).await;

    let second = Identity::self_signed("localhost");
    let renewed = second.fingerprint();
    server.show(second);
    assert_eq!(user.0.snapshots().borrow().phase, Phase::Up);
    drop(gateway);
    let (paused, asked) = user.is_asked(Phase::Paused).await;

    assert_eq!(paused.cause, Some(Cause::TlsPin));
    let problem = paused.problem.unwrap();
    assert_eq!(problem.action, Some(UserAction::ReviewHostKey));
    for fingerprint in [pin, renewed] {
        assert!(
            problem.message.contains(&fingerprint.to_string()),
            "{problem:?}"
        );
    }
    let Question::CertificateChanged {
        known_fingerprint,
        new_fingerprint,
        ..
    } = &asked.question
    else {
        panic!("{asked:?}");
    };
    assert_eq!(*known_fingerprint, pin.to_string());
    assert_eq!(*new_fingerprint, renewed.to_string());
    assert!(streams.try_recv().is_err(), "nothing came through TLS");

    let typing = |text: &str| Answer::Replace {
        typed_host: text.to_owned(),
    };
    let refused = user.0.answer(asked.id, Answer::Trust).await.unwrap_err();
    assert_eq!(refused.code, "answerDoesNotFit");
    let refused = user.0.answer(asked.id, typing("other")).await.unwrap_err();
    assert_eq!(refused.code, "hostNameDiffers");
    user.0.answer(asked.id, typing("localhost")).await.unwrap();
    let _gateway = lets_in(&mut streams).await;
    user.reaches(Phase::Up).await;
    user.0.shut_down().await;
}

#[tokio::test]
async fn the_life_of_the_path_is_asked_for_by_pings_of_the_session() {
    let identity = Identity::self_signed("localhost");
    let pin = identity.fingerprint();
    let (server, mut streams) = Recorder::handing_out(identity).await;
    let user = User::connects(DirectServer::new(server.dialer("localhost", Some(pin)))).await;
    let mut gateway = lets_in(&mut streams).await;

    user.reaches(Phase::Up).await;
    user.0.command(Command::SetWatched(true)).await;
    let asked = timeout(LIMIT, gateway.message()).await.unwrap().unwrap();

    assert!(asked.is_ping(), "{asked:?}");
    assert_eq!(
        server.connections(),
        1,
        "nothing was sent beside the session"
    );
    user.0.shut_down().await;
}
