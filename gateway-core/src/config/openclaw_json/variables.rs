//! Environment variables as the official programs see them.

use super::super::environment::Environment;
use super::dotenv;
use std::collections::BTreeMap;

/// The process's variables over those of `.env`.
pub(super) struct Variables<'a> {
    pub(super) environment: &'a Environment,
    file: BTreeMap<String, String>,
}

impl<'a> Variables<'a> {
    /// Returns them for a process.
    pub(super) fn of(environment: &'a Environment) -> Self {
        Self {
            environment,
            file: dotenv::read(environment),
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
