//! Where live sound comes from: a trait, so that tests bring their own, and what is told of a device.
//!
//! A stream pushes what it hears into a [`Sink`] from a thread of the system's; it is dropped to end it.

#[cfg(feature = "microphone")]
pub mod system;

use crate::inbox::Inbox;
use std::any::Any;
use std::sync::Arc;

/// A device to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Microphone {
    /// What the settings remember; the same after a restart.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether the system uses it where none is chosen.
    pub is_default: bool,
}

/// A stream that runs until it is dropped.
pub struct Opened {
    /// Which device.
    pub microphone: Microphone,
    /// Whether another one was wanted, which is not there.
    pub is_fallback: bool,
    /// Samples a second.
    pub rate: u32,
    /// Channels, interleaved.
    pub channels: u16,
    /// What keeps it running.
    pub stream: Box<dyn Any>,
}

/// Why there is no sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MicrophoneError {
    /// There is none.
    #[error("no microphone is connected")]
    None,
    /// The system does not let us.
    #[error(
        "the system does not let this program use the microphone; allow it in the privacy settings"
    )]
    Denied,
    /// Another program has it.
    #[error("{0} is used by another program")]
    Busy(String),
    /// It went away, or never gave anything.
    #[error("{0} does not answer any more")]
    Gone(String),
    /// Something else.
    #[error("{name} could not be opened: {why}")]
    Other {
        /// Which device.
        name: String,
        /// What the system says.
        why: String,
    },
}

/// The devices of a computer.
pub trait Microphones: Send {
    /// Returns those there are now.
    fn list(&self) -> Vec<Microphone>;

    /// Opens the wanted one, else the system's default.
    ///
    /// # Errors
    ///
    /// [`MicrophoneError`], for people.
    fn open(&self, wanted: Option<&str>, sink: Sink) -> Result<Opened, MicrophoneError>;
}

/// Takes what a stream hears.
#[derive(Debug, Clone)]
pub struct Sink {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) stream: u64,
}

impl Sink {
    /// Takes interleaved samples in [-1, 1]; never waits.
    pub fn heard(&self, samples: Vec<f32>) {
        self.inbox.sound(self.stream, samples);
    }

    /// Takes the news that the device is gone.
    pub fn lost(&self, why: MicrophoneError) {
        self.inbox.lost(self.stream, why);
    }
}
