//! The conversations of a gateway, as the window lists them, and what can be done with them.

use super::{AttachmentLimitsView, UiError};
use serde::{Deserialize, Serialize};
use specta::Type;

/// The conversations of the gateway in use; carries all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SessionsView {
    /// Whose they are: [`ConnectionView::gateway_id`](super::ConnectionView::gateway_id).
    pub gateway: String,
    /// The key of the one that is shown.
    pub active: String,
    /// When the list was read; `None` while none has been.
    pub as_of_ms: Option<f64>,
    /// The conversations, those that changed last first; the shown one is always among them.
    pub rows: Vec<SessionView>,
    /// Whether the gateway has more than it was asked for.
    pub has_more: bool,
    /// Why the list could not be read again.
    pub problem: Option<UiError>,
    /// What can be done here.
    pub can: SessionAbilities,
    /// How large the files of a message may be.
    pub limits: AttachmentLimitsView,
    /// The agents that conversations can be begun with; the default one first.
    pub agents: Vec<AgentView>,
    /// The models a conversation can use.
    pub models: Vec<ModelView>,
    /// What a message may begin with.
    pub commands: Vec<CommandView>,
}

/// One conversation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Its full key.
    pub key: String,
    /// The name its owner gave it, or one made up from its content.
    pub title: Option<String>,
    /// Whether that name was given and not made up.
    pub is_named: bool,
    /// The beginning of its last message.
    pub preview: Option<String>,
    /// When it changed last.
    pub updated_at_ms: Option<f64>,
    /// Whether it is its agent's main one, which cannot be removed.
    pub is_main: bool,
    /// Whether it is kept on top.
    pub pinned: bool,
    /// Whether there is something new in it.
    pub unread: bool,
    /// Whether it was put away.
    pub archived: bool,
    /// Whether it belongs to a job or a helper of an agent.
    pub is_background: bool,
    /// Whether an agent works in it now.
    pub has_active_run: bool,
    /// Why its last run failed, if it did.
    pub last_run_error: Option<String>,
    /// Which agent answers in it.
    pub agent: Option<String>,
    /// The model that answers in it, with its provider.
    pub model: Option<String>,
    /// Whether that model was chosen for it, rather than being the default one.
    pub model_is_chosen: bool,
    /// How much it thinks before answering, where that was chosen.
    pub thinking_level: Option<String>,
    /// How much it can think, in the gateway's words.
    pub thinking_options: Vec<String>,
    /// How much it thinks where nothing is chosen.
    pub thinking_default: Option<String>,
    /// Tokens that its content takes up; `None` while that is not known.
    pub tokens_used: Option<f64>,
    /// Tokens that its model can look at.
    pub context_tokens: Option<f64>,
}

/// Whether something can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum Ability {
    /// The gateway does not do it.
    #[default]
    No,
    /// It can be done.
    Yes,
    /// It takes an administrator's rights, which this connection has not asked for.
    NeedsAdmin,
}

/// What can be done with conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SessionAbilities {
    /// Begin one.
    pub create: Ability,
    /// Rename one, choose its model and how much it thinks.
    pub change: Ability,
    /// Keep one on top, put one away, mark one as read.
    pub sort: Ability,
    /// Remove one with its messages.
    pub delete: Ability,
    /// Begin one with what was said in another.
    pub fork: Ability,
    /// Replace what was said by a summary.
    pub compact: Ability,
    /// Begin one anew under its key.
    pub reset: Ability,
}

/// An agent to talk to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AgentView {
    /// Its id.
    pub id: String,
    /// What it calls itself.
    pub name: String,
}

/// A model a conversation can use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ModelView {
    /// Its id with its provider, as it is chosen.
    pub id: String,
    /// What to call it.
    pub name: String,
    /// Whether it can be used now.
    pub is_available: bool,
}

/// What a message may begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct CommandView {
    /// As it is written, with the slash.
    pub text: String,
    /// Further ways to write it.
    pub aliases: Vec<String>,
    /// What it does, in the gateway's words.
    pub description: String,
    /// Whether something may follow it.
    pub takes_more: bool,
}

/// What to do with a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Type)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum SessionEdit {
    /// Call it so; `null` goes back to a name made up from its content.
    Rename {
        /// The name.
        title: Option<String>,
    },
    /// Keep it on top, or no longer.
    Pin {
        /// Whether it is.
        pinned: bool,
    },
    /// Put it away, or take it back.
    Archive {
        /// Whether it is.
        archived: bool,
    },
    /// Mark it as unread or read.
    MarkUnread {
        /// Whether it is.
        unread: bool,
    },
    /// Use this model; `null` goes back to the default one.
    Model {
        /// Its id with its provider.
        model: Option<String>,
    },
    /// Think so much before answering; `null` goes back to the default.
    Thinking {
        /// The gateway's word.
        level: Option<String>,
    },
    /// Remove it with its messages.
    Delete,
    /// Begin it anew.
    Reset,
    /// Replace what was said by a summary.
    Compact,
    /// Begin another with what was said in it, and show that one.
    Fork,
}
