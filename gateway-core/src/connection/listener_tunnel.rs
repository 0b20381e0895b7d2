//! Which SSH connection local programs use: one of their own, so that nothing they do can hold up the
//! app's session.
//!
//! It is opened for the first of them, and only where signing in needs nobody. Nobody waits for it:
//! who comes before it stands shares the app's, for as long as that program's connection lasts. Where
//! it cannot be had they all do, and the log says so. It ends with the app's.

use super::route::{Progress, ProgressReporter};
use super::timeline::Happening;
use crate::tunnel::credential::Credential;
use crate::tunnel::forward::Lead;
use crate::tunnel::{
    NextStep, SignInMemory, Tunnel, TunnelConfig, TunnelError, TunnelStep, WireTraffic,
};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

/// How long opening the second connection may take before local programs go on sharing the first.
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
#[derive(Debug)]
pub(super) struct Again {
    pub(super) config: TunnelConfig,
    /// What let the app in. Nothing that happens here counts there.
    pub(super) memory: SignInMemory,
}

/// The connection that local programs use.
#[derive(Debug)]
pub(super) struct ListenerTunnel {
    app: Tunnel,
    /// `None` where another sign-in would need a person.
    again: Option<Arc<AsyncMutex<Again>>>,
    own: Arc<Own>,
    is_being_asked: AtomicBool,
}

/// What whoever opens the second connection shares with those who use it.
#[derive(Debug)]
struct Own {
    second: Mutex<Second>,
    /// What every second connection so far has carried.
    carried: Mutex<Vec<WireTraffic>>,
    progress: ProgressReporter,
}

#[derive(Debug)]
enum Second {
    NotYet,
    /// The first one is shared meanwhile. Dropping this gives the opening up.
    Opening {
        _task: AbortOnDropHandle<()>,
    },
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
            again: again
                .filter(|_| needs_nobody(credential, *took))
                .map(|again| Arc::new(AsyncMutex::new(again))),
            own: Arc::new(Own {
                second: Mutex::new(Second::NotYet),
                carried: Mutex::default(),
                progress,
            }),
            is_being_asked: AtomicBool::new(false),
        }
    }

    /// Changes what the next second connection signs in with.
    pub(super) async fn sign_in_again_with(&self, change: impl FnOnce(&mut SignInMemory)) {
        if let Some(again) = &self.again {
            change(&mut again.lock().await.memory);
        }
    }

    /// Returns how many bytes came over and went over every second connection so far.
    pub(super) fn carried(&self) -> (u64, u64) {
        let carried = locked(&self.own.carried);
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
                asker.own.tell(Happening::LocalTunnelSilent, None);
                tunnel.close().await;
            }
            asker.is_being_asked.store(false, Ordering::Release);
        }));
    }

    /// The second connection, if it is open.
    fn standing(&self) -> Option<Tunnel> {
        match &*locked(&self.own.second) {
            Second::Open(tunnel) if !tunnel.is_closed() => Some(tunnel.clone()),
            Second::Open(_) | Second::NotYet | Second::Opening { .. } | Second::SharedUntil(_) => {
                None
            }
        }
    }

    /// Ends the second connection, if there is one.
    pub(super) async fn close(&self) {
        let second = std::mem::replace(&mut *locked(&self.own.second), Second::SharedUntil(None));
        if let Second::Open(tunnel) = second {
            tunnel.close().await;
        }
    }

    fn choose(&self) -> Tunnel {
        let Some(again) = &self.again else {
            return self.app.clone();
        };
        let mut second = locked(&self.own.second);
        match &*second {
            Second::Open(tunnel) if !tunnel.is_closed() => return tunnel.clone(),
            Second::Opening { .. } | Second::SharedUntil(None) => return self.app.clone(),
            Second::SharedUntil(Some(until)) if Instant::now() < *until => return self.app.clone(),
            Second::NotYet | Second::Open(_) | Second::SharedUntil(Some(_)) => {}
        }
        let takes_the_place = matches!(&*second, Second::Open(_));
        let opening = Arc::clone(&self.own).open(Arc::clone(again), takes_the_place);
        *second = Second::Opening {
            _task: AbortOnDropHandle::new(tokio::spawn(opening)),
        };
        self.app.clone()
    }
}

impl Own {
    /// Opens the second connection, and puts it, or why there is none, where the next local program
    /// looks.
    async fn open(self: Arc<Self>, again: Arc<AsyncMutex<Again>>, takes_the_place: bool) {
        let began = Instant::now();
        let outcome = timeout(OPEN_LIMIT, async { again.lock().await.open().await }).await;
        let (now, what) = match outcome {
            Ok(Ok(tunnel)) => {
                locked(&self.carried).push(tunnel.traffic());
                let what = Happening::LocalTunnelOpened {
                    again: takes_the_place,
                };
                (Second::Open(tunnel), what)
            }
            Ok(Err(error)) => {
                tracing::info!(%error, "local programs share the app's connection");
                // What a person has to see to is the app's connection's to ask.
                let is_passing = error.next_step() == NextStep::Retry;
                let until = is_passing.then(|| Instant::now() + NEXT_TRY);
                (Second::SharedUntil(until), Happening::LocalTunnelShared)
            }
            Err(_) => {
                tracing::info!(
                    "local programs share the app's connection: a second one took too long"
                );
                let until = Some(Instant::now() + NEXT_TRY);
                (Second::SharedUntil(until), Happening::LocalTunnelShared)
            }
        };
        let mut second = locked(&self.second);
        // Whoever closed it meanwhile has given this task up, which may be late to notice.
        if matches!(*second, Second::Opening { .. }) {
            *second = now;
            drop(second);
            self.tell(what, Some(began.elapsed()));
        }
    }

    fn tell(&self, what: Happening, took: Option<Duration>) {
        self.progress.report(Progress::Aside(what, took));
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lead for ListenerTunnel {
    fn tunnel(&self) -> BoxFuture<'_, Tunnel> {
        ready(self.choose()).boxed()
    }

    fn is_closed(&self) -> bool {
        self.app.is_closed()
    }
}

impl Again {
    async fn open(&mut self) -> Result<Tunnel, TunnelError> {
        let mut quietly = |_: TunnelStep| {};
        let tunnel = crate::tunnel::open(&self.config, &mut self.memory, &mut quietly).await?;
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
        Credential::OwnKey
        | Credential::KeyFile { .. }
        | Credential::Password
        | Credential::Nothing => true,
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
