//! The report for whoever helps: prepared, shown, and saved as it was shown.

use super::{Controller, Outcome, Reply, ports::Known, respond};
use crate::view_model::{ReportView, SavedReportView, UiError};
use gateway_core::diagnostics::Report;
use std::{path::PathBuf, sync::Arc};

/// The report that the window shows, and where the last one was saved.
#[derive(Default)]
pub(super) struct ShownReport {
    number: u32,
    report: Option<Arc<Report>>,
    saved: Option<PathBuf>,
}

impl ShownReport {
    /// Gives back what a window held that is gone.
    pub(super) fn forget(&mut self) {
        self.report = None;
    }
}

impl Controller {
    pub(super) fn prepare_report(&mut self, reply: Reply<ReportView, UiError>) {
        let has_run = self.check.finished_at_ms.is_some();
        let check = has_run.then(|| serde_json::to_value(&self.check).ok());
        let known = Known {
            settings: self.settings.all().clone(),
            settings_problem: self.settings.file_problem().cloned(),
            keeping: self.settings.store().keeping(),
            connection: self.connection.snapshots.borrow().clone(),
            timeline: self.connection.timeline.borrow().clone(),
            check: check.flatten(),
        };
        let preparing = self.reports.prepare(known);
        self.work.spawn(async move {
            let result = preparing.await;
            Outcome::ReportPrepared { result, reply }
        });
    }

    pub(super) fn report_prepared(
        &mut self,
        result: Result<Report, UiError>,
        reply: Reply<ReportView, UiError>,
    ) {
        let shown = result.map(|report| {
            self.report.number += 1;
            let view = ReportView::of(self.report.number, &report);
            self.report.report = Some(Arc::new(report));
            view
        });
        respond(reply, shown);
    }

    pub(super) fn save_report(&mut self, number: u32, reply: Reply<SavedReportView, UiError>) {
        let shown = self.report.report.clone();
        let Some(report) = shown.filter(|_| number == self.report.number) else {
            respond(reply, Err(no_longer_shown()));
            return;
        };
        let saving = self.reports.save(report);
        self.work.spawn(async move {
            let result = saving.await;
            Outcome::ReportSaved { result, reply }
        });
    }

    pub(super) fn report_saved(
        &mut self,
        result: Result<PathBuf, UiError>,
        reply: Reply<SavedReportView, UiError>,
    ) {
        let saved = result.map(|path| {
            let view = SavedReportView {
                path: path.display().to_string(),
            };
            self.report.saved = Some(path);
            view
        });
        respond(reply, saved);
    }

    pub(super) fn open_report_folder(&self, reply: Reply<(), UiError>) {
        let folder = self.report.saved.as_ref().and_then(|path| path.parent());
        let opened = match folder {
            Some(folder) => self.desktop.open_folder(folder).map_err(|why| UiError {
                code: "folderNotOpened".to_owned(),
                message: format!("No program could be started that shows folders: {why}."),
                action: None,
            }),
            None => Err(no_longer_shown()),
        };
        respond(reply, opened);
    }
}

/// Says that a window asks about a report that is not the latest.
fn no_longer_shown() -> UiError {
    UiError {
        code: "reportGone".to_owned(),
        message: "This report is no longer there. Make a new one.".to_owned(),
        action: None,
    }
}
