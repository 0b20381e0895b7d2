//! What is written where: results to standard output, remarks to standard error.
//!
//! A reader that has gone away (`| head`) is no failure: what is left is simply not written.

use serde::Serialize;
use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// How the program ends, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Well,
    /// It failed, or something works only in part.
    Failed,
    /// The server or the gateway cannot be reached.
    Unreachable,
    /// Only a person can move it on: a host key, a login, a token, a pairing.
    NeedsUser,
    /// The command line is wrong.
    Usage,
    /// The settings cannot be used.
    Configuration,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Well => 0,
            Exit::Failed => 1,
            Exit::Unreachable => 2,
            Exit::NeedsUser => 3,
            // sysexits.h: EX_USAGE and EX_CONFIG.
            Exit::Usage => 64,
            Exit::Configuration => 78,
        })
    }
}

/// Why a command ended early, and how.
#[derive(Debug)]
pub(crate) struct Stop {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// What the person is told.
    pub(crate) message: String,
}

impl Stop {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// Takes an error with all its causes.
    pub(crate) fn because(exit: Exit, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        Self { exit, message }
    }
}

/// Writes one line of a result.
pub(crate) fn line(text: impl fmt::Display) {
    forgive(writeln!(io::stdout().lock(), "{text}"));
}

/// Writes a result as one compact JSON object.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => line(text),
        Err(error) => remark(format_args!(
            "the result could not be written as JSON: {error}"
        )),
    }
}

/// Writes a result as JSON for people.
pub(crate) fn pretty_json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(text),
        Err(error) => remark(format_args!(
            "the result could not be written as JSON: {error}"
        )),
    }
}

/// Writes a remark, which is not part of the result.
pub(crate) fn remark(text: impl fmt::Display) {
    forgive(writeln!(io::stderr().lock(), "{text}"));
}

/// Nobody is left who could be told that they do not listen.
fn forgive(written: io::Result<()>) {
    if let Err(error) = written.and_then(|()| io::stdout().flush()) {
        tracing::debug!(%error, "output was not taken");
    }
}
