//! Voice as shown: what listens, what was understood, and what became of it. No sound ever crosses.

use gateway_core::config::voice::VoiceEngine;
use serde::{Deserialize, Serialize};
use specta::Type;
use std::fmt;

/// Everything of voice; sent whole whenever any of it changes. The level alone is told apart.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct VoiceView {
    /// How it stands, in one word.
    pub state: VoiceState,
    /// What stands in the way of listening, if anything.
    pub hindrance: Option<VoiceHindrance>,
    /// Whether the switches can be turned on.
    pub can_listen: bool,
    /// Whether push-to-talk can be pressed now.
    pub can_talk: bool,
    /// What is set.
    pub form: VoiceForm,
    /// The microphone that is open, while one is.
    pub microphone: Option<OpenMicrophoneView>,
    /// The microphones there are, once somebody has looked.
    pub microphones: Vec<MicrophoneView>,
    /// What the gateway listens for; `null` until it has said so.
    pub triggers: Option<Vec<TriggerView>>,
    /// Whether the triggers can be changed: they are the gateway's, so only while it is connected.
    pub can_edit_triggers: bool,
    /// Where the gateway leads what is said; `null` where it does not say.
    pub routes: Option<Vec<VoiceRouteView>>,
    /// The models for Whisper.
    pub models: Vec<VoiceModelView>,
    /// The overlay, while there is something to show.
    pub overlay: Option<VoiceOverlayView>,
    /// The tester, while it runs.
    pub tester: Option<VoiceTesterView>,
}

/// How voice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum VoiceState {
    /// Nothing is listened for.
    Off,
    /// The engine is being loaded.
    Starting,
    /// It waits for a trigger.
    Listening,
    /// It waits for push-to-talk.
    Ready,
    /// Words are listened to.
    Capturing,
    /// So much waits to be sent that nothing new is listened to, or a person has to decide first.
    Paused,
    /// It is wanted, and something stands in the way.
    Hindered,
}

/// What is set about voice, as shown and as asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct VoiceForm {
    /// Whether triggers are listened for.
    pub wake: bool,
    /// Whether push-to-talk is at hand.
    pub push_to_talk: bool,
    /// The engine.
    pub engine: VoiceEngine,
    /// Whisper's model: the name of a listed one, or a file; empty where none is chosen.
    pub model: String,
    /// The language that is spoken, as a code; empty where it is to be detected.
    pub language: String,
    /// The microphone; empty for the system's default.
    pub microphone: String,
    /// What people call that microphone.
    pub microphone_name: String,
    /// Whether sounds say when it listens and sends.
    pub chimes: bool,
}

/// What stands in the way of listening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum VoiceHindrance {
    /// This build does not include the engine.
    NotBuilt {
        /// Which.
        engine: String,
    },
    /// The engine exists on other systems only.
    OtherSystem {
        /// Which.
        engine: String,
    },
    /// The engine's library is not installed.
    NoLibrary {
        /// The file.
        library: String,
        /// The package it comes in.
        package: String,
    },
    /// The engine's library is another version.
    OtherVersion {
        /// The file.
        library: String,
    },
    /// There is no model.
    NoModel,
    /// The model cannot be loaded.
    BadModel {
        /// The file.
        file: String,
    },
    /// The engine stopped and is started again.
    EngineStopped,
    /// No microphone is connected.
    NoMicrophone,
    /// The system does not let us listen.
    MicrophoneDenied,
    /// Another program has the microphone.
    MicrophoneBusy {
        /// Which.
        name: String,
    },
    /// The microphone does not answer any more.
    MicrophoneGone {
        /// Which.
        name: String,
    },
    /// The microphone could not be opened.
    MicrophoneFailed {
        /// Which.
        name: String,
        /// What the system says.
        why: String,
    },
}

/// A microphone that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct OpenMicrophoneView {
    /// What people call it.
    pub name: String,
    /// Whether another one was chosen, which is not there.
    pub is_fallback: bool,
}

/// A microphone to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct MicrophoneView {
    /// What the settings remember.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether the system uses it where none is chosen.
    pub is_default: bool,
}

/// A trigger of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct TriggerView {
    /// The words.
    pub words: String,
    /// Whether the engine in use cannot recognise them.
    pub is_unknown: bool,
}

/// Where the gateway leads what is said after a trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct VoiceRouteView {
    /// The trigger; `null` for everything else.
    pub trigger: Option<String>,
    /// The agent or conversation; `null` for the one in use.
    pub target: Option<String>,
}

/// A model for Whisper.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct VoiceModelView {
    /// Its name.
    pub id: String,
    /// Its size as published, in MiB.
    pub mib: u32,
    /// Whether it knows English alone.
    pub english_only: bool,
    /// Its licence.
    pub licence: String,
    /// Whether it is here.
    pub is_installed: bool,
    /// How much of it waits for its download to go on, in MiB.
    pub begun_mib: u32,
    /// How far its download is, from 0 to 1, while it runs.
    pub progress: Option<f64>,
    /// Why its last download came to nothing.
    pub problem: Option<super::UiError>,
}

/// The overlay: one thing that was or is being said.
#[derive(Clone, PartialEq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct VoiceOverlayView {
    /// Names it within one run of the app.
    pub id: u32,
    /// Its words so far.
    pub text: String,
    /// Which trigger began it; `null` for push-to-talk.
    pub trigger: Option<String>,
    /// How it stands.
    pub state: VoiceOverlayState,
    /// When its countdown ends, where it has one.
    pub ends_at_ms: Option<f64>,
    /// How many more wait behind it.
    pub behind: u32,
}

impl fmt::Debug for VoiceOverlayView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was said is in no log.
        formatter
            .debug_struct("VoiceOverlayView")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// How what the overlay shows stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum VoiceOverlayState {
    /// It is being listened to.
    Listening,
    /// The engine owes its last word.
    Settling,
    /// A person has to send it or throw it away.
    Editing {
        /// Why.
        why: VoiceEditing,
    },
    /// It is on its way.
    Sending,
    /// It waits for the connection.
    Waiting,
    /// It was not sent and is kept for Retry.
    Kept {
        /// Why.
        why: VoiceKept,
        /// What the gateway says, where it refused.
        detail: Option<String>,
    },
}

/// Why a person has to say that something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum VoiceEditing {
    /// The text was changed by hand.
    Edited,
    /// The microphone went away meanwhile.
    MicrophoneLost,
    /// The engine failed meanwhile.
    EngineFailed,
    /// Voice wake was switched off meanwhile.
    SwitchedOff,
}

/// Why something was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub enum VoiceKept {
    /// The connection did not come back in time.
    Outage,
    /// Another gateway is in use now.
    OtherGateway,
    /// No gateway was set up.
    NoGateway,
    /// The gateway refused it.
    Refused,
}

/// The tester: everything as usual, and nothing is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct VoiceTesterView {
    /// What is being understood.
    pub hears: Option<String>,
    /// What was understood last.
    pub understood: Option<String>,
    /// After which trigger; `null` for push-to-talk.
    pub trigger: Option<String>,
}

/// What a person does in the overlay.
#[derive(Clone, PartialEq, Eq, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum VoiceAct {
    /// Push-to-talk is held.
    Hold,
    /// It was released.
    Release,
    /// The text was changed by hand.
    Edit {
        /// All of it.
        text: String,
    },
    /// Send what is shown.
    Send,
    /// Throw away what is shown.
    Cancel,
    /// Try again to send this one.
    Retry {
        /// Which.
        id: u32,
    },
    /// Throw this one away.
    Discard {
        /// Which.
        id: u32,
    },
}

impl fmt::Debug for VoiceAct {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Hold => "Hold",
            Self::Release => "Release",
            Self::Edit { .. } => "Edit",
            Self::Send => "Send",
            Self::Cancel => "Cancel",
            Self::Retry { .. } => "Retry",
            Self::Discard { .. } => "Discard",
        })
    }
}

/// What a person looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct VoiceLook {
    /// Whether the page about voice is open.
    pub page: bool,
    /// Whether the tester runs.
    pub tester: bool,
}

/// What is done with a model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum VoiceModelEdit {
    /// Download it, or go on.
    Get {
        /// Which.
        id: String,
    },
    /// Stop its download; what has come stays.
    Stop,
    /// Remove it, and what there is of its download.
    Remove {
        /// Which.
        id: String,
    },
    /// Let a person choose a file of their own.
    ChooseFile,
}
