//! What the controller shows things on: one window and two small ones, one tray icon, one event channel.
//!
//! The controller decides and this draws. A fake stands in for it in the controller's tests.

mod clipboard;
mod global_keys;
pub mod notifier;
pub mod tauri;

use crate::{events::WindowEvent, notices::Notice, tray::Tray};
use gateway_core::config::{settings::Theme, shortcut::Shortcuts};
use std::path::{Path, PathBuf};
use tokio::sync::oneshot;

/// A window beside the main one, in front of every other program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SmallWindow {
    /// For one question, with the keyboard.
    QuickChat,
    /// What is being said. It leaves the keyboard to whoever has it.
    Spoken,
}

/// The desktop as the controller uses it. No call waits for the screen.
pub trait Desktop: Send + Sync + 'static {
    /// Brings the window to the front, building it when there is none.
    fn show_window(&self);

    /// Takes the window down and gives back its memory; the app runs on.
    fn close_window(&self);

    /// Takes the window out of sight and keeps what it holds.
    fn hide_window(&self);

    /// Brings a small window to the front, building it when there is none.
    fn show_small(&self, which: SmallWindow);

    /// Takes that window down.
    fn close_small(&self, which: SmallWindow);

    /// Draws the tray icon, creating it when there is none.
    fn show_tray(&self, tray: &Tray);

    /// Tells the window something; without a window it is dropped, for a window asks for everything
    /// when it has loaded.
    fn send(&self, event: WindowEvent);

    /// Shows a notification; a click on it comes back as a request.
    fn notify(&self, notice: Notice);

    /// Has these keys work everywhere from now on, and no others; what the system says to that comes back
    /// as a request, and so does each press.
    fn want_keys(&self, keys: Shortcuts);

    /// Draws everything light or dark from now on.
    fn set_theme(&self, theme: Theme);

    /// Puts a text on the clipboard.
    fn copy(&self, text: String);

    /// Lets the user pick a file; answers `None` when the dialog was closed.
    fn choose_file(&self, reply: oneshot::Sender<Option<PathBuf>>);

    /// Shows a folder in the system's file browser, or says why that cannot be started.
    fn open_folder(&self, folder: &Path) -> Result<(), String>;

    /// Hands an address to the program that the system opens such with, or says why that cannot be
    /// started. Only [`links`](crate::controller) calls it, with what it has looked at.
    fn open_link(&self, address: &str) -> Result<(), String>;

    /// Says that the app can be used, once; `window` tells whether its window has loaded.
    fn ready(&self, window: bool);

    /// Lets a later start of the program take this one's place instead of handing over to it.
    fn leave(&self);

    /// Ends the process. Everything worth closing has been closed.
    fn exit(&self);
}
