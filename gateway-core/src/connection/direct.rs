//! Straight to a gateway's port, by `ws://` or `wss://`, with no SSH in between.
//!
//! [`Dialer`] goes from an address to a stream whose other end is the one that was meant: the name is
//! resolved, the addresses race, and for `wss://` the certificate is judged inside the TLS handshake,
//! before a byte of ours is sent. `certificate` is that judgement, [`error`] what can go wrong, and
//! [`server`] what a person answered about it. Nothing here follows a redirect or uses a proxy.

mod certificate;
mod counted;
pub mod error;
pub mod server;
#[cfg(test)]
mod tests;

use self::certificate::CertificateCheck;
use self::error::{DirectError, DirectStep, Presented};
use crate::config::{GatewayUrl, TlsFingerprint};
use crate::dial::{self, DialError};
use rustls::Error as TlsError;
use rustls::pki_types::{CertificateDer, ServerName};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The limit on finding the name's addresses.
const RESOLVE: Duration = Duration::from_secs(3);
/// The limit on TCP, over all addresses.
const TCP: Duration = Duration::from_secs(5);
/// The limit on the TLS handshake.
const TLS: Duration = Duration::from_secs(5);

/// A stream to a gateway's port.
pub trait GatewayStream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> GatewayStream for S {}

/// Goes from a gateway's address to a stream.
#[derive(Debug, Clone)]
pub struct Dialer {
    url: GatewayUrl,
    pin: Option<TlsFingerprint>,
    /// Authorities that count beside the system's.
    authorities: Vec<CertificateDer<'static>>,
}

impl Dialer {
    /// Returns the way to `url`. With a pin only that certificate is accepted, and needs no authority.
    pub fn new(url: GatewayUrl, pin: Option<TlsFingerprint>) -> Self {
        Self {
            url,
            pin,
            authorities: Vec::new(),
        }
    }

    /// Lets an authority count beside the system's.
    #[must_use]
    pub fn and_authority(mut self, certificate: CertificateDer<'static>) -> Self {
        self.authorities.push(certificate);
        self
    }

    /// Returns the same way with another pin.
    #[must_use]
    pub fn pinned(mut self, pin: Option<TlsFingerprint>) -> Self {
        self.pin = pin;
        self
    }

    /// Returns the gateway's address.
    pub fn url(&self) -> &GatewayUrl {
        &self.url
    }

    /// Returns the certificate that alone is accepted.
    pub fn pin(&self) -> Option<TlsFingerprint> {
        self.pin.filter(|_| self.url.is_encrypted())
    }

    /// Returns whether the other end is known well enough to be offered this device's token after the
    /// shared one was refused: this computer, or a pinned certificate.
    pub fn is_trusted(&self) -> bool {
        self.url.is_loopback() || self.pin().is_some()
    }

    /// Returns a stream to the gateway's port.
    ///
    /// # Errors
    ///
    /// [`DirectError`]; nothing but a TLS handshake has been sent by then.
    pub async fn dial(&self) -> Result<Box<dyn GatewayStream>, DirectError> {
        let addresses = self.resolve().await?;
        let stream = self.connect(addresses).await?;
        self.secure(stream).await
    }

    /// Returns the addresses of the host.
    ///
    /// # Errors
    ///
    /// [`DirectError`]; among them that the address may not be used without encryption.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, DirectError> {
        self.url.check_plain()?;
        let host = self.url.host();
        let found = dial::resolve(&host, self.url.port(), RESOLVE).await;
        let found = found.map_err(|error| match error {
            DialError::Timeout { waited } => DirectError::Timeout {
                step: DirectStep::Resolve,
                waited,
            },
            DialError::Io(source) => DirectError::Resolve {
                host: host.clone(),
                source,
            },
        })?;
        let allowed: Vec<SocketAddr> = found
            .into_iter()
            .filter(|address| self.url.may_dial(address.ip()))
            .collect();
        if allowed.is_empty() {
            return Err(DirectError::PlainToPublic { host });
        }
        Ok(allowed)
    }

    /// Returns a TCP connection to the first address that answers.
    ///
    /// # Errors
    ///
    /// [`DirectError`].
    pub async fn connect(&self, addresses: Vec<SocketAddr>) -> Result<TcpStream, DirectError> {
        let stream = dial::connect(addresses, None, TCP).await;
        let stream = stream.map_err(|error| match error {
            DialError::Timeout { waited } => DirectError::Timeout {
                step: DirectStep::Tcp,
                waited,
            },
            DialError::Io(source) => DirectError::Tcp {
                authority: self.url.authority(),
                is_here: self.url.is_loopback(),
                source,
            },
        })?;
        // It only makes things faster; a system that refuses it is no reason to give up.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY refused");
        }
        Ok(stream)
    }

    /// Puts TLS over a connection, where the address asks for it.
    ///
    /// # Errors
    ///
    /// [`DirectError`]; no byte of the application was sent then.
    pub async fn secure(&self, stream: TcpStream) -> Result<Box<dyn GatewayStream>, DirectError> {
        if !self.url.is_encrypted() {
            return Ok(Box::new(stream));
        }
        let check = self.certificate_check().await?;
        let config = certificate::client_config(Arc::clone(&check))?;
        let name = ServerName::try_from(self.url.host()).map_err(|_| DirectError::BadName)?;
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
        match timeout(TLS, handshake).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(self.tls_error(error, check.presented())),
            Err(_) => Err(DirectError::Timeout {
                step: DirectStep::Tls,
                waited: TLS,
            }),
        }
    }

    /// The system's authorities are read anew each time: one that was added counts at the next try.
    async fn certificate_check(&self) -> Result<Arc<CertificateCheck>, DirectError> {
        if let Some(pin) = self.pin {
            return Ok(Arc::new(CertificateCheck::pinned(pin)));
        }
        let authorities = self.authorities.clone();
        let reading =
            tokio::task::spawn_blocking(move || CertificateCheck::by_the_system(authorities));
        match reading.await {
            Ok(check) => Ok(Arc::new(check)),
            Err(error) => Err(DirectError::Setup(TlsError::General(error.to_string()))),
        }
    }

    fn tls_error(&self, error: io::Error, presented: Option<TlsFingerprint>) -> DirectError {
        let presented = presented.map(|fingerprint| Presented {
            host: self.url.host(),
            port: self.url.port(),
            fingerprint,
        });
        DirectError::of_tls(error, self.pin, presented, self.url.authority())
    }
}
