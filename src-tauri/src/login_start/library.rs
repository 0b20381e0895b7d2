//! The start entry of Windows (the user's `Run` key) and macOS (a launch agent).

use super::{ARGUMENT, LoginStartError};
use auto_launch::{AutoLaunch, AutoLaunchBuilder, MacOSLaunchMode, WindowsEnableMode};
use gateway_core::config::Environment;
use std::env;

/// The entry, where the program's own file is known.
#[derive(Debug, Clone)]
pub struct LoginStart {
    entry: Option<AutoLaunch>,
}

impl LoginStart {
    /// Finds the place of the entry.
    pub fn of(_: &Environment) -> Self {
        let program = env::current_exe().ok();
        let entry = program.as_deref().and_then(|program| {
            AutoLaunchBuilder::new()
                .set_app_name("OpenClaw Tray")
                .set_app_path(program.to_str()?)
                .set_args(&[ARGUMENT])
                .set_macos_launch_mode(MacOSLaunchMode::LaunchAgent)
                .set_windows_enable_mode(WindowsEnableMode::CurrentUser)
                .build()
                .ok()
        });
        Self { entry }
    }

    /// Returns whether the system would start us.
    pub fn is_on(&self) -> bool {
        let entry = self.entry.as_ref();
        entry.is_some_and(|entry| entry.is_enabled().unwrap_or(false))
    }

    pub(super) fn turn_on(&self) -> Result<(), LoginStartError> {
        self.entry()?
            .enable()
            .map_err(|problem| LoginStartError::Refused(problem.to_string()))
    }

    pub(super) fn turn_off(&self) -> Result<(), LoginStartError> {
        self.entry()?
            .disable()
            .map_err(|problem| LoginStartError::Refused(problem.to_string()))
    }

    fn entry(&self) -> Result<&AutoLaunch, LoginStartError> {
        self.entry
            .as_ref()
            .ok_or(LoginStartError::Unknown("the program's own file"))
    }
}
