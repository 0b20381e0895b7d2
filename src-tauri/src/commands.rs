//! What the window may ask for: convert, ask the controller, convert back.
//!
//! A command that only states an intent returns at once and its effect comes back as an event; a
//! command whose answer belongs to the one who asked waits for it.

use crate::controller::{ControllerHandle, RepairRequest, Request, SignInKeyRequest, VoiceRequest};
use crate::desktop::SmallWindow;
use crate::view_model::{
    AgentAnswerForm, AnswerForm, ChatDraft, ChatHistoryView, ChatMessageView, ChatPageView,
    DayView, DecisionView, FetchedView, FieldError, GatewayEdit, HappenedView, LogView,
    OpenclawChangeView, OwnFolder, PairingKind, PrivacyView, RepairKind, ReportView,
    SavedReportView, SecretText, SessionEdit, SettingsForm, ShortcutKind, StoredKind, UiError,
    UnsentView, VoiceAct, VoiceForm, VoiceLook, VoiceModelEdit,
};
use tauri::State;

/// Sends every view again, for a window that has just loaded.
#[tauri::command]
#[specta::specta]
pub fn resend_all(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::ResendAll);
}

/// Sends what Quick Chat draws, for its window that has just loaded.
#[tauri::command]
#[specta::specta]
pub fn resend_quick_chat(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::ResendQuickChat);
}

/// Shows Quick Chat's conversation in the main window, and takes the small one down.
#[tauri::command]
#[specta::specta]
pub fn leave_quick_chat(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::LeaveQuickChat);
}

/// Sends what is being said, for its window that has just loaded.
#[tauri::command]
#[specta::specta]
pub fn resend_spoken(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::ResendSpoken);
}

/// Takes the window of what is being said down; what is said goes on.
#[tauri::command]
#[specta::specta]
pub fn close_spoken(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::SmallWindowClosed(SmallWindow::Spoken));
}

/// Takes Quick Chat's window down.
#[tauri::command]
#[specta::specta]
pub fn close_quick_chat(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::SmallWindowClosed(SmallWindow::QuickChat));
}

/// Saves the settings, or says which fields stand in the way.
#[tauri::command]
#[specta::specta]
pub async fn save_settings(
    controller: State<'_, ControllerHandle>,
    form: SettingsForm,
) -> Result<(), Vec<FieldError>> {
    controller
        .ask(|reply| Request::SaveSettings { form, reply })
        .await
}

/// Reads an address as people paste it and returns it as it will be dialled.
#[tauri::command]
#[specta::specta]
pub async fn check_address(
    controller: State<'_, ControllerHandle>,
    text: String,
) -> Result<String, FieldError> {
    controller
        .ask(|reply| Request::CheckAddress { text, reply })
        .await
}

/// Lists what this app keeps, by kind and never by value, and where.
#[tauri::command]
#[specta::specta]
pub async fn privacy(controller: State<'_, ControllerHandle>) -> Result<PrivacyView, UiError> {
    controller.ask(|reply| Request::Privacy { reply }).await
}

/// Deletes one secret that is kept: of a gateway, or of this installation.
#[tauri::command]
#[specta::specta]
pub async fn delete_stored(
    controller: State<'_, ControllerHandle>,
    owner: Option<String>,
    kind: StoredKind,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::DeleteStored { owner, kind, reply })
        .await
}

/// Forgets what happened to the connection, and its last 24 hours.
#[tauri::command]
#[specta::specta]
pub async fn forget_history(controller: State<'_, ControllerHandle>) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::ForgetHistory { reply })
        .await
}

/// Shows a folder of ours in the system's file browser.
#[tauri::command]
#[specta::specta]
pub async fn open_own_folder(
    controller: State<'_, ControllerHandle>,
    folder: OwnFolder,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::OpenOwnFolder { folder, reply })
        .await
}

/// Puts everything of the app itself back to how it was before its first start.
#[tauri::command]
#[specta::specta]
pub async fn reset_app(controller: State<'_, ControllerHandle>) -> Result<(), UiError> {
    controller.ask(|reply| Request::ResetApp { reply }).await
}

/// Reads a setup code or link as people paste it, and shows where it leads; nothing is saved or dialled.
#[tauri::command]
#[specta::specta]
pub async fn read_invitation(
    controller: State<'_, ControllerHandle>,
    text: SecretText,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::ReadInvitation { text, reply })
        .await
}

/// Uses the gateway of the shown setup code or link, and checks it.
#[tauri::command]
#[specta::specta]
pub async fn accept_invitation(
    controller: State<'_, ControllerHandle>,
    id: u32,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::AcceptInvitation { id, reply })
        .await
}

/// Forgets the shown setup code or link.
#[tauri::command]
#[specta::specta]
pub fn forget_invitation(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::ForgetInvitation);
}

/// Starts connecting and keeps the connection up.
#[tauri::command]
#[specta::specta]
pub fn connect(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::Connect);
}

/// Takes the connection down and keeps it down.
#[tauri::command]
#[specta::specta]
pub fn disconnect(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::Disconnect);
}

/// Starts the next attempt now.
#[tauri::command]
#[specta::specta]
pub fn reconnect_now(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::ReconnectNow);
}

/// Trusts the unknown server the question shows, and dials it demanding that exact key.
#[tauri::command]
#[specta::specta]
pub fn trust_host_key(controller: State<'_, ControllerHandle>, id: String) {
    controller.tell(Request::TrustHostKey { id });
}

/// Answers a question: passphrase, password, codes, or the typed host name of a changed key.
#[tauri::command]
#[specta::specta]
pub async fn answer_question(
    controller: State<'_, ControllerHandle>,
    answer: AnswerForm,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::AnswerQuestion { answer, reply })
        .await
}

/// Closes a question without an answer; the connection stays paused.
#[tauri::command]
#[specta::specta]
pub fn cancel_question(controller: State<'_, ControllerHandle>, id: String) {
    controller.tell(Request::CancelQuestion { id });
}

/// Runs "Check my server".
#[tauri::command]
#[specta::specta]
pub fn run_check(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::RunCheck);
}

/// Stops a running check.
#[tauri::command]
#[specta::specta]
pub fn cancel_check(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::CancelCheck);
}

/// Returns what happened to the connection lately, the latest last.
#[tauri::command]
#[specta::specta]
pub async fn connection_history(
    controller: State<'_, ControllerHandle>,
) -> Result<Vec<HappenedView>, UiError> {
    controller
        .ask(|reply| Request::ConnectionHistory { reply })
        .await
}

/// Returns the last 24 hours of the connection.
#[tauri::command]
#[specta::specta]
pub async fn connection_day(controller: State<'_, ControllerHandle>) -> Result<DayView, UiError> {
    controller
        .ask(|reply| Request::ConnectionDay { reply })
        .await
}

/// Fetches a conversation as the gateway has it.
#[tauri::command]
#[specta::specta]
pub async fn chat_history(
    controller: State<'_, ControllerHandle>,
    session_key: String,
) -> Result<ChatHistoryView, UiError> {
    controller
        .ask(|reply| Request::ChatHistory { session_key, reply })
        .await
}

/// Fetches the messages before those of a conversation that is shown.
#[tauri::command]
#[specta::specta]
pub async fn chat_earlier(
    controller: State<'_, ControllerHandle>,
    session_key: String,
    offset: u32,
) -> Result<ChatPageView, UiError> {
    controller
        .ask(|reply| Request::ChatEarlier {
            session_key,
            offset,
            reply,
        })
        .await
}

/// Fetches one message whole, where the history left a part of it out.
#[tauri::command]
#[specta::specta]
pub async fn chat_message(
    controller: State<'_, ControllerHandle>,
    session_key: String,
    id: String,
) -> Result<ChatMessageView, UiError> {
    controller
        .ask(|reply| Request::ChatMessage {
            session_key,
            id,
            reply,
        })
        .await
}

/// Opens a link of a conversation outside, after a person has seen where it leads.
#[tauri::command]
#[specta::specta]
pub async fn open_link(
    controller: State<'_, ControllerHandle>,
    address: String,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::OpenLink { address, reply })
        .await
}

/// Takes a message for sending; it is sent once, now or when the connection is back.
#[tauri::command]
#[specta::specta]
pub async fn send_chat(
    controller: State<'_, ControllerHandle>,
    draft: ChatDraft,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::SendChat { draft, reply })
        .await
}

/// Uses, adds, renames or removes a gateway of the list.
#[tauri::command]
#[specta::specta]
pub async fn edit_gateways(
    controller: State<'_, ControllerHandle>,
    edit: GatewayEdit,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::EditGateways { edit, reply })
        .await
}

/// Tells whether the settings hold edits that were not saved; they outlive the window's closing then.
#[tauri::command]
#[specta::specta]
pub fn note_unsaved(controller: State<'_, ControllerHandle>, unsaved: bool) {
    controller.tell(Request::Unsaved(unsaved));
}

/// Keeps what the composer holds for a conversation of a gateway, for when it is shown again.
#[tauri::command]
#[specta::specta]
pub fn keep_draft(
    controller: State<'_, ControllerHandle>,
    gateway: String,
    session_key: String,
    text: String,
) {
    controller.tell(Request::KeepDraft {
        gateway,
        session_key,
        text,
    });
}

/// Takes a message back that waits for the connection.
#[tauri::command]
#[specta::specta]
pub async fn cancel_message(
    controller: State<'_, ControllerHandle>,
    key: String,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::CancelMessage { key, reply })
        .await
}

/// Forgets what is kept of conversations on this computer; what the gateways have is untouched.
#[tauri::command]
#[specta::specta]
pub async fn forget_histories(controller: State<'_, ControllerHandle>) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::ForgetHistories { reply })
        .await
}

/// Returns what the user has written in a conversation and the gateway does not have yet.
#[tauri::command]
#[specta::specta]
pub async fn unsent(
    controller: State<'_, ControllerHandle>,
    session_key: String,
) -> Result<UnsentView, UiError> {
    controller
        .ask(|reply| Request::Unsent { session_key, reply })
        .await
}

/// Shows another conversation of the gateway in use.
#[tauri::command]
#[specta::specta]
pub fn choose_session(controller: State<'_, ControllerHandle>, key: String) {
    controller.tell(Request::ChooseSession { key });
}

/// Begins a conversation, with an agent other than the default one where named, and shows it.
#[tauri::command]
#[specta::specta]
pub async fn create_session(
    controller: State<'_, ControllerHandle>,
    agent: Option<String>,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::CreateSession { agent, reply })
        .await
}

/// Changes, copies or removes a conversation of this gateway.
#[tauri::command]
#[specta::specta]
pub async fn edit_session(
    controller: State<'_, ControllerHandle>,
    gateway: String,
    key: String,
    edit: SessionEdit,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::EditSession {
            gateway,
            key,
            edit,
            reply,
        })
        .await
}

/// Takes back a message that was refused.
#[tauri::command]
#[specta::specta]
pub fn forget_message(controller: State<'_, ControllerHandle>, key: String) {
    controller.tell(Request::ForgetMessage { key });
}

/// Stops a run, or every run of the session.
#[tauri::command]
#[specta::specta]
pub async fn abort_chat(
    controller: State<'_, ControllerHandle>,
    session_key: String,
    run_id: Option<String>,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::AbortChat {
            session_key,
            run_id,
            reply,
        })
        .await
}

/// Decides about a command that an agent wants to run.
#[tauri::command]
#[specta::specta]
pub async fn decide_approval(
    controller: State<'_, ControllerHandle>,
    id: String,
    decision: DecisionView,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::DecideApproval {
            id,
            decision,
            reply,
        })
        .await
}

/// Answers what an agent asked, or dismisses it with `null`.
#[tauri::command]
#[specta::specta]
pub async fn answer_agent(
    controller: State<'_, ControllerHandle>,
    id: String,
    answers: Option<Vec<AgentAnswerForm>>,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::AnswerAgent { id, answers, reply })
        .await
}

/// Lets a device or node in, or refuses it.
#[tauri::command]
#[specta::specta]
pub async fn decide_pairing(
    controller: State<'_, ControllerHandle>,
    id: String,
    kind: PairingKind,
    approve: bool,
    as_admin: bool,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::DecidePairing {
            id,
            kind,
            approve,
            as_admin,
            reply,
        })
        .await
}

/// Takes over what the existing `openclaw.json` says.
#[tauri::command]
#[specta::specta]
pub async fn use_found_config(controller: State<'_, ControllerHandle>) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::UseFoundConfig { reply })
        .await
}

/// Leaves first run for good.
#[tauri::command]
#[specta::specta]
pub fn finish_first_run(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::FinishFirstRun);
}

/// Lets the user pick a key file; `null` when the dialog was closed.
#[tauri::command]
#[specta::specta]
pub async fn choose_identity_file(
    controller: State<'_, ControllerHandle>,
) -> Result<Option<String>, UiError> {
    controller
        .ask(|reply| Request::ChooseIdentityFile { reply })
        .await
}

/// Reads the gateway's token or password in the server's own files and keeps it in the keychain.
#[tauri::command]
#[specta::specta]
pub async fn fetch_gateway_secret(
    controller: State<'_, ControllerHandle>,
) -> Result<FetchedView, UiError> {
    controller
        .ask(|reply| Request::FetchGatewaySecret { reply })
        .await
}

/// Puts the offered key in place of the account's password.
#[tauri::command]
#[specta::specta]
pub fn add_sign_in_key(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::SignInKey(SignInKeyRequest::Add));
}

/// Takes the key back that was added: its line on the server, and the key itself.
#[tauri::command]
#[specta::specta]
pub fn undo_sign_in_key(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::SignInKey(SignInKeyRequest::Undo));
}

/// Shows no more of the key: it is not wanted now, or what became of it was read.
#[tauri::command]
#[specta::specta]
pub fn close_sign_in_key(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::SignInKey(SignInKeyRequest::Close));
}

/// Shows what would be run on the home server; nothing is run.
#[tauri::command]
#[specta::specta]
pub fn offer_repair(controller: State<'_, ControllerHandle>, kind: RepairKind) {
    controller.tell(Request::Repair(RepairRequest::Offer(kind)));
}

/// Runs what was shown.
#[tauri::command]
#[specta::specta]
pub fn run_repair(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::Repair(RepairRequest::Run));
}

/// Stops what runs; where nothing does, shows no more of it.
#[tauri::command]
#[specta::specta]
pub fn stop_repair(controller: State<'_, ControllerHandle>) {
    controller.tell(Request::Repair(RepairRequest::Stop));
}

/// Reads the end of the gateway's log: over the gateway, or from the server's own files.
#[tauri::command]
#[specta::specta]
pub async fn gateway_log(controller: State<'_, ControllerHandle>) -> Result<LogView, UiError> {
    controller.ask(|reply| Request::GatewayLog { reply }).await
}

/// Puts the report for whoever helps together, to be shown before it is saved.
#[tauri::command]
#[specta::specta]
pub async fn prepare_report(
    controller: State<'_, ControllerHandle>,
) -> Result<ReportView, UiError> {
    controller
        .ask(|reply| Request::PrepareReport { reply })
        .await
}

/// Saves the report that is shown, and returns where.
#[tauri::command]
#[specta::specta]
pub async fn save_report(
    controller: State<'_, ControllerHandle>,
    number: u32,
) -> Result<SavedReportView, UiError> {
    controller
        .ask(|reply| Request::SaveReport { number, reply })
        .await
}

/// Shows the folder of the report that was saved last.
#[tauri::command]
#[specta::specta]
pub async fn open_report_folder(controller: State<'_, ControllerHandle>) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::OpenReportFolder { reply })
        .await
}

/// Works out what "also use this for the openclaw command" would write, to be shown first.
#[tauri::command]
#[specta::specta]
pub async fn show_openclaw_change(
    controller: State<'_, ControllerHandle>,
) -> Result<OpenclawChangeView, UiError> {
    controller
        .ask(|reply| Request::ShowOpenclawChange { reply })
        .await
}

/// Writes the change of the official `openclaw.json` that is shown.
#[tauri::command]
#[specta::specta]
pub async fn write_openclaw_change(
    controller: State<'_, ControllerHandle>,
    number: u32,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::WriteOpenclawChange { number, reply })
        .await
}

/// Sets how this computer listens; all of it at once, and at once.
#[tauri::command]
#[specta::specta]
pub async fn set_voice(
    controller: State<'_, ControllerHandle>,
    form: VoiceForm,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::Voice(VoiceRequest::Set { form, reply }))
        .await
}

/// Sets which keys do something while another program has the keyboard; empty for none.
#[tauri::command]
#[specta::specta]
pub async fn set_shortcut(
    controller: State<'_, ControllerHandle>,
    kind: ShortcutKind,
    keys: String,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::SetShortcut { kind, keys, reply })
        .await
}

/// Has the gateway listen for these triggers, on every device; none brings its own back.
#[tauri::command]
#[specta::specta]
pub async fn set_voice_triggers(
    controller: State<'_, ControllerHandle>,
    words: Vec<String>,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::Voice(VoiceRequest::SetTriggers { words, reply }))
        .await
}

/// Does something in the overlay, or holds or releases push-to-talk.
#[tauri::command]
#[specta::specta]
pub fn voice_act(controller: State<'_, ControllerHandle>, act: VoiceAct) {
    controller.tell(Request::Voice(VoiceRequest::Act(act)));
}

/// Says what of voice is being looked at; the level is told, and the tester runs, only meanwhile.
#[tauri::command]
#[specta::specta]
pub fn look_at_voice(controller: State<'_, ControllerHandle>, look: VoiceLook) {
    controller.tell(Request::Voice(VoiceRequest::Look(look)));
}

/// Downloads a speech model, stops that, removes one, or lets a file be chosen instead.
#[tauri::command]
#[specta::specta]
pub async fn edit_voice_models(
    controller: State<'_, ControllerHandle>,
    edit: VoiceModelEdit,
) -> Result<(), UiError> {
    controller
        .ask(|reply| Request::Voice(VoiceRequest::EditModels { edit, reply }))
        .await
}
