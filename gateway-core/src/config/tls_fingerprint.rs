//! The fingerprint that pins a gateway's certificate: the SHA-256 of the leaf, as DER.
//!
//! Read as the official programs read `gateway.remote.tlsFingerprint`: 64 hexadecimal digits, with
//! or without colons, in any case, with an optional `sha256:` in front; and as `openssl x509
//! -fingerprint -sha256` prints it, because that is what people copy.

use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// SHA-256 of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TlsFingerprint([u8; 32]);

/// The text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a certificate's fingerprint is 64 hexadecimal digits (SHA-256), with or without colons")]
pub struct TlsFingerprintError;

impl TlsFingerprint {
    /// Returns the fingerprint of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl FromStr for TlsFingerprint {
    type Err = TlsFingerprintError;

    fn from_str(text: &str) -> Result<Self, TlsFingerprintError> {
        let text = text.trim();
        // `openssl` writes "sha256 Fingerprint=AA:BB…".
        let text = text.rsplit_once('=').map_or(text, |(_, digits)| digits);
        let text = match text.get(..7) {
            Some(name) if name.eq_ignore_ascii_case("sha256:") => &text[7..],
            Some(_) | None => text,
        };
        let digits: String = text.trim().chars().filter(|digit| *digit != ':').collect();
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        {
            return Err(TlsFingerprintError);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| TlsFingerprintError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| TlsFingerprintError)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for TlsFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SHA256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_one_fingerprint_is_the_same() {
        let plain = "ab".repeat(32);
        let colons = ["AB"; 32].join(":");
        let expected: TlsFingerprint = plain.parse().unwrap();
        for text in [
            colons.clone(),
            format!("sha256:{plain}"),
            format!("SHA256:{colons}"),
            format!("  {}\n", plain.to_uppercase()),
            format!("sha256 Fingerprint={colons}"),
            expected.to_string(),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_shorter_longer_or_of_another_kind_is_refused() {
        for text in [
            String::new(),
            "sha256:".to_owned(),
            "ab".repeat(31),
            "ab".repeat(33),
            "ab".repeat(20),
            "zz".repeat(32),
            format!("sha1:{}", "ab".repeat(32)),
            format!("+{}", "a".repeat(63)),
            "é".repeat(32),
            "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDKzsdNZa1mtcVLpJ8".to_owned(),
        ] {
            assert_eq!(
                text.parse::<TlsFingerprint>(),
                Err(TlsFingerprintError),
                "{text}"
            );
        }
    }
}
