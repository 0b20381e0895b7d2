//! Which notification is shown, and when: decided from what is so, what may be told and the time.
//!
//! No clock and no desktop are known here. The same cause is told at most once in ten minutes;
//! what a person is looking at is not told at all. A notification names the server and what is
//! needed, and never a command, a conversation or what was said in one.

mod words;

use crate::{tongue::Tongue, view_model::Page};
use gateway_core::{
    config::Notifications,
    connection::phase::{Cause, Phase},
};
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};
use tokio::time::Instant;

/// How long a connection may be away before anybody is troubled: most cuts heal sooner.
pub const LOST_AFTER: Duration = Duration::from_secs(30);

/// How long the same cause is not told again.
pub const QUIET: Duration = Duration::from_secs(600);

/// What a notification is about; each has a switch, and a newer one takes the place of an older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// The connection waits for a person.
    NeedsYou,
    /// The connection is lost.
    Lost,
    /// The connection is back.
    Restored,
    /// An agent waits for a person.
    Requests,
    /// A reply has ended.
    Replies,
    /// Something that was said waits for a person.
    Voice,
}

/// A notification, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub topic: Topic,
    /// One line.
    pub title: String,
    /// One sentence.
    pub body: String,
    /// The page that a click leads to.
    pub page: Page,
}

/// What is so at a moment.
#[derive(Debug, Clone)]
pub struct Situation {
    /// Where the connection stands.
    pub phase: Phase,
    /// Why it waits.
    pub cause: Option<Cause>,
    /// What the user calls the server; `None` for this computer.
    pub server: Option<String>,
    /// The commands that wait for approval.
    pub approvals: BTreeSet<String>,
    /// The questions that wait for an answer.
    pub questions: BTreeSet<String>,
    /// The devices and nodes that want to be let in, by their requests.
    pub pairings: BTreeSet<String>,
    /// What was said and was not sent, by its number.
    pub unsent: Option<u64>,
    /// Whether a person has the window before them.
    pub looked_at: bool,
    /// What may be told.
    pub switches: Notifications,
    /// The language it is told in.
    pub tongue: Tongue,
}

/// How a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There is an answer.
    Well,
    /// It failed.
    Badly,
}

/// What is told at most once in [`QUIET`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Told {
    Need(Option<Cause>),
    Lost,
    Restored,
    Reply(String),
}

/// What has been told, and what will have to be.
#[derive(Debug, Default)]
pub struct Notices {
    told: HashMap<Told, Instant>,
    /// What a person is needed for, and whether they know.
    need: Option<(Option<Cause>, bool)>,
    /// Whether the connection stood since it was wanted: one that never did cannot be lost.
    stood: bool,
    /// Since when it is away, and whether its user knows.
    away: Option<(Instant, bool)>,
    /// The requests that were told or seen.
    known: BTreeSet<String>,
    /// What was said and not sent, as told or seen last.
    unsent: Option<u64>,
}

impl Notices {
    /// Returns what is to be told now; asked again until there is nothing more.
    pub fn on(&mut self, is: &Situation, now: Instant) -> Option<Notice> {
        self.told.retain(|_, at| now.duration_since(*at) < QUIET);
        if is.looked_at {
            // What they said next is another conversation.
            self.told.retain(|told, _| !matches!(told, Told::Reply(_)));
        }
        self.connection(is, now)
            .or_else(|| self.requests(is))
            .or_else(|| self.unsent(is))
    }

    /// Returns what is to be told about a reply that has ended.
    pub fn replied(
        &mut self,
        conversation: &str,
        how: Ended,
        is: &Situation,
        now: Instant,
    ) -> Option<Notice> {
        let told = Told::Reply(conversation.to_owned());
        if is.looked_at || !is.switches.replies || !self.may_tell(told, now) {
            return None;
        }
        Some(is.tongue.reply(how, is))
    }

    /// Returns when to ask again even if nothing changes until then.
    pub fn due(&self) -> Option<Instant> {
        let quiet_until = |told: &Told| self.told.get(told).map(|at| *at + QUIET);
        match (&self.need, &self.away) {
            (Some((cause, false)), _) => quiet_until(&Told::Need(*cause)),
            (_, Some((since, false))) => {
                let lost = *since + LOST_AFTER;
                Some(quiet_until(&Told::Lost).map_or(lost, |quiet| quiet.max(lost)))
            }
            (None | Some((_, true)), None | Some((_, true))) => None,
        }
    }

    fn connection(&mut self, is: &Situation, now: Instant) -> Option<Notice> {
        match is.phase {
            Phase::Off => {
                self.need = None;
                self.away = None;
                self.stood = false;
                None
            }
            Phase::Up | Phase::Suspect => {
                self.need = None;
                self.stood = true;
                self.back(is, now)
            }
            Phase::HostKey | Phase::AuthPrompt | Phase::Paused => self.needed(is, now),
            Phase::Resolving
            | Phase::Connecting
            | Phase::Authenticating
            | Phase::Forwarding
            | Phase::GatewayCheck
            | Phase::UpGatewayDown
            | Phase::RetryWait
            | Phase::Stopped => {
                self.need = None;
                self.lost(is, now)
            }
        }
    }

    fn needed(&mut self, is: &Situation, now: Instant) -> Option<Notice> {
        let known = matches!(self.need, Some((cause, true)) if cause == is.cause);
        let tells = !known && !is.looked_at && is.switches.needs_you;
        let told = tells && self.may_tell(Told::Need(is.cause), now);
        // What waits for its ten minutes is all that is still to be told.
        self.need = Some((is.cause, told || !tells));
        told.then(|| is.tongue.need(is))
    }

    fn lost(&mut self, is: &Situation, now: Instant) -> Option<Notice> {
        if !self.stood {
            return None;
        }
        let (since, known) = *self.away.get_or_insert((now, false));
        if known || now < since + LOST_AFTER {
            return None;
        }
        let tells = !is.looked_at && is.switches.lost;
        let told = tells && self.may_tell(Told::Lost, now);
        self.away = Some((since, told || !tells));
        told.then(|| is.tongue.lost(is))
    }

    fn back(&mut self, is: &Situation, now: Instant) -> Option<Notice> {
        let (since, _) = self.away.take()?;
        let away = now.duration_since(since);
        if away < LOST_AFTER
            || is.looked_at
            || !is.switches.restored
            || !self.may_tell(Told::Restored, now)
        {
            return None;
        }
        Some(is.tongue.restored(is, away))
    }

    fn requests(&mut self, is: &Situation) -> Option<Notice> {
        let waiting: BTreeSet<String> = [&is.approvals, &is.questions, &is.pairings]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let is_news = !waiting.is_subset(&self.known);
        self.known = waiting;
        (is_news && !is.looked_at && is.switches.requests).then(|| is.tongue.requests(is))
    }

    /// What was said is named by its number only: its words are nobody else's business.
    fn unsent(&mut self, is: &Situation) -> Option<Notice> {
        let is_news = is.unsent.is_some() && is.unsent != self.unsent;
        self.unsent = is.unsent;
        (is_news && !is.looked_at && is.switches.needs_you).then(|| is.tongue.unsent())
    }

    /// Returns whether a cause may be told now, and takes it as told.
    fn may_tell(&mut self, told: Told, now: Instant) -> bool {
        if self.told.contains_key(&told) {
            return false;
        }
        self.told.insert(told, now);
        true
    }
}

#[cfg(test)]
mod tests;
