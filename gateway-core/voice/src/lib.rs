//! From a microphone to the text of one utterance, on this computer alone: wake words, push-to-talk,
//! speech engines. No sound leaves it, and nothing of it is kept.
//!
//! In reading order:
//!
//! - [`timing`]: every time a speaker could notice.
//! - [`lifecycle`]: what becomes of an utterance; pure.
//! - [`triggers`]: whether a text begins with a trigger; pure.
//! - [`speech`], [`resample`]: whether somebody speaks, and 16 kHz mono out of anything.
//! - [`engine`]: what turns sound into words.
//! - [`ears`], [`attention`]: an engine that sound wakes, and the lifecycle over it.
//! - [`recording`], [`rehearsal`]: the same over a file, where nothing is ever sent.
//! - [`microphone`], [`station`]: the same live, on a thread of its own.
//! - `chime`: the two sounds, where there is a microphone too.
//! - [`models`]: the models that can be had for Whisper, and getting one.
//!
//! It knows no gateway: what is to be sent leaves as an action, and what became of it comes back.

pub mod attention;
#[cfg(feature = "microphone")]
pub mod chime;
pub mod ears;
pub mod engine;
mod inbox;
pub mod lifecycle;
pub mod microphone;
pub mod models;
pub mod recording;
pub mod rehearsal;
pub mod resample;
pub mod speech;
pub mod station;
pub mod timing;
pub mod triggers;
