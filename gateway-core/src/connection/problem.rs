//! What a person is told when something fails: what, where, and the next step, as data.

use crate::protocol::PairingRequestId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a problem is about, by name: a host, a port, seconds. The window puts them into its own words.
pub type Facts = BTreeMap<String, String>;

/// A failure a person meets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A stable word for it, such as `forwardProhibited`; the key of its translation.
    pub code: &'static str,
    /// One or two plain sentences, in English. Never holds a secret.
    pub message: String,
    /// What it is about. Never holds a secret.
    #[serde(skip)]
    pub facts: Facts,
    /// The button beside it.
    pub action: Option<UserAction>,
    /// The request to pair that [`UserAction::ApproveDevice`] is about, where the gateway named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairing_request: Option<PairingRequestId>,
}

impl Problem {
    /// Returns a problem that one action may mend.
    pub fn new(code: &'static str, message: impl Into<String>, action: UserAction) -> Self {
        Self {
            code,
            message: message.into(),
            facts: Facts::new(),
            action: Some(action),
            pairing_request: None,
        }
    }

    /// Returns a problem that heals by itself or not at all.
    pub fn without_action(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            facts: Facts::new(),
            action: None,
            pairing_request: None,
        }
    }

    /// Adds something that it is about.
    #[must_use]
    pub fn about(mut self, name: &str, value: impl ToString) -> Self {
        self.facts.insert(name.to_owned(), value.to_string());
        self
    }

    /// Says that something else than the host name was typed.
    pub(super) fn host_name_differs(host: &str) -> Self {
        Self::without_action(
            "hostNameDiffers",
            format!("Type the host name exactly as it stands here: {host}"),
        )
    }

    /// Says that an answer belongs to another sort of question.
    pub(super) fn answer_does_not_fit() -> Self {
        Self::without_action("answerDoesNotFit", "That is no answer to what was asked.")
    }
}

/// A button: the effect it has when pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UserAction {
    /// Opens the settings at the address.
    EditAddress,
    /// Opens the settings at the sign-in choice.
    EditSignIn,
    /// Opens the settings at the gateway token.
    EnterToken,
    /// Opens the settings at the ports.
    EditPorts,
    /// Starts an attempt now.
    TryAgain,
    /// Starts an attempt that may ask for a password or passphrase.
    SignIn,
    /// Shows the host-key question.
    ReviewHostKey,
    /// Runs "Check my server".
    CheckServer,
    /// Shows the settings file's fault.
    ShowSettingsFile,
    /// Offers to start the gateway on the server.
    StartGateway,
    /// Offers to approve this device on the server.
    ApproveDevice,
    /// Shows the end of the gateway's log.
    OpenLog,
}
