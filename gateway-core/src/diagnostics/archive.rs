//! A report as one file: a ZIP archive that its owner alone can read.

use super::report::Report;
use crate::config::private_file::{self, PrivateFileError};
use jiff::{Timestamp, tz::TimeZone};
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// So many reports of one second are told apart.
const SAME_SECOND: u32 = 100;

/// Why a report was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveReportError {
    /// The archive could not be put together.
    #[error("the report could not be put together")]
    Archive(#[from] ZipError),
    /// The file could not be written.
    #[error("the report was not saved")]
    File(#[from] PrivateFileError),
    /// The name is taken.
    #[error("{path} exists already; choose another name")]
    Exists {
        /// The file that is there.
        path: PathBuf,
    },
}

/// Returns a report as a ZIP archive; the same report gives the same bytes.
///
/// # Errors
///
/// Fails only where memory does.
pub fn archive(report: &Report) -> Result<Vec<u8>, SaveReportError> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .unix_permissions(0o600);
    for file in report.files() {
        archive.start_file(file.name, options)?;
        archive
            .write_all(file.text.as_bytes())
            .map_err(ZipError::Io)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Saves a report under a name nothing has yet.
///
/// # Errors
///
/// Fails when the name is taken or the file cannot be written; nothing is replaced.
pub fn save_as(report: &Report, path: &Path) -> Result<(), SaveReportError> {
    match private_file::create(path, archive(report)?)? {
        true => Ok(()),
        false => Err(SaveReportError::Exists {
            path: path.to_owned(),
        }),
    }
}

/// Saves a report in a folder under a name with the time in it, and returns where.
///
/// # Errors
///
/// Fails when the file cannot be written.
pub fn save_in(
    report: &Report,
    folder: &Path,
    now: Timestamp,
    zone: TimeZone,
) -> Result<PathBuf, SaveReportError> {
    let bytes = archive(report)?;
    let time = now.to_zoned(zone).strftime("%Y-%m-%d-%H%M%S").to_string();
    let mut path = folder.join(format!("openclaw-report-{time}.zip"));
    for number in 2..=SAME_SECOND {
        if private_file::create(&path, &bytes)? {
            return Ok(path);
        }
        path = folder.join(format!("openclaw-report-{time}-{number}.zip"));
    }
    Err(SaveReportError::Exists { path })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use zip::ZipArchive;

    fn report(log: &str) -> Report {
        Report::of_texts([
            ("about.json", "{}\n".to_owned()),
            ("log.txt", log.to_owned()),
        ])
    }

    fn read(bytes: Vec<u8>) -> Vec<(String, String)> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
        (0..archive.len())
            .map(|index| {
                let mut file = archive.by_index(index).unwrap();
                let mut text = String::new();
                file.read_to_string(&mut text).unwrap();
                (file.name().to_owned(), text)
            })
            .collect()
    }

    #[test]
    fn what_is_saved_is_what_the_report_holds_byte_by_byte() {
        let report = report("a line\r\næøå 😀\n");

        let saved = read(archive(&report).unwrap());

        let held: Vec<(String, String)> = report
            .files()
            .iter()
            .map(|file| (file.name.to_owned(), file.text.clone()))
            .collect();
        assert_eq!(saved, held);
        assert_eq!(archive(&report).unwrap(), archive(&report).unwrap());
    }

    #[test]
    fn two_reports_of_one_second_do_not_replace_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let save = |text| {
            save_in(
                &report(text),
                folder.path(),
                Timestamp::UNIX_EPOCH,
                TimeZone::UTC,
            )
            .unwrap()
        };

        let (first, second) = (save("one"), save("two"));

        assert!(
            first.ends_with("openclaw-report-1970-01-01-000000.zip"),
            "{first:?}"
        );
        assert!(
            second.ends_with("openclaw-report-1970-01-01-000000-2.zip"),
            "{second:?}"
        );
        assert_eq!(read(std::fs::read(first).unwrap())[1].1, "one");
        let taken = save_as(&report("three"), &second).unwrap_err();
        assert!(matches!(taken, SaveReportError::Exists { .. }), "{taken}");
        assert_eq!(read(std::fs::read(second).unwrap())[1].1, "two");
    }

    #[cfg(unix)]
    #[test]
    fn a_saved_report_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.zip");

        save_as(&report("one"), &path).unwrap();

        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
