//! The last word of a conversation is kept on this computer: asked for once a reply has ended and a moment has
//! passed, because what is told of a reply is not all that a gateway stores of it.

use super::{Controller, Outcome};
use crate::view_model::{ChatChange, ChatUpdate};
use gateway_core::{config::ProfileId, protocol::method::chat::ChatHistoryPayload};
use std::time::Duration;
use tokio::time::sleep;

/// How long after a reply's end; several that end meanwhile are one.
const KEEP_AFTER: Duration = Duration::from_secs(3);

impl Controller {
    /// Tells where it has changed whether anything is kept. It is known once something was to be written, so it
    /// is looked at after everything that happens.
    pub(super) fn note_what_is_kept(&mut self) {
        let not_kept = self.kept_chats.not_kept();
        if self.not_kept != not_kept {
            self.not_kept = not_kept;
            self.send_settings();
        }
    }

    /// Has the conversation kept in which a reply has just ended.
    pub(super) fn keep_when_ended(&mut self, update: &ChatUpdate) {
        let ended = matches!(
            update.change,
            ChatChange::Final { .. } | ChatChange::Aborted { .. } | ChatChange::Failed { .. }
        );
        if !ended || !self.to_keep.insert(update.session_key.clone()) {
            return;
        }
        let (gateway, session_key) = (self.gateway.clone(), update.session_key.clone());
        self.work.spawn(async move {
            sleep(KEEP_AFTER).await;
            Outcome::HistoryToKeep {
                gateway,
                session_key,
            }
        });
    }

    /// Asks for a conversation and keeps it. Where that fails, what was kept before stays.
    pub(super) fn keep_history(&mut self, gateway: ProfileId, session_key: String) {
        self.to_keep.remove(&session_key);
        if gateway != self.gateway {
            return;
        }
        let Some(session) = self.session() else {
            return;
        };
        self.work.spawn(async move {
            match session.history(session_key.clone()).await {
                Ok(payload) => Outcome::HistoryRead {
                    gateway,
                    session_key,
                    payload: Box::new(payload),
                },
                Err(_) => Outcome::Nothing,
            }
        });
    }

    /// Keeps a conversation, unless its gateway was taken off the list or left while it was read.
    pub(super) fn keep_now(
        &self,
        gateway: &ProfileId,
        session_key: &str,
        payload: &ChatHistoryPayload,
    ) {
        if *gateway == self.gateway {
            self.kept_chats.keep_history(gateway, session_key, payload);
        }
    }
}
