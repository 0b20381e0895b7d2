//! Quick Chat: the small window for one question. It shows the conversation that is chosen, by the same views as
//! the main window, and leads to it.

use super::Controller;
use crate::{events::WindowEvent, view_model::Page};

impl Controller {
    /// Brings the small window to the front.
    pub(super) fn show_quick_chat(&mut self) {
        self.quick_chat = true;
        self.desktop.show_quick_chat();
    }

    /// Takes the small window down. What it held stays: the composer's text, and what was sent.
    pub(super) fn close_quick_chat(&mut self) {
        self.quick_chat = false;
        self.quick_chat_focused = false;
        self.desktop.close_quick_chat();
    }

    /// Shows the same conversation in the main window.
    pub(super) fn leave_quick_chat(&mut self) {
        self.close_quick_chat();
        self.open(Page::Chat);
    }

    /// Sends what the small window draws. No page: that would turn the main one's.
    pub(super) fn send_to_quick_chat(&mut self) {
        self.sessions_are_looked_at();
        self.desktop.send(WindowEvent::Connection(self.view()));
        self.send_settings();
    }
}
