//! A home folder for one test: nothing of the machine's user is read, nothing is left behind.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;

/// Names the folder in which a debug build of ours takes notes of what its gateway says.
const WIRE_NOTES: &str = "OPENCLAW_WIRE_NOTES";

/// A temporary home with its own XDG folders and a `PATH` that holds no program at all.
#[derive(Debug)]
pub struct TempHome {
    dir: TempDir,
}

impl TempHome {
    /// Makes an empty home.
    ///
    /// # Errors
    ///
    /// When the folders cannot be made.
    pub fn new() -> Result<Self> {
        // A short prefix: socket paths below the runtime folder must stay under 108 bytes.
        let dir = tempfile::Builder::new().prefix("e2e-").tempdir()?;
        let home = Self { dir };
        for folder in [
            "bin",
            "tmp",
            "run",
            "home",
            "home/.config",
            "home/.local/share",
        ] {
            fs::create_dir_all(home.root().join(folder))?;
        }
        // Programs refuse a runtime folder others could read.
        fs::set_permissions(home.runtime_dir(), Permissions::from_mode(0o700))?;
        Ok(home)
    }

    /// The folder all others are in; what a leak is looked for in.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// `$HOME`.
    pub fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// `$XDG_CONFIG_HOME`.
    pub fn config_home(&self) -> PathBuf {
        self.home().join(".config")
    }

    /// `$XDG_DATA_HOME`.
    pub fn data_home(&self) -> PathBuf {
        self.home().join(".local/share")
    }

    /// `$XDG_RUNTIME_DIR`.
    pub fn runtime_dir(&self) -> PathBuf {
        self.root().join("run")
    }

    /// The only folder on `PATH`; empty until a test puts something in it.
    pub fn bin_dir(&self) -> PathBuf {
        self.root().join("bin")
    }

    /// The environment of a program that lives in this home.
    pub fn env(&self) -> Vec<(&'static str, OsString)> {
        // Where our gateway takes notes of what it says, for the check after all tests.
        let notes = std::env::var_os(WIRE_NOTES).map(|folder| (WIRE_NOTES, folder));
        let own = [
            ("HOME", self.home().into()),
            ("PATH", self.bin_dir().into()),
            ("TMPDIR", self.root().join("tmp").into()),
            ("XDG_CACHE_HOME", self.home().join(".cache").into()),
            ("XDG_CONFIG_HOME", self.config_home().into()),
            ("XDG_DATA_HOME", self.data_home().into()),
            ("XDG_RUNTIME_DIR", self.runtime_dir().into()),
            ("XDG_STATE_HOME", self.home().join(".local/state").into()),
        ];
        own.into_iter().chain(notes).collect()
    }

    /// Writes a file that only its owner may read, such as a token, and returns its path.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write_private(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.root().join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(path)
    }
}
