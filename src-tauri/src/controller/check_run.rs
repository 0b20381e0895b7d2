//! "Check my server": one run at a time, shown as it goes.

use super::{CheckNews, Controller, Next, check_view, now_ms};
use crate::events::WindowEvent;
use tokio::sync::mpsc;

impl Controller {
    pub(super) fn run_check(&mut self) {
        if self.check_run.is_some() {
            return;
        }
        self.check = check_view::started();
        self.check_run = Some(self.checks.run(self.settings.profile()));
        self.send_check();
    }

    pub(super) fn cancel_check(&mut self) {
        // Dropping the receiver stops the run.
        if self.check_run.take().is_some() {
            check_view::cancelled(&mut self.check);
            self.send_check();
            self.repair_may_be_done();
        }
    }

    pub(super) fn check_news(&mut self, news: Option<CheckNews>) -> Next {
        if let Some(CheckNews::PairingRequired(request)) = &news {
            self.repairing.pairing_required(request.clone());
        }
        if !check_view::take(&mut self.check, news, now_ms()) {
            self.check_run = None;
        }
        self.send_check();
        self.repair_may_be_done();
        Next::Continue
    }

    pub(super) fn send_check(&self) {
        self.desktop.send(WindowEvent::Check(self.check.clone()));
    }
}

/// Waits for the next step of a check, for ever while none runs; `None` when the run has ended.
pub(super) async fn next_news(run: Option<&mut mpsc::Receiver<CheckNews>>) -> Option<CheckNews> {
    match run {
        Some(run) => run.recv().await,
        None => std::future::pending().await,
    }
}
