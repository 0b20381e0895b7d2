//! What was fetched from the server's own files, as shown.

use serde::Serialize;
use specta::Type;

/// What the gateway there asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum FetchedKind {
    /// Its token, which is in the keychain now.
    Token,
    /// Its password, which is in the keychain now.
    Password,
    /// Nothing.
    Nothing,
}

/// What was fetched. The secret itself went to the keychain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FetchedView {
    /// What it is.
    pub kind: FetchedKind,
    /// Where it stood.
    pub found_at: Option<String>,
    /// Where the gateway listens there.
    pub port: u16,
}
