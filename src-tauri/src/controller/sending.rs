//! Messages on their way out: handed to the courier, and what becomes of them.

use super::{Controller, CourierNews, Next};
use crate::{
    events::WindowEvent,
    view_model::{ChatDraft, UiError},
};

impl Controller {
    /// Hands a message to the courier, and says so where it has to wait for the connection.
    pub(super) fn send_chat(&mut self, draft: ChatDraft) -> Result<(), UiError> {
        self.unsent.handed_in(&draft);
        let waits = (self.connection.session)().is_none().then(|| draft.clone());
        if let Err(draft) = self.courier.drafts.try_send(draft) {
            let problem = too_much_waits();
            self.unsent.refused(&draft.into_inner().key, &problem);
            return Err(problem);
        }
        if let Some(ChatDraft {
            session_key,
            key,
            text,
        }) = waits
        {
            let update = self.chat.queued(session_key, key, text);
            self.desktop.send(WindowEvent::Chat(update));
        }
        Ok(())
    }

    pub(super) fn courier_news(&mut self, news: CourierNews) -> Next {
        let update = match news {
            CourierNews::Accepted { session_key, key } => {
                self.unsent.accepted(&key);
                self.chat.accepted(session_key, key)
            }
            CourierNews::Refused {
                session_key,
                key,
                problem,
            } => {
                self.unsent.refused(&key, &problem);
                self.chat.refused(session_key, key, problem)
            }
        };
        self.desktop.send(WindowEvent::Chat(update));
        Next::Continue
    }
}

fn too_much_waits() -> UiError {
    UiError {
        code: "tooMuchWaits".to_owned(),
        message: "Too many messages wait for the connection. Try again when it is back.".to_owned(),
        action: None,
    }
}
