//! The conversations of the gateway in use: the list, kept current while somebody looks, and which of
//! them is shown.
//!
//! Gateways tell of every step of every conversation, so what they tell is shown at once and the list
//! is read again after a burst. Without a connection the last list stays, with the time it is of. What
//! is done with a conversation is in [`changes`].

mod changes;
mod chosen;
pub(crate) mod keys;
mod port;
mod rows;

pub(super) use changes::SessionWork;

pub use port::{Choices, ListedSessions, SessionChanged, SessionOrder, SessionsPort};

use super::{Controller, now_ms, problems::call_error, work::Outcome};
use crate::{
    events::WindowEvent,
    view_model::{SessionAbilities, SessionView, SessionsView, UiError},
};
use changes::Pending;
use chosen::Chosen;
use gateway_core::{
    chat::AttachmentLimits,
    client::CallError,
    config::{Places, ProfileId},
    protocol::event::{Event, SessionsChanged},
};
use keys::{MAIN_SESSION, is_same_session};
use std::time::Duration;
use tokio::time::Instant;

/// How long to wait for more news before reading the list: they come in bursts.
const SETTLES: Duration = Duration::from_millis(400);

/// The list is read no more often than this, however much is told.
const AT_MOST_EVERY: Duration = Duration::from_secs(2);

/// The conversations as they are known, and what is under way to renew them.
#[derive(Debug)]
pub(super) struct Sessions {
    chosen: Chosen,
    rows: Vec<SessionView>,
    has_more: bool,
    /// The key of the one everybody has.
    main: String,
    as_of_ms: Option<f64>,
    problem: Option<UiError>,
    can: SessionAbilities,
    /// How large the files of a message may be.
    limits: AttachmentLimits,
    choices: Choices,
    /// What was asked for and the gateway has not done yet.
    pending: Vec<Pending>,
    /// How many changes were asked for.
    changes: u64,
    /// Counts what was asked; the answer to an older question counts for nothing.
    asked: u64,
    /// Whether an answer is under way.
    asking: bool,
    /// When the list was asked for last.
    asked_at: Option<Instant>,
    /// When to ask next.
    due: Option<Instant>,
    /// The conversation that was begun last and in which nothing was said yet.
    fresh: Option<String>,
}

impl Sessions {
    /// Returns what is known before anything was asked: which conversation was shown last.
    pub(super) fn new(places: &Places) -> Self {
        Self {
            chosen: Chosen::load(places.shown_sessions()),
            rows: Vec::new(),
            has_more: false,
            main: MAIN_SESSION.to_owned(),
            as_of_ms: None,
            problem: None,
            can: SessionAbilities::default(),
            limits: AttachmentLimits::default(),
            choices: Choices::default(),
            pending: Vec::new(),
            changes: 0,
            asked: 0,
            asking: false,
            asked_at: None,
            due: None,
            fresh: None,
        }
    }

    /// Returns when the gateway is to be asked for the list.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.asking)
    }

    /// Returns the key of the conversation of a gateway that is shown.
    pub(super) fn active(&self, gateway: &ProfileId) -> &str {
        self.chosen.of(gateway)
    }

    /// Returns how large the files of a message to the gateway in use may be.
    pub(super) fn limits(&self) -> AttachmentLimits {
        self.limits
    }

    /// Forgets a gateway that is no longer on the list.
    pub(super) fn forget_gateway(&mut self, gateway: &ProfileId) {
        self.chosen.forget(gateway);
    }

    fn ask_within(&mut self, wait: Duration) {
        let soonest = self.asked_at.map(|asked| asked + AT_MOST_EVERY);
        let at = (Instant::now() + wait).max(soonest.unwrap_or_else(Instant::now));
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    fn ask_now(&mut self) {
        self.due = Some(Instant::now());
    }

    /// Forgets what another gateway told.
    fn start_over(&mut self) {
        self.rows.clear();
        self.has_more = false;
        MAIN_SESSION.clone_into(&mut self.main);
        self.as_of_ms = None;
        self.problem = None;
        self.can = SessionAbilities::default();
        self.limits = AttachmentLimits::default();
        self.choices = Choices::default();
        self.pending.clear();
        self.asked += 1;
        self.asking = false;
        self.asked_at = None;
        self.due = None;
        self.fresh = None;
    }

    fn row_mut(&mut self, key: &str) -> Option<&mut SessionView> {
        self.rows
            .iter_mut()
            .find(|row| is_same_session(key, &row.key))
    }

    fn view(&self, gateway: &ProfileId) -> SessionsView {
        let active = self.active(gateway).to_owned();
        // The one everybody has is always at hand, also before anybody wrote in it.
        let shown = rows::with_row(self.rows.clone(), &self.main);
        let mut shown = rows::with_row(shown, &active);
        for change in &self.pending {
            let row = shown
                .iter_mut()
                .find(|row| is_same_session(&change.key, &row.key));
            if let Some(row) = row {
                rows::apply(&change.edit, row);
            }
        }
        SessionsView {
            gateway: gateway.to_string(),
            active,
            as_of_ms: self.as_of_ms,
            rows: shown,
            has_more: self.has_more,
            problem: self.problem.clone(),
            can: self.can,
            limits: self.limits.into(),
            agents: rows::agents(&self.choices),
            models: rows::models(&self.choices),
            commands: rows::commands(&self.choices),
        }
    }
}

impl Controller {
    /// A session began: everything may be different.
    pub(super) fn sessions_of_session(&mut self) {
        let Some(gateway) = self.session() else {
            return;
        };
        let offers = gateway.offers();
        self.sessions.can = rows::abilities(&offers);
        self.sessions.limits = offers.attachments;
        // From now on it is known which conversation the short name stands for.
        if let Some(main) = &offers.main_session {
            self.sessions.main = main.to_string();
            if self.sessions.active(&self.gateway) == MAIN_SESSION {
                self.sessions.chosen.choose(&self.gateway, main.to_string());
            }
        }
        // An answer over the old connection will never come.
        self.sessions.asked += 1;
        self.sessions.asking = false;
        self.work.spawn(async move {
            if let Err(error) = gateway.watch_sessions().await {
                tracing::info!(%error, "changes of conversations are not told");
            }
            Outcome::SessionChoices(gateway.choices().await.map(Box::new))
        });
        if self.window {
            self.sessions.ask_now();
        } else {
            // Whoever opens the window gets it then.
            self.sessions.asked_at = None;
        }
        self.send_sessions();
    }

    /// Takes what can be chosen; what a gateway does not tell cannot be.
    pub(super) fn session_choices(&mut self, choices: Result<Box<Choices>, CallError>) {
        match choices {
            Ok(choices) => {
                self.sessions.choices = *choices;
                self.send_sessions();
            }
            Err(error) => tracing::info!(%error, "what can be chosen is not known"),
        }
    }

    /// Takes an event of the gateway.
    pub(super) fn sessions_event(&mut self, event: &Event) {
        let Event::SessionsChanged(changed) = event else {
            return;
        };
        self.sessions_are_told(changed);
        self.sessions_were_missed();
    }

    /// Something was told and did not arrive: it may have been about any conversation.
    pub(super) fn sessions_were_missed(&mut self) {
        if self.window {
            self.sessions.ask_within(SETTLES);
        } else {
            self.sessions.asked_at = None;
        }
    }

    fn sessions_are_told(&mut self, changed: &SessionsChanged) {
        let told_key = changed.session_key.as_ref().map(ToString::to_string);
        if changed.reason.as_deref() == Some("delete")
            && let Some(key) = told_key
        {
            self.session_is_gone(&key);
            return;
        }
        if let Some(told) = &changed.session
            && let Some(known) = self.sessions.row_mut(told.key.as_str())
        {
            rows::take_over(known, told);
            self.send_sessions();
        }
    }

    /// A conversation was removed; whoever looked at it is led to the one that always is.
    fn session_is_gone(&mut self, key: &str) {
        self.sessions
            .rows
            .retain(|row| !is_same_session(key, &row.key));
        if is_same_session(key, self.sessions.active(&self.gateway)) {
            self.show_main_session();
        }
        self.send_sessions();
    }

    fn show_main_session(&mut self) {
        let main = self.sessions.main.clone();
        self.sessions.chosen.choose(&self.gateway, main);
    }

    /// A window opened: what it shows must be of now.
    pub(super) fn sessions_are_looked_at(&mut self) {
        if self.sessions.asked_at.is_none() {
            self.sessions.ask_now();
        }
        self.send_sessions();
    }

    /// Asks the gateway, if there is one to ask.
    pub(super) fn ask_sessions(&mut self) {
        self.sessions.due = None;
        let Some(gateway) = self.session() else {
            return;
        };
        self.sessions.asked += 1;
        self.sessions.asking = true;
        self.sessions.asked_at = Some(Instant::now());
        let number = self.sessions.asked;
        self.work.spawn(async move {
            Outcome::SessionsListed {
                number,
                listed: gateway.sessions().await,
            }
        });
    }

    /// Takes the list; only the last one that was asked for counts.
    pub(super) fn sessions_listed(
        &mut self,
        number: u64,
        listed: Result<ListedSessions, CallError>,
    ) {
        if number != self.sessions.asked {
            return;
        }
        self.sessions.asking = false;
        match listed {
            Ok(listed) => {
                self.sessions.rows = listed.rows.iter().map(rows::session_view).collect();
                self.sessions.has_more = listed.has_more;
                self.sessions.as_of_ms = Some(now_ms());
                self.sessions.problem = None;
            }
            // A session that ended is said by the connection.
            Err(CallError::Closed { .. }) => return,
            Err(error) => self.sessions.problem = Some(call_error(&error)),
        }
        self.send_sessions();
    }

    /// Shows another conversation from now on.
    pub(super) fn choose_session(&mut self, key: String) {
        self.sessions.chosen.choose(&self.gateway, key);
        self.send_sessions();
    }

    /// Another gateway is in use: it has conversations of its own.
    pub(super) fn sessions_of_gateway(&mut self) {
        self.sessions.start_over();
        self.send_sessions();
    }

    pub(super) fn send_sessions(&self) {
        let view = self.sessions.view(&self.gateway);
        self.desktop.send(WindowEvent::Sessions(view));
    }
}
