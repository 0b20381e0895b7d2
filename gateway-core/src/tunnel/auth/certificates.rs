//! Certificates that vouch for a key of the user's: the files that hold them, and who can sign for them.
//!
//! A certificate is public; signing in with it takes the private key it was made for.

use super::keys::{KeyFile, read_text};
use russh::keys::{Certificate, HashAlg, PublicKey};
use std::path::{Path, PathBuf};

/// A certificate in a file of its own.
pub(in crate::tunnel) struct CertificateFile {
    pub(super) path: PathBuf,
    pub(super) certificate: Result<Box<Certificate>, CertificateFileError>,
}

/// Why a certificate file cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum CertificateFileError {
    #[error("it cannot be read")]
    Unreadable,
    #[error("it holds no OpenSSH certificate")]
    NotACertificate,
    #[error("it is a certificate for a server, not for a person")]
    ForHosts,
}

/// Reads the certificates that go with these keys.
///
/// As in OpenSSH, `<key>-cert.pub` beside a key counts only where no certificate file is named.
pub(super) fn read(named: Vec<PathBuf>, keys: &[KeyFile]) -> Vec<CertificateFile> {
    if named.is_empty() {
        return keys
            .iter()
            .map(|key| beside(&key.path))
            .filter(|path| path.exists())
            .map(read_one)
            .collect();
    }
    named.into_iter().map(read_one).collect()
}

fn beside(key: &Path) -> PathBuf {
    // Whoever names the public file means the same pair.
    let mut name = match key.extension() {
        Some(extension) if extension == "pub" => key.with_extension("").into_os_string(),
        Some(_) | None => key.as_os_str().to_owned(),
    };
    name.push("-cert.pub");
    PathBuf::from(name)
}

fn read_one(path: PathBuf) -> CertificateFile {
    let certificate = match read_text(&path) {
        Err(_) => Err(CertificateFileError::Unreadable),
        Ok(text) => parse(&text),
    };
    CertificateFile { path, certificate }
}

fn parse(text: &str) -> Result<Box<Certificate>, CertificateFileError> {
    let certificate = Certificate::from_openssh(text.trim())
        .map_err(|_| CertificateFileError::NotACertificate)?;
    if certificate.cert_type().is_user() {
        Ok(Box::new(certificate))
    } else {
        Err(CertificateFileError::ForHosts)
    }
}

/// Returns the key that a certificate was made for.
pub(super) fn certified_key(certificate: &Certificate) -> PublicKey {
    PublicKey::new(certificate.public_key().clone(), "")
}

/// Names a key for [`super::SignInMemory`] and for telling one candidate from another.
pub(super) fn name_of_key(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Names a certificate, apart from its key: a server may well refuse only one of the two.
pub(super) fn name_of_certificate(certificate: &Certificate) -> String {
    let key = name_of_key(&certified_key(certificate));
    // The nonce makes every certificate one of its own.
    let nonce: String = certificate
        .nonce()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{key} (certificate {nonce})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_of_a_key_lies_beside_it_whichever_half_is_named() {
        for key in ["/home/me/.ssh/id", "/home/me/.ssh/id.pub"] {
            assert_eq!(
                beside(Path::new(key)),
                Path::new("/home/me/.ssh/id-cert.pub")
            );
        }
        assert_eq!(
            beside(Path::new("/k/my.key")),
            Path::new("/k/my.key-cert.pub")
        );
    }

    #[test]
    fn what_is_no_certificate_is_told_apart() {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

        assert_eq!(
            parse("Dear reader"),
            Err(CertificateFileError::NotACertificate)
        );
        assert_eq!(parse(key), Err(CertificateFileError::NotACertificate));
    }
}
