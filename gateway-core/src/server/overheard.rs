//! What goes over the sockets of a gateway, for tests: to whatever listens in a unit test, and to
//! notes that a built program takes for the tests that drive it.
//!
//! None of this is in a release build. Notes are taken only where [`NOTES`] names a folder; tokens
//! and codes are struck out before they are written.

pub(super) mod notes;

use serde_json::Value;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Names the folder that takes the notes of a debug build.
pub(super) const NOTES: &str = "OPENCLAW_WIRE_NOTES";

/// Whoever listens to what a gateway says.
pub(super) trait Listener: fmt::Debug + Send + Sync {
    /// The gateway has written a frame; `method` is what it answers, if it is an answer.
    fn hear(&self, method: Option<&str>, frame: &str);
}

/// What goes over one peer's socket.
#[derive(Debug)]
pub(super) struct Line {
    listener: Arc<dyn Listener>,
    /// An answer does not say which method it answers.
    methods: HashMap<String, String>,
}

impl Line {
    /// Begins to listen to one peer's socket.
    pub(super) fn to(listener: Arc<dyn Listener>) -> Self {
        Self {
            listener,
            methods: HashMap::new(),
        }
    }

    /// The peer has sent a text.
    pub(super) fn reads(&mut self, text: &str) {
        let request: Value = serde_json::from_str(text).unwrap_or_default();
        let word = |name: &str| request.get(name).and_then(Value::as_str);
        if let (Some(id), Some(method)) = (word("id"), word("method")) {
            self.methods.insert(id.to_owned(), method.to_owned());
        }
    }

    /// A frame is written to the peer.
    pub(super) fn writes(&self, text: &str) {
        let method = text
            .strip_prefix(r#"{"type":"res","id":"#)
            .and_then(|rest| serde_json::Deserializer::from_str(rest).into_iter().next())
            .and_then(Result::ok)
            .and_then(|id: String| self.methods.get(&id));
        self.listener.hear(method.map(String::as_str), text);
    }
}

/// Returns what listens to this program's gateways, if anything does.
#[cfg(not(test))]
pub(super) fn listener() -> Option<Arc<dyn Listener>> {
    use std::sync::OnceLock;
    static HERE: OnceLock<Option<Arc<notes::Notes>>> = OnceLock::new();
    let notes = HERE.get_or_init(|| {
        let folder = std::env::var_os(NOTES)?;
        match notes::Notes::begin(folder.as_ref()) {
            Ok(notes) => Some(Arc::new(notes)),
            Err(problem) => {
                tracing::warn!(%problem, "no notes are taken of what the gateway says");
                None
            }
        }
    });
    notes.clone().map(|notes| notes as Arc<dyn Listener>)
}
