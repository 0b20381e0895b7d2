//! The messages of one conversation on their way: what is sent next, and what has arrived.

use super::shown::seq_of;
use super::{Errand, FIRST_LOOK, KeptMessage, KeptStage, Kind, MOST_AHEAD, MOVE_PLACE_AFTER};
use crate::chat::attachments::{Attachments, without_marks};
use crate::chat::message::{is_users, text_of};
use crate::protocol::method::chat::{ChatHistoryPayload, HistoryMessage};
use crate::protocol::{RunId, SessionKey};
use std::collections::{HashMap, HashSet, VecDeque};

/// One conversation.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// In the order they were queued; nothing that is confirmed or failed.
    pub(super) messages: VecDeque<Outgoing>,
    pub(super) look: Look,
    /// An errand is out and not answered.
    pub(super) busy: bool,
    /// Where the conversation stood when it was last looked at with nothing in doubt.
    pub(super) place: Option<Place>,
    /// What was sent to an older gateway since then, by key and text, in order.
    pub(super) sent_since: Vec<(RunId, String)>,
    /// How much of that there may be until the place is moved on.
    pub(super) most_sent_since: usize,
    /// How many messages have gone out since the history was looked at.
    pub(super) since_look: usize,
    /// How many looks in a row have found too many waiting at the gateway.
    pub(super) crowded: u32,
}

/// Whether the history has to be looked at before anything is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Look {
    #[default]
    NotNeeded,
    Needed(u32),
}

impl Look {
    /// A look that is needed anyway stays as long as it is.
    pub(super) fn or_first(self) -> Self {
        match self {
            Self::NotNeeded => Self::Needed(FIRST_LOOK),
            needed @ Self::Needed(_) => needed,
        }
    }
}

/// A place in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Changes when the conversation is reset, and numbers begin anew.
    pub session_id: Option<String>,
    /// The number of the last message before the place.
    pub seq: u64,
}

#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) key: RunId,
    pub(super) text: String,
    pub(super) files: Attachments,
    pub(super) stage: Stage,
    /// Its run has ended, as an event said before the answer came.
    pub(super) ended: bool,
    /// Its run has ended in an error, and the history is to tell whether it was kept.
    pub(super) failed: Option<RunFailure>,
}

#[derive(Debug)]
pub(super) struct RunFailure {
    pub(super) why: String,
    /// The history that is being read was asked for after the failure.
    pub(super) asked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
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

impl Outgoing {
    pub(super) fn is_due(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Again)
    }
}

impl Lane {
    pub(super) fn position(&self, key: &RunId) -> Option<usize> {
        self.messages.iter().position(|message| message.key == *key)
    }

    pub(super) fn kept_messages(&self) -> Vec<KeptMessage> {
        let kept = self.messages.iter().map(|message| KeptMessage {
            key: message.key.clone(),
            text: message.text.clone(),
            files: Attachments::clone(&message.files),
            stage: match message.stage {
                Stage::Waiting => KeptStage::Waiting,
                Stage::Sending | Stage::InDoubt | Stage::Again => KeptStage::Sent,
                Stage::Taken => KeptStage::Taken,
            },
        });
        kept.collect()
    }

    pub(super) fn errand(&mut self, session_key: &SessionKey, kind: Kind) -> Option<Errand> {
        if self.busy {
            return None;
        }
        if self.look == Look::NotNeeded && kind == Kind::TextsOnly && self.needs_place() {
            self.look = Look::Needed(FIRST_LOOK);
        }
        if self.look == Look::NotNeeded
            && self.since_look >= MOST_AHEAD
            && self.messages.iter().any(Outgoing::is_due)
        {
            self.look = Look::Needed(FIRST_LOOK);
        }
        if let Look::Needed(limit) = self.look {
            self.since_look = 0;
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
        self.since_look += 1;
        self.busy = true;
        let (key, text) = (next.key.clone(), next.text.clone());
        let files = Attachments::clone(&next.files);
        if kind == Kind::TextsOnly && !self.sent_since.iter().any(|(sent, _)| *sent == key) {
            self.sent_since.push((key.clone(), text.clone()));
        }
        Some(Errand::Send {
            key,
            session_key: session_key.clone(),
            text,
            files,
        })
    }

    /// Takes out what the history does not show though its run is over.
    pub(super) fn take_failed(&mut self) -> Vec<(RunId, String)> {
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
    pub(super) fn needs_place(&self) -> bool {
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
    pub(super) fn arrived_by_text(&self, history: &ChatHistoryPayload) -> HashSet<RunId> {
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
                .entry(without_marks(&text_of(message)).trim().to_owned())
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

    /// How many of the messages sent since the remembered place the history does not show.
    pub(super) fn not_arrived(&self, arrived: &HashSet<RunId>) -> usize {
        let sent = self.sent_since.iter();
        sent.filter(|(key, _)| !arrived.contains(key)).count()
    }

    /// Whether the next message has to wait for those that wait at the gateway; then the lane stays busy.
    pub(super) fn is_crowded(&mut self, ahead: usize, most_looks: u32) -> bool {
        let waits = ahead >= MOST_AHEAD
            && self.crowded < most_looks
            && self.messages.iter().any(Outgoing::is_due);
        if waits {
            self.crowded += 1;
            self.look = self.look.or_first();
            self.busy = true;
        } else {
            self.crowded = 0;
        }
        waits
    }

    /// Remembers where the conversation stands, if nothing that was sent could still turn up
    /// behind that place.
    pub(super) fn remember_place(
        &mut self,
        history: &ChatHistoryPayload,
        arrived: &HashSet<RunId>,
    ) {
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

    pub(super) fn unsend(&mut self, key: &RunId) {
        self.sent_since.retain(|(sent, _)| sent != key);
    }
}
