//! Ears and lifecycle together, without a clock and without a microphone: whoever has both hands in
//! sound and the time it was heard. The thread of the app (`station`) and the test of a recording
//! (`rehearsal`) run exactly this.

use crate::ears::Ears;
use crate::engine::{Engine, EngineError};
use crate::lifecycle::{Action, At, Hearing, Input, Lifecycle, Overlay};
use crate::speech::RATE;
use crate::timing::Timing;
use crate::triggers::Triggers;

/// How much is listened to at once; what a piece leads to (a trigger, then words) begins at its end.
pub const PIECE: usize = RATE / 25;

/// What listens, and what becomes of what is heard.
#[derive(Debug)]
pub struct Attention {
    timing: Timing,
    lifecycle: Lifecycle,
    ears: Option<Ears>,
    triggers: Triggers,
    /// Whether the ears have not taken the triggers on yet.
    to_learn: bool,
    unknown: Vec<String>,
    failure: Option<EngineError>,
}

impl Attention {
    /// Returns one without an engine, off.
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            lifecycle: Lifecycle::new(timing),
            ears: None,
            triggers: Triggers::default(),
            to_learn: true,
            unknown: Vec::new(),
            failure: None,
        }
    }

    /// Uses an engine from now on, or none.
    pub fn use_engine(&mut self, now: At, engine: Option<Box<dyn Engine>>) -> Vec<Action> {
        self.failure = None;
        self.unknown.clear();
        self.to_learn = true;
        // Whatever the one before had understood is settled with it.
        let mut actions = match self.ears.take() {
            Some(_) => self.lifecycle.on(now, Input::Engine(false)),
            None => Vec::new(),
        };
        if let Some(engine) = engine {
            self.ears = Some(Ears::new(engine, self.timing.before_wake));
            self.learn(now, &mut actions);
            if self.ears.is_some() {
                actions.extend(self.input(now, Input::Engine(true)));
            }
        }
        actions
    }

    /// Gives the engine away; what it had understood is settled.
    pub fn give_engine(&mut self, now: At) -> (Option<Box<dyn Engine>>, Vec<Action>) {
        let engine = self.ears.take().map(Ears::into_engine);
        self.to_learn = true;
        let actions = self.lifecycle.on(now, Input::Engine(false));
        (engine, actions)
    }

    /// Listens for these triggers from now on; after the words that are being spoken.
    pub fn use_triggers(&mut self, now: At, triggers: Triggers) -> Vec<Action> {
        let mut actions = Vec::new();
        if triggers != self.triggers {
            self.triggers = triggers;
            self.to_learn = true;
            self.learn(now, &mut actions);
        }
        actions
    }

    /// Returns the triggers that this engine cannot recognise.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Returns why the engine stopped, and forgets it.
    pub fn take_failure(&mut self) -> Option<EngineError> {
        self.failure.take()
    }

    /// Takes an input that is not sound.
    pub fn input(&mut self, now: At, input: Input) -> Vec<Action> {
        let mut actions = self.lifecycle.on(now, input);
        self.turn_ears(now, &mut actions);
        actions
    }

    /// Takes in what was heard up to now.
    pub fn sound(&mut self, now: At, samples: &[i16]) -> Vec<Action> {
        let mut actions = Vec::new();
        for piece in samples.chunks(PIECE) {
            let Some(ears) = &mut self.ears else {
                break;
            };
            match ears.feed(piece) {
                Ok(inputs) => {
                    for input in inputs {
                        let woken = matches!(input, Input::Triggered { .. });
                        actions.extend(self.input(now, input));
                        if woken && let Some(ears) = &self.ears {
                            let speaks = ears.is_speaking();
                            actions.extend(self.input(now, Input::Speaking(speaks)));
                        }
                    }
                }
                Err(error) => self.failed(now, error, &mut actions),
            }
        }
        actions.extend(self.input(now, Input::Tick));
        actions
    }

    /// Returns when time alone changes something.
    pub fn due(&self) -> Option<At> {
        self.lifecycle.due()
    }

    /// Returns what is listened for.
    pub fn hearing(&self, now: At) -> Hearing {
        self.lifecycle.hearing(now)
    }

    /// Returns what the overlay shows.
    pub fn overlay(&self) -> Option<Overlay> {
        self.lifecycle.overlay()
    }

    /// Returns whether something is being listened to for a person.
    pub fn is_capturing(&self) -> bool {
        self.lifecycle.is_capturing()
    }

    /// Makes the ears listen for what the lifecycle wants; a last word may lead on to the next.
    fn turn_ears(&mut self, now: At, actions: &mut Vec<Action>) {
        // A trigger leads to words, a last word to a trigger: never further.
        for _ in 0..4 {
            let hearing = self.lifecycle.hearing(now);
            let Some(ears) = &mut self.ears else {
                return;
            };
            match ears.listen_for(hearing) {
                Ok(Some(input)) => actions.extend(self.lifecycle.on(now, input)),
                Ok(None) => break,
                Err(error) => self.failed(now, error, actions),
            }
        }
        if self.to_learn {
            self.learn(now, actions);
        }
    }

    fn learn(&mut self, now: At, actions: &mut Vec<Action>) {
        let Some(ears) = self.ears.as_mut().filter(|ears| ears.can_learn()) else {
            return;
        };
        self.to_learn = false;
        match ears.learn(&self.triggers) {
            Ok(places) => {
                let all = self.triggers.as_slice();
                self.unknown = places
                    .into_iter()
                    .filter_map(|place| all.get(place).cloned())
                    .collect();
            }
            Err(error) => self.failed(now, error, actions),
        }
    }

    fn failed(&mut self, now: At, error: EngineError, actions: &mut Vec<Action>) {
        tracing::warn!(%error, "the speech engine has stopped");
        self.ears = None;
        self.failure = Some(error);
        actions.extend(self.lifecycle.on(now, Input::Engine(false)));
    }
}
