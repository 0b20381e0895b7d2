//! What signing in asks a person.

use std::path::PathBuf;

/// What only a person can answer. The connection is closed while they think.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// What unlocks a key file; the server would accept the key.
    Passphrase {
        /// The file.
        key_file: PathBuf,
        /// Whether the last answer did not unlock it.
        was_wrong: bool,
    },
    /// The account's password.
    Password {
        /// The account.
        user: String,
        /// The server.
        host: String,
        /// Whether the server refused the last one.
        was_wrong: bool,
    },
    /// The server's own questions, to be answered together.
    Prompts {
        /// The server's title; may be empty.
        title: String,
        /// The server's instruction; may be empty.
        instruction: String,
        /// What it asks, in order.
        prompts: Vec<Prompt>,
        /// Whether the server refused the last answers.
        was_wrong: bool,
    },
}

/// One question of a server's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prompt {
    /// The server's words, without control characters.
    pub label: String,
    /// Whether the answer may be seen while it is typed.
    pub echo: bool,
}
