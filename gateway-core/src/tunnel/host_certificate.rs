//! Certificates by which a server proves what its key is for (PROTOCOL.certkeys in OpenSSH).
//!
//! Whether the authority is trusted is for [`super::known_hosts`] to say; here is what a certificate
//! itself has to be like.

use russh::keys::{Algorithm, Certificate, PublicKey};
use std::time::{SystemTime, UNIX_EPOCH};

/// What is wrong with how a server proves itself, where only a certificate would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CertificateFault {
    /// It showed a bare key.
    #[error("it showed none")]
    Missing,
    /// Nobody trusted has signed it.
    #[error("the one it showed is not of an authority trusted for it")]
    OtherAuthority,
    /// It is for signing in, not for a server.
    #[error("the one it showed is for a person, not for a server")]
    ForUsers,
    /// It is for servers of other names.
    #[error("the one it showed is for a server of another name")]
    OtherName,
    /// Its time has not come.
    #[error("the one it showed is not valid yet")]
    NotYet,
    /// Its time is over.
    #[error("the one it showed has expired")]
    Expired,
    /// It asks for something that is not known here.
    #[error("the one it showed has conditions that are not known here")]
    UnknownCondition,
    /// The authority's signature is wrong, or of a kind that is no longer safe.
    #[error("the one it showed is not properly signed")]
    BadSignature,
}

/// Judges everything about a certificate but whether its authority is trusted.
///
/// Stricter than OpenSSH in one place: a certificate that names no server is good for none.
pub(super) fn fault(
    certificate: &Certificate,
    host: &str,
    now: SystemTime,
) -> Option<CertificateFault> {
    let now = now
        .duration_since(UNIX_EPOCH)
        .map(|since| since.as_secs())
        .unwrap_or_default();
    if !certificate.cert_type().is_host() {
        return Some(CertificateFault::ForUsers);
    }
    let host = host.to_lowercase();
    if !certificate.valid_principals().contains(&host) {
        return Some(CertificateFault::OtherName);
    }
    if now < certificate.valid_after() {
        return Some(CertificateFault::NotYet);
    }
    if now >= certificate.valid_before() {
        return Some(CertificateFault::Expired);
    }
    // No condition is defined for servers.
    if !certificate.critical_options().is_empty() {
        return Some(CertificateFault::UnknownCondition);
    }
    let signature = certificate.signature().algorithm();
    let is_sha1 = matches!(signature, Algorithm::Rsa { hash: None } | Algorithm::Dsa);
    let authority = authority(certificate);
    if is_sha1
        || certificate
            .validate_at(now, &[authority.fingerprint(russh::keys::HashAlg::Sha256)])
            .is_err()
    {
        return Some(CertificateFault::BadSignature);
    }
    None
}

/// Returns the key that signed a certificate.
pub(super) fn authority(certificate: &Certificate) -> PublicKey {
    PublicKey::new(certificate.signature_key().clone(), "")
}

/// Returns the server's own key, which it proved to hold.
pub(super) fn certified_key(certificate: &Certificate) -> PublicKey {
    PublicKey::new(certificate.public_key().clone(), "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use russh::keys::PrivateKey;
    use russh::keys::key::safe_rng;
    use russh::keys::ssh_key::certificate::{Builder, CertType};
    use std::time::Duration;

    const BEGIN: u64 = 1_000_000;
    const END: u64 = 2_000_000;

    /// A certificate for `box.example`, as an authority would make it, and then changed.
    fn certificate(change: impl FnOnce(&mut Builder)) -> Certificate {
        certificate_for(CertType::Host, change)
    }

    fn certificate_for(whom: CertType, change: impl FnOnce(&mut Builder)) -> Certificate {
        let mut rng = safe_rng();
        let authority = PrivateKey::random(&mut rng, Algorithm::Ed25519).unwrap();
        let server = PrivateKey::random(&mut rng, Algorithm::Ed25519).unwrap();
        let mut builder =
            Builder::new_with_random_nonce(&mut rng, server.public_key().clone(), BEGIN, END)
                .unwrap();
        builder.cert_type(whom).unwrap();
        builder.valid_principal("box.example").unwrap();
        change(&mut builder);
        builder.sign(&authority).unwrap()
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_good_certificate_has_no_fault_in_either_spelling_of_the_name() {
        let good = certificate(|_| {});

        assert_eq!(fault(&good, "box.example", at(BEGIN + 1)), None);
        assert_eq!(fault(&good, "BOX.example", at(BEGIN + 1)), None);
    }

    #[test]
    fn it_is_valid_from_its_first_second_until_before_its_last() {
        let good = certificate(|_| {});
        let table = [
            (BEGIN - 1, Some(CertificateFault::NotYet)),
            (BEGIN, None),
            (END - 1, None),
            (END, Some(CertificateFault::Expired)),
        ];

        for (now, expected) in table {
            assert_eq!(fault(&good, "box.example", at(now)), expected, "{now}");
        }
    }

    #[test]
    fn it_is_good_for_exactly_the_names_in_it() {
        let two = certificate(|builder| {
            builder.valid_principal("other.example").unwrap();
        });
        let pattern = certificate(|builder| {
            builder.valid_principal("*.example").unwrap();
        });
        let nobody = {
            let mut rng = safe_rng();
            let key = PrivateKey::random(&mut rng, Algorithm::Ed25519).unwrap();
            let mut builder =
                Builder::new_with_random_nonce(&mut rng, key.public_key().clone(), BEGIN, END)
                    .unwrap();
            builder.cert_type(CertType::Host).unwrap();
            builder.all_principals_valid().unwrap();
            builder.sign(&key).unwrap()
        };
        let other = Some(CertificateFault::OtherName);

        assert_eq!(fault(&two, "other.example", at(BEGIN)), None);
        assert_eq!(fault(&two, "third.example", at(BEGIN)), other);
        assert_eq!(fault(&two, "example", at(BEGIN)), other);
        assert_eq!(fault(&pattern, "a.example", at(BEGIN)), other);
        assert_eq!(fault(&nobody, "box.example", at(BEGIN)), other);
    }

    #[test]
    fn one_for_people_or_with_unknown_conditions_is_not_taken() {
        let user = certificate_for(CertType::User, |_| {});
        let conditional = certificate(|builder| {
            builder.critical_option("only-on-sundays", "").unwrap();
        });
        let extended = certificate(|builder| {
            builder.extension("permit-anything", "").unwrap();
        });

        assert_eq!(
            fault(&user, "box.example", at(BEGIN)),
            Some(CertificateFault::ForUsers)
        );
        assert_eq!(
            fault(&conditional, "box.example", at(BEGIN)),
            Some(CertificateFault::UnknownCondition)
        );
        assert_eq!(fault(&extended, "box.example", at(BEGIN)), None);
    }

    #[test]
    fn no_bit_of_it_can_be_changed() {
        let good = certificate(|_| {}).to_bytes().unwrap();
        let mut unnoticed = Vec::new();
        for index in 0..good.len() {
            let mut bytes = good.clone();
            bytes[index] ^= 1;
            // Most changes make it unreadable.
            if let Ok(changed) = Certificate::from_bytes(&bytes)
                && fault(&changed, "box.example", at(BEGIN)).is_none()
            {
                unnoticed.push(index);
            }
        }

        assert_eq!(unnoticed, [0; 0]);
    }
}
