//! What would happen if a recording were spoken: the whole pipeline over a file, in the recording's own
//! time, and nothing is ever sent. For `openclaw voice test`, the settings page's tester and the bench.

use crate::attention::{Attention, PIECE};
use crate::engine::{Engine, EngineError};
use crate::lifecycle::{Action, At, Fate, Input};
use crate::recording::duration;
use crate::speech::RATE;
use crate::timing::Timing;
use crate::triggers::Triggers;
use std::time::{Duration, Instant};

/// What happened, and when in the recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// A trigger was heard.
    Wake {
        /// When.
        at: At,
        /// Which.
        trigger: String,
    },
    /// Something would have been sent.
    Transcript {
        /// When.
        at: At,
        /// What.
        text: String,
        /// After which trigger.
        trigger: Option<String>,
    },
    /// After a trigger nothing was understood.
    Nothing {
        /// When.
        at: At,
    },
}

/// What came of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What happened, in order.
    pub happened: Vec<Happened>,
    /// The triggers this engine cannot recognise.
    pub unknown: Vec<String>,
    /// How long the recording is.
    pub length: Duration,
    /// What listening to it took.
    pub took: Duration,
}

/// How it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A trigger has to be said.
    Trigger,
    /// As if push-to-talk were held from beginning to end.
    Held,
}

/// Listens to a recording, and to silence after it until everything is settled.
///
/// # Errors
///
/// [`EngineError`] where the engine stops.
pub fn rehearse(
    samples: &[i16],
    engine: Box<dyn Engine>,
    triggers: &Triggers,
    timing: Timing,
    start: Start,
) -> Result<Report, EngineError> {
    rehearse_again(samples, engine, triggers, timing, start).map(|(report, _)| report)
}

/// As [`rehearse`], and gives the engine back, whose model takes longer to load than most recordings.
///
/// # Errors
///
/// As [`rehearse`].
pub fn rehearse_again(
    samples: &[i16],
    engine: Box<dyn Engine>,
    triggers: &Triggers,
    timing: Timing,
    start: Start,
) -> Result<(Report, Option<Box<dyn Engine>>), EngineError> {
    let began = Instant::now();
    let mut attention = Attention::new(timing);
    let zero = Duration::ZERO;
    attention.use_triggers(zero, triggers.clone());
    attention.use_engine(zero, Some(engine));
    // A gateway by a name that none has: what is sent to it ends here.
    let stage = Some("rehearsal".to_owned());
    for input in [
        Input::Microphone(true),
        Input::Gateway(stage),
        Input::Connected(true),
    ] {
        attention.input(zero, input);
    }
    attention.input(
        zero,
        match start {
            Start::Trigger => Input::Wake(true),
            Start::Held => Input::KeyDown,
        },
    );
    let mut happened = Vec::new();
    let mut heard = 0;
    let tail = vec![0; RATE * 2 + (timing.silence + timing.only_trigger).as_secs() as usize * RATE];
    let spoken = samples.len();
    let all = samples.chunks(PIECE).chain(tail.chunks(PIECE));
    let mut capturing = false;
    for piece in all {
        let mut actions = Vec::new();
        if heard >= spoken && start == Start::Held {
            actions = attention.input(duration(heard), Input::KeyUp);
        }
        heard += piece.len();
        let now = duration(heard);
        actions.extend(attention.sound(now, piece));
        if let Some(error) = attention.take_failure() {
            return Err(error);
        }
        if attention.is_capturing()
            && !capturing
            && let Some(trigger) = attention.overlay().and_then(|overlay| overlay.trigger)
        {
            happened.push(Happened::Wake { at: now, trigger });
        }
        capturing = attention.is_capturing();
        for action in actions {
            match action {
                Action::Deliver(one) => {
                    attention.input(now, Input::Delivered(one.id));
                    happened.push(Happened::Transcript {
                        at: now,
                        text: one.text,
                        trigger: one.trigger,
                    });
                }
                Action::Ended {
                    fate: Fate::NothingHeard,
                    ..
                } => happened.push(Happened::Nothing { at: now }),
                Action::Ended { .. } | Action::Withdraw(_) | Action::Chime(_) => {}
            }
        }
        if heard >= spoken && !capturing && heard > spoken + RATE * 2 {
            break;
        }
    }
    let report = Report {
        happened,
        unknown: attention.unknown().to_vec(),
        length: duration(spoken),
        took: began.elapsed(),
    };
    let (engine, _) = attention.give_engine(duration(heard));
    Ok((report, engine))
}
