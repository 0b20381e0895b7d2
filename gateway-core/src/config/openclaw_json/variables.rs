//! Environment variables as the official programs see them.

use super::super::environment::Environment;
use super::dotenv;
use std::collections::BTreeMap;

/// The process's variables over those of `.env`.
pub(super) struct Variables<'a> {
    pub(super) environment: &'a Environment,
    file: BTreeMap<String, String>,
    /// Whether all this is of another computer, whose files are not to be had here.
    pub(super) is_elsewhere: bool,
}

impl<'a> Variables<'a> {
    /// Returns them for a process.
    pub(super) fn of(environment: &'a Environment) -> Self {
        Self {
            environment,
            file: dotenv::read(environment),
            is_elsewhere: false,
        }
    }

    /// Returns those of a program on another computer, with the text of its `.env`.
    pub(super) fn elsewhere(environment: &'a Environment, dotenv: &str) -> Self {
        Self {
            environment,
            file: dotenv::parse(dotenv),
            is_elsewhere: true,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.environment
            .text(name)
            .or_else(|| self.file.get(name).map(String::as_str))
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }
}
