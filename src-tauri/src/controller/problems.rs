//! What stands in the way, as the window shows it.

use crate::view_model::{UiError, UserAction};
use gateway_core::{
    client::CallError,
    connection::problem::{self, Problem},
};
use std::iter;

/// Returns a problem as the window shows it.
pub(crate) fn ui_error(problem: &Problem) -> UiError {
    UiError {
        code: problem.code.to_owned(),
        message: problem.message.clone(),
        action: problem.action.map(user_action),
    }
}

/// Returns the button of a problem.
pub(crate) fn user_action(action: problem::UserAction) -> UserAction {
    match action {
        problem::UserAction::EditAddress => UserAction::EditAddress,
        problem::UserAction::EditSignIn => UserAction::EditSignIn,
        problem::UserAction::EnterToken => UserAction::EnterToken,
        problem::UserAction::EditPorts => UserAction::EditPorts,
        problem::UserAction::TryAgain => UserAction::TryAgain,
        problem::UserAction::SignIn => UserAction::SignIn,
        problem::UserAction::ReviewHostKey => UserAction::ReviewHostKey,
        problem::UserAction::CheckServer => UserAction::CheckServer,
        problem::UserAction::ShowSettingsFile => UserAction::ShowSettingsFile,
        problem::UserAction::StartGateway => UserAction::StartGateway,
        problem::UserAction::ApproveDevice => UserAction::ApproveDevice,
        problem::UserAction::OpenLog => UserAction::OpenLog,
    }
}

/// Returns an error with everything that caused it.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes: Vec<String> = iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect();
    causes.join(": ")
}

/// Returns an error with everything that caused it, as a sentence.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    format!("{}.", capitalised(&with_causes(error)))
}

/// Returns a fragment with its first letter in upper case.
pub(crate) fn capitalised(fragment: &str) -> String {
    let mut letters = fragment.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Says that the gateway cannot be asked now.
pub(crate) fn not_connected() -> UiError {
    UiError {
        code: "notConnected".to_owned(),
        message: "There is no connection to the gateway.".to_owned(),
        action: Some(UserAction::TryAgain),
    }
}

/// Says that a message cannot be had whole.
pub(crate) fn not_whole() -> UiError {
    UiError {
        code: "messageNotWhole".to_owned(),
        message: "The gateway does not have this message any more, or not all of it.".to_owned(),
        action: None,
    }
}

/// Returns why a call to the gateway has no answer, as the window shows it.
pub(crate) fn call_error(error: &CallError) -> UiError {
    let (code, message) = match error {
        CallError::Closed { .. } => (
            "connectionLost",
            "The connection to the gateway was lost before it answered.".to_owned(),
        ),
        CallError::Deadline { waited, .. } => (
            "noAnswer",
            format!("The gateway did not answer within {} s.", waited.as_secs()),
        ),
        CallError::Refused { error, .. } => return gateway_refused(&error.message),
        CallError::Malformed { .. } => (
            "answerUnreadable",
            "The gateway answered in a form this version cannot read.".to_owned(),
        ),
        CallError::TooLarge { limit, .. } => (
            "tooLarge",
            format!("This is more than the {limit} bytes the gateway takes at once."),
        ),
    };
    UiError {
        code: code.to_owned(),
        message,
        action: None,
    }
}

/// Returns the gateway's own words for a refusal.
pub(crate) fn gateway_refused(why: &str) -> UiError {
    UiError {
        code: "gatewayRefused".to_owned(),
        message: format!("The gateway refused: {why}"),
        action: None,
    }
}
