//! A setup code or link that somebody has pasted or opened, as it crosses to the window.

use super::UiError;
use serde::Serialize;
use specta::Type;

/// An invitation that waits for a person's word, or one that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(
    tag = "state",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum InvitationView {
    /// It leads to a gateway; nothing is saved or dialled yet.
    Asked(InvitedView),
    /// It was opened and cannot be used.
    Refused {
        /// Why.
        problem: UiError,
    },
}

/// Where an invitation leads and what it brings. What it brings itself is never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct InvitedView {
    /// Names it in the answer.
    pub id: u32,
    /// What its sender calls that gateway; may be empty.
    pub name: String,
    /// How it is reached.
    pub way: InvitedWay,
    /// The host.
    pub host: String,
    /// The port that is dialled: of SSH, or of the gateway.
    pub port: u16,
    /// The account on the server, where it is named.
    pub user: Option<String>,
    /// The address in full, as it is saved.
    pub address: String,
    /// The certificate that alone would be accepted.
    pub tls_fingerprint: Option<String>,
    /// What it brings to be let in with.
    pub brings: Option<BroughtView>,
    /// What the user calls that gateway, where it is on the list already.
    pub listed: Option<String>,
}

/// How the gateway of an invitation is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum InvitedWay {
    /// Through an SSH tunnel.
    Ssh,
    /// By its URL, encrypted.
    Encrypted,
    /// By its URL, in the clear within a private network or this computer.
    Plain,
}

/// What an invitation brings to be let in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum BroughtView {
    /// The gateway's token.
    Token,
    /// The gateway's password.
    Password,
    /// A code that is good once and not for long.
    SetupCode,
}
