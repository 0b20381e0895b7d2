//! Providers over TLS: a real listener with certificates of a test's own authority.

use super::server::{Answer, read};
use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// An authority nobody but the test knows.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }
}

fn provider_of_ring() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A provider over TLS that answers once.
struct TlsProvider {
    address: SocketAddr,
    task: JoinHandle<Option<String>>,
}

impl TlsProvider {
    /// Starts it with a certificate for this name, good now or long ago.
    async fn named(authority: &Authority, name: &str, is_expired: bool) -> Self {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if is_expired {
            params.not_before = rcgen::date_time_ymd(2000, 1, 1);
            params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority.0).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = rustls::ServerConfig::builder_with_provider(provider_of_ring())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not like the certificate hangs up.
            let mut stream = acceptor.accept(stream).await.ok()?;
            let request = read(&mut stream).await;
            Answer::text("Hello over TLS.").send(&mut stream).await.ok();
            Some(request)
        });
        Self { address, task }
    }

    /// Asks it as `host`, trusting one authority, and returns the error or the text.
    async fn ask(&self, host: &str, trusted: &Authority) -> Result<String, ModelError> {
        let base = format!("https://{host}:{}/v1", self.address.port());
        let config = json!({"models": {"providers": {"tls": {
            "baseUrl": base, "apiKey": "sk-canary", "models": [{"id": "m"}],
        }}}});
        let catalogue = ModelCatalogue::from_config(&config, &|_| None, None).unwrap();
        let (entry, provider) = catalogue.find(&ModelId::new("tls", "m")).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(trusted.certificate()).unwrap();
        let tls = rustls::ClientConfig::builder_with_provider(provider_of_ring())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let model = HttpModel::with_tls(entry, provider, Patience::default(), tls).unwrap();
        let chunks = ask(&model, request()).await?;
        Ok(text(&chunks))
    }
}

#[tokio::test]
async fn a_provider_whose_certificate_is_good_is_asked_over_tls() {
    let authority = Authority::named("ours");
    let provider = TlsProvider::named(&authority, "localhost", false).await;

    let said = provider.ask("localhost", &authority).await.unwrap();

    assert_eq!(said, "Hello over TLS.");
    let request = provider.task.await.unwrap().unwrap();
    assert!(
        request
            .to_lowercase()
            .contains("authorization: bearer sk-canary")
    );
}

#[tokio::test]
async fn a_provider_that_cannot_show_who_it_is_gets_no_key_and_the_reason_is_said() {
    let (authority, other) = (Authority::named("ours"), Authority::named("theirs"));
    for (name, is_expired, trusted, reason) in [
        (
            "localhost",
            false,
            &other,
            "nobody this computer trusts has signed it",
        ),
        (
            "elsewhere.example",
            false,
            &authority,
            "it was made for another name",
        ),
        ("localhost", true, &authority, "it has expired"),
    ] {
        let provider = TlsProvider::named(&authority, name, is_expired).await;

        let error = provider.ask("localhost", trusted).await.unwrap_err();

        assert_eq!(error.kind, ModelErrorKind::Certificate, "{error}");
        assert!(!error.is_retryable());
        let said = error.to_string();
        let wanted = format!("tls/m: the certificate of localhost is not accepted: {reason}; ");
        assert!(said.starts_with(&wanted), "{said}");
        assert_eq!(provider.task.await.unwrap(), None, "it was sent a request");
    }
}

#[tokio::test]
async fn a_provider_that_speaks_no_tls_is_said_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        None
    });
    let provider = TlsProvider { address, task };

    let error = provider
        .ask("localhost", &Authority::named("ours"))
        .await
        .unwrap_err();

    assert_eq!(error.kind, ModelErrorKind::Network, "{error}");
    let said = error.to_string();
    assert!(
        said.contains("the encrypted connection to localhost failed"),
        "{said}"
    );
}
