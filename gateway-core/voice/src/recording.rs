//! A WAV file as a source of sound: of any usual format, as it would come from a microphone.

use crate::resample::{ToMono, UnusableFormat};
use crate::speech::RATE;
use hound::{SampleFormat, WavReader};
use std::io;
use std::path::{Path, PathBuf};

/// The longest recording that is taken, in seconds: it is held in memory.
const LONGEST: u32 = 60 * 60;

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("{} cannot be read", .file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no WAV file, or a broken one.
    #[error("{} is not a WAV recording", .file.display())]
    NotWav {
        /// Which.
        file: PathBuf,
        /// Why.
        source: hound::Error,
    },
    /// It is longer than is of use.
    #[error("{} is longer than an hour", .0.display())]
    TooLong(PathBuf),
    /// Nothing can be made of its format.
    #[error(transparent)]
    Format(#[from] UnusableFormat),
}

/// Reads a recording as 16 kHz mono.
///
/// # Errors
///
/// [`RecordingError`], for people.
pub fn read(file: &Path) -> Result<Vec<i16>, RecordingError> {
    let not_wav = |error| {
        let file = file.to_owned();
        if let hound::Error::IoError(source) = error {
            return RecordingError::Unreadable { file, source };
        }
        RecordingError::NotWav {
            file,
            source: error,
        }
    };
    let mut reader = WavReader::open(file).map_err(not_wav)?;
    let spec = reader.spec();
    if reader.duration() / spec.sample_rate.max(1) > LONGEST {
        return Err(RecordingError::TooLong(file.to_owned()));
    }
    let mut converter = ToMono::new(spec.sample_rate, spec.channels)?;
    let samples: Result<Vec<f32>, hound::Error> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect(),
        SampleFormat::Int => {
            let scale = 1.0 / (1_u64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            let samples = reader.samples::<i32>();
            samples.map(|sample| Ok(sample? as f32 * scale)).collect()
        }
    };
    let mut mono = Vec::new();
    converter.feed(&samples.map_err(not_wav)?, &mut mono);
    // What is still in the converter comes out with the silence that follows.
    let silence = vec![0.0; spec.sample_rate as usize / 20 * usize::from(spec.channels)];
    converter.feed(&silence, &mut mono);
    Ok(mono)
}

/// Returns how long so many samples take.
pub fn duration(samples: usize) -> std::time::Duration {
    std::time::Duration::from_secs_f64(samples as f64 / RATE as f64)
}
