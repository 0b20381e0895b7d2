//! Whether somebody speaks, by loudness against the noise of the room. Pure; called by the ears with
//! what the engines hear, 16 kHz mono.
//!
//! The noise floor is the quietest that was heard in the last three seconds: a fan that starts is the
//! new floor after that time, and a speaker's own pauses keep it down. It does not know words: what is
//! as loud as speech counts as speech.

use std::collections::VecDeque;

/// Samples a second that everything behind the microphone works with.
pub const RATE: usize = 16_000;

/// What is looked at at once: 20 ms.
const FRAME: usize = RATE / 50;
/// How many frames one stretch of the floor's memory has (0.4 s), and how many stretches it has.
const STRETCH: usize = 20;
const STRETCHES: usize = 8;
/// How far above the floor speech is, in decibels.
const ABOVE: f32 = 9.0;
/// Below this nothing counts as speech, in decibels of full scale: the hiss of an open input.
const LEAST: f32 = -58.0;
/// How many of the last frames have to be loud for speech to begin (60 of 100 ms).
const ONSET: (u32, u32) = (3, 5);
/// How many quiet frames end it: the pauses between words are shorter.
const HANGOVER: u32 = 15;

/// Tells speech from the noise of the room.
#[derive(Debug)]
pub struct SpeechMeter {
    frame: Vec<i16>,
    smoothed: f32,
    stretch: (usize, f32),
    minima: VecDeque<f32>,
    /// The last frames, newest in the lowest bit: loud or not.
    recent: u32,
    quiet: u32,
    speaking: bool,
    loudest: f32,
}

impl Default for SpeechMeter {
    fn default() -> Self {
        Self {
            frame: Vec::with_capacity(FRAME),
            smoothed: LEAST,
            stretch: (0, f32::MAX),
            minima: VecDeque::with_capacity(STRETCHES),
            recent: 0,
            quiet: 0,
            speaking: false,
            loudest: f32::MIN,
        }
    }
}

impl SpeechMeter {
    /// Takes in samples; returns whether somebody speaks at their end.
    pub fn feed(&mut self, samples: &[i16]) -> bool {
        for sample in samples {
            self.frame.push(*sample);
            if self.frame.len() == FRAME {
                let loudness = decibels(&self.frame);
                self.frame.clear();
                self.frame_heard(loudness);
            }
        }
        self.speaking
    }

    /// Returns whether somebody speaks.
    pub fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// Returns how loud it was at most since this was last asked, from 0 (nothing) to 1 (full scale).
    pub fn take_level(&mut self) -> f32 {
        let loudest = std::mem::replace(&mut self.loudest, f32::MIN);
        ((loudest + 60.0) / 60.0).clamp(0.0, 1.0)
    }

    fn frame_heard(&mut self, loudness: f32) {
        self.loudest = self.loudest.max(loudness);
        self.smoothed += 0.5 * (loudness - self.smoothed);
        let (frames, least) = self.stretch;
        self.stretch = (frames + 1, least.min(self.smoothed));
        if self.stretch.0 == STRETCH {
            if self.minima.len() == STRETCHES {
                self.minima.pop_front();
            }
            self.minima.push_back(self.stretch.1);
            self.stretch = (0, f32::MAX);
        }
        // In the first moment there is no past: a usual room is assumed.
        let floor = match self.minima.iter().copied().reduce(f32::min) {
            Some(least) => least.min(self.stretch.1),
            None => -60.0,
        };
        let loud = loudness > floor.max(LEAST - ABOVE) + ABOVE;
        self.recent = (self.recent << 1) | u32::from(loud);
        let onset = (self.recent & ((1 << ONSET.1) - 1)).count_ones() >= ONSET.0;
        match (self.speaking, loud) {
            (false, _) if onset => {
                self.speaking = true;
                self.quiet = 0;
            }
            (true, true) => self.quiet = 0,
            (true, false) => {
                self.quiet += 1;
                self.speaking = self.quiet < HANGOVER;
            }
            (false, _) => {}
        }
    }
}

/// Loudness in decibels of full scale, -96 for none.
fn decibels(frame: &[i16]) -> f32 {
    let sum: f32 = frame
        .iter()
        .map(|sample| (f32::from(*sample) / 32_768.0).powi(2))
        .sum();
    let mean = sum / frame.len() as f32;
    (10.0 * mean.max(1e-12).log10()).max(-96.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise of one amplitude, the same in every run.
    fn noise(amplitude: f32, seconds: f32) -> Vec<i16> {
        let mut state = 0x2545_f491_u32;
        (0..(seconds * RATE as f32) as usize)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                let unit = state as f32 / u32::MAX as f32 * 2.0 - 1.0;
                (unit * amplitude * 32_767.0) as i16
            })
            .collect()
    }

    /// Bursts of a voice-like tone with short gaps, as syllables have.
    fn syllables(amplitude: f32, seconds: f32) -> Vec<i16> {
        (0..(seconds * RATE as f32) as usize)
            .map(|index| {
                let time = index as f32 / RATE as f32;
                let open = (time * 4.0).fract() < 0.75;
                let wave = (time * 180.0 * std::f32::consts::TAU).sin();
                (wave * amplitude * if open { 32_767.0 } else { 0.0 }) as i16
            })
            .collect()
    }

    fn mixed(one: &[i16], other: &[i16]) -> Vec<i16> {
        one.iter()
            .zip(other)
            .map(|(one, other)| one.saturating_add(*other))
            .collect()
    }

    #[test]
    fn silence_is_not_speech() {
        let mut meter = SpeechMeter::default();
        assert!(!meter.feed(&vec![0; RATE * 5]));
        assert_eq!(meter.take_level(), 0.0);
    }

    #[test]
    fn speech_begins_at_once_and_ends_after_a_pause() {
        let mut meter = SpeechMeter::default();
        meter.feed(&noise(0.001, 2.0));
        assert!(meter.feed(&syllables(0.2, 0.2)));
        assert!(
            meter.feed(&syllables(0.2, 3.0)),
            "pauses of a word end nothing"
        );
        assert!(!meter.feed(&noise(0.001, 0.5)));
    }

    #[test]
    fn a_fan_that_starts_becomes_the_room() {
        let mut meter = SpeechMeter::default();
        meter.feed(&noise(0.001, 2.0));
        meter.feed(&noise(0.02, 4.0));
        assert!(!meter.is_speaking());
        let voice = mixed(&noise(0.02, 0.3), &syllables(0.2, 0.3));
        assert!(meter.feed(&voice), "a voice is heard above it");
    }

    #[test]
    fn the_level_is_the_loudest_since_it_was_asked() {
        let mut meter = SpeechMeter::default();
        meter.feed(&syllables(0.5, 0.5));
        let level = meter.take_level();
        assert!((0.8..1.0).contains(&level), "{level}");
        meter.feed(&vec![0; RATE]);
        assert_eq!(meter.take_level(), 0.0);
    }
}
