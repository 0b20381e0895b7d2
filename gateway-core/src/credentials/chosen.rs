//! Which of several credentials is sent to a gateway, and where it came from.
//!
//! A credential given by hand wins over one in the store, and that over what the official config
//! holds. An address given by hand (`--url`) is only ever sent a credential given by hand: nobody
//! may lure a stored one to another server by naming an address.

use super::secret::{GatewayPassword, GatewayToken};
use crate::config::openclaw_json::credentials::{FoundAt, OfficialCredentials};
use std::fmt;

/// Where a credential came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialOrigin {
    /// Given by hand, for this run.
    GivenByHand {
        /// The flag or field.
        by: &'static str,
    },
    /// From our store.
    Store,
    /// From the official programs' places.
    Official(FoundAt),
}

impl fmt::Display for CredentialOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GivenByHand { by } => f.write_str(by),
            Self::Store => f.write_str("the stored credential"),
            Self::Official(found) => found.fmt(f),
        }
    }
}

/// Every credential at hand.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// Whether the address itself was given by hand with `--url`.
    pub explicit_url: bool,
    /// A token given by hand, and how.
    pub given_token: Option<(GatewayToken, &'static str)>,
    /// A password given by hand, and how.
    pub given_password: Option<(GatewayPassword, &'static str)>,
    /// The stored token.
    pub stored_token: Option<GatewayToken>,
    /// The stored password.
    pub stored_password: Option<GatewayPassword>,
    /// What the official programs would use.
    pub official: OfficialCredentials,
}

/// The credentials that are sent.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// The token and where it came from.
    pub token: Option<(GatewayToken, CredentialOrigin)>,
    /// The password and where it came from.
    pub password: Option<(GatewayPassword, CredentialOrigin)>,
}

/// There is nothing that may be sent to this address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an address given with --url is never sent a stored credential; give one with --token-file, --token-stdin, --password-file, --token or --password, or leave --url out"
)]
pub struct NothingGiven;

impl Candidates {
    /// Chooses.
    ///
    /// Token and password come from the same layer, so that one given by hand is not joined by
    /// another one from a file.
    ///
    /// # Errors
    ///
    /// Fails when the address was given by hand and no credential was.
    pub fn choose(self) -> Result<Chosen, NothingGiven> {
        if self.given_token.is_some() || self.given_password.is_some() {
            return Ok(Chosen {
                token: self
                    .given_token
                    .map(|(token, by)| (token, CredentialOrigin::GivenByHand { by })),
                password: self
                    .given_password
                    .map(|(password, by)| (password, CredentialOrigin::GivenByHand { by })),
            });
        }
        if self.explicit_url {
            return Err(NothingGiven);
        }
        if self.stored_token.is_some() || self.stored_password.is_some() {
            return Ok(Chosen {
                token: self
                    .stored_token
                    .map(|token| (token, CredentialOrigin::Store)),
                password: self
                    .stored_password
                    .map(|password| (password, CredentialOrigin::Store)),
            });
        }
        let OfficialCredentials { token, password } = self.official;
        Ok(Chosen {
            token: token.map(|(token, found)| (token, CredentialOrigin::Official(found))),
            password: password
                .map(|(password, found)| (password, CredentialOrigin::Official(found))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Candidates {
        Candidates {
            explicit_url: false,
            given_token: Some((GatewayToken::new("given"), "--token-file")),
            given_password: None,
            stored_token: Some(GatewayToken::new("stored")),
            stored_password: Some(GatewayPassword::new("stored password")),
            official: OfficialCredentials {
                token: Some((
                    GatewayToken::new("official"),
                    FoundAt::Config {
                        key: "gateway.auth.token",
                    },
                )),
                password: None,
            },
        }
    }

    fn token(chosen: &Chosen) -> Option<(&str, String)> {
        let (token, origin) = chosen.token.as_ref()?;
        Some((token.expose(), origin.to_string()))
    }

    #[test]
    fn by_hand_wins_over_the_store_and_that_over_the_official_config() {
        let by_hand = everything().choose().unwrap();
        assert_eq!(token(&by_hand), Some(("given", "--token-file".to_owned())));
        assert!(by_hand.password.is_none());

        let stored = Candidates {
            given_token: None,
            ..everything()
        }
        .choose()
        .unwrap();
        assert_eq!(
            token(&stored),
            Some(("stored", "the stored credential".to_owned()))
        );
        assert_eq!(stored.password.unwrap().0.expose(), "stored password");

        let official = Candidates {
            given_token: None,
            stored_token: None,
            stored_password: None,
            ..everything()
        }
        .choose()
        .unwrap();
        assert_eq!(
            token(&official),
            Some(("official", "gateway.auth.token in openclaw.json".to_owned()))
        );
    }

    #[test]
    fn an_address_given_by_hand_never_gets_a_credential_that_was_not() {
        let with_url = Candidates {
            explicit_url: true,
            ..everything()
        };
        assert_eq!(token(&with_url.choose().unwrap()).unwrap().0, "given");

        let lured = Candidates {
            explicit_url: true,
            given_token: None,
            ..everything()
        };
        let refusal = lured.choose().unwrap_err().to_string();
        assert!(
            refusal.contains("--token") && refusal.contains("--password"),
            "{refusal}"
        );
    }

    #[test]
    fn nothing_at_all_is_a_choice_too() {
        let chosen = Candidates::default().choose().unwrap();

        assert!(chosen.token.is_none() && chosen.password.is_none());
    }
}
