//! Messages on their way out: handed to the courier, and what becomes of them.

use super::{Controller, CourierNews, Next, Reply, ports::CourierOrder, respond, work::Outcome};
use crate::{
    events::WindowEvent,
    view_model::{ChatDraft, FileView, UiError, not_attachable},
};
use gateway_core::{chat::Attachment, config::ProfileId};
use tokio::sync::oneshot;

impl Controller {
    /// Hands a message to the courier, and says so where it has to wait for the connection.
    pub(super) fn send_chat(&mut self, draft: ChatDraft) -> Result<(), UiError> {
        let gateway = self.settings.gateway_named(&draft.gateway);
        if !draft.attachments.is_empty() {
            self.check_attachments(&draft)?;
        }
        self.unsent.handed_in(gateway.clone(), &draft);
        let waits = (self.connection.session)(&gateway).is_none();
        let ChatDraft {
            session_key,
            key,
            text,
            ..
        } = draft.clone();
        let files = draft.attachments.iter().map(FileView::from).collect();
        let order = CourierOrder::Send(gateway.clone(), draft);
        if self.courier.drafts.try_send(order).is_err() {
            let problem = too_much_waits();
            self.unsent.refused(&key, &problem);
            return Err(problem);
        }
        // With two windows, the other one has yet to hear of it.
        let tells = waits || (self.window && self.quick_chat);
        if tells && self.is_shown(&gateway) {
            let update = self.chat.queued(session_key, key, text, files);
            self.desktop.send(WindowEvent::Chat(update));
        }
        Ok(())
    }

    /// Says which file the gateway would not take, before anything is handed on.
    fn check_attachments(&self, draft: &ChatDraft) -> Result<(), UiError> {
        let files: Vec<Attachment> = draft.attachments.iter().cloned().map(Into::into).collect();
        let checked = self.sessions.limits().check(&files);
        checked.map_err(|problem| not_attachable(&problem))
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

    /// Keeps what the composer holds for a conversation of a gateway.
    pub(super) fn keep_draft(&mut self, gateway: &str, session_key: &str, text: String) {
        let gateway = self.settings.gateway_named(gateway);
        self.kept_chats.keep_draft(&gateway, session_key, &text);
        self.unsent.keep_draft(gateway, session_key, text);
    }

    /// The user has decided about a message that was refused.
    pub(super) fn forget_message(&mut self, key: &str) {
        if let Some(gateway) = self.unsent.gateway_of(key) {
            self.kept_chats.forget_refused(gateway, key);
        }
        self.unsent.forget(key);
    }

    /// Takes a message back that waits, unless it has been sent.
    pub(super) fn cancel_message(&mut self, key: String, reply: Reply<(), UiError>) {
        let Some(gateway) = self.unsent.gateway_of(&key).cloned() else {
            respond(reply, Err(under_way()));
            return;
        };
        let (withdrawn, answer) = oneshot::channel();
        let order = CourierOrder::Withdraw {
            gateway,
            key: key.clone(),
            reply: withdrawn,
        };
        if self.courier.drafts.try_send(order).is_err() {
            respond(reply, Err(too_much_waits()));
            return;
        }
        self.work.spawn(async move {
            Outcome::Withdrawn {
                key,
                withdrawn: answer.await.unwrap_or(false),
                reply,
            }
        });
    }

    /// A message was taken back, or was on its way already.
    pub(super) fn message_withdrawn(
        &mut self,
        key: &str,
        withdrawn: bool,
        reply: Reply<(), UiError>,
    ) {
        if withdrawn {
            self.unsent.forget(key);
        }
        respond(reply, withdrawn.then_some(()).ok_or_else(under_way));
    }

    /// Whether the conversations in the window are this gateway's.
    fn is_shown(&self, gateway: &ProfileId) -> bool {
        *gateway == self.gateway
    }
}

fn under_way() -> UiError {
    UiError {
        code: "underWay".to_owned(),
        message: "This message is on its way already.".to_owned(),
        action: None,
    }
}

fn too_much_waits() -> UiError {
    UiError {
        code: "tooMuchWaits".to_owned(),
        message: "Too many messages wait for the connection. Try again when it is back.".to_owned(),
        action: None,
    }
}
