//! Wake words and speech: `voicewake.*`, `talk.*`, `tts.status`.

use super::NoParams;
use serde_json::Value;

methods! {
    /// The words that wake the assistant.
    VoicewakeGet("voicewake.get", Read): NoParams => Triggers;
    /// Sets those words; an empty list brings the gateway's own back.
    VoicewakeSet("voicewake.set", Write): Triggers => Triggers;
    /// How speech is set up.
    TalkConfig("talk.config", Read): TalkConfigParams => TalkConfigPayload;
    /// Tells everybody that somebody is talking.
    TalkMode("talk.mode", Talk): TalkModeParams => TalkModePayload;
    /// How the gateway reads answers aloud.
    TtsStatus("tts.status", Read): NoParams => TtsStatusPayload;
}

params! {
    /// The words that wake the assistant: at most 32 of at most 64 characters.
    Triggers {
        /// The words.
        triggers: Vec<String>,
    }
}

params! {
    /// Params of `talk.config`.
    TalkConfigParams {}
    may have {
        /// Whether to include the providers' keys; needs `operator.talk.secrets`.
        include_secrets: bool,
    }
}

shape! {
    /// How speech is set up; an empty object where it is not.
    TalkConfigPayload {
        /// The configuration.
        config: Value,
    }
}

params! {
    /// Params of `talk.mode`.
    TalkModeParams {
        /// Whether somebody is talking.
        enabled: bool,
    }
    may have {
        /// What is happening: listening, thinking, speaking …
        phase: String,
    }
}

shape! {
    /// Whether somebody is talking. Also the payload of the `talk.mode` event.
    TalkModePayload {
        /// Whether somebody is.
        enabled: bool,
    }
    may have {
        /// When that began, in milliseconds since 1970.
        ts: u64,
    }
    may be null {
        /// What is happening: listening, thinking, speaking …
        phase: String,
    }
}

shape! {
    /// How the gateway reads answers aloud.
    TtsStatusPayload {
        /// Whether it does.
        enabled: bool,
    }
    may have {
        /// When it does by itself.
        auto: String,
        /// Which voice provider it uses.
        provider: String,
    }
}
