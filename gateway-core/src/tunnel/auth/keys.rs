//! Private key files: OpenSSH, PEM, PKCS#8 and PuTTY, locked or not.

mod cost;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;

use super::certificates::{self, CertificateFile};
use super::memory::SignInMemory;
use crate::credentials::secret::KeyPassphrase;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cost::{Cost, MOST_COSTLY};
use russh::keys::{self, Algorithm, Certificate, PrivateKey, PublicKey};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A key file larger than this is something else.
const MAX_KEY_FILE: u64 = 256 * 1024;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// It holds no private key in a format we know.
    #[error("it holds no private key in OpenSSH, PEM, PKCS#8 or PuTTY format")]
    NotAKey,
    /// It holds the public half, and the agent does not hold the private one.
    #[error("it holds only the public half of a key, and the agent does not have that key")]
    OnlyPublic,
    /// It is larger than any key.
    #[error("it is too large for a key")]
    TooLarge,
    /// It stands for a key inside a security key, which only an agent can use.
    #[error(
        "it belongs to a security key (FIDO), which only an SSH agent can use; \
         plug the security key in and add the file to the agent with ssh-add"
    )]
    SecurityKey,
    /// It is locked in a way that cannot be undone here.
    #[error(
        "it is locked in an old format ({0}); ssh-keygen -p -f followed by its name writes it anew"
    )]
    OldLock(String),
    /// Opening its lock would take minutes, or more memory than there may be.
    #[error(
        "its lock takes too long to open; \
         ssh-keygen -p -a 100 -f followed by its name writes it anew"
    )]
    CostlyLock,
    /// PuTTY wrote it long ago.
    #[error(
        "it is in a PuTTY format that cannot be read; \
         puttygen with -O private-openssh writes it in OpenSSH's"
    )]
    OldPutty,
    /// DSA is gone from OpenSSH.
    #[error("it is a DSA key, which servers no longer accept; make an Ed25519 key instead")]
    Dsa,
}

/// A key file as far as it could be read without asking anybody.
pub(in crate::tunnel) struct KeyFile {
    pub(super) path: PathBuf,
    pub(super) key: FileKey,
}

pub(super) enum FileKey {
    /// Ready to sign.
    Ready(Arc<PrivateKey>),
    /// Encrypted. The public half is known if the format or a `.pub` beside it tells it.
    Locked {
        public: Option<PublicKey>,
        passphrase_was_wrong: bool,
    },
    /// There is no private key here, but a `.pub` file that selects one of the agent's keys.
    PublicOnly(PublicKey),
    /// The private key is in a security key; this is its public half.
    SecurityKey(PublicKey),
    /// There is nothing here.
    Missing,
    /// There is something else here.
    Bad(KeyFileError),
}

impl KeyFile {
    /// Returns the public half, if it is known.
    pub(super) fn public(&self) -> Option<&PublicKey> {
        match &self.key {
            FileKey::Ready(key) => Some(key.public_key()),
            FileKey::Locked { public, .. } => public.as_ref(),
            FileKey::PublicOnly(public) | FileKey::SecurityKey(public) => Some(public),
            FileKey::Missing | FileKey::Bad(_) => None,
        }
    }
}

/// What there is to sign in with on the disk.
#[derive(Default)]
pub(in crate::tunnel) struct Files {
    pub(super) keys: Vec<KeyFile>,
    pub(super) certificates: Vec<CertificateFile>,
}

/// Reads key files and their certificates, and unlocks those whose passphrase is remembered.
///
/// Unlocking is slow on purpose, so this runs beside the dial, on a thread that may block.
pub(in crate::tunnel) async fn load(
    paths: Vec<PathBuf>,
    certificates: Vec<PathBuf>,
    memory: &SignInMemory,
) -> Files {
    let files: Vec<(PathBuf, Option<KeyPassphrase>, bool)> = paths
        .into_iter()
        .map(|path| {
            let passphrase = memory.passphrase(&path).cloned();
            let was_wrong = memory.passphrase_is_wrong(&path);
            (path, passphrase, was_wrong)
        })
        .collect();
    let read = tokio::task::spawn_blocking(move || {
        let keys: Vec<KeyFile> = files
            .into_iter()
            .map(|(path, passphrase, was_wrong)| {
                let key = read(&path, passphrase.as_ref(), was_wrong);
                KeyFile { path, key }
            })
            .collect();
        let certificates = certificates::read(certificates, &keys);
        Files { keys, certificates }
    });
    match read.await {
        Ok(files) => files,
        // The reading thread died of a key file no decoder survives: as good as no key.
        Err(error) => {
            tracing::warn!(%error, "key files could not be read");
            Files::default()
        }
    }
}

fn read(path: &Path, passphrase: Option<&KeyPassphrase>, was_wrong: bool) -> FileKey {
    let text = match read_text(path) {
        Ok(text) => text,
        Err(KeyFileError::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => {
            return public_beside(path).map_or(FileKey::Missing, FileKey::PublicOnly);
        }
        Err(error) => return FileKey::Bad(error),
    };
    // Somebody may well choose the public file, or the certificate; either still tells which of the
    // agent's keys is meant.
    if let Ok(certificate) = Certificate::from_openssh(text.trim()) {
        return FileKey::PublicOnly(certificates::certified_key(&certificate));
    }
    if let Ok(public) = PublicKey::from_openssh(text.trim()) {
        return FileKey::PublicOnly(public);
    }
    match decode(&text, None) {
        Decoded::Key(key) => FileKey::Ready(Arc::new(*key)),
        Decoded::SecurityKey(public) => FileKey::SecurityKey(public),
        Decoded::Bad(error) => FileKey::Bad(error),
        Decoded::Locked(public) => {
            let public = public.or_else(|| public_beside(path));
            let Some(passphrase) = passphrase else {
                return FileKey::Locked {
                    public,
                    passphrase_was_wrong: was_wrong,
                };
            };
            match decode(&text, Some(passphrase.expose())) {
                Decoded::Key(key) => FileKey::Ready(Arc::new(*key)),
                Decoded::Bad(error @ KeyFileError::CostlyLock) => FileKey::Bad(error),
                Decoded::SecurityKey(_) | Decoded::Locked(_) | Decoded::Bad(_) => FileKey::Locked {
                    public,
                    passphrase_was_wrong: true,
                },
            }
        }
    }
}

enum Decoded {
    Key(Box<PrivateKey>),
    SecurityKey(PublicKey),
    Locked(Option<PublicKey>),
    Bad(KeyFileError),
}

fn decode(text: &str, passphrase: Option<&str>) -> Decoded {
    // The file says how often its passphrase is hashed, and may say anything.
    if passphrase.is_some() && !Cost::of(text).is_within(&MOST_COSTLY) {
        return Decoded::Bad(KeyFileError::CostlyLock);
    }
    // OpenSSH's format keeps the public half readable, so a locked key can be offered before
    // anybody is asked to unlock it.
    if let Ok(key) = PrivateKey::from_openssh(text) {
        let algorithm = key.algorithm();
        if matches!(
            algorithm,
            Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256
        ) {
            return Decoded::SecurityKey(key.public_key().clone());
        }
        if algorithm == Algorithm::Dsa {
            return Decoded::Bad(KeyFileError::Dsa);
        }
        return match (key.is_encrypted(), passphrase) {
            (false, _) => Decoded::Key(Box::new(key)),
            (true, None) => Decoded::Locked(Some(key.public_key().clone())),
            (true, Some(passphrase)) => match key.decrypt(passphrase) {
                Ok(key) => Decoded::Key(Box::new(key)),
                Err(_) => Decoded::Locked(Some(key.public_key().clone())),
            },
        };
    }
    if let Some(error) = foreign(text) {
        return Decoded::Bad(error);
    }
    match keys::decode_secret_key(text, passphrase) {
        Ok(key) => Decoded::Key(Box::new(key)),
        Err(_) if is_marked_encrypted(text) => Decoded::Locked(putty_public(text)),
        Err(_) => Decoded::Bad(KeyFileError::NotAKey),
    }
}

/// Names what is certainly a key and cannot be read here.
fn foreign(text: &str) -> Option<KeyFileError> {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    if first == "-----BEGIN DSA PRIVATE KEY-----" || first.ends_with(": ssh-dss") {
        return Some(KeyFileError::Dsa);
    }
    let is_putty = first.starts_with("PuTTY-User-Key-File-");
    if is_putty
        && !first.starts_with("PuTTY-User-Key-File-2: ")
        && !first.starts_with("PuTTY-User-Key-File-3: ")
    {
        return Some(KeyFileError::OldPutty);
    }
    // Of the locks of RFC 1421, only the one on RSA keys that ssh-keygen itself writes is undone here.
    let cipher = text
        .lines()
        .find_map(|line| line.strip_prefix("DEK-Info:"))?;
    let cipher = cipher.trim().split(',').next().unwrap_or_default();
    let is_readable = cipher == "AES-128-CBC" && first == "-----BEGIN RSA PRIVATE KEY-----";
    (!is_readable).then(|| KeyFileError::OldLock(cipher.chars().take(30).collect()))
}

/// Returns the public half that a PuTTY file shows even while it is locked.
fn putty_public(text: &str) -> Option<PublicKey> {
    let mut lines = text.lines();
    let count = lines.find_map(|line| line.strip_prefix("Public-Lines: "))?;
    let count: usize = count.trim().parse().ok()?;
    let encoded: String = lines.take(count).map(str::trim).collect();
    PublicKey::from_bytes(&STANDARD.decode(encoded).ok()?).ok()
}

/// Returns whether a PEM (RFC 1421), PKCS#8 or PuTTY file says that it is encrypted.
fn is_marked_encrypted(text: &str) -> bool {
    text.lines().any(|line| {
        line.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")
            || (line.starts_with("Proc-Type:") && line.contains("ENCRYPTED"))
            || line
                .strip_prefix("Encryption: ")
                .is_some_and(|cipher| cipher.trim() != "none")
    })
}

pub(super) fn read_text(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let file = std::fs::File::open(path).map_err(KeyFileError::Unreadable)?;
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_KEY_FILE + 1)
        .read_to_string(&mut text)
        .map_err(|error| {
            // Text is all that keys are made of.
            if error.kind() == io::ErrorKind::InvalidData {
                KeyFileError::NotAKey
            } else {
                KeyFileError::Unreadable(error)
            }
        })?;
    if text.len() as u64 > MAX_KEY_FILE {
        Err(KeyFileError::TooLarge)
    } else {
        Ok(text)
    }
}

/// Reads `<path>.pub`, where ssh-keygen puts the public half.
fn public_beside(path: &Path) -> Option<PublicKey> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    let text = read_text(Path::new(&name)).ok()?;
    PublicKey::from_openssh(text.trim()).ok()
}
