//! What becomes of one utterance: from the trigger or the key to the gateway's answer. Pure.
//!
//! It holds at most one capture, so there cannot be two, and every utterance that has words is in
//! the capture, in the outbox, delivered, or thrown away by a person. Who calls it hands in the time
//! of each input (since any fixed moment), does what [`Action`]s say, and listens as
//! [`Lifecycle::hearing`] says. It knows no clock, no microphone, no engine and no gateway.

mod utterance;

#[cfg(test)]
mod tests;

pub use utterance::{Kept, Standing, Utterance, UtteranceId};

use crate::timing::Timing;
use std::time::Duration;

/// A moment, as the time since any fixed one.
pub type At = Duration;

/// How many utterances may wait or be kept; with so many, nothing new is listened to.
pub const MOST_WAITING: usize = 8;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Voice wake was switched on or off.
    Wake(bool),
    /// Whether a speech engine is ready.
    Engine(bool),
    /// Whether there is a microphone.
    Microphone(bool),
    /// The gateway in use; nothing waits for another one.
    Gateway(Option<String>),
    /// Whether that gateway is connected.
    Connected(bool),
    /// A trigger was heard, and what else was said in the same breath, where the engine knows already.
    Triggered {
        /// Which, as the gateway spells it.
        trigger: String,
        /// The words after it.
        rest: String,
    },
    /// Somebody began or ended speaking.
    Speaking(bool),
    /// What was understood so far, whole.
    Partial {
        /// Of which utterance.
        id: UtteranceId,
        /// All of it.
        text: String,
    },
    /// The engine's last word, after [`Hearing::LastWord`].
    Final {
        /// Of which utterance.
        id: UtteranceId,
        /// All of it.
        text: String,
    },
    /// Push-to-talk is held.
    KeyDown,
    /// Push-to-talk was released.
    KeyUp,
    /// The text in the overlay was changed by hand.
    Edit(String),
    /// What is in the overlay is to be sent now.
    Send,
    /// What is in the overlay is to be thrown away.
    Cancel,
    /// An utterance that was kept is to be sent after all.
    Retry(UtteranceId),
    /// An utterance that waits or was kept is to be thrown away.
    Discard(UtteranceId),
    /// The gateway has taken it.
    Delivered(UtteranceId),
    /// The connection ended before the gateway answered.
    Interrupted(UtteranceId),
    /// The gateway does not take it.
    Refused {
        /// Which.
        id: UtteranceId,
        /// Why, in a sentence.
        why: String,
    },
    /// Nothing but time has passed.
    Tick,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Send this, once. The same id again means the same key.
    Deliver(Utterance),
    /// Stop trying to send it.
    Withdraw(UtteranceId),
    /// Play a sound.
    Chime(Chime),
    /// It is over, and there is nothing to send.
    Ended {
        /// Which.
        id: UtteranceId,
        /// How.
        fate: Fate,
    },
}

/// A sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chime {
    /// From now on it is listened to.
    Start,
    /// It goes to the gateway.
    Send,
}

/// How an utterance ended that was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// A person threw it away.
    Cancelled,
    /// No word was understood.
    NothingHeard,
    /// Push-to-talk went on with its text, under another number.
    TakenOver,
}

/// What has to be listened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// Nothing: the microphone is closed.
    Nothing,
    /// A trigger.
    Trigger,
    /// What is said, for this utterance.
    Words(UtteranceId),
    /// Nothing more; the engine owes its last word on this one.
    LastWord(UtteranceId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Listening,
    /// Until then at most.
    Settling(At, After),
    /// Only a person goes on.
    Editing(Why),
}

/// What follows the last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Send,
    Ask(Why),
}

/// Why a person has to say that it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The text was changed by hand.
    Edited,
    /// The microphone went away meanwhile.
    MicrophoneLost,
    /// The speech engine failed meanwhile.
    EngineFailed,
    /// Voice wake was switched off meanwhile.
    SwitchedOff,
}

#[derive(Debug)]
struct Capture {
    id: UtteranceId,
    /// What woke it; it stays where the key takes it over.
    trigger: Option<String>,
    /// Whether the key says when it ends, and not silence.
    by_key: bool,
    /// The gateway in use when it began: the only one it is for.
    gateway: Option<String>,
    /// What stood in the overlay before this engine run began.
    before: String,
    heard: String,
    began: At,
    speaking: bool,
    /// Since when it is quiet; meaningless while somebody speaks.
    quiet_since: At,
    /// Whether the start chime is still to come.
    owes_chime: bool,
    stage: Stage,
}

impl Capture {
    fn text(&self) -> String {
        joined(&self.before, &self.heard)
    }
}

fn joined(before: &str, after: &str) -> String {
    let (before, after) = (before.trim(), after.trim());
    match (before.is_empty(), after.is_empty()) {
        (true, _) => after.to_owned(),
        (_, true) => before.to_owned(),
        (false, false) => format!("{before} {after}"),
    }
}

/// What the overlay shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay {
    /// Of which utterance.
    pub id: UtteranceId,
    /// Its text so far.
    pub text: String,
    /// Which trigger began it; none for push-to-talk.
    pub trigger: Option<String>,
    /// How it stands.
    pub state: OverlayState,
    /// How many more wait behind it.
    pub behind: usize,
}

/// How what the overlay shows stands.
#[derive(Debug, Clone, PartialEq)]
pub enum OverlayState {
    /// It is being listened to. `ends_at`: when silence ends it, unless somebody speaks.
    Listening {
        /// Absent while somebody speaks and while the key is held.
        ends_at: Option<At>,
    },
    /// The engine owes its last word.
    Settling,
    /// A person has to send it or throw it away.
    Editing(Why),
    /// It is on its way.
    Sending,
    /// It waits for the connection, until then.
    Waiting {
        /// When it is given up.
        until: At,
    },
    /// It was not sent and is kept for Retry.
    Kept(Kept),
}

/// The lifecycle.
#[derive(Debug)]
pub struct Lifecycle {
    timing: Timing,
    wake: bool,
    engine: bool,
    microphone: bool,
    gateway: Option<String>,
    connected: bool,
    capture: Option<Capture>,
    outbox: Vec<Utterance>,
    key_held: bool,
    last_id: u64,
    deaf_until: At,
}

impl Lifecycle {
    /// Returns one that has heard of nothing yet: off, with no engine, microphone or gateway.
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            wake: false,
            engine: false,
            microphone: false,
            gateway: None,
            connected: false,
            capture: None,
            outbox: Vec::new(),
            key_held: false,
            last_id: 0,
            deaf_until: Duration::ZERO,
        }
    }

    /// Takes an input and returns what is to be done about it.
    ///
    /// An input with no meaning here changes nothing: news of what is over is normal.
    pub fn on(&mut self, now: At, input: Input) -> Vec<Action> {
        let mut actions = Vec::new();
        // What was due before this came has happened before it.
        self.pass_time(now, &mut actions);
        match input {
            Input::Wake(on) => {
                self.wake = on;
                if !on && self.capture.as_ref().is_some_and(|capture| !capture.by_key) {
                    self.cut_short(now, Why::SwitchedOff, &mut actions);
                }
            }
            Input::Engine(ready) => {
                self.engine = ready;
                if !ready {
                    self.cut_short(now, Why::EngineFailed, &mut actions);
                }
            }
            Input::Microphone(present) => {
                self.microphone = present;
                if !present {
                    self.cut_short(now, Why::MicrophoneLost, &mut actions);
                }
            }
            Input::Gateway(gateway) => self.use_gateway(gateway, &mut actions),
            Input::Connected(connected) => {
                self.connected = connected;
                if !connected {
                    self.interrupt_all(now);
                }
                self.deliver_next(now, &mut actions);
            }
            Input::Triggered { trigger, rest } => {
                if self.hearing_at(now) == Hearing::Trigger {
                    self.begin(now, Some(trigger), &rest, &mut actions);
                }
            }
            Input::Speaking(speaking) => {
                if let Some(capture) = &mut self.capture {
                    if capture.speaking && !speaking {
                        capture.quiet_since = now;
                    }
                    capture.speaking = speaking;
                }
            }
            Input::Partial { id, text } => self.heard(now, id, text, &mut actions),
            Input::Final { id, text } => {
                if let Some(capture) = &mut self.capture
                    && capture.id == id
                    && let Stage::Settling(_, after) = capture.stage
                {
                    // An engine that takes everything back at the end is not believed.
                    if !text.trim().is_empty() {
                        capture.heard = text;
                    }
                    self.settle(now, after, &mut actions);
                }
            }
            Input::KeyDown => self.key_down(now, &mut actions),
            Input::KeyUp => {
                self.key_held = false;
                if let Some(capture) = &self.capture
                    && capture.by_key
                    && capture.stage == Stage::Listening
                {
                    self.ask_last_word(now, After::Send);
                }
            }
            Input::Edit(text) => {
                if let Some(capture) = &mut self.capture {
                    capture.before = text;
                    capture.heard.clear();
                    capture.owes_chime = false;
                    capture.stage = Stage::Editing(Why::Edited);
                }
            }
            Input::Send => match self.capture.as_ref().map(|capture| capture.stage) {
                Some(Stage::Listening) => self.ask_last_word(now, After::Send),
                Some(Stage::Settling(until, After::Ask(_))) => {
                    self.restage(Stage::Settling(until, After::Send));
                }
                Some(Stage::Editing(_)) => self.settle(now, After::Send, &mut actions),
                Some(Stage::Settling(_, After::Send)) | None => {}
            },
            Input::Cancel => {
                if let Some(capture) = self.capture.take() {
                    actions.push(ended(capture.id, Fate::Cancelled));
                }
            }
            Input::Retry(id) => self.retry(now, id, &mut actions),
            Input::Discard(id) => {
                if self.take(id).is_some() {
                    actions.push(Action::Withdraw(id));
                    actions.push(ended(id, Fate::Cancelled));
                    self.deliver_next(now, &mut actions);
                }
            }
            Input::Delivered(id) => {
                // Also one that was given up: the gateway has it, so it must not be offered again.
                self.take(id);
                self.deliver_next(now, &mut actions);
            }
            Input::Interrupted(id) => {
                if let Some(utterance) = self.outbox.iter_mut().find(|one| one.id == id)
                    && utterance.standing == Standing::Sending
                {
                    utterance.standing = Standing::Waiting;
                    // The end of the connection may be about to be told; nothing is tried in a loop.
                    utterance.not_before = now + self.timing.again;
                }
                self.give_up_late(now, &mut actions);
            }
            Input::Refused { id, why } => {
                if let Some(utterance) = self.outbox.iter_mut().find(|one| one.id == id)
                    && utterance.standing == Standing::Sending
                {
                    utterance.standing = Standing::Kept(Kept::Refused(why));
                }
                self.deliver_next(now, &mut actions);
            }
            Input::Tick => {}
        }
        actions
    }

    /// Returns what has to be listened for now.
    pub fn hearing(&self, now: At) -> Hearing {
        self.hearing_at(now)
    }

    /// Returns when time alone changes something; `None` while it does not.
    pub fn due(&self) -> Option<At> {
        let capture = self
            .capture
            .as_ref()
            .and_then(|capture| match capture.stage {
                Stage::Listening => {
                    let silence = self.silence_ends(capture);
                    let chime = capture
                        .owes_chime
                        .then(|| capture.quiet_since + self.timing.after_trigger);
                    let longest = Some(capture.began + self.timing.longest);
                    [silence, chime.filter(|_| !capture.speaking), longest]
                        .into_iter()
                        .flatten()
                        .min()
                }
                Stage::Settling(until, _) => Some(until),
                Stage::Editing(_) => None,
            });
        let next = self.next_waiting().map(|one| one.not_before);
        let waiting = self
            .outbox
            .iter()
            .filter(|one| one.standing == Standing::Waiting)
            .map(|one| one.until)
            .chain(next)
            .min();
        [capture, waiting].into_iter().flatten().min()
    }

    /// Returns what the overlay shows; `None` while there is nothing to show.
    pub fn overlay(&self) -> Option<Overlay> {
        let waiting = self.outbox.len();
        if let Some(capture) = &self.capture {
            return Some(Overlay {
                id: capture.id,
                text: capture.text(),
                trigger: capture.trigger.clone(),
                state: match capture.stage {
                    Stage::Listening => OverlayState::Listening {
                        ends_at: self.silence_ends(capture),
                    },
                    Stage::Settling(..) => OverlayState::Settling,
                    Stage::Editing(why) => OverlayState::Editing(why),
                },
                behind: waiting,
            });
        }
        self.outbox.first().map(|first| Overlay {
            id: first.id,
            text: first.text.clone(),
            trigger: first.trigger.clone(),
            state: match &first.standing {
                Standing::Sending => OverlayState::Sending,
                Standing::Waiting => OverlayState::Waiting { until: first.until },
                Standing::Kept(why) => OverlayState::Kept(why.clone()),
            },
            behind: waiting - 1,
        })
    }

    /// Returns whether something is being listened to for a person.
    pub fn is_capturing(&self) -> bool {
        self.capture
            .as_ref()
            .is_some_and(|capture| !matches!(capture.stage, Stage::Editing(_)))
    }

    /// Returns what waits, is on its way or was kept, oldest first.
    pub fn outbox(&self) -> &[Utterance] {
        &self.outbox
    }

    fn hearing_at(&self, now: At) -> Hearing {
        match &self.capture {
            Some(capture) => match capture.stage {
                Stage::Listening => Hearing::Words(capture.id),
                Stage::Settling(..) => Hearing::LastWord(capture.id),
                Stage::Editing(_) => Hearing::Nothing,
            },
            None if self.wake && self.can_listen() && now >= self.deaf_until => Hearing::Trigger,
            None => Hearing::Nothing,
        }
    }

    fn can_listen(&self) -> bool {
        self.engine && self.microphone && self.outbox.len() < MOST_WAITING
    }

    /// When silence alone ends a capture; never while somebody speaks or holds the key.
    fn silence_ends(&self, capture: &Capture) -> Option<At> {
        if capture.speaking || capture.by_key {
            return None;
        }
        let allowed = match capture.text().is_empty() {
            true => self.timing.only_trigger,
            false => self.timing.silence,
        };
        Some(capture.quiet_since + allowed)
    }

    fn pass_time(&mut self, now: At, actions: &mut Vec<Action>) {
        if let Some(capture) = &mut self.capture {
            let paused =
                !capture.speaking && now >= capture.quiet_since + self.timing.after_trigger;
            if capture.stage == Stage::Listening && capture.owes_chime && paused {
                capture.owes_chime = false;
                actions.push(Action::Chime(Chime::Start));
            }
        }
        if let Some(capture) = &self.capture {
            match capture.stage {
                Stage::Listening => {
                    let silent = self.silence_ends(capture).is_some_and(|end| now >= end);
                    let too_long = now >= capture.began + self.timing.longest;
                    if too_long {
                        // Its release may have been missed; the next press counts again.
                        self.key_held = false;
                    }
                    if silent || too_long {
                        self.ask_last_word(now, After::Send);
                    }
                }
                Stage::Settling(until, after) if now >= until => {
                    self.settle(now, after, actions);
                }
                Stage::Settling(..) | Stage::Editing(_) => {}
            }
        }
        self.give_up_late(now, actions);
        self.deliver_next(now, actions);
    }

    fn give_up_late(&mut self, now: At, actions: &mut Vec<Action>) {
        for utterance in &mut self.outbox {
            if utterance.standing == Standing::Waiting && now >= utterance.until {
                utterance.standing = Standing::Kept(Kept::Outage);
                actions.push(Action::Withdraw(utterance.id));
            }
        }
    }

    /// Begins a capture: by a trigger, else by the key.
    fn begin(&mut self, now: At, trigger: Option<String>, before: &str, actions: &mut Vec<Action>) {
        self.last_id += 1;
        let by_key = trigger.is_none();
        self.capture = Some(Capture {
            id: UtteranceId(self.last_id),
            trigger,
            by_key,
            gateway: self.gateway.clone(),
            before: before.trim().to_owned(),
            heard: String::new(),
            began: now,
            speaking: false,
            quiet_since: now,
            owes_chime: !by_key,
            stage: Stage::Listening,
        });
        if by_key {
            actions.push(Action::Chime(Chime::Start));
        }
    }

    fn heard(&mut self, now: At, id: UtteranceId, text: String, actions: &mut Vec<Action>) {
        let Some(capture) = &mut self.capture else {
            return;
        };
        if capture.id != id || matches!(capture.stage, Stage::Editing(_)) || capture.heard == text {
            return;
        }
        capture.heard = text;
        // New words are speech, whatever the meter says.
        capture.quiet_since = now;
        // In one breath: the overlay says it, and a sound would only be in the way.
        if capture.owes_chime {
            capture.owes_chime = false;
            actions.push(Action::Chime(Chime::Start));
        }
    }

    /// Push-to-talk begins a capture, or takes over the one there is with its text.
    fn key_down(&mut self, now: At, actions: &mut Vec<Action>) {
        if self.key_held {
            return; // The key repeats while it is held.
        }
        self.key_held = true;
        if !self.can_listen() {
            self.key_held = false;
            return;
        }
        match &mut self.capture {
            Some(capture) if capture.stage == Stage::Listening => capture.by_key = true,
            Some(capture) => {
                // The engine has stopped, or is about to: what stands there is kept, and it begins anew
                // under a number of its own, so that a late last word does not come twice.
                let (id, before) = (capture.id, capture.text());
                let (trigger, gateway) = (capture.trigger.take(), capture.gateway.take());
                actions.push(ended(id, Fate::TakenOver));
                self.begin(now, None, &before, actions);
                if let Some(capture) = &mut self.capture {
                    capture.trigger = trigger;
                    capture.gateway = gateway;
                }
            }
            None => self.begin(now, None, "", actions),
        }
    }

    fn restage(&mut self, stage: Stage) {
        if let Some(capture) = &mut self.capture {
            capture.stage = stage;
        }
    }

    fn ask_last_word(&mut self, now: At, after: After) {
        self.restage(Stage::Settling(now + self.timing.last_word, after));
    }

    /// Ends listening because something was taken away; what was understood is shown, not sent.
    fn cut_short(&mut self, now: At, why: Why, actions: &mut Vec<Action>) {
        match self.capture.as_ref().map(|capture| capture.stage) {
            Some(Stage::Listening) if why == Why::EngineFailed => {
                self.settle(now, After::Ask(why), actions);
            }
            Some(Stage::Listening) => self.ask_last_word(now, After::Ask(why)),
            Some(Stage::Settling(_, after)) if why == Why::EngineFailed => {
                self.settle(now, after, actions);
            }
            Some(Stage::Settling(..) | Stage::Editing(_)) | None => {}
        }
    }

    /// The last word is in, or will not come.
    fn settle(&mut self, now: At, after: After, actions: &mut Vec<Action>) {
        let Some(capture) = self.capture.take() else {
            return;
        };
        let text = capture.text();
        if text.is_empty() {
            actions.push(ended(capture.id, Fate::NothingHeard));
            return;
        }
        if let After::Ask(why) = after {
            self.capture = Some(Capture {
                before: text,
                heard: String::new(),
                stage: Stage::Editing(why),
                ..capture
            });
            return;
        }
        self.deaf_until = now + self.timing.after_send;
        actions.push(Action::Chime(Chime::Send));
        self.outbox.push(Utterance {
            id: capture.id,
            text,
            trigger: capture.trigger,
            until: now + self.timing.outage,
            not_before: now,
            standing: match &capture.gateway {
                None => Standing::Kept(Kept::NoGateway),
                meant if *meant == self.gateway => Standing::Waiting,
                Some(_) => Standing::Kept(Kept::OtherGateway),
            },
            gateway: capture.gateway,
            attempts: 0,
        });
        self.deliver_next(now, actions);
    }

    /// Sends the oldest that waits, unless one is on its way: what was said first arrives first.
    fn deliver_next(&mut self, now: At, actions: &mut Vec<Action>) {
        let next = self.next_waiting().map(|one| one.id);
        let next = self
            .outbox
            .iter_mut()
            .find(|one| Some(one.id) == next && now >= one.not_before);
        if let Some(next) = next {
            next.standing = Standing::Sending;
            next.attempts += 1;
            actions.push(Action::Deliver(next.clone()));
        }
    }

    /// What would be sent next, if its time has come.
    fn next_waiting(&self) -> Option<&Utterance> {
        let busy = self
            .outbox
            .iter()
            .any(|one| one.standing == Standing::Sending);
        if !self.connected || busy {
            return None;
        }
        self.outbox
            .iter()
            .find(|one| one.standing == Standing::Waiting && one.gateway == self.gateway)
    }

    fn interrupt_all(&mut self, now: At) {
        for utterance in &mut self.outbox {
            if utterance.standing == Standing::Sending {
                utterance.standing = Standing::Waiting;
                // Whoever was on the way when it broke off gets its whole time from then on.
                utterance.until = utterance.until.max(now + self.timing.outage);
            }
        }
    }

    fn use_gateway(&mut self, gateway: Option<String>, actions: &mut Vec<Action>) {
        if self.gateway == gateway {
            return;
        }
        self.gateway = gateway;
        self.connected = false;
        for utterance in &mut self.outbox {
            if !matches!(utterance.standing, Standing::Kept(_)) {
                utterance.standing = Standing::Kept(Kept::OtherGateway);
                actions.push(Action::Withdraw(utterance.id));
            }
        }
    }

    fn retry(&mut self, now: At, id: UtteranceId, actions: &mut Vec<Action>) {
        let gateway = self.gateway.clone();
        let Some(utterance) = self.outbox.iter_mut().find(|one| one.id == id) else {
            return;
        };
        // It goes where it was meant to go, or nowhere: whoever wants it elsewhere says it again.
        let meant = utterance.gateway.is_none() || utterance.gateway == gateway;
        if !matches!(utterance.standing, Standing::Kept(_)) || !meant || gateway.is_none() {
            return;
        }
        utterance.gateway = gateway;
        utterance.standing = Standing::Waiting;
        utterance.until = now + self.timing.outage;
        utterance.not_before = now;
        self.deliver_next(now, actions);
    }

    fn take(&mut self, id: UtteranceId) -> Option<Utterance> {
        let place = self.outbox.iter().position(|one| one.id == id)?;
        Some(self.outbox.remove(place))
    }
}

fn ended(id: UtteranceId, fate: Fate) -> Action {
    Action::Ended { id, fate }
}
