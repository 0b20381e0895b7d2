//! What a person is asked before a connection can go on, and what they may answer.
//!
//! Nothing is held open while somebody is asked: a server drops a silent, unauthenticated link after
//! a while (OpenSSH's `LoginGraceTime`), so the answer is remembered and the next attempt gives it.

use crate::credentials::secret::{AccountPassword, KeyPassphrase, PromptAnswer};
use serde::Serialize;
use std::path::PathBuf;

/// A question, numbered so that an answer to an older one can do nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Names the question in the answer.
    pub id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub question: Question,
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Question {
    /// Is this unknown server the right one?
    HostKeyUnknown {
        /// The host as the user typed it.
        host: String,
        /// The port dialled.
        port: u16,
        /// The key's algorithm in words, such as `Ed25519`.
        key_type: String,
        /// `SHA256:…`, as `ssh-keygen -l` prints it.
        fingerprint: String,
    },
    /// The server shows another key than the one we trust.
    HostKeyChanged {
        /// The host name that must be typed to go on.
        host: String,
        /// The port dialled.
        port: u16,
        /// The new key's algorithm in words.
        key_type: String,
        /// The fingerprints we trust.
        known_fingerprints: Vec<String>,
        /// The fingerprint the server shows now.
        new_fingerprint: String,
    },
    /// Is this certificate, which nobody vouches for, the right gateway's?
    CertificateUnknown {
        /// The host as the user typed it.
        host: String,
        /// The port dialled.
        port: u16,
        /// `SHA256:…` in hexadecimal, as `openssl x509 -fingerprint -sha256` prints it.
        fingerprint: String,
    },
    /// The gateway shows another certificate than the pinned one.
    CertificateChanged {
        /// The host name that must be typed to go on.
        host: String,
        /// The port dialled.
        port: u16,
        /// The pinned fingerprint.
        known_fingerprint: String,
        /// The fingerprint of the certificate it shows now.
        new_fingerprint: String,
    },
    /// An encrypted key file needs its passphrase.
    Passphrase {
        /// The key file.
        key_file: PathBuf,
        /// Whether the passphrase given before was wrong.
        was_wrong: bool,
    },
    /// The server asks for the account's password.
    Password {
        /// The account.
        user: String,
        /// The server.
        host: String,
        /// Whether the password given before was wrong.
        was_wrong: bool,
    },
    /// The server asks in its own words: a code, or several fields.
    Prompts {
        /// The server's title; may be empty.
        title: String,
        /// The server's instruction; may be empty.
        instruction: String,
        /// One field for each.
        prompts: Vec<Prompt>,
        /// Whether the answers given before were wrong.
        was_wrong: bool,
    },
}

/// One field a server asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Prompt {
    /// The server's label.
    pub label: String,
    /// Whether what is typed may be seen.
    pub echo: bool,
}

/// What a person answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// "Trust this server", "Trust this certificate".
    Trust,
    /// "I reinstalled this server", "I renewed this certificate", with the host name typed out.
    Replace {
        /// What was typed; anything but the host name is refused.
        typed_host: String,
    },
    /// The passphrase of the key file.
    Passphrase {
        /// The passphrase.
        passphrase: KeyPassphrase,
        /// Whether to keep it in the credential store.
        remember: bool,
    },
    /// The account's password.
    Password(AccountPassword),
    /// One text for each prompt.
    Prompts(Vec<PromptAnswer>),
}
