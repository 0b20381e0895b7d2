//! The HTTP client that speech models are downloaded with. The desktop and `openclaw voice models` use it.

use rustls_platform_verifier::BuilderVerifierExt as _;
use std::sync::Arc;

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum ModelClientError {
    /// The system's certificates cannot be used.
    #[error("the system's certificates cannot be used")]
    Certificates(#[from] rustls::Error),
    /// The client cannot be made of them.
    #[error("no connection to a download server can be prepared")]
    Client(#[from] reqwest::Error),
}

/// Returns a client whose servers the system's own certificates vouch for, over HTTPS alone.
///
/// # Errors
///
/// [`ModelClientError`], where the system has no certificates to go by.
pub fn client() -> Result<reqwest::Client, ModelClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .build()?)
}
