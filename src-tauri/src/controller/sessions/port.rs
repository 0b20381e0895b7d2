//! What the list of conversations asks of a gateway: the seam between deciding and doing.

use futures_util::future::BoxFuture;
use gateway_core::{
    client::{CallError, Offers},
    protocol::{
        SessionKey,
        method::{
            chat::CommandEntry,
            models::{AgentsListPayload, ModelChoice},
            sessions::{SessionRow, SessionsCreateParams, SessionsPatchParams},
        },
    },
};

/// The part of a live session that conversations are listed and changed over.
pub trait SessionsPort: Send + Sync + 'static {
    /// Returns what hello-ok said can be done.
    fn offers(&self) -> Offers;

    /// Asks to be told when any conversation changes.
    fn watch_sessions(&self) -> BoxFuture<'static, Result<(), CallError>>;

    /// Lists the conversations, as many as a person can look through.
    fn sessions(&self) -> BoxFuture<'static, Result<ListedSessions, CallError>>;

    /// Asks what can be chosen in a conversation; what the gateway does not tell is empty.
    fn choices(&self) -> BoxFuture<'static, Result<Choices, CallError>>;

    /// Begins, changes or removes a conversation.
    fn change_session(
        &self,
        order: SessionOrder,
    ) -> BoxFuture<'static, Result<SessionChanged, CallError>>;
}

/// Conversations as a gateway lists them.
#[derive(Debug, Clone, Default)]
pub struct ListedSessions {
    /// Those that were asked for, the latest first.
    pub rows: Vec<SessionRow>,
    /// Whether there are more.
    pub has_more: bool,
}

/// What can be chosen in a conversation.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// The agents.
    pub agents: Option<AgentsListPayload>,
    /// The models.
    pub models: Vec<ModelChoice>,
    /// The slash commands.
    pub commands: Vec<CommandEntry>,
}

/// What is to be done with a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionOrder {
    /// Begin one.
    Create(SessionsCreateParams),
    /// Change its settings.
    Patch(SessionsPatchParams),
    /// Remove it with its messages.
    Delete {
        /// Which.
        key: SessionKey,
        /// Put it away first and remove it as such, which takes fewer rights.
        archive_first: bool,
    },
    /// Begin it anew.
    Reset(SessionKey),
    /// Replace what was said by a summary.
    Compact(SessionKey),
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionChanged {
    /// It was done.
    Done,
    /// There is a new conversation.
    Created(SessionKey),
    /// There was nothing to replace by a summary; the gateway may say why.
    NothingToCompact(Option<String>),
}
