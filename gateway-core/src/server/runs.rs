//! Turns of the agent: one at a time in a conversation, in the order they were accepted, each to its
//! end even if nobody listens any more.
//!
//! The store says what waits; here is only what goes on right now. An accepted message is on disk
//! before anything here hears of it.

mod preparation;
mod turn;

pub(super) use turn::{drop_waiting, recover};

use super::State;
use super::peers::Peer;
use crate::protocol::{RunId, SessionKey};
use crate::store::StoreError;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// How long to wait before a store that refused is asked again.
const STORE_REST: Duration = Duration::from_secs(5);
/// How long the end of a run waits for its sender to have read the answer to `chat.send`.
const READ_WAIT: Duration = Duration::from_secs(1);

/// Who stopped a run, in the words of the protocol (§7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoppedBy {
    /// `chat.abort`.
    Rpc,
    /// The message `/stop`.
    StopCommand,
    /// The gateway ends.
    Shutdown,
}

impl StoppedBy {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Rpc => "rpc",
            Self::StopCommand => "stop",
            Self::Shutdown => "restart",
        }
    }
}

/// What goes on.
#[derive(Debug, Default)]
pub(super) struct Runs {
    lanes: Mutex<HashMap<SessionKey, Lane>>,
    /// Counts ended runs, so that whoever waits for one looks again.
    ended: watch::Sender<u64>,
    /// Who was answered that a run has started, until its end is told.
    senders: Mutex<HashMap<RunId, Weak<Peer>>>,
}

/// One conversation in which something goes on.
#[derive(Debug, Default)]
struct Lane {
    current: Option<Arc<Current>>,
}

/// The run that goes on in a conversation.
#[derive(Debug)]
pub(super) struct Current {
    /// Which.
    pub(super) run_id: RunId,
    /// When it began, in milliseconds since 1970.
    pub(super) started_at_ms: u64,
    /// Stops it.
    cancel: CancellationToken,
    stopped_by: Mutex<Option<StoppedBy>>,
    /// The answer so far.
    text: watch::Sender<String>,
    /// It is in the transcript: only telling of its end is left.
    is_settled: AtomicBool,
}

impl Current {
    fn new(run_id: RunId, started_at_ms: u64) -> Self {
        Self {
            run_id,
            started_at_ms,
            cancel: CancellationToken::new(),
            stopped_by: Mutex::default(),
            text: watch::Sender::default(),
            is_settled: AtomicBool::new(false),
        }
    }

    /// Returns what there is of the answer.
    pub(super) fn text(&self) -> String {
        self.text.borrow().clone()
    }

    /// Returns what tells how the answer grows; it closes when the run does not go on any more.
    pub(super) fn follow(&self) -> watch::Receiver<String> {
        self.text.subscribe()
    }

    fn set_text(&self, text: &str) {
        self.text.send_if_modified(|held| {
            let is_new = held != text;
            if is_new {
                text.clone_into(held);
            }
            is_new
        });
    }

    /// Whether what came of it is in the transcript.
    pub(super) fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Acquire)
    }

    fn settle(&self) {
        self.is_settled.store(true, Ordering::Release);
    }

    fn stop(&self, by: StoppedBy) {
        held(&self.stopped_by).get_or_insert(by);
        self.cancel.cancel();
    }

    fn stopped_by(&self) -> StoppedBy {
        held(&self.stopped_by).unwrap_or(StoppedBy::Rpc)
    }
}

impl Runs {
    /// Returns the run that goes on in a conversation. One whose answer is in the transcript does
    /// not, although its end may not have been told: clients would show the answer twice.
    pub(super) fn current(&self, key: &SessionKey) -> Option<Arc<Current>> {
        let current = held(&self.lanes).get(key)?.current.clone();
        current.filter(|run| !run.is_settled())
    }

    /// Returns how many runs go on.
    pub(super) fn active(&self) -> usize {
        held(&self.lanes)
            .values()
            .filter(|lane| lane.current.as_ref().is_some_and(|run| !run.is_settled()))
            .count()
    }

    /// Stops what goes on in a conversation, if it is this run or none is named. Returns the run.
    pub(super) fn stop(
        &self,
        key: &SessionKey,
        run_id: Option<&RunId>,
        by: StoppedBy,
    ) -> Option<RunId> {
        let current = self.current(key)?;
        if run_id.is_some_and(|wanted| *wanted != current.run_id) {
            return None;
        }
        current.stop(by);
        Some(current.run_id.clone())
    }

    /// Stops everything.
    pub(super) fn stop_all(&self, by: StoppedBy) {
        for lane in held(&self.lanes).values() {
            if let Some(current) = &lane.current {
                current.stop(by);
            }
        }
    }

    /// Returns what tells that a run has ended; look at the store after each change.
    pub(super) fn ends(&self) -> watch::Receiver<u64> {
        self.ended.subscribe()
    }

    /// This peer is being answered that a run has started.
    pub(super) fn sent_by(&self, run_id: RunId, peer: &Arc<Peer>) {
        let mut senders = held(&self.senders);
        senders.retain(|_, sender| sender.strong_count() > 0);
        senders.insert(run_id, Arc::downgrade(peer));
    }

    /// Waits until the sender of a message has read that its run has started, or is not to be
    /// waited for. The official terminal UI takes a run for going on whose end it reads in one
    /// piece with that answer, and our helper is quick enough for that.
    async fn sender_knows(&self, run_id: &RunId) {
        let sender = held(&self.senders).remove(run_id);
        if let Some(peer) = sender.and_then(|sender| sender.upgrade()) {
            // Gone, or too slow: then there is nobody to confuse, or no more to be done about it.
            let _ = timeout(READ_WAIT, peer.mailbox.read_so_far()).await;
        }
    }

    /// Returns whether a conversation was idle and is now being worked on by the caller.
    fn claim(&self, key: &SessionKey) -> bool {
        let mut lanes = held(&self.lanes);
        if lanes.contains_key(key) {
            return false;
        }
        lanes.insert(key.clone(), Lane::default());
        true
    }

    fn set_current(&self, key: &SessionKey, current: Option<Arc<Current>>) {
        if let Some(lane) = held(&self.lanes).get_mut(key) {
            lane.current = current;
        }
        self.ended.send_modify(|count| *count += 1);
    }

    fn release(&self, key: &SessionKey) {
        held(&self.lanes).remove(key);
        self.ended.send_modify(|count| *count += 1);
    }
}

/// Works off what waits in a conversation, unless that is being done already.
pub(super) fn work_off(gateway: &Arc<State>, key: SessionKey) {
    if !gateway.runs.claim(&key) {
        return;
    }
    let gateway_of_task = gateway.clone();
    gateway.tasks.spawn(async move {
        let gateway = gateway_of_task;
        while !gateway.is_stopping() {
            match next(&gateway, &key).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(problem) => {
                    error!(%problem, "a run could not be kept");
                    tokio::select! {
                        () = gateway.stop.cancelled() => {}
                        () = sleep(STORE_REST) => {}
                    }
                }
            }
        }
        gateway.runs.release(&key);
        // Something may have been accepted between the last look and the release.
        if !gateway.is_stopping()
            && let Ok(Some(_)) = gateway.store.next_queued_run(&key).await
        {
            work_off(&gateway, key);
        }
    });
}

/// Takes up what waits next. Returns whether there was anything.
async fn next(gateway: &Arc<State>, key: &SessionKey) -> Result<bool, StoreError> {
    let Some(run) = gateway.store.next_queued_run(key).await? else {
        return Ok(false);
    };
    let current = Arc::new(Current::new(run.run_id.clone(), super::clock::now_ms()));
    gateway.runs.set_current(key, Some(current.clone()));
    let kept = turn::run(gateway, run, &current).await;
    gateway.runs.set_current(key, None);
    info!(run = %current.run_id, "a run has ended");
    kept.map(|()| true)
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
