//! The seam between the program and whatever keeps secrets.

use crate::config::ProfileId;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use std::fmt;

/// What sort of secret an entry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The shared secret of a gateway in token mode.
    GatewayToken,
    /// The shared secret of a gateway in password mode.
    GatewayPassword,
    /// The private half of the device identity.
    DeviceKey,
    /// What a gateway issued to this device.
    DeviceToken,
    /// What unlocks the key file.
    KeyPassphrase,
    /// The private half of the key this app signs in to the server with.
    SshPrivateKey,
    /// What a setup code brought, until the gateway has issued something in its place.
    SingleUseCode,
}

impl Kind {
    /// Every kind a profile may have an entry of.
    pub const ALL: [Self; 7] = [
        Self::GatewayToken,
        Self::GatewayPassword,
        Self::DeviceKey,
        Self::DeviceToken,
        Self::KeyPassphrase,
        Self::SshPrivateKey,
        Self::SingleUseCode,
    ];

    /// Returns the kind's name in an entry's account.
    pub fn name(self) -> &'static str {
        match self {
            Self::GatewayToken => "gatewayToken",
            Self::GatewayPassword => "gatewayPassword",
            Self::DeviceKey => "deviceKey",
            Self::DeviceToken => "deviceToken",
            Self::KeyPassphrase => "keyPassphrase",
            Self::SshPrivateKey => "sshPrivateKey",
            Self::SingleUseCode => "singleUseCode",
        }
    }
}

/// Names one entry: whose it is and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    owner: String,
    kind: Kind,
}

impl Account {
    /// The owner of what belongs to the installation rather than to a profile.
    const INSTALLATION: &str = "installation";

    /// Names a profile's entry.
    pub fn of(profile: &ProfileId, kind: Kind) -> Self {
        Self {
            owner: profile.as_str().to_owned(),
            kind,
        }
    }

    /// Names the entry of the one device key all profiles share.
    pub fn device_key() -> Self {
        Self {
            owner: Self::INSTALLATION.to_owned(),
            kind: Kind::DeviceKey,
        }
    }

    /// Returns what the entry holds.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for Account {
    /// Writes `<profile id>/<kind>`, which is the keychain's account field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.kind.name())
    }
}

/// Why a secret could not be read or kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no keychain in this session.
    #[error("this session has no keychain: {reason}")]
    NoStore {
        /// What the system said.
        reason: String,
    },
    /// The keychain is locked, or its owner closed the question to unlock it.
    #[error("the keychain is locked: {reason}; unlock it and try again")]
    Locked {
        /// What the system said.
        reason: String,
    },
    /// The keychain refused this program.
    #[error("the keychain refused access: {reason}")]
    Denied {
        /// What the system said.
        reason: String,
    },
    /// The entry is there but does not hold what was put in.
    #[error("the keychain entry {account} cannot be used: {reason}; delete it and enter it again")]
    BadEntry {
        /// The entry.
        account: String,
        /// What is wrong with it, without its content.
        reason: String,
    },
}

/// How long what is kept here lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeping {
    /// In the system's keychain.
    Keychain,
    /// Until the program ends.
    SessionOnly {
        /// Why there is no keychain, in one sentence.
        reason: String,
    },
}

/// Keeps secrets by account.
///
/// Implementations may block for as long as a person takes to unlock a keychain, but never the
/// thread that polls the future.
pub trait CredentialStore: fmt::Debug + Send + Sync {
    /// Says how long what is kept here lasts.
    fn keeping(&self) -> Keeping;

    /// Reads an entry; `None` when there is none.
    fn get<'a>(
        &'a self,
        account: &'a Account,
    ) -> BoxFuture<'a, Result<Option<SecretString>, StoreError>>;

    /// Writes an entry, replacing an earlier one.
    fn set<'a>(
        &'a self,
        account: &'a Account,
        secret: SecretString,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes an entry; one that is absent stays absent.
    fn delete<'a>(&'a self, account: &'a Account) -> BoxFuture<'a, Result<(), StoreError>>;
}
