//! Keys that work everywhere on Windows and macOS, through Tauri's plugin. Type-checked only: neither system
//! was at hand.

use crate::{
    controller::{ControllerHandle, Request},
    shortcuts::{Granted, GrantedKeys, ShortcutUse},
};
use gateway_core::config::shortcut::Shortcuts;
use tauri::AppHandle;
use tauri_plugin_global_shortcut::{GlobalShortcutExt as _, ShortcutState};

/// The keys of this program.
pub(super) struct Keys {
    app: AppHandle,
    controller: ControllerHandle,
}

impl Keys {
    pub(super) fn new(app: AppHandle, controller: ControllerHandle) -> Self {
        Self { app, controller }
    }

    pub(super) fn want(&self, wanted: Shortcuts) {
        let (app, controller) = (self.app.clone(), self.controller.clone());
        // Both systems bind keys to the thread that pumps their messages.
        let asked = self
            .app
            .run_on_main_thread(move || take(&app, &controller, &wanted));
        if let Err(problem) = asked {
            tracing::warn!(%problem, "no keys were asked for");
        }
    }
}

fn take(app: &AppHandle, controller: &ControllerHandle, wanted: &Shortcuts) {
    let keys = app.global_shortcut();
    if let Err(problem) = keys.unregister_all() {
        tracing::warn!(%problem, "the keys before could not be given back");
    }
    let mut granted = GrantedKeys::default();
    for what in ShortcutUse::ALL {
        let Some(shortcut) = what.of(wanted) else {
            continue;
        };
        let told = controller.clone();
        let taken = keys.on_shortcut(shortcut.to_string().as_str(), move |_, _, event| {
            told.tell(Request::KeysPressed {
                what,
                down: event.state == ShortcutState::Pressed,
            });
        });
        granted.note(
            what,
            match taken {
                Ok(()) => Granted::Ours,
                Err(problem) => {
                    tracing::info!(%shortcut, %problem, "the keys were not given to us");
                    Granted::Taken
                }
            },
        );
    }
    controller.tell(Request::KeysGranted(granted));
}
