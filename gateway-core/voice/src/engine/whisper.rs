//! Whisper, through whisper.cpp inside this program: any trigger, many languages, a model file of its own.
//!
//! It does not spot: a piece of speech is understood as a whole when the speaker pauses, and triggers are
//! looked for in its text. It has been built and checked here and refuses a file that is no model; it was
//! never heard with one, because none could be had where this was written.

use super::{Engine, EngineError, Heard, Task, Unavailable};
use crate::speech::RATE;
use crate::triggers::Triggers;
use std::path::Path;
use std::thread;
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState,
};

const NAME: &str = "Whisper";
/// It takes thirty seconds at once; a longer piece is understood in parts.
const MOST_AT_ONCE: usize = 28 * RATE;
/// Of a piece that may hold a trigger only the beginning is looked at: the trigger stands there.
const MOST_FOR_TRIGGER: usize = 12 * RATE;
/// Less than this is a click, and makes it imagine words.
const LEAST: usize = RATE / 4;

/// The engine.
pub struct Whisper {
    state: WhisperState,
    language: Option<String>,
    threads: i32,
    task: Task,
    samples: Vec<f32>,
    understood: String,
}

impl std::fmt::Debug for Whisper {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Whisper")
            .field("language", &self.language)
            .field("task", &self.task)
            .finish_non_exhaustive()
    }
}

impl Whisper {
    /// Loads a model.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: the file is not there, or is no model.
    pub fn open(model: &Path, language: Option<&str>) -> Result<Self, Unavailable> {
        if !model.is_file() {
            return Err(Unavailable::NoModel(model.to_owned()));
        }
        let bad = || Unavailable::BadModel(model.to_owned());
        // It would write to standard error else.
        whisper_rs::install_logging_hooks();
        let context = WhisperContext::new_with_params(model, WhisperContextParameters::default())
            .map_err(|_| bad())?;
        let state = context.create_state().map_err(|_| bad())?;
        // Half of the cores: the rest belongs to whoever speaks.
        let cores = thread::available_parallelism().map_or(2, usize::from);
        Ok(Self {
            state,
            language: language.map(str::to_owned),
            threads: i32::try_from((cores / 2).clamp(1, 8)).unwrap_or(1),
            task: Task::Trigger,
            samples: Vec::new(),
            understood: String::new(),
        })
    }

    /// Understands what was gathered and adds it to the rest.
    fn understand(&mut self) -> Result<(), EngineError> {
        let samples = std::mem::take(&mut self.samples);
        if samples.len() < LEAST {
            return Ok(());
        }
        let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        params.set_language(self.language.as_deref());
        params.set_n_threads(self.threads);
        params.set_no_context(true);
        params.set_suppress_blank(true);
        params.set_suppress_nst(true);
        params.set_print_progress(false);
        params.set_print_realtime(false);
        params.set_print_special(false);
        params.set_print_timestamps(false);
        let failed = |_| EngineError {
            engine: NAME,
            step: "understand what was said",
        };
        self.state.full(params, &samples).map_err(failed)?;
        for place in 0..self.state.full_n_segments() {
            let Some(segment) = self.state.get_segment(place) else {
                continue;
            };
            let text = segment.to_str_lossy().map_err(failed)?;
            let text = text.trim();
            // "[BLANK_AUDIO]", "(music)": what it says about sound is not what was said.
            if text.is_empty() || text.starts_with(['[', '(']) {
                continue;
            }
            if !self.understood.is_empty() {
                self.understood.push(' ');
            }
            self.understood.push_str(text);
        }
        Ok(())
    }
}

impl Engine for Whisper {
    fn learn(&mut self, _: &Triggers) -> Result<Vec<usize>, EngineError> {
        // Whatever can be written can be found in a text.
        Ok(Vec::new())
    }

    fn begin(&mut self, task: Task) -> Result<(), EngineError> {
        self.task = task;
        self.samples.clear();
        self.understood.clear();
        Ok(())
    }

    fn feed(&mut self, samples: &[i16]) -> Result<Option<Heard>, EngineError> {
        let room = match self.task {
            Task::Trigger => MOST_FOR_TRIGGER.saturating_sub(self.samples.len()),
            Task::Words => samples.len(),
        };
        let taken = samples.iter().take(room);
        self.samples
            .extend(taken.map(|sample| f32::from(*sample) / 32_768.0));
        match self.samples.len() >= MOST_AT_ONCE {
            true => self.paused(),
            false => Ok(None),
        }
    }

    fn paused(&mut self) -> Result<Option<Heard>, EngineError> {
        let before = self.understood.len();
        self.understand()?;
        let more = self.understood.len() > before;
        Ok(more.then(|| Heard::Partial(self.understood.clone())))
    }

    fn finish(&mut self) -> Result<String, EngineError> {
        self.understand()?;
        Ok(std::mem::take(&mut self.understood))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_or_no_model_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.bin");
        assert_eq!(
            Whisper::open(&file, None).err(),
            Some(Unavailable::NoModel(file.clone()))
        );
        std::fs::write(&file, "not a model").unwrap();
        assert_eq!(
            Whisper::open(&file, None).err(),
            Some(Unavailable::BadModel(file.clone()))
        );
    }
}
