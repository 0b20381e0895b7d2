//! What is to be seen of the voice thread.

use crate::engine::{EngineError, Unavailable};
use crate::lifecycle::{Overlay, OverlayState};
use crate::microphone::MicrophoneError;
use std::time::Instant;

/// Everything that is to be seen; told whole whenever any of it changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// How the engine is.
    pub engine: EngineStatus,
    /// How the microphone is.
    pub microphone: MicrophoneStatus,
    /// Whether a trigger is listened for.
    pub listening: bool,
    /// Whether words are listened to.
    pub capturing: bool,
    /// What the overlay shows.
    pub overlay: Option<ShownOverlay>,
    /// The triggers that this engine cannot recognise.
    pub unknown: Vec<String>,
    /// Whether the tester runs.
    pub testing: bool,
}

/// How the engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineStatus {
    /// None is chosen.
    NotChosen,
    /// It is chosen, and nothing is wanted of it.
    Resting,
    /// Its model is being loaded.
    Loading,
    /// It listens.
    Ready,
    /// It cannot be used here.
    Unavailable(Unavailable),
    /// It stopped and is about to be started again.
    Failed(EngineError),
}

/// How the microphone is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MicrophoneStatus {
    /// It is not in use.
    Closed,
    /// It is.
    Open {
        /// Which one.
        name: String,
        /// Whether another one was chosen, which is not there.
        is_fallback: bool,
    },
    /// There is none.
    Missing(MicrophoneError),
}

/// What the overlay shows, with its time as a moment of this computer.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownOverlay {
    /// The overlay.
    pub overlay: Overlay,
    /// When its countdown ends, where it has one.
    pub ends_at: Option<Instant>,
}

impl ShownOverlay {
    pub(super) fn new(overlay: Overlay, began: Instant) -> Self {
        let ends_at = match overlay.state {
            OverlayState::Listening { ends_at } => ends_at,
            OverlayState::Waiting { until } => Some(until),
            OverlayState::Settling
            | OverlayState::Editing(_)
            | OverlayState::Sending
            | OverlayState::Kept(_) => None,
        };
        Self {
            overlay,
            ends_at: ends_at.map(|at| began + at),
        }
    }
}
