//! Notifications of Windows and macOS. A click on one leads nowhere here.

use crate::{controller::ControllerHandle, notices::Notice};
use tokio::{sync::mpsc, task::spawn_blocking};

/// Shows what comes until nobody is left who could send anything.
pub(super) async fn run(mut notices: mpsc::Receiver<Notice>, _: ControllerHandle) {
    while let Some(notice) = notices.recv().await {
        // The system is waited for, which a runtime's thread must not.
        let shown = spawn_blocking(move || {
            notify_rust::Notification::new()
                .appname("OpenClaw Tray")
                .summary(&notice.title)
                .body(&notice.body)
                .show()
                .map(drop)
        });
        if let Ok(Err(problem)) = shown.await {
            // The window and the tray say the same.
            tracing::info!(%problem, "no notification could be shown");
        }
    }
}
