//! `openclaw diagnose`: the report for whoever helps, without a window.
//!
//! What is printed is what is in it. No app is asked: the events are those that the app wrote down, and
//! what only a running one knows is said to be unknown.

use crate::args::DiagnoseArgs;
use crate::output::{self, Exit, Stop};
use gateway_core::config::{Environment, Places, SettingsFile, machine};
use gateway_core::credentials::{self, Keeping};
use gateway_core::diagnostics::archive::{self, SaveReportError};
use gateway_core::diagnostics::report::{self, Facts, Report};
use gateway_core::diagnostics::timeline_file;
use serde_json::json;
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// What a keychain may take to say whether it is there.
const KEYCHAIN: Duration = Duration::from_secs(3);

/// Runs the command.
pub(crate) async fn run(args: DiagnoseArgs, environment: &Environment) -> Result<Exit, Stop> {
    let places =
        Places::find(environment).map_err(|error| Stop::because(Exit::Configuration, &error))?;
    let mut file = SettingsFile::new(places.settings_file());
    let settings_problem = file.load().err();
    let keeping = match timeout(KEYCHAIN, credentials::open_store()).await {
        Ok(store) => store.keeping(),
        Err(_) => Keeping::SessionOnly {
            reason: "the keychain did not answer".to_owned(),
        },
    };
    let unreadable = |error: io::Error| Stop::because(Exit::Failed, &error);
    let facts = Facts {
        made_at: jiff::Timestamp::now(),
        program: format!("openclaw {}", env!("CARGO_PKG_VERSION")),
        system: machine::system(),
        webview: None,
        keeping,
        settings: file.settings().clone(),
        settings_problem,
        connection: None,
        timeline: timeline_file::read(&places.timeline()).map_err(unreadable)?,
        check: None,
        log: report::app_log(&places).map_err(unreadable)?,
        gateway_log: report::gateway_log(&places).map_err(unreadable)?,
    };
    let report = Report::of(&facts, environment);
    if let Some(path) = &args.output {
        archive::save_as(&report, path).map_err(|error| match error {
            SaveReportError::Exists { .. } => Stop::because(Exit::Usage, &error),
            SaveReportError::Archive(_) | SaveReportError::File(_) => {
                Stop::because(Exit::Failed, &error)
            }
        })?;
    }
    if args.json {
        let files: Vec<_> = report
            .files()
            .iter()
            .map(|file| json!({"name": file.name, "bytes": file.text.len(), "text": file.text}))
            .collect();
        output::json(&json!({"files": files, "savedTo": args.output}));
        return Ok(Exit::Well);
    }
    match &args.output {
        Some(path) => {
            for file in report.files() {
                output::line(format_args!("{:>8}  {}", file.text.len(), file.name));
            }
            output::line(format_args!("Saved as {}.", path.display()));
        }
        None => {
            for file in report.files() {
                output::line(format_args!("== {}\n{}", file.name, file.text));
            }
            output::remark("Nothing was saved; --output report.zip does.");
        }
    }
    Ok(Exit::Well)
}
