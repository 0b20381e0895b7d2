//! The report for whoever helps, as it crosses to the window.

use gateway_core::diagnostics::Report;
use serde::Serialize;
use specta::Type;

/// A report before it is saved: what is shown here is what is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ReportView {
    /// Names the report when it is to be saved.
    pub number: u32,
    /// Its files, in order.
    pub files: Vec<ReportFileView>,
    /// How much text that is, in bytes.
    pub bytes: u32,
}

/// One file of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct ReportFileView {
    /// Its name in the archive.
    pub name: String,
    /// All of its text.
    pub text: String,
    /// How much that is, in bytes.
    pub bytes: u32,
}

impl ReportView {
    /// Returns a report as shown.
    pub fn of(number: u32, report: &Report) -> Self {
        // A report is bounded far below what fits.
        let bytes = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let files = report.files().iter().map(|file| ReportFileView {
            name: file.name.to_owned(),
            text: file.text.clone(),
            bytes: bytes(file.text.len()),
        });
        Self {
            number,
            files: files.collect(),
            bytes: bytes(report.size()),
        }
    }
}

/// A report that was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct SavedReportView {
    /// The file.
    pub path: String,
}
