//! The system's clipboard.

use arboard::Clipboard;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::spawn_blocking;

/// Puts texts on the clipboard. On X11 and Wayland they are there as long as this is.
#[derive(Clone, Default)]
pub(super) struct Copier {
    clipboard: Arc<Mutex<Option<Clipboard>>>,
}

impl Copier {
    /// Puts a text on the clipboard, without waiting for the screen.
    ///
    /// # Panics
    ///
    /// Outside an async runtime.
    pub(super) fn copy(&self, text: String) {
        let copier = self.clone();
        drop(spawn_blocking(move || {
            if let Err(problem) = copier.put(text) {
                tracing::warn!(%problem, "nothing was copied");
            }
        }));
    }

    fn put(&self, text: String) -> Result<(), arboard::Error> {
        let mut kept = self
            .clipboard
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let clipboard = match &mut *kept {
            Some(clipboard) => clipboard,
            none => none.insert(Clipboard::new()?),
        };
        let copied = clipboard.set_text(text);
        if copied.is_err() {
            // The screen it was of may be gone; the next text tries the one there is then.
            *kept = None;
        }
        copied
    }
}
