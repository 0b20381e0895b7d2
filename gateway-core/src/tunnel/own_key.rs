//! The key this app makes for itself, so that a server needs no password of anybody.
//!
//! Its private half lives where secrets live and is never written to a file; the public half is one
//! line of the server's `authorized_keys`.

use crate::credentials::secret::SshPrivateKey;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{HashAlg, PrivateKey};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What every comment of ours begins with.
const PRODUCT: &str = "openclaw-tray";

/// How much of a computer's name a comment holds.
const LONGEST_NAME: usize = 64;

/// Why a text is none of our keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is stored is no private key")]
pub struct NotAKey;

/// An Ed25519 key pair of this app's own, for one server. Clones share it.
#[derive(Clone)]
pub struct OwnKey(Arc<PrivateKey>);

impl OwnKey {
    /// Makes a key; its comment says that we made it, and on which computer.
    ///
    /// # Errors
    /// Only where the encoding of keys fails, which it does for no seed.
    pub fn generate(
        rng: &mut (impl rand::CryptoRng + ?Sized),
        computer: Option<&str>,
    ) -> Result<Self, NotAKey> {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        let pair = KeypairData::from(Ed25519Keypair::from_seed(&seed));
        let key = PrivateKey::new(pair, comment(computer)).map_err(|_| NotAKey)?;
        Ok(Self(Arc::new(key)))
    }

    /// Reads a key as it was kept.
    ///
    /// # Errors
    /// When the text is something else.
    pub fn from_secret(secret: &SshPrivateKey) -> Result<Self, NotAKey> {
        let key = PrivateKey::from_openssh(secret.expose()).map_err(|_| NotAKey)?;
        match key.is_encrypted() {
            true => Err(NotAKey),
            false => Ok(Self(Arc::new(key))),
        }
    }

    /// Returns the key as it is kept, in OpenSSH's format.
    ///
    /// # Errors
    /// Only where the encoding of keys fails.
    pub fn secret(&self) -> Result<SshPrivateKey, NotAKey> {
        let text = self.0.to_openssh(LineEnding::LF).map_err(|_| NotAKey)?;
        Ok(SshPrivateKey::new(text.as_str()))
    }

    /// Returns the line of `authorized_keys` that lets this key in, without its end.
    ///
    /// # Errors
    /// Only where the encoding of keys fails.
    pub fn line(&self) -> Result<String, NotAKey> {
        self.0.public_key().to_openssh().map_err(|_| NotAKey)
    }

    /// Returns the fingerprint in the words of `ssh-keygen -l`.
    pub fn fingerprint(&self) -> String {
        self.0.public_key().fingerprint(HashAlg::Sha256).to_string()
    }

    pub(super) fn private(&self) -> Arc<PrivateKey> {
        Arc::clone(&self.0)
    }
}

impl PartialEq for OwnKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.public_key().key_data() == other.0.public_key().key_data()
    }
}

impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnKey({})", self.fingerprint())
    }
}

/// A word without blanks: whoever reads the list on the server sees whose line it is.
fn comment(computer: Option<&str>) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = computer
        .unwrap_or_default()
        .chars()
        .filter(plain)
        .take(LONGEST_NAME)
        .collect();
    match name.is_empty() {
        true => PRODUCT.to_owned(),
        false => format!("{PRODUCT}@{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_kept_is_the_same_key_with_the_same_line() {
        let key = OwnKey::generate(&mut rand::rng(), Some("lap top\n.home")).unwrap();

        let kept = key.secret().unwrap();
        let again = OwnKey::from_secret(&kept).unwrap();

        assert_eq!(again, key);
        let line = again.line().unwrap();
        assert!(line.starts_with("ssh-ed25519 AAAA"), "{line}");
        assert!(line.ends_with(" openclaw-tray@laptop.home"), "{line}");
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn a_key_shows_its_fingerprint_only() {
        let key = OwnKey::generate(&mut rand::rng(), None).unwrap();

        let shown = format!("{key:?}");

        assert!(shown.starts_with("OwnKey(SHA256:"), "{shown}");
        assert!(key.line().unwrap().ends_with(" openclaw-tray"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let refused = OwnKey::from_secret(&SshPrivateKey::new("canary"));

        assert_eq!(refused, Err(NotAKey));
    }
}
