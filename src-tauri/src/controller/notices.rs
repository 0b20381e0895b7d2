//! What the controller knows, as the moment that notifications are decided by.

use super::Controller;
use crate::{
    notices::{Ended, Situation},
    view_model::{ChatChange, ChatUpdate},
};
use tokio::time::{Instant, sleep_until};

impl Controller {
    /// Tells what is to be told now.
    pub(super) fn notify_as_needed(&mut self) {
        let situation = self.situation();
        while let Some(notice) = self.notices.on(&situation, Instant::now()) {
            self.desktop.notify(notice);
        }
    }

    /// Tells of a reply that ended while nobody looked.
    pub(super) fn reply_may_have_ended(&mut self, update: &ChatUpdate) {
        let how = match &update.change {
            ChatChange::Final {
                message: Some(_), ..
            } => Ended::Well,
            ChatChange::Failed { .. } => Ended::Badly,
            // What was stopped, somebody stopped; what says nothing is no reply.
            ChatChange::Final { message: None, .. }
            | ChatChange::Aborted { .. }
            | ChatChange::Status { .. }
            | ChatChange::Delta { .. }
            | ChatChange::Reasoning { .. }
            | ChatChange::Tool { .. }
            | ChatChange::Retrying { .. }
            | ChatChange::Queued { .. }
            | ChatChange::Accepted { .. }
            | ChatChange::Refused { .. }
            | ChatChange::Refetch => return,
        };
        let mut situation = self.situation();
        // Quick Chat shows a reply, and nothing else that a notification tells of.
        situation.looked_at |= self.quick_chat && self.quick_chat_focused;
        let conversation = &update.session_key;
        if let Some(notice) = self
            .notices
            .replied(conversation, how, &situation, Instant::now())
        {
            self.desktop.notify(notice);
        }
    }

    fn situation(&self) -> Situation {
        let snapshot = self.connection.snapshots.borrow();
        Situation {
            phase: snapshot.phase,
            cause: snapshot.cause,
            server: self.settings.server_elsewhere(),
            approvals: self
                .agent_requests
                .approvals()
                .iter()
                .map(|asked| asked.id.to_string())
                .collect(),
            questions: self
                .agent_requests
                .questions()
                .iter()
                .map(|set| set.id.to_string())
                .collect(),
            pairings: self
                .agent_requests
                .devices()
                .iter()
                .map(|device| &device.request_id)
                .chain(
                    self.agent_requests
                        .nodes()
                        .iter()
                        .map(|node| &node.request_id),
                )
                .map(ToString::to_string)
                .collect(),
            unsent: self.voice.waits_for_person(),
            looked_at: self.window && self.focused,
            switches: self.settings.notifications(),
            tongue: self.settings.tongue(),
        }
    }
}

/// Waits until a notification may be due, for ever while none is to come.
pub(super) async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
