//! Whether anything shows tray icons here.
//!
//! macOS and Windows always do. On Linux a program must offer it on the session bus, and it may
//! come late or go: closing the window may keep the app running only while there is one.

#[cfg(target_os = "linux")]
#[path = "tray_host/status_notifier.rs"]
mod system;

#[cfg(not(target_os = "linux"))]
#[path = "tray_host/always.rs"]
mod system;

pub use system::watch;
