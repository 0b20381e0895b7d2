//! "Also use this for the openclaw command": the one place that writes the official `openclaw.json`.
//!
//! A [`Change`] is worked out and shown first, and written as it was shown; what anybody else wrote
//! meanwhile is a conflict and stays. The members that say where the gateway is and how it is reached are
//! set; comments, order and every other member stay byte for byte. No secret is ever written. A file that
//! is put together from others (`$include`) has no one place to write to, and is refused.

mod lines;

pub use lines::{Line, LineKind};

use super::super::document::edit::EditError;
use super::super::document::{Document, Step};
use super::super::environment::Environment;
use super::super::gateway_url::GatewayUrl;
use super::super::private_file::{self, PrivateFileError};
use super::super::problem::FileProblem;
use super::super::settings::{HostKeyPolicy, Profile, RunsWhere, SignInChoice};
use super::config_path;
use crate::tunnel::SshTarget;
use serde_json::Value;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a new file begins as.
const EMPTY: &str = "{\n}\n";

/// The members of an SSH connection, and of one by its URL.
const SSH_ONLY: [&str; 4] = ["sshTarget", "sshIdentity", "sshHostKeyPolicy", "remotePort"];
const DIRECT_ONLY: &str = "tlsFingerprint";

/// What would be written, to be shown first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file as its user knows it.
    pub path: PathBuf,
    /// What that leads to, where it is a link.
    target: PathBuf,
    before: Option<String>,
    after: String,
}

/// Why nothing is written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is no other computer's gateway in the settings, or its address cannot be used.
    #[error("the settings name no gateway on another computer that can be reached")]
    NothingToWrite,
    /// Nobody knows where the file would be.
    #[error("no home folder is known, so there is no place for openclaw.json")]
    NoPlace,
    /// The file cannot be read or understood.
    #[error("{0}")]
    Unreadable(FileProblem),
    /// The file takes parts of itself from others.
    #[error("{path} includes other files ($include); change it by hand")]
    Includes {
        /// The file.
        path: PathBuf,
    },
    /// The file's shape leaves no place for a member.
    #[error("{path} cannot take the change")]
    Edit {
        /// The file.
        path: PathBuf,
        /// Why.
        source: EditError,
    },
    /// Somebody else has written the file since it was shown.
    #[error("{path} was changed by somebody else meanwhile; look at the change again")]
    Conflict {
        /// The file.
        path: PathBuf,
    },
    /// A link leads nowhere.
    #[error("{path} is a link that leads nowhere; mend or remove it")]
    Link {
        /// The link.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused.
    #[error("the file was not written")]
    File(#[from] PrivateFileError),
}

impl Change {
    /// Works out what would be written for a profile.
    ///
    /// # Errors
    ///
    /// Says why the file is left alone.
    pub fn of(profile: &Profile, environment: &Environment) -> Result<Self, WriteError> {
        let path = config_path(environment).ok_or(WriteError::NoPlace)?;
        let members = members(profile)?;
        let target = followed(&path)?;
        let before = private_file::read(&target)
            .map_err(|error| WriteError::Unreadable(FileProblem::unreadable(&path, &error)))?;
        let text = before.as_deref().unwrap_or(EMPTY);
        let document =
            Document::parse(text).map_err(|fault| WriteError::Unreadable(fault.in_file(&path)))?;
        if includes(&document.value()) {
            return Err(WriteError::Includes { path });
        }
        let after = changed(document, &members).map_err(|source| WriteError::Edit {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            path,
            target,
            before,
            after,
        })
    }

    /// Returns whether the file says all of it already.
    pub fn is_none(&self) -> bool {
        self.before.as_ref() == Some(&self.after)
    }

    /// Returns the lines that go and come, those around them, and none with a secret in it.
    pub fn lines(&self) -> Vec<Line> {
        lines::between(self.before.as_deref().unwrap_or_default(), &self.after)
    }

    /// Writes it as it was shown, at once and for the owner alone.
    ///
    /// # Errors
    ///
    /// Fails when the file is not as it was, or the system refuses; it is intact then.
    pub fn write(&self) -> Result<(), WriteError> {
        let conflict = || WriteError::Conflict {
            path: self.path.clone(),
        };
        let now = match private_file::read(&self.target) {
            Ok(now) => now,
            Err(PrivateFileError::NotText { .. } | PrivateFileError::TooLarge { .. }) => {
                return Err(conflict());
            }
            Err(error) => return Err(error.into()),
        };
        if now != self.before || followed(&self.path)? != self.target {
            return Err(conflict());
        }
        match self.before {
            Some(_) => private_file::replace(&self.target, &self.after)?,
            None if private_file::create(&self.target, &self.after)? => {}
            None => return Err(conflict()),
        }
        Ok(())
    }
}

/// Follows a link, as the official programs do: the file it leads to is replaced, and the link stays.
fn followed(path: &Path) -> Result<PathBuf, WriteError> {
    if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        return Ok(path.to_owned());
    }
    fs::canonicalize(path).map_err(|source| WriteError::Link {
        path: path.to_owned(),
        source,
    })
}

/// What becomes of each member; `None` removes it.
type Members = Vec<(Vec<Step>, Option<Value>)>;

/// Works out the members for a profile: where the gateway is and how it is reached, and no secret.
fn members(profile: &Profile) -> Result<Members, WriteError> {
    if profile.runs != RunsWhere::AnotherComputer {
        return Err(WriteError::NothingToWrite);
    }
    let gateway = |key: &str, value: Option<Value>| (vec!["gateway".into(), key.into()], value);
    let remote = |key: &str, value: Option<Value>| {
        let path: Vec<Step> = vec!["gateway".into(), "remote".into(), key.into()];
        (path, value)
    };
    let mut members = vec![gateway("mode", Some("remote".into()))];
    if profile.is_direct() {
        let (url, pin) = profile.direct().map_err(|_| WriteError::NothingToWrite)?;
        members.extend([
            remote("transport", Some("direct".into())),
            remote("url", Some(url.to_string().into())),
            remote(DIRECT_ONLY, pin.map(|pin| pin.to_string().into())),
        ]);
        members.extend(SSH_ONLY.map(|key| remote(key, None)));
        return Ok(members);
    }
    let target: SshTarget = profile
        .address
        .parse()
        .map_err(|_| WriteError::NothingToWrite)?;
    let identity = (profile.sign_in == SignInChoice::KeyFile
        && !profile.identity_file.as_os_str().is_empty())
    .then(|| profile.identity_file.to_string_lossy().into_owned().into());
    let policy = match profile.host_key_policy {
        HostKeyPolicy::OpenSsh => Some("openssh".into()),
        // What an absent member means.
        HostKeyPolicy::Strict => None,
    };
    let local = GatewayUrl::loopback(profile.local_port);
    members.extend([
        gateway("port", Some(profile.local_port.into())),
        remote("transport", Some("ssh".into())),
        remote("url", Some(local.to_string().into())),
        remote("remotePort", Some(profile.remote_port.into())),
        remote("sshTarget", Some(target.to_string().into())),
        remote("sshIdentity", identity),
        remote("sshHostKeyPolicy", policy),
        remote(DIRECT_ONLY, None),
    ]);
    Ok(members)
}

/// Changes the members whose values differ, and nothing else.
fn changed(mut document: Document, members: &Members) -> Result<String, EditError> {
    for (path, value) in members {
        match value {
            Some(value) if document.get(path).as_ref() != Some(value) => {
                document = document.set(path, value)?;
            }
            None if document.get(path).is_some() => document = document.remove(path)?,
            Some(_) | None => {}
        }
    }
    Ok(document.text().to_owned())
}

/// Returns whether a value takes parts of itself from other files.
fn includes(value: &Value) -> bool {
    match value {
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| key == "$include" || includes(value)),
        Value::Array(elements) => elements.iter().any(includes),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests;
