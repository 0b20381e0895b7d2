//! Messages on their way out: handed to the courier, and what becomes of them.

use super::{Controller, CourierNews, Next, ports::CourierOrder};
use crate::{
    events::WindowEvent,
    view_model::{ChatDraft, UiError},
};
use gateway_core::config::ProfileId;

impl Controller {
    /// Hands a message to the courier, and says so where it has to wait for the connection.
    pub(super) fn send_chat(&mut self, draft: ChatDraft) -> Result<(), UiError> {
        let gateway = self.settings.gateway_named(&draft.gateway);
        self.unsent.handed_in(gateway.clone(), &draft);
        let waits = (self.connection.session)(&gateway).is_none();
        let ChatDraft {
            session_key,
            key,
            text,
            ..
        } = draft.clone();
        let order = CourierOrder::Send(gateway.clone(), draft);
        if self.courier.drafts.try_send(order).is_err() {
            let problem = too_much_waits();
            self.unsent.refused(&key, &problem);
            return Err(problem);
        }
        if waits && self.is_shown(&gateway) {
            let update = self.chat.queued(session_key, key, text);
            self.desktop.send(WindowEvent::Chat(update));
        }
        Ok(())
    }

    pub(super) fn courier_news(&mut self, news: CourierNews) -> Next {
        let (CourierNews::Accepted { gateway, .. } | CourierNews::Refused { gateway, .. }) = &news;
        let shown = self.is_shown(gateway);
        let update = match news {
            CourierNews::Accepted {
                session_key, key, ..
            } => {
                self.unsent.accepted(&key);
                shown.then(|| self.chat.accepted(session_key, key))
            }
            CourierNews::Refused {
                session_key,
                key,
                problem,
                ..
            } => {
                self.unsent.refused(&key, &problem);
                shown.then(|| self.chat.refused(session_key, key, problem))
            }
        };
        if let Some(update) = update {
            self.desktop.send(WindowEvent::Chat(update));
        }
        Next::Continue
    }

    /// Whether the conversations in the window are this gateway's.
    fn is_shown(&self, gateway: &ProfileId) -> bool {
        *gateway == self.gateway
    }
}

fn too_much_waits() -> UiError {
    UiError {
        code: "tooMuchWaits".to_owned(),
        message: "Too many messages wait for the connection. Try again when it is back.".to_owned(),
        action: None,
    }
}
