//! The credentials that signing in tries, and what comes of each.

use std::fmt;
use std::path::PathBuf;

/// A thing to sign in with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Credential {
    /// The key this app made for itself.
    OwnKey,
    /// A key that the agent holds.
    AgentKey {
        /// Its fingerprint.
        fingerprint: String,
        /// The agent's comment.
        comment: String,
    },
    /// A key in a file.
    KeyFile {
        /// The file.
        path: PathBuf,
    },
    /// A certificate in a file, with whoever has its key.
    Certificate {
        /// The file.
        path: PathBuf,
    },
    /// Answers to the server's own questions.
    KeyboardInteractive,
    /// The account's password.
    Password,
    /// Nothing at all: the server asks for no proof.
    Nothing,
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnKey => f.write_str("this app's own key"),
            Self::AgentKey {
                fingerprint,
                comment,
            } if comment.is_empty() => write!(f, "agent key {fingerprint}"),
            Self::AgentKey { comment, .. } => write!(f, "agent key {comment}"),
            Self::KeyFile { path } => write!(f, "key file {}", path.display()),
            Self::Certificate { path } => write!(f, "certificate {}", path.display()),
            Self::KeyboardInteractive => f.write_str("answers to the server's questions"),
            Self::Password => f.write_str("password"),
            Self::Nothing => f.write_str("no proof"),
        }
    }
}

/// A credential and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// What it was.
    pub credential: Credential,
    /// What came of it.
    pub outcome: Outcome,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.credential, self.outcome)
    }
}

/// What came of a credential that did not sign us in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server refused it.
    Refused,
    /// The server refused it before, so it was not sent.
    RefusedBefore,
    /// The server accepted it and wants more.
    NotEnough,
    /// It was not sent: enough keys had been refused on this connection.
    OverLimit,
    /// It could not be used; why, in words.
    Unusable(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("refused"),
            Self::RefusedBefore => f.write_str("refused before"),
            Self::NotEnough => f.write_str("accepted, but not enough"),
            Self::OverLimit => f.write_str("not sent, too many keys"),
            Self::Unusable(why) => f.write_str(why),
        }
    }
}
