//! New host keys that a trusted server announces (`hostkeys-00@openssh.com`).
//!
//! A key is believed only once the server has proved on this very session that it holds it
//! (`hostkeys-prove-00@openssh.com`). Only a server whose key is listed by its own name may change
//! the list: one vouched for by a certificate, a pattern or its plain name needs no line of its own.

use super::host_key::{HOST_KEY_ALGORITHMS, PresentedKey, key_type_of};
use super::known_hosts::{KnownHosts, Verdict};
use super::session::{SessionEnd, SessionHandler};
use russh::client::Handle;
use russh::keys::PublicKey;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// More keys than any server has, and few enough to have all of them proved.
const MAX_KEYS: usize = 16;

/// How long the proof may take; nobody waits for it.
const PROOF_LIMIT: Duration = Duration::from_secs(30);

/// Returns the way from the session's callback, which must not wait, to whoever listens.
pub(super) fn channel() -> (mpsc::Sender<Vec<PublicKey>>, mpsc::Receiver<Vec<PublicKey>>) {
    // One announcement; OpenSSH makes one.
    mpsc::channel(1)
}

/// What is known of a server that may announce keys.
pub(super) struct Rotation {
    used: PresentedKey,
    known_hosts: KnownHosts,
}

/// An announcement as far as it can be used.
struct Announced {
    all: Vec<PresentedKey>,
    new: Vec<(PresentedKey, PublicKey)>,
}

impl Rotation {
    /// Returns `None` where the server's key is not listed by the server's own name.
    pub(super) fn after(used: &PresentedKey, known_hosts: KnownHosts) -> Option<Self> {
        known_hosts.is_listed_by_name(used).then(|| Self {
            used: used.clone(),
            known_hosts,
        })
    }

    /// Waits for the announcement in the background, without keeping the session alive. `renewed` is told
    /// how many keys are new.
    pub(super) fn listen(
        self,
        mut announcements: mpsc::Receiver<Vec<PublicKey>>,
        session: &Arc<Handle<SessionHandler>>,
        end: SessionEnd,
        renewed: watch::Sender<u32>,
    ) {
        let session = Arc::downgrade(session);
        tokio::spawn(async move {
            let keys = tokio::select! {
                keys = announcements.recv() => keys,
                _ = end.ended() => None,
            };
            let Some(keys) = keys else { return };
            tokio::select! {
                count = self.take_over(keys, session) => {
                    if let Some(count) = count.filter(|count| *count > 0) {
                        renewed.send_replace(count);
                    }
                }
                _ = end.ended() => {}
            }
        });
    }

    /// Returns how many keys are new and stored.
    async fn take_over(
        self,
        keys: Vec<PublicKey>,
        session: Weak<Handle<SessionHandler>>,
    ) -> Option<u32> {
        let announced = self.read(keys)?;
        let (proven, keys): (Vec<_>, Vec<_>) = announced.new.into_iter().unzip();
        if !keys.is_empty() {
            let session = session.upgrade()?;
            let proof = timeout(PROOF_LIMIT, session.hostkeys_prove(keys)).await;
            drop(session);
            if !matches!(proof, Ok(Ok(()))) {
                tracing::warn!(
                    host = self.used.host(),
                    "the server did not prove the host keys it announced"
                );
                return None;
            }
        }
        let Self {
            used,
            mut known_hosts,
        } = self;
        let count = u32::try_from(proven.len()).unwrap_or(u32::MAX);
        let written = tokio::task::spawn_blocking(move || {
            known_hosts
                .rotate(used.host(), used.port(), &announced.all, &proven)
                .map_err(|error| (error, used))
        });
        // The connection works all the same, so nobody is stopped over it.
        match written.await {
            Ok(Ok(())) => Some(count),
            Ok(Err((error, used))) => {
                let reason = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(host = used.host(), %error, reason, "announced host keys were not stored");
                None
            }
            Err(_) => None,
        }
    }

    /// Sorts an announcement; `None` if it cannot be right, or says nothing that is usable.
    fn read(&self, keys: Vec<PublicKey>) -> Option<Announced> {
        if keys.len() > MAX_KEYS {
            return None;
        }
        let mut announced = Announced {
            all: Vec::new(),
            new: Vec::new(),
        };
        for key in keys {
            let Some(presented) = PresentedKey::new(self.used.host(), self.used.port(), &key)
            else {
                continue;
            };
            let is_usable = HOST_KEY_ALGORITHMS
                .iter()
                .any(|algorithm| key_type_of(algorithm) == presented.key_type());
            let verdict = self.known_hosts.verdict(&presented);
            if !is_usable || matches!(verdict, Verdict::Revoked { .. }) {
                continue;
            }
            if verdict != Verdict::Trusted {
                announced.new.push((presented.clone(), key));
            }
            announced.all.push(presented);
        }
        // A server that does not announce the key it has just used is not telling all of its keys.
        announced.all.contains(&self.used).then_some(announced)
    }
}
