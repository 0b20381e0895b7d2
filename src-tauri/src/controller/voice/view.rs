//! What the window shows of voice, from what is known of it. Pure.

use crate::view_model::{
    MicrophoneView, OpenMicrophoneView, TriggerView, UiError, VoiceEditing, VoiceForm,
    VoiceHindrance, VoiceKept, VoiceModelView, VoiceOverlayState, VoiceOverlayView, VoiceRouteView,
    VoiceState, VoiceTesterView, VoiceView,
};
use ::voice::{
    engine::Unavailable,
    lifecycle::{Kept, OverlayState, Why},
    microphone::{Microphone, MicrophoneError},
    models::Progress,
    station::{EngineStatus, MicrophoneStatus, Shown, ShownOverlay},
};
use gateway_core::config::voice::VoiceSettings;
use serde_json::Value;

/// What is known.
pub(super) struct Known<'a> {
    pub(super) settings: &'a VoiceSettings,
    pub(super) available: Option<&'a Result<(), Unavailable>>,
    pub(super) shown: Option<&'a Shown>,
    pub(super) ends_at_ms: Option<f64>,
    pub(super) triggers: Option<&'a [String]>,
    pub(super) routing: &'a Value,
    pub(super) microphones: &'a [Microphone],
    pub(super) models: &'a [VoiceModelView],
    pub(super) is_connected: bool,
    pub(super) tester: Option<&'a VoiceTesterView>,
}

/// Returns the view.
pub(super) fn voice_view(known: &Known<'_>) -> VoiceView {
    let testing = known.shown.is_some_and(|shown| shown.testing);
    let overlay = known.shown.and_then(|shown| shown.overlay.as_ref());
    let engine_is_ready = known
        .shown
        .is_some_and(|shown| shown.engine == EngineStatus::Ready);
    let hindrance = hindrance(known);
    VoiceView {
        state: state(known, hindrance.as_ref()),
        can_listen: !matches!(known.available, Some(Err(_))),
        can_talk: engine_is_ready && known.settings.push_to_talk && !testing,
        hindrance,
        form: known.settings.clone().into(),
        microphone: match known.shown.map(|shown| &shown.microphone) {
            Some(MicrophoneStatus::Open { name, is_fallback }) => Some(OpenMicrophoneView {
                name: name.clone(),
                is_fallback: *is_fallback,
            }),
            Some(MicrophoneStatus::Closed | MicrophoneStatus::Missing(_)) | None => None,
        },
        microphones: known.microphones.iter().map(microphone_view).collect(),
        triggers: known.triggers.map(|words| {
            let unknown = known.shown.map_or(&[][..], |shown| &shown.unknown);
            let views = words.iter().map(|words| TriggerView {
                words: words.clone(),
                is_unknown: unknown.contains(words),
            });
            views.collect()
        }),
        can_edit_triggers: known.is_connected,
        routes: routes(known.routing),
        models: known.models.to_vec(),
        overlay: overlay
            .filter(|_| !testing)
            .map(|overlay| overlay_view(overlay, known.ends_at_ms)),
        tester: known.tester.map(|tester| VoiceTesterView {
            hears: overlay
                .filter(|_| testing)
                .map(|overlay| overlay.overlay.text.clone()),
            ..tester.clone()
        }),
    }
}

fn state(known: &Known<'_>, hindrance: Option<&VoiceHindrance>) -> VoiceState {
    let Some(shown) = known.shown else {
        return VoiceState::Off;
    };
    if shown.capturing && !shown.testing {
        return VoiceState::Capturing;
    }
    if !known.settings.wake && !known.settings.push_to_talk {
        return VoiceState::Off;
    }
    if hindrance.is_some() {
        return VoiceState::Hindered;
    }
    match shown.engine {
        EngineStatus::Loading | EngineStatus::Resting | EngineStatus::NotChosen => {
            VoiceState::Starting
        }
        _ if shown.testing => VoiceState::Paused,
        _ if shown.listening => VoiceState::Listening,
        _ if known.settings.wake => VoiceState::Paused,
        EngineStatus::Ready | EngineStatus::Unavailable(_) | EngineStatus::Failed(_) => {
            VoiceState::Ready
        }
    }
}

fn hindrance(known: &Known<'_>) -> Option<VoiceHindrance> {
    let engine = match known.shown.map(|shown| &shown.engine) {
        Some(EngineStatus::Unavailable(why)) => Some(of_engine(why)),
        Some(EngineStatus::Failed(_)) => Some(VoiceHindrance::EngineStopped),
        Some(
            EngineStatus::NotChosen
            | EngineStatus::Resting
            | EngineStatus::Loading
            | EngineStatus::Ready,
        )
        | None => match known.available {
            Some(Err(why)) => Some(of_engine(why)),
            Some(Ok(())) | None => None,
        },
    };
    engine.or_else(|| match known.shown.map(|shown| &shown.microphone) {
        Some(MicrophoneStatus::Missing(why)) => Some(of_microphone(why)),
        Some(MicrophoneStatus::Open { .. } | MicrophoneStatus::Closed) | None => None,
    })
}

fn of_engine(why: &Unavailable) -> VoiceHindrance {
    match why {
        Unavailable::NotBuilt(engine) => VoiceHindrance::NotBuilt {
            engine: (*engine).to_owned(),
        },
        Unavailable::OtherSystem(engine) => VoiceHindrance::OtherSystem {
            engine: (*engine).to_owned(),
        },
        Unavailable::NoLibrary { library, package } => VoiceHindrance::NoLibrary {
            library: (*library).to_owned(),
            package: (*package).to_owned(),
        },
        Unavailable::OtherVersion { library, .. } => VoiceHindrance::OtherVersion {
            library: (*library).to_owned(),
        },
        Unavailable::NoModel(_) => VoiceHindrance::NoModel,
        Unavailable::BadModel(file) => VoiceHindrance::BadModel {
            file: file.display().to_string(),
        },
    }
}

fn of_microphone(why: &MicrophoneError) -> VoiceHindrance {
    match why.clone() {
        MicrophoneError::None => VoiceHindrance::NoMicrophone,
        MicrophoneError::Denied => VoiceHindrance::MicrophoneDenied,
        MicrophoneError::Busy(name) => VoiceHindrance::MicrophoneBusy { name },
        MicrophoneError::Gone(name) => VoiceHindrance::MicrophoneGone { name },
        MicrophoneError::Other { name, why } => VoiceHindrance::MicrophoneFailed { name, why },
    }
}

fn microphone_view(one: &Microphone) -> MicrophoneView {
    MicrophoneView {
        id: one.id.clone(),
        name: one.name.clone(),
        is_default: one.is_default,
    }
}

fn overlay_view(shown: &ShownOverlay, ends_at_ms: Option<f64>) -> VoiceOverlayView {
    let overlay = &shown.overlay;
    VoiceOverlayView {
        id: u32::try_from(overlay.id.0).unwrap_or(u32::MAX),
        text: overlay.text.clone(),
        trigger: overlay.trigger.clone(),
        state: match &overlay.state {
            OverlayState::Listening { .. } => VoiceOverlayState::Listening,
            OverlayState::Settling => VoiceOverlayState::Settling,
            OverlayState::Editing(why) => VoiceOverlayState::Editing {
                why: match why {
                    Why::Edited => VoiceEditing::Edited,
                    Why::MicrophoneLost => VoiceEditing::MicrophoneLost,
                    Why::EngineFailed => VoiceEditing::EngineFailed,
                    Why::SwitchedOff => VoiceEditing::SwitchedOff,
                },
            },
            OverlayState::Sending => VoiceOverlayState::Sending,
            OverlayState::Waiting { .. } => VoiceOverlayState::Waiting,
            OverlayState::Kept(kept) => {
                let (why, detail) = match kept {
                    Kept::Outage => (VoiceKept::Outage, None),
                    Kept::OtherGateway => (VoiceKept::OtherGateway, None),
                    Kept::NoGateway => (VoiceKept::NoGateway, None),
                    Kept::Refused(why) => (VoiceKept::Refused, Some(why.clone())),
                };
                VoiceOverlayState::Kept { why, detail }
            }
        },
        ends_at_ms,
        behind: u32::try_from(overlay.behind).unwrap_or(u32::MAX),
    }
}

/// Whether only a person goes on from here, who may not be looking.
pub(super) fn waits_for_person(state: &OverlayState) -> bool {
    match state {
        OverlayState::Kept(_) => true,
        // Whoever changed the text is there.
        OverlayState::Editing(why) => *why != Why::Edited,
        OverlayState::Listening { .. }
        | OverlayState::Settling
        | OverlayState::Sending
        | OverlayState::Waiting { .. } => false,
    }
}

/// Reads the gateway's routing: the routes of single triggers, then that of all others.
fn routes(routing: &Value) -> Option<Vec<VoiceRouteView>> {
    let default = routing.get("defaultTarget")?;
    let own = routing.get("routes").and_then(Value::as_array);
    let mut views: Vec<VoiceRouteView> = own
        .into_iter()
        .flatten()
        .filter_map(|route| {
            let trigger = route.get("trigger").or_else(|| route.get("phrase"))?;
            Some(VoiceRouteView {
                trigger: Some(trigger.as_str()?.to_owned()),
                target: target(route.get("target").unwrap_or(route)),
            })
        })
        .collect();
    views.push(VoiceRouteView {
        trigger: None,
        target: target(default),
    });
    Some(views)
}

/// Returns the agent or conversation that is named; none for the one in use.
fn target(target: &Value) -> Option<String> {
    let named = ["sessionKey", "agentId"]
        .into_iter()
        .find_map(|name| target.get(name)?.as_str());
    named.map(str::to_owned)
}

/// Returns how far a download is; sizes are published rounded, so it never says that all is here.
pub(super) fn share(progress: Progress, mib: u32) -> f64 {
    let total = progress.total.unwrap_or(u64::from(mib) << 20).max(1);
    (progress.have as f64 / total as f64).clamp(0.0, 1.0)
}

/// Says why voice cannot be turned on.
pub(super) fn unavailable(why: &Unavailable) -> UiError {
    UiError {
        code: "voiceUnavailable".to_owned(),
        message: format!("Voice cannot be turned on: {why}."),
        action: None,
    }
}

/// Says that something is no language.
pub(super) fn no_language(text: &str) -> UiError {
    UiError {
        code: "noLanguage".to_owned(),
        message: format!("{text} is not the code of a language, such as en."),
        action: None,
    }
}

impl From<VoiceSettings> for VoiceForm {
    fn from(kept: VoiceSettings) -> Self {
        Self {
            wake: kept.wake,
            push_to_talk: kept.push_to_talk,
            engine: kept.engine,
            model: kept.model,
            language: kept.language,
            microphone: kept.microphone,
            microphone_name: kept.microphone_name,
            chimes: kept.chimes,
        }
    }
}

impl From<VoiceForm> for VoiceSettings {
    fn from(form: VoiceForm) -> Self {
        Self {
            wake: form.wake,
            push_to_talk: form.push_to_talk,
            engine: form.engine,
            model: form.model,
            language: form.language,
            microphone: form.microphone,
            microphone_name: form.microphone_name,
            chimes: form.chimes,
        }
    }
}
