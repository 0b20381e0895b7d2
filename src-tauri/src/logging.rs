//! The log file, and the standard error stream for whoever starts the app from a terminal.
//!
//! `OPENCLAW_TRAY_LOG` takes the usual filter, such as `debug` or `gateway_core=trace`; without it
//! `info` is written, and of libraries never more than `info`. Neither secrets nor the text of conversations are ever logged.

use gateway_core::{log_guard, server::logbook::Logbook};
use std::{
    fs::{self, OpenOptions},
    io::{self, IsTerminal as _},
    path::Path,
    sync::Mutex,
};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, fmt, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

const VARIABLE: &str = "OPENCLAW_TRAY_LOG";
const FILE: &str = "openclaw-tray.log";
const PREVIOUS: &str = "openclaw-tray.log.1";

/// A log beyond this is set aside at the next start: a few weeks at `info`.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Starts logging into a folder, which is created. `logbook` is the local gateway's own log, which
/// begins when that gateway does.
///
/// # Errors
///
/// Fails when the folder or the file cannot be written; the app then runs without a log file.
pub fn start(folder: &Path, logbook: Logbook) -> io::Result<()> {
    let file = open(folder);
    let filter = || EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let (to_file, problem) = match file {
        Ok(file) => (
            Some(
                fmt::layer()
                    .with_ansi(false)
                    .with_writer(Mutex::new(file))
                    .with_filter(filter()),
            ),
            None,
        ),
        Err(problem) => (None, Some(problem)),
    };
    tracing_subscriber::registry()
        .with(filter_fn(log_guard::may_be_written))
        .with(to_file)
        .with(
            fmt::layer()
                .with_ansi(io::stderr().is_terminal())
                .with_writer(io::stderr)
                .with_filter(filter()),
        )
        .with(logbook.layer())
        .init();
    problem.map_or(Ok(()), Err)
}

fn open(folder: &Path) -> io::Result<fs::File> {
    fs::create_dir_all(folder)?;
    let path = folder.join(FILE);
    if fs::metadata(&path).is_ok_and(|data| data.len() > LARGEST) {
        fs::rename(&path, folder.join(PREVIOUS))?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_log_that_grew_large_is_set_aside_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        fs::write(&path, vec![b'x'; LARGEST as usize + 1]).unwrap();

        open(folder.path()).unwrap().write_all(b"new").unwrap();

        assert_eq!(fs::read(&path).unwrap(), b"new");
        let set_aside = fs::metadata(folder.path().join(PREVIOUS)).unwrap();
        assert_eq!(set_aside.len(), LARGEST + 1);
    }
}
