//! What was sent, what is known about it, and what to do next, so that every message arrives
//! exactly once. Pure: no I/O, no clock.
//!
//! A message has a key that stays its own through every attempt, and the gateway runs a key once
//! while it remembers it: for the life of the run and five minutes after. So:
//!
//! - A message whose answer was cut off is *in doubt*. After a reconnect the history decides: what
//!   is there has arrived, the rest is sent again under the same key.
//! - A message the gateway took is still *unconfirmed* until its run has ended or the history shows
//!   it: a gateway that is killed in between has lost it.
//! - A run that ends in an error may have failed before the gateway kept its message, as the older
//!   ones do when their disk refuses them. The history decides; what it does not show has failed.
//! - Newer gateways store the key with the message, or list it as pending or running. Those of wire
//!   version 3 store the text only, so there the messages behind a remembered place are counted by
//!   text. That place is read before the first message goes out.
//! - Within a conversation one message is under way at a time, which keeps the order.
//! - Gateways keep some 20 messages waiting for a conversation's turn and let the rest go unanswered (seen on
//!   2026.9.6 and 2026.5.7). So the history is looked at every now and then, and what waits there comes first.

mod lane;
mod shown;

pub use lane::Place;
pub(crate) use shown::keys_in;

use lane::{Lane, Look, Outgoing, RunFailure, Stage};
use shown::waiting_in;

use super::attachments::{Attachment, Attachments};
use crate::protocol::method::chat::ChatHistoryPayload;
use crate::protocol::{RunId, SessionKey, WireError};
use std::collections::{BTreeMap, BTreeSet};

/// Messages that may wait at a time, over all conversations.
pub const MOST_QUEUED: usize = 500;
/// How much their files may hold together, in bytes.
pub const MOST_QUEUED_BYTES: u64 = 64 * 1024 * 1024;
/// How many messages of a history are looked through first.
const FIRST_LOOK: u32 = 200;
/// How many when the first look was full and did not show the message; the most a gateway gives.
const LONG_LOOK: u32 = 1000;
/// So many messages of a conversation may wait at the gateway for the turns before them.
const MOST_AHEAD: usize = 10;
/// A gateway that shows no message taken up in so many looks may never show any, and gets the next one.
const MOST_LOOKS: u32 = 120;
/// The same of an older one, which puts messages that wait together into one and shows none as it was sent.
const MOST_LOOKS_BY_TEXT: u32 = 15;
/// After so many messages to an older gateway the remembered place is moved on.
const MOVE_PLACE_AFTER: usize = 32;

/// Where a message stands, as told to whoever shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its key, which is also the id of the run it starts.
    pub key: RunId,
    /// Its conversation.
    pub session_key: SessionKey,
    /// Where it stands.
    pub state: DeliveryState,
}

/// Where a message stands.
#[derive(Debug, Clone, PartialEq)]
pub enum DeliveryState {
    /// It waits for a connection or for the message before it.
    Waiting,
    /// It is under way.
    Sending,
    /// The gateway has it.
    Delivered,
    /// The gateway refused it for good; it will not be sent again.
    Failed {
        /// Why, where the gateway said so.
        refusal: Option<Box<WireError>>,
        /// Why, for people.
        message: String,
    },
}

/// Why a message cannot be queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutboxFull {
    /// There are too many.
    #[error("{MOST_QUEUED} messages wait already")]
    Messages,
    /// Their files are too large together.
    #[error("the files that wait may hold {} MB together", MOST_QUEUED_BYTES / (1024 * 1024))]
    Bytes,
}

/// What to do next. Each is given out once and answered by one of the outbox's methods.
#[derive(Debug, Clone, PartialEq)]
pub enum Errand {
    /// Read a history; answer with [`Outbox::history_read`] or [`Outbox::history_failed`].
    ReadHistory {
        /// Of which conversation.
        session_key: SessionKey,
        /// How many messages, from the end.
        limit: u32,
    },
    /// Send a message; answer with [`Outbox::taken`], [`Outbox::in_doubt`], [`Outbox::put_off`] or
    /// [`Outbox::refused`].
    Send {
        /// Its key.
        key: RunId,
        /// Its conversation.
        session_key: SessionKey,
        /// Its text.
        text: String,
        /// Its files.
        files: Attachments,
    },
}

/// The messages on their way.
#[derive(Debug, Default)]
pub struct Outbox {
    lanes: BTreeMap<SessionKey, Lane>,
    session: Option<Kind>,
    told: Vec<Delivery>,
    /// The conversations of which something has to be kept anew.
    changed: BTreeSet<SessionKey>,
}

/// The messages of one conversation as they outlive this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLane {
    /// Which conversation.
    pub session_key: SessionKey,
    /// In the order they were queued; nothing that is confirmed or failed.
    pub messages: Vec<KeptMessage>,
    /// Where the conversation stood when it was last looked at with nothing in doubt.
    pub place: Option<Place>,
    /// What was sent to an older gateway since then, by key and text, in order.
    pub sent_since: Vec<(RunId, String)>,
}

/// One message as it outlives this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMessage {
    /// Its key.
    pub key: RunId,
    /// Its text.
    pub text: String,
    /// Its files.
    pub files: Attachments,
    /// How far it has come.
    pub stage: KeptStage,
}

/// How far a message had come when it was last kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptStage {
    /// It was never sent.
    Waiting,
    /// It may have been sent, and nobody knows whether it arrived.
    Sent,
    /// The gateway took it, and has not shown yet that it kept it.
    Taken,
}

/// What the gateway at the other end of the session keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The key of each message.
    Keys,
    /// The text of each message only: wire version 3.
    TextsOnly,
}

impl Kind {
    /// Returns what a gateway of this wire version keeps.
    pub fn of_protocol(version: u32) -> Self {
        if version >= 4 {
            Self::Keys
        } else {
            Self::TextsOnly
        }
    }
}

impl Outbox {
    /// Goes on with what an earlier program had: what may have been sent is in doubt, as after a lost session.
    pub fn resume(lanes: Vec<KeptLane>) -> Self {
        let lanes = lanes.into_iter().map(|kept| {
            let messages = kept.messages.into_iter().map(|message| Outgoing {
                key: message.key,
                text: message.text,
                files: message.files,
                stage: match message.stage {
                    KeptStage::Waiting => Stage::Waiting,
                    KeptStage::Sent => Stage::InDoubt,
                    KeptStage::Taken => Stage::Taken,
                },
                ended: false,
                failed: None,
            });
            let lane = Lane {
                messages: messages.collect(),
                place: kept.place,
                sent_since: kept.sent_since,
                ..Lane::default()
            };
            (kept.session_key, lane)
        });
        Self {
            lanes: lanes.collect(),
            ..Self::default()
        }
    }

    /// Takes a message. The same key again is the same message and changes nothing.
    ///
    /// # Errors
    ///
    /// [`OutboxFull`]; the message was not taken.
    pub fn queue(
        &mut self,
        key: RunId,
        session_key: SessionKey,
        text: String,
    ) -> Result<(), OutboxFull> {
        self.queue_with_files(key, session_key, text, Attachments::default())
    }

    /// Takes a message with files.
    ///
    /// # Errors
    ///
    /// As [`Outbox::queue`].
    pub fn queue_with_files(
        &mut self,
        key: RunId,
        session_key: SessionKey,
        text: String,
        files: Attachments,
    ) -> Result<(), OutboxFull> {
        if self
            .lanes
            .values()
            .any(|lane| lane.position(&key).is_some())
        {
            return Ok(());
        }
        if self
            .lanes
            .values()
            .map(|lane| lane.messages.len())
            .sum::<usize>()
            >= MOST_QUEUED
        {
            return Err(OutboxFull::Messages);
        }
        let waiting = self.lanes.values().flat_map(|lane| &lane.messages);
        let waiting: u64 = waiting.map(|message| bytes_of(&message.files)).sum();
        if !files.is_empty() && waiting + bytes_of(&files) > MOST_QUEUED_BYTES {
            return Err(OutboxFull::Bytes);
        }
        self.told.push(Delivery {
            key: key.clone(),
            session_key: session_key.clone(),
            state: DeliveryState::Waiting,
        });
        self.changed.insert(session_key.clone());
        let lane = self.lanes.entry(session_key).or_default();
        lane.messages.push_back(Outgoing {
            key,
            text,
            files,
            stage: Stage::Waiting,
            ended: false,
            failed: None,
        });
        Ok(())
    }

    /// Takes a message back that was never sent; returns whether it was, so that it never arrives.
    pub fn withdraw(&mut self, key: &RunId) -> bool {
        let Some((_, lane, index)) = self.find(key) else {
            return false;
        };
        let waits = lane.messages[index].stage == Stage::Waiting;
        if waits {
            lane.messages.remove(index);
        }
        waits
    }

    /// A session began, with a gateway of this kind.
    pub fn session_up(&mut self, kind: Kind) {
        self.session_down();
        self.session = Some(kind);
        for lane in self.lanes.values_mut() {
            if lane
                .messages
                .iter()
                .any(|message| message.stage != Stage::Waiting)
            {
                lane.look = Look::Needed(FIRST_LOOK);
            }
        }
    }

    /// The session ended; what was under way is in doubt.
    pub fn session_down(&mut self) {
        self.session = None;
        for lane in self.lanes.values_mut() {
            lane.busy = false;
            lane.look = Look::NotNeeded;
            for message in &mut lane.messages {
                if matches!(message.stage, Stage::Sending | Stage::Again) {
                    message.stage = Stage::InDoubt;
                }
            }
        }
    }

    /// The gateway took the message, or had it already.
    pub fn taken(&mut self, key: &RunId) {
        let Some((session_key, lane, index)) = self.find(key) else {
            return;
        };
        lane.busy = false;
        let message = &mut lane.messages[index];
        let was = message.stage;
        // Commands such as /stop leave nothing in the history that could confirm them later.
        if message.ended || message.text.trim_start().starts_with('/') {
            lane.messages.remove(index);
        } else {
            message.stage = Stage::Taken;
        }
        if was != Stage::Taken {
            self.tell(key, &session_key, DeliveryState::Delivered);
        }
    }

    /// Nobody knows whether the message arrived, though the session lives: no answer in time.
    pub fn in_doubt(&mut self, key: &RunId) {
        let Some((_, lane, index)) = self.find(key) else {
            return;
        };
        lane.busy = false;
        lane.messages[index].stage = Stage::InDoubt;
        lane.look = Look::Needed(FIRST_LOOK);
    }

    /// The gateway cannot take the message now; it did not arrive and is sent again.
    pub fn put_off(&mut self, key: &RunId) {
        let Some((session_key, lane, index)) = self.find(key) else {
            return;
        };
        lane.busy = false;
        lane.messages[index].stage = Stage::Again;
        self.tell(key, &session_key, DeliveryState::Waiting);
    }

    /// The gateway refused the message for good.
    pub fn refused(&mut self, key: &RunId, refusal: Option<WireError>, message: String) {
        let Some((session_key, lane, index)) = self.find(key) else {
            return;
        };
        lane.busy = false;
        lane.messages.remove(index);
        lane.unsend(key);
        let refusal = refusal.map(Box::new);
        self.tell(
            key,
            &session_key,
            DeliveryState::Failed { refusal, message },
        );
    }

    /// The run of this key ended, or was stopped: the gateway has shown that it had the message.
    pub fn run_ended(&mut self, key: &RunId) {
        let Some((session_key, lane, index)) = self.find(key) else {
            return;
        };
        match lane.messages[index].stage {
            // Its answer is still to come and says that it arrived.
            Stage::Sending => lane.messages[index].ended = true,
            Stage::Waiting | Stage::InDoubt | Stage::Again => {
                lane.messages.remove(index);
                self.tell(key, &session_key, DeliveryState::Delivered);
            }
            Stage::Taken => {
                lane.messages.remove(index);
            }
        }
    }

    /// The run of this key ended in an error, which `why` tells people. Whether the gateway kept the
    /// message, the history says.
    pub fn run_failed(&mut self, key: &RunId, why: String) {
        let Some((_, lane, index)) = self.find(key) else {
            return;
        };
        let message = &mut lane.messages[index];
        if message.failed.is_none() && message.stage != Stage::Waiting {
            message.failed = Some(RunFailure { why, asked: false });
            lane.look = lane.look.or_first();
        }
    }

    /// The history that was asked for. Returns whether to look again before anything else is sent, after a
    /// pause and by [`Outbox::history_failed`]: enough waits at the gateway already.
    pub fn history_read(&mut self, session_key: &SessionKey, history: &ChatHistoryPayload) -> bool {
        let (Some(kind), Some(lane)) = (self.session, self.lanes.get_mut(session_key)) else {
            return false;
        };
        self.changed.insert(session_key.clone());
        lane.busy = false;
        let asked = lane.look;
        lane.look = Look::NotNeeded;
        let arrived = match kind {
            Kind::Keys => keys_in(history),
            Kind::TextsOnly => lane.arrived_by_text(history),
        };
        let (ahead, most_looks) = match kind {
            Kind::Keys => (waiting_in(history), MOST_LOOKS),
            Kind::TextsOnly => (lane.not_arrived(&arrived), MOST_LOOKS_BY_TEXT),
        };
        let missing = lane
            .messages
            .iter()
            .any(|message| message.stage != Stage::Waiting && !arrived.contains(&message.key));
        let full = history.messages.len() >= FIRST_LOOK as usize;
        let mut delivered = Vec::new();
        lane.messages.retain(|message| {
            let confirmed = message.stage != Stage::Waiting && arrived.contains(&message.key);
            if confirmed && matches!(message.stage, Stage::InDoubt | Stage::Again) {
                delivered.push(message.key.clone());
            }
            !confirmed
        });
        let mut failed = Vec::new();
        if missing && full && asked == Look::Needed(FIRST_LOOK) {
            lane.look = Look::Needed(LONG_LOOK);
        } else {
            failed = lane.take_failed();
            for message in &mut lane.messages {
                match message.failed {
                    // Its run failed while this history was on its way.
                    Some(_) => lane.look = Look::Needed(FIRST_LOOK),
                    None if message.stage != Stage::Waiting => message.stage = Stage::Again,
                    None => {}
                }
            }
            lane.remember_place(history, &arrived);
        }
        let crowded = lane.is_crowded(ahead, most_looks);
        for key in delivered {
            self.tell(&key, session_key, DeliveryState::Delivered);
        }
        for (key, message) in failed {
            let state = DeliveryState::Failed {
                refusal: None,
                message,
            };
            self.tell(&key, session_key, state);
        }
        crowded
    }

    /// The history could not be read, though the session lives; it is asked for again.
    pub fn history_failed(&mut self, session_key: &SessionKey) {
        if let Some(lane) = self.lanes.get_mut(session_key) {
            lane.busy = false;
        }
    }

    /// Returns what to do now; empty while there is no session or everything is under way.
    pub fn errands(&mut self) -> Vec<Errand> {
        let Some(kind) = self.session else {
            return Vec::new();
        };
        let mut errands = Vec::new();
        for (session_key, lane) in &mut self.lanes {
            let Some(errand) = lane.errand(session_key, kind) else {
                continue;
            };
            if let Errand::Send { key, .. } = &errand {
                self.changed.insert(session_key.clone());
                self.told.push(Delivery {
                    key: key.clone(),
                    session_key: session_key.clone(),
                    state: DeliveryState::Sending,
                });
            }
            errands.push(errand);
        }
        errands
    }

    /// Returns where messages stand that have moved since the last call, in order.
    pub fn take_news(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.told)
    }

    /// Returns the conversations that have changed since the last call, as they are to be kept. What an
    /// errand sends may arrive, so this is kept before the errand is run.
    pub fn take_changed(&mut self) -> Vec<KeptLane> {
        std::mem::take(&mut self.changed)
            .into_iter()
            .map(|session_key| {
                let lane = self.lanes.get(&session_key);
                KeptLane {
                    messages: lane.map(Lane::kept_messages).unwrap_or_default(),
                    place: lane.and_then(|lane| lane.place.clone()),
                    sent_since: lane.map(|lane| lane.sent_since.clone()).unwrap_or_default(),
                    session_key,
                }
            })
            .collect()
    }

    /// Has these conversations returned by [`Self::take_changed`] again: they could not be kept.
    pub fn changed_still(&mut self, conversations: impl IntoIterator<Item = SessionKey>) {
        self.changed.extend(conversations);
    }

    /// Returns the messages that the gateway is not known to have, by conversation, in order.
    pub fn unsent(&self) -> impl Iterator<Item = (&SessionKey, &RunId, &str)> {
        self.lanes.iter().flat_map(|(session_key, lane)| {
            lane.messages
                .iter()
                .filter(|message| message.stage != Stage::Taken)
                .map(move |message| (session_key, &message.key, message.text.as_str()))
        })
    }

    /// Looks for a message that is about to change.
    fn find(&mut self, key: &RunId) -> Option<(SessionKey, &mut Lane, usize)> {
        let (session_key, lane, index) =
            self.lanes.iter_mut().find_map(|(session_key, lane)| {
                let index = lane.position(key)?;
                Some((session_key.clone(), lane, index))
            })?;
        self.changed.insert(session_key.clone());
        Some((session_key, lane, index))
    }

    fn tell(&mut self, key: &RunId, session_key: &SessionKey, state: DeliveryState) {
        self.told.push(Delivery {
            key: key.clone(),
            session_key: session_key.clone(),
            state,
        });
    }
}

fn bytes_of(files: &[Attachment]) -> u64 {
    files.iter().map(Attachment::size).sum()
}

#[cfg(test)]
mod tests;
