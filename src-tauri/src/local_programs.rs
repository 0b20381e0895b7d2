//! The few programs of this computer we may ever start, each by name and with fixed arguments.
//!
//! They are started from here only. The window has no permission for the shell plugin, and what it
//! sends reaches an argument in one place: an address that `controller::links` has read, judged and
//! written anew, so that it begins with one of three schemes.

use std::path::Path;
use tauri::{AppHandle, Runtime};
use tauri_plugin_shell::ShellExt as _;

/// The program that opens a folder in the system's file browser, and an address in its program.
const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else if cfg!(windows) {
    "explorer"
} else {
    "xdg-open"
};

/// Shows one of our own folders in the system's file browser, without waiting for it.
///
/// # Errors
///
/// Fails when the program cannot be started.
pub fn open_folder<R: Runtime>(
    app: &AppHandle<R>,
    folder: &Path,
) -> Result<(), tauri_plugin_shell::Error> {
    let (_output, _child) = app.shell().command(OPENER).arg(folder).spawn()?;
    Ok(())
}

/// Hands an address to the program that the system opens such with, without waiting for it.
///
/// # Errors
///
/// Fails when the program cannot be started.
pub fn open_link<R: Runtime>(
    app: &AppHandle<R>,
    address: &str,
) -> Result<(), tauri_plugin_shell::Error> {
    let (_output, _child) = app.shell().command(OPENER).arg(address).spawn()?;
    Ok(())
}
