//! The report: what is shown is what is saved.

use super::fakes::AskedOfReports;
use super::*;
use crate::view_model::{ReportView, SavedReportView};
use gateway_core::{
    config::{Environment, Platform},
    connection::timeline::Happening,
    credentials::Keeping,
    diagnostics::{Facts, Report},
};
use std::path::PathBuf;

fn report(log: &str) -> Report {
    let facts = Facts {
        made_at: "2026-11-24T02:30:00Z".parse().unwrap(),
        program: "a program".to_owned(),
        system: "a system".to_owned(),
        webview: None,
        keeping: Keeping::Keychain,
        settings: gateway_core::config::Settings::new(ProfileId::generate()),
        settings_problem: None,
        connection: None,
        timeline: Vec::new(),
        check: None,
        log: log.to_owned(),
        gateway_log: String::new(),
    };
    Report::of(
        &facts,
        &Environment::new([("", ""); 0], None, Platform::Xdg),
    )
}

/// Asks for a report, has it made, and returns what the window is shown.
async fn shown(fakes: &mut Fakes, made: Report) -> ReportView {
    let (reply, told) = oneshot::channel();
    fakes.tell(Request::PrepareReport { reply });
    let AskedOfReports::Prepare(known, done) = fakes.asked_of_reports().await else {
        panic!("something else is asked");
    };
    assert_eq!(known.timeline.last_number(), 1);
    assert_eq!(known.check, None);
    done.send(Ok(made)).unwrap();
    told.await.unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_was_shown_is_saved_and_its_folder_is_opened() {
    let mut fakes = Fakes::start();
    fakes.happened(Happening::Woke);
    let made = report("a line of the log\n");

    let view = shown(&mut fakes, made.clone()).await;
    let texts: Vec<&str> = view.files.iter().map(|file| file.text.as_str()).collect();
    let held: Vec<&str> = made.files().iter().map(|file| file.text.as_str()).collect();
    assert_eq!(texts, held);
    assert_eq!(view.bytes as usize, made.size());

    let (reply, told) = oneshot::channel();
    let number = view.number;
    fakes.tell(Request::SaveReport { number, reply });
    let AskedOfReports::Save(saved, done) = fakes.asked_of_reports().await else {
        panic!("something else is asked");
    };
    assert_eq!(*saved, made);
    done.send(Ok(PathBuf::from("/downloads/report.zip")))
        .unwrap();
    let path = "/downloads/report.zip".to_owned();
    assert_eq!(told.await.unwrap(), Ok(SavedReportView { path }));

    fakes
        .ask(|reply| Request::OpenReportFolder { reply })
        .await
        .unwrap();
    assert_eq!(fakes.desktop.folder().await, PathBuf::from("/downloads"));
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_no_longer_shown_is_not_saved() {
    let mut fakes = Fakes::start();
    fakes.happened(Happening::Woke);
    let first = shown(&mut fakes, report("one\n")).await.number;
    shown(&mut fakes, report("two\n")).await;

    let refused = fakes
        .ask(|reply| Request::SaveReport {
            number: first,
            reply,
        })
        .await;
    assert_eq!(refused.unwrap_err().code, "reportGone");
    let refused = fakes.ask(|reply| Request::OpenReportFolder { reply }).await;
    assert_eq!(refused.unwrap_err().code, "reportGone");
}
