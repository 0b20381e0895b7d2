//! The end of the gateway's log: over the gateway while one answers, else from the server's own files.
//!
//! Nothing of it is kept or written to a log of ours.

use super::files::{EntryKind, FilesError, ServerFiles};
use super::gateway_files::{self, GatewayFiles};
use crate::config::openclaw_json::elsewhere;
use crate::connection::access::GatewayAccess;
use crate::connection::explain;
use crate::connection::problem::Problem;
use crate::connection::route::Failure;
use crate::connection::ssh_server::SshServer;
use crate::protocol::method::health::{LogsTailParams, LogsTailPayload};
use crate::tunnel::printable_lines;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// How much of it is shown.
pub const SHOWN: usize = 64 * 1024;

/// How many of its records are asked for over the gateway.
const RECORDS: u32 = 1000;

/// How long reading the files may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What a log may grow by while it is read.
const GROWTH: usize = 1024 * 1024;

/// Where the gateway logs, where its config says nothing: a file for each day. The folder with the account's
/// number is used where the other is somebody else's.
const FOLDER: &str = "/tmp/openclaw";

/// How many names in such a folder are looked at.
const MOST_NAMES: usize = 2000;

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEnd {
    /// The file on the server.
    pub file: String,
    /// Its last lines.
    pub text: String,
}

/// Why a log was not read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The server was not reached.
    #[error("the server was not reached")]
    NotReached(Box<Failure>),
    /// The file could not be read.
    #[error("the gateway's log was not read")]
    Files(#[from] FilesError),
    /// There is none.
    #[error(
        "there is no log of a gateway on the server: {looked_at} was looked at; one that runs in a \
         container keeps its log there"
    )]
    None {
        /// Where it would be.
        looked_at: String,
    },
    /// It is not ours to read.
    #[error("{path} on the server is no log of this account's gateway, so it was not read")]
    NotOurs {
        /// Where.
        path: String,
    },
}

/// Returns what to ask the gateway itself.
pub fn params() -> LogsTailParams {
    LogsTailParams {
        limit: Some(RECORDS),
        max_bytes: Some(SHOWN as u32),
        ..LogsTailParams::default()
    }
}

/// Returns what the gateway itself told.
pub fn told(payload: &LogsTailPayload) -> LogEnd {
    LogEnd {
        file: printable_lines(&payload.file),
        text: in_words(payload.lines.iter().map(String::as_str)),
    }
}

/// Reads the end of the gateway's log in the server's own files.
///
/// # Errors
/// A [`LogError`].
pub async fn read(server: &SshServer, access: &dyn GatewayAccess) -> Result<LogEnd, LogError> {
    read_usually_in(FOLDER, server, access).await
}

/// As [`read`], on a server whose gateways log in this folder where their config says nothing.
///
/// # Errors
/// As [`read`].
pub async fn read_usually_in(
    folder: &str,
    server: &SshServer,
    access: &dyn GatewayAccess,
) -> Result<LogEnd, LogError> {
    let reached = server.reach(access).await;
    let tunnel = reached.map_err(|failure| LogError::NotReached(Box::new(failure)))?;
    let reading = async {
        let files = ServerFiles::open(&tunnel).await?;
        end_of_log(folder, &files).await
    };
    let done = timeout(LIMIT, reading).await;
    done.unwrap_or(Err(FilesError::Timeout.into()))
}

async fn end_of_log(folder: &str, files: &ServerFiles) -> Result<LogEnd, LogError> {
    let gateway = GatewayFiles::read(files).await?;
    let (environment, path) = (&gateway.environment, gateway.config_path);
    let named = gateway
        .config
        .and_then(|config| elsewhere::log_file(environment, path, config.as_str().to_owned()));
    let file = match named {
        Some(file) => gateway_files::path(&file)?.to_owned(),
        None => usual(folder, files).await?,
    };
    let Some(entry) = files.look(&file).await? else {
        return Err(LogError::None { looked_at: file });
    };
    if entry.kind != EntryKind::File {
        return Err(LogError::NotOurs { path: file });
    }
    let start = entry.size.saturating_sub(SHOWN as u64);
    let bytes = files.read_from(&file, start, SHOWN + GROWTH).await?;
    let text = String::from_utf8_lossy(bytes.as_deref().map_or(&[], Vec::as_slice)).into_owned();
    // Where it was cut is the middle of a record.
    let whole = match start {
        0 => &*text,
        _ => text.split_once('\n').map_or("", |(_, rest)| rest),
    };
    Ok(LogEnd {
        text: in_words(whole.lines()),
        file,
    })
}

/// Finds the latest day's file where the gateway logs of itself. Everybody can write to `/tmp`, so the folder
/// must be the account's own.
async fn usual(usual: &str, files: &ServerFiles) -> Result<String, LogError> {
    let home = files.look(files.in_home("").trim_end_matches('/')).await?;
    let owner = home.and_then(|home| home.owner);
    let own = owner.map(|owner| format!("{usual}-{owner}"));
    for folder in [Some(usual.to_owned()), own].into_iter().flatten() {
        let Some(entry) = files.look(&folder).await? else {
            continue;
        };
        if entry.kind != EntryKind::Folder || entry.owner != owner {
            continue;
        }
        let names = files.names(&folder, MOST_NAMES).await?.unwrap_or_default();
        // The days sort as their names do.
        if let Some(latest) = names.iter().filter(|name| is_of_a_day(name)).max() {
            return Ok(format!("{folder}/{latest}"));
        }
    }
    Err(LogError::None {
        looked_at: format!("{usual}/openclaw-<day>.log"),
    })
}

/// Whether a name is `openclaw-YYYY-MM-DD.log`.
fn is_of_a_day(name: &str) -> bool {
    let day = name
        .strip_prefix("openclaw-")
        .and_then(|name| name.strip_suffix(".log"));
    day.is_some_and(|day| {
        day.len() == 10
            && day.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    })
}

/// Writes records as lines that people read: when, how grave, from where, what.
fn in_words<'a>(records: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<String> = records
        .filter(|record| !record.trim().is_empty())
        .map(|record| printable_lines(&line(record).unwrap_or_else(|| record.to_owned())))
        .collect();
    lines.join("\n")
}

/// Returns a record as one line; `None` where it is no record.
fn line(record: &str) -> Option<String> {
    let record: Value = serde_json::from_str(record).ok()?;
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
    let what = text("/message")
        .or_else(|| text("/1"))
        .or_else(|| text("/0"))?;
    let name: Option<Value> = text("/_meta/name").and_then(|name| serde_json::from_str(name).ok());
    let from = name.as_ref().and_then(|name| name["subsystem"].as_str());
    let parts = [text("/time"), text("/_meta/logLevelName"), from, Some(what)];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    Some(parts.join("  "))
}

/// Says why in the words for people.
pub fn problem(error: &LogError) -> Problem {
    let code = match error {
        LogError::NotReached(failure) => return failure.problem.clone(),
        LogError::Files(error) => error.code(),
        LogError::None { .. } => "logNotFound",
        LogError::NotOurs { .. } => "serverFileNotOurs",
    };
    Problem::without_action(code, explain::told(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_lines_and_what_is_none_stays_as_it_is() {
        let record = r#"{"0":"{\"subsystem\":\"gateway/ws\"}","1":"res \u001b[31mok","_meta":{"logLevelName":"INFO","name":"{\"subsystem\":\"gateway/ws\"}"},"time":"2026-11-22T09:01:09.310+00:00","message":"res \u001b[31mok"}"#;
        let records = [
            record,
            "",
            "Error: no\u{1b}[0m",
            r#"{"0":"bare"}"#,
            "{\"cut\":",
        ];

        let text = in_words(records.into_iter());

        assert_eq!(
            text,
            "2026-11-22T09:01:09.310+00:00  INFO  gateway/ws  res ok\nError: no\nbare\n{\"cut\":"
        );
    }

    #[test]
    fn only_the_files_of_a_day_count() {
        assert!(is_of_a_day("openclaw-2026-11-22.log"));
        for name in [
            "openclaw-2026-11-22.1.log",
            "openclaw-dev-2026-11-22.log",
            "openclaw-2026-11-2æ.log",
            "openclaw-..-..-..-.log",
            "other.log",
        ] {
            assert!(!is_of_a_day(name), "{name}");
        }
    }
}
