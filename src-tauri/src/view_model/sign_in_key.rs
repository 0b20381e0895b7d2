//! A key of our own in place of the account's password, as shown.

use super::UiError;
use serde::Serialize;
use specta::Type;

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum SignInKeyStep {
    /// It is offered.
    Offered,
    /// It is being added and proved.
    Adding,
    /// The server lets the key in, and the password is forgotten.
    Added,
    /// It is being taken back.
    Removing,
    /// It was taken back.
    Removed,
}

/// A key of our own in place of the account's password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SignInKeyView {
    /// How far it has come.
    pub step: SignInKeyStep,
    /// What the user calls the server.
    pub server: String,
    /// The line of `~/.ssh/authorized_keys` there, as it is or would be. It holds no secret.
    pub line: String,
    /// Why the last step was not taken.
    pub problem: Option<UiError>,
}
