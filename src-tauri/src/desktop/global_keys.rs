//! Keys that work while another program has the keyboard, by what each system has for it.
//!
//! X11 lets a program take keys for itself. Windows and macOS do so too. Wayland does not: there this asks
//! for nothing and says so. No call waits for the system; the answer and each press come as requests.

#[cfg(target_os = "linux")]
mod x11;

#[cfg(not(target_os = "linux"))]
mod native;

use crate::{
    controller::{ControllerHandle, Request},
    shortcuts::{Granted, GrantedKeys},
};
use gateway_core::config::{Environment, shortcut::Shortcuts};
use tauri::AppHandle;

/// Keys of this program that work everywhere.
pub(super) struct GlobalKeys {
    controller: ControllerHandle,
    system: Option<System>,
}

#[cfg(target_os = "linux")]
type System = x11::Keys;

#[cfg(not(target_os = "linux"))]
type System = native::Keys;

impl GlobalKeys {
    /// Returns what this system has for it; nothing is taken yet.
    pub(super) fn new(
        app: &AppHandle,
        controller: ControllerHandle,
        environment: &Environment,
    ) -> Self {
        Self {
            system: system(app, &controller, environment),
            controller,
        }
    }

    /// Has these keys from now on, and no others.
    pub(super) fn want(&self, wanted: Shortcuts) {
        match &self.system {
            Some(system) => system.want(wanted),
            None => self
                .controller
                .tell(Request::KeysGranted(GrantedKeys::all(Granted::Impossible))),
        }
    }
}

#[cfg(target_os = "linux")]
fn system(
    _: &AppHandle,
    controller: &ControllerHandle,
    environment: &Environment,
) -> Option<System> {
    // X programs in a Wayland session could take keys, and would see them from X programs only.
    let set = |name| {
        environment
            .text(name)
            .is_some_and(|value| !value.is_empty())
    };
    (set("DISPLAY") && !set("WAYLAND_DISPLAY")).then(|| x11::Keys::start(controller.clone()))
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "another system may not have any")]
fn system(app: &AppHandle, controller: &ControllerHandle, _: &Environment) -> Option<System> {
    Some(native::Keys::new(app.clone(), controller.clone()))
}
