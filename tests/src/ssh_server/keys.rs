//! Key files made by ssh-keygen, so that the formats under test are OpenSSH's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::Program;
use crate::tools;

/// How long ssh-keygen may take; RSA keys on a loaded machine are the slow ones.
const LIMIT: Duration = Duration::from_secs(30);

/// A private key file with its public half beside it (`.pub`).
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// Makes a key of `kind` (`ed25519`, `rsa`, `ecdsa`) at `path`, encrypted unless `passphrase` is empty.
    ///
    /// # Errors
    ///
    /// When ssh-keygen is missing or refuses.
    pub async fn generate(path: &Path, kind: &str, passphrase: &str) -> Result<Self> {
        Program::new(tools::system("/usr/bin/ssh-keygen")?)
            .args(["-q", "-t", kind, "-N", passphrase, "-C", "e2e", "-f"])
            .arg(path)
            .run(LIMIT)
            .await?
            .ok()?;
        Ok(Self {
            path: path.to_path_buf(),
        })
    }

    /// The private half.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The public half, as a line of an authorized-keys file.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn public_line(&self) -> Result<String> {
        Ok(fs::read_to_string(self.public_path())?)
    }

    /// The fingerprint in the words of `ssh-keygen -l`: `SHA256:…`.
    ///
    /// # Errors
    ///
    /// When ssh-keygen cannot tell.
    pub async fn fingerprint(&self) -> Result<String> {
        let told = Program::new(tools::system("/usr/bin/ssh-keygen")?)
            .arg("-lf")
            .arg(self.public_path())
            .run(LIMIT)
            .await?
            .ok()?;
        let second = told.split_whitespace().nth(1).context("no fingerprint")?;
        Ok(second.to_owned())
    }

    fn public_path(&self) -> PathBuf {
        self.path.with_extension("pub")
    }
}
