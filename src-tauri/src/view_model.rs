//! The only shapes that cross to the web view.
//!
//! Each view model is sent whole whenever any of it changes; the web view keeps no truth of its own.
//! No secret has a field here on the way out: a form may carry one in, a view never carries one out.
//! Times are milliseconds since the Unix epoch as `f64`, because JavaScript has no other number.

mod agent_requests;
mod attachments;
mod chat;
mod check;
mod day;
mod fetched;
mod gateway_report;
mod gateways;
mod invitation;
mod not_kept;
mod notices;
mod openclaw_change;
mod privacy;
mod repair;
mod report;
mod sessions;
mod shortcuts;
mod sign_in_key;
mod voice;

pub use agent_requests::{
    AgentAnswerForm, AgentOptionView, AgentQuestionView, AgentQuestionsView, AgentRequestsView,
    ApprovalView, DecisionView, PairingKind, PairingView,
};
pub(crate) use attachments::not_attachable;
pub use attachments::{AttachmentLimitsView, AttachmentView, FileView};
pub use chat::{
    AnsweredView, ChatChange, ChatDraft, ChatHistoryView, ChatMessageView, ChatPageView, ChatRole,
    ChatUpdate, ImageView, InFlightView, ToolStateView, ToolView, UnsentMessageView, UnsentView,
};
pub use check::{CheckStatus, CheckStepId, CheckStepView, CheckView};
pub use day::{DaySpanView, DayView};
pub use fetched::{FetchedKind, FetchedView};
pub use gateway_report::{GatewayReportView, NodeView, PresentView};
pub use gateways::{GatewayEdit, GatewayEntry};
pub use invitation::{BroughtView, InvitationView, InvitedView, InvitedWay};
pub use not_kept::NotKept;
pub use notices::NotificationSwitches;
pub use openclaw_change::{ChangedLineKind, ChangedLineView, OpenclawChangeView};
pub use privacy::{OwnFolder, PrivacyView, StoredItemView, StoredKind};
pub use repair::{LogView, RepairKind, RepairStep, RepairView};
pub use report::{ReportFileView, ReportView, SavedReportView};
pub use sessions::{
    Ability, AgentView, CommandView, ModelView, SessionAbilities, SessionEdit, SessionView,
    SessionsView,
};
pub use shortcuts::{ShortcutKind, ShortcutProblem, ShortcutView, ShortcutsView};
pub use sign_in_key::{SignInKeyStep, SignInKeyView};
pub use voice::{
    MicrophoneView, OpenMicrophoneView, TriggerView, VoiceAct, VoiceEditing, VoiceForm,
    VoiceHindrance, VoiceKept, VoiceLook, VoiceModelEdit, VoiceModelView, VoiceOverlayState,
    VoiceOverlayView, VoiceRouteView, VoiceState, VoiceTesterView, VoiceView,
};

use crate::tongue::Tongue;
use gateway_core::config::{
    LogLevel,
    settings::{Language, Theme},
};
use gateway_core::connection::phase::{Cause, Phase};
use gateway_core::connection::timeline::Happening;
use serde::{Deserialize, Serialize};
use specta::Type;
use std::fmt;

/// The connection as shown.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionView {
    /// Where it stands.
    pub phase: Phase,
    /// Why it waits or is paused.
    pub cause: Option<Cause>,
    /// Names the gateway this is about. Another one here means other conversations.
    pub gateway_id: String,
    /// What the user calls the server: the host part of the address, or "This computer".
    pub server_name: String,
    /// The address in full, as dialled.
    pub target: Option<String>,
    /// Where the SSH configuration leads that address, through which servers; in one line.
    pub way: Option<String>,
    /// The number of the attempt that runs or comes next, from 1; 0 when there is none.
    pub attempt: u32,
    /// When the next attempt starts.
    pub next_attempt_at_ms: Option<f64>,
    /// Since when it has been up.
    pub up_since_ms: Option<f64>,
    /// The last round trip to the server.
    pub ping_ms: Option<f64>,
    /// Where local programs reach the gateway, and why it is not the usual port.
    pub local_port: Option<LocalPortView>,
    /// The gateway's release.
    pub gateway_version: Option<String>,
    /// Since when the gateway has been running, by this computer's clock.
    pub gateway_since_ms: Option<f64>,
    /// The gateway on this computer, where one is ours to see to.
    pub gateway_here: Option<GatewayHereView>,
    /// Which credential the gateway accepted.
    pub credential: Option<CredentialView>,
    /// What stands in the way, with what to do about it.
    pub problem: Option<UiError>,
    /// What a person is being asked, while somebody is asked.
    pub question: Option<QuestionView>,
}

impl ConnectionView {
    /// Returns the view before anything was configured.
    pub fn off() -> Self {
        Self {
            phase: Phase::Off,
            cause: None,
            gateway_id: String::new(),
            server_name: String::new(),
            target: None,
            way: None,
            attempt: 0,
            next_attempt_at_ms: None,
            up_since_ms: None,
            ping_ms: None,
            local_port: None,
            gateway_version: None,
            gateway_since_ms: None,
            gateway_here: None,
            credential: None,
            problem: None,
            question: None,
        }
    }
}

/// The loopback port of the tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct LocalPortView {
    /// The port in use now.
    pub port: u16,
    /// The port asked for, when another program holds it.
    pub wanted: Option<u16>,
    /// The program that holds it, where the system tells.
    pub holder: Option<String>,
}

/// The gateway on this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(
    tag = "state",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum GatewayHereView {
    /// The app started it, and it ends with the app.
    Ours {
        /// Where it answers.
        port: u16,
    },
    /// It ran already and is used as it is.
    Found {
        /// Where it answers.
        port: u16,
    },
    /// It is wanted beside another computer's, and does not run.
    Failed {
        /// Why.
        problem: UiError,
    },
}

/// Which kind of credential the gateway accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum CredentialView {
    /// The token this device was issued.
    DeviceToken,
    /// The gateway's shared token.
    GatewayToken,
    /// The gateway's shared password.
    GatewayPassword,
    /// The gateway asks for none.
    None,
}

/// What a person is asked before the connection can go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum QuestionView {
    /// Is this unknown server the right one?
    HostKeyUnknown {
        /// Names the question in the answer.
        id: String,
        /// The host as the user typed it.
        host: String,
        /// The port dialled.
        port: u16,
        /// The key's algorithm in words, such as "Ed25519".
        key_type: String,
        /// `SHA256:…`, as `ssh-keygen -l` prints it.
        fingerprint: String,
    },
    /// The server shows another key than the one we trust. No button leads past this.
    HostKeyChanged {
        /// Names the question in the answer.
        id: String,
        /// The host name that must be typed under "I reinstalled this server".
        host: String,
        /// The port dialled.
        port: u16,
        /// The new key's algorithm in words.
        key_type: String,
        /// The fingerprints we trust.
        known_fingerprints: Vec<String>,
        /// The fingerprint the server shows now.
        new_fingerprint: String,
    },
    /// Is this certificate, which nobody vouches for, the right gateway's?
    CertificateUnknown {
        /// Names the question in the answer.
        id: String,
        /// The host as the user typed it.
        host: String,
        /// The port dialled.
        port: u16,
        /// `SHA256:…` in hexadecimal.
        fingerprint: String,
    },
    /// The gateway shows another certificate than the pinned one. No button leads past this.
    CertificateChanged {
        /// Names the question in the answer.
        id: String,
        /// The host name that must be typed under "I renewed this certificate".
        host: String,
        /// The port dialled.
        port: u16,
        /// The pinned fingerprint.
        known_fingerprint: String,
        /// The fingerprint of the certificate it shows now.
        new_fingerprint: String,
    },
    /// An encrypted key file needs its passphrase.
    Passphrase {
        /// Names the question in the answer.
        id: String,
        /// The key file.
        key_file: String,
        /// Whether the passphrase given before was wrong.
        was_wrong: bool,
    },
    /// The server asks for the account's password.
    Password {
        /// Names the question in the answer.
        id: String,
        /// The account.
        user: String,
        /// The server.
        host: String,
        /// Whether the password given before was wrong.
        was_wrong: bool,
    },
    /// The server asks in its own words (a code, or several fields).
    Prompts {
        /// Names the question in the answer.
        id: String,
        /// The server's title; may be empty.
        title: String,
        /// The server's instruction; may be empty.
        instruction: String,
        /// One field for each.
        prompts: Vec<PromptView>,
        /// Whether the answers given before were wrong.
        was_wrong: bool,
    },
}

/// One field a server asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct PromptView {
    /// The server's label.
    pub label: String,
    /// Whether what is typed may be seen.
    pub echo: bool,
}

/// A failure a person meets: what failed, where, and the next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct UiError {
    /// A stable word for it, such as "forwardProhibited"; the key of its translation.
    pub code: String,
    /// One plain sentence, in English.
    pub message: String,
    /// The button beside it.
    pub action: Option<UserAction>,
}

/// A button: the effect it has when pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum UserAction {
    /// Opens the settings at the address.
    EditAddress,
    /// Opens the settings at the sign-in choice.
    EditSignIn,
    /// Opens the settings at the gateway token.
    EnterToken,
    /// Opens the settings at the ports.
    EditPorts,
    /// Starts an attempt now.
    TryAgain,
    /// Starts an attempt that may ask for a password or passphrase.
    SignIn,
    /// Shows the host-key question.
    ReviewHostKey,
    /// Runs "Check my server".
    CheckServer,
    /// Shows the settings file's fault.
    ShowSettingsFile,
    /// Offers to start the gateway on the server.
    StartGateway,
    /// Offers to approve this device on the server.
    ApproveDevice,
    /// Shows the end of the gateway's log.
    OpenLog,
}

/// The settings as shown. Never carries a secret, only whether one is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    /// Which gateway of the list these are the settings of: the one in use.
    pub profile: String,
    /// Every gateway the user has described, in the order of the file.
    pub gateways: Vec<GatewayEntry>,
    /// Whether first run was finished or skipped.
    pub first_run_done: bool,
    /// Where OpenClaw runs.
    pub runs: RunsWhere,
    /// How another computer's gateway is reached.
    pub transport: Transport,
    /// The gateway's URL, for [`Transport::Direct`].
    pub url: String,
    /// The certificate that alone is accepted at a `wss://` URL; empty when the system decides.
    pub tls_fingerprint: String,
    /// The SSH address as typed.
    pub address: String,
    /// How to sign in to the server.
    pub sign_in: SignInChoice,
    /// The key file, for [`SignInChoice::KeyFile`].
    pub identity_file: String,
    /// Whether a gateway token is stored for this address.
    pub has_gateway_token: bool,
    /// What becomes of host keys that no list has.
    pub host_key_policy: HostKeyPolicy,
    /// The port local programs use.
    pub local_port: u16,
    /// The gateway's port on the server.
    pub remote_port: u16,
    /// Whether to connect when the app starts.
    pub connect_on_launch: bool,
    /// Whether the loopback port is opened at all.
    pub listener_enabled: bool,
    /// Whether a gateway runs on this computer too while another computer's is used.
    pub also_run_here: bool,
    /// Which notifications are shown.
    pub notifications: NotificationSwitches,
    /// Which keys work everywhere.
    pub shortcuts: ShortcutsView,
    /// Whether the system starts the app when its user logs in.
    pub start_at_login: bool,
    /// The language of the window and of what is told outside it.
    pub language: Language,
    /// The system's language, where it tells programs so; the web view knows it elsewhere.
    pub system_language: Option<Tongue>,
    /// Light or dark.
    pub theme: Theme,
    /// How much is written to the log.
    pub log_level: LogLevel,
    /// Whether the environment (`OPENCLAW_TRAY_LOG`) decides that instead.
    pub log_level_fixed: bool,
    /// Where secrets are kept.
    pub keychain: KeychainView,
    /// Why conversations are not kept on this computer, if so.
    pub not_kept: Option<NotKept>,
    /// What an existing `openclaw.json` would fill in; shown for review, never taken silently.
    pub found: Option<FoundConfigView>,
    /// A settings file we could not read; the last good values stay in force.
    pub file_problem: Option<FileProblemView>,
}

/// Where OpenClaw runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum RunsWhere {
    /// Not decided.
    NotConfigured,
    /// On this computer.
    ThisComputer,
    /// On another computer or server.
    AnotherComputer,
}

/// What becomes of host keys that no list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum HostKeyPolicy {
    /// A person is asked, always.
    Strict,
    /// The SSH configuration's `StrictHostKeyChecking` decides.
    Openssh,
}

/// How another computer's gateway is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum Transport {
    /// Through an SSH tunnel.
    Ssh,
    /// By its URL.
    Direct,
}

/// How to sign in to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum SignInChoice {
    /// Agent and keys, then whatever the server asks.
    Automatic,
    /// One key file.
    KeyFile,
    /// The account's password.
    Password,
}

/// Where secrets are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum KeychainView {
    /// In the system's keychain.
    Available,
    /// Nowhere: they last until the app quits.
    SessionOnly {
        /// Why there is no keychain, in one sentence.
        reason: String,
    },
}

/// What an existing `openclaw.json` would fill in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FoundConfigView {
    /// The file.
    pub path: String,
    /// Where it says OpenClaw runs.
    pub runs: RunsWhere,
    /// The gateway's URL, where it is reached by that.
    pub url: Option<String>,
    /// Its SSH target.
    pub address: Option<String>,
    /// Its key file.
    pub identity_file: Option<String>,
    /// Its gateway port on the server.
    pub remote_port: Option<u16>,
    /// Whether it holds a gateway token.
    pub has_token: bool,
}

/// A fault in a file, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FileProblemView {
    /// The file.
    pub path: String,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column, from 1.
    pub column: Option<u32>,
    /// The dotted key.
    pub key: Option<String>,
    /// What is wrong, in one sentence.
    pub message: String,
}

/// What the settings page sends when Save is pressed.
#[derive(Debug, Clone, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SettingsForm {
    /// Which gateway of the list is described, as [`SettingsView::profile`] told it.
    pub profile: String,
    /// Where OpenClaw runs.
    pub runs: RunsWhere,
    /// How another computer's gateway is reached.
    pub transport: Transport,
    /// The gateway's URL; anything people paste.
    pub url: String,
    /// The certificate that alone is accepted; empty when the system decides.
    pub tls_fingerprint: String,
    /// The SSH address; anything people paste.
    pub address: String,
    /// How to sign in.
    pub sign_in: SignInChoice,
    /// The key file.
    pub identity_file: String,
    /// What becomes of host keys that no list has.
    pub host_key_policy: HostKeyPolicy,
    /// A new gateway token; `None` keeps the stored one, empty removes it.
    pub gateway_token: Option<SecretText>,
    /// The port local programs use.
    pub local_port: u16,
    /// The gateway's port on the server.
    pub remote_port: u16,
    /// Whether to connect when the app starts.
    pub connect_on_launch: bool,
    /// Whether the loopback port is opened at all.
    pub listener_enabled: bool,
    /// Whether a gateway runs on this computer too while another computer's is used.
    pub also_run_here: bool,
    /// Which notifications are shown.
    pub notifications: NotificationSwitches,
    /// Whether the system starts the app when its user logs in.
    pub start_at_login: bool,
    /// The language of the window and of what is told outside it.
    pub language: Language,
    /// Light or dark.
    pub theme: Theme,
    /// How much is written to the log.
    pub log_level: LogLevel,
}

/// Something that happened to the connection.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct HappenedView {
    /// Counts from 1, without gaps.
    pub number: u32,
    /// When.
    pub at_ms: f64,
    /// How long it took, where it took time.
    pub took_ms: Option<f64>,
    /// What it was.
    pub what: Happening,
}

/// A text in a form that may be a secret: it comes in and is never shown again.
#[derive(Clone, Deserialize, Type)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Takes a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Shows the text to the code that puts it into the type of its kind.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(***)")
    }
}

/// A fault in one field of a form, shown under the field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct FieldError {
    /// `address`, `url`, `tlsFingerprint`, `identityFile`, `gatewayToken`, `localPort`, `remotePort` or `startAtLogin`; `settingsFile` when
    /// the file itself stands in the way.
    pub field: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// The answer to a question.
#[derive(Debug, Clone, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct AnswerForm {
    /// The question's id.
    pub id: String,
    /// One text for each field: the passphrase, the password, the codes, or the typed host name.
    pub texts: Vec<SecretText>,
    /// Whether to keep it in the keychain (passphrase only).
    pub remember: bool,
}

/// A page of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum Page {
    /// The conversation.
    Chat,
    /// The nine steps and the gateway.
    Server,
    /// What listens on this computer, and for what.
    Voice,
    /// Where OpenClaw runs, and how to reach it.
    Settings,
    /// What this app is, among the settings.
    About,
}
