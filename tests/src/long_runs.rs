//! How long a suite of many repetitions runs, and from which seed it draws.

use std::env;
use std::str::FromStr;

use anyhow::{Context, Result};

/// Returns what an environment variable says, `usual` where it says nothing.
///
/// # Errors
///
/// When it is set to something else.
pub fn from_env<T: FromStr>(name: &str, usual: T) -> Result<T> {
    match env::var(name) {
        Ok(text) => text.parse().ok().with_context(|| format!("{name}={text}")),
        Err(_) => Ok(usual),
    }
}
