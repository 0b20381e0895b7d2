//! The gateway's own records, kept in a bounded file that `logs.tail` reads.
//!
//! Secrets cannot come in: only records of this crate from `info` up are kept, and what is secret
//! has no way to be written in them (`credentials::secret`). A program that serves a gateway adds
//! [`Logbook::layer`] to its tracing subscriber, beside the layer the user reads; without it the file is
//! empty and `logs.tail` says so.

use crate::bounded_file::{self, BoundedFile, Bounds};
use crate::config::private_file::{self, PrivateFileError};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

const FOLDER: &str = "logs";
const FILE: &str = "gateway.jsonl";
const BOUNDS: Bounds = Bounds {
    largest: 2 * 1024 * 1024,
    older: 1,
};
/// How much of a record is kept, in characters.
const LONGEST_RECORD: usize = 4096;

/// Keeps the gateway's records in its state folder, from when [`Self::keep_in`] says where that is;
/// [`Self::layer`] brings them. Clones write to the same file. Filters of other layers must be theirs
/// alone and not global, or it sees no more than they let pass.
#[derive(Debug, Clone, Default)]
pub struct Logbook {
    book: Arc<Mutex<Option<BoundedFile>>>,
}

impl Logbook {
    /// Returns the layer for a tracing subscriber. Only what is kept reaches it, so that a detail
    /// nobody wants costs nothing where it is said.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        Writer(self.clone()).with_filter(filter_fn(is_kept))
    }

    /// Keeps records from now on, in the log of the gateway whose state is in this folder. The log
    /// is made where it is missing.
    ///
    /// # Errors
    ///
    /// Fails when the folder or the file cannot be made; nothing is kept then.
    pub fn keep_in(&self, state_dir: &Path) -> Result<(), PrivateFileError> {
        private_file::make_folder(state_dir)?;
        let folder = state_dir.join(FOLDER);
        private_file::make_folder(&folder)?;
        let path = folder.join(FILE);
        let book =
            BoundedFile::open(path.clone(), BOUNDS).map_err(|source| PrivateFileError::Io {
                path,
                doing: "opened",
                source,
            })?;
        *super::held(&self.book) = Some(book);
        Ok(())
    }

    /// A record that cannot be written is lost: there is nowhere to say so.
    fn write(&self, line: &str) -> Option<()> {
        let mut book = super::held(&self.book);
        book.as_mut()?.write_all(line.as_bytes()).ok()
    }
}

/// Returns the end of the log of the gateway whose state is in this folder, `most` bytes at most.
///
/// # Errors
///
/// Fails when there is a log and it cannot be read.
pub fn end_of_log(state_dir: &Path, most: u64) -> io::Result<String> {
    bounded_file::tail(&state_dir.join(FOLDER).join(FILE), BOUNDS, most)
}

/// Returns whether a record is kept.
fn is_kept(metadata: &Metadata<'_>) -> bool {
    let is_ours = metadata.target().split("::").next() == Some("gateway_core");
    is_ours && *metadata.level() <= Level::INFO
}

/// Writes every record it is given.
#[derive(Debug)]
struct Writer(Logbook);

impl<S: Subscriber> Layer<S> for Writer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut words = Words::default();
        event.record(&mut words);
        let line = line(
            Timestamp::now(),
            *metadata.level(),
            metadata.target(),
            words,
        );
        // Lost where the disk refuses; see there.
        self.0.write(&line).unwrap_or_default();
    }
}

/// Returns a record as a line, in the members the official programs read.
fn line(now: Timestamp, level: Level, target: &str, words: Words) -> String {
    let text: String = (words.message + &words.fields)
        .chars()
        .take(LONGEST_RECORD)
        .collect();
    let time = now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let subsystem = json!({"subsystem": target.replace("::", "/")}).to_string();
    let record = json!({
        "0": subsystem, "1": text,
        "_meta": {
            "date": time, "logLevelId": level_id(level), "logLevelName": level.as_str(),
            "name": subsystem,
        },
        "time": time, "message": text,
    });
    format!("{record}\n")
}

/// The official log's number of a level.
fn level_id(level: Level) -> u8 {
    match level {
        Level::ERROR => 5,
        Level::WARN => 4,
        Level::INFO => 3,
        Level::DEBUG => 2,
        Level::TRACE => 1,
    }
}

/// What a record says: its message, and ` name=value` for each field.
#[derive(Debug, Default)]
struct Words {
    message: String,
    fields: String,
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format_args!("{value:?}"));
    }
}

impl Words {
    fn put(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing to a String fails only if the value does; what came so far is kept.
        if field.name() == "message" {
            write!(self.message, "{value}").unwrap_or_default();
        } else {
            write!(self.fields, " {}={value}", field.name()).unwrap_or_default();
        }
    }
}

/// What to read of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TailQuery {
    /// Where the last answer ended.
    pub(super) cursor: Option<u64>,
    /// How many lines at most.
    pub(super) limit: usize,
    /// How many bytes of the file at most.
    pub(super) max_bytes: u64,
}

/// Returns the end of the log of a gateway, as `logs.tail` answers.
///
/// # Errors
///
/// Fails when there is a log and it cannot be read.
pub(super) fn tail(state_dir: &Path, query: TailQuery) -> io::Result<Value> {
    let path = state_dir.join(FOLDER).join(FILE);
    let mut file = match File::open(&path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let size = match &file {
        Some(file) => file.metadata()?.len(),
        None => 0,
    };
    // A cursor beyond the end is of the file before this one.
    let reset = query.cursor.is_some_and(|cursor| cursor > size);
    let wanted = query.cursor.filter(|_| !reset).unwrap_or(0);
    let start = wanted.max(size.saturating_sub(query.max_bytes));
    let mut truncated = start > wanted;
    let mut text = String::new();
    if let Some(file) = &mut file {
        // One byte earlier tells whether a line begins at the start.
        let from = start.saturating_sub(1);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(size - from).read_to_end(&mut bytes)?;
        text = String::from_utf8_lossy(&bytes).into_owned();
        if start > 0 {
            let whole = text.find('\n').map_or(text.len(), |end| end + 1);
            text.drain(..whole);
        }
    }
    let mut lines: Vec<&str> = text.lines().collect();
    if lines.len() > query.limit {
        truncated = true;
        lines.drain(..lines.len() - query.limit);
    }
    Ok(json!({
        "file": path.display().to_string(), "cursor": size, "size": size, "lines": lines,
        "truncated": truncated, "reset": reset,
    }))
}

#[cfg(test)]
mod tests;
