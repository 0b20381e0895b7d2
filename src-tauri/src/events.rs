//! What the window is told, each as one typed event.
//!
//! The web view subscribes to all of them and then asks for everything to be sent again
//! (`resendAll`), so that nothing is missed in between.

use crate::view_model::{
    AgentRequestsView, ChatUpdate, CheckView, ConnectionView, GatewayReportView, InvitationView,
    Page, RepairView, SessionsView, SettingsView, SignInKeyView, VoiceView,
};
use serde::{Deserialize, Serialize};
use specta::Type;
use tauri_specta::Event;

/// The connection changed; carries all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Type, Event)]
pub struct ConnectionChanged(pub ConnectionView);

/// "Check my server" moved on; carries all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Type, Event)]
pub struct CheckChanged(pub CheckView);

/// The settings changed; carries all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Type, Event)]
pub struct SettingsChanged(pub SettingsView);

/// A conversation moved on by one numbered step.
#[derive(Debug, Clone, PartialEq, Serialize, Type, Event)]
pub struct ChatChanged(pub ChatUpdate);

/// What agents wait for a person to decide changed; carries all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Type, Event)]
pub struct AgentRequestsChanged(pub AgentRequestsView);

/// A key in place of the password is offered, added or taken back; `null` when nothing is shown of it.
#[derive(Debug, Clone, PartialEq, Serialize, Type, Event)]
pub struct SignInKeyChanged(pub Option<SignInKeyView>);

/// What the gateway says of itself changed; `null` while nothing is known.
#[derive(Debug, Clone, PartialEq, Serialize, Type, Event)]
pub struct GatewayReportChanged(pub Option<GatewayReportView>);
/// Something is offered to be done on the home server, or is being done; `null` when nothing is shown of it.
#[derive(Debug, Clone, PartialEq, Serialize, Type, Event)]
pub struct RepairChanged(pub Option<RepairView>);

/// A setup code or link waits for a person's word, or cannot be used; `null` when none is open.
#[derive(Debug, Clone, PartialEq, Serialize, Type, Event)]
pub struct InvitationChanged(pub Option<InvitationView>);

/// The conversations of the gateway in use changed; carries all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Type, Event)]
pub struct SessionsChanged(pub SessionsView);

/// Voice changed; carries all of it but the level.
#[derive(Debug, Clone, PartialEq, Serialize, Type, Event)]
pub struct VoiceChanged(pub VoiceView);

/// How loud it is at the microphone, from 0 to 1; told a few times a second while somebody looks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Type, Event)]
pub struct VoiceLevelChanged(pub f64);

/// A page was asked for from outside the window, such as from the tray's menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type, Event)]
pub struct PageRequested(pub Page);

/// Any of the events above, as the controller hands it to the desktop.
#[derive(Debug, Clone, PartialEq)]
pub enum WindowEvent {
    /// See [`ConnectionChanged`].
    Connection(ConnectionView),
    /// See [`CheckChanged`].
    Check(CheckView),
    /// See [`SettingsChanged`].
    Settings(SettingsView),
    /// See [`ChatChanged`].
    Chat(ChatUpdate),
    /// See [`AgentRequestsChanged`].
    AgentRequests(AgentRequestsView),
    /// See [`SignInKeyChanged`].
    SignInKey(Option<SignInKeyView>),
    /// See [`GatewayReportChanged`].
    GatewayReport(Option<GatewayReportView>),
    /// See [`RepairChanged`].
    Repair(Option<RepairView>),
    /// See [`InvitationChanged`].
    Invitation(Option<InvitationView>),
    /// See [`SessionsChanged`].
    Sessions(SessionsView),
    /// See [`VoiceChanged`].
    Voice(VoiceView),
    /// See [`VoiceLevelChanged`].
    VoiceLevel(f64),
    /// See [`PageRequested`].
    Page(Page),
}
