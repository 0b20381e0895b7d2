//! The task that sends what the [`Outbox`] holds, over whichever session there is.
//!
//! Whoever supervises the connection tells it of every session; it notices the end of one itself.
//! It decides nothing: the outbox does. Where it keeps the outbox on disk, a message is there before it is
//! said to be taken, and what is known of it before anything is sent because of it.

use super::attachments::{Attachment, Attachments};
use super::kept::KeptOutbox;
use super::outbox::{Delivery, DeliveryState, Errand, KeptLane, Kind, Outbox, OutboxFull};
use crate::client::{CallError, Session};
use crate::protocol::event::chat::{ChatEvent, ChatState};
use crate::protocol::method::chat::{
    ChatAbort, ChatAbortParams, ChatAbortPayload, ChatHistory, ChatHistoryParams,
    ChatHistoryPayload, ChatSend, ChatSendParams, ChatSendPayload, SendStatus,
};
use crate::protocol::{ErrorCode, Event, RunId, SessionKey, WireError};
use std::future::pending;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// How long the gateway may take to answer `chat.send`; it answers before the run begins.
const SEND_LIMIT: Duration = Duration::from_secs(30);
/// How much longer it may take for each so many bytes of files: they may go over a slow line.
const SEND_BYTES_A_SECOND: u64 = 32 * 1024;
/// How long a history may take: up to 6 MiB, possibly over a slow line.
const HISTORY_LIMIT: Duration = Duration::from_secs(60);
/// How long an abort may take.
const ABORT_LIMIT: Duration = Duration::from_secs(15);
/// Between two attempts the gateway put off or failed to answer, where it asks for no other wait.
const PAUSE: Duration = Duration::from_secs(1);
/// The bounds of a wait the gateway asks for.
const ASKED_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// How long after the disk refused to keep something it is asked again, where nothing else changes before.
const KEEP_AGAIN: Duration = Duration::from_secs(30);
/// Requests of handles not yet taken up; the task takes them up at once.
const REQUEST_QUEUE: usize = 64;
/// News not yet taken; the courier waits for room, because none of them may be missed.
const NEWS_QUEUE: usize = 256;
/// What is said where a gateway tells that a run failed and not why.
const NO_REASON: &str = "the agent's run failed";

/// What the courier reports.
pub type CourierNews = mpsc::Receiver<Delivery>;

/// A handle to the courier. It stops when the last clone is dropped; what was not sent is gone, or waits on
/// disk for the next.
#[derive(Debug, Clone)]
pub struct Courier {
    requests: mpsc::Sender<Request>,
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Too many wait already.
    #[error(transparent)]
    Full(#[from] OutboxFull),
    /// The courier has stopped.
    #[error("courier has stopped")]
    Stopped,
}

/// Why a run was not stopped.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AbortError {
    /// There is no connection.
    #[error("not connected")]
    NotConnected,
    /// The gateway did not do it.
    #[error(transparent)]
    Call(#[from] CallError),
}

#[derive(Debug)]
enum Request {
    Send {
        key: RunId,
        session_key: SessionKey,
        text: String,
        files: Attachments,
        reply: oneshot::Sender<Result<(), OutboxFull>>,
    },
    Withdraw {
        key: RunId,
        reply: oneshot::Sender<bool>,
    },
    Abort {
        params: ChatAbortParams,
        reply: oneshot::Sender<Result<ChatAbortPayload, AbortError>>,
    },
    SessionUp {
        session: Session,
        kind: Kind,
    },
    RunEnded {
        key: RunId,
        /// Why, when it ended in an error.
        failure: Option<String>,
    },
}

impl Courier {
    /// Starts the task with nothing to send, and forgets it all at its end. News of every message come through
    /// the receiver, which has to be read.
    pub fn start() -> (Self, CourierNews) {
        Self::run(Outbox::default(), None)
    }

    /// Starts the task with what `kept` holds, and keeps there what it has not delivered yet.
    pub fn resume(kept: KeptOutbox, lanes: Vec<KeptLane>) -> (Self, CourierNews) {
        Self::run(Outbox::resume(lanes), Some(kept))
    }

    fn run(outbox: Outbox, kept: Option<KeptOutbox>) -> (Self, CourierNews) {
        let (requests, queue) = mpsc::channel(REQUEST_QUEUE);
        let (news, news_stream) = mpsc::channel(NEWS_QUEUE);
        let task = Task {
            requests: queue,
            news,
            outbox,
            kept,
            refused_unkept: Vec::new(),
            keep_again: None,
            replies: Vec::new(),
            session: None,
            work: JoinSet::new(),
        };
        // The task ends when the last handle is dropped, so nobody has to join it.
        drop(tokio::spawn(task.run()));
        (Self { requests }, news_stream)
    }

    /// Takes a message. The key has to be new, such as a random UUID; it becomes the run's id.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the message was not taken and is the caller's to keep.
    pub async fn send(
        &self,
        key: RunId,
        session_key: SessionKey,
        text: String,
    ) -> Result<(), SendError> {
        self.send_with_files(key, session_key, text, Attachments::default())
            .await
    }

    /// Takes a message with files, which are in the limits of its gateway.
    ///
    /// # Errors
    ///
    /// As [`Courier::send`].
    pub async fn send_with_files(
        &self,
        key: RunId,
        session_key: SessionKey,
        text: String,
        files: Attachments,
    ) -> Result<(), SendError> {
        let (reply, taken) = oneshot::channel();
        let request = Request::Send {
            key,
            session_key,
            text,
            files,
            reply,
        };
        self.requests
            .send(request)
            .await
            .map_err(|_| SendError::Stopped)?;
        Ok(taken.await.map_err(|_| SendError::Stopped)??)
    }

    /// Takes a message back that has not been sent; returns whether it was, so that it will never arrive.
    pub async fn withdraw(&self, key: RunId) -> bool {
        let (reply, withdrawn) = oneshot::channel();
        let asked = self.requests.send(Request::Withdraw { key, reply }).await;
        asked.is_ok() && withdrawn.await.unwrap_or(false)
    }

    /// Stops one run, or every run of a conversation. Nothing running is not an error.
    ///
    /// # Errors
    ///
    /// [`AbortError`]; an abort is never put off, because what runs later is something else.
    pub async fn abort(
        &self,
        session_key: SessionKey,
        run_id: Option<RunId>,
    ) -> Result<ChatAbortPayload, AbortError> {
        let params = ChatAbortParams {
            run_id,
            ..ChatAbortParams::new(session_key)
        };
        let (reply, outcome) = oneshot::channel();
        let request = Request::Abort { params, reply };
        self.requests
            .send(request)
            .await
            .map_err(|_| AbortError::NotConnected)?;
        outcome.await.map_err(|_| AbortError::NotConnected)?
    }

    /// Uses this session from now on. `protocol` is the wire version of its hello-ok.
    pub async fn session_up(&self, session: Session, protocol: u32) {
        let kind = Kind::of_protocol(protocol);
        // A courier that has stopped has nothing to send.
        drop(
            self.requests
                .send(Request::SessionUp { session, kind })
                .await,
        );
    }

    /// Looks at an event of the session for the end of a run, which confirms its message.
    pub async fn observe(&self, event: &Event) {
        if let Event::Chat(chat) = event
            && chat.state.is_terminal()
        {
            drop(
                self.requests
                    .send(Request::RunEnded {
                        key: chat.run_id.clone(),
                        failure: failure_of(chat),
                    })
                    .await,
            );
        }
    }
}

/// What a piece of work came to.
enum Done {
    SessionEnded,
    History {
        session_key: SessionKey,
        outcome: Result<Box<ChatHistoryPayload>, CallError>,
    },
    Sent {
        key: RunId,
        outcome: Result<ChatSendPayload, CallError>,
    },
    PutOff {
        key: RunId,
    },
    HistoryPutOff {
        session_key: SessionKey,
    },
    Aborted {
        outcome: Result<ChatAbortPayload, CallError>,
        reply: oneshot::Sender<Result<ChatAbortPayload, AbortError>>,
    },
}

/// An answer to a handle.
enum Reply {
    Queued(
        oneshot::Sender<Result<(), OutboxFull>>,
        Result<(), OutboxFull>,
    ),
    Withdrawn(oneshot::Sender<bool>, bool),
}

impl Reply {
    fn send(self) {
        // A caller that no longer waits does not take its message back.
        match self {
            Self::Queued(reply, queued) => drop(reply.send(queued)),
            Self::Withdrawn(reply, withdrawn) => drop(reply.send(withdrawn)),
        }
    }
}

struct Task {
    requests: mpsc::Receiver<Request>,
    news: mpsc::Sender<Delivery>,
    outbox: Outbox,
    /// Where the outbox outlives this program, if it does.
    kept: Option<KeptOutbox>,
    /// Refused messages, and why, that the disk has not taken as such.
    refused_unkept: Vec<(RunId, String)>,
    /// When the disk is asked again, while it has not taken everything.
    keep_again: Option<Instant>,
    /// What is answered once the outbox is kept.
    replies: Vec<Reply>,
    session: Option<Session>,
    /// Everything under way over the session; replaced with it, so that nothing stale comes back.
    work: JoinSet<Done>,
}

impl Task {
    async fn run(mut self) {
        loop {
            let session = self.session.clone();
            let errands = match session {
                Some(_) => self.outbox.errands(),
                None => Vec::new(),
            };
            let news = self.outbox.take_news();
            self.keep(&news).await;
            for reply in self.replies.drain(..) {
                reply.send();
            }
            if let Some(session) = session {
                self.start_errands(&session, errands);
            }
            for delivery in news {
                // Nobody may care any more where messages stand; they are sent all the same.
                drop(self.news.send(delivery).await);
            }
            let done = async {
                match self.work.join_next().await {
                    Some(done) => done,
                    None => pending().await,
                }
            };
            let keep_again = self.keep_again;
            let again = async {
                match keep_again {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                request = self.requests.recv() => match request {
                    Some(request) => self.take(request),
                    None => return,
                },
                done = done => match done {
                    Ok(done) => self.finish(done),
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    // Only what this task aborts is cancelled, and then it is not waited for.
                    Err(_) => {}
                },
                // Keeping comes first in the next round.
                () = again => {}
            }
        }
    }

    /// Keeps what has changed. On a disk that takes nothing the courier goes on from memory: a message that
    /// is sent is worth more than one that is not taken. What was not kept is tried again, with the next
    /// change or after a while.
    async fn keep(&mut self, news: &[Delivery]) {
        let changed = self.outbox.take_changed();
        let Some(kept) = &self.kept else { return };
        self.refused_unkept
            .extend(news.iter().filter_map(|delivery| match &delivery.state {
                DeliveryState::Failed { message, .. } => {
                    Some((delivery.key.clone(), message.clone()))
                }
                DeliveryState::Waiting | DeliveryState::Sending | DeliveryState::Delivered => None,
            }));
        if changed.is_empty() {
            self.keep_again = None;
            return;
        }
        let conversations: Vec<SessionKey> = changed
            .iter()
            .map(|lane| lane.session_key.clone())
            .collect();
        match kept.keep(changed, self.refused_unkept.clone()).await {
            Ok(()) => {
                self.refused_unkept.clear();
                self.keep_again = None;
            }
            Err(error) => {
                tracing::warn!(%error, "messages that wait are not kept on disk");
                self.outbox.changed_still(conversations);
                self.keep_again = Some(Instant::now() + KEEP_AGAIN);
            }
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Send {
                key,
                session_key,
                text,
                files,
                reply,
            } => {
                let queued = self.outbox.queue_with_files(key, session_key, text, files);
                self.replies.push(Reply::Queued(reply, queued));
            }
            Request::Withdraw { key, reply } => {
                let withdrawn = self.outbox.withdraw(&key);
                self.replies.push(Reply::Withdrawn(reply, withdrawn));
            }
            Request::Abort { params, reply } => match self.session.clone() {
                Some(session) => {
                    self.work.spawn(async move {
                        let outcome = session.call::<ChatAbort>(params, ABORT_LIMIT).await;
                        Done::Aborted { outcome, reply }
                    });
                }
                None => drop(reply.send(Err(AbortError::NotConnected))),
            },
            Request::SessionUp { session, kind } => {
                self.work = JoinSet::new();
                let watched = session.clone();
                self.work.spawn(async move {
                    // A clone would keep the session open for ever; only its end is watched.
                    let ended = watched.into_ended();
                    ended.await;
                    Done::SessionEnded
                });
                self.session = Some(session);
                self.outbox.session_up(kind);
            }
            Request::RunEnded { key, failure } => match failure {
                Some(why) => self.outbox.run_failed(&key, why),
                None => self.outbox.run_ended(&key),
            },
        }
    }

    fn start_errands(&mut self, session: &Session, errands: Vec<Errand>) {
        for errand in errands {
            let session = session.clone();
            match errand {
                Errand::ReadHistory { session_key, limit } => {
                    let params = ChatHistoryParams {
                        limit: Some(limit),
                        ..ChatHistoryParams::new(session_key.clone())
                    };
                    self.work.spawn(async move {
                        let outcome = session
                            .call::<ChatHistory>(params, HISTORY_LIMIT)
                            .await
                            .map(Box::new);
                        Done::History {
                            session_key,
                            outcome,
                        }
                    });
                }
                Errand::Send {
                    key,
                    session_key,
                    text,
                    files,
                } => {
                    let bytes: u64 = files.iter().map(Attachment::size).sum();
                    let limit = SEND_LIMIT + Duration::from_secs(bytes / SEND_BYTES_A_SECOND);
                    self.work.spawn(async move {
                        let params = ChatSendParams {
                            attachments: (!files.is_empty())
                                .then(|| files.iter().map(Attachment::to_wire).collect()),
                            ..ChatSendParams::new(session_key, text, key.clone())
                        };
                        let outcome = session.call::<ChatSend>(params, limit).await;
                        Done::Sent { key, outcome }
                    });
                }
            }
        }
    }

    fn finish(&mut self, done: Done) {
        match done {
            Done::SessionEnded => {
                self.work = JoinSet::new();
                self.session = None;
                self.outbox.session_down();
            }
            Done::History {
                session_key,
                outcome,
            } => match outcome {
                Ok(history) => {
                    if self.outbox.history_read(&session_key, &history) {
                        self.work.spawn(async move {
                            sleep(PAUSE).await;
                            Done::HistoryPutOff { session_key }
                        });
                    }
                }
                // The end of the session is about to be noticed.
                Err(CallError::Closed { .. }) => {}
                Err(error) => {
                    tracing::warn!(%error, "history could not be read");
                    let pause = pause(error.refusal());
                    self.work.spawn(async move {
                        sleep(pause).await;
                        Done::HistoryPutOff { session_key }
                    });
                }
            },
            Done::Sent { key, outcome } => self.sent(key, outcome),
            Done::PutOff { key } => self.outbox.put_off(&key),
            Done::HistoryPutOff { session_key } => self.outbox.history_failed(&session_key),
            Done::Aborted { outcome, reply } => {
                if let Ok(payload) = &outcome {
                    for run in payload.run_ids.iter().flatten() {
                        self.outbox.run_ended(run);
                    }
                }
                drop(reply.send(outcome.map_err(AbortError::from)));
            }
        }
    }

    fn sent(&mut self, key: RunId, outcome: Result<ChatSendPayload, CallError>) {
        let error = match outcome {
            Ok(payload) => {
                self.outbox.taken(&key);
                match payload.status {
                    Some(SendStatus::Error) => self.outbox.run_failed(&key, NO_REASON.to_owned()),
                    Some(status) if status.has_ended() => self.outbox.run_ended(&key),
                    Some(_) | None => {}
                }
                return;
            }
            Err(error) => error,
        };
        match error {
            CallError::Closed { .. } => {}
            CallError::Deadline { .. } | CallError::Malformed { .. } => self.outbox.in_doubt(&key),
            CallError::Refused { error, .. } if is_temporary(&error) => {
                let pause = pause(Some(&error));
                self.work.spawn(async move {
                    sleep(pause).await;
                    Done::PutOff { key }
                });
            }
            CallError::Refused { error, .. } => {
                let message = error.message.clone();
                self.outbox.refused(&key, Some(*error), message);
            }
            error @ CallError::TooLarge { .. } => {
                self.outbox.refused(&key, None, error.to_string());
            }
        }
    }
}

/// Returns why a run failed, where this is its end and it did.
fn failure_of(chat: &ChatEvent) -> Option<String> {
    (chat.state == ChatState::Error)
        .then(|| chat.error_message.clone().unwrap_or(NO_REASON.to_owned()))
}

fn is_temporary(error: &WireError) -> bool {
    error.retryable == Some(true) || error.code == ErrorCode::Unavailable
}

fn pause(refusal: Option<&WireError>) -> Duration {
    refusal
        .and_then(WireError::retry_after)
        .map_or(PAUSE, |asked| asked.clamp(ASKED_PAUSE.0, ASKED_PAUSE.1))
}

#[cfg(test)]
mod tests;
