//! What this app keeps and where, as it crosses to the window. Never what it keeps itself.

use gateway_core::credentials::Kind;
use serde::{Deserialize, Serialize};
use specta::Type;

/// What is kept and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PrivacyView {
    /// The secrets that are kept, by gateway and kind.
    pub items: Vec<StoredItemView>,
    /// The folder of the settings file.
    pub settings_folder: String,
    /// The folder of everything else.
    pub data_folder: String,
    /// The folder of the logs.
    pub log_folder: String,
    /// This app's release.
    pub version: String,
}

/// A secret that is kept; what it is itself is never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct StoredItemView {
    /// Whose it is: a gateway of the list, or `null` for this installation's own.
    pub owner: Option<String>,
    /// What the user calls that gateway.
    pub name: String,
    /// What sort of secret it is.
    pub kind: StoredKind,
}

/// What sort of secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each is documented at its `Kind`")]
pub enum StoredKind {
    GatewayToken,
    GatewayPassword,
    DeviceKey,
    DeviceToken,
    KeyPassphrase,
    SshPrivateKey,
    SingleUseCode,
}

/// A folder of ours that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum OwnFolder {
    /// Of the settings file.
    Settings,
    /// Of everything else.
    Data,
    /// Of the logs.
    Logs,
}

impl From<Kind> for StoredKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::GatewayToken => Self::GatewayToken,
            Kind::GatewayPassword => Self::GatewayPassword,
            Kind::DeviceKey => Self::DeviceKey,
            Kind::DeviceToken => Self::DeviceToken,
            Kind::KeyPassphrase => Self::KeyPassphrase,
            Kind::SshPrivateKey => Self::SshPrivateKey,
            Kind::SingleUseCode => Self::SingleUseCode,
        }
    }
}

impl From<StoredKind> for Kind {
    fn from(kind: StoredKind) -> Self {
        match kind {
            StoredKind::GatewayToken => Self::GatewayToken,
            StoredKind::GatewayPassword => Self::GatewayPassword,
            StoredKind::DeviceKey => Self::DeviceKey,
            StoredKind::DeviceToken => Self::DeviceToken,
            StoredKind::KeyPassphrase => Self::KeyPassphrase,
            StoredKind::SshPrivateKey => Self::SshPrivateKey,
            StoredKind::SingleUseCode => Self::SingleUseCode,
        }
    }
}
