//! What people do with conversations: shown at once, carried out by the gateway, and taken back where
//! it refuses.

use super::{
    keys::is_same_session,
    port::{SessionChanged, SessionOrder},
    rows,
};
use crate::{
    controller::{
        Controller, Reply,
        problems::{call_error, not_connected},
        respond,
        work::Outcome,
    },
    view_model::{Ability, SessionEdit, UiError},
};
use gateway_core::{
    client::{CallError, Offers},
    config::ProfileId,
    protocol::{
        SessionKey,
        connect::Scope,
        method::sessions::{SessionsCreateParams, SessionsPatchParams},
    },
};

/// What leaves out an answer that is being given while a conversation is copied.
const LAST_COMPLETED: &str = "last-completed";

/// What a connection lacks when it may not do what administrators may.
const ADMIN: &str = "operator.admin";

/// An edit that the gateway has not carried out yet.
#[derive(Debug)]
pub(super) struct Pending {
    number: u64,
    pub(super) key: String,
    pub(super) edit: SessionEdit,
}

/// What was asked of the gateway, for when it answers.
#[derive(Debug)]
pub(in crate::controller) enum SessionWork {
    /// Begin a conversation and show it; `true` for one with nothing in it.
    Begin { is_empty: bool },
    /// Carry out an edit.
    Edit { number: u64 },
}

impl Controller {
    /// Begins a conversation and shows it. One that was begun before and in which nothing was said does
    /// as well.
    pub(in crate::controller) fn create_session(
        &mut self,
        agent: Option<String>,
        reply: Reply<(), UiError>,
    ) {
        if let Some(fresh) = self.still_empty(agent.as_deref()) {
            self.choose_session(fresh);
            respond(reply, Ok(()));
            return;
        }
        if let Err(problem) = may(self.sessions.can.create) {
            respond(reply, Err(problem));
            return;
        }
        let params = SessionsCreateParams {
            agent_id: agent,
            ..SessionsCreateParams::default()
        };
        let work = SessionWork::Begin { is_empty: true };
        self.order_of_session(SessionOrder::Create(params), work, reply);
    }

    /// Returns the conversation that was begun last, as long as nobody wrote in it.
    fn still_empty(&mut self, agent: Option<&str>) -> Option<String> {
        let fresh = self.sessions.fresh.clone()?;
        let row = self.sessions.row_mut(&fresh)?;
        let is_empty = row.preview.is_none() && row.title.is_none() && !row.archived;
        let is_theirs = agent.is_none() || row.agent.as_deref() == agent;
        (is_empty && is_theirs).then_some(fresh)
    }

    /// Changes a conversation of a gateway, if that one is still in use.
    pub(in crate::controller) fn edit_session(
        &mut self,
        gateway: &str,
        key: String,
        edit: SessionEdit,
        reply: Reply<(), UiError>,
    ) {
        let Some(session) = self.session().filter(|_| self.gateway.as_str() == gateway) else {
            respond(reply, Err(not_connected()));
            return;
        };
        if let Err(problem) = may(rows::ability_for(&edit, &self.sessions.can)) {
            respond(reply, Err(problem));
            return;
        }
        self.sessions.changes += 1;
        let number = self.sessions.changes;
        let order = order(&session.offers(), SessionKey::from(key.as_str()), &edit);
        let work = if edit == SessionEdit::Fork {
            SessionWork::Begin { is_empty: false }
        } else {
            // A gateway may take its time to let go of one that it is working in.
            if edit == (SessionEdit::Archive { archived: true })
                && is_same_session(&key, self.sessions.active(&self.gateway))
            {
                self.show_main_session();
            }
            self.sessions.pending.push(Pending { number, key, edit });
            self.send_sessions();
            SessionWork::Edit { number }
        };
        self.order_of_session(order, work, reply);
    }

    fn order_of_session(
        &mut self,
        order: SessionOrder,
        work: SessionWork,
        reply: Reply<(), UiError>,
    ) {
        let Some(session) = self.session() else {
            respond(reply, Err(not_connected()));
            return;
        };
        let gateway = self.gateway.clone();
        self.work.spawn(async move {
            Outcome::SessionChanged {
                gateway,
                work,
                result: session.change_session(order).await,
                reply,
            }
        });
    }

    /// Takes what the gateway made of it. What was done is shown until the list says so itself.
    pub(in crate::controller) fn session_changed(
        &mut self,
        gateway: &ProfileId,
        work: &SessionWork,
        result: Result<SessionChanged, CallError>,
        reply: Reply<(), UiError>,
    ) {
        if *gateway != self.gateway {
            // What another gateway has, its list says when it is in use again.
            respond(reply, result.map(drop).map_err(|error| edit_error(&error)));
            return;
        }
        let done = match work {
            SessionWork::Begin { .. } => None,
            SessionWork::Edit { number } => {
                let pending = &mut self.sessions.pending;
                let index = pending.iter().position(|change| change.number == *number);
                index.map(|index| pending.remove(index))
            }
        };
        let answer = match result {
            Ok(changed) => {
                if let Some(done) = done {
                    self.edit_is_done(&done);
                }
                match changed {
                    SessionChanged::Done => Ok(()),
                    SessionChanged::Created(key) => {
                        self.session_is_begun(key.to_string(), work);
                        Ok(())
                    }
                    SessionChanged::NothingToCompact(why) => Err(nothing_to_compact(why)),
                }
            }
            Err(error) => Err(edit_error(&error)),
        };
        // A list that is on its way may be older than this.
        self.sessions.asked += 1;
        self.sessions.asking = false;
        self.sessions.ask_now();
        self.send_sessions();
        respond(reply, answer);
    }

    fn edit_is_done(&mut self, done: &Pending) {
        if done.edit == SessionEdit::Delete {
            self.session_is_gone(&done.key);
        } else if let Some(row) = self.sessions.row_mut(&done.key) {
            rows::apply(&done.edit, row);
        }
    }

    fn session_is_begun(&mut self, key: String, work: &SessionWork) {
        if matches!(work, SessionWork::Begin { is_empty: true }) {
            self.sessions.fresh = Some(key.clone());
        }
        if self.sessions.row_mut(&key).is_none() {
            let mut row = rows::unlisted(&key);
            row.updated_at_ms = Some(crate::controller::now_ms());
            self.sessions.rows.insert(0, row);
        }
        self.sessions.chosen.choose(&self.gateway, key);
    }
}

/// Returns what an edit is on the wire.
fn order(offers: &Offers, key: SessionKey, edit: &SessionEdit) -> SessionOrder {
    let mut patch = SessionsPatchParams::new(key.clone());
    match edit {
        SessionEdit::Rename { title } => patch.label = Some(title.clone()),
        SessionEdit::Pin { pinned } => patch.pinned = Some(*pinned),
        SessionEdit::Archive { archived } => patch.archived = Some(*archived),
        SessionEdit::MarkUnread { unread } => patch.unread = Some(*unread),
        SessionEdit::Model { model } => patch.model = Some(model.clone()),
        SessionEdit::Thinking { level } => patch.thinking_level = Some(level.clone()),
        SessionEdit::Delete => {
            return SessionOrder::Delete {
                key,
                archive_first: !offers.scopes.contains(&Scope::Admin),
            };
        }
        SessionEdit::Reset => return SessionOrder::Reset(key),
        SessionEdit::Compact => return SessionOrder::Compact(key),
        SessionEdit::Fork => {
            return SessionOrder::Create(SessionsCreateParams {
                parent_session_key: Some(key),
                fork: Some(true),
                fork_from: Some(LAST_COMPLETED.to_owned()),
                ..SessionsCreateParams::default()
            });
        }
    }
    SessionOrder::Patch(patch)
}

fn may(ability: Ability) -> Result<(), UiError> {
    match ability {
        Ability::Yes => Ok(()),
        Ability::NeedsAdmin => Err(needs_admin()),
        Ability::No => Err(UiError {
            code: "notServed".to_owned(),
            message: "This gateway does not do that.".to_owned(),
            action: None,
        }),
    }
}

fn needs_admin() -> UiError {
    UiError {
        code: "needsAdmin".to_owned(),
        message: "This takes an administrator's rights on the gateway, which this connection does \
                  not have."
            .to_owned(),
        action: None,
    }
}

fn edit_error(error: &CallError) -> UiError {
    let lacks = error.refusal().and_then(|refusal| refusal.missing_scope());
    if lacks == Some(ADMIN) {
        return needs_admin();
    }
    call_error(error)
}

fn nothing_to_compact(why: Option<String>) -> UiError {
    let why = why.map(|why| format!(" The gateway says: {why}."));
    UiError {
        code: "nothingToCompact".to_owned(),
        message: format!(
            "There was nothing to shorten in this conversation.{}",
            why.unwrap_or_default()
        ),
        action: None,
    }
}
