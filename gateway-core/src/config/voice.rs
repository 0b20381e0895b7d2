//! What the settings file keeps of voice. Triggers are not here: they belong to the gateway.

use serde::{Deserialize, Serialize};

/// Which speech engine listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum VoiceEngine {
    /// PocketSphinx, from the system's packages.
    PocketSphinx,
    /// Whisper, with a model of one's own choice.
    Whisper,
}

/// How this computer listens; off where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VoiceSettings {
    /// Whether triggers are listened for.
    #[serde(rename = "voiceWake")]
    pub wake: bool,
    /// Whether push-to-talk is at hand; the engine is then kept ready.
    #[serde(rename = "voicePushToTalk")]
    pub push_to_talk: bool,
    /// The engine.
    #[serde(rename = "voiceEngine")]
    pub engine: VoiceEngine,
    /// Whisper's model: the name of a listed one, or a file; empty where none is chosen.
    #[serde(rename = "voiceModel")]
    pub model: String,
    /// The language that is spoken, as a code such as `en`; empty where it is to be detected.
    #[serde(rename = "voiceLanguage")]
    pub language: String,
    /// The microphone, as the system names it; empty for the system's default.
    #[serde(rename = "voiceMicrophone")]
    pub microphone: String,
    /// What people call that microphone, for while it is not there.
    #[serde(rename = "voiceMicrophoneName")]
    pub microphone_name: String,
    /// Whether sounds say when it listens and sends.
    #[serde(rename = "voiceChimes")]
    pub chimes: bool,
}

impl Default for VoiceSettings {
    fn default() -> Self {
        Self {
            wake: false,
            push_to_talk: false,
            // Elsewhere there is no PocketSphinx.
            engine: match cfg!(target_os = "linux") {
                true => VoiceEngine::PocketSphinx,
                false => VoiceEngine::Whisper,
            },
            model: String::new(),
            language: String::new(),
            microphone: String::new(),
            microphone_name: String::new(),
            chimes: true,
        }
    }
}
