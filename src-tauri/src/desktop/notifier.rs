//! Shows notifications, and hears of clicks on them.
//!
//! On Linux this is the freedesktop notification service on the session bus; one connection is kept
//! for all, because it is also where clicks are told. Elsewhere a library shows them.

use crate::{controller::ControllerHandle, notices::Notice};
use tokio::sync::mpsc;

#[cfg(target_os = "linux")]
#[path = "notifier/bus.rs"]
mod service;
#[cfg(not(target_os = "linux"))]
#[path = "notifier/library.rs"]
mod service;

/// Notifications that wait to be shown. Topics are few and rates low: more means a service that
/// does not answer, and then a notification is worth nothing.
const WAITING: usize = 8;

/// Hands notifications to the desktop; nobody waits for it.
#[derive(Debug)]
pub struct Notifier {
    notices: mpsc::Sender<Notice>,
}

impl Notifier {
    /// Starts what shows them; clicks go to `controller`.
    pub fn start(controller: ControllerHandle) -> Self {
        let (notices, inbox) = mpsc::channel(WAITING);
        tauri::async_runtime::spawn(service::run(inbox, controller));
        Self { notices }
    }

    /// Shows a notification, in the place of an older one about the same.
    pub fn show(&self, notice: Notice) {
        if let Err(refused) = self.notices.try_send(notice) {
            tracing::warn!(%refused, "a notification was dropped");
        }
    }
}
