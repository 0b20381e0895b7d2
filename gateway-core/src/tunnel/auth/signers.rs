//! Who signs: the agent, or the private key at hand. And one who signs nothing and only finds out
//! whether the server asks.

use super::{SIGNATURE_LIMIT, SigningTime};
use crate::tunnel::agent::Agent;
use russh::keys::agent::AgentIdentity;
use russh::keys::signature::Signer as _;
use russh::keys::ssh_encoding::Encode as _;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{HashAlg, PrivateKey};
use russh::{AgentAuthError, SendError, Signer};
use std::sync::Arc;
use tokio::time::timeout;

/// Signs nothing; only notices that the server asked for a signature.
pub(super) struct Probe;

pub(super) enum ProbeError {
    Asked,
    Gone,
}

impl From<SendError> for ProbeError {
    fn from(_: SendError) -> Self {
        Self::Gone
    }
}

impl Signer for Probe {
    type Error = ProbeError;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        _: Option<HashAlg>,
        _: Vec<u8>,
    ) -> Result<Vec<u8>, ProbeError> {
        Err(ProbeError::Asked)
    }
}

/// Lets the agent sign, and notes how long that took.
pub(super) struct AgentSigner {
    pub(super) agent: Agent,
    pub(super) signing: Arc<SigningTime>,
    /// What the agent knows the key as, where that is not what the server was offered: it may hold
    /// the key only, and a file the certificate.
    pub(super) known_as: Option<AgentIdentity>,
}

impl Signer for AgentSigner {
    type Error = AgentAuthError;

    async fn auth_sign(
        &mut self,
        key: &AgentIdentity,
        hash: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, AgentAuthError> {
        self.signing.starts();
        let mut agent = self.agent.lock().await;
        let key = self.known_as.as_ref().unwrap_or(key);
        let signed = timeout(SIGNATURE_LIMIT, agent.sign_request(key, hash, to_sign)).await;
        self.signing.ends();
        match signed {
            Ok(signed) => Ok(signed?),
            Err(_) => Err(russh::keys::Error::AgentFailure.into()),
        }
    }
}

/// Signs with a private key for its certificate. russh does so itself only with SHA-1 for RSA keys.
pub(super) struct KeySigner(pub(super) Arc<PrivateKey>);

impl Signer for KeySigner {
    type Error = AgentAuthError;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        hash: Option<HashAlg>,
        mut to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, AgentAuthError> {
        let signature = sign(&self.0, hash, &to_sign)
            .map_err(|_| AgentAuthError::from(russh::keys::Error::AgentFailure))?;
        // The signature follows what was signed, as one string (RFC 4252 §7).
        signature
            .encode(&mut to_sign)
            .map_err(|_| AgentAuthError::from(russh::keys::Error::AgentFailure))?;
        Ok(to_sign)
    }
}

fn sign(
    key: &PrivateKey,
    hash: Option<HashAlg>,
    data: &[u8],
) -> Result<Vec<u8>, russh::keys::signature::Error> {
    let signature = if let KeypairData::Rsa(rsa) = key.key_data() {
        (rsa, hash).try_sign(data)?
    } else {
        key.try_sign(data)?
    };
    Vec::try_from(signature).map_err(|_| russh::keys::signature::Error::new())
}
