//! The notes of one program: a line for each frame.

use super::Listener;
use crate::server::held;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Mutex;

/// What the members that hold secrets end in.
const SECRET: [&str; 4] = ["token", "code", "password", "secret"];

/// A file that takes notes.
#[derive(Debug)]
pub(in super::super) struct Notes(Mutex<File>);

impl Notes {
    /// Begins a file of its own in a folder; only its owner can read it.
    pub(in super::super) fn begin(folder: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create_new(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let name = format!("{}.jsonl", uuid::Uuid::new_v4());
        Ok(Self(Mutex::new(options.open(folder.join(name))?)))
    }
}

impl Listener for Notes {
    fn hear(&self, method: Option<&str>, frame: &str) {
        let mut frame: Value = serde_json::from_str(frame).unwrap_or_default();
        strike_out(&mut frame);
        let line = format!("{}\n", json!({"method": method, "frame": frame}));
        // One write: a kill leaves whole lines, but for the last.
        if let Err(problem) = held(&self.0).write_all(line.as_bytes()) {
            tracing::warn!(%problem, "a note of what the gateway says is lost");
        }
    }
}

/// Replaces every secret by as many crosses.
fn strike_out(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.to_ascii_lowercase();
                let Value::String(text) = member else {
                    strike_out(member);
                    continue;
                };
                if SECRET.iter().any(|end| name.ends_with(end)) {
                    *text = "x".repeat(text.len());
                } else if text.contains("://") {
                    // Links carry their code behind the mark.
                    text.truncate(text.find('#').unwrap_or(text.len()));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strike_out),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
