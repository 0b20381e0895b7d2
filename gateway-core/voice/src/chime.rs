//! The two sounds that say "I am listening" and "it is sent": two short tones each, rising and falling.
//!
//! They are computed, so that nothing has to be shipped, and played on a thread of their own that ends with
//! them. Where nothing can be played, nothing is: the overlay says the same.

use crate::lifecycle::Chime;
use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{Error, FromSample, SampleFormat, SizedSample, Stream, StreamConfig};
use std::f32::consts::TAU;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How long one of the two tones sounds, in seconds.
const TONE: f32 = 0.09;
/// How loud, of full scale: a hint, not an alarm.
const VOLUME: f32 = 0.12;
/// What opening the speaker may take.
const OPENING: Duration = Duration::from_secs(2);
/// What a speaker holds back after it was given the last sample.
const RINGS_OUT: Duration = Duration::from_millis(300);

/// Whether one is playing: a second one in the same moment says nothing new.
static PLAYING: AtomicBool = AtomicBool::new(false);

/// Plays a sound; returns at once.
pub fn play(chime: Chime) {
    if PLAYING.swap(true, Ordering::AcqRel) {
        return;
    }
    let played = thread::Builder::new()
        .name("chime".to_owned())
        .spawn(move || {
            if let Err(error) = sound(chime) {
                tracing::debug!(%error, "a sound could not be played");
            }
            PLAYING.store(false, Ordering::Release);
        });
    if played.is_err() {
        PLAYING.store(false, Ordering::Release);
    }
}

fn sound(chime: Chime) -> Result<(), Error> {
    let Some(device) = cpal::default_host().default_output_device() else {
        return Ok(());
    };
    let config = device.default_output_config()?;
    let format = config.sample_format();
    let config: StreamConfig = config.into();
    let samples = samples(chime, config.sample_rate);
    let lasts = Duration::from_secs_f32(samples.len() as f32 / config.sample_rate as f32);
    // What speakers take; another format is rare, and a missing chime no loss.
    let stream = if format == SampleFormat::F32 {
        stream_of::<f32>(&device, config, samples)
    } else if format == SampleFormat::I16 {
        stream_of::<i16>(&device, config, samples)
    } else if format == SampleFormat::I32 {
        stream_of::<i32>(&device, config, samples)
    } else {
        return Ok(());
    }?;
    stream.play()?;
    thread::sleep(lasts + RINGS_OUT);
    Ok(())
}

fn stream_of<T>(
    device: &cpal::Device,
    config: StreamConfig,
    samples: Vec<f32>,
) -> Result<Stream, Error>
where
    T: SizedSample + FromSample<f32>,
{
    let channels = usize::from(config.channels.max(1));
    let mut rest = samples.into_iter();
    device.build_output_stream::<T, _, _>(
        config,
        move |out: &mut [T], _| {
            for frame in out.chunks_mut(channels) {
                let sample = rest.next().unwrap_or(0.0);
                frame.fill(T::from_sample_(sample));
            }
        },
        |error| tracing::debug!(%error, "the speaker stumbled"),
        Some(OPENING),
    )
}

/// Two tones, each softly begun and ended, so that nothing clicks.
fn samples(chime: Chime, rate: u32) -> Vec<f32> {
    let tones = match chime {
        Chime::Start => [659.3, 880.0],
        Chime::Send => [880.0, 587.3],
    };
    let length = (TONE * rate as f32) as usize;
    tones
        .into_iter()
        .flat_map(|pitch: f32| {
            (0..length).map(move |index| {
                let share = index as f32 / length as f32;
                let swell = (share * TAU / 2.0).sin();
                (index as f32 / rate as f32 * pitch * TAU).sin() * swell * VOLUME
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_short_and_soft_and_not_the_same() {
        let (start, send) = (samples(Chime::Start, 48_000), samples(Chime::Send, 48_000));

        for sound in [&start, &send] {
            assert!((7_000..12_000).contains(&sound.len()), "{}", sound.len());
            assert!(sound.iter().all(|sample| sample.abs() <= VOLUME));
            assert!(sound.iter().any(|sample| sample.abs() > VOLUME / 2.0));
            assert!(sound[0].abs() < 0.001 && sound[sound.len() - 1].abs() < 0.01);
        }
        assert_ne!(start, send);
    }
}
