//! The log file, and the standard error stream for whoever starts the app from a terminal.
//!
//! How much is written is a setting that takes effect at once. `OPENCLAW_TRAY_LOG` takes the usual
//! filter instead, such as `debug` or `gateway_core=trace`, and the setting then changes nothing. Of
//! libraries never more than `info` is written, and neither secrets nor the text of conversations ever.

use gateway_core::{
    bounded_file::BoundedFile,
    config::{LogLevel, private_file},
    diagnostics::report::APP_LOG,
    log_guard,
    server::logbook::Logbook,
};
use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    sync::Mutex,
};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, fmt, layer::SubscriberExt as _, reload,
    util::SubscriberInitExt as _,
};

const VARIABLE: &str = "OPENCLAW_TRAY_LOG";

/// Says how much is written to the log from now on.
pub struct LogSwitch {
    /// `None` where the variable has the say.
    switches: Option<[Switch; 2]>,
}

type Switch = Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>;

impl LogSwitch {
    /// Returns a switch that changes nothing.
    pub fn fixed() -> Self {
        Self { switches: None }
    }

    /// Returns whether the environment decides how much is written.
    pub fn is_fixed(&self) -> bool {
        self.switches.is_none()
    }

    /// Writes so much from now on.
    pub fn set(&self, level: LogLevel) {
        for switch in self.switches.iter().flatten() {
            if let Err(problem) = switch(EnvFilter::new(level.as_str())) {
                tracing::warn!(%problem, "how much is logged was not changed");
            }
        }
    }
}

/// Starts logging to a file, whose folder is made. `logbook` is the local gateway's own log, which
/// begins when that gateway does. With the switch comes why there is no log file, if there is none.
pub fn start(path: &Path, logbook: Logbook) -> (LogSwitch, io::Result<()>) {
    let (to_file, problem) = match open(path) {
        Ok(file) => (Some(file), Ok(())),
        Err(problem) => (None, Err(problem)),
    };
    let (file_filter, of_file) = switched();
    let (terminal_filter, of_terminal) = switched();
    tracing_subscriber::registry()
        .with(filter_fn(log_guard::may_be_written))
        .with(to_file.map(|file| {
            fmt::layer()
                .with_ansi(false)
                .with_writer(Mutex::new(file))
                .with_filter(file_filter)
        }))
        .with(
            fmt::layer()
                .with_ansi(io::stderr().is_terminal())
                .with_writer(io::stderr)
                .with_filter(terminal_filter),
        )
        .with(logbook.layer())
        .init();
    let switches: [Switch; 2] = [
        Box::new(move |filter| of_file.reload(filter)),
        Box::new(move |filter| of_terminal.reload(filter)),
    ];
    let switch = LogSwitch {
        switches: asked().is_none().then_some(switches),
    };
    (switch, problem)
}

/// Returns what the environment asks for.
fn asked() -> Option<EnvFilter> {
    EnvFilter::try_from_env(VARIABLE).ok()
}

/// Returns a filter, and what puts another in its place.
fn switched<S>() -> (reload::Layer<EnvFilter, S>, reload::Handle<EnvFilter, S>) {
    let usual = || EnvFilter::new(LogLevel::default().as_str());
    reload::Layer::new(asked().unwrap_or_else(usual))
}

fn open(path: &Path) -> io::Result<BoundedFile> {
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    private_file::make_folder(&folder).map_err(io::Error::other)?;
    BoundedFile::open(path.to_owned(), APP_LOG)
}
