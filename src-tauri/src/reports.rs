//! The report for whoever helps, put together and saved behind the controller's port.

use crate::{
    controller::{Known, ReportPort, problems::with_causes},
    surroundings::Surroundings,
    view_model::UiError,
};
use futures_util::future::BoxFuture;
use gateway_core::{
    config::machine,
    diagnostics::{Facts, Report, archive, report},
};
use jiff::{Timestamp, tz::TimeZone};
use std::{error::Error, io, path::PathBuf, sync::Arc};
use tauri::{AppHandle, Manager as _};
use tokio::task;

/// What the toolkit tells about the place the app runs in.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// The version of the web view.
    pub webview: Option<String>,
    /// Where the user looks for new files.
    pub downloads: Option<PathBuf>,
}

impl Around {
    /// Asks the toolkit.
    pub fn of(app: &AppHandle) -> Self {
        Self {
            webview: tauri::webview_version().ok(),
            downloads: app.path().download_dir().ok(),
        }
    }
}

/// Puts reports together from what the controller knows and what the logs hold.
#[derive(Debug, Clone)]
pub struct Reports {
    surroundings: Surroundings,
    around: Around,
}

impl Reports {
    /// Returns them for this installation.
    pub fn new(surroundings: Surroundings, around: Around) -> Self {
        Self {
            surroundings,
            around,
        }
    }

    fn report(&self, known: Known) -> io::Result<Report> {
        let places = &self.surroundings.places;
        let events = known.timeline.events().map(serde_json::to_value);
        let facts = Facts {
            made_at: Timestamp::now(),
            program: format!("openclaw-tray {}", env!("CARGO_PKG_VERSION")),
            system: machine::system(),
            webview: self.around.webview.clone(),
            keeping: known.keeping,
            settings: known.settings,
            settings_problem: known.settings_problem,
            connection: Some(known.connection),
            timeline: events.collect::<Result<_, _>>()?,
            check: known.check,
            log: report::app_log(places)?,
            gateway_log: report::gateway_log(places)?,
        };
        Ok(Report::of(&facts, &self.surroundings.environment))
    }

    fn folder(&self) -> PathBuf {
        let downloads = self
            .around
            .downloads
            .clone()
            .filter(|folder| folder.is_dir());
        downloads.unwrap_or_else(|| self.surroundings.places.reports())
    }
}

impl ReportPort for Reports {
    fn prepare(&self, known: Known) -> BoxFuture<'static, Result<Report, UiError>> {
        let this = self.clone();
        beside(move || {
            let report = this.report(known);
            report
                .map_err(|error| not_made("reportNotMade", "The report could not be made", &error))
        })
    }

    fn save(&self, report: Arc<Report>) -> BoxFuture<'static, Result<PathBuf, UiError>> {
        let folder = self.folder();
        beside(move || {
            let saved = archive::save_in(&report, &folder, Timestamp::now(), TimeZone::system());
            saved.map_err(|error| not_made("reportNotSaved", "The report was not saved", &error))
        })
    }
}

/// Does work that reads and computes on a thread of its own.
fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UiError> + Send + 'static,
) -> BoxFuture<'static, Result<T, UiError>> {
    let done = task::spawn_blocking(work);
    Box::pin(async move {
        let failed = |error| not_made("reportNotMade", "The report could not be made", &error);
        done.await.map_err(failed)?
    })
}

fn not_made(code: &str, what: &str, error: &dyn Error) -> UiError {
    UiError {
        code: code.to_owned(),
        message: format!("{what}: {}.", with_causes(error)),
        action: None,
    }
}
