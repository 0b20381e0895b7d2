//! Every time the lifecycle of an utterance works with, in one place.
//!
//! The usual values are those of the official macOS app, so that people who speak to both find the
//! same pauses. Tests hand in shorter ones; nothing else in this crate holds a duration of its own
//! that a speaker could notice.

use std::time::Duration;

/// The times of the lifecycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Quiet after a trigger that means: the command comes as a second utterance. Until then, or until
    /// the first words, the start chime is held back, so that it never sounds into a command that is
    /// spoken in the same breath.
    pub after_trigger: Duration,
    /// Silence that ends what is being spoken.
    pub silence: Duration,
    /// Silence that ends it where only the trigger was heard.
    pub only_trigger: Duration,
    /// The longest that one utterance is listened to.
    pub longest: Duration,
    /// After something was sent, no trigger counts for this long.
    pub after_send: Duration,
    /// Silence after which a piece of speech is over and is looked at for a trigger.
    pub before_wake: Duration,
    /// How often the level is told and the silence looked at.
    pub tick: Duration,
    /// Before a speech engine that failed is started again.
    pub restart: Duration,
    /// What the speech engine may take for its last word after push-to-talk was released, or after
    /// silence ended the speech.
    pub last_word: Duration,
    /// How long an utterance waits for a gateway that is not connected.
    pub outage: Duration,
    /// Between two attempts to send an utterance over a connection that seems to stand.
    pub again: Duration,
    /// Before a microphone that is gone is looked for again.
    pub microphone: Duration,
}

impl Timing {
    /// The times people get.
    pub const USUAL: Self = Self {
        after_trigger: Duration::from_millis(550),
        silence: Duration::from_secs(2),
        only_trigger: Duration::from_secs(5),
        longest: Duration::from_secs(120),
        after_send: Duration::from_millis(350),
        before_wake: Duration::from_secs(1),
        tick: Duration::from_millis(200),
        restart: Duration::from_millis(700),
        last_word: Duration::from_millis(1500),
        outage: Duration::from_secs(60),
        again: Duration::from_secs(1),
        microphone: Duration::from_secs(2),
    };
}

impl Default for Timing {
    fn default() -> Self {
        Self::USUAL
    }
}
