//! A report for whoever helps: what this installation is and what happened to it, and nothing of
//! whose it is.
//!
//! [`report`] says what goes in, [`redactor`] takes out what must not, and [`archive`] makes one file
//! of it; [`timeline_file`] keeps events where a report finds them later. A [`Report`] is a value: what is shown of it and what is saved are the same bytes. It is made
//! on this computer, is sent nowhere, and is at most a megabyte.

pub mod archive;
pub mod redactor;
pub mod report;
pub mod timeline_file;

pub use redactor::{Kind, Redactor};
pub use report::{Facts, Report, ReportFile};
