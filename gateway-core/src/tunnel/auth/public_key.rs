//! Which keys are offered, in which order, and how one is offered.
//!
//! A key is always offered by its public half first (RFC 4252 §7), so a locked key file costs a
//! question only if the server would accept it.

use super::keys::{FileKey, KeyFile};
use super::memory::SignInMemory;
use super::{
    Attempt, Credential, Outcome, Progress, Question, SIGNATURE_LIMIT, SignIn, SigningTime, Tried,
    within,
};
use crate::tunnel::agent::{self, Agent, AgentKey};
use crate::tunnel::error::TunnelError;
use russh::keys::agent::AgentIdentity;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use russh::{AgentAuthError, SendError, Signer};
use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::time::timeout;

/// How many keys are sent on one connection: OpenSSH allows six failures in all (MaxAuthTries), and
/// the questions need room too.
const MAX_KEYS: usize = 4;

/// Why an RSA key is of no use to a server.
const SHA1_ONLY: &str = "the server takes RSA keys with SHA-1 signatures only";

/// A key to offer.
pub(super) enum Candidate {
    /// The agent signs.
    Agent(Box<AgentKey>, Agent),
    /// We sign.
    File { path: PathBuf, key: Arc<PrivateKey> },
    /// Nobody can sign yet: a person has to unlock the file.
    Locked {
        path: PathBuf,
        public: Option<PublicKey>,
        passphrase_was_wrong: bool,
    },
}

impl Candidate {
    pub(super) fn credential(&self) -> Credential {
        match self {
            Self::Agent(key, _) => Credential::AgentKey {
                fingerprint: agent_fingerprint(key),
                comment: key.comment(),
            },
            Self::File { path, .. } | Self::Locked { path, .. } => {
                Credential::KeyFile { path: path.clone() }
            }
        }
    }

    fn fingerprint(&self) -> Option<String> {
        match self {
            Self::Agent(key, _) => Some(agent_fingerprint(key)),
            Self::File { key, .. } => Some(fingerprint(key.public_key())),
            Self::Locked { public, .. } => public.as_ref().map(fingerprint),
        }
    }
}

/// The keys still to offer on one connection.
pub(super) struct Candidates {
    waiting: VecDeque<Candidate>,
    sent: usize,
    seen: HashSet<String>,
}

impl Candidates {
    /// Lines the keys up: the agent's that a file selects, the agent's others, then files.
    pub(super) async fn gather(
        attempt: &mut Attempt<'_>,
        files: Vec<KeyFile>,
    ) -> Result<Self, TunnelError> {
        let held = match attempt.request.agent_socket {
            Some(socket) => agent::keys(socket, attempt.handle.agent_session_binding()).await,
            None => Vec::new(),
        };
        let selected: Vec<String> = files
            .iter()
            .filter_map(|file| file.public().map(fingerprint))
            .collect();
        let (first, others): (Vec<_>, Vec<_>) = held
            .into_iter()
            .partition(|(key, _)| selected.contains(&fingerprint(&key.public())));
        let only_the_file = matches!(attempt.request.sign_in, SignIn::KeyFile(_));
        let mut waiting: VecDeque<Candidate> = first
            .into_iter()
            .map(|(key, agent)| Candidate::Agent(Box::new(key), agent))
            .collect();
        if !only_the_file {
            waiting.extend(
                others
                    .into_iter()
                    .map(|(key, agent)| Candidate::Agent(Box::new(key), agent)),
            );
        }
        // A key that is ready may spare somebody a question.
        let (locked, ready): (Vec<_>, Vec<_>) = files
            .into_iter()
            .partition(|file| matches!(file.key, FileKey::Locked { .. }));
        for file in ready.into_iter().chain(locked) {
            let path = file.path;
            match file.key {
                FileKey::Ready(key) => waiting.push_back(Candidate::File { path, key }),
                FileKey::Locked {
                    public,
                    passphrase_was_wrong,
                } => {
                    if passphrase_was_wrong {
                        attempt.memory.passphrase_was_wrong(&path);
                    }
                    waiting.push_back(Candidate::Locked {
                        path,
                        public,
                        passphrase_was_wrong,
                    });
                }
                FileKey::Bad(source) if only_the_file => {
                    return Err(TunnelError::KeyFile { path, source });
                }
                FileKey::Missing if only_the_file && waiting.is_empty() => {
                    let source =
                        super::keys::KeyFileError::Unreadable(std::io::ErrorKind::NotFound.into());
                    return Err(TunnelError::KeyFile { path, source });
                }
                FileKey::PublicOnly(_) if only_the_file && waiting.is_empty() => {
                    let source = super::keys::KeyFileError::OnlyPublic;
                    return Err(TunnelError::KeyFile { path, source });
                }
                FileKey::Bad(error) => attempt.tried.push(Tried {
                    credential: Credential::KeyFile { path },
                    outcome: Outcome::Unusable(error.to_string()),
                }),
                FileKey::PublicOnly(_) | FileKey::Missing => {}
            }
        }
        Ok(Self {
            waiting,
            sent: 0,
            seen: HashSet::new(),
        })
    }

    /// Lets the same key be offered from its file, since the agent had it but did not sign.
    pub(super) fn allow_again(&mut self, credential: &Credential) {
        if let Credential::AgentKey { fingerprint, .. } = credential {
            self.seen.remove(fingerprint);
        }
    }

    /// Returns the next key to offer, and notes why others are passed over.
    pub(super) fn next(
        &mut self,
        memory: &SignInMemory,
        tried: &mut Vec<Tried>,
    ) -> Option<Candidate> {
        while let Some(candidate) = self.waiting.pop_front() {
            let fingerprint = candidate.fingerprint();
            // The same key may be in the agent and in a file.
            if fingerprint
                .clone()
                .is_some_and(|fingerprint| !self.seen.insert(fingerprint))
            {
                continue;
            }
            let outcome =
                if fingerprint.is_some_and(|fingerprint| memory.key_is_refused(&fingerprint)) {
                    Outcome::RefusedBefore
                } else if self.sent >= MAX_KEYS {
                    Outcome::OverLimit
                } else {
                    self.sent += 1;
                    return Some(candidate);
                };
            tried.push(Tried {
                credential: candidate.credential(),
                outcome,
            });
        }
        None
    }
}

impl Attempt<'_> {
    /// Offers one key. A locked one that the server would accept comes back as a question.
    pub(super) async fn offer_key(
        &mut self,
        candidate: Candidate,
    ) -> Result<Progress, TunnelError> {
        let fingerprint = candidate.fingerprint();
        let progress = match candidate {
            Candidate::File { path: _, key } => {
                let Some(hash) = self.hash_for(&key.algorithm()).await? else {
                    return Ok(Progress::Unusable(SHA1_ONLY));
                };
                let key = PrivateKeyWithHashAlg::new(key, hash);
                let exchange = self.handle.authenticate_publickey(self.request.user, key);
                let result =
                    within(&mut self.clock, self.request.limit, self.end, exchange).await?;
                self.progress(result).await?
            }
            Candidate::Agent(key, agent) => self.offer_agent_key(*key, agent).await?,
            Candidate::Locked {
                path,
                public,
                passphrase_was_wrong,
            } => {
                let question = TunnelError::NeedsAnswer(Question::Passphrase {
                    key_file: path,
                    was_wrong: passphrase_was_wrong,
                });
                // Without the public half only unlocking can tell whether the key is any good.
                let Some(public) = public else {
                    return Err(question);
                };
                match self.would_accept(public).await? {
                    None => return Err(question),
                    Some(progress) => progress,
                }
            }
        };
        if let (Progress::Refused(_), Some(fingerprint)) = (&progress, fingerprint) {
            self.memory.key_was_refused(fingerprint);
        }
        Ok(progress)
    }

    /// Asks whether a public key would do; `None` if so.
    async fn would_accept(&mut self, public: PublicKey) -> Result<Option<Progress>, TunnelError> {
        let Some(hash) = self.hash_for(&public.algorithm()).await? else {
            return Ok(Some(Progress::Unusable(SHA1_ONLY)));
        };
        let mut probe = Probe { was_asked: false };
        let result = {
            let exchange = self.handle.authenticate_publickey_with(
                self.request.user,
                public,
                hash,
                &mut probe,
            );
            let exchange = async {
                match exchange.await {
                    Ok(result) => Ok(Some(result)),
                    Err(ProbeError::Asked) => Ok(None),
                    Err(ProbeError::Gone) => Err(russh::Error::SendError),
                }
            };
            within(&mut self.clock, self.request.limit, self.end, exchange).await?
        };
        match result {
            Some(result) => Ok(Some(self.progress(result).await?)),
            None => Ok(None),
        }
    }

    async fn offer_agent_key(
        &mut self,
        key: AgentKey,
        agent: Agent,
    ) -> Result<Progress, TunnelError> {
        let Some(hash) = self.hash_for(&key.public().algorithm()).await? else {
            return Ok(Progress::Unusable(SHA1_ONLY));
        };
        let mut signer = AgentSigner {
            agent,
            signing: Arc::clone(&self.clock.signing),
        };
        let user = self.request.user;
        let result = {
            let handle = &mut *self.handle;
            let exchange = async {
                let result = match key.into_identity() {
                    AgentIdentity::PublicKey { key, .. } => {
                        handle
                            .authenticate_publickey_with(user, key, hash, &mut signer)
                            .await
                    }
                    AgentIdentity::Certificate { certificate, .. } => {
                        handle
                            .authenticate_certificate_with(user, certificate, hash, &mut signer)
                            .await
                    }
                };
                match result {
                    Ok(result) => Ok(Ok(result)),
                    Err(AgentAuthError::Send(_)) => Err(russh::Error::SendError),
                    Err(AgentAuthError::Key(error)) => Ok(Err(error)),
                }
            };
            within(&mut self.clock, self.request.limit, self.end, exchange).await?
        };
        match result {
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

/// Tells a certificate from the bare key that it certifies: a server may well refuse only one.
fn agent_fingerprint(key: &AgentKey) -> String {
    let fingerprint = fingerprint(&key.public());
    if key.is_certificate() {
        format!("{fingerprint} (certificate)")
    } else {
        fingerprint
    }
}

fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Signs nothing; only notices that the server asked for a signature.
struct Probe {
    was_asked: bool,
}

enum ProbeError {
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
        self.was_asked = true;
        Err(ProbeError::Asked)
    }
}

/// Lets the agent sign, and notes how long that took.
struct AgentSigner {
    agent: Agent,
    signing: Arc<SigningTime>,
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
        let signed = timeout(SIGNATURE_LIMIT, agent.sign_request(key, hash, to_sign)).await;
        self.signing.ends();
        match signed {
            Ok(signed) => Ok(signed?),
            Err(_) => Err(russh::keys::Error::AgentFailure.into()),
        }
    }
}
