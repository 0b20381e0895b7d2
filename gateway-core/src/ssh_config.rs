//! The user's own SSH configuration, read as OpenSSH's client reads it (ssh_config(5)).
//!
//! [`look_up`] says what the files have to say about one server: where it is, as whom to sign in,
//! with what, through whom, and which lists of host keys to believe. A file that works with `ssh`
//! works here. What we have no use for is passed over; what would change whom we reach and cannot be
//! done here stops with the option's name, its file and its line. Nothing is ever run. Home, names
//! and variables are handed in, and nothing here knows of connections.

mod arguments;
mod error;
mod expand;
mod files;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod host_config;
mod include;
mod jump;
mod keyword;
mod matching;
mod one_line;
mod pattern;
mod reader;
mod values;

pub use error::{Place, SshConfigError};
pub use files::{ConfigFiles, Disk, ReadError};
pub use host_config::{AddressFamily, HostConfig, IdentityAgent, StrictHostKeyChecking};
pub use reader::look_up;

use crate::config::Environment;
use std::path::PathBuf;

/// Whose configuration is read, and on which machine.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Variables and the home folder.
    pub environment: Environment,
    /// The name of the local account.
    pub local_user: String,
    /// Which files are read.
    pub sources: Sources,
}

/// Which configuration files are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sources {
    /// The user's file first, then the system's; either may be missing.
    Usual {
        /// `~/.ssh/config`.
        user: Option<PathBuf>,
        /// `/etc/ssh/ssh_config`.
        system: Option<PathBuf>,
    },
    /// One file and no other, as `ssh -F` does.
    Only(PathBuf),
    /// None at all.
    Nothing,
}

/// The server a person asks for, as they spelled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The name, alias or address.
    pub host: &'a str,
    /// The account, where one was typed. It wins over the files.
    pub user: Option<&'a str>,
    /// The port, where one was typed. It wins over the files.
    pub port: Option<u16>,
}

#[cfg(test)]
mod tests;
