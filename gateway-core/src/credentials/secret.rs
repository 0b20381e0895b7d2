//! One type for each kind of secret, so that none is printed, stored or sent by accident.
//!
//! None of them has `Display` or `Serialize`, and `Debug` says only which kind it is. A secret is
//! exposed where it is sent (`client::handshake`, `tunnel::auth`, `agent::provider`) or kept (a
//! `CredentialStore`).

use secrecy::{ExposeSecret, SecretString};
use std::fmt;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Takes ownership of the text; the caller's copy is the caller's to wipe.
            pub fn new(text: impl Into<String>) -> Self {
                Self(SecretString::from(text.into()))
            }

            /// Shows the text to the code that sends or stores it.
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }
    };
}

secret! {
    /// The shared secret of a gateway in token mode.
    GatewayToken
}
secret! {
    /// The shared secret of a gateway in password mode.
    GatewayPassword
}
secret! {
    /// What a gateway issued to this device and role after pairing.
    DeviceToken
}
secret! {
    /// What unlocks an encrypted SSH key file.
    KeyPassphrase
}
secret! {
    /// The private half of the key this app signs in to a server with, in OpenSSH's format.
    SshPrivateKey
}
secret! {
    /// The password of the user's account on the server.
    AccountPassword
}
secret! {
    /// An answer to a keyboard-interactive prompt: a one-time code or whatever the server asked.
    PromptAnswer
}
secret! {
    /// The private half of the device identity, as the 32-byte seed in base64url.
    DeviceKey
}
secret! {
    /// The key a model provider knows this user by.
    ProviderKey
}
secret! {
    /// What lets a device or a browser page sign in, once and not for long.
    SingleUseCode
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself_when_debugged() {
        let token = GatewayToken::new("canary-token");

        assert_eq!(format!("{token:?}"), "GatewayToken(***)");
        assert_eq!(token.expose(), "canary-token");
    }
}
