//! The settings of the desktop around the connection.

use super::{KeptSettings, fault, save_error, sentence};
use crate::{
    tongue::Tongue,
    view_model::{FieldError, NotificationSwitches, UiError},
};
use gateway_core::config::{
    Notifications, RunsWhere, settings::Theme, shortcut::Shortcuts, voice::VoiceSettings,
};

impl KeptSettings {
    /// Returns which notifications are shown.
    pub(in crate::controller) fn notifications(&self) -> Notifications {
        self.file.settings().notifications
    }

    /// Returns how this computer listens.
    pub(in crate::controller) fn voice(&self) -> VoiceSettings {
        self.file.settings().voice.clone()
    }

    /// Keeps how this computer is to listen.
    pub(in crate::controller) fn set_voice(&mut self, voice: VoiceSettings) -> Result<(), UiError> {
        let mut settings = self.file.settings().clone();
        settings.voice = voice;
        self.write(&settings)
            .map(drop)
            .map_err(|problem| save_error(&problem))
    }

    /// Returns which keys work everywhere.
    pub(in crate::controller) fn shortcuts(&self) -> Shortcuts {
        self.file.settings().shortcuts
    }

    /// Keeps which keys are to work everywhere.
    pub(in crate::controller) fn set_shortcuts(
        &mut self,
        shortcuts: Shortcuts,
    ) -> Result<(), UiError> {
        let mut settings = self.file.settings().clone();
        settings.shortcuts = shortcuts;
        self.write(&settings)
            .map(drop)
            .map_err(|problem| save_error(&problem))
    }

    /// Returns whether the window is light or dark.
    pub(in crate::controller) fn theme(&self) -> Theme {
        self.file.settings().theme
    }

    /// Has the system start us at login, or not.
    pub(super) fn choose_login_start(&self, on: bool) -> Result<(), Vec<FieldError>> {
        self.login
            .choose(on)
            .map_err(|problem| vec![fault("startAtLogin", sentence(&problem))])
    }

    /// Returns the language of what is told outside the window.
    pub(in crate::controller) fn tongue(&self) -> Tongue {
        Tongue::of(self.file.settings().language, &self.environment)
    }

    /// Returns what the user calls the server, where it is another computer.
    pub(in crate::controller) fn server_elsewhere(&self) -> Option<String> {
        let elsewhere = self.profile().runs == RunsWhere::AnotherComputer;
        elsewhere.then(|| self.server_name())
    }
}

impl From<Notifications> for NotificationSwitches {
    fn from(kept: Notifications) -> Self {
        Self {
            needs_you: kept.needs_you,
            lost: kept.lost,
            restored: kept.restored,
            requests: kept.requests,
            replies: kept.replies,
        }
    }
}

impl From<NotificationSwitches> for Notifications {
    fn from(form: NotificationSwitches) -> Self {
        Self {
            needs_you: form.needs_you,
            lost: form.lost,
            restored: form.restored,
            requests: form.requests,
            replies: form.replies,
        }
    }
}
