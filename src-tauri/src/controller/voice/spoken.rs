//! The small window with what is being said: there while something is, and the main window has no keyboard, so that
//! whoever uses another program sees what was understood before it is sent.

use super::Controller;
use crate::desktop::SmallWindow;

/// The small window as it is.
#[derive(Debug, Default)]
pub(super) struct SpokenWindow {
    is_shown: bool,
    /// The utterance that its user has put it away for.
    dismissed: Option<u32>,
}

impl SpokenWindow {
    /// Returns whether it is to be there; `said` is the utterance that is shown, `seen` whether the main window
    /// shows it to somebody.
    fn is_wanted(&self, said: Option<u32>, seen: bool) -> bool {
        said.is_some_and(|said| !seen && self.dismissed != Some(said))
    }
}

impl Controller {
    /// Brings the small window, or takes it down.
    pub(in crate::controller) fn show_spoken_as_needed(&mut self) {
        let said = self.voice.told.as_ref();
        let said = said.and_then(|told| Some(told.overlay.as_ref()?.id));
        let wanted = self.voice.spoken.is_wanted(said, self.focused);
        if wanted == self.voice.spoken.is_shown {
            return;
        }
        self.voice.spoken.is_shown = wanted;
        if wanted {
            self.desktop.show_small(SmallWindow::Spoken);
        } else {
            self.desktop.close_small(SmallWindow::Spoken);
        }
    }

    /// Its user wants it out of the way. What was said goes on as it would; the main window still shows it.
    pub(in crate::controller) fn dismiss_spoken(&mut self) {
        let told = self.voice.told.as_ref();
        self.voice.spoken.dismissed = told.and_then(|told| Some(told.overlay.as_ref()?.id));
        self.voice.spoken.is_shown = false;
        self.desktop.close_small(SmallWindow::Spoken);
    }

    /// Sends what the small window draws.
    pub(in crate::controller) fn send_to_spoken(&mut self) {
        self.send_settings();
        self.send_voice();
    }
}
