//! The key pair that proves which device is calling, and its signature over a challenge.
//!
//! One stable Ed25519 key per installation: a gateway that lets a second key of the same client in
//! silently retires the first one and its tokens.

use crate::credentials::secret::DeviceKey;
use crate::protocol::DeviceId;
use crate::protocol::connect::{ClientInfo, DeviceProof, Role, Scope};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{SECRET_KEY_LENGTH, Signer as _, SigningKey};
use rand::CryptoRng;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::fmt::Write as _;
use zeroize::Zeroizing;

mod verify;

pub use verify::{Claim, ProofFault, verify};

/// The key pair of this installation.
#[derive(Clone)]
pub struct DeviceIdentity {
    key: SigningKey,
    id: DeviceId,
}

impl DeviceIdentity {
    /// Makes a new key pair from the given randomness.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; SECRET_KEY_LENGTH]);
        rng.fill_bytes(seed.as_mut());
        Self::from_seed(&seed)
    }

    /// Restores the key pair from where it was kept.
    ///
    /// # Errors
    ///
    /// [`BadDeviceKey`] when the text is not 32 bytes in base64url without padding.
    pub fn from_key(key: &DeviceKey) -> Result<Self, BadDeviceKey> {
        let bytes = URL_SAFE_NO_PAD
            .decode(key.expose().trim())
            .map(Zeroizing::new)
            .map_err(|_| BadDeviceKey)?;
        let seed: &[u8; SECRET_KEY_LENGTH] =
            bytes.as_slice().try_into().map_err(|_| BadDeviceKey)?;
        Ok(Self::from_seed(seed))
    }

    /// Returns the private half, to be kept in a credential store.
    pub fn key(&self) -> DeviceKey {
        DeviceKey::new(URL_SAFE_NO_PAD.encode(self.key.as_bytes()))
    }

    /// Returns the id gateways know this device by: the SHA-256 of the public key.
    pub fn device_id(&self) -> &DeviceId {
        &self.id
    }

    /// Returns the public half in base64url without padding.
    pub fn public_key_b64(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes())
    }

    /// Signs a challenge the way gateways of both wire versions accept.
    pub fn prove(&self, statement: &Statement<'_>) -> DeviceProof {
        self.proof(statement, &self.payload_v3(statement))
    }

    /// Returns the text that version 3 of the signature covers.
    pub fn payload_v3(&self, statement: &Statement<'_>) -> Zeroizing<String> {
        statement.payload_v3(&self.id)
    }

    /// Returns the text that version 2 of the signature covers: without platform and family.
    pub fn payload_v2(&self, statement: &Statement<'_>) -> Zeroizing<String> {
        statement.payload_v2(&self.id)
    }

    fn from_seed(seed: &[u8; SECRET_KEY_LENGTH]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let id = device_id_of(key.verifying_key().as_bytes());
        Self { key, id }
    }

    fn proof(&self, statement: &Statement<'_>, payload: &str) -> DeviceProof {
        DeviceProof {
            id: self.id.clone(),
            public_key: self.public_key_b64(),
            signature: URL_SAFE_NO_PAD.encode(self.key.sign(payload.as_bytes()).to_bytes()),
            signed_at: statement.signed_at_ms,
            nonce: statement.nonce.to_owned(),
        }
    }
}

/// Shows the device id and nothing of the key.
impl fmt::Debug for DeviceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeviceIdentity")
            .field(&self.id.as_str())
            .finish()
    }
}

/// What a device signs: who asks for what, at which gateway's challenge.
#[derive(Clone, Copy)]
pub struct Statement<'a> {
    /// Which program is calling.
    pub client: &'a ClientInfo,
    /// What the connection is for.
    pub role: &'a Role,
    /// The scopes in the order they are sent.
    pub scopes: &'a [Scope],
    /// The challenge's time, so that a wrong clock of ours does no harm.
    pub signed_at_ms: u64,
    /// The token that is sent along; a password is not part of the statement.
    pub token: &'a str,
    /// The challenge's nonce.
    pub nonce: &'a str,
}

impl Statement<'_> {
    fn payload_v3(&self, device: &DeviceId) -> Zeroizing<String> {
        let mut payload = self.payload("v3", device);
        for part in [
            Some(self.client.platform.as_str()),
            self.client.device_family.as_deref(),
        ] {
            payload.push('|');
            payload.push_str(&part.unwrap_or_default().trim().to_ascii_lowercase());
        }
        payload
    }

    fn payload_v2(&self, device: &DeviceId) -> Zeroizing<String> {
        self.payload("v2", device)
    }

    fn payload(&self, version: &str, device: &DeviceId) -> Zeroizing<String> {
        let scopes: Vec<&str> = self.scopes.iter().map(Scope::as_str).collect();
        Zeroizing::new(
            [
                version,
                device.as_str(),
                &self.client.id,
                &self.client.mode,
                self.role.as_str(),
                &scopes.join(","),
                &self.signed_at_ms.to_string(),
                self.token,
                self.nonce,
            ]
            .join("|"),
        )
    }
}

/// Returns the id of the device with this public key.
pub fn device_id_of(public_key: &[u8]) -> DeviceId {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(public_key) {
        // Writing to a String cannot fail.
        write!(hex, "{byte:02x}").unwrap_or_default();
    }
    DeviceId::from(hex)
}

/// The stored device key cannot be read; the device has to be paired anew with another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored device key is not 32 bytes in base64url")]
pub struct BadDeviceKey;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::connect::ConnectParams;
    use crate::protocol::recordings;
    use ed25519_dalek::{Signature, VerifyingKey};

    fn identity() -> DeviceIdentity {
        DeviceIdentity::from_seed(&[7; 32])
    }

    #[test]
    fn a_key_survives_being_kept() {
        let mut rng = rand::rng();
        let identity = DeviceIdentity::generate(&mut rng);

        let restored = DeviceIdentity::from_key(&identity.key()).unwrap();

        assert_eq!(restored.device_id(), identity.device_id());
        assert_eq!(restored.public_key_b64(), identity.public_key_b64());
    }

    #[test]
    fn a_damaged_key_is_an_error() {
        for text in ["", "short", "!!!", &"A".repeat(44)] {
            assert!(DeviceIdentity::from_key(&DeviceKey::new(text)).is_err());
        }
    }

    #[test]
    fn debugging_an_identity_shows_no_key() {
        let identity = identity();

        let shown = format!("{identity:?}");

        assert!(!shown.contains(identity.key().expose()));
    }

    #[test]
    fn platform_and_family_are_trimmed_and_lowered_and_may_be_missing() {
        let client = ClientInfo {
            platform: " LinuX ".into(),
            ..ClientInfo::default()
        };
        let statement = Statement {
            client: &client,
            role: &Role::Operator,
            scopes: &[],
            signed_at_ms: 5,
            token: "",
            nonce: "n",
        };

        let payload = identity().payload_v3(&statement);

        assert!(payload.ends_with("|operator||5||n|linux|"), "{}", *payload);
    }

    /// Every recorded connect that a gateway accepted verifies against the text we would sign, and
    /// those it refused for their signature do not.
    #[test]
    fn recorded_signatures_verify_against_our_payload() {
        let mut verified = (0, 0);
        let mut refused = 0;
        for exchange in recordings::exchanges() {
            if exchange.request.method != "connect" {
                continue;
            }
            let params = exchange.request.params.clone().unwrap_or_default();
            let Ok(params) = serde_json::from_value::<ConnectParams>(params) else {
                continue;
            };
            let (Some(device), Some(answer)) = (&params.device, exchange.answers.last()) else {
                continue;
            };
            let version = recorded_signature_version(&params, device);
            if answer.ok {
                match version {
                    Some(3) => verified.0 += 1,
                    Some(2) => verified.1 += 1,
                    other => panic!("{}: accepted but {other:?}", exchange.file),
                }
            } else if answer.error.as_ref().is_some_and(|error| {
                error.detail_text("code") == Some("DEVICE_AUTH_SIGNATURE_INVALID")
            }) {
                assert_eq!(version, None, "{}", exchange.file);
                refused += 1;
            }
        }
        println!(
            "recorded device signatures: {} of version 3, {} of version 2, {refused} rightly refused",
            verified.0, verified.1
        );
        assert!(verified.0 > 50 && verified.1 >= 1 && refused >= 1);
    }

    fn recorded_signature_version(params: &ConnectParams, device: &DeviceProof) -> Option<u8> {
        let public_key: [u8; 32] = URL_SAFE_NO_PAD
            .decode(&device.public_key)
            .ok()?
            .try_into()
            .ok()?;
        if device_id_of(&public_key) != device.id {
            return None;
        }
        let signature: [u8; 64] = URL_SAFE_NO_PAD
            .decode(&device.signature)
            .ok()?
            .try_into()
            .ok()?;
        let verifying = VerifyingKey::from_bytes(&public_key).ok()?;
        let speaker = DeviceIdentity {
            key: SigningKey::from_bytes(&[0; 32]),
            id: device.id.clone(),
        };
        let role = params.role.clone().unwrap_or(Role::Operator);
        let auth = params.auth.clone().unwrap_or_default();
        let statement = Statement {
            client: &params.client,
            role: &role,
            scopes: params.scopes.as_deref().unwrap_or_default(),
            signed_at_ms: device.signed_at,
            token: auth.signed_token(),
            nonce: &device.nonce,
        };
        let verifies = |payload: &str| {
            verifying
                .verify_strict(payload.as_bytes(), &Signature::from_bytes(&signature))
                .is_ok()
        };
        if verifies(&speaker.payload_v3(&statement)) {
            Some(3)
        } else if verifies(&speaker.payload_v2(&statement)) {
            Some(2)
        } else {
            None
        }
    }
}
