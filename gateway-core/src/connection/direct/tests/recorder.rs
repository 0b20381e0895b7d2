//! A server that writes down every byte it is sent inside TLS, and the certificates it may show.

use crate::config::TlsFingerprint;
use crate::connection::direct::{Dialer, GatewayStream};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How long a busy machine may take for anything here.
const LIMIT: Duration = Duration::from_secs(30);

/// An authority nobody but the test knows.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    pub(super) fn signs(&self, name: &str) -> Identity {
        self.sign(CertificateParams::new(vec![name.to_owned()]).unwrap())
    }

    pub(super) fn signs_expired(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        self.sign(params)
    }

    pub(super) fn signs_for_later(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(4000, 1, 1);
        params.not_after = rcgen::date_time_ymd(4001, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity::of(certificate.der().clone(), &key)
    }
}

/// A certificate and a key, usually its own.
#[derive(Debug)]
pub(super) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    pub(super) fn self_signed(name: &str) -> Self {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        Self::of(params.self_signed(&key).unwrap().der().clone(), &key)
    }

    pub(super) fn self_signed_as_an_authority(name: &str) -> Self {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self::of(params.self_signed(&key).unwrap().der().clone(), &key)
    }

    /// Somebody copied the certificate, which is no secret, and has to sign with another key.
    pub(super) fn with_the_key_of(self, other: Self) -> Self {
        Self {
            certificate: self.certificate,
            key: other.key,
        }
    }

    pub(super) fn fingerprint(&self) -> TlsFingerprint {
        TlsFingerprint::of(&self.certificate)
    }

    fn of(certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Self { certificate, key }
    }

    fn certified(self) -> Arc<CertifiedKey> {
        let key = ring::default_provider()
            .key_provider
            .load_private_key(self.key)
            .unwrap();
        Arc::new(CertifiedKey::new(vec![self.certificate], key))
    }
}

/// Shows whatever certificate is set now; nothing checks that the key fits.
#[derive(Debug)]
struct Shown(Mutex<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.lock().unwrap()))
    }
}

/// A TLS server on loopback.
pub(super) struct Recorder {
    port: u16,
    shown: Option<Arc<Shown>>,
    heard: Arc<Mutex<Vec<u8>>>,
    connections: Arc<Mutex<usize>>,
    done: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What it does with a connection.
enum Part {
    /// Writes down what comes and answers the first bytes with this; closes then.
    Answer(String),
    /// Hands the streams out.
    HandOut(mpsc::UnboundedSender<Box<dyn GatewayStream>>),
}

impl Recorder {
    /// Answers every request with 404.
    pub(super) async fn refusing(identity: Identity) -> Self {
        let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        Self::answering(identity, answer.to_owned()).await
    }

    pub(super) async fn answering(identity: Identity, answer: String) -> Self {
        Self::start(Some(identity), Part::Answer(answer)).await
    }

    /// Speaks no TLS; an empty answer hangs up.
    pub(super) async fn plain(answer: &str) -> Self {
        Self::start(None, Part::Answer(answer.to_owned())).await
    }

    /// Hands out what comes through TLS, for a gateway that the test plays.
    pub(super) async fn handing_out(
        identity: Identity,
    ) -> (Self, mpsc::UnboundedReceiver<Box<dyn GatewayStream>>) {
        let (sender, streams) = mpsc::unbounded_channel();
        let server = Self::start(Some(identity), Part::HandOut(sender)).await;
        (server, streams)
    }

    async fn start(identity: Option<Identity>, part: Part) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shown = identity.map(|identity| Arc::new(Shown(Mutex::new(identity.certified()))));
        let acceptor = shown.clone().map(acceptor);
        let heard = Arc::<Mutex<Vec<u8>>>::default();
        let connections = Arc::<Mutex<usize>>::default();
        let (done_sender, done) = watch::channel(0);
        let part = Arc::new(part);
        let (notes, count) = (Arc::clone(&heard), Arc::clone(&connections));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *count.lock().unwrap() += 1;
                let (acceptor, part) = (acceptor.clone(), Arc::clone(&part));
                let (notes, done) = (Arc::clone(&notes), done_sender.clone());
                drop(tokio::spawn(async move {
                    serve(stream, acceptor, &part, &notes).await;
                    done.send_modify(|done| *done += 1);
                }));
            }
        });
        Self {
            port,
            shown,
            heard,
            connections,
            done,
            task,
        }
    }

    /// Shows another certificate from now on.
    pub(super) fn show(&self, identity: Identity) {
        *self.shown.as_ref().unwrap().0.lock().unwrap() = identity.certified();
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn dialer(&self, host: &str, pin: Option<TlsFingerprint>) -> Dialer {
        let url = format!("wss://{host}:{}", self.port);
        Dialer::new(url.parse().unwrap(), pin)
    }

    /// Every byte of the application so far; without TLS every byte.
    pub(super) fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }

    pub(super) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// Waits until that many connections have ended, so that nothing can come any more.
    pub(super) async fn is_done_with(&self, connections: usize) {
        let mut done = self.done.clone();
        timeout(LIMIT, done.wait_for(|done| *done >= connections))
            .await
            .unwrap()
            .unwrap();
    }
}

fn acceptor(shown: Arc<Shown>) -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(shown);
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    part: &Part,
    heard: &Mutex<Vec<u8>>,
) {
    let mut stream: Box<dyn GatewayStream> = match acceptor {
        // A client that does not like the certificate hangs up.
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => Box::new(stream),
            Err(_) => return,
        },
        None => Box::new(stream),
    };
    let answer = match part {
        Part::Answer(answer) => answer,
        Part::HandOut(streams) => {
            streams.send(stream).ok();
            return;
        }
    };
    let mut bytes = [0; 4096];
    let mut answered = false;
    // In TLS 1.3 the server is done before the client has looked at its certificate.
    while let Ok(count @ 1..) = stream.read(&mut bytes).await {
        heard.lock().unwrap().extend_from_slice(&bytes[..count]);
        if !answered {
            answered = true;
            stream.write_all(answer.as_bytes()).await.ok();
            stream.shutdown().await.ok();
        }
    }
}
