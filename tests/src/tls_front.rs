//! TLS in front of a gateway, as a proxy would put it there, with a certificate of its own making.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, anyhow};
use gateway_core::config::TlsFingerprint;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_rustls::TlsAcceptor;

/// A TLS terminator on loopback. Dropping it closes its port and cuts what goes through it.
#[derive(Debug)]
pub struct TlsFront {
    port: u16,
    shown: Arc<Shown>,
    through: Arc<Mutex<Through>>,
    task: JoinHandle<()>,
}

/// The certificate that is shown now.
#[derive(Debug)]
struct Shown(Mutex<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(
            &self.0.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

/// What went and goes through it.
#[derive(Debug, Default)]
struct Through {
    open: Vec<AbortHandle>,
    /// Bytes that came from clients inside TLS.
    bytes: usize,
}

impl TlsFront {
    /// Starts one in front of a port of this machine.
    ///
    /// # Errors
    ///
    /// When no certificate can be made, or no port is free.
    pub async fn start(to: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let shown = Arc::new(Shown(Mutex::new(certificate()?)));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let through = Arc::<Mutex<Through>>::default();
        let noted = Arc::clone(&through);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = tokio::spawn(serve(stream, acceptor.clone(), to, Arc::clone(&noted)));
                lock(&noted).open.push(serving.abort_handle());
            }
        });
        Ok(Self {
            port,
            shown,
            through,
            task,
        })
    }

    /// Its address for a gateway's clients.
    pub fn url(&self) -> String {
        format!("wss://localhost:{}", self.port)
    }

    /// The fingerprint of the certificate it shows now.
    pub fn fingerprint(&self) -> String {
        let shown = self.shown.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.cert.first().map_or_else(String::new, |certificate| {
            TlsFingerprint::of(certificate).to_string()
        })
    }

    /// Shows another certificate from now on, and leaves what is open alone.
    ///
    /// # Errors
    ///
    /// When none can be made.
    pub fn renew(&self) -> Result<()> {
        *self.shown.0.lock().unwrap_or_else(PoisonError::into_inner) = certificate()?;
        Ok(())
    }

    /// Cuts everything that goes through it; new connections are taken as before.
    pub fn cut(&self) {
        for open in lock(&self.through).open.drain(..) {
            open.abort();
        }
    }

    /// How many bytes clients have sent inside TLS so far.
    pub fn bytes(&self) -> usize {
        lock(&self.through).bytes
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

fn lock(through: &Mutex<Through>) -> std::sync::MutexGuard<'_, Through> {
    through.lock().unwrap_or_else(PoisonError::into_inner)
}

fn certificate() -> Result<Arc<CertifiedKey>> {
    let params = CertificateParams::new(vec!["localhost".to_owned()])?;
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = ring::default_provider()
        .key_provider
        .load_private_key(key)
        .map_err(|error| anyhow!("the key cannot be used: {error}"))?;
    Ok(Arc::new(CertifiedKey::new(vec![certificate], key)))
}

/// Passes one connection on in both directions; a side that ends ends the other.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, to: u16, through: Arc<Mutex<Through>>) {
    // A client that does not like the certificate hangs up.
    let Ok(client) = acceptor.accept(stream).await else {
        return;
    };
    let Ok(gateway) = TcpStream::connect(("127.0.0.1", to)).await else {
        return;
    };
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_gateway, mut to_gateway) = tokio::io::split(gateway);
    let up = async {
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
            lock(&through).bytes += count;
            if to_gateway.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    };
    let down = async {
        // Either side's end shows as the end of the other.
        drop(tokio::io::copy(&mut from_gateway, &mut to_client).await);
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}
