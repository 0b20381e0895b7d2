//! Which SSH connection local programs use: one of their own, so that nothing they do can hold up the
//! app's session.
//!
//! It is opened for the first of them, and only where signing in needs nobody. Where it cannot be had
//! they share the app's, and the log says so. It ends with the app's.

use super::route::{Progress, ProgressReporter};
use super::timeline::Happening;
use crate::tunnel::credential::Credential;
use crate::tunnel::forward::Lead;
use crate::tunnel::{
    NextStep, SignInMemory, Tunnel, TunnelConfig, TunnelError, TunnelStep, WireTraffic,
};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long a local program may wait for the second connection before it shares the first.
const OPEN_LIMIT: Duration = Duration::from_secs(4);

/// How long after one try the next may follow.
const NEXT_TRY: Duration = Duration::from_secs(30);

/// How long the second connection may stay silent when it is asked whether it lives; as long as the
/// first, whose probes this goes along with.
const SILENCE_LIMIT: Duration = Duration::from_millis(5_400);

/// So many bytes while an answer is missing say that it stands in a queue.
const BUSY: u64 = 2 * 1024;

/// Nobody confirms or touches anything faster than this.
const HAND_IS_SLOWER: Duration = Duration::from_secs(1);

/// What it takes to sign in once more.
#[derive(Debug, Clone)]
pub(super) struct Again {
    pub(super) config: TunnelConfig,
    pub(super) memory: Arc<Mutex<SignInMemory>>,
}

/// The connection that local programs use.
#[derive(Debug)]
pub(super) struct ListenerTunnel {
    app: Tunnel,
    /// `None` where another sign-in would need a person.
    again: Option<Again>,
    second: Mutex<Second>,
    is_being_asked: AtomicBool,
    /// What every second connection so far has carried.
    carried: SyncMutex<Vec<WireTraffic>>,
    progress: ProgressReporter,
}

#[derive(Debug)]
enum Second {
    NotYet,
    Open(Tunnel),
    /// The first one is shared until then; `None` is for as long as it stands.
    SharedUntil(Option<Instant>),
}

impl ListenerTunnel {
    /// Returns the one beside `app`; what let that in, and how long it took, says whether the same can
    /// be done again, where there is a way to do it.
    pub(super) fn new(
        app: Tunnel,
        signed_in: &(Credential, Duration),
        again: Option<Again>,
        progress: ProgressReporter,
    ) -> Self {
        let (credential, took) = signed_in;
        Self {
            app,
            again: again.filter(|_| needs_nobody(credential, *took)),
            second: Mutex::new(Second::NotYet),
            is_being_asked: AtomicBool::new(false),
            carried: SyncMutex::default(),
            progress,
        }
    }

    /// Returns how many bytes came over and went over every second connection so far.
    pub(super) fn carried(&self) -> (u64, u64) {
        let carried = self.carried.lock().unwrap_or_else(PoisonError::into_inner);
        carried.iter().fold((0, 0), |(came, went), traffic| {
            (came + traffic.received(), went + traffic.sent())
        })
    }

    /// Asks the second connection whether it lives, beside the caller; a silent one is ended, and the
    /// next local program gets another. Its own keepalive would leave them hanging for a minute.
    pub(super) fn look_after(self: &Arc<Self>) {
        let Some(tunnel) = self.standing() else {
            return;
        };
        if self.is_being_asked.swap(true, Ordering::AcqRel) {
            return;
        }
        let asker = Arc::clone(self);
        // It ends with the limit at the latest, or with the connection.
        drop(tokio::spawn(async move {
            let heard = tunnel.received();
            let answered = timeout(SILENCE_LIMIT, tunnel.ping()).await;
            let is_busy = tunnel.received().saturating_sub(heard) >= BUSY;
            if answered.is_err() && !is_busy {
                tracing::info!("the connection of local programs stopped answering; it is ended");
                asker.tell(Happening::LocalTunnelSilent, None);
                tunnel.close().await;
            }
            asker.is_being_asked.store(false, Ordering::Release);
        }));
    }

    /// The second connection, unless it is just being opened.
    fn standing(&self) -> Option<Tunnel> {
        match &*self.second.try_lock().ok()? {
            Second::Open(tunnel) if !tunnel.is_closed() => Some(tunnel.clone()),
            Second::Open(_) | Second::NotYet | Second::SharedUntil(_) => None,
        }
    }

    /// Ends the second connection, if there is one.
    pub(super) async fn close(&self) {
        let second = std::mem::replace(&mut *self.second.lock().await, Second::SharedUntil(None));
        if let Second::Open(tunnel) = second {
            tunnel.close().await;
        }
    }

    async fn choose(&self) -> Tunnel {
        let Some(again) = &self.again else {
            return self.app.clone();
        };
        // Whoever comes while it is being opened waits for the same one.
        let mut second = self.second.lock().await;
        match &*second {
            Second::Open(tunnel) if !tunnel.is_closed() => return tunnel.clone(),
            Second::SharedUntil(None) => return self.app.clone(),
            Second::SharedUntil(Some(until)) if Instant::now() < *until => return self.app.clone(),
            Second::NotYet | Second::Open(_) | Second::SharedUntil(Some(_)) => {}
        }
        let before = matches!(&*second, Second::Open(_));
        let began = Instant::now();
        match timeout(OPEN_LIMIT, again.open()).await {
            Ok(Ok(tunnel)) => {
                let opened = Happening::LocalTunnelOpened { again: before };
                self.tell(opened, Some(began.elapsed()));
                self.carried
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(tunnel.traffic());
                *second = Second::Open(tunnel.clone());
                tunnel
            }
            Ok(Err(error)) => {
                tracing::info!(%error, "local programs share the app's connection");
                self.tell(Happening::LocalTunnelShared, Some(began.elapsed()));
                // What a person has to see to is the app's connection's to ask.
                let is_passing = error.next_step() == NextStep::Retry;
                *second = Second::SharedUntil(is_passing.then(|| Instant::now() + NEXT_TRY));
                self.app.clone()
            }
            Err(_) => {
                tracing::info!(
                    "local programs share the app's connection: a second one took too long"
                );
                self.tell(Happening::LocalTunnelShared, Some(began.elapsed()));
                *second = Second::SharedUntil(Some(Instant::now() + NEXT_TRY));
                self.app.clone()
            }
        }
    }

    fn tell(&self, what: Happening, took: Option<Duration>) {
        self.progress.report(Progress::Aside(what, took));
    }
}

impl Lead for ListenerTunnel {
    fn tunnel(&self) -> BoxFuture<'_, Tunnel> {
        self.choose().boxed()
    }

    fn is_closed(&self) -> bool {
        self.app.is_closed()
    }
}

impl Again {
    async fn open(&self) -> Result<Tunnel, TunnelError> {
        let mut memory = self.memory.lock().await;
        let mut quietly = |_: TunnelStep| {};
        let tunnel = crate::tunnel::open(&self.config, &mut memory, &mut quietly).await?;
        tracing::info!("local programs have a connection of their own");
        Ok(tunnel)
    }
}

/// Whether the same can be done once more without anybody there. What only a person knows is not asked
/// for on a local program's account, and an agent that took its time had somebody touch or confirm.
fn needs_nobody(credential: &Credential, took: Duration) -> bool {
    match credential {
        Credential::KeyboardInteractive => false,
        Credential::AgentKey { .. } | Credential::Certificate { .. } => took < HAND_IS_SLOWER,
        Credential::KeyFile { .. } | Credential::Password | Credential::Nothing => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_twice_on_a_local_programs_account() {
        let agent = Credential::AgentKey {
            fingerprint: "f".into(),
            comment: "c".into(),
        };
        let quick = Duration::from_millis(200);

        assert!(needs_nobody(&agent, quick));
        assert!(!needs_nobody(&agent, Duration::from_secs(3)));
        assert!(!needs_nobody(&Credential::KeyboardInteractive, quick));
        assert!(needs_nobody(&Credential::Password, Duration::from_secs(3)));
    }
}
