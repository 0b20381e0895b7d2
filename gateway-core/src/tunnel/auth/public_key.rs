//! How a key or certificate is offered.
//!
//! It is always offered by its public half first (RFC 4252 §7), so a locked key file costs a
//! question only if the server would accept it.

use super::candidates::{Candidate, KeyOfCertificate};
use super::signers::{AgentSigner, KeySigner, Probe, ProbeError};
use super::{Attempt, Progress, Question, within};
use crate::tunnel::agent::Agent;
use crate::tunnel::error::TunnelError;
use crate::tunnel::session::SessionHandler;
use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::{HashAlg, PrivateKeyWithHashAlg};
use russh::{AgentAuthError, Signer};
use std::path::PathBuf;
use std::sync::Arc;

/// Why an RSA key is of no use to a server.
const SHA1_ONLY: &str = "the server takes RSA keys with SHA-1 signatures only";

impl Attempt<'_> {
    /// Offers one key. A locked one that the server would accept comes back as a question.
    pub(super) async fn offer_key(
        &mut self,
        candidate: Candidate,
    ) -> Result<Progress, TunnelError> {
        let name = candidate.name();
        let progress = match candidate {
            Candidate::Own(key) | Candidate::File { path: _, key } => {
                let Some(hash) = self.hash_for(&key.algorithm()).await? else {
                    return Ok(Progress::Unusable(SHA1_ONLY));
                };
                let key = PrivateKeyWithHashAlg::new(key, hash);
                let exchange = self.handle.authenticate_publickey(self.request.user, key);
                let result =
                    within(&mut self.clock, self.request.limit, self.end, exchange).await?;
                self.progress(result).await?
            }
            Candidate::Agent(key, agent) => {
                self.offer(key.into_identity(), &mut self.agent_signer(agent, None))
                    .await?
            }
            Candidate::Certificate {
                certificate, key, ..
            } => {
                let identity = AgentIdentity::from(*certificate);
                match key {
                    KeyOfCertificate::File(key) => {
                        self.offer(identity, &mut KeySigner(key)).await?
                    }
                    KeyOfCertificate::Agent(key, agent) => {
                        let mut signer = self.agent_signer(agent, Some(key.into_identity()));
                        self.offer(identity, &mut signer).await?
                    }
                    KeyOfCertificate::Locked {
                        path,
                        passphrase_was_wrong,
                    } => match self.would_accept(identity).await? {
                        None => return Err(passphrase_question(path, passphrase_was_wrong)),
                        Some(progress) => progress,
                    },
                }
            }
            Candidate::Locked {
                path,
                public,
                passphrase_was_wrong,
            } => {
                // Without the public half only unlocking can tell whether the key is any good.
                let Some(public) = public else {
                    return Err(passphrase_question(path, passphrase_was_wrong));
                };
                match self.would_accept(public.into()).await? {
                    None => return Err(passphrase_question(path, passphrase_was_wrong)),
                    Some(progress) => progress,
                }
            }
        };
        match (&progress, name) {
            (Progress::Refused(_), Some(name)) => self.memory.key_was_refused(name),
            (Progress::SignedIn | Progress::Partial(_), Some(name)) => {
                self.memory.key_was_accepted(name);
            }
            (Progress::Unusable(_) | Progress::Endless, _)
            | (Progress::Refused(_) | Progress::SignedIn | Progress::Partial(_), None) => {}
        }
        Ok(progress)
    }

    fn agent_signer(&self, agent: Agent, known_as: Option<AgentIdentity>) -> AgentSigner {
        AgentSigner {
            agent,
            signing: Arc::clone(&self.clock.signing),
            known_as,
        }
    }

    /// Asks whether a key or certificate would do; `None` if so.
    async fn would_accept(
        &mut self,
        identity: AgentIdentity,
    ) -> Result<Option<Progress>, TunnelError> {
        let Some(hash) = self.hash_for(&identity.public_key().algorithm()).await? else {
            return Ok(Some(Progress::Unusable(SHA1_ONLY)));
        };
        let mut probe = Probe;
        let exchange = authenticate(self.handle, self.request.user, identity, hash, &mut probe);
        let exchange = async {
            match exchange.await {
                Ok(result) => Ok(Some(result)),
                Err(ProbeError::Asked) => Ok(None),
                Err(ProbeError::Gone) => Err(russh::Error::SendError),
            }
        };
        match within(&mut self.clock, self.request.limit, self.end, exchange).await? {
            Some(result) => Ok(Some(self.progress(result).await?)),
            None => Ok(None),
        }
    }

    /// Offers a key or certificate that somebody can sign for.
    async fn offer<S: Signer<Error = AgentAuthError>>(
        &mut self,
        identity: AgentIdentity,
        signer: &mut S,
    ) -> Result<Progress, TunnelError> {
        let Some(hash) = self.hash_for(&identity.public_key().algorithm()).await? else {
            return Ok(Progress::Unusable(SHA1_ONLY));
        };
        let exchange = authenticate(self.handle, self.request.user, identity, hash, signer);
        let exchange = async {
            match exchange.await {
                Ok(result) => Ok(Ok(result)),
                Err(AgentAuthError::Send(_)) => Err(russh::Error::SendError),
                Err(AgentAuthError::Key(error)) => Ok(Err(error)),
            }
        };
        match within(&mut self.clock, self.request.limit, self.end, exchange).await? {
            Ok(result) => self.progress(result).await,
            Err(error) => {
                tracing::debug!(%error, "the agent did not sign");
                Ok(Progress::Unusable("the agent did not sign"))
            }
        }
    }

    /// Picks the signature's hash: SHA-2 for RSA (RFC 8332), nothing to pick for other keys.
    ///
    /// The outer `None` means that this server takes RSA keys with SHA-1 only, which we do not do.
    async fn hash_for(
        &mut self,
        algorithm: &russh::keys::Algorithm,
    ) -> Result<Option<Option<HashAlg>>, TunnelError> {
        if !matches!(algorithm, russh::keys::Algorithm::Rsa { .. }) {
            return Ok(Some(None));
        }
        let exchange = self.handle.best_supported_rsa_hash();
        let best = within(&mut self.clock, self.request.limit, self.end, exchange).await?;
        Ok(match best {
            Some(Some(hash)) => Some(Some(hash)),
            Some(None) => None,
            // The server did not say. Those that know only one of the two know SHA-256.
            None => Some(Some(HashAlg::Sha256)),
        })
    }
}

fn passphrase_question(key_file: PathBuf, was_wrong: bool) -> TunnelError {
    TunnelError::NeedsAnswer(Question::Passphrase {
        key_file,
        was_wrong,
    })
}

async fn authenticate<S: Signer>(
    handle: &mut Handle<SessionHandler>,
    user: &str,
    identity: AgentIdentity,
    hash: Option<HashAlg>,
    signer: &mut S,
) -> Result<AuthResult, S::Error> {
    match identity {
        AgentIdentity::PublicKey { key, .. } => {
            handle
                .authenticate_publickey_with(user, key, hash, signer)
                .await
        }
        AgentIdentity::Certificate { certificate, .. } => {
            handle
                .authenticate_certificate_with(user, certificate, hash, signer)
                .await
        }
    }
}
