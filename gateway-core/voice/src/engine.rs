//! What turns sound into words: a trait, and which engines there are on this computer.
//!
//! An engine is used on one thread and may take its time. It is told what it is for ([`Task`]), fed
//! 16 kHz mono, and asked for its last word. An engine that is not there is no error of the app: it is
//! [`Unavailable`], with a sentence and what to do.

#[cfg(target_os = "linux")]
pub mod pocketsphinx;
#[cfg(feature = "whisper")]
pub mod whisper;

use crate::triggers::Triggers;
use std::path::PathBuf;

/// What an engine listens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// One of the triggers.
    Trigger,
    /// Words.
    Words,
}

/// What an engine understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A trigger, by its place in the list.
    Trigger(usize),
    /// The words so far, whole.
    Partial(String),
}

/// A speech engine.
pub trait Engine: Send {
    /// Takes on the triggers; returns the places of those it cannot recognise.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where it does not work any more.
    fn learn(&mut self, triggers: &Triggers) -> Result<Vec<usize>, EngineError>;

    /// Begins to listen; what it listened to before is forgotten.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where it does not work any more.
    fn begin(&mut self, task: Task) -> Result<(), EngineError>;

    /// Takes in sound.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where it does not work any more.
    fn feed(&mut self, samples: &[i16]) -> Result<Option<Heard>, EngineError>;

    /// Is told that the speaker has paused, a good moment for what takes long.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where it does not work any more.
    fn paused(&mut self) -> Result<Option<Heard>, EngineError> {
        Ok(None)
    }

    /// Ends listening and returns all the words; for [`Task::Trigger`] too, from engines that find
    /// triggers in words.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where it does not work any more.
    fn finish(&mut self) -> Result<String, EngineError>;
}

/// Why a running engine stopped working.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{engine} could not {step}")]
pub struct EngineError {
    /// Which engine.
    pub engine: &'static str,
    /// What it was doing.
    pub step: &'static str,
}

/// Why an engine cannot be used on this computer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// It is not in this program.
    #[error("this build of the program does not include the {0} engine")]
    NotBuilt(&'static str),
    /// It exists on other systems only.
    #[error("{0} is used on Linux only")]
    OtherSystem(&'static str),
    /// Its library is not installed.
    #[error("{library} is not installed; on Debian and Ubuntu it comes with the package {package}")]
    NoLibrary {
        /// The file's name.
        library: &'static str,
        /// Where it comes from.
        package: &'static str,
    },
    /// Its library is another one than expected.
    #[error("{library} lacks {symbol}; another version of it is installed than this program knows")]
    OtherVersion {
        /// The file's name.
        library: &'static str,
        /// What is missing.
        symbol: String,
    },
    /// It has no model yet.
    #[error("no speech model is installed at {}", .0.display())]
    NoModel(PathBuf),
    /// It does not take the model.
    #[error("the speech model at {} cannot be loaded", .0.display())]
    BadModel(PathBuf),
}

/// Which engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// PocketSphinx, with the model that Debian packages, or the one in this folder.
    PocketSphinx(Option<PathBuf>),
    /// Whisper, with this model file, for this language.
    Whisper {
        /// The ggml file.
        model: PathBuf,
        /// A code such as `en`; detected where absent.
        language: Option<String>,
    },
}

/// Looks whether an engine could be started, without loading its model.
///
/// # Errors
///
/// [`Unavailable`], for people.
pub fn look(choice: &Choice) -> Result<(), Unavailable> {
    match choice {
        #[cfg(target_os = "linux")]
        Choice::PocketSphinx(folder) => pocketsphinx::look(folder.as_deref()),
        #[cfg(not(target_os = "linux"))]
        Choice::PocketSphinx(_) => Err(Unavailable::OtherSystem("PocketSphinx")),
        Choice::Whisper { .. } if !cfg!(feature = "whisper") => {
            Err(Unavailable::NotBuilt("Whisper"))
        }
        Choice::Whisper { model, .. } => match model.is_file() {
            true => Ok(()),
            false => Err(Unavailable::NoModel(model.clone())),
        },
    }
}

/// Starts an engine; loading a model takes up to some seconds.
///
/// # Errors
///
/// [`Unavailable`], for people.
pub fn open(choice: &Choice) -> Result<Box<dyn Engine>, Unavailable> {
    match choice {
        #[cfg(target_os = "linux")]
        Choice::PocketSphinx(folder) => {
            let engine = pocketsphinx::PocketSphinx::open(folder.as_deref())?;
            Ok(Box::new(engine))
        }
        #[cfg(not(target_os = "linux"))]
        Choice::PocketSphinx(_) => Err(Unavailable::OtherSystem("PocketSphinx")),
        #[cfg(feature = "whisper")]
        Choice::Whisper { model, language } => {
            let engine = whisper::Whisper::open(model, language.as_deref())?;
            Ok(Box::new(engine))
        }
        #[cfg(not(feature = "whisper"))]
        Choice::Whisper { .. } => Err(Unavailable::NotBuilt("Whisper")),
    }
}
