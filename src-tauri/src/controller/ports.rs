//! What the controller drives: the seams between deciding and doing.

use super::{gateway_report::GatewayAnswers, sessions::SessionsPort};
use crate::view_model::{
    ChatDraft, CheckStepView, FetchedView, LogView, NotKept, PairingKind, UiError,
};
use futures_util::future::BoxFuture;
use gateway_core::{
    chat::kept::{KeptDraft, UnsentMessage},
    client::CallError,
    config::{FileProblem, ProfileId, Settings, settings::Profile},
    connection::{
        GatewayEvent, day::Day, problem::Problem, question::Answer, snapshot::Snapshot,
        timeline::Timeline,
    },
    credentials::Keeping,
    diagnostics::Report,
    home_server::{gateway_service::Repair, repair::Progress},
    protocol::{
        PairingRequestId,
        event::Event,
        id::{ApprovalId, QuestionSetId},
        method::{
            approvals::{ApprovalRequest, Decision},
            chat::{ChatAbortPayload, ChatHistoryPayload, ChatMessageGetPayload},
            devices::PendingDevice,
            nodes::PendingNode,
            questions::{Answers, QuestionSet},
        },
    },
};
use serde_json::Value;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// The one supervised connection: what it says and where it takes orders.
pub struct ConnectionPort {
    /// The connection as it is; the latest wins.
    pub snapshots: watch::Receiver<Snapshot>,
    /// What happened to it so far.
    pub timeline: watch::Receiver<Timeline>,
    /// Its last 24 hours.
    pub day: watch::Receiver<Day>,
    /// What comes from the gateway, in order.
    pub events: broadcast::Receiver<GatewayEvent<Event>>,
    /// Returns the live session, while there is one with this gateway.
    pub session: SessionOf,
    /// Where orders go; they are carried out one after the other.
    pub orders: mpsc::Sender<Order>,
}

/// Looks for the live session with a gateway.
pub type SessionOf = Box<dyn Fn(&ProfileId) -> Option<Arc<dyn GatewayPort>> + Send>;

/// What the connection can be told.
#[derive(Debug)]
pub enum Order {
    /// Connect and stay connected.
    Connect,
    /// Disconnect and stay so.
    Disconnect,
    /// Make the next attempt now.
    ReconnectNow,
    /// Whether somebody waits for the connection.
    SetWatched(bool),
    /// Reach this gateway from now on.
    Reconfigure(Box<Profile>),
    /// Answer a question.
    Answer {
        /// The question's number.
        id: u64,
        /// The answer.
        answer: Answer,
        /// What became of it.
        reply: oneshot::Sender<Result<(), Problem>>,
    },
    /// Close a question without an answer.
    Cancel {
        /// The question's number.
        id: u64,
    },
    /// Forget what happened to the connection so far, and its last 24 hours.
    ForgetHistory,
    /// Close session and tunnel for good.
    ShutDown {
        /// Told when nothing is open any more.
        done: oneshot::Sender<()>,
    },
}

/// One live session with the gateway.
pub trait GatewayPort: SessionsPort {
    /// Fetches a conversation.
    fn history(
        &self,
        session_key: String,
    ) -> BoxFuture<'static, Result<ChatHistoryPayload, CallError>>;

    /// Fetches the messages before those of a conversation.
    fn earlier(
        &self,
        session_key: String,
        offset: u32,
    ) -> BoxFuture<'static, Result<ChatHistoryPayload, CallError>>;

    /// Fetches one message whole.
    fn message(
        &self,
        session_key: String,
        id: String,
    ) -> BoxFuture<'static, Result<ChatMessageGetPayload, CallError>>;

    /// Stops one run, or every run of a conversation.
    fn abort(
        &self,
        session_key: String,
        run_id: Option<String>,
    ) -> BoxFuture<'static, Result<ChatAbortPayload, CallError>>;

    /// Asks the gateway how it is and what it runs; only its health has to be told.
    fn report(&self) -> BoxFuture<'static, Result<GatewayAnswers, CallError>>;

    /// Lists the commands that wait for approval.
    fn approvals(&self) -> BoxFuture<'static, Result<Vec<ApprovalRequest>, CallError>>;

    /// Lists the questions that wait for an answer.
    fn questions(&self) -> BoxFuture<'static, Result<Vec<QuestionSet>, CallError>>;

    /// Lists the devices that ask to connect.
    fn pending_devices(&self) -> BoxFuture<'static, Result<Vec<PendingDevice>, CallError>>;

    /// Lists the nodes that ask for abilities.
    fn pending_nodes(&self) -> BoxFuture<'static, Result<Vec<PendingNode>, CallError>>;

    /// Lets a device or node in, or refuses it.
    fn decide_pairing(
        &self,
        id: PairingRequestId,
        kind: PairingKind,
        approve: bool,
    ) -> BoxFuture<'static, Result<(), CallError>>;

    /// Decides about a command.
    fn decide(
        &self,
        id: ApprovalId,
        decision: Decision,
    ) -> BoxFuture<'static, Result<(), CallError>>;

    /// Answers questions; without answers, dismisses them.
    fn answer_questions(
        &self,
        id: QuestionSetId,
        answers: Option<Answers>,
    ) -> BoxFuture<'static, Result<(), CallError>>;

    /// Reads the end of the gateway's log.
    fn log(&self) -> BoxFuture<'static, Result<LogView, CallError>>;
}

/// Gives an administrator's rights at a gateway, for one thing.
pub trait AdministratorPort: Send + Sync + 'static {
    /// Opens a session that has them; it ends when it is dropped, and they with it.
    fn session(
        &self,
        profile: Profile,
    ) -> BoxFuture<'static, Result<Arc<dyn GatewayPort>, UiError>>;
}

/// Sends messages exactly once, now or when the connection is back.
pub struct CourierPort {
    /// Where messages are handed in; each waits for the gateway it was written for.
    pub drafts: mpsc::Sender<CourierOrder>,
    /// What becomes of them.
    pub news: mpsc::Receiver<CourierNews>,
}

/// What the courier can be told.
#[derive(Debug)]
pub enum CourierOrder {
    /// Send a message to this gateway, and to no other.
    Send(ProfileId, ChatDraft),
    /// Take a message back, if it was not sent yet.
    Withdraw {
        /// The gateway it was written for.
        gateway: ProfileId,
        /// Its idempotency key.
        key: String,
        /// Whether it will never arrive.
        reply: oneshot::Sender<bool>,
    },
    /// Forget what waits for this gateway, and what is kept of its conversations.
    Forget(ProfileId),
}

/// What became of a message.
#[derive(Debug)]
pub enum CourierNews {
    /// The gateway has it.
    Accepted {
        /// Which gateway.
        gateway: ProfileId,
        /// The session it was sent to.
        session_key: String,
        /// Its idempotency key.
        key: String,
    },
    /// It cannot be delivered.
    Refused {
        /// The gateway it was meant for.
        gateway: ProfileId,
        /// The session it was meant for.
        session_key: String,
        /// Its idempotency key.
        key: String,
        /// Why.
        problem: UiError,
    },
}

/// What is kept of conversations on this computer. Nothing is waited for: what is told is written in turn.
pub trait KeptChatsPort: Send + Sync + 'static {
    /// Keeps the composer's text for a conversation; an empty one is forgotten.
    fn keep_draft(&self, gateway: &ProfileId, session_key: &str, text: &str);

    /// Keeps a history as the gateway's last word on a conversation.
    fn keep_history(&self, gateway: &ProfileId, session_key: &str, history: &ChatHistoryPayload);

    /// Returns the last word that is kept.
    fn history(
        &self,
        gateway: &ProfileId,
        session_key: &str,
    ) -> BoxFuture<'static, Option<KeptHistory>>;

    /// Forgets a message that was refused.
    fn forget_refused(&self, gateway: &ProfileId, key: &str);

    /// Forgets everything of a gateway, and what was told of it before.
    fn forget_gateway(&self, gateway: &ProfileId);

    /// Forgets every history, in memory and on disk.
    fn forget_histories(&self) -> BoxFuture<'static, Result<(), UiError>>;

    /// Returns why nothing is kept at present.
    fn not_kept(&self) -> Option<NotKept>;

    /// Comes back once everything that was told is on disk.
    fn settle(&self) -> BoxFuture<'static, ()>;
}

/// A conversation as it was when its gateway was last asked.
#[derive(Debug, Clone)]
pub struct KeptHistory {
    /// What the gateway said.
    pub payload: ChatHistoryPayload,
    /// When, in milliseconds since 1970.
    pub as_of_ms: u64,
}

/// What an earlier run of the app left of conversations.
#[derive(Debug, Default)]
pub struct LeftChats {
    /// Messages that their gateways are not known to have.
    pub messages: Vec<UnsentMessage>,
    /// The composer's texts.
    pub drafts: Vec<KeptDraft>,
}

/// What is done on the home server over its SSH sign-in.
pub trait HomeServerPort: Send + Sync + 'static {
    /// Reads the gateway's token or password there and keeps it.
    fn fetch_secret(&self) -> BoxFuture<'static, Result<FetchedView, UiError>>;

    /// Returns the line that would let a key of our own in; the key is kept ready until it is added.
    fn prepare_key(&self) -> BoxFuture<'static, Result<String, UiError>>;

    /// Adds the line of the key that was prepared, proves it and forgets the password.
    fn add_key(&self) -> BoxFuture<'static, Result<(), UiError>>;

    /// Takes the line and the key back.
    fn remove_key(&self) -> BoxFuture<'static, Result<(), UiError>>;

    /// Starts a repair; the latest news wins, and dropping the receiver stops it.
    fn repair(&self, repair: Repair) -> watch::Receiver<RepairNews>;

    /// Reads the end of the gateway's log in the server's own files.
    fn log(&self) -> BoxFuture<'static, Result<LogView, UiError>>;
}

/// What a repair reports.
#[derive(Debug, Clone, Default)]
pub struct RepairNews {
    /// How far it has come.
    pub progress: Progress,
    /// How it ended, once it has.
    pub ended: Option<Result<(), UiError>>,
}

/// Puts the report for whoever helps together, and saves it.
pub trait ReportPort: Send + Sync + 'static {
    /// Puts it together from what is known, and from the logs.
    fn prepare(&self, known: Known) -> BoxFuture<'static, Result<Report, UiError>>;

    /// Saves it where its user finds it, and returns where.
    fn save(&self, report: Arc<Report>) -> BoxFuture<'static, Result<PathBuf, UiError>>;
}

/// What the controller knows that belongs into a report.
#[derive(Debug)]
pub struct Known {
    /// The settings in force.
    pub settings: Settings,
    /// What is wrong with their file.
    pub settings_problem: Option<FileProblem>,
    /// Where secrets are kept.
    pub keeping: Keeping,
    /// The connection as it is.
    pub connection: Snapshot,
    /// What happened to it.
    pub timeline: Timeline,
    /// What the last check found.
    pub check: Option<Value>,
}

/// Runs "Check my server".
pub trait CheckPort: Send + Sync + 'static {
    /// Starts a run; dropping the receiver stops it.
    fn run(&self, profile: Profile) -> mpsc::Receiver<CheckNews>;
}

/// What a check reports.
#[derive(Debug)]
pub enum CheckNews {
    /// A step changed; carries all of it.
    Step(CheckStepView),
    /// The gateway wants this device approved first, by this request.
    PairingRequired(PairingRequestId),
    /// The run ended.
    Finished {
        /// Whether every step that applies is well.
        ok: bool,
    },
}
