//! Keys that work everywhere: which are wanted, what the system said, and what a press does.

use super::{Controller, Reply, VoiceRequest, respond};
use crate::{
    shortcuts::{Granted, GrantedKeys, ShortcutUse},
    view_model::{ShortcutKind, ShortcutProblem, ShortcutView, ShortcutsView, UiError, VoiceAct},
};
use gateway_core::config::shortcut::{Shortcut, Shortcuts};

/// What of these keys is known.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// What the system was asked for last.
    asked: Option<Shortcuts>,
    granted: GrantedKeys,
}

impl Controller {
    /// Asks the system for the keys that are set, where that has changed. Push-to-talk's are another
    /// program's to use while it is off.
    pub(super) fn keys_as_needed(&mut self) {
        let mut wanted = self.settings.shortcuts();
        if !self.settings.voice().push_to_talk {
            wanted.push_to_talk = None;
        }
        if self.keys.asked != Some(wanted) {
            self.keys.asked = Some(wanted);
            self.desktop.want_keys(wanted);
        }
    }

    pub(super) fn keys_granted(&mut self, granted: GrantedKeys) {
        if self.keys.granted != granted {
            self.keys.granted = granted;
            self.send_settings();
        }
    }

    pub(super) fn keys_pressed(&mut self, what: ShortcutUse, down: bool) {
        match (what, down) {
            (ShortcutUse::QuickChat, true) if self.is_in_quick_chat() => {
                self.close_quick_chat();
            }
            (ShortcutUse::QuickChat, true) => self.show_quick_chat(),
            (ShortcutUse::QuickChat, false) => {}
            (ShortcutUse::PushToTalk, true) => self.voice_asked(VoiceRequest::Act(VoiceAct::Hold)),
            (ShortcutUse::PushToTalk, false) => {
                self.voice_asked(VoiceRequest::Act(VoiceAct::Release));
            }
        }
    }

    /// Keeps other keys, or none where the text is empty.
    pub(super) fn set_shortcut(
        &mut self,
        kind: ShortcutKind,
        keys: &str,
        reply: Reply<(), UiError>,
    ) {
        let set = self.keep_shortcut(kind, keys);
        respond(reply, set);
        self.keys_as_needed();
        self.send_settings();
    }

    fn keep_shortcut(&mut self, kind: ShortcutKind, keys: &str) -> Result<(), UiError> {
        let shortcut = match keys.trim() {
            "" => None,
            keys => Some(keys.parse::<Shortcut>().map_err(|problem| UiError {
                code: "noShortcut".to_owned(),
                message: format!("These keys cannot be used: {problem}."),
                action: None,
            })?),
        };
        let mut kept = self.settings.shortcuts();
        let (here, other) = match kind {
            ShortcutKind::QuickChat => (&mut kept.quick_chat, kept.push_to_talk),
            ShortcutKind::PushToTalk => (&mut kept.push_to_talk, kept.quick_chat),
        };
        if let Some(twice) = shortcut.filter(|_| shortcut == other) {
            return Err(UiError {
                code: "shortcutTwice".to_owned(),
                message: format!("{twice} does something else in this app already."),
                action: None,
            });
        }
        *here = shortcut;
        self.settings.set_shortcuts(kept)
    }

    pub(super) fn shortcuts_view(&self) -> ShortcutsView {
        let kept = self.settings.shortcuts();
        let granted = self.keys.granted;
        let shown = |keys: Option<Shortcut>, granted| ShortcutView {
            keys: keys.map(|keys| keys.to_string()).unwrap_or_default(),
            problem: match granted {
                Granted::Taken => Some(ShortcutProblem::Taken),
                Granted::NoSuchKey => Some(ShortcutProblem::NoSuchKey),
                Granted::Unasked | Granted::Ours | Granted::Impossible => None,
            },
        };
        ShortcutsView {
            possible: granted.quick_chat != Granted::Impossible,
            quick_chat: shown(kept.quick_chat, granted.quick_chat),
            push_to_talk: shown(kept.push_to_talk, granted.push_to_talk),
        }
    }
}
