//! PocketSphinx, through the library that Linux distributions package; English, small, and quick.
//!
//! Triggers are spotted as key phrases; its dictionary has to know their words. A name it does not know
//! is tried as two words it knows ("openclaw" as "open claw"); what remains is told as not recognised.

mod library;

use super::{Engine, EngineError, Heard, Task, Unavailable};
use crate::triggers::Triggers;
use library::Decoder;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Where Debian's model is.
const MODEL: &str = "/usr/share/pocketsphinx/model/en-us";
const NAME: &str = "PocketSphinx";
/// A part of a name is no shorter than this.
const SHORTEST_PART: usize = 3;

/// How sure it has to be of a key phrase, as a power of ten, by how many sounds the phrase has.
///
/// A short phrase is found in other speech more easily, so it has to be surer of it. Measured with
/// `scripts/bench voice`.
fn sureness(phones: usize) -> i32 {
    match phones {
        0..=4 => -1,
        5..=6 => -4,
        7..=8 => -9,
        9..=10 => -20,
        _ => -30,
    }
}

/// The engine.
pub struct PocketSphinx {
    decoder: Decoder,
    /// What is spotted for each trigger; none where it cannot be spelled.
    phrases: Vec<Option<String>>,
    last: String,
}

impl PocketSphinx {
    /// Opens the library and a model: the one in the folder, else the one Debian packages.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: the library or the model is not there, or cannot be used.
    pub fn open(folder: Option<&Path>) -> Result<Self, Unavailable> {
        let folder = folder_of(folder);
        let [acoustic, words, dictionary] = parts_of(&folder);
        let decoder = Decoder::open(&folder, &acoustic, &words, &dictionary)?;
        Ok(Self {
            decoder,
            phrases: Vec::new(),
            last: String::new(),
        })
    }

    /// Finds words of the dictionary that sound like the trigger.
    fn spelled(&self, trigger: &str) -> Option<(String, usize)> {
        let mut phrase = String::new();
        let mut phones = 0;
        for word in trigger.split_whitespace() {
            let word: String = word
                .chars()
                .filter(|letter| letter.is_alphanumeric() || *letter == '\'')
                .flat_map(char::to_lowercase)
                .collect();
            if word.is_empty() {
                continue;
            }
            let (spelled, sounds) = self.known(&word).or_else(|| self.in_two(&word))?;
            if !phrase.is_empty() {
                phrase.push(' ');
            }
            phrase.push_str(&spelled);
            phones += sounds;
        }
        (!phrase.is_empty()).then_some((phrase, phones))
    }

    fn known(&self, word: &str) -> Option<(String, usize)> {
        Some((word.to_owned(), self.decoder.phones(word)?))
    }

    fn in_two(&self, word: &str) -> Option<(String, usize)> {
        let cuts: Vec<usize> = word.char_indices().map(|(at, _)| at).collect();
        let middle = cuts.len() / 2;
        let mut places: Vec<usize> =
            (SHORTEST_PART..cuts.len().saturating_sub(SHORTEST_PART - 1)).collect();
        // The most even cut first: a compound's parts are seldom very different.
        places.sort_by_key(|place| place.abs_diff(middle));
        places.into_iter().find_map(|place| {
            let (front, back) = word.split_at(*cuts.get(place)?);
            let phones = self.decoder.phones(front)? + self.decoder.phones(back)?;
            Some((format!("{front} {back}"), phones))
        })
    }
}

/// Looks whether library and model are there.
///
/// # Errors
///
/// [`Unavailable`], as from opening it.
pub fn look(folder: Option<&Path>) -> Result<(), Unavailable> {
    library::look()?;
    let folder = folder_of(folder);
    match parts_of(&folder).iter().all(|part| part.exists()) {
        true => Ok(()),
        false => Err(Unavailable::NoModel(folder)),
    }
}

fn folder_of(folder: Option<&Path>) -> PathBuf {
    folder.map_or_else(|| PathBuf::from(MODEL), Path::to_owned)
}

/// Sounds, words and how they are pronounced.
fn parts_of(folder: &Path) -> [PathBuf; 3] {
    ["en-us", "en-us.lm.bin", "cmudict-en-us.dict"].map(|name| folder.join(name))
}

impl std::fmt::Debug for PocketSphinx {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PocketSphinx")
            .field("phrases", &self.phrases)
            .finish_non_exhaustive()
    }
}

impl Engine for PocketSphinx {
    fn learn(&mut self, triggers: &Triggers) -> Result<Vec<usize>, EngineError> {
        let mut list = String::new();
        self.phrases.clear();
        for trigger in triggers.as_slice() {
            let spelled = self.spelled(trigger);
            if let Some((phrase, phones)) = &spelled
                && writeln!(list, "{phrase} /1e{}/", sureness(*phones)).is_err()
            {
                return Err(failed("learn the triggers"));
            }
            self.phrases.push(spelled.map(|(phrase, _)| phrase));
        }
        if !list.is_empty() {
            self.decoder
                .spot(&list)
                .ok_or(failed("learn the triggers"))?;
        }
        let unknown = self.phrases.iter().enumerate();
        Ok(unknown
            .filter_map(|(place, phrase)| phrase.is_none().then_some(place))
            .collect())
    }

    fn begin(&mut self, task: Task) -> Result<(), EngineError> {
        self.last.clear();
        let spots = self.phrases.iter().any(Option::is_some);
        self.decoder
            .start(task == Task::Trigger && spots)
            .ok_or(failed("begin"))
    }

    fn feed(&mut self, samples: &[i16]) -> Result<Option<Heard>, EngineError> {
        self.decoder.feed(samples).ok_or(failed("listen"))?;
        let Some(text) = self.decoder.text() else {
            return Ok(None);
        };
        if self.decoder.is_spotting() {
            // Several may be told at once, the newest last, with two spaces between them.
            let found = self.phrases.iter().position(|phrase| {
                phrase
                    .as_ref()
                    .is_some_and(|phrase| text.split("  ").any(|one| one.trim() == phrase))
            });
            return Ok(found.map(Heard::Trigger));
        }
        if text == self.last {
            return Ok(None);
        }
        self.last.clone_from(&text);
        Ok(Some(Heard::Partial(text)))
    }

    fn finish(&mut self) -> Result<String, EngineError> {
        let spotting = self.decoder.is_spotting();
        self.decoder.end().ok_or(failed("end"))?;
        match spotting {
            true => Ok(String::new()),
            false => Ok(self.decoder.text().unwrap_or_default()),
        }
    }
}

fn failed(step: &'static str) -> EngineError {
    EngineError { engine: NAME, step }
}

#[cfg(test)]
mod tests;
