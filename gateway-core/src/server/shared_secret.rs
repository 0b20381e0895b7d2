//! Comparing what a client sends with the gateway's token or password.
//!
//! Both sides are hashed and the digests compared in constant time, so that neither the length nor a
//! correct beginning shows in how long it takes.

use crate::credentials::secret::{GatewayPassword, GatewayToken};
use crate::protocol::connect::Auth;
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::{Choice, ConstantTimeEq};

/// The gateway's token or password, as the hash that guesses are compared with.
#[derive(Clone)]
pub struct SharedSecret {
    digest: [u8; 32],
}

/// What comparing found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// One of the fields carries the secret.
    Match,
    /// Something was sent and it is not the secret.
    Mismatch,
    /// Nothing was sent. This is no failed attempt (protocol §4).
    Missing,
}

/// A blank text cannot be a secret: a client that sends nothing would know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a blank secret protects nothing; set a token or password")]
pub struct BlankSecret;

impl SharedSecret {
    /// Takes the secret of a gateway in token mode.
    ///
    /// # Errors
    ///
    /// Fails on a blank token.
    pub fn of_token(token: &GatewayToken) -> Result<Self, BlankSecret> {
        Self::of(token.expose())
    }

    /// Takes the secret of a gateway in password mode.
    ///
    /// # Errors
    ///
    /// Fails on a blank password.
    pub fn of_password(password: &GatewayPassword) -> Result<Self, BlankSecret> {
        Self::of(password.expose())
    }

    fn of(text: &str) -> Result<Self, BlankSecret> {
        if text.trim().is_empty() {
            return Err(BlankSecret);
        }
        Ok(Self {
            digest: Sha256::digest(text).into(),
        })
    }

    /// Compares the credentials of a connect request. Either field may carry the secret, whichever
    /// kind it is (protocol §4). The device token is no business of this.
    pub fn judge_connect(&self, auth: &Auth) -> Verdict {
        self.judge([
            auth.token.as_ref().map_or("", |token| token.expose()),
            auth.password
                .as_ref()
                .map_or("", |password| password.expose()),
        ])
    }

    /// Compares the text of an `Authorization: Bearer` field.
    pub fn judge_bearer(&self, bearer: Option<&str>) -> Verdict {
        self.judge([bearer.unwrap_or_default()])
    }

    /// Compares every text, also after one matched. Empty ones count as not sent.
    fn judge<const N: usize>(&self, sent: [&str; N]) -> Verdict {
        let is_missing = sent.iter().all(|text| text.is_empty());
        let is_match = sent
            .iter()
            .fold(Choice::from(0), |found, text| found | self.compare(text));
        if is_missing {
            Verdict::Missing
        } else if is_match.into() {
            Verdict::Match
        } else {
            Verdict::Mismatch
        }
    }

    fn compare(&self, text: &str) -> Choice {
        Sha256::digest(text).as_slice().ct_eq(&self.digest)
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::secret::DeviceToken;
    use crate::protocol::connect::TokenCredential;
    use proptest::prelude::*;

    fn sent(token: Option<&str>, password: Option<&str>) -> Auth {
        Auth {
            token: token.map(|text| TokenCredential::Gateway(GatewayToken::new(text))),
            password: password.map(GatewayPassword::new),
            device_token: Some(DeviceToken::new("right-secret")),
            bootstrap_token: None,
        }
    }

    fn secrets() -> [SharedSecret; 2] {
        [
            SharedSecret::of_token(&GatewayToken::new("right-secret")).unwrap(),
            SharedSecret::of_password(&GatewayPassword::new("right-secret")).unwrap(),
        ]
    }

    #[test]
    fn either_field_may_carry_either_kind() {
        let table = [
            (Some("right-secret"), None, Verdict::Match),
            (None, Some("right-secret"), Verdict::Match),
            (Some("wrong"), Some("right-secret"), Verdict::Match),
            (Some("right-secret"), Some("wrong"), Verdict::Match),
            (Some("wrong"), None, Verdict::Mismatch),
            (None, Some("wrong"), Verdict::Mismatch),
            (Some("right-secre"), None, Verdict::Mismatch),
            (Some("right-secret "), None, Verdict::Mismatch),
            (Some("RIGHT-SECRET"), None, Verdict::Mismatch),
            (Some(" "), None, Verdict::Mismatch),
            (Some(""), Some("wrong"), Verdict::Mismatch),
            (None, None, Verdict::Missing),
            (Some(""), Some(""), Verdict::Missing),
        ];
        for secret in secrets() {
            for (token, password, expected) in table {
                assert_eq!(
                    secret.judge_connect(&sent(token, password)),
                    expected,
                    "{token:?} {password:?}"
                );
            }
        }
    }

    #[test]
    fn a_bearer_is_compared_like_a_field() {
        let [secret, _] = secrets();

        assert_eq!(secret.judge_bearer(Some("right-secret")), Verdict::Match);
        assert_eq!(secret.judge_bearer(Some("wrong")), Verdict::Mismatch);
        assert_eq!(secret.judge_bearer(Some("")), Verdict::Missing);
        assert_eq!(secret.judge_bearer(None), Verdict::Missing);
    }

    #[test]
    fn a_blank_text_never_becomes_a_secret() {
        for text in ["", " ", "\t\r\n"] {
            assert!(SharedSecret::of_token(&GatewayToken::new(text)).is_err());
            assert!(SharedSecret::of_password(&GatewayPassword::new(text)).is_err());
        }
    }

    #[test]
    fn debugging_shows_nothing_of_it() {
        let [secret, _] = secrets();

        assert_eq!(format!("{secret:?}"), "SharedSecret(***)");
    }

    proptest! {
        #[test]
        fn only_the_very_text_matches(secret in "[!-~]{1,20}", guess in "[!-~]{0,20}") {
            let held = SharedSecret::of_token(&GatewayToken::new(secret.clone())).unwrap();

            prop_assert_eq!(held.judge_bearer(Some(&secret)), Verdict::Match);
            prop_assert_eq!(held.judge_bearer(Some(&guess)) == Verdict::Match, guess == secret);
        }
    }
}
