//! Quick Chat: the small window for one question. It shows the conversation that is chosen, by the same views as
//! the main window, and leads to it.

use super::Controller;
use crate::{desktop::SmallWindow, events::WindowEvent, view_model::Page};
use std::time::Duration;
use tokio::time::Instant;

/// What passes at most between a key's taking the keyboard away and the news of it, on a loaded machine.
const JUST_LEFT: Duration = Duration::from_millis(700);

impl Controller {
    /// Brings the small window to the front.
    pub(super) fn show_quick_chat(&mut self) {
        self.quick_chat = true;
        self.desktop.show_small(SmallWindow::QuickChat);
    }

    /// Takes the small window down. What it held stays: the composer's text, and what was sent.
    pub(super) fn close_quick_chat(&mut self) {
        self.quick_chat = false;
        self.quick_chat_focused = false;
        self.quick_chat_left = None;
        self.desktop.close_small(SmallWindow::QuickChat);
    }

    /// The small window has the keyboard, or lost it.
    pub(super) fn note_quick_chat_focus(&mut self, focused: bool) {
        if self.quick_chat_focused && !focused {
            self.quick_chat_left = Some(Instant::now());
        }
        self.quick_chat_focused = focused;
    }

    /// Whether its user was in it when a key was pressed: the system takes the keyboard away for as long as a key of
    /// ours is held, and may say so before it tells of the key.
    pub(super) fn is_in_quick_chat(&self) -> bool {
        let just_left = self
            .quick_chat_left
            .is_some_and(|left| left.elapsed() < JUST_LEFT);
        self.quick_chat && (self.quick_chat_focused || just_left)
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
