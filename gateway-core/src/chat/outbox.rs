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

use super::message::{is_users, sent_as, text_of};
use crate::protocol::method::chat::{ChatHistoryPayload, HistoryMessage};
use crate::protocol::{RunId, SessionKey, WireError};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Messages that may wait at a time, over all conversations.
pub const MOST_QUEUED: usize = 500;
/// How many messages of a history are looked through first.
const FIRST_LOOK: u32 = 200;
/// How many when the first look was full and did not show the message; the most a gateway gives.
const LONG_LOOK: u32 = 1000;
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
#[error("{MOST_QUEUED} messages wait already")]
pub struct OutboxFull;

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
    },
}

/// The messages on their way.
#[derive(Debug, Default)]
pub struct Outbox {
    lanes: BTreeMap<SessionKey, Lane>,
    session: Option<Kind>,
    told: Vec<Delivery>,
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

/// One conversation.
#[derive(Debug, Default)]
struct Lane {
    /// In the order they were queued; nothing that is confirmed or failed.
    messages: VecDeque<Outgoing>,
    look: Look,
    /// An errand is out and not answered.
    busy: bool,
    /// Where the conversation stood when it was last looked at with nothing in doubt.
    place: Option<Place>,
    /// What was sent to an older gateway since then, by key and text, in order.
    sent_since: Vec<(RunId, String)>,
    /// How much of that there may be until the place is moved on.
    most_sent_since: usize,
}

/// Whether the history has to be looked at before anything is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Look {
    #[default]
    NotNeeded,
    Needed(u32),
}

impl Look {
    /// A look that is needed anyway stays as long as it is.
    fn or_first(self) -> Self {
        match self {
            Self::NotNeeded => Self::Needed(FIRST_LOOK),
            needed @ Self::Needed(_) => needed,
        }
    }
}

/// A place in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// Changes when the conversation is reset, and numbers begin anew.
    session_id: Option<String>,
    seq: u64,
}

#[derive(Debug)]
struct Outgoing {
    key: RunId,
    text: String,
    stage: Stage,
    /// Its run has ended, as an event said before the answer came.
    ended: bool,
    /// Its run has ended in an error, and the history is to tell whether it was kept.
    failed: Option<RunFailure>,
}

#[derive(Debug)]
struct RunFailure {
    why: String,
    /// The history that is being read was asked for after the failure.
    asked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Never sent.
    Waiting,
    Sending,
    /// Sent, and nobody knows whether it arrived.
    InDoubt,
    /// Sent, not in the history since, and to be sent again. It may be on its way into the history
    /// all the same, so it is looked for again before any attempt over another session.
    Again,
    /// The gateway took it; it will have to show that it kept it.
    Taken,
}

impl Outbox {
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
            return Err(OutboxFull);
        }
        self.told.push(Delivery {
            key: key.clone(),
            session_key: session_key.clone(),
            state: DeliveryState::Waiting,
        });
        let lane = self.lanes.entry(session_key).or_default();
        lane.messages.push_back(Outgoing {
            key,
            text,
            stage: Stage::Waiting,
            ended: false,
            failed: None,
        });
        Ok(())
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

    /// The history that was asked for.
    pub fn history_read(&mut self, session_key: &SessionKey, history: &ChatHistoryPayload) {
        let (Some(kind), Some(lane)) = (self.session, self.lanes.get_mut(session_key)) else {
            return;
        };
        lane.busy = false;
        let asked = lane.look;
        lane.look = Look::NotNeeded;
        let arrived = match kind {
            Kind::Keys => keys_in(history),
            Kind::TextsOnly => lane.arrived_by_text(history),
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

    /// Returns the messages that the gateway is not known to have, by conversation, in order.
    pub fn unsent(&self) -> impl Iterator<Item = (&SessionKey, &RunId, &str)> {
        self.lanes.iter().flat_map(|(session_key, lane)| {
            lane.messages
                .iter()
                .filter(|message| message.stage != Stage::Taken)
                .map(move |message| (session_key, &message.key, message.text.as_str()))
        })
    }

    fn find(&mut self, key: &RunId) -> Option<(SessionKey, &mut Lane, usize)> {
        self.lanes.iter_mut().find_map(|(session_key, lane)| {
            let index = lane.position(key)?;
            Some((session_key.clone(), lane, index))
        })
    }

    fn tell(&mut self, key: &RunId, session_key: &SessionKey, state: DeliveryState) {
        self.told.push(Delivery {
            key: key.clone(),
            session_key: session_key.clone(),
            state,
        });
    }
}

impl Outgoing {
    fn is_due(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Again)
    }
}

impl Lane {
    fn position(&self, key: &RunId) -> Option<usize> {
        self.messages.iter().position(|message| message.key == *key)
    }

    fn errand(&mut self, session_key: &SessionKey, kind: Kind) -> Option<Errand> {
        if self.busy {
            return None;
        }
        if self.look == Look::NotNeeded && kind == Kind::TextsOnly && self.needs_place() {
            self.look = Look::Needed(FIRST_LOOK);
        }
        if let Look::Needed(limit) = self.look {
            self.busy = true;
            for failure in self.messages.iter_mut().filter_map(|m| m.failed.as_mut()) {
                failure.asked = true;
            }
            return Some(Errand::ReadHistory {
                session_key: session_key.clone(),
                limit,
            });
        }
        let next = self.messages.iter_mut().find(|message| message.is_due())?;
        next.stage = Stage::Sending;
        self.busy = true;
        let (key, text) = (next.key.clone(), next.text.clone());
        if kind == Kind::TextsOnly && !self.sent_since.iter().any(|(sent, _)| *sent == key) {
            self.sent_since.push((key.clone(), text.clone()));
        }
        Some(Errand::Send {
            key,
            session_key: session_key.clone(),
            text,
        })
    }

    /// Takes out what the history does not show though its run is over.
    fn take_failed(&mut self) -> Vec<(RunId, String)> {
        let mut failed = Vec::new();
        self.messages.retain(|message| {
            let over = message.failed.as_ref().filter(|failure| failure.asked);
            if let Some(failure) = over {
                failed.push((message.key.clone(), failure.why.clone()));
            }
            over.is_none()
        });
        for (key, _) in &failed {
            self.unsend(key);
        }
        failed
    }

    /// Returns whether the place must be read before the next message to an older gateway.
    fn needs_place(&self) -> bool {
        let something_to_send = self.messages.iter().any(Outgoing::is_due);
        let settled = self
            .messages
            .iter()
            .all(|message| message.stage == Stage::Waiting);
        let most = self.most_sent_since.max(MOVE_PLACE_AFTER);
        something_to_send && (self.place.is_none() || (settled && self.sent_since.len() >= most))
    }

    /// Finds what arrived by counting texts behind the remembered place.
    ///
    /// The n-th message of a text has arrived when the gateway holds n of that text: the messages
    /// before it with the same text were sent before it.
    fn arrived_by_text(&self, history: &ChatHistoryPayload) -> HashSet<RunId> {
        let Some(place) = &self.place else {
            return HashSet::new();
        };
        let behind = |message: &&HistoryMessage| {
            seq_of(message)
                .is_some_and(|seq| place.session_id != history.session_id || seq > place.seq)
        };
        let mut stored: HashMap<String, usize> = HashMap::new();
        for message in history
            .messages
            .iter()
            .filter(|message| is_users(message))
            .filter(behind)
        {
            *stored
                .entry(text_of(message).trim().to_owned())
                .or_default() += 1;
        }
        let mut sent: HashMap<&str, usize> = HashMap::new();
        self.sent_since
            .iter()
            .filter(|(_, text)| {
                let count = sent.entry(text.trim()).or_default();
                *count += 1;
                stored
                    .get(text.trim())
                    .is_some_and(|stored| stored >= count)
            })
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Remembers where the conversation stands, if nothing that was sent could still turn up
    /// behind that place.
    fn remember_place(&mut self, history: &ChatHistoryPayload, arrived: &HashSet<RunId>) {
        if self.place.is_some()
            && self
                .sent_since
                .iter()
                .any(|(key, _)| !arrived.contains(key))
        {
            // A gateway that changes texts never shows them as sent; do not look at every message.
            self.most_sent_since = MOVE_PLACE_AFTER.max(2 * self.sent_since.len());
            return;
        }
        self.sent_since.clear();
        self.most_sent_since = MOVE_PLACE_AFTER;
        self.place = Some(Place {
            session_id: history.session_id.clone(),
            seq: history
                .messages
                .iter()
                .filter_map(seq_of)
                .max()
                .unwrap_or(0),
        });
    }

    fn unsend(&mut self, key: &RunId) {
        self.sent_since.retain(|(sent, _)| sent != key);
    }
}

fn seq_of(message: &HistoryMessage) -> Option<u64> {
    message.notes.as_ref()?.seq
}

/// Every key the gateway shows that it has: stored, waiting for a run, or running.
pub(crate) fn keys_in(history: &ChatHistoryPayload) -> HashSet<RunId> {
    let stored = history.messages.iter().filter_map(sent_as);
    let pending = history
        .pending_inputs
        .iter()
        .flat_map(|pending| &pending.items)
        .filter_map(|input| input.run_id.clone());
    let in_flight = history.in_flight_run.iter().map(|run| run.run_id.clone());
    let active = history
        .session_info
        .iter()
        .filter_map(|row| row.active_run_ids.as_ref())
        .flatten()
        .map(|id| RunId::from(id.as_str()));
    stored
        .chain(pending)
        .chain(in_flight)
        .chain(active)
        .collect()
}

#[cfg(test)]
mod tests;
