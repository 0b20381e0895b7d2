//! One thing that was said, from the moment it has its text until the gateway has it.

use super::At;
use std::fmt;

/// Names an utterance within one run of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtteranceId(pub u64);

impl fmt::Display for UtteranceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What was said, and how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance {
    /// Which.
    pub id: UtteranceId,
    /// Its words, never none.
    pub text: String,
    /// Which trigger began it; none for push-to-talk.
    pub trigger: Option<String>,
    /// The gateway that was in use when it was said, the only one it is ever sent to.
    pub gateway: Option<String>,
    /// Until when it waits for the connection.
    pub until: At,
    /// Before then it is not tried again.
    pub not_before: At,
    /// How it stands.
    pub standing: Standing,
    /// How often it was handed over to be sent; from the second time on the gateway may have it.
    pub attempts: u32,
}

/// How an utterance stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It waits for the connection, or for the one before it.
    Waiting,
    /// It is on its way.
    Sending,
    /// It is not sent by itself any more.
    Kept(Kept),
}

/// Why an utterance was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The connection did not come back in time.
    Outage,
    /// Another gateway is in use now.
    OtherGateway,
    /// No gateway was set up.
    NoGateway,
    /// The gateway refused it.
    Refused(String),
}
