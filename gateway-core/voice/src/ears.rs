//! The engine behind the speech meter: it is woken by sound, not kept busy by silence, and told what to
//! listen for. Called by `attention` with short pieces of 16 kHz mono; knows no utterance's fate.

use crate::engine::{Engine, EngineError, Heard, Task};
use crate::lifecycle::{Hearing, Input, UtteranceId};
use crate::speech::{RATE, SpeechMeter};
use crate::triggers::Triggers;
use std::collections::VecDeque;
use std::time::Duration;

/// How much of what came before speech was noticed goes to the engine as well: a soft first sound.
const BEFORE: usize = RATE * 4 / 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The engine rests, and nothing wakes it.
    Closed,
    /// The engine rests until somebody speaks.
    Waiting,
    /// Somebody speaks, or has just spoken: so many samples of quiet so far.
    Following(usize),
    /// The engine takes everything for this utterance.
    Words(UtteranceId),
}

/// An engine that listens for what it is told.
pub struct Ears {
    engine: Box<dyn Engine>,
    triggers: Triggers,
    meter: SpeechMeter,
    before: VecDeque<i16>,
    state: State,
    pause: usize,
}

impl std::fmt::Debug for Ears {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Ears")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Ears {
    /// Returns ears that listen for nothing yet. `pause` is the quiet that ends a piece of speech.
    pub fn new(engine: Box<dyn Engine>, pause: Duration) -> Self {
        Self {
            engine,
            triggers: Triggers::default(),
            meter: SpeechMeter::default(),
            before: VecDeque::with_capacity(BEFORE),
            state: State::Closed,
            pause: (pause.as_secs_f32() * RATE as f32) as usize,
        }
    }

    /// Gives the engine back.
    pub fn into_engine(self) -> Box<dyn Engine> {
        self.engine
    }

    /// Takes on triggers, also while listening; returns the places of those it cannot recognise.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where the engine does not work any more.
    pub fn learn(&mut self, triggers: &Triggers) -> Result<Vec<usize>, EngineError> {
        let unknown = self.engine.learn(triggers)?;
        self.triggers = triggers.clone();
        match self.state {
            // A piece of speech that was under way is listened to from here on.
            State::Following(_) => self.engine.begin(Task::Trigger)?,
            State::Closed | State::Waiting | State::Words(_) => {}
        }
        Ok(unknown)
    }

    /// Returns whether new triggers can be taken on now: not while words are listened to.
    pub fn can_learn(&self) -> bool {
        !matches!(self.state, State::Words(_))
    }

    /// Returns whether somebody speaks.
    pub fn is_speaking(&self) -> bool {
        self.meter.is_speaking()
    }

    /// Listens for something else; returns the last word that it owes, if it does.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where the engine does not work any more.
    pub fn listen_for(&mut self, hearing: Hearing) -> Result<Option<Input>, EngineError> {
        match (hearing, self.state) {
            (Hearing::Words(wanted), State::Words(id)) if wanted == id => {}
            (Hearing::Words(id), _) => {
                self.rest()?;
                self.engine.begin(Task::Words)?;
                // After a trigger only what follows it; at the key's press also what just began.
                if self.state == State::Waiting && !self.before.is_empty() {
                    let before = self.before.make_contiguous();
                    self.engine.feed(before)?;
                }
                self.before.clear();
                self.state = State::Words(id);
            }
            (Hearing::LastWord(id), State::Words(_)) => {
                let text = self.engine.finish()?;
                self.state = State::Closed;
                return Ok(Some(Input::Final { id, text }));
            }
            (Hearing::LastWord(_), _) => {}
            (Hearing::Trigger, State::Waiting | State::Following(_)) => {}
            (Hearing::Trigger, _) => {
                self.rest()?;
                self.state = State::Waiting;
            }
            (Hearing::Nothing, State::Closed) => {}
            (Hearing::Nothing, _) => {
                self.rest()?;
                self.before.clear();
                self.state = State::Closed;
            }
        }
        Ok(None)
    }

    /// Takes in a piece of sound, short enough that what it leads to may wait for its end.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where the engine does not work any more.
    pub fn feed(&mut self, samples: &[i16]) -> Result<Vec<Input>, EngineError> {
        let spoke = self.meter.is_speaking();
        let speaks = self.meter.feed(samples);
        let mut inputs = Vec::new();
        if spoke != speaks {
            inputs.push(Input::Speaking(speaks));
        }
        match self.state {
            State::Closed => {}
            State::Waiting => {
                let excess = (self.before.len() + samples.len()).saturating_sub(BEFORE);
                self.before.drain(..excess.min(self.before.len()));
                self.before.extend(samples);
                if speaks {
                    self.engine.begin(Task::Trigger)?;
                    self.state = State::Following(0);
                    let before = std::mem::take(&mut self.before);
                    let (front, back) = before.as_slices();
                    let mut heard = self.engine.feed(front)?;
                    if heard.is_none() {
                        heard = self.engine.feed(back)?;
                    }
                    inputs.extend(self.triggered(heard));
                }
            }
            State::Following(quiet) => {
                let heard = self.engine.feed(samples)?;
                inputs.extend(self.triggered(heard));
                let quiet = if speaks { 0 } else { quiet + samples.len() };
                self.state = State::Following(quiet);
                if quiet >= self.pause {
                    let text = self.engine.finish()?;
                    self.state = State::Waiting;
                    inputs.extend(self.triggers.find(&text).map(|found| Input::Triggered {
                        trigger: found.trigger.to_owned(),
                        rest: found.rest,
                    }));
                }
            }
            State::Words(id) => {
                let mut heard = self.engine.feed(samples)?;
                if spoke && !speaks {
                    heard = self.engine.paused()?.or(heard);
                }
                if let Some(Heard::Partial(text)) = heard {
                    inputs.push(Input::Partial { id, text });
                }
            }
        }
        Ok(inputs)
    }

    fn rest(&mut self) -> Result<(), EngineError> {
        if matches!(self.state, State::Following(_) | State::Words(_)) {
            self.engine.finish()?;
        }
        Ok(())
    }

    fn triggered(&self, heard: Option<Heard>) -> Option<Input> {
        let Some(Heard::Trigger(place)) = heard else {
            return None;
        };
        let trigger = self.triggers.as_slice().get(place)?;
        Some(Input::Triggered {
            trigger: trigger.clone(),
            rest: String::new(),
        })
    }
}
