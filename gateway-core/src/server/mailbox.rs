//! What waits to be sent to one peer: answers and events in order, numbered and bounded by bytes.

use crate::protocol::connect::StateVersion;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// How many bytes may wait behind the frame that is being sent; more than that, and the peer reads
/// too slowly to be served.
pub(super) const BACKLOG_BYTES: usize = 8 * 1024 * 1024;

/// The longest reason, in bytes: where the official gateway was recorded cutting. A close frame would
/// hold three more (RFC 6455 §5.5).
const REASON_BYTES: usize = 120;

/// How many pings may go unanswered before the oldest is given up: a peer that never answers one is
/// closed for its silence, and must not fill memory until then.
const MOST_PINGS: usize = 64;

/// Why a peer is to be disconnected: a WebSocket close code and a short reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Goodbye {
    /// The close code (protocol §1).
    pub(super) code: u16,
    /// What the close frame says.
    pub(super) reason: String,
}

impl Goodbye {
    /// Returns a close with this code and reason, cut to what a close frame holds.
    pub(super) fn new(code: u16, reason: &str) -> Self {
        let mut end = reason.len().min(REASON_BYTES);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            code,
            reason: reason.get(..end).unwrap_or_default().to_owned(),
        }
    }
}

/// An event, serialised once for everybody.
#[derive(Debug, Clone)]
pub(super) struct Announcement {
    name: &'static str,
    payload: Box<RawValue>,
    state_version: Option<StateVersion>,
}

impl Announcement {
    /// Serialises an event.
    pub(super) fn new(name: &'static str, payload: &impl serde::Serialize) -> Self {
        // Payloads hold strings, numbers and JSON values; none can fail to serialise.
        let payload =
            serde_json::value::to_raw_value(payload).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self {
            name,
            payload,
            state_version: None,
        }
    }

    /// Adds which presence and health the event belongs to.
    pub(super) fn with_state(mut self, version: StateVersion) -> Self {
        self.state_version = Some(version);
        self
    }

    fn frame(&self, seq: Option<u64>) -> String {
        let payload = self.payload.get();
        let mut text = String::with_capacity(payload.len() + self.name.len() + 96);
        text.push_str(r#"{"type":"event","event":""#);
        text.push_str(self.name);
        text.push_str(r#"","payload":"#);
        text.push_str(payload);
        if let Some(seq) = seq {
            // Writing to a String cannot fail.
            write!(text, r#","seq":{seq}"#).unwrap_or_default();
        }
        if let Some(version) = &self.state_version {
            let (presence, health) = (version.presence, version.health);
            write!(
                text,
                r#","stateVersion":{{"presence":{presence},"health":{health}}}"#
            )
            .unwrap_or_default();
        }
        text.push('}');
        text
    }
}

/// The way to one peer.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    queue: Mutex<Queue>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// The number of the last counted event.
    seq: u64,
    /// The number of the last ping, and who waits for which.
    pings: u64,
    unread: VecDeque<(u64, oneshot::Sender<()>)>,
    goodbye: Option<Goodbye>,
    is_overrun: bool,
}

#[derive(Debug)]
enum Item {
    Frame(Utf8Bytes),
    Ping(u64),
}

/// What a peer's task is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send this.
    Frame(Utf8Bytes),
    /// Ask for a sign of life with this number.
    Ping(u64),
    /// Everything before it is sent: close.
    Close(Goodbye),
    /// Nothing.
    Idle,
}

impl Mailbox {
    /// Queues a frame as it is: an answer.
    pub(super) fn send(&self, frame: String) {
        self.queue().push(frame);
        self.changed.notify_one();
    }

    /// Queues an event that counts: it gets the next number of this connection.
    pub(super) fn broadcast(&self, announcement: &Announcement) {
        let mut queue = self.queue();
        queue.seq += 1;
        let frame = announcement.frame(Some(queue.seq));
        queue.push(frame);
        drop(queue);
        self.changed.notify_one();
    }

    /// Queues an event addressed to this peer, which does not count (protocol §1).
    pub(super) fn tell(&self, announcement: &Announcement) {
        self.send(announcement.frame(None));
    }

    /// Returns what tells that the peer has read all that is queued by now: a ping follows it, and
    /// the peer answers in order. The answer fails for a peer that has gone.
    pub(super) fn read_so_far(&self) -> oneshot::Receiver<()> {
        let (read, reading) = oneshot::channel();
        let mut queue = self.queue();
        if queue.goodbye.is_none() {
            queue.pings += 1;
            let number = queue.pings;
            queue.items.push_back(Item::Ping(number));
            if queue.unread.len() >= MOST_PINGS {
                queue.unread.pop_front();
            }
            queue.unread.push_back((number, read));
        }
        drop(queue);
        self.changed.notify_one();
        reading
    }

    /// The peer has answered the ping with this number.
    pub(super) fn has_read(&self, ping: u64) {
        let mut queue = self.queue();
        while queue
            .unread
            .front()
            .is_some_and(|(number, _)| *number <= ping)
            && let Some((_, read)) = queue.unread.pop_front()
        {
            // Whoever waited may have given up.
            let _ = read.send(());
        }
    }

    /// Closes the connection after what is queued. The first goodbye holds.
    pub(super) fn close(&self, goodbye: Goodbye) {
        self.queue().goodbye.get_or_insert(goodbye);
        self.changed.notify_one();
    }

    /// Returns what to do next.
    pub(super) fn next(&self) -> Next {
        let mut queue = self.queue();
        match queue.items.pop_front() {
            Some(Item::Frame(frame)) => {
                queue.bytes -= frame.len();
                return Next::Frame(frame);
            }
            Some(Item::Ping(number)) => return Next::Ping(number),
            None => {}
        }
        queue.goodbye.clone().map_or(Next::Idle, Next::Close)
    }

    /// Returns the goodbye for a peer that reads too slowly, once it is one.
    pub(super) fn overrun(&self) -> Option<Goodbye> {
        let queue = self.queue();
        queue.goodbye.clone().filter(|_| queue.is_overrun)
    }

    /// Waits until there may be something to do.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // A panic while holding it leaves whole frames only.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&mut self, frame: String) {
        if self.goodbye.is_some() {
            return;
        }
        let frames = self.items.iter().find_map(|item| match item {
            Item::Frame(frame) => Some(frame.len()),
            Item::Ping(_) => None,
        });
        let being_sent = frames.unwrap_or_default();
        if self.bytes - being_sent > BACKLOG_BYTES {
            // Nothing of it could be delivered in time; the peer asks anew when it is back.
            self.items.clear();
            self.unread.clear();
            self.bytes = 0;
            self.goodbye = Some(Goodbye::new(1013, "slow consumer"));
            self.is_overrun = true;
            return;
        }
        self.bytes += frame.len();
        self.items.push_back(Item::Frame(frame.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn text(next: Next) -> Value {
        match next {
            Next::Frame(frame) => serde_json::from_str(&frame).unwrap(),
            other @ (Next::Ping(_) | Next::Close(_) | Next::Idle) => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_peer_has_read_what_was_queued_when_it_answers_the_ping_behind_it() {
        let mailbox = Mailbox::default();
        mailbox.send("{}".to_owned());
        let mut first = mailbox.read_so_far();
        mailbox.send("[]".to_owned());
        let second = mailbox.read_so_far();

        assert_eq!(mailbox.next(), Next::Frame("{}".into()));
        assert_eq!(mailbox.next(), Next::Ping(1));
        assert_eq!(mailbox.next(), Next::Frame("[]".into()));
        assert!(first.try_recv().is_err());
        mailbox.has_read(1);
        assert_eq!(first.try_recv(), Ok(()));
        drop(mailbox);
        assert!(second.await.is_err());

        let closed = Mailbox::default();
        closed.close(Goodbye::new(1000, ""));
        assert!(closed.read_so_far().await.is_err());
    }

    #[test]
    fn counted_events_are_numbered_from_one_and_addressed_ones_are_not() {
        let mailbox = Mailbox::default();
        let tick = Announcement::new("tick", &json!({"ts": 5}));
        mailbox.broadcast(&tick);
        mailbox.tell(&tick);
        let version = StateVersion {
            presence: 2,
            health: 3,
            extra: crate::protocol::Extra::new(),
        };
        mailbox.broadcast(&tick.with_state(version));

        let tick = json!({"type": "event", "event": "tick", "payload": {"ts": 5}});
        let mut first = tick.clone();
        first["seq"] = json!(1);
        assert_eq!(text(mailbox.next()), first);
        assert_eq!(text(mailbox.next()), tick);
        let mut third = tick;
        third["seq"] = json!(2);
        third["stateVersion"] = json!({"presence": 2, "health": 3});
        assert_eq!(text(mailbox.next()), third);
        assert_eq!(mailbox.next(), Next::Idle);
    }

    #[test]
    fn a_goodbye_comes_after_what_was_queued_and_nothing_after_it() {
        let mailbox = Mailbox::default();
        mailbox.send("{}".to_owned());
        mailbox.close(Goodbye::new(1012, "service restart"));
        mailbox.close(Goodbye::new(1000, ""));
        mailbox.send("late".to_owned());

        assert_eq!(mailbox.next(), Next::Frame("{}".into()));
        assert_eq!(
            mailbox.next(),
            Next::Close(Goodbye::new(1012, "service restart"))
        );
    }

    #[test]
    fn one_large_frame_is_fine_and_a_backlog_is_not() {
        let mailbox = Mailbox::default();
        mailbox.send("x".repeat(2 * BACKLOG_BYTES));
        mailbox.send("x".repeat(BACKLOG_BYTES + 1));
        assert!(matches!(mailbox.next(), Next::Frame(_)));

        mailbox.send("x".repeat(BACKLOG_BYTES));
        mailbox.send("x".to_owned());
        mailbox.send("x".to_owned());

        assert_eq!(
            mailbox.next(),
            Next::Close(Goodbye::new(1013, "slow consumer"))
        );
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let goodbye = Goodbye::new(1008, &"å".repeat(100));
        assert_eq!(goodbye.reason, "å".repeat(60));
    }
}
