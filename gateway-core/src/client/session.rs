//! The handle to a live session and the task that owns its socket.
//!
//! The task ends, and with it the connection, when the last handle is dropped, when the gateway
//! closes, or when nothing comes for twice the tick interval. Requests that wait then fail; none is
//! ever sent again, because only the caller knows whether that would be the same thing twice.

use super::calls::{Calls, Outcome, Waiting};
use super::close::CloseReason;
use super::offers::Offers;
use super::owed::Owed;
use super::transport::{Progress, Transport, Wire};
use crate::protocol::connect::HelloOk;
use crate::protocol::{Event, Extra, Frame, Method, Request, RequestId, WireError};
use bytes::Bytes;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

/// Requests handed to the task and not yet sent. Callers beyond this wait their turn.
const REQUEST_QUEUE: usize = 64;
/// Requests that may wait for an answer at a time; more wait in the queue.
const MOST_IN_FLIGHT: usize = 512;
/// Events not yet taken. Beyond this they are dropped and reported as a gap, so that a slow
/// listener cannot hold up answers or fill our memory.
const EVENT_QUEUE: usize = 1024;
/// A watchdog that rings so much too late says that this program stood still, not the gateway.
const STOOD_STILL: Duration = Duration::from_secs(2);
/// Close code for a gateway that has fallen silent, as the reference client sends it.
const TICK_TIMEOUT: (u16, &str) = (4000, "tick timeout");
/// Close code for a frame beyond our limit.
const TOO_LARGE: (u16, &str) = (1009, "");

/// A handle to a live session. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Session {
    requests: mpsc::Sender<Command>,
    closed: watch::Receiver<Option<CloseReason>>,
    /// The largest frame the gateway takes, in bytes.
    max_payload: usize,
    owed: Owed,
    label: Option<Arc<str>>,
    offers: Arc<Offers>,
}

/// Measures a session's round trip, without keeping the session open.
#[derive(Debug, Clone)]
pub struct Pinger {
    requests: mpsc::WeakSender<Command>,
}

impl Pinger {
    /// Sends a WebSocket ping and returns how long its answer took; `None` once the session has ended.
    pub async fn ping(&self) -> Option<Duration> {
        let (reply, answered) = oneshot::channel();
        let requests = self.requests.upgrade()?;
        requests.send(Command::Ping(reply)).await.ok()?;
        drop(requests);
        answered.await.ok()
    }
}

/// What a session tells without being asked.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionEvent {
    /// The gateway told something.
    Event(Event),
    /// Events are missing: fetch the state they would have told about again.
    Gap {
        /// The number of the next event in order.
        expected: u64,
        /// The number that came instead.
        got: u64,
    },
    /// The session ended; always the last.
    Closed(CloseReason),
}

/// Why a call has no payload.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The session ended before the answer. Whether the request was carried out is not known.
    #[error("session ended before {method} was answered: {reason}")]
    Closed {
        /// What was asked.
        method: String,
        /// Why the session ended.
        reason: CloseReason,
    },
    /// No answer in time. Whether the request was carried out is not known.
    #[error("{method} was not answered within {waited:?}")]
    Deadline {
        /// What was asked.
        method: String,
        /// For how long.
        waited: Duration,
    },
    /// The gateway refused the request.
    #[error("gateway refused {method}")]
    Refused {
        /// What was asked.
        method: String,
        /// Why.
        #[source]
        error: Box<WireError>,
    },
    /// The answer is not in the shape of the method's payload.
    #[error("answer to {method} cannot be read: {problem}")]
    Malformed {
        /// What was asked.
        method: String,
        /// Which member is wrong; never a value.
        problem: String,
    },
    /// The request is larger than the gateway takes; it was not sent.
    #[error("{method} is {size} bytes, more than the {limit} the gateway takes")]
    TooLarge {
        /// What was asked.
        method: String,
        /// The size of the request in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

impl CallError {
    /// Returns what the gateway refused with, if it answered.
    pub fn refusal(&self) -> Option<&WireError> {
        match self {
            Self::Refused { error, .. } => Some(error),
            Self::Closed { .. }
            | Self::Deadline { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. } => None,
        }
    }

    /// Returns whether the request may have been carried out although there is no payload.
    pub fn leaves_doubt(&self) -> bool {
        match self {
            Self::Closed { .. } | Self::Deadline { .. } | Self::Malformed { .. } => true,
            Self::Refused { .. } | Self::TooLarge { .. } => false,
        }
    }
}

impl Session {
    /// Returns what the caller calls the gateway ([`HelloRequest::label`](super::HelloRequest::label)).
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Returns what the gateway offers on this session.
    pub fn offers(&self) -> &Offers {
        &self.offers
    }

    /// Asks for `M` and returns its payload.
    ///
    /// # Errors
    ///
    /// [`CallError`]; after `limit` without an answer [`CallError::Deadline`].
    pub async fn call<M: Method>(
        &self,
        params: M::Params,
        limit: Duration,
    ) -> Result<M::Payload, CallError> {
        let payload = self.call_raw(M::NAME, as_params(params), limit).await?;
        read_payload::<M>(payload)
    }

    /// Asks for a method by name and returns its payload as it came.
    ///
    /// # Errors
    ///
    /// As [`Self::call`].
    pub async fn call_raw(
        &self,
        method: &str,
        params: Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        self.ask(method, params, Some(limit), false).await
    }

    /// Asks for a two-phase method and returns its final payload; the answer that only says the
    /// request was accepted is skipped. Without a limit it waits as long as the session lives.
    ///
    /// # Errors
    ///
    /// As [`Self::call`].
    pub async fn call_two_phase<M: Method>(
        &self,
        params: M::Params,
        limit: Option<Duration>,
    ) -> Result<M::Payload, CallError> {
        let payload = self.ask(M::NAME, as_params(params), limit, true).await?;
        read_payload::<M>(payload)
    }

    /// Asks for a two-phase method by name; as [`Self::call_two_phase`].
    ///
    /// # Errors
    ///
    /// As [`Self::call`].
    pub async fn call_raw_two_phase(
        &self,
        method: &str,
        params: Value,
        limit: Option<Duration>,
    ) -> Result<Value, CallError> {
        self.ask(method, params, limit, true).await
    }

    /// Returns what asks whether the other side still answers.
    pub fn pinger(&self) -> Pinger {
        Pinger {
            requests: self.requests.downgrade(),
        }
    }

    /// Ends the session; requests that wait fail. Returns when the connection is closed.
    pub async fn close(&self) -> CloseReason {
        // The task may be gone already; then there is a reason to return.
        drop(self.requests.send(Command::Close).await);
        self.closed().await
    }

    /// Waits for the end of the session and returns why it ended.
    pub async fn closed(&self) -> CloseReason {
        ended(self.closed.clone()).await
    }

    /// Waits for the end of the session without keeping it open, unlike a held clone.
    pub fn into_ended(self) -> impl Future<Output = CloseReason> + Send + 'static {
        let closed = self.closed;
        drop(self.requests);
        ended(closed)
    }

    /// Says how many answers the gateway still owes to all who asked over this session.
    pub fn owed(&self) -> watch::Receiver<usize> {
        self.owed.watched()
    }

    /// Returns why the session ended, if it has.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.closed.borrow().clone()
    }

    async fn ask(
        &self,
        method: &str,
        params: Value,
        limit: Option<Duration>,
        wants_final: bool,
    ) -> Result<Value, CallError> {
        let deadline = limit.map(|limit| Instant::now() + limit);
        let id = RequestId::from(uuid::Uuid::new_v4().to_string());
        let text = Frame::Request(Request {
            id: id.clone(),
            method: method.to_owned(),
            params: Some(params),
            extra: Extra::new(),
        })
        .to_text();
        if text.len() > self.max_payload {
            return Err(CallError::TooLarge {
                method: method.to_owned(),
                size: text.len(),
                limit: self.max_payload,
            });
        }
        let _counts_until_answered = self.owed.one_more();
        let (reply, outcome) = oneshot::channel();
        let waiting = Waiting {
            reply,
            deadline,
            wants_final,
        };
        let late = || CallError::Deadline {
            method: method.to_owned(),
            waited: limit.unwrap_or_default(),
        };
        let hand_over = self.requests.send(Command::Ask { id, text, waiting });
        let handed_over = match deadline {
            Some(deadline) => timeout_at(deadline, hand_over).await.map_err(|_| late())?,
            None => hand_over.await,
        };
        if handed_over.is_err() {
            return Err(self.ended(method).await);
        }
        // The task keeps deadlines of what it sent; what it cannot send yet runs out here.
        let outcome = match deadline {
            Some(deadline) => timeout_at(deadline, outcome).await.map_err(|_| late())?,
            None => outcome.await,
        };
        match outcome {
            Ok(Outcome::Answered(payload)) => Ok(payload),
            Ok(Outcome::Refused(error)) => Err(CallError::Refused {
                method: method.to_owned(),
                error: Box::new(error),
            }),
            Ok(Outcome::DeadlinePassed) => Err(late()),
            Err(_) => Err(self.ended(method).await),
        }
    }

    async fn ended(&self, method: &str) -> CallError {
        CallError::Closed {
            method: method.to_owned(),
            reason: self.closed().await,
        }
    }
}

async fn ended(mut closed: watch::Receiver<Option<CloseReason>>) -> CloseReason {
    match closed.wait_for(Option::is_some).await {
        Ok(reason) => reason.clone().unwrap_or(CloseReason::Ours),
        // The task goes without a word only if the runtime is going down.
        Err(_) => CloseReason::Ours,
    }
}

fn as_params<P: serde::Serialize>(params: P) -> Value {
    // Params hold strings, numbers and JSON values only; none of them can fail to serialise.
    serde_json::to_value(params).unwrap_or_default()
}

fn read_payload<M: Method>(payload: Value) -> Result<M::Payload, CallError> {
    serde_json::from_value(payload).map_err(|error| CallError::Malformed {
        method: M::NAME.to_owned(),
        problem: error.to_string(),
    })
}

/// Starts the task that owns the socket.
pub(super) fn start<S: Wire>(
    transport: Transport<S>,
    hello: &HelloOk,
    label: Option<Arc<str>>,
) -> (Session, mpsc::Receiver<SessionEvent>) {
    let (requests, commands) = mpsc::channel(REQUEST_QUEUE);
    let (events, event_stream) = mpsc::channel(EVENT_QUEUE);
    let (closed, closed_watch) = watch::channel(None);
    let task = Task {
        transport,
        commands,
        events,
        calls: Calls::default(),
        patience: 2 * hello.policy.tick_interval(),
        last_sign: Instant::now(),
        received: 0,
        order: Order::default(),
        pings: Pings::default(),
        restart_expected: None,
    };
    // The task ends when the last handle is dropped, so nobody has to join it.
    drop(tokio::spawn(task.run(closed)));
    let session = Session {
        requests,
        closed: closed_watch,
        max_payload: usize::try_from(hello.policy.max_payload).unwrap_or(usize::MAX),
        owed: Owed::none(),
        label,
        offers: Arc::new(Offers::of(hello)),
    };
    (session, event_stream)
}

/// What handles ask of the task.
#[derive(Debug)]
enum Command {
    Ask {
        id: RequestId,
        text: String,
        waiting: Waiting,
    },
    Ping(oneshot::Sender<Duration>),
    Close,
}

struct Task<S> {
    transport: Transport<S>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<SessionEvent>,
    calls: Calls,
    /// For how long nothing may come.
    patience: Duration,
    last_sign: Instant,
    /// What had been received when the gateway last seemed silent.
    received: u64,
    order: Order,
    pings: Pings,
    /// When the gateway expects to be back, from its `shutdown` event.
    restart_expected: Option<Duration>,
}

impl<S: Wire> Task<S> {
    async fn run(mut self, closed: watch::Sender<Option<CloseReason>>) {
        let reason = self.serve().await;
        let goodbye = match &reason {
            CloseReason::Silent { .. } => Some(TICK_TIMEOUT),
            CloseReason::FrameTooLarge { .. } => Some(TOO_LARGE),
            CloseReason::Ours
            | CloseReason::Restart { .. }
            | CloseReason::Starting
            | CloseReason::DeviceRemoved
            | CloseReason::Refused { .. }
            | CloseReason::ProtocolMismatch
            | CloseReason::OursTooLarge
            | CloseReason::TooMuchBeforeHello
            | CloseReason::Violation
            | CloseReason::Normal
            | CloseReason::Other { .. }
            | CloseReason::Lost { .. } => None,
        };
        tracing::debug!(%reason, "session ended");
        // Say why before failing the calls, so that each of them can tell.
        closed.send_replace(Some(reason.clone()));
        let Self {
            mut transport,
            events,
            calls,
            ..
        } = self;
        drop(calls);
        transport.close(goodbye).await;
        drop(transport);
        // A listener that is full or gone learns it from the end of the stream.
        drop(events.try_send(SessionEvent::Closed(reason)));
    }

    async fn serve(&mut self) -> CloseReason {
        loop {
            let silent_at = self.last_sign + self.patience;
            let wake_at = self
                .calls
                .next_deadline()
                .map_or(silent_at, |at| at.min(silent_at));
            let may_take = !self.transport.is_congested() && self.calls.len() < MOST_IN_FLIGHT;
            tokio::select! {
                progress = self.transport.progress() => match progress {
                    Ok(Progress::Received(text)) => {
                        self.last_sign = Instant::now();
                        self.received = self.transport.received();
                        self.received(&text);
                    }
                    Ok(Progress::Sent) => {}
                    Ok(Progress::Pong(payload)) => self.pings.answered(&payload),
                    Err(reason) => return self.with_expectation(reason),
                },
                command = self.commands.recv(), if may_take => match command {
                    Some(Command::Ask { id, text, waiting }) => {
                        if !waiting.reply.is_closed() {
                            self.calls.insert(id, waiting);
                            self.transport.queue(text);
                        }
                    }
                    Some(Command::Ping(reply)) => {
                        let payload = self.pings.asked(reply);
                        self.transport.queue_ping(payload);
                    }
                    Some(Command::Close) | None => return CloseReason::Ours,
                },
                () = sleep_until(wake_at) => {
                    let now = Instant::now();
                    self.calls.expire(now);
                    self.calls.forget_abandoned();
                    if now >= silent_at && !self.has_an_excuse(now, silent_at) {
                        return CloseReason::Silent { silent_for: self.patience };
                    }
                }
            }
        }
    }

    /// Gives a gateway that seems silent more time, where that is not its fault: a large frame is
    /// still on its way over a slow line, or this program stood still and what came meanwhile has
    /// not been read.
    fn has_an_excuse(&mut self, now: Instant, silent_at: Instant) -> bool {
        let received = self.transport.received();
        let still_comes = received != self.received;
        self.received = received;
        let stood_still = now.duration_since(silent_at) >= STOOD_STILL;
        if still_comes || stood_still {
            self.last_sign = now;
        }
        still_comes || stood_still
    }

    fn received(&mut self, text: &str) {
        match Frame::parse(text) {
            Ok(Frame::Response(response)) => self.calls.answer(response),
            Ok(Frame::Event(frame)) => {
                let event = Event::of(&frame);
                if let Event::Shutdown(shutdown) = &event {
                    self.restart_expected = shutdown.restart_expected_ms.map(Duration::from_millis);
                }
                self.tell(frame.seq, event);
            }
            // A gateway asks nothing of an operator; one that does is newer than we are.
            Ok(Frame::Request(_)) => {}
            // The same as a gateway does with what it cannot read: it is ignored.
            Err(error) => tracing::debug!(%error, "frame ignored"),
        }
    }

    /// Passes an event on, after the gap before it; both or, where the queue is full, neither.
    fn tell(&mut self, seq: Option<u64>, event: Event) {
        let gap = seq.and_then(|got| self.order.gap_before(got));
        let room = self.events.try_reserve_many(1 + usize::from(gap.is_some()));
        let Ok(mut room) = room else {
            self.order.missed(seq);
            return;
        };
        if let (Some(permit), Some((expected, got))) = (gap.and_then(|_| room.next()), gap) {
            permit.send(SessionEvent::Gap { expected, got });
        }
        if let Some(permit) = room.next() {
            permit.send(SessionEvent::Event(event));
        }
        if let Some(got) = seq {
            self.order.told(got);
        }
    }

    fn with_expectation(&self, reason: CloseReason) -> CloseReason {
        if let CloseReason::Restart { .. } = reason {
            CloseReason::Restart {
                expected_in: self.restart_expected,
            }
        } else {
            reason
        }
    }
}

/// The pings whose answer is not there yet, by their numbers.
#[derive(Debug, Default)]
struct Pings {
    last: u64,
    waiting: VecDeque<(u64, Instant, oneshot::Sender<Duration>)>,
}

impl Pings {
    /// Notes a ping and returns what it carries.
    fn asked(&mut self, reply: oneshot::Sender<Duration>) -> Bytes {
        self.waiting.retain(|(_, _, reply)| !reply.is_closed());
        self.last += 1;
        self.waiting.push_back((self.last, Instant::now(), reply));
        Bytes::copy_from_slice(&self.last.to_be_bytes())
    }

    /// An answer to one ping answers all before it (RFC 6455 §5.5.3); any other pong is nobody's.
    fn answered(&mut self, payload: &[u8]) {
        let Ok(number) = payload.try_into().map(u64::from_be_bytes) else {
            return;
        };
        while let Some((_, asked, reply)) = self
            .waiting
            .pop_front_if(|(waiting, _, _)| *waiting <= number)
        {
            // Who asked may have given up.
            reply.send(asked.elapsed()).ok();
        }
    }
}

/// Finds gaps in the numbers of the events.
///
/// Broadcasts are numbered from 1 and each one more than the last; other events have no number.
#[derive(Debug, Default)]
struct Order {
    /// The number of the last event that was passed on.
    last: u64,
    /// An event without a number was dropped since then.
    missed_unnumbered: bool,
}

impl Order {
    /// Returns the number that should have come before or in place of `got`, and `got`.
    fn gap_before(&self, got: u64) -> Option<(u64, u64)> {
        let expected = self.last + 1;
        (got > expected || self.missed_unnumbered).then_some((expected, got))
    }

    fn told(&mut self, seq: u64) {
        self.last = self.last.max(seq);
        self.missed_unnumbered = false;
    }

    fn missed(&mut self, seq: Option<u64>) {
        self.missed_unnumbered |= seq.is_none();
    }
}
