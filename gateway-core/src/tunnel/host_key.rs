//! A server's host key as we see, compare and show it.
//!
//! Keys are compared by their encoded bytes (RFC 4253 §6.6), never by parsed fields, so that a key
//! of a type we cannot use still counts as a key we know.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The SHA-256 of a host key's encoded bytes, spelled `SHA256:…` as `ssh-keygen -l` does.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HostKeyFingerprint([u8; 32]);

/// Why a fingerprint cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is spelled SHA256: and 43 letters, digits, + and /")]
pub struct FingerprintError;

impl HostKeyFingerprint {
    /// Returns the fingerprint of a key's encoded bytes.
    pub fn of(blob: &[u8]) -> Self {
        Self(Sha256::digest(blob).into())
    }
}

impl fmt::Display for HostKeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", STANDARD_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for HostKeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for HostKeyFingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digest = text
            .trim()
            .strip_prefix("SHA256:")
            .ok_or(FingerprintError)?;
        let bytes = STANDARD_NO_PAD
            .decode(digest.trim_end_matches('='))
            .map_err(|_| FingerprintError)?;
        Ok(Self(bytes.try_into().map_err(|_| FingerprintError)?))
    }
}

/// The host key a server has just proved to hold, and the name we reached it by.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentedKey {
    host: String,
    port: u16,
    key_type: String,
    blob: Vec<u8>,
}

impl PresentedKey {
    pub(super) fn new(host: &str, port: u16, key: &PublicKey) -> Option<Self> {
        Some(Self {
            host: host.to_owned(),
            port,
            key_type: key_type_of(&key.algorithm()).to_owned(),
            blob: key.to_bytes().ok()?,
        })
    }

    /// Returns the name or address the user gave for the server.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port the server was reached on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the type as known_hosts spells it, such as `ssh-ed25519`.
    pub fn key_type(&self) -> &str {
        &self.key_type
    }

    /// Returns what a person compares with `ssh-keygen -l` on the server.
    pub fn fingerprint(&self) -> HostKeyFingerprint {
        HostKeyFingerprint::of(&self.blob)
    }

    pub(super) fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Returns the type and key as a known_hosts line holds them.
    pub(super) fn as_fields(&self) -> String {
        format!("{} {}", self.key_type, STANDARD.encode(&self.blob))
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresentedKey")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("key_type", &self.key_type)
            .field("fingerprint", &self.fingerprint())
            .finish()
    }
}

/// A key that known_hosts holds for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// The file it stands in.
    pub file: PathBuf,
    /// Its line, counted from 1.
    pub line: usize,
    /// Its type as written there.
    pub key_type: String,
    /// Its fingerprint; `None` when the key on that line cannot be decoded.
    pub fingerprint: Option<HostKeyFingerprint>,
}

/// The host-key algorithms we accept, most wanted first.
///
/// `ssh-rsa` is absent: its signatures use SHA-1 (OpenSSH dropped it in 8.8). RSA keys serve with
/// SHA-2 signatures (RFC 8332).
pub(super) const HOST_KEY_ALGORITHMS: [Algorithm; 6] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP256,
    },
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP384,
    },
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP521,
    },
    Algorithm::Rsa {
        hash: Some(HashAlg::Sha512),
    },
    Algorithm::Rsa {
        hash: Some(HashAlg::Sha256),
    },
];

/// Returns the type of key an algorithm signs with, as known_hosts spells it.
pub(super) fn key_type_of(algorithm: &Algorithm) -> &str {
    // Both SHA-2 algorithms sign with the same key, which keeps its old name (RFC 8332 §3).
    if matches!(algorithm, Algorithm::Rsa { .. }) {
        "ssh-rsa"
    } else {
        algorithm.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_reads_back_from_its_own_spelling() {
        let fingerprint = HostKeyFingerprint::of(b"any bytes");

        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert_eq!(fingerprint.to_string().len(), "SHA256:".len() + 43);
    }

    #[test]
    fn anything_but_a_whole_sha256_fingerprint_is_refused() {
        for text in [
            "",
            "SHA256:",
            "SHA256:abc",
            "MD5:00:11",
            "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        ] {
            assert_eq!(
                text.parse::<HostKeyFingerprint>(),
                Err(FingerprintError),
                "{text:?}"
            );
        }
        // The digest of no bytes at all, as sha256sum gives it.
        let empty = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
        assert_eq!(empty.parse(), Ok(HostKeyFingerprint::of(b"")));
    }
}
