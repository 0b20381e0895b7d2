//! What reaches the controller, and the handle that carries it there.

use super::voice::VoiceRequest;
use crate::desktop::SmallWindow;
use crate::shortcuts::{GrantedKeys, ShortcutUse};
use crate::tray::MenuAction;
use crate::view_model::{
    AgentAnswerForm, AnswerForm, ChatDraft, ChatHistoryView, ChatMessageView, ChatPageView,
    DayView, DecisionView, FetchedView, FieldError, GatewayEdit, HappenedView, LogView,
    OpenclawChangeView, OwnFolder, Page, PairingKind, PrivacyView, RepairKind, ReportView,
    SavedReportView, SecretText, SessionEdit, SettingsForm, ShortcutKind, StoredKind, UiError,
    UnsentView,
};
use gateway_core::config::ProfileId;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait while the controller is busy. A person makes few; more than this means a loop.
const WAITING_REQUESTS: usize = 64;

/// Where an answer goes.
pub type Reply<T, E> = oneshot::Sender<Result<T, E>>;

/// Everything that can be asked of the controller.
#[derive(Debug)]
#[expect(
    missing_docs,
    reason = "each is documented at its command or its desktop event"
)]
pub enum Request {
    ResendAll,
    SetShortcut {
        kind: ShortcutKind,
        keys: String,
        reply: Reply<(), UiError>,
    },
    KeysGranted(GrantedKeys),
    KeysPressed {
        what: ShortcutUse,
        down: bool,
    },
    ResendQuickChat,
    LeaveQuickChat,
    ResendSpoken,
    SmallWindowClosed(SmallWindow),
    SaveSettings {
        form: SettingsForm,
        reply: Reply<(), Vec<FieldError>>,
    },
    CheckAddress {
        text: String,
        reply: Reply<String, FieldError>,
    },
    Connect,
    Disconnect,
    ReconnectNow,
    TrustHostKey {
        id: String,
    },
    AnswerQuestion {
        answer: AnswerForm,
        reply: Reply<(), UiError>,
    },
    CancelQuestion {
        id: String,
    },
    RunCheck,
    CancelCheck,
    ConnectionHistory {
        reply: Reply<Vec<HappenedView>, UiError>,
    },
    ConnectionDay {
        reply: Reply<DayView, UiError>,
    },
    ChatHistory {
        session_key: String,
        reply: Reply<ChatHistoryView, UiError>,
    },
    ChatEarlier {
        session_key: String,
        offset: u32,
        reply: Reply<ChatPageView, UiError>,
    },
    ChatMessage {
        session_key: String,
        id: String,
        reply: Reply<ChatMessageView, UiError>,
    },
    OpenLink {
        address: String,
        reply: Reply<(), UiError>,
    },
    SendChat {
        draft: ChatDraft,
        reply: Reply<(), UiError>,
    },
    AbortChat {
        session_key: String,
        run_id: Option<String>,
        reply: Reply<(), UiError>,
    },
    DecideApproval {
        id: String,
        decision: DecisionView,
        reply: Reply<(), UiError>,
    },
    AnswerAgent {
        id: String,
        answers: Option<Vec<AgentAnswerForm>>,
        reply: Reply<(), UiError>,
    },
    DecidePairing {
        id: String,
        kind: PairingKind,
        approve: bool,
        as_admin: bool,
        reply: Reply<(), UiError>,
    },
    UseFoundConfig {
        reply: Reply<(), UiError>,
    },
    EditGateways {
        edit: GatewayEdit,
        reply: Reply<(), UiError>,
    },
    KeepDraft {
        gateway: String,
        session_key: String,
        text: String,
    },
    ChooseSession {
        key: String,
    },
    CreateSession {
        agent: Option<String>,
        reply: Reply<(), UiError>,
    },
    EditSession {
        gateway: String,
        key: String,
        edit: SessionEdit,
        reply: Reply<(), UiError>,
    },
    Unsent {
        session_key: String,
        reply: Reply<UnsentView, UiError>,
    },
    ForgetMessage {
        key: String,
    },
    CancelMessage {
        key: String,
        reply: Reply<(), UiError>,
    },
    ForgetHistories {
        reply: Reply<(), UiError>,
    },
    FinishFirstRun,
    ChooseIdentityFile {
        reply: Reply<Option<String>, UiError>,
    },
    FetchGatewaySecret {
        reply: Reply<FetchedView, UiError>,
    },
    Voice(VoiceRequest),
    SignInKey(SignInKeyRequest),
    Repair(RepairRequest),
    GatewayLog {
        reply: Reply<LogView, UiError>,
    },
    PrepareReport {
        reply: Reply<ReportView, UiError>,
    },
    SaveReport {
        number: u32,
        reply: Reply<SavedReportView, UiError>,
    },
    OpenReportFolder {
        reply: Reply<(), UiError>,
    },
    ShowOpenclawChange {
        reply: Reply<OpenclawChangeView, UiError>,
    },
    WriteOpenclawChange {
        number: u32,
        reply: Reply<(), UiError>,
    },
    ReadInvitation {
        text: SecretText,
        reply: Reply<(), UiError>,
    },
    AcceptInvitation {
        id: u32,
        reply: Reply<(), UiError>,
    },
    ForgetInvitation,
    Privacy {
        reply: Reply<PrivacyView, UiError>,
    },
    DeleteStored {
        owner: Option<String>,
        kind: StoredKind,
        reply: Reply<(), UiError>,
    },
    ForgetHistory {
        reply: Reply<(), UiError>,
    },
    OpenOwnFolder {
        folder: OwnFolder,
        reply: Reply<(), UiError>,
    },
    ResetApp {
        reply: Reply<(), UiError>,
    },
    /// A row of the tray's menu was clicked.
    MenuClicked(MenuAction),
    GatewayChosen(ProfileId),
    /// The user closed the window.
    WindowClosed,
    /// Whether the window holds edits of the settings that were not saved.
    Unsaved(bool),
    /// The window got the keyboard, or lost it.
    WindowFocused(bool),
    /// The small window got the keyboard, or lost it.
    QuickChatFocused(bool),
    /// A notification that leads to a page was clicked.
    NoticeClicked(Page),
    /// A second launch asks for the window of the first.
    LaunchedAgain,
    /// The system opened a link of ours.
    LinkOpened(SecretText),
    /// A tray host appeared or went away.
    TrayHost(bool),
    /// The system or the user asks the app to end.
    Quit,
}

/// What can be asked about a key in place of the account's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInKeyRequest {
    /// Add the one that is offered.
    Add,
    /// Take back the one that was added.
    Undo,
    /// Show no more of it.
    Close,
}

/// What can be asked about something that is done on the home server by a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepairRequest {
    /// Show its commands.
    Offer(RepairKind),
    /// Run them.
    Run,
    /// Stop what runs, or show no more of it.
    Stop,
}

/// Carries requests to the controller; cheap to clone.
#[derive(Debug, Clone)]
pub struct ControllerHandle {
    requests: mpsc::Sender<Request>,
}

impl ControllerHandle {
    /// Returns a handle and the end the controller reads.
    pub fn channel() -> (Self, mpsc::Receiver<Request>) {
        let (requests, inbox) = mpsc::channel(WAITING_REQUESTS);
        (Self { requests }, inbox)
    }

    /// States an intent; its effect comes back as an event.
    pub fn tell(&self, request: Request) {
        if let Err(refused) = self.requests.try_send(request) {
            tracing::warn!(%refused, "a request was dropped");
        }
    }

    /// Asks and waits for the answer.
    pub async fn ask<T, E: WhenEnding>(
        &self,
        request: impl FnOnce(Reply<T, E>) -> Request,
    ) -> Result<T, E> {
        let (reply, answer) = oneshot::channel();
        if self.requests.send(request(reply)).await.is_err() {
            return Err(E::when_ending());
        }
        answer.await.unwrap_or_else(|_| Err(E::when_ending()))
    }
}

/// The answer to whatever is asked while the app is ending.
pub trait WhenEnding {
    /// Returns it.
    fn when_ending() -> Self;
}

const ENDING: &str = "OpenClaw Tray is quitting.";

impl WhenEnding for UiError {
    fn when_ending() -> Self {
        Self {
            code: "quitting".to_owned(),
            message: ENDING.to_owned(),
            action: None,
        }
    }
}

impl WhenEnding for FieldError {
    fn when_ending() -> Self {
        Self {
            field: "address".to_owned(),
            message: ENDING.to_owned(),
        }
    }
}

impl WhenEnding for Vec<FieldError> {
    fn when_ending() -> Self {
        vec![FieldError::when_ending()]
    }
}
