//! Which keys and certificates there are to offer, and in which order.

use super::certificates::{CertificateFile, certified_key, name_of_certificate, name_of_key};
use super::keys::{FileKey, Files, KeyFile, KeyFileError};
use super::memory::SignInMemory;
use super::{Attempt, Credential, Outcome, SignIn, Tried};
use crate::tunnel::agent::{self, Agent, AgentKey};
use crate::tunnel::error::TunnelError;
use russh::keys::{Certificate, PrivateKey, PublicKey};
use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

/// How many keys are sent on one connection: OpenSSH allows six failures in all (MaxAuthTries), and
/// the questions need room too.
const MAX_KEYS: usize = 4;

/// A key or certificate to offer.
pub(super) enum Candidate {
    /// The agent signs.
    Agent(Box<AgentKey>, Agent),
    /// We sign, with the key we made.
    Own(Arc<PrivateKey>),
    /// We sign.
    File { path: PathBuf, key: Arc<PrivateKey> },
    /// Nobody can sign yet: a person has to unlock the file.
    Locked {
        path: PathBuf,
        public: Option<PublicKey>,
        passphrase_was_wrong: bool,
    },
    /// A certificate from a file, and who has its key.
    Certificate {
        path: PathBuf,
        certificate: Box<Certificate>,
        key: KeyOfCertificate,
    },
}

/// Who can sign for a certificate from a file.
pub(super) enum KeyOfCertificate {
    /// The agent, which may not know the certificate.
    Agent(Box<AgentKey>, Agent),
    /// We.
    File(Arc<PrivateKey>),
    /// Nobody, until a person has unlocked this key file.
    Locked {
        path: PathBuf,
        passphrase_was_wrong: bool,
    },
}

impl Candidate {
    pub(super) fn credential(&self) -> Credential {
        match self {
            Self::Own(_) => Credential::OwnKey,
            Self::Agent(key, _) => Credential::AgentKey {
                fingerprint: name_in_agent(key),
                comment: key.comment(),
            },
            Self::File { path, .. } | Self::Locked { path, .. } => {
                Credential::KeyFile { path: path.clone() }
            }
            Self::Certificate { path, .. } => Credential::Certificate { path: path.clone() },
        }
    }

    /// Returns whether it is the key of this name, or vouches for it.
    fn is_for(&self, name: &str) -> bool {
        match self {
            Self::Agent(key, _) => name_of_key(&key.public()) == name,
            Self::Own(key) | Self::File { key, .. } => name_of_key(key.public_key()) == name,
            Self::Locked { public, .. } => public
                .as_ref()
                .is_some_and(|public| name_of_key(public) == name),
            Self::Certificate { certificate, .. } => {
                name_of_key(&certified_key(certificate)) == name
            }
        }
    }

    /// Returns what tells it from others: the same one may be in the agent and in a file.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::Agent(key, _) => Some(name_in_agent(key)),
            Self::Own(key) | Self::File { key, .. } => Some(name_of_key(key.public_key())),
            Self::Locked { public, .. } => public.as_ref().map(name_of_key),
            Self::Certificate { certificate, .. } => Some(name_of_certificate(certificate)),
        }
    }
}

fn name_in_agent(key: &AgentKey) -> String {
    key.certificate()
        .map_or_else(|| name_of_key(&key.public()), name_of_certificate)
}

/// The keys still to offer on one connection.
pub(super) struct Candidates {
    waiting: VecDeque<Candidate>,
    sent: usize,
    seen: HashSet<String>,
}

impl Candidates {
    /// Lines up what there is: the key we made, certificates from files, the agent's keys that a file selects, the
    /// agent's others, then key files.
    pub(super) async fn gather(
        attempt: &mut Attempt<'_>,
        files: Files,
    ) -> Result<Self, TunnelError> {
        let (may_have_own, agent_socket) = match attempt.request.sign_in {
            SignIn::Automatic { .. } => (true, attempt.request.agent_socket),
            SignIn::KeyFile(_) => (false, attempt.request.agent_socket),
            SignIn::Password | SignIn::OwnKey => (true, None),
        };
        let held = match agent_socket {
            Some(socket) => agent::keys(socket, attempt.handle.agent_session_binding()).await,
            None => Vec::new(),
        };
        let mut waiting = VecDeque::new();
        // First, because it was made for this very server.
        let own = attempt.memory.own_key().filter(|_| may_have_own);
        waiting.extend(own.map(|key| Candidate::Own(key.private())));
        for file in &files.certificates {
            match certificate(file, &files.keys, &held) {
                Ok(candidate) => waiting.push_back(candidate),
                Err(why) => attempt.tried.push(Tried {
                    credential: Credential::Certificate {
                        path: file.path.clone(),
                    },
                    outcome: Outcome::Unusable(why),
                }),
            }
        }
        let only_the_file = matches!(attempt.request.sign_in, SignIn::KeyFile(_));
        let selection = Selection::of(&files, attempt.request.identities_only);
        let (first, others): (Vec<_>, Vec<_>) = held
            .into_iter()
            .partition(|(key, _)| selection.includes(key));
        let others = if only_the_file || attempt.request.identities_only {
            Vec::new()
        } else {
            others
        };
        waiting.extend(
            first
                .into_iter()
                .chain(others)
                .map(|(key, agent)| Candidate::Agent(Box::new(key), agent)),
        );
        // A key that is ready may spare somebody a question.
        let (locked, ready): (Vec<_>, Vec<_>) = files
            .keys
            .into_iter()
            .partition(|file| matches!(file.key, FileKey::Locked { .. }));
        for file in ready.into_iter().chain(locked) {
            // Beside it there may be another one for the same key, or at least something to try.
            let has_other = match &file.key {
                FileKey::SecurityKey(public) => {
                    let name = name_of_key(public);
                    waiting.iter().any(|candidate| candidate.is_for(&name))
                }
                FileKey::Ready(_)
                | FileKey::Locked { .. }
                | FileKey::PublicOnly(_)
                | FileKey::Missing
                | FileKey::Bad(_) => !waiting.is_empty(),
            };
            if let Some(candidate) = key(file, attempt, only_the_file, has_other)? {
                waiting.push_back(candidate);
            }
        }
        Ok(Self {
            waiting,
            sent: 0,
            seen: HashSet::new(),
        })
    }

    /// Puts the key of this name first, if it can sign without asking anybody; tells whether it is there.
    pub(super) fn put_first(&mut self, name: &str) -> bool {
        let place = self.waiting.iter().position(|candidate| {
            let can_sign = match candidate {
                Candidate::Own(_) | Candidate::Agent(..) | Candidate::File { .. } => true,
                Candidate::Certificate { key, .. } => {
                    !matches!(key, KeyOfCertificate::Locked { .. })
                }
                Candidate::Locked { .. } => false,
            };
            can_sign && candidate.name().is_some_and(|of| of == name)
        });
        let first = place.and_then(|place| self.waiting.remove(place));
        let is_there = first.is_some();
        self.waiting.extend(first);
        self.waiting.rotate_right(usize::from(is_there));
        is_there
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
            let name = candidate.name();
            // The same key may be in the agent and in a file.
            if name.clone().is_some_and(|name| !self.seen.insert(name)) {
                continue;
            }
            let outcome = if name.is_some_and(|name| memory.key_is_refused(&name)) {
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

/// Which of the agent's keys the files select.
struct Selection {
    keys: HashSet<String>,
    certificates: HashSet<String>,
    is_strict: bool,
}

impl Selection {
    fn of(files: &Files, is_strict: bool) -> Self {
        let listed = files.certificates.iter();
        Self {
            keys: files
                .keys
                .iter()
                .filter_map(KeyFile::public)
                .map(name_of_key)
                .collect(),
            certificates: listed
                .filter_map(|file| file.certificate.as_deref().ok())
                .map(name_of_certificate)
                .collect(),
            is_strict,
        }
    }

    /// Returns whether this is a key of the files. With `IdentitiesOnly`, as in OpenSSH, a certificate
    /// has to be in a file itself.
    fn includes(&self, key: &AgentKey) -> bool {
        let has_key = || self.keys.contains(&name_of_key(&key.public()));
        match key.certificate() {
            None => has_key(),
            Some(certificate) => {
                self.certificates
                    .contains(&name_of_certificate(certificate))
                    || (!self.is_strict && has_key())
            }
        }
    }
}

/// Finds who can sign for a certificate: a key that is ready, the agent, a key that is locked.
fn certificate(
    file: &CertificateFile,
    keys: &[KeyFile],
    held: &[(AgentKey, Agent)],
) -> Result<Candidate, String> {
    let certificate = match &file.certificate {
        Ok(certificate) => certificate.clone(),
        Err(error) => return Err(error.to_string()),
    };
    let name = name_of_key(&certified_key(&certificate));
    let of_this_key = || {
        keys.iter().filter(|file| {
            file.public()
                .is_some_and(|public| name_of_key(public) == name)
        })
    };
    let ready = of_this_key().find_map(|file| match &file.key {
        FileKey::Ready(key) => Some(KeyOfCertificate::File(Arc::clone(key))),
        FileKey::Locked { .. }
        | FileKey::PublicOnly(_)
        | FileKey::SecurityKey(_)
        | FileKey::Missing
        | FileKey::Bad(_) => None,
    });
    let agent = || {
        let bare = held
            .iter()
            .find(|(key, _)| key.certificate().is_none() && name_of_key(&key.public()) == name)
            .cloned();
        bare.map(|(key, agent)| KeyOfCertificate::Agent(Box::new(key), agent))
    };
    let locked = || {
        of_this_key().find_map(|file| match &file.key {
            FileKey::Locked {
                passphrase_was_wrong,
                ..
            } => Some(KeyOfCertificate::Locked {
                path: file.path.clone(),
                passphrase_was_wrong: *passphrase_was_wrong,
            }),
            FileKey::Ready(_)
            | FileKey::PublicOnly(_)
            | FileKey::SecurityKey(_)
            | FileKey::Missing
            | FileKey::Bad(_) => None,
        })
    };
    let key = ready
        .or_else(agent)
        .or_else(locked)
        .ok_or("nobody has the private key it was made for")?;
    Ok(Candidate::Certificate {
        path: file.path.clone(),
        certificate,
        key,
    })
}

/// Makes a candidate of a key file; one that a person chose has to be good for something.
fn key(
    file: KeyFile,
    attempt: &mut Attempt<'_>,
    only_the_file: bool,
    has_other: bool,
) -> Result<Option<Candidate>, TunnelError> {
    let path = file.path;
    let source = match file.key {
        FileKey::Ready(key) => return Ok(Some(Candidate::File { path, key })),
        FileKey::Locked {
            public,
            passphrase_was_wrong,
        } => {
            if passphrase_was_wrong {
                attempt.memory.passphrase_was_wrong(&path);
            }
            return Ok(Some(Candidate::Locked {
                path,
                public,
                passphrase_was_wrong,
            }));
        }
        FileKey::Bad(error) => error,
        // The agent has the private half, and it is in line already.
        FileKey::Missing | FileKey::PublicOnly(_) | FileKey::SecurityKey(_) if has_other => {
            return Ok(None);
        }
        FileKey::SecurityKey(_) => KeyFileError::SecurityKey,
        FileKey::Missing | FileKey::PublicOnly(_) if !only_the_file => return Ok(None),
        FileKey::Missing => KeyFileError::Unreadable(std::io::ErrorKind::NotFound.into()),
        FileKey::PublicOnly(_) => KeyFileError::OnlyPublic,
    };
    if only_the_file {
        return Err(TunnelError::KeyFile { path, source });
    }
    attempt.tried.push(Tried {
        credential: Credential::KeyFile { path },
        outcome: Outcome::Unusable(source.to_string()),
    });
    Ok(None)
}
