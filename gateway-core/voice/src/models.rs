//! The speech models that can be had for Whisper, where they are kept, and getting one.
//!
//! The list is what the publisher documents: names, sizes and SHA-1 checksums of whisper.cpp's own
//! models. None of them was ever downloaded or heard by those who wrote this. Nothing is downloaded but
//! on a person's click; a model of one's own can be chosen as a file instead.

mod download;

#[cfg(test)]
mod tests;

pub use download::{DownloadError, Progress, Source, fetch};

use std::io;
use std::path::{Path, PathBuf};

/// Where the publisher has them.
const PUBLISHER: &str = "https://huggingface.co/ggerganov/whisper.cpp/resolve/main";

/// Which languages a model knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Languages {
    /// English alone, and better at it than one of the same size that knows many.
    English,
    /// About a hundred.
    Many,
}

/// A model that can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// Its name in the settings, such as `base.en`.
    pub id: &'static str,
    /// Its size as published, in MiB.
    pub mib: u32,
    /// Its SHA-1 as published.
    pub sha1: &'static str,
    /// What it knows.
    pub languages: Languages,
}

/// The licence of all of them.
pub const LICENCE: &str = "MIT";

/// All of them, smallest first.
pub const MODELS: [Model; 5] = [
    Model {
        id: "tiny.en",
        mib: 75,
        sha1: "c78c86eb1a8faa21b369bcd33207cc90d64ae9df",
        languages: Languages::English,
    },
    Model {
        id: "tiny",
        mib: 75,
        sha1: "bd577a113a864445d4c299885e0cb97d4ba92b5f",
        languages: Languages::Many,
    },
    Model {
        id: "base.en",
        mib: 142,
        sha1: "137c40403d78fd54d454da0f9bd998f78703390c",
        languages: Languages::English,
    },
    Model {
        id: "base",
        mib: 142,
        sha1: "465707469ff3a37a2b9b8d8f89f2f99de7299dac",
        languages: Languages::Many,
    },
    Model {
        id: "small",
        mib: 466,
        sha1: "55356645c2b361a969dfd0ef2c5a50d530afd8d5",
        languages: Languages::Many,
    },
];

impl Model {
    /// Finds one by its name.
    pub fn named(id: &str) -> Option<&'static Self> {
        MODELS.iter().find(|model| model.id == id)
    }

    /// Returns where it is kept below the folder for models.
    pub fn file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("ggml-{}.bin", self.id))
    }

    /// Returns where it is downloaded from, and what has to come.
    pub fn source(&self) -> Source {
        Source {
            url: format!("{PUBLISHER}/ggml-{}.bin", self.id),
            sha1: self.sha1.to_owned(),
            // Sizes are published rounded; what is much larger is something else.
            at_most: u64::from(self.mib + 8) * 1024 * 1024,
        }
    }

    /// Returns whether it is installed. Only what had the right checksum ever gets this name.
    pub fn is_installed(&self, folder: &Path) -> bool {
        self.file(folder).is_file()
    }

    /// Returns how much of it waits for its download to go on, in bytes.
    pub fn begun(&self, folder: &Path) -> u64 {
        let part = download::part_of(&self.file(folder));
        part.metadata().map_or(0, |part| part.len())
    }

    /// Removes it, and what there is of its download.
    ///
    /// # Errors
    ///
    /// Where the file is there and cannot be removed.
    pub fn remove(&self, folder: &Path) -> io::Result<()> {
        let file = self.file(folder);
        for file in [download::part_of(&file), file] {
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}
