//! Whether the app starts when its user logs in, as the system keeps it.
//!
//! The system's own entry is the only truth: people remove it with their desktop's tools too. The
//! app then starts hidden, which it honours only where a tray shows that it runs.

use gateway_core::config::private_file::PrivateFileError;
use std::io;

#[cfg(not(target_os = "linux"))]
#[path = "login_start/library.rs"]
mod system;
#[cfg(target_os = "linux")]
#[path = "login_start/xdg.rs"]
mod system;

pub use system::LoginStart;

/// How the app is started at login.
const ARGUMENT: &str = "--hidden";

/// Why the choice was not kept.
#[derive(Debug, thiserror::Error)]
pub enum LoginStartError {
    /// There is no place for the entry, or no program to name in it.
    #[error("{0} is not known, so nothing can be started at login")]
    Unknown(&'static str),
    /// The program's path cannot be written into an entry.
    #[error("the path of the program holds characters that a start entry cannot")]
    OddPath,
    /// The entry was not written.
    #[error("the start entry was not written")]
    NotWritten(#[from] PrivateFileError),
    /// The entry was not removed.
    #[error("the start entry was not removed")]
    NotRemoved(#[source] io::Error),
    /// The system refused.
    #[error("the system did not take the choice: {0}")]
    Refused(String),
}

impl LoginStart {
    /// Makes the system agree with a choice; one that it agrees with already is left alone.
    ///
    /// # Errors
    ///
    /// Fails when the system does not take it; then it is as it was.
    pub fn choose(&self, on: bool) -> Result<(), LoginStartError> {
        match (self.is_on(), on) {
            (false, true) => self.turn_on(),
            (true, false) => self.turn_off(),
            (false, false) | (true, true) => Ok(()),
        }
    }
}
