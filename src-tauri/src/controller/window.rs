//! The window: when it is there, at which page, and what a new one is told.

use super::{Controller, Reply, respond, work::Outcome};
use crate::{
    events::WindowEvent,
    view_model::{Page, UiError},
};
use tokio::{sync::oneshot, time::Instant};

impl Controller {
    pub(super) fn show_window(&mut self) {
        if !self.window && !self.unsaved_settings {
            self.opening = Some(Instant::now());
        }
        self.window = true;
        self.desktop.show_window();
        self.voice_may_be_looked_at();
    }

    /// Takes the window off the screen: down, for its memory, or only out of sight while it holds what
    /// nobody has saved. Such an edit may be a secret, which is nowhere but in its field.
    pub(super) fn put_window_away(&self) {
        if self.unsaved_settings {
            self.desktop.hide_window();
        } else {
            self.desktop.close_window();
        }
    }

    /// Shows the window at a page; a window that is still loading asks for the page when it has.
    pub(super) fn open(&mut self, page: Page) {
        self.page = page;
        self.show_window();
        self.desktop.send(WindowEvent::Page(page));
    }

    pub(super) fn announce(&mut self, window: bool) {
        if !self.ready {
            self.ready = true;
            self.desktop.ready(window);
        }
    }

    pub(super) fn send_everything(&mut self) {
        // First: the window shows no conversation before it knows which.
        self.sessions_are_looked_at();
        self.desktop.send(WindowEvent::Connection(self.view()));
        self.desktop.send(WindowEvent::Check(self.check.clone()));
        self.send_settings();
        self.desktop
            .send(WindowEvent::AgentRequests(self.agent_requests_view()));
        self.send_sign_in_key();
        self.gateway_report_is_looked_at();
        self.send_repair();
        self.send_invitation();
        self.send_voice();
        self.desktop.send(WindowEvent::Page(self.page));
        self.announce(true);
        if let Some(asked) = self.opening.take() {
            tracing::info!(ms = asked.elapsed().as_millis(), "the window has loaded");
        }
    }

    pub(super) fn choose_identity_file(&mut self, reply: Reply<Option<String>, UiError>) {
        let (chosen, choice) = oneshot::channel();
        self.desktop.choose_file(chosen);
        self.work.spawn(async move {
            // A dialog that went away without an answer was closed.
            let path = choice.await.unwrap_or(None);
            respond(reply, Ok(path.map(|path| path.display().to_string())));
            Outcome::Nothing
        });
    }
}
