//! Whose secrets there are, and the settings of a first start.

use super::{KeptSettings, called, save_error};
use crate::view_model::UiError;
use gateway_core::config::{ProfileId, Settings};

/// A gateway whose secrets may be kept.
#[derive(Debug, Clone)]
pub(in crate::controller) struct KeptOwner {
    /// The name they are kept under.
    pub(in crate::controller) id: ProfileId,
    /// What the user calls that gateway.
    pub(in crate::controller) name: String,
}

impl KeptSettings {
    /// Returns everybody whose secrets may be kept, each once.
    pub(in crate::controller) fn owners(&self) -> Vec<KeptOwner> {
        let mut owners: Vec<KeptOwner> = Vec::new();
        for profile in &self.file.settings().profiles {
            // What a profile kept before it was changed to this computer is still its own.
            for id in [profile.id.clone(), profile.secrets()] {
                if !owners.iter().any(|owner| owner.id == id) {
                    let name = called(profile);
                    owners.push(KeptOwner { id, name });
                }
            }
        }
        owners
    }

    /// Puts the settings back to those of a first start.
    pub(in crate::controller) fn reset(&mut self) -> Result<(), UiError> {
        // Without it an entry would go on starting the app at login.
        if let Err(problem) = self.login.choose(false) {
            tracing::warn!(%problem, "the entry that starts the app at login stays");
        }
        self.write(&Settings::new(ProfileId::generate()))
            .map(drop)
            .map_err(|problem| save_error(&problem))
    }
}
