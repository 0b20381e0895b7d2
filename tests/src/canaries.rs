//! Looks for a secret where none may be: in files, in the arguments and environments of processes,
//! in what was logged; plain and in the encodings a leak usually wears.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::temp_home::TempHome;
use crate::webdriver::Window;

/// A secret and what it is, such as "gateway token".
#[derive(Debug, Clone)]
pub struct Canary {
    /// What it is; names it in a report, which must not hold the secret itself.
    pub slot: String,
    /// The secret. Long enough to be found nowhere by chance.
    pub value: String,
}

impl Canary {
    /// Names a secret.
    ///
    /// # Errors
    ///
    /// When it is so short that chance could find it.
    pub fn new(slot: &str, value: &str) -> Result<Self> {
        ensure!(
            value.len() >= 16,
            "the {slot} is too short to be looked for"
        );
        Ok(Self {
            slot: slot.to_owned(),
            value: value.to_owned(),
        })
    }

    /// The forms it is looked for in, each with its name.
    fn forms(&self) -> Vec<(&'static str, String)> {
        let bytes = self.value.as_bytes();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let percent: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
        let mut forms = vec![("plain", self.value.clone())];
        forms.push(("hex", hex));
        forms.push(("percent", percent));
        forms.push(("percent where needed", percent_where_needed(&self.value)));
        // Base64 of a secret inside a longer text depends on where it begins: three alignments,
        // without the characters at either end that mix with the neighbours.
        for (shift, name) in [(0, "base64"), (1, "base64 at 1"), (2, "base64 at 2")] {
            let mut padded = vec![0; shift];
            padded.extend_from_slice(bytes);
            let whole = STANDARD_NO_PAD.encode(&padded);
            let begin = (shift * 8).div_ceil(6);
            let end = padded.len() * 8 / 6;
            let core = whole.get(begin..end).unwrap_or_default();
            forms.push((name, core.to_owned()));
            forms.push((name, core.replace('+', "-").replace('/', "_")));
        }
        forms
    }
}

/// Bytes a URL cannot carry become `%XX`.
fn percent_where_needed(value: &str) -> String {
    value
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// A place a secret was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Which secret.
    pub slot: String,
    /// In which form.
    pub form: &'static str,
    /// Where.
    pub place: String,
}

/// Looks for secrets in the places it is shown.
#[derive(Debug, Default)]
pub struct Search {
    canaries: Vec<Canary>,
    /// Files that hold a secret by right, such as the token file a user wrote.
    rightful: Vec<PathBuf>,
    leaks: Vec<Leak>,
    bytes_seen: usize,
}

impl Search {
    /// Begins a search for `canaries`; `rightful` files are not looked into.
    pub fn new(canaries: Vec<Canary>, rightful: Vec<PathBuf>) -> Self {
        Self {
            canaries,
            rightful,
            ..Self::default()
        }
    }

    /// Looks into a text, such as a log that was captured.
    pub fn text(&mut self, place: &str, text: &[u8]) {
        self.bytes_seen += text.len();
        // Hex and percent are looked for in either case.
        let text = String::from_utf8_lossy(text);
        let lower = text.to_ascii_lowercase();
        for canary in &self.canaries {
            for (form, shape) in canary.forms() {
                let found = if matches!(form, "hex" | "percent") {
                    lower.contains(&shape)
                } else {
                    text.contains(&shape)
                };
                if found {
                    self.leaks.push(Leak {
                        slot: canary.slot.clone(),
                        form,
                        place: place.to_owned(),
                    });
                }
            }
        }
    }

    /// Looks into every file below a folder, and at their names.
    ///
    /// # Errors
    ///
    /// When a folder cannot be listed.
    pub fn folder(&mut self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if self.rightful.contains(&path) {
                continue;
            }
            self.text("a file's name", path.to_string_lossy().as_bytes());
            let kind = fs::symlink_metadata(&path)?.file_type();
            if kind.is_dir() {
                self.folder(&path)?;
            } else if kind.is_file() {
                self.text(&path.to_string_lossy(), &fs::read(&path)?);
            }
        }
        Ok(())
    }

    /// Looks at the arguments and the environment of a running process.
    ///
    /// # Errors
    ///
    /// When it no longer runs: a search of nothing proves nothing.
    pub fn process(&mut self, pid: u32) -> Result<()> {
        for file in ["cmdline", "environ"] {
            let path = format!("/proc/{pid}/{file}");
            self.text(&path, &fs::read(&path)?);
        }
        Ok(())
    }

    /// Looks at an open window: the arguments and environments of its processes, and what was logged.
    ///
    /// # Errors
    ///
    /// When a process ends meanwhile.
    pub fn window(&mut self, window: &Window) -> Result<()> {
        for pid in window.pids() {
            self.process(pid)?;
        }
        self.text("what was logged", window.log().as_bytes());
        Ok(())
    }

    /// Looks at an open window, closes it, looks at every file of its user, and demands that nothing
    /// was found.
    ///
    /// # Errors
    ///
    /// When something was found, or too little was looked at to say so.
    pub async fn window_leaves_nothing(mut self, window: Window, home: &TempHome) -> Result<()> {
        self.window(&window)?;
        window.close().await?;
        self.home_holds_nothing(home)
    }

    /// Looks at every file of a user, and demands that nothing was found there or before.
    ///
    /// # Errors
    ///
    /// When something was found, or too little was looked at to say so.
    pub fn home_holds_nothing(mut self, home: &TempHome) -> Result<()> {
        self.folder(home.root())?;
        self.found_nothing(10_000)
    }

    /// Demands that nothing was found, in so many bytes at least.
    ///
    /// # Errors
    ///
    /// When something was found, or too little was looked at to say so.
    pub fn found_nothing(self, least: usize) -> Result<()> {
        let (leaks, bytes) = self.finish();
        ensure!(leaks.is_empty(), "{leaks:?}");
        ensure!(bytes >= least, "only {bytes} bytes were looked at");
        Ok(())
    }

    /// Ends the search and returns what was found, with how many bytes were looked at.
    pub fn finish(self) -> (Vec<Leak>, usize) {
        (self.leaks, self.bytes_seen)
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

    use super::*;

    const SECRET: &str = "canary/+secret~0123456789";

    fn found_in(text: &str) -> bool {
        let mut search = Search::new(vec![Canary::new("token", SECRET).unwrap()], Vec::new());
        search.text("here", text.as_bytes());
        !search.finish().0.is_empty()
    }

    #[test]
    fn every_form_of_a_planted_secret_is_found() {
        let hex: String = SECRET.bytes().map(|byte| format!("{byte:02X}")).collect();
        let planted = [
            format!("token={SECRET}"),
            hex,
            percent_where_needed(SECRET),
            STANDARD.encode(SECRET),
            URL_SAFE.encode(format!("a{SECRET}b")),
            URL_SAFE_NO_PAD.encode(format!("ab{SECRET}")),
            STANDARD.encode(format!("user:{SECRET}\n")),
        ];
        for text in planted {
            assert!(found_in(&text), "not found in: {text}");
        }
    }

    #[test]
    fn a_text_without_the_secret_is_clean() {
        assert!(!found_in("token=<redacted> and canary alone"));
    }

    #[test]
    fn folders_and_processes_are_looked_into() {
        let folder = tempfile::tempdir().unwrap();
        let rightful = folder.path().join("token-file");
        fs::write(&rightful, SECRET).unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(
            folder.path().join("deep/settings.json5"),
            format!("{{ token: '{SECRET}' }}"),
        )
        .unwrap();
        let mut search = Search::new(vec![Canary::new("token", SECRET).unwrap()], vec![rightful]);
        search.folder(folder.path()).unwrap();
        search.process(std::process::id()).unwrap();
        let (leaks, bytes) = search.finish();
        assert_eq!(leaks.len(), 1, "{leaks:?}");
        assert!(
            leaks
                .iter()
                .all(|leak| leak.place.ends_with("settings.json5"))
        );
        assert!(bytes > 0);
    }

    #[test]
    fn a_secret_that_chance_could_find_is_refused() {
        Canary::new("code", "123456").unwrap_err();
    }
}
