//! From whatever a microphone or a recording gives to 16 kHz mono, which all engines take.

use crate::speech::RATE;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

/// How much is converted at once, in seconds: short enough that nobody waits for it.
const CHUNK: f64 = 0.02;

/// What cannot be converted.
#[derive(Debug, thiserror::Error)]
#[error("sound with {rate} samples a second and {channels} channels cannot be used")]
pub struct UnusableFormat {
    /// Samples a second.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
}

/// Converts a stream of interleaved samples.
pub struct ToMono {
    channels: usize,
    /// None where the rate is the engines' already.
    resampler: Option<Fft<f32>>,
    waiting: Vec<f32>,
    out: Vec<f32>,
}

impl std::fmt::Debug for ToMono {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ToMono")
            .field("channels", &self.channels)
            .field("resamples", &self.resampler.is_some())
            .finish_non_exhaustive()
    }
}

impl ToMono {
    /// Returns a converter for a stream of this format.
    ///
    /// # Errors
    ///
    /// [`UnusableFormat`] for no channels, or a rate nothing can be made of.
    pub fn new(rate: u32, channels: u16) -> Result<Self, UnusableFormat> {
        let unusable = || UnusableFormat { rate, channels };
        if channels == 0 || !(4_000..=768_000).contains(&rate) {
            return Err(unusable());
        }
        let from = usize::try_from(rate).map_err(|_| unusable())?;
        let resampler = match from == RATE {
            true => None,
            false => {
                let chunk = (f64::from(rate) * CHUNK) as usize;
                let fft = Fft::new(from, RATE, chunk, 1, FixedSync::Input);
                Some(fft.map_err(|_| unusable())?)
            }
        };
        Ok(Self {
            channels: usize::from(channels),
            resampler,
            waiting: Vec::new(),
            out: Vec::new(),
        })
    }

    /// Takes in interleaved samples in [-1, 1]; what is converted so far is appended to `into`.
    pub fn feed(&mut self, samples: &[f32], into: &mut Vec<i16>) {
        let scale = 1.0 / self.channels as f32;
        let mono = samples
            .chunks_exact(self.channels)
            .map(|frame| frame.iter().sum::<f32>() * scale);
        let Some(resampler) = &mut self.resampler else {
            into.extend(mono.map(quantised));
            return;
        };
        self.waiting.extend(mono);
        let mut used = 0;
        loop {
            let wanted = resampler.input_frames_next();
            if self.waiting.len() - used < wanted {
                break;
            }
            self.out.resize(resampler.output_frames_max(), 0.0);
            let frames = self.out.len();
            let input = InterleavedSlice::new(&self.waiting[used..used + wanted], 1, wanted);
            let output = InterleavedSlice::new_mut(&mut self.out, 1, frames);
            let (Ok(input), Ok(mut output)) = (input, output) else {
                // Sizes are the resampler's own; nothing else can be wrong with them.
                break;
            };
            let Ok((_, made)) = resampler.process_into_buffer(&input, &mut output, None) else {
                break;
            };
            into.extend(self.out[..made].iter().copied().map(quantised));
            used += wanted;
        }
        self.waiting.drain(..used);
    }
}

fn quantised(sample: f32) -> i16 {
    // Saturates, also for what is not a number.
    (sample * 32_767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, channels: u16, hertz: f32, seconds: f32) -> Vec<f32> {
        let frames = (seconds * rate as f32) as usize;
        (0..frames)
            .flat_map(|index| {
                let time = index as f32 / rate as f32;
                let wave = (time * hertz * std::f32::consts::TAU).sin() * 0.5;
                std::iter::repeat_n(wave, usize::from(channels))
            })
            .collect()
    }

    fn converted(rate: u32, channels: u16, hertz: f32) -> Vec<i16> {
        let mut converter = ToMono::new(rate, channels).unwrap();
        let mut out = Vec::new();
        // In pieces as odd as those of a sound card.
        for piece in tone(rate, channels, hertz, 1.0).chunks(usize::from(channels) * 371) {
            converter.feed(piece, &mut out);
        }
        out
    }

    fn crossings(samples: &[i16]) -> usize {
        samples
            .windows(2)
            .filter(|pair| pair[0] < 0 && pair[1] >= 0)
            .count()
    }

    #[test]
    fn every_usual_format_keeps_its_pitch_and_length() {
        for (rate, channels) in [
            (48_000, 2),
            (44_100, 1),
            (16_000, 1),
            (8_000, 1),
            (96_000, 2),
            (32_000, 4),
        ] {
            let out = converted(rate, channels, 440.0);
            let missing = RATE - out.len();
            assert!(
                missing < RATE / 20,
                "{rate}/{channels}: {missing} are missing"
            );
            // What is still inside the converter is missing from the second.
            let heard = crossings(&out);
            assert!(heard.abs_diff(440) < 20, "{rate}/{channels}: {heard} Hz");
        }
    }

    #[test]
    fn what_is_too_high_does_not_come_back_as_something_else() {
        let out = converted(48_000, 1, 15_000.0);
        let loudest = out
            .iter()
            .skip(2_000)
            .map(|sample| sample.unsigned_abs())
            .max();
        assert!(loudest.unwrap() < 400, "{loudest:?}");
    }

    #[test]
    fn a_format_that_cannot_be_is_refused() {
        assert!(ToMono::new(48_000, 0).is_err());
        assert!(ToMono::new(0, 1).is_err());
    }

    #[test]
    fn too_loud_is_cut_off() {
        let mut out = Vec::new();
        ToMono::new(16_000, 1)
            .unwrap()
            .feed(&[2.0, -2.0, f32::NAN], &mut out);
        assert_eq!(out, [i16::MAX, i16::MIN, 0]);
    }
}
