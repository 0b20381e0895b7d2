//! Judges the certificate of a gateway inside the TLS handshake.
//!
//! With a pin the leaf's SHA-256 alone decides: neither an authority nor a date nor a name counts,
//! and nothing else gets past a wrong one. Without a pin the system judges, with its own authorities.
//! Either way the other end has to prove that it holds the certificate's key.

use crate::config::TlsFingerprint;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use std::sync::{Arc, OnceLock};

/// The judgement of one handshake.
#[derive(Debug)]
pub(super) struct CertificateCheck {
    rule: Rule,
    provider: Arc<CryptoProvider>,
    presented: OnceLock<TlsFingerprint>,
}

#[derive(Debug)]
enum Rule {
    Pinned(TlsFingerprint),
    System(Verifier),
    /// The system knows no authority at all, so nobody vouches for anything.
    Nobody,
}

impl CertificateCheck {
    /// Accepts one certificate and no other.
    pub(super) fn pinned(pin: TlsFingerprint) -> Self {
        Self::by(Rule::Pinned(pin), provider())
    }

    /// Accepts what the system accepts, and what `authorities` signed. Reads files.
    pub(super) fn by_the_system(authorities: Vec<CertificateDer<'static>>) -> Self {
        let provider = provider();
        let verifier = if authorities.is_empty() {
            Verifier::new(Arc::clone(&provider))
        } else {
            Verifier::new_with_extra_roots(authorities, Arc::clone(&provider))
        };
        let rule = verifier.map_or_else(
            |error| {
                tracing::warn!(%error, "the system's certificate authorities cannot be used");
                Rule::Nobody
            },
            Rule::System,
        );
        Self::by(rule, provider)
    }

    fn by(rule: Rule, provider: Arc<CryptoProvider>) -> Self {
        Self {
            rule,
            provider,
            presented: OnceLock::new(),
        }
    }

    /// Returns the fingerprint of the certificate that was shown, once one was.
    pub(super) fn presented(&self) -> Option<TlsFingerprint> {
        self.presented.get().copied()
    }
}

impl ServerCertVerifier for CertificateCheck {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let presented = *self
            .presented
            .get_or_init(|| TlsFingerprint::of(end_entity));
        match &self.rule {
            Rule::Pinned(pin) if *pin == presented => Ok(ServerCertVerified::assertion()),
            Rule::Pinned(_) => Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            )),
            Rule::Nobody => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
            Rule::System(verifier) => verifier.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// TLS 1.2 or 1.3, judged by `check`. Nothing is resumed, so that every connection is judged anew.
pub(super) fn client_config(check: Arc<CertificateCheck>) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&check.provider))
        .with_safe_default_protocol_versions()?;
    let mut config = builder
        .dangerous()
        .with_custom_certificate_verifier(check)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
