//! The file that keeps [`Settings`]: `settings.json5`.
//!
//! A save writes only what changed since the last load into whatever the file holds by then, so
//! comments, unknown keys and another program's changes survive. A file that cannot be understood
//! is left untouched, and the last good values stay in force until it is mended or replaced.

use super::document::edit::EditError;
use super::document::{Document, Step};
use super::private_file::{self, PrivateFileError};
use super::problem::FileProblem;
use super::settings::{ProfileId, Settings, VERSION};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What a file of ours begins with.
const HEADING: &str = "// Settings of OpenClaw Tray. Comments and keys of your own are kept.\n";

/// How many backups of a broken file are kept before a replacement is refused.
const BACKUPS: u32 = 100;

/// The settings file and the last good values read from it.
#[derive(Debug)]
pub struct SettingsFile {
    path: PathBuf,
    settings: Settings,
    document: Option<Document>,
    problem: Option<FileProblem>,
}

/// Why the settings were not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The file holds something we cannot read, and a save would lose it.
    #[error("the settings file is not overwritten while it cannot be read: {0}")]
    Broken(FileProblem),
    /// The file could not be written.
    #[error("the settings were not saved")]
    File(#[from] PrivateFileError),
    /// The file's shape leaves no place for a key.
    #[error("the settings file cannot take the change")]
    Edit(#[from] EditError),
    /// The values could not be written as JSON5.
    #[error("the settings could not be written as text")]
    Encode(#[from] serde_json::Error),
    /// There are already too many backups of broken files.
    #[error("{folder} already holds {BACKUPS} backups of settings; remove some of them first")]
    TooManyBackups {
        /// The folder.
        folder: PathBuf,
    },
}

impl SettingsFile {
    /// Names the file; nothing is read yet, and the values are those of a first start.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            settings: Settings::new(ProfileId::generate()),
            document: None,
            problem: None,
        }
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the values in force: the last ones read well or saved.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns what is wrong with the file, if anything.
    pub fn problem(&self) -> Option<&FileProblem> {
        self.problem.as_ref()
    }

    /// Returns whether the file itself states a value at a path, rather than leaving it to us.
    pub fn states(&self, path: &[Step]) -> bool {
        self.document
            .as_ref()
            .is_some_and(|document| document.get(path).is_some())
    }

    /// Reads the file; a missing one means a first start and is no problem.
    ///
    /// # Errors
    ///
    /// Names line, column and key of the first thing that cannot be used; the values in force and
    /// the file stay as they were.
    pub fn load(&mut self) -> Result<&Settings, FileProblem> {
        match self.read() {
            Ok(Some((document, settings))) => {
                self.settings = settings;
                self.document = Some(document);
                self.problem = None;
                Ok(&self.settings)
            }
            Ok(None) => {
                self.document = None;
                self.problem = None;
                Ok(&self.settings)
            }
            Err(problem) => {
                self.problem = Some(problem.clone());
                Err(problem)
            }
        }
    }

    /// Saves what changed; the file's other bytes stay as they are.
    ///
    /// # Errors
    ///
    /// Refuses while the file cannot be read, and fails when it cannot be written; the file and
    /// the values in force are then unchanged.
    pub fn save(&mut self, settings: &Settings) -> Result<(), SaveError> {
        // The file is read again: somebody may have edited it, or broken it, since.
        let current = match self.read() {
            Ok(current) => current,
            Err(problem) => {
                self.problem = Some(problem.clone());
                return Err(SaveError::Broken(problem));
            }
        };
        let document = match current {
            None => fresh_document(settings)?,
            Some((document, _)) => changed_document(document, &self.settings, settings)?,
        };
        self.write(document, settings)
    }

    /// Keeps the broken file under another name and writes the settings in its place.
    ///
    /// Returns the backup's path; `None` when there was no file to keep.
    ///
    /// # Errors
    ///
    /// Fails when the backup or the new file cannot be written; the broken file is then intact.
    pub fn replace(&mut self, settings: &Settings) -> Result<Option<PathBuf>, SaveError> {
        let backup = self.back_up()?;
        self.write(fresh_document(settings)?, settings)?;
        Ok(backup)
    }

    fn read(&self) -> Result<Option<(Document, Settings)>, FileProblem> {
        let text = match private_file::read(&self.path) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(None),
            Err(error) => return Err(FileProblem::unreadable(&self.path, &error)),
        };
        let document = Document::parse(text).map_err(|fault| fault.in_file(&self.path))?;
        let settings =
            Settings::read(&document, &self.settings).map_err(|fault| fault.in_file(&self.path))?;
        Ok(Some((document, settings)))
    }

    fn write(&mut self, document: Document, settings: &Settings) -> Result<(), SaveError> {
        private_file::replace(&self.path, document.text())?;
        self.document = Some(document);
        self.settings = settings.clone();
        self.problem = None;
        Ok(())
    }

    /// Copies byte for byte, since what is broken may not even be text.
    fn back_up(&self) -> Result<Option<PathBuf>, SaveError> {
        let io = |path: &Path, doing| {
            let path = path.to_owned();
            move |source| PrivateFileError::Io {
                path,
                doing,
                source,
            }
        };
        if !self.path.exists() {
            return Ok(None);
        }
        for number in 1..=BACKUPS {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".broken-{number}"));
            let backup = PathBuf::from(name);
            // A hard link appears at once and never over an existing name.
            match std::fs::hard_link(&self.path, &backup) {
                Ok(()) => return Ok(Some(backup)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(_) if backup.exists() => {}
                // Some file systems have no links.
                Err(_) => {
                    std::fs::copy(&self.path, &backup).map_err(io(&backup, "written"))?;
                    return Ok(Some(backup));
                }
            }
        }
        let folder = self.path.parent().unwrap_or(Path::new(".")).to_owned();
        Err(SaveError::TooManyBackups { folder })
    }
}

/// Writes settings to a file that does not exist yet.
fn fresh_document(settings: &Settings) -> Result<Document, SaveError> {
    let mut document =
        Document::parse(format!("{HEADING}{{\n}}\n")).map_err(EditError::Unparsable)?;
    document = document.set(&["version".into()], &VERSION.into())?;
    if let Value::Object(values) = serde_json::to_value(settings)? {
        for (key, value) in values {
            document = document.set(&[Step::Key(key)], &value)?;
        }
    }
    Ok(document)
}

/// Writes the difference between two settings into a document.
fn changed_document(
    mut document: Document,
    old: &Settings,
    new: &Settings,
) -> Result<Document, SaveError> {
    let (old_values, new_values) = (serde_json::to_value(old)?, serde_json::to_value(new)?);
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    for (key, value) in members(&new_values) {
        if key != "profiles" && old_values.get(&key) != Some(&value) {
            document = document.set(&[Step::Key(key)], &value)?;
        }
    }
    let list = |value: &Value| {
        let list = value.get("profiles").and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    let (old_profiles, new_profiles) = (list(&old_values), list(&new_values));
    for old_profile in &old_profiles {
        let kept = new_profiles
            .iter()
            .any(|profile| profile.get("id") == old_profile.get("id"));
        if let (false, Some(place)) = (kept, place_of(&document, old_profile)) {
            document = document.remove(&place)?;
        }
    }
    for profile in &new_profiles {
        let old_profile = old_profiles
            .iter()
            .find(|old| old.get("id") == profile.get("id"));
        document = match place_of(&document, profile) {
            None => {
                let end = document.array_len(&["profiles".into()]).unwrap_or(0);
                document.set(&["profiles".into(), end.into()], profile)?
            }
            Some(place) => {
                let mut document = document;
                for (key, value) in members(profile) {
                    if old_profile.and_then(|old| old.get(&key)) != Some(&value) {
                        let mut path = place.clone();
                        path.push(Step::Key(key));
                        document = document.set(&path, &value)?;
                    }
                }
                document
            }
        };
    }
    Ok(document)
}

/// Finds the entry of the list that has a profile's id.
fn place_of(document: &Document, profile: &Value) -> Option<Vec<Step>> {
    let id = profile.get("id")?;
    let length = document.array_len(&["profiles".into()])?;
    (0..length)
        .map(|index| vec![Step::from("profiles"), Step::from(index)])
        .find(|place| {
            let mut path = place.clone();
            path.push("id".into());
            document.get(&path).as_ref() == Some(id)
        })
}

#[cfg(test)]
mod tests {
    use super::super::settings::{Profile, RunsWhere, Theme};
    use super::*;

    struct Scratch {
        folder: tempfile::TempDir,
    }

    impl Scratch {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
            }
        }

        fn holding(text: &str) -> Self {
            let scratch = Self::new();
            std::fs::write(scratch.path(), text).unwrap();
            scratch
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("settings.json5")
        }

        fn file(&self) -> SettingsFile {
            SettingsFile::new(self.path())
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.path()).unwrap()
        }
    }

    #[test]
    fn a_first_save_can_be_read_back_and_is_commented() {
        let scratch = Scratch::new();
        let mut file = scratch.file();
        file.load().unwrap();
        let mut settings = file.settings().clone();
        settings.active_mut().unwrap().address = "me@box \"quoted\"".to_owned();
        settings.active_mut().unwrap().runs = RunsWhere::AnotherComputer;

        file.save(&settings).unwrap();

        assert!(scratch.text().starts_with("// "));
        assert_eq!(scratch.file().load().unwrap(), &settings);
    }

    #[test]
    fn a_save_changes_one_value_and_keeps_every_other_byte() {
        let text = "// mine\n{\n  version: 9, future: { deep: ['kept'] },\n  theme: 'dark', // at night\n  profiles: [\n    { id: 'a', address: 'me@old', jump: 'edge' /* mine too */ },\n  ],\n}\n";
        let scratch = Scratch::holding(text);
        let mut file = scratch.file();
        file.load().unwrap();
        let mut settings = file.settings().clone();
        settings.active_mut().unwrap().address = "me@new".to_owned();

        file.save(&settings).unwrap();

        assert_eq!(scratch.text(), text.replace("'me@old'", "\"me@new\""));
    }

    #[test]
    fn an_edit_made_by_hand_after_the_load_survives_a_save() {
        let scratch = Scratch::holding("{ theme: 'dark', profiles: [ { id: 'a' } ] }");
        let mut file = scratch.file();
        file.load().unwrap();
        let mut settings = file.settings().clone();
        std::fs::write(
            scratch.path(),
            "{ theme: 'light', profiles: [ { id: 'a' } ] } // mine",
        )
        .unwrap();
        settings.active_mut().unwrap().remote_port = 1;

        file.save(&settings).unwrap();

        assert_eq!(
            scratch.text(),
            "{ theme: 'light', profiles: [ { id: 'a', remotePort: 1 } ] } // mine"
        );
    }

    #[test]
    fn profiles_are_added_and_removed_one_by_one() {
        let scratch = Scratch::holding(
            "{ profiles: [\n  { id: 'a', mine: 1 },\n  { id: 'b', mine: 2 },\n] }",
        );
        let mut file = scratch.file();
        file.load().unwrap();
        let mut settings = file.settings().clone();
        settings.profiles.remove(0);
        settings
            .profiles
            .push(Profile::new(ProfileId::parse("c").unwrap()));
        settings.active_profile = ProfileId::parse("c").unwrap();

        file.save(&settings).unwrap();

        assert_eq!(scratch.file().load().unwrap(), &settings);
        assert!(!scratch.text().contains("mine: 1") && scratch.text().contains("mine: 2"));
    }

    #[test]
    fn a_broken_file_is_left_alone_and_the_last_good_values_stay() {
        let scratch = Scratch::holding("{ theme: 'dark' }");
        let mut file = scratch.file();
        file.load().unwrap();
        let good = file.settings().clone();
        for broken in [
            "{ theme: 'dark',\n  profiles: [",
            "",
            "{ theme: 5 }",
            "{ profiles: [ {} ] }",
        ] {
            std::fs::write(scratch.path(), broken).unwrap();

            let problem = file.load().unwrap_err();
            assert_eq!(problem.path, scratch.path());
            assert!(problem.line.is_some(), "{problem}");
            assert_eq!(file.settings(), &good);
            assert!(matches!(file.save(&good), Err(SaveError::Broken(_))));
            assert_eq!(scratch.text(), broken);
        }

        std::fs::write(scratch.path(), "{ theme: 'light' }").unwrap();
        assert_eq!(file.load().unwrap().theme, Theme::Light);
        assert_eq!(file.problem(), None);
    }

    #[test]
    fn a_file_that_is_not_text_is_broken_too() {
        let scratch = Scratch::new();
        std::fs::write(scratch.path(), [0xFF, 0xFE]).unwrap();

        let problem = scratch.file().load().unwrap_err();

        assert!(problem.message.contains("UTF-8"), "{problem}");
    }

    #[test]
    fn an_explicit_replacement_keeps_a_backup_each_time() {
        let scratch = Scratch::holding("broken one");
        let mut file = scratch.file();
        let settings = file.settings().clone();

        let first = file.replace(&settings).unwrap().unwrap();
        std::fs::write(scratch.path(), "broken two").unwrap();
        let second = file.replace(&settings).unwrap().unwrap();

        assert_eq!(std::fs::read_to_string(first).unwrap(), "broken one");
        assert_eq!(std::fs::read_to_string(second).unwrap(), "broken two");
        assert_eq!(scratch.file().load().unwrap(), &settings);
    }
}
