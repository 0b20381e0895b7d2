//! The gateway's side: whether a device is who it says it is.

use super::{Statement, device_id_of};
use crate::protocol::connect::{ClientInfo, DeviceProof, Role, Scope};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};

/// How far a device's clock may be off (protocol §3).
const MAX_SKEW_MS: u64 = 120_000;

/// Why a device's proof is refused. In the order the checks are made (protocol §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// The public key cannot be read, or the id is not its fingerprint.
    #[error("device identity mismatch")]
    Id,
    /// It was signed too long ago, or by a clock that is ahead.
    #[error("device signature expired")]
    Time,
    /// It says no nonce.
    #[error("device nonce required")]
    NoNonce,
    /// It answers another challenge.
    #[error("device nonce mismatch")]
    Nonce,
    /// The signature does not fit what was sent.
    #[error("device signature invalid")]
    Signature,
}

impl ProofFault {
    /// Returns `details.code` of the refusal.
    pub fn code(self) -> &'static str {
        match self {
            Self::Id => "DEVICE_AUTH_DEVICE_ID_MISMATCH",
            Self::Time => "DEVICE_AUTH_SIGNATURE_EXPIRED",
            Self::NoNonce => "DEVICE_AUTH_NONCE_REQUIRED",
            Self::Nonce => "DEVICE_AUTH_NONCE_MISMATCH",
            Self::Signature => "DEVICE_AUTH_SIGNATURE_INVALID",
        }
    }

    /// Returns `details.reason` of the refusal.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Id => "device-id-mismatch",
            Self::Time => "device-signature-stale",
            Self::NoNonce => "device-nonce-missing",
            Self::Nonce => "device-nonce-mismatch",
            Self::Signature => "device-signature",
        }
    }
}

/// What else a proof covers, as the connect request says it.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Which program is calling.
    pub client: &'a ClientInfo,
    /// What the connection is for.
    pub role: &'a Role,
    /// The scopes in the order they were sent.
    pub scopes: &'a [Scope],
    /// The token that was sent along, empty where none was.
    pub token: &'a str,
}

/// Checks a device's proof against the challenge it was given. Both versions of the signature count;
/// the wire does not say which one it is.
///
/// # Errors
///
/// [`ProofFault`] says which check failed first.
pub fn verify(
    proof: &DeviceProof,
    claim: &Claim<'_>,
    nonce: &str,
    now_ms: u64,
) -> Result<(), ProofFault> {
    let key: [u8; 32] = URL_SAFE_NO_PAD
        .decode(proof.public_key.trim_end_matches('='))
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(ProofFault::Id)?;
    if device_id_of(&key) != proof.id {
        return Err(ProofFault::Id);
    }
    let key = VerifyingKey::from_bytes(&key).map_err(|_| ProofFault::Id)?;
    if now_ms.abs_diff(proof.signed_at) > MAX_SKEW_MS {
        return Err(ProofFault::Time);
    }
    if proof.nonce.trim().is_empty() {
        return Err(ProofFault::NoNonce);
    }
    if proof.nonce != nonce {
        return Err(ProofFault::Nonce);
    }
    let signature = URL_SAFE_NO_PAD
        .decode(proof.signature.trim_end_matches('='))
        .ok()
        .and_then(|bytes| Signature::from_slice(&bytes).ok())
        .ok_or(ProofFault::Signature)?;
    let statement = Statement {
        client: claim.client,
        role: claim.role,
        scopes: claim.scopes,
        signed_at_ms: proof.signed_at,
        token: claim.token,
        nonce,
    };
    [
        statement.payload_v3(&proof.id),
        statement.payload_v2(&proof.id),
    ]
    .iter()
    .any(|payload| key.verify_strict(payload.as_bytes(), &signature).is_ok())
    .then_some(())
    .ok_or(ProofFault::Signature)
}

#[cfg(test)]
mod tests {
    use super::super::DeviceIdentity;
    use super::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    const NOW: u64 = 1_795_338_678_260;
    const SCOPES: [Scope; 2] = [Scope::Read, Scope::Write];

    struct Case {
        identity: DeviceIdentity,
        client: ClientInfo,
        proof: DeviceProof,
    }

    impl Case {
        fn new() -> Self {
            let identity = DeviceIdentity::generate(&mut StdRng::seed_from_u64(1));
            let client = ClientInfo::default();
            let proof = identity.prove(&Statement {
                client: &client,
                role: &Role::Operator,
                scopes: &SCOPES,
                signed_at_ms: NOW,
                token: "secret",
                nonce: "nonce",
            });
            Self {
                identity,
                client,
                proof,
            }
        }

        fn verify(&self) -> Result<(), ProofFault> {
            self.verify_with(&SCOPES, "secret", NOW)
        }

        fn verify_with(&self, scopes: &[Scope], token: &str, now: u64) -> Result<(), ProofFault> {
            let claim = Claim {
                client: &self.client,
                role: &Role::Operator,
                scopes,
                token,
            };
            verify(&self.proof, &claim, "nonce", now)
        }
    }

    #[test]
    fn what_our_own_client_signs_is_accepted() {
        assert_eq!(Case::new().verify(), Ok(()));
    }

    #[test]
    fn the_older_signature_is_accepted() {
        use ed25519_dalek::Signer as _;
        let mut case = Case::new();
        let statement = Statement {
            client: &case.client,
            role: &Role::Operator,
            scopes: &SCOPES,
            signed_at_ms: NOW,
            token: "secret",
            nonce: "nonce",
        };
        let payload = case.identity.payload_v2(&statement);
        let signature = case.identity.key.sign(payload.as_bytes());
        case.proof.signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());

        assert_eq!(case.verify(), Ok(()));
    }

    #[test]
    fn each_check_names_its_fault_and_the_first_one_counts() {
        let mut case = Case::new();
        case.proof.nonce = "other".to_owned();
        assert_eq!(case.verify(), Err(ProofFault::Nonce));
        case.proof.nonce = " ".to_owned();
        assert_eq!(case.verify(), Err(ProofFault::NoNonce));
        assert_eq!(
            case.verify_with(&SCOPES, "secret", NOW + 120_001),
            Err(ProofFault::Time)
        );
        case.proof.id = "0".repeat(64).as_str().into();
        assert_eq!(
            case.verify_with(&SCOPES, "secret", NOW + 120_001),
            Err(ProofFault::Id)
        );
        case.proof.public_key = "?".to_owned();
        assert_eq!(case.verify(), Err(ProofFault::Id));
    }

    #[test]
    fn scopes_token_and_client_are_covered() {
        let mut case = Case::new();
        assert_eq!(
            case.verify_with(&[Scope::Admin], "secret", NOW),
            Err(ProofFault::Signature)
        );
        assert_eq!(
            case.verify_with(&SCOPES, "another", NOW),
            Err(ProofFault::Signature)
        );
        assert_eq!(case.verify_with(&SCOPES, "secret", NOW + 120_000), Ok(()));
        case.client.mode = "backend".to_owned();
        assert_eq!(case.verify(), Err(ProofFault::Signature));
    }
}
